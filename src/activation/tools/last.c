/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Last: which engine ran last, and what has to go when another starts. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/memory-caches.h"
#include "lib/engine.h"
#include "tools/last.h"
#include "tools/places.h"

#ifndef PASSWD_FILE /* the tests have their own */
#define PASSWD_FILE "/etc/passwd"
#endif

#define LAST DATA_DIR "/last"
#define OUR_USER "sssd-ondemand"

int last_note(bool own)
{
    char was[ENGINE_WORD_BYTES];

    engine_read_word_of(LAST, was);
    return strcmp(was, engine_word(own)) == 0 ? 0 : engine_write_word(LAST, engine_word(own));
}

/* Without the libraries' help: they would ask SSSD. */
static bool is_our_users(uid_t uid)
{
    CLEANUP(fclosep) FILE *file = fopen(PASSWD_FILE, "re");
    const struct passwd *entry;

    while (file && (entry = fgetpwent(file)))
        if (strcmp(entry->pw_name, OUR_USER) == 0)
            return entry->pw_uid == uid && uid != 0;
    return false;
}

/* Where nobody has noted it, whose the files are says the same. */
static bool was_own(int dir)
{
    char was[ENGINE_WORD_BYTES];
    struct stat st;

    engine_read_word_of(LAST, was);
    if (was[0])
        return strcmp(was, engine_word(true)) == 0;
    for (size_t i = 0; i < MEMORY_CACHES; i++)
        if (fstatat(dir, memory_caches[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && is_our_users(st.st_uid))
            return true;
    return false;
}

static int mark_recycled(int dir, const char *name)
{
    CLEANUP(closep) int fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    return fd < 0 ? -errno : memory_cache_recycle(fd);
}

/* All of them, whatever fails; and takes them away unless somebody may begin to use them just now. */
static int recycle(int dir, bool removes)
{
    int r = 0;

    for (size_t i = 0; i < MEMORY_CACHES; i++) {
        int k = mark_recycled(dir, memory_caches[i]);

        if (removes && unlinkat(dir, memory_caches[i], 0) < 0 && errno != ENOENT)
            k = -errno;
        r = k < 0 && k != -ENOENT ? k : r;
    }
    return r;
}

static int open_folder(void)
{
    int dir = open(SSS_DIR "/mc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return dir < 0 ? -errno : dir;
}

int last_recycle(bool removes)
{
    CLEANUP(closep) int dir = open_folder();

    return dir < 0 ? dir == -ENOENT ? 0 : dir : recycle(dir, removes);
}

int last_make_way_for_sssd(void)
{
    CLEANUP(closep) int dir = open_folder();
    int r;

    if (dir < 0 && dir != -ENOENT)
        return dir;
    r = dir >= 0 && was_own(dir) ? recycle(dir, true) : 0;
    return r < 0 ? r : last_note(false); /* else the next start tries again */
}
