/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Held: paths that change hands, at which nobody is refused meanwhile. */

#ifndef TOOLS_HELD_H
#define TOOLS_HELD_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/unix-sockets.h"

struct held {
    int folder_fd;
    char name[UNIX_PATH_BYTES]; /* in it */
    ino_t inode;
    int listener, client; /* who fills its queue */
};

/* Puts a listener whose queue is full in the place of the socket at path, with its owner and mode, in one step: who connects from
 * then on is told by the kernel to try again, which the stock clients do after a second, and whoever binds the path has it. Those
 * in the queue of before stay there. The folder may be somebody else's than root's: no link is followed. Returns 0, or a negative
 * errno; then nothing was changed: -ENOTSOCK where there is no socket. */
int path_hold(const char *path, struct held *ret);
/* Ends that. Where nobody has bound the path, the socket of before has it again. */
void path_release(struct held *held);

#endif
