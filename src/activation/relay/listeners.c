/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listeners: who else listens on the path of a socket. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/unix-sockets.h"
#include "relay/listeners.h"

struct asking {
    ino_t ours;
    const char *path;
};

static int is_other(const struct unix_socket *unix_socket, void *userdata)
{
    const struct asking *asking = userdata;

    return unix_socket->listens && unix_socket->inode != asking->ours && strcmp(unix_socket->path, asking->path) == 0;
}

/* The socket tells its own inode, and the list has it; of the path's inode neither tells, and a file system may give
 * the same number again. */
int listeners_has_other(int listener, const char *path)
{
    struct asking asking = { .path = path };
    struct stat ours;

    if (fstat(listener, &ours) < 0)
        return -errno;
    asking.ours = ours.st_ino;
    return unix_sockets_each(UNIX_SOCKETS_HERE, is_other, &asking);
}
