/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8: is a text valid, and what is it in lower case. The same in every locale. */

#ifndef CACHE_UTF8_H
#define CACHE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Valid as RFC 3629 says: shortest forms only, no surrogates. A zero byte is not valid in a text of ours. */
bool utf8_is_valid(const char *text, size_t bytes);

/* Writes text in lower case and a zero. Returns the bytes written without the zero, -EINVAL if text is not
 * valid, or -ENAMETOOLONG if it does not fit into ret_size: lower case can be longer. */
int utf8_lower(const char *text, size_t bytes, char *ret, size_t ret_size);

#endif
