/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DN: names of entries as they are compared, and what stands in their first part (RFC 4514). */

#ifndef BACKEND_DN_H
#define BACKEND_DN_H

#include <stddef.h>

#define DN_BYTES_MAX 4096

/* Writes dn so that equal names are equal texts: case folded, blanks that don't count left out, characters
 * escaped in one way. Returns the bytes, or -EINVAL if it is not a DN or too long. */
int dn_canonical(const char *dn, size_t bytes, char ret[DN_BYTES_MAX]);

/* The value of that attribute in the first part. Returns 1, 0 if it has none, or -EINVAL. */
int dn_first_value(const char *dn, size_t bytes, const char *attribute, char ret[DN_BYTES_MAX]);

#endif
