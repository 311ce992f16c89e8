/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
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
