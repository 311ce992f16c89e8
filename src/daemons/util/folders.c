/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "util/folders.h"

/* Those above belong to root. */
static int make_above(const char *path)
{
    CLEANUP(freep) char *above = strdup(path);
    char *slash;

    if (!above)
        return -ENOMEM;
    slash = strrchr(above, '/');
    if (!slash || slash == above)
        return 0;
    *slash = '\0';
    return folder_make(&(struct folder) { above, 0755, geteuid(), getegid() });
}

static int give(const struct folder *folder, bool is_anybodys)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    CLEANUP(closep) int fd = open(folder->path, is_anybodys ? flags : flags | O_NOFOLLOW);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid() && !is_anybodys) /* not the one that was just made */
        return -EPERM;
    if (st.st_uid == folder->uid && st.st_gid == folder->gid &&
        (st.st_mode & 07777) == folder->mode)
        return 0;
    return fchmod(fd, folder->mode) < 0 || fchown(fd, folder->uid, folder->gid) < 0 ? -errno : 0;
}

int folder_make(const struct folder *folder)
{
    struct stat st;
    int r;

    if (stat(folder->path, &st) == 0)
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
    if (errno != ENOENT)
        return -errno;

    r = make_above(folder->path);
    if (r < 0)
        return r;
    if (mkdir(folder->path, 0700) < 0)
        return -errno;
    return give(folder, false);
}

int folder_keep(const struct folder *folder)
{
    int r;

    r = folder_make(folder);
    return r < 0 ? r : give(folder, true);
}
