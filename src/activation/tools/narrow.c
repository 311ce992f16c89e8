/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Narrow: keeps clients out of the queues of sockets that will be bound over. */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/cleanup.h"
#include "tools/narrow.h"

#ifndef OWNER_PID /* the tests' is another */
#define OWNER_PID 1
#define OWNER_DESCRIPTORS "/proc/1/fd"
#endif

static bool is_listener_at(int fd, const char *const *paths, size_t n)
{
    struct sockaddr_un address = { .sun_path = "" };
    socklen_t bytes = sizeof(address);
    int listening = 0;
    socklen_t size = sizeof(listening);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening ||
        getsockname(fd, (struct sockaddr *) &address, &bytes) < 0 || address.sun_family != AF_UNIX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strncmp(address.sun_path, paths[i], sizeof(address.sun_path)) == 0)
            return true;
    return false;
}

int set_queues(const char *const *paths, size_t n, int backlog)
{
    CLEANUP(closep) int owner = pidfd_open(OWNER_PID, 0);
    CLEANUP(closedirp) DIR *dir = opendir(OWNER_DESCRIPTORS);
    struct dirent *entry;

    if (owner < 0 || !dir)
        return -errno;
    while ((entry = readdir(dir))) {
        CLEANUP(closep) int fd = -1;

        if (!isdigit((unsigned char) entry->d_name[0]))
            continue;
        fd = pidfd_getfd(owner, atoi(entry->d_name), 0); /* the same socket, by a number of ours */
        if (fd < 0 && errno != EBADF)                    /* that is one that was closed meanwhile */
            return -errno;
        if (fd >= 0 && is_listener_at(fd, paths, n) && listen(fd, backlog) < 0)
            return -errno;
    }
    return 0;
}
