/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Foresee: what would keep us from writing, as far as it can be told without a try. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/why.h"
#include "tools/foresee.h"

#ifndef STATX_ATTR_MOUNT_ROOT /* an older C library lacks the name */
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

/* Left over each time, should the folder have to grow. */
#define GROWTH_BLOCKS 1

/* Those that are not known are not set. */
static uint64_t attributes(int dir_fd, const char *name)
{
    struct statx stx;

    if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, 0, &stx) < 0)
        return 0;
    return stx.stx_attributes & stx.stx_attributes_mask;
}

/* With either flag nothing is renamed or removed, not even by root. */
static int check_flags(uint64_t attributes, const char *kind, const char *what, const char *path, char **ret_why)
{
    if (attributes & STATX_ATTR_IMMUTABLE)
        return say_why(-EPERM, ret_why, "cannot %s %s: the %s is immutable (chattr -i)", what, path, kind);
    if (attributes & STATX_ATTR_APPEND)
        return say_why(-EPERM, ret_why, "cannot %s %s: the %s is append-only (chattr -a)", what, path, kind);
    return 0;
}

int foresee_file(int dir_fd, const char *name, const char *what, const char *path, char **ret_why)
{
    uint64_t its = attributes(dir_fd, name);

    /* First: flags would be those of the file that is mounted there. */
    if (its & STATX_ATTR_MOUNT_ROOT)
        return say_why(-EBUSY, ret_why,
                       "cannot %s %s: the file is a bind mount, change it where it comes from (findmnt %s)", what, path,
                       path);
    return check_flags(its, "file", what, path, ret_why);
}

int foresee_folder(int dir_fd, const char *what, const char *path, char **ret_why)
{
    int r = check_flags(attributes(dir_fd, ""), "folder", what, path, ret_why);

    if (r == 0 && faccessat(dir_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        r = say_why(-errno, ret_why, "cannot %s %s: %s", what, path, strerror(errno));
    return r;
}

/* Some file systems have no number to tell. */
static uint64_t free_of(uint64_t all, uint64_t free)
{
    return all == 0 ? UINT64_MAX : free;
}

/* Returns 1 with its place in the table, 0 if it can't be asked or the table is full, or a negative errno. */
static int find_file_system(struct room *room, int dir_fd, size_t *ret)
{
    struct statvfs fs;
    struct stat st;

    if (fstat(dir_fd, &st) < 0)
        return -errno;
    for (size_t i = 0; i < room->n; i++) {
        if (room->on[i].device == st.st_dev) {
            *ret = i;
            return 1;
        }
    }
    if (room->n == ROOM_FILE_SYSTEMS_MAX || fstatvfs(dir_fd, &fs) < 0 || fs.f_frsize == 0)
        return 0;

    *ret = room->n++;
    room->on[*ret].device = st.st_dev;
    room->on[*ret].block_bytes = fs.f_frsize;
    room->on[*ret].blocks = free_of(fs.f_blocks, geteuid() == 0 ? fs.f_bfree : fs.f_bavail);
    room->on[*ret].inodes = free_of(fs.f_files, geteuid() == 0 ? fs.f_ffree : fs.f_favail);
    return 1;
}

int foresee_room(struct room *room, int dir_fd, size_t bytes, const char *what, const char *path, char **ret_why)
{
    uint64_t blocks;
    size_t i;
    int r;

    r = find_file_system(room, dir_fd, &i);
    if (r < 0)
        return say_why(r, ret_why, "cannot %s %s: %s", what, path, strerror(-r));
    if (r == 0)
        return 0;

    blocks = bytes / room->on[i].block_bytes + (bytes % room->on[i].block_bytes != 0);
    if (room->on[i].blocks < blocks + GROWTH_BLOCKS)
        return say_why(-ENOSPC, ret_why, "cannot %s %s: %s (df)", what, path, strerror(ENOSPC));
    if (room->on[i].inodes < 1)
        return say_why(-ENOSPC, ret_why, "cannot %s %s: %s (df -i)", what, path, strerror(ENOSPC));

    if (room->on[i].blocks != UINT64_MAX)
        room->on[i].blocks -= blocks;
    if (room->on[i].inodes != UINT64_MAX)
        room->on[i].inodes--;
    return 0;
}
