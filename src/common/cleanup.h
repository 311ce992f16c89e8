/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cleanup: values that are released when their scope ends, and how they move out of it. */

#ifndef COMMON_CLEANUP_H
#define COMMON_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(f) __attribute__((cleanup(f)))

/* Moves a pointer out of its variable, which is NULL afterwards. */
#define TAKE(p)                      \
    ({                               \
        __typeof__(p) taken_ = (p);  \
        (p) = NULL;                  \
        taken_;                      \
    })

static inline void freep(void *p)
{
    free(*(void **) p);
}

static inline void closep(int *fd)
{
    if (*fd >= 0)
        (void) close(*fd); /* nothing was written through it, or the writer has checked */
}

/* For what was only read. */
static inline void fclosep(FILE **file)
{
    if (*file)
        (void) fclose(*file);
}

static inline void closedirp(DIR **dir)
{
    if (*dir)
        (void) closedir(*dir);
}

#endif
