/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mapping: which entry of LDAP is which user, group, netgroup or service (RFC 2307), and which is none. */

#ifndef BACKEND_MAPPING_H
#define BACKEND_MAPPING_H

struct directory;
struct ldif_entry;

/* Adds the entry to the directory, which points to its texts. One that is not right is left out with a line in
 * the log; of two with the same name or id the second. Returns 0 or a negative errno: then no further one can be
 * added. */
int mapping_add(struct directory *directory, const struct ldif_entry *entry, const char *file);

#endif
