/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders: all that SSSD wants below /var/lib/sss is made anew where somebody has deleted it, by tmpfiles.d. Two are made
 * here, where SSSD's user owns /var/lib/sss, as Debian's SSSD 2.13 has it, and root what is in it. To systemd-tmpfiles
 * that way is not safe: it makes nothing two steps below and says so at each boot. No link is followed here, so that user
 * can lead nobody astray. */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/folders.h"
#include "tools/places.h"

#ifndef TMPFILES /* the tests have their own */
#define TMPFILES "/usr/bin/systemd-tmpfiles"
#endif

static const struct {
    const char *parent, *name;
    mode_t mode;
} folders[] = {
    { "pipes", "private", 0750 }, /* the monitor's bus */
    { "pubconf", "krb5.include.d", 0755 },
};

/* Owners and modes are in tmpfiles.d. */
static int make_all(void)
{
    static char *const arguments[] = { (char *) "systemd-tmpfiles", (char *) "--create",
                                       (char *) "--prefix=" SSS_DIR, NULL };
    int status, r;
    pid_t pid;

    r = posix_spawn(&pid, TMPFILES, NULL, NULL, arguments, environ);
    if (r != 0)
        return -r;
    if (waitpid(pid, &status, 0) < 0)
        return -errno;
    return status == 0 ? 0 : -EIO; /* it has said why */
}

static int open_dir(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static int make(int top, const char *parent, const char *name, mode_t mode)
{
    CLEANUP(closep) int above = open_dir(top, parent);
    CLEANUP(closep) int made = -1;
    struct stat st;

    if (above < 0)
        return above;
    if (fstat(above, &st) < 0)
        return -errno;
    if (mkdirat(above, name, 0700) < 0)
        return errno == EEXIST ? 0 : -errno;

    made = open_dir(above, name);
    if (made < 0)
        return made;
    return fchown(made, st.st_uid, st.st_gid) < 0 || fchmod(made, mode) < 0 ? -errno : 0;
}

int folders_make(void)
{
    int r = access(SSS_DIR "/db", F_OK) < 0 && errno == ENOENT ? make_all() : 0;
    CLEANUP(closep) int top = open_dir(AT_FDCWD, SSS_DIR);

    r = top < 0 ? top : r;

    for (size_t i = 0; top >= 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
        int k = make(top, folders[i].parent, folders[i].name, folders[i].mode);

        r = k < 0 ? k : r;
    }
    return r;
}
