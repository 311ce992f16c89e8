/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unix sockets: the kernel's list of those that have a path, and what a process has of them. */

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "lib/unix-sockets.h"

#define LISTENS 0x10000 /* __SO_ACCEPTCON of the kernel */

int unix_sockets_each(const char *list, int (*on_socket)(const struct unix_socket *unix_socket, void *userdata),
                      void *userdata)
{
    CLEANUP(fclosep) FILE *file = fopen(list, "re");
    CLEANUP(freep) char *line = NULL;
    size_t size = 0;
    int r = 0;

    if (!file)
        return -errno;

    while (r == 0 && getline(&line, &size, file) > 0) {
        struct unix_socket one;
        unsigned long flags;
        int at = 0;

        /* Num: RefCount Protocol Flags Type St Inode Path */
        if (sscanf(line, "%*s %*x %*x %lx %*x %*x %lu %n", &flags, &one.inode, &at) != 2 || at == 0 || line[at] != '/')
            continue;
        line[strcspn(line, "\n")] = '\0';
        one.path = line + at;
        one.listens = (flags & LISTENS) != 0;
        r = on_socket(&one, userdata);
    }
    return r == 0 && ferror(file) ? -EIO : r;
}

int unix_socket_connect(const char *path, int type)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd, r;

    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int) sizeof(address.sun_path))
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) == 0)
        return fd;
    r = -errno;
    (void) close(fd); /* nothing was said */
    return r;
}

/* By the kernel's refusal to connect a socket of another type, which comes after it has found the one that is bound there. */
static int is_stream(const char *path)
{
    CLEANUP(closep) int fd = unix_socket_connect(path, SOCK_DGRAM);

    if (fd == -EPROTOTYPE)
        return 1;
    return fd == -EACCES || fd == -ENAMETOOLONG || fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM ? fd : 0;
}

/* How many listen at each path, if at any. */
struct counting {
    const char *const *paths;
    size_t n;
    int *counts;
};

static int count_listener(const struct unix_socket *unix_socket, void *userdata)
{
    struct counting *counting = userdata;

    for (size_t i = 0; unix_socket->listens && i < counting->n; i++)
        if (strcmp(unix_socket->path, counting->paths[i]) == 0)
            counting->counts[i]++;
    return 0;
}

/* Who listens is who has called listen(). */
static bool answers_as_systemd(const char *path)
{
    CLEANUP(closep) int fd = unix_socket_connect(path, SOCK_STREAM);
    struct ucred peer;
    socklen_t bytes = sizeof(peer);

    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0 || peer.pid == 1)
        return true; /* a full queue tells nothing */
    return kill(peer.pid, 0) < 0 && errno == ESRCH; /* a hook that has narrowed systemd's queue */
}

void unix_sockets_are_systemds(const char *const *paths, size_t n, int *ret)
{
    int counts[n];
    struct counting counting = { paths, n, counts };

    for (size_t i = 0; i < n; i++) {
        ret[i] = is_stream(paths[i]);
        counts[i] = 0;
    }
    if (unix_sockets_each(UNIX_SOCKETS_OF_SYSTEMD, count_listener, &counting) < 0)
        return; /* then it is believed */
    for (size_t i = 0; i < n; i++)
        if (ret[i] > 0 && counts[i] > 1)
            ret[i] = answers_as_systemd(paths[i]);
}

int unix_socket_is_systemds(const char *path)
{
    int r;

    unix_sockets_are_systemds(&path, 1, &r);
    return r;
}

bool unix_socket_at(int fd, struct bound_socket *ret)
{
    struct sockaddr_un address = { .sun_family = AF_UNSPEC };
    socklen_t bytes = sizeof(address), size = sizeof(int);
    int listening = 0;

    *ret = (struct bound_socket) { .listens = false };
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 ||
        getsockname(fd, (struct sockaddr *) &address, &bytes) < 0 || address.sun_family != AF_UNIX || !address.sun_path[0])
        return false;
    memcpy(ret->path, address.sun_path, sizeof(address.sun_path)); /* one byte less: it ends there */
    ret->listens = listening != 0;
    return true;
}

int unix_sockets_of_process(pid_t pid, int pidfd, int (*on_copy)(int fd, const struct bound_socket *bound, void *userdata),
                            void *userdata)
{
    CLEANUP(closedirp) DIR *dir = NULL;
    struct bound_socket bound;
    struct dirent *entry;
    char path[32];
    int r = 0;

    (void) snprintf(path, sizeof(path), "/proc/%d/fd", (int) pid); /* fits */
    dir = opendir(path);
    if (!dir)
        return -errno;
    while (r == 0 && (entry = readdir(dir))) {
        CLEANUP(closep) int fd = -1;

        if (!isdigit((unsigned char) entry->d_name[0]))
            continue;
        fd = pidfd_getfd(pidfd, atoi(entry->d_name), 0);
        if (fd < 0 && errno != EBADF) /* that is one that was closed meanwhile */
            return -errno;
        if (unix_socket_at(fd, &bound))
            r = on_copy(fd, &bound, userdata);
    }
    return r;
}
