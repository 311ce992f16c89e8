/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "util/lock.h"

static bool is_at(const char *path, int fd)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

int lock_take(const char *path, int *ret_fd)
{
    for (unsigned turns = 0; turns < 100; turns++) {
        CLEANUP(closep) int fd = -1;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
            return errno == EWOULDBLOCK ? 0 : -errno;
        if (!is_at(path, fd))
            continue; /* it was replaced meanwhile: another one would find another file */
        *ret_fd = fd;
        fd = -1;
        return 1;
    }
    return -EAGAIN; /* a host on which a hundred others start at once */
}
