/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>

#include "common/cleanup.h"
#include "util/log.h"
#include "util/privileges.h"

int user_find_in(const char *path, const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    CLEANUP(fclosep) FILE *file = NULL;
    const struct passwd *user;

    file = fopen(path, "re");
    if (!file)
        return -errno;

    while ((user = fgetpwent(file))) {
        if (strcmp(user->pw_name, name) != 0)
            continue;
        *ret_uid = user->pw_uid;
        *ret_gid = user->pw_gid;
        return 1;
    }
    return ferror(file) ? -EIO : 0;
}

int user_find(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    return user_find_in("/etc/passwd", name, ret_uid, ret_gid);
}

static int is_user(uid_t uid, gid_t gid)
{
    uid_t uids[3];
    gid_t gids[3];

    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
        return -errno;
    for (size_t i = 0; i < 3; i++) {
        if (uids[i] != uid || gids[i] != gid)
            return 0;
    }
    return 1;
}

int privileges_drop(uid_t uid, gid_t gid)
{
    int r;

    if (uid == 0)
        return 0;
    r = is_user(uid, gid); /* its unit has User= */
    if (r != 0)
        return r < 0 ? r : 0;

    /* The kernel clears the capabilities with the last uid 0, unless it was told to keep them. */
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
        return -errno;
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;
    if (is_user(uid, gid) != 1 || setuid(0) == 0)
        return -EPERM;
    return 0;
}

int privileges_find_user(const char *name, const char *configured, uid_t *uid, gid_t *gid)
{
    int r;

    if (*uid != 0)
        return 0;
    if (geteuid() != 0 || strcmp(configured, "root") == 0) {
        *uid = geteuid();
        *gid = getegid();
        return 0;
    }
    r = user_find(name, uid, gid);
    if (r == 0 || (r > 0 && *uid == 0)) {
        log_error("there is no user \"%s\" in /etc/passwd to become: refusing to run as root",
                  name);
        return -ESRCH;
    }
    if (r < 0)
        log_error_errno(r, "cannot look for user \"%s\" in /etc/passwd: %m", name);
    return r < 0 ? r : 0;
}

int privileges_give_up(uid_t uid, gid_t gid)
{
    int r;

    r = privileges_drop(uid, gid);
    if (r < 0)
        log_error_errno(r, "cannot become uid %u, gid %u: %m", (unsigned) uid, (unsigned) gid);
    return r;
}
