/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why: the sentence that goes with a failure. */

#ifndef LIB_WHY_H
#define LIB_WHY_H

/* Puts the sentence into *ret_why, the caller's to free, and returns r; without memory *ret_why is NULL, and r alone has
 * to do. */
__attribute__((format(printf, 3, 4))) int say_why(int r, char **ret_why, const char *format, ...);
/* The same with "cannot WHAT PATH: " and what the error means. */
int say_cannot(int r, char **ret_why, const char *what, const char *path);

#endif
