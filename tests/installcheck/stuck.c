/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stuck: preloaded, a process that somebody connects to takes away the file of its name, and never comes back. */

#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags)
{
    char path[64];

    (void) snprintf(path, sizeof(path), "/var/lib/sss/db/stuck.%s", program_invocation_short_name);
    if (unlink(path) == 0)
        for (;;)
            (void) pause(); /* signals are handled, and then it goes on */
    return (int) syscall(SYS_accept4, fd, address, bytes, flags);
}
