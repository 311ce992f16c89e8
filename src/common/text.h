/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text: numbers and lists written by people. */

#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_BLANKS " \t\r\n\f\v"

/* Reads a whole text as a number of that base (10, 16; 0: 0x... is hexadecimal), without sign or
 * blanks. -EINVAL: it is none; -ERANGE: it is above max. Then *ret is left alone. */
int text_to_u64(const char *text, int base, uint64_t max, uint64_t *ret);

/* Reads a whole text as a time in microseconds: seconds, or a number with ms, s, min or h. -EINVAL: it
 * is none, or above 2^32 seconds; then *ret is left alone. */
int text_to_usec(const char *text, uint64_t *ret);

/* The text without the blanks around it; it is not ended. */
const char *text_trim(const char *text, size_t *ret_bytes);

/* The items between commas without blanks around them; empty ones do not count. One allocation that
 * ends with NULL, the caller's to free. NULL: no memory. */
char **text_list(const char *text);

#endif
