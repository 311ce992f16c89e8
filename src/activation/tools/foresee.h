/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Foresee: what would keep us from writing, as far as it can be told without a try. What can't be asked (an old kernel,
 * a file system without an answer) counts as fine; then writing itself fails. */

#ifndef TOOLS_FORESEE_H
#define TOOLS_FORESEE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ROOM_FILE_SYSTEMS_MAX 16

/* What is free, less what was taken from it. Starts as zeros. */
struct room {
    struct file_system {
        dev_t device;
        uint64_t blocks, inodes, block_bytes;
    } on[ROOM_FILE_SYSTEMS_MAX];
    size_t n;
};

/* They return 0 or a negative errno, with the sentence "cannot WHAT PATH: ..." in *ret_why, the caller's to free. */

/* Could names come and go in the folder, and the file of this name (NULL: none) get another one in its place? */
int foresee_folder(int dir_fd, const char *name, const char *what, const char *path, char **ret_why);

/* Takes the room of one more file in the folder. */
int foresee_room(struct room *room, int dir_fd, size_t bytes, const char *what, const char *path, char **ret_why);

#endif
