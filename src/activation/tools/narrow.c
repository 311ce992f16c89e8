/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Narrow: keeps clients out of the queues of sockets that will be bound over. */

#include <errno.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "lib/unix-sockets.h"
#include "tools/narrow.h"

#ifndef OWNER_PID /* the tests' is another */
#define OWNER_PID 1
#endif

struct queues {
    const char *const *paths;
    size_t n;
    int backlog;
};

static int set_queue(int fd, const struct bound_socket *bound, void *userdata)
{
    const struct queues *queues = userdata;

    for (size_t i = 0; bound->listens && i < queues->n; i++)
        if (strcmp(bound->path, queues->paths[i]) == 0)
            return listen(fd, queues->backlog) < 0 ? -errno : 0;
    return 0;
}

int set_queues(const char *const *paths, size_t n, int backlog)
{
    struct queues queues = { paths, n, backlog };
    CLEANUP(closep) int owner = pidfd_open(OWNER_PID, 0);

    return owner < 0 ? -errno : unix_sockets_of_process(OWNER_PID, owner, set_queue, &queues);
}
