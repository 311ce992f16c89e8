/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Io: all that was asked for, whatever signals and short answers come between. */

#ifndef COMMON_IO_H
#define COMMON_IO_H

#include <stddef.h>
#include <sys/types.h>

/* Returns how many bytes there were, less than n only where the file ends; or a negative errno. */
ssize_t io_read(int fd, void *ret, size_t n);

/* Returns 0, or a negative errno: then some of it may be written. */
int io_write(int fd, const void *bytes, size_t n);

/* Opens a path of which no part is a link: -ELOOP if one is. O_CLOEXEC is added. Returns the descriptor or a negative errno;
 * -ENOSYS before Linux 5.6. */
int io_open_plain(const char *path, int flags);

#endif
