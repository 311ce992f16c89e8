/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshot: the configuration that the monitor hands to all others. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "config/config.h"
#include "config/image.h"

static int fill(int fd, const struct config *config, gid_t group)
{
    size_t bytes;
    const void *image = config_image(config, &bytes);

    /* The group first: until then nobody but its owner may read it. */
    if (fchown(fd, (uid_t) -1, group) < 0 || fchmod(fd, 0640) < 0)
        return -errno;
    return io_write(fd, image, bytes);
}

int config_write_snapshot(const struct config *config, const char *path, gid_t group)
{
    CLEANUP(freep) char *beside = NULL;
    CLEANUP(closep) int fd = -1;
    int r;

    /* A name of our own: two that write at once do not spoil each other's. */
    if (asprintf(&beside, "%s.%ld", path, (long) getpid()) < 0) {
        beside = NULL;
        return -ENOMEM;
    }
    (void) unlink(beside); /* of one that was killed, under the same number */
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;

    r = fill(fd, config, group);
    if (r == 0 && rename(beside, path) < 0)
        r = -errno;
    if (r < 0)
        (void) unlink(beside); /* the next start of that number sweeps it up */
    return r;
}

int config_read_snapshot(const char *path, struct config **ret)
{
    CLEANUP(closep) int fd = -1;
    CLEANUP(freep) char *image = NULL;
    struct stat st;
    ssize_t n;

    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size > CONFIG_IMAGE_BYTES_MAX)
        return -EBADMSG;

    image = malloc((size_t) st.st_size + 1);
    if (!image)
        return -ENOMEM;
    n = io_read(fd, image, (size_t) st.st_size);
    if (n < st.st_size)
        return n < 0 ? (int) n : -EBADMSG;
    return config_from_image(image, (size_t) st.st_size, ret);
}
