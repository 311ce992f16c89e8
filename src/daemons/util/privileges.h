/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Privileges: the service's user, and becoming it for good. */

#ifndef UTIL_PRIVILEGES_H
#define UTIL_PRIVILEGES_H

#include <sys/types.h>

/* Finds a user in /etc/passwd itself, not through NSS: that would ask the one who asks. Returns 1, 0 if there is no
 * such user, or a negative errno. */
int user_find(const char *name, uid_t *ret_uid, gid_t *ret_gid);
/* The same in another file of that form. */
int user_find_in(const char *path, const char *name, uid_t *ret_uid, gid_t *ret_gid);

/* Gives up root for that user, without supplementary groups and capabilities, so that it cannot come back. Nothing
 * to do for uid 0, and for whom the process is already. Returns 0 or a negative errno, after which the process must
 * end. */
int privileges_drop(uid_t uid, gid_t gid);

/* Whom a daemon of ours becomes, where *uid is root: the user of that name, or root still where the
 * configuration's `user` says so. Nothing else that it may say has an effect: the vendor's user
 * owns none of our places. A process that is not root stays who it is. Tells what fails; after a
 * negative errno (-ESRCH: there is no such user) the process must not go on. */
int privileges_find_user(const char *name, const char *configured, uid_t *uid, gid_t *gid);

/* privileges_drop(), and tells what fails. */
int privileges_give_up(uid_t uid, gid_t gid);

#endif
