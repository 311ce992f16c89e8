/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory caches: the files that clients map as long as they live, whichever engine writes them. */

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory-caches.h"

/* The header: two barriers around it, of which readers want the first to be valid and both to be equal. */
#define HEADER_WORDS 14
#define FIRST_BARRIER 0
#define STATUS (MEMORY_CACHE_STATUS_AT / sizeof(uint32_t))
#define SECOND_BARRIER 12

const char *const memory_caches[MEMORY_CACHES] = { "passwd", "group", "initgroups", "sid" };

static int put(int fd, size_t word, uint32_t value)
{
    ssize_t n = pwrite(fd, &value, sizeof(value), (off_t) (word * sizeof(value)));

    return n == sizeof(value) ? 0 : n < 0 ? -errno : -EIO;
}

int memory_cache_recycle(int fd)
{
    uint32_t header[HEADER_WORDS], barrier;
    struct stat st;
    int r;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || pread(fd, header, sizeof(header), 0) != sizeof(header))
        return 0; /* nobody maps that */
    barrier = ((header[FIRST_BARRIER] + 1) & 0x00ffffff) | 0xf0000000;
    r = put(fd, SECOND_BARRIER, barrier);
    if (r == 0)
        r = put(fd, STATUS, MEMORY_CACHE_RECYCLED);
    return r == 0 ? put(fd, FIRST_BARRIER, barrier) : r;
}
