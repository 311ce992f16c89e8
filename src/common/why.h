/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why: the sentence that goes with a failure. */

#ifndef COMMON_WHY_H
#define COMMON_WHY_H

/* Returns r with the sentence in *ret_why, the caller's to free; or -ENOMEM with NULL in it. */
__attribute__((format(printf, 3, 4))) int say_why(int r, char **ret_why, const char *format, ...);
/* The same with "cannot WHAT PATH: " and what the error means. */
int say_cannot(int r, char **ret_why, const char *what, const char *path);

#endif
