/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files: which LDIF files a domain has, and whether they are those that were read. */

#ifndef BACKEND_FILES_H
#define BACKEND_FILES_H

#include <stddef.h>
#include <stdint.h>

#define FILES_MARK_BYTES 64

struct config;
struct items;

struct file {
    char *path;  /* by which it is opened */
    char *shown; /* by which the administrator knows it */
};

struct files {
    struct file *all; /* in the order in which they are read */
    size_t n, n_max;
    uint64_t changed_nsec; /* CLOCK_REALTIME of the latest change */
    /* The same as long as nothing has changed: the files, and the options that say what is taken from them. */
    char mark[FILES_MARK_BYTES];
    char *failed_path;
};

/* Looks at the domain's ldif_files: files, and folders of *.ldif in the order of their names. Returns 0 or a
 * negative errno: then failed_path cannot be read (NULL: no memory). To be released in either case. */
int files_find(struct files *files, const struct items *items, const struct config *config,
               const char *section);
void files_done(struct files *files);

/* Reads one whole, with room for a byte behind it. -EAGAIN: it was changed meanwhile; -EFBIG. */
int files_read(const char *path, char **ret, size_t *ret_bytes);

#endif
