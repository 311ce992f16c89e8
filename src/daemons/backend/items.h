/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Items: what ldif_files names, as root has found it.
 *
 * A folder above may be closed to the back end's user: /etc/sssd is, on some systems. Root opens
 * each item and the folder that it is in before it becomes that user, who then goes by these
 * descriptors where the name leads nowhere. */

#ifndef BACKEND_ITEMS_H
#define BACKEND_ITEMS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct config;

struct item {
    char *path;        /* as it was named, and is shown */
    const char *name;  /* its last part; NULL: the root */
    int folder_fd, fd; /* O_PATH; -1: it was not there */
    bool is_linked;    /* by a link on the way to it, as far as root has seen */
};

struct items {
    struct item *all;
    size_t n;
};

#define ITEM_ROOM (PATH_MAX + 32)

/* Opens what is there. Returns 0, also where nothing is; or -ENOMEM. To be released in either case. */
int items_open(struct items *items, const struct config *config, const char *section);
/* The same with descriptors that a parent has opened: items_text() of it. Also -EINVAL. */
int items_adopt(struct items *items, const struct config *config, const char *section,
                const char *text);
void items_done(struct items *items);

/* All descriptors, for a child that gets them under the same numbers. The caller's to free; NULL:
 * no memory. */
char *items_text(const struct items *items);

/* Does a link lead to it? Who exchanges one changes nothing that could be watched. */
bool item_is_linked(const struct item *item);

/* By which path it is to be opened now, and the folder that it is in. Returns room. */
const char *item_path(const struct item *item, char room[ITEM_ROOM]);
const char *item_folder(const struct item *item, char room[ITEM_ROOM]);

#endif
