/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders: makes those that are missing. */

#ifndef UTIL_FOLDERS_H
#define UTIL_FOLDERS_H

#include <sys/types.h>

struct folder {
    const char *path;
    mode_t mode;
    uid_t uid;
    gid_t gid;
};

/* One that is there stays as it is: its owner is its administrator's choice. One that is missing is
 * made, with those above it, and only what was just made is given away: a link in its place is
 * never followed. Returns 0 or a negative errno. */
int folder_make(const struct folder *folder);

/* For what is nobody's but ours, in a folder of root's: owner and mode are set on one that is
 * there, too. */
int folder_keep(const struct folder *folder);

#endif
