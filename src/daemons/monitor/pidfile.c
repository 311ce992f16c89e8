/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "monitor/pidfile.h"
#include "util/lock.h"

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

int pidfile_take(const char *path, const char *lock, int *ret_lock, pid_t *ret_other)
{
    CLEANUP(closep) int lock_fd = -1;
    CLEANUP(closep) int fd = -1;
    int r;

    r = lock_take(lock, &lock_fd);
    if (r < 0)
        return r;
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    if (r == 0) {
        *ret_other = read_number(fd);
        return -EEXIST;
    }
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld\n", (long) getpid()) < 0)
        return -errno;

    *ret_lock = lock_fd;
    lock_fd = -1;
    return 0;
}

int pidfile_leave(const char *path, int lock)
{
    int r = unlink(path) < 0 ? -errno : 0;

    (void) close(lock); /* it goes with that */
    return r;
}
