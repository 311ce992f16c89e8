/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why: the sentence that goes with a failure. */

#ifndef UTIL_WHY_H
#define UTIL_WHY_H

/* Returns r with the sentence in *ret_why, the caller's to free; or -ENOMEM with NULL in it. */
__attribute__((format(printf, 3, 4))) int say_why(int r, char **ret_why, const char *format, ...);

#endif
