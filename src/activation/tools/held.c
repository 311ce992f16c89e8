/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Held: paths that change hands, at which nobody is refused meanwhile. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/held.h"

/* With a backlog of 0 the kernel has a place for one; more would mean that it does not count as we think. */
#define CLIENTS_MAX 2

static int listen_at(const struct sockaddr_un *address, mode_t mode, int *ret_fd)
{
    CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t mask;
    int r;

    if (fd < 0)
        return -errno;
    (void) unlink(address->sun_path); /* of one that was killed */
    mask = umask(0777 & ~mode);
    r = bind(fd, (const struct sockaddr *) address, sizeof(*address)) < 0 || listen(fd, 0) < 0 ? -errno : 0;
    (void) umask(mask);
    if (r == 0) {
        *ret_fd = fd;
        fd = -1;
    }
    return r;
}

/* Returns 0 when the next one is told to try again. */
static int fill(const struct sockaddr_un *address, int *ret_client)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
            return -errno;
        if (connect(fd, (const struct sockaddr *) address, sizeof(*address)) < 0)
            return errno == EAGAIN && i > 0 ? 0 : -errno;
        if (*ret_client < 0) {
            *ret_client = fd;
            fd = -1;
        }
    }
    return -EBUSY;
}

static int take_place(const struct sockaddr_un *address, const struct stat *before, struct held *held)
{
    struct stat st;

    if (lchown(address->sun_path, before->st_uid, before->st_gid) < 0 || lstat(address->sun_path, &st) < 0 ||
        rename(address->sun_path, held->path) < 0)
        return -errno;
    held->inode = st.st_ino;
    return 0;
}

int path_hold(const char *path, struct held *ret)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct held held = { .listener = -1, .client = -1 };
    struct stat before;
    int r;

    if (lstat(path, &before) < 0 || !S_ISSOCK(before.st_mode))
        return -ENOTSOCK;
    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s.held", path) >= (int) sizeof(address.sun_path))
        return -ENAMETOOLONG;
    (void) snprintf(held.path, sizeof(held.path), "%s", path); /* fits, if that did */

    r = listen_at(&address, before.st_mode & 0777, &held.listener);
    if (r == 0)
        r = fill(&address, &held.client);
    if (r == 0)
        r = take_place(&address, &before, &held);
    if (r < 0) {
        (void) unlink(address.sun_path); /* a listener that is not there, if anything */
        closep(&held.client);
        closep(&held.listener);
        return r;
    }
    *ret = held;
    return 0;
}

void path_release(struct held *held)
{
    struct stat st;

    /* Nobody binds a path between these two but who was to, and he is up. */
    if (lstat(held->path, &st) == 0 && st.st_ino == held->inode && S_ISSOCK(st.st_mode))
        (void) unlink(held->path);
    closep(&held->client);
    closep(&held->listener);
    held->client = held->listener = -1;
}
