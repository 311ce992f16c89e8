/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/io.h"

ssize_t io_read(int fd, void *ret, size_t n)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = read(fd, (char *) ret + done, n - done);

        if (got == 0)
            break;
        if (got > 0)
            done += (size_t) got;
        else if (errno != EINTR)
            return -errno;
    }
    return (ssize_t) done;
}

int io_write(int fd, const void *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);

        if (written >= 0) {
            bytes = (const char *) bytes + written;
            n -= (size_t) written;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int io_open_plain(const char *path, int flags)
{
    const struct open_how how = { .flags = (unsigned) flags | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
    long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

    return fd < 0 ? -errno : (int) fd;
}
