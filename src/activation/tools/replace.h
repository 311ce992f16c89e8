/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replace: gives several files new contents, all of them or none, and back again until somebody says it is good so.
 *
 * What happens on disk, F being a file's real name, so that a link stays one:
 *
 *     .F.sss_activation-new   the new contents, with owner, mode and attributes of the old file
 *     BACKUP                  a copy of the old contents for people
 *     pending                 which files are in work; as long as it is there, an interrupted run is undone
 *     .F.sss_activation-old   a second name of the old file itself: putting it back needs no space
 *
 * then the new ones get the files' names. Names with a dot are none that SSSD reads. */

#ifndef TOOLS_REPLACE_H
#define TOOLS_REPLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "lib/config.h"
#include "tools/places.h"

struct replace_file {
    const char *path; /* below CONFIG_DIR, as the caller named it, whose it stays */
    char *real_path;  /* no link in it */
    const char *name; /* in real_path */
    char name_new[NAME_MAX + 32], name_old[NAME_MAX + 32];
    int dir_fd;
    struct stat st;
    char *old, *new; /* contents; new is the caller's to set, NULL: stays as it is */
    size_t old_bytes, new_bytes;
    bool swapped;
};

struct replace {
    struct replace_file files[CONF_SNIPPETS_MAX + 1];
    size_t n;
    char backup[PATH_MAX]; /* the folder, "" until it is made */
    bool torn;             /* not all was put back after a failure */
};

/* The files that get new contents. */
#define FOR_EACH_CHANGED(file, replace)                                     \
    for (__typeof__(&(replace)->files[0]) file = (replace)->files,          \
                                          end_ = file + (replace)->n;       \
         file < end_; file++)                                               \
        if (file->new)

/* Those with a result return 0 or a negative errno; *ret_why is then a sentence, the caller's to free, unless memory
 * was short. */

/* Undoes what an interrupted run has begun, and calls on_file with each file that it put back. dry: changes nothing;
 * returns 1 if there was such a run and it could be undone. */
int replace_recover(bool dry, void (*on_file)(const char *path, void *userdata), void *userdata, char **ret_why);

/* Returns the one that was read under this name or another one that leads to the same file, or NULL. */
const struct replace_file *replace_find(const struct replace *replace, const char *path);

/* Reads the file; refuses one that lies where others than its owner and root may write. After a failure only
 * replace_done() is left. */
int replace_read(struct replace *replace, const char *path, struct replace_file **ret, char **ret_why);

/* Removes what a run that was killed early left beside the files. */
void replace_sweep(const struct replace *replace);

/* Could the files be replaced and a backup be made, as far as can be said without trying? */
int replace_may(const struct replace *replace, char **ret_why);

/* On failure all is as before, unless that failed too: then `torn` is set, and each such file was named. */
int replace_swap(struct replace *replace, char **ret_why);

/* Each says so itself where it fails, and goes on with the rest. */
int replace_put_back(struct replace *replace);
void replace_commit(struct replace *replace);

void replace_done(struct replace *replace);

#endif
