/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text: numbers written by people. */

#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdint.h>

/* Reads a whole text as a number of that base (10, 16; 0: 0x... is hexadecimal), without sign or blanks. -EINVAL: it is
 * none; -ERANGE: it is above max. Then *ret is left alone. */
int text_to_u64(const char *text, int base, uint64_t max, uint64_t *ret);

#endif
