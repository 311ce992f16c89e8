/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "monitor/pidfile.h"

static pid_t read_number(int fd)
{
    char text[16];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    uint64_t pid = 0;

    if (n <= 0)
        return 0;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    (void) text_to_u64(text, 10, INT32_MAX, &pid); /* 0 if it is none */
    return (pid_t) pid;
}

/* Whoever held the lock before may have removed the file that we have just locked. */
static int is_still_there(const char *path, int fd)
{
    struct stat ours, there;

    if (fstat(fd, &ours) < 0)
        return -errno;
    if (stat(path, &there) < 0)
        return errno == ENOENT ? 0 : -errno;
    return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static int open_and_lock(const char *path, int *ret_fd, pid_t *ret_other)
{
    for (;;) {
        CLEANUP(closep) int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
        int r;

        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            r = errno == EWOULDBLOCK ? -EEXIST : -errno;
            *ret_other = read_number(fd);
            return r;
        }
        r = is_still_there(path, fd);
        if (r < 0)
            return r;
        if (r > 0) {
            *ret_fd = fd;
            fd = -1;
            return 0;
        }
    }
}

int pidfile_take(const char *path, int *ret_fd, pid_t *ret_other)
{
    CLEANUP(closep) int fd = -1;
    char text[16];
    int n, r;

    r = open_and_lock(path, &fd, ret_other);
    if (r < 0)
        return r;
    n = snprintf(text, sizeof(text), "%ld\n", (long) getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t) n, 0) < 0)
        return -errno;

    *ret_fd = fd;
    fd = -1;
    return 0;
}

int pidfile_leave(const char *path, int fd)
{
    int r = unlink(path) < 0 ? -errno : 0;

    (void) close(fd); /* the lock goes with it */
    return r;
}
