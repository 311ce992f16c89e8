/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values: what the text of an option means. */

#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each returns 0, or -EINVAL and leaves *ret alone. */
int value_parse_bool(const char *text, bool *ret); /* true, false */
int value_parse_u32(const char *text, uint32_t *ret); /* 0x... is hexadecimal */

#endif
