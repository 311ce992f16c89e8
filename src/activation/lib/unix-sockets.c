/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unix sockets: the kernel's list of those that have a path. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/unix-sockets.h"

#define LISTENS 0x10000 /* __SO_ACCEPTCON of the kernel */

int unix_sockets_each(const char *list, int (*on_socket)(const struct unix_socket *unix_socket, void *userdata),
                      void *userdata)
{
    CLEANUP(fclosep) FILE *file = fopen(list, "re");
    CLEANUP(freep) char *line = NULL;
    size_t size = 0;
    int r = 0;

    if (!file)
        return -errno;

    while (r == 0 && getline(&line, &size, file) > 0) {
        struct unix_socket one;
        unsigned long flags;
        int at = 0;

        /* Num: RefCount Protocol Flags Type St Inode Path */
        if (sscanf(line, "%*s %*x %*x %lx %*x %*x %lu %n", &flags, &one.inode, &at) != 2 || at == 0 || line[at] != '/')
            continue;
        line[strcspn(line, "\n")] = '\0';
        one.path = line + at;
        one.listens = (flags & LISTENS) != 0;
        r = on_socket(&one, userdata);
    }
    return r == 0 && ferror(file) ? -EIO : r;
}
