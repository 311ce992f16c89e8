/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/memory-caches.h"
#include "util/memfile.h"

static int open_named(int folder_fd, const char *name)
{
    return openat(folder_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

/* The folder's owner may have put anything there: root writes into what has no other name, so to
 * nobody else's harm. */
static bool is_plain(int fd, struct stat *ret)
{
    return fstat(fd, ret) == 0 && S_ISREG(ret->st_mode) && ret->st_nlink == 1;
}

static bool is_at(int folder_fd, const char *name, int fd)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && fstatat(folder_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* fd -1: it could not be opened. One that has just been put in its place is not the one that was
 * looked at. */
static int discard_open(int folder_fd, const char *name, int fd)
{
    if (fd >= 0)
        (void) memory_cache_recycle(fd); /* the link count says it too */
    if (fd >= 0 && !is_at(folder_fd, name, fd))
        return 0;
    return unlinkat(folder_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int memfile_discard(int folder_fd, const char *name)
{
    CLEANUP(closep) int fd = open_named(folder_fd, name);

    return discard_open(folder_fd, name, fd);
}

bool memfile_is_ours(int fd, uid_t owner)
{
    uint64_t magic = 0;
    struct stat st;

    return is_plain(fd, &st) && st.st_uid == owner && st.st_size >= MEMFILE_TAIL_BYTES &&
           pread(fd, &magic, sizeof(magic), st.st_size - MEMFILE_TAIL_BYTES) == sizeof(magic) &&
           magic == MEMFILE_TAIL_MAGIC;
}

int memfile_discard_others(const char *folder, uid_t owner)
{
    CLEANUP(closep) int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = 0;

    if (folder_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    for (size_t i = 0; i < MEMORY_CACHES; i++) {
        CLEANUP(closep) int fd = open_named(folder_fd, memory_caches[i]);
        int discarded;

        if (fd < 0 && errno == ENOENT)
            continue;
        if (owner != (uid_t) -1 && fd >= 0 && memfile_is_ours(fd, owner))
            continue;
        discarded = discard_open(folder_fd, memory_caches[i], fd);
        if (discarded < 0)
            r = discarded; /* the others all the same */
    }
    return r;
}
