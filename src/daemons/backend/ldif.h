/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LDIF: reads the entries of a file (RFC 2849), and nothing else: values that stand elsewhere (URLs) and other
 * files (include) are refused.
 *
 * Not libldap's reader: it follows both, and costs each process that links it 3 MB and 2 ms. */

#ifndef BACKEND_LDIF_H
#define BACKEND_LDIF_H

#include <stddef.h>

#define LDIF_FILE_BYTES_MAX ((size_t) 1 << 30)

struct ldif {
    char *text; /* the file; values are made of it in place and live as long */
    char *next, *end;
    unsigned long line; /* of next */
    struct ldif_attribute *attributes;
    size_t n_attributes_max;
    const char *why; /* after -EBADMSG: what is wrong, in line bad_line */
    unsigned long bad_line;
};

/* Texts end with a zero behind their bytes, and binary values may have others within. */
struct ldif_attribute {
    const char *name; /* as it is written, with its options */
    const char *value;
    size_t bytes;
};

struct ldif_entry {
    unsigned long line;
    const char *dn;
    size_t dn_bytes;
    const struct ldif_attribute *attributes; /* until the next entry is read */
    size_t n_attributes;
};

/* Takes the file's text: malloc'ed, with room for one byte behind it. */
void ldif_init(struct ldif *ldif, char *text, size_t bytes);
void ldif_done(struct ldif *ldif);

/* Returns 1, 0 at the end, -EBADMSG if the file is broken, or -ENOMEM. */
int ldif_next(struct ldif *ldif, struct ldif_entry *ret);

#endif
