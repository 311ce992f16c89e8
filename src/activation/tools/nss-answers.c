/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client library for test-explain.c, for answers that the real one gives only when something is broken. */

#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum nss_status _nss_sss_getpwnam_r(const char *name, struct passwd *ret, char *buffer, size_t bytes, int *ret_errno);

enum nss_status _nss_sss_getpwnam_r(const char *name, struct passwd *ret, char *buffer, size_t bytes, int *ret_errno)
{
    const char *memory_cache = getenv("SSS_NSS_USE_MEMCACHE");

    (void) buffer;
    (void) bytes;
    *ret_errno = ENOENT;
    if (strcmp(name, "alice") == 0) {
        ret->pw_uid = 10001;
        ret->pw_gid = memory_cache && strcmp(memory_cache, "NO") == 0 ? 20001 : 1;
        return NSS_STATUS_SUCCESS;
    }
    if (strcmp(name, "dies") == 0)
        _exit(0);
    if (strcmp(name, "hangs") == 0)
        for (;;)
            (void) pause();
    return strcmp(name, "down") == 0 ? NSS_STATUS_UNAVAIL : NSS_STATUS_NOTFOUND;
}
