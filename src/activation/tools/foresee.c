/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Foresee: what would keep us from writing, as far as it can be told without a try. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/why.h"
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

int foresee_folder(int dir_fd, const char *name, const char *what, const char *path, char **ret_why)
{
    uint64_t its = name ? attributes(dir_fd, name) : 0;
    int r;

    /* First: flags would be those of the file that is mounted there. */
    if (its & STATX_ATTR_MOUNT_ROOT)
        return say_why(-EBUSY, ret_why,
                       "cannot %s %s: the file is a bind mount, change it where it comes from (findmnt %s)", what, path,
                       path);
    r = check_flags(its, "file", what, path, ret_why);
    if (r == 0)
        r = check_flags(attributes(dir_fd, ""), "folder", what, path, ret_why);
    if (r == 0 && faccessat(dir_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        r = say_cannot(-errno, ret_why, what, path);
    return r;
}

/* Some file systems have no number to tell; all files together make no dent in the largest one. */
static uint64_t free_of(uint64_t all, uint64_t free)
{
    return all == 0 ? UINT64_MAX : free;
}

/* Returns its row, or NULL if it can't be asked or the table is full. */
static struct file_system *find_file_system(struct room *room, int dir_fd)
{
    struct file_system *on = room->on;
    struct statvfs fs;
    struct stat st;

    if (fstat(dir_fd, &st) < 0)
        return NULL;
    for (; on < room->on + room->n; on++)
        if (on->device == st.st_dev)
            return on;
    if (room->n == ROOM_FILE_SYSTEMS_MAX || fstatvfs(dir_fd, &fs) < 0 || fs.f_frsize == 0)
        return NULL;

    room->n++;
    on->device = st.st_dev;
    on->block_bytes = fs.f_frsize;
    on->blocks = free_of(fs.f_blocks, geteuid() == 0 ? fs.f_bfree : fs.f_bavail);
    on->inodes = free_of(fs.f_files, geteuid() == 0 ? fs.f_ffree : fs.f_favail);
    return on;
}

int foresee_room(struct room *room, int dir_fd, size_t bytes, const char *what, const char *path, char **ret_why)
{
    struct file_system *on = find_file_system(room, dir_fd);
    uint64_t blocks;

    if (!on)
        return 0;
    blocks = bytes / on->block_bytes + (bytes % on->block_bytes != 0);
    if (on->blocks < blocks + GROWTH_BLOCKS)
        return say_why(-ENOSPC, ret_why, "cannot %s %s: %s (df)", what, path, strerror(ENOSPC));
    if (on->inodes < 1)
        return say_why(-ENOSPC, ret_why, "cannot %s %s: %s (df -i)", what, path, strerror(ENOSPC));
    on->blocks -= blocks;
    on->inodes--;
    return 0;
}
