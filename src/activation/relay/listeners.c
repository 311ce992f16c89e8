/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listeners: who else listens on the path of a socket. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "relay/listeners.h"

#define LISTENING 0x10000 /* __SO_ACCEPTCON of the kernel */

static void fclosep(FILE **file)
{
    if (*file)
        (void) fclose(*file); /* was only read */
}

/* The socket tells its own inode, and the list has it; of the path's inode neither tells, and a file system may give
 * the same number again. */
int listeners_has_other(int listener, const char *path)
{
    CLEANUP(fclosep) FILE *file = fopen("/proc/self/net/unix", "re");
    CLEANUP(freep) char *line = NULL;
    size_t size = 0;
    struct stat ours;

    if (!file || fstat(listener, &ours) < 0)
        return -errno;

    while (getline(&line, &size, file) > 0) {
        unsigned long flags, inode;
        int at = 0;

        /* Num: RefCount Protocol Flags Type St Inode Path */
        if (sscanf(line, "%*s %*x %*x %lx %*x %*x %lu %n", &flags, &inode, &at) != 2 || at == 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        if ((flags & LISTENING) && inode != ours.st_ino && strcmp(line + at, path) == 0)
            return 1;
    }
    return ferror(file) ? -EIO : 0;
}
