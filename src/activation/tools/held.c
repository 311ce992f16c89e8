/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Held: paths that change hands, at which nobody is refused meanwhile. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "tools/held.h"

/* With a backlog of 0 the kernel has a place for one; more would mean that it does not count as we think. */
#define CLIENTS_MAX 2

#define BESIDE_BYTES (UNIX_PATH_BYTES + 8)

/* Beside the path: first ours, then the socket of before. */
static void beside(const struct held *held, char name[BESIDE_BYTES])
{
    (void) snprintf(name, BESIDE_BYTES, "%s.held", held->name); /* fits */
}

static int listen_at(const struct sockaddr_un *address, mode_t mode, int *ret_fd)
{
    CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t mask;
    int r;

    if (fd < 0)
        return -errno;
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

/* Ours, and nothing that somebody has put in its place. */
static int give(struct held *held, const char *name, const struct stat *before)
{
    CLEANUP(closep) int fd = openat(held->folder_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
        return -EPERM;
    held->inode = st.st_ino;
    return fchownat(fd, "", before->st_uid, before->st_gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int hold(struct held *held)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[BESIDE_BYTES];
    struct stat before;
    int r;

    if (fstatat(held->folder_fd, held->name, &before, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(before.st_mode))
        return -ENOTSOCK;
    beside(held, name);
    if (snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", held->folder_fd, name) >=
        (int) sizeof(address.sun_path))
        return -ENAMETOOLONG;

    (void) unlinkat(held->folder_fd, name, 0); /* of one that was killed */
    r = listen_at(&address, before.st_mode & 0777, &held->listener);
    if (r < 0)
        return r;
    r = fill(&address, &held->client);
    if (r == 0)
        r = give(held, name, &before);
    if (r == 0 && renameat2(held->folder_fd, name, held->folder_fd, held->name, RENAME_EXCHANGE) < 0)
        r = -errno;
    if (r < 0)
        (void) unlinkat(held->folder_fd, name, 0); /* a listener that is not there, if anything */
    return r;
}

static void close_all(struct held *held)
{
    closep(&held->client);
    closep(&held->listener);
    closep(&held->folder_fd);
}

int path_hold(const char *path, struct held *ret)
{
    struct held held = { .folder_fd = -1, .listener = -1, .client = -1 };
    const char *slash = strrchr(path, '/');
    char folder[UNIX_PATH_BYTES];
    int r;

    if (!slash || snprintf(held.name, sizeof(held.name), "%s", slash + 1) >= (int) sizeof(held.name) ||
        snprintf(folder, sizeof(folder), "%.*s", (int) (slash - path), path) >= (int) sizeof(folder))
        return -EINVAL;
    held.folder_fd = io_open_plain(folder, O_PATH | O_DIRECTORY);
    r = held.folder_fd < 0 ? held.folder_fd : hold(&held);
    if (r < 0)
        close_all(&held);
    else
        *ret = held;
    return r;
}

void path_release(struct held *held)
{
    char name[BESIDE_BYTES];
    struct stat st;

    beside(held, name);
    /* Nobody binds a path between these two but who was to, and he is up. */
    if (fstatat(held->folder_fd, held->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == held->inode && S_ISSOCK(st.st_mode))
        (void) renameat(held->folder_fd, name, held->folder_fd, held->name);
    else
        (void) unlinkat(held->folder_fd, name, 0);
    close_all(held);
}
