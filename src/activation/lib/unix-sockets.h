/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unix sockets: the kernel's list of those that have a path. */

#ifndef LIB_UNIX_SOCKETS_H
#define LIB_UNIX_SOCKETS_H

#include <stdbool.h>

struct unix_socket {
    unsigned long inode; /* 0 while it waits to be accepted */
    bool listens;
    const char *path; /* an accepted one has that of its listener, the client's end none */
};

/* The namespace of this process, and that of PID 1, in which systemd's sockets are; a unit may have one of its own. */
#define UNIX_SOCKETS_HERE "/proc/self/net/unix"
#define UNIX_SOCKETS_OF_SYSTEMD "/proc/1/net/unix"

/* Calls on_socket with each of the list until that returns other than 0, and returns that; or a negative
 * errno where the list can't be read. A path may have any bytes, newlines among them: nobody may take it for more than
 * a hint. */
int unix_sockets_each(const char *list, int (*on_socket)(const struct unix_socket *unix_socket, void *userdata),
                      void *userdata);

#endif
