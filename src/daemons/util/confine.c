/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "util/confine.h"
#include "util/log.h"

/* Later than Linux 5.13, and one later than the headers of Debian 12. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (UINT64_C(1) << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)
#endif

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGING_FILES (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define CHANGING_FOLDERS                                                                                              \
    (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                   \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |                        \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |                      \
     LANDLOCK_ACCESS_FS_REFER)
/* What can be asked for of a file that is no folder. */
#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE | CHANGING_FILES)

/* What the running kernel can refuse of that; 0, with errno: it has no Landlock, or somebody's filter keeps it from us. */
static uint64_t known(uint64_t accesses)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version < 1)
        return 0;
    if (version < 2)
        accesses &= ~(uint64_t) LANDLOCK_ACCESS_FS_REFER; /* such a kernel refuses it to whoever is confined */
    if (version < 3)
        accesses &= ~(uint64_t) LANDLOCK_ACCESS_FS_TRUNCATE;
    return accesses;
}

static int allow(int ruleset, const char *const *paths, uint64_t accesses)
{
    for (; *paths; paths++) {
        CLEANUP(closep) int fd = open(*paths, O_PATH | O_CLOEXEC);
        struct landlock_path_beneath_attr rule = { .allowed_access = accesses, .parent_fd = fd };
        struct stat st;

        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
            continue; /* what cannot be reached needs no rule */
        if (fd < 0 || fstat(fd, &st) < 0)
            return -errno;
        if (!S_ISDIR(st.st_mode))
            rule.allowed_access &= OF_FILES;
        if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
            return -errno;
    }
    return 0;
}

static int restrict_to(const char *const *readable, const char *const *writable, uint64_t handled)
{
    const struct landlock_ruleset_attr attributes = { .handled_access_fs = handled };
    CLEANUP(closep) int ruleset = (int) syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
    int r = 0;

    if (ruleset < 0)
        return -errno;
    if (readable)
        r = allow(ruleset, readable, handled & READING);
    if (r >= 0)
        r = allow(ruleset, writable, handled & ~(uint64_t) LANDLOCK_ACCESS_FS_EXECUTE);
    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        return -errno;
    return 0;
}

int confine(const char *const *readable, const char *const *writable)
{
    uint64_t handled = CHANGING_FILES | CHANGING_FOLDERS;
    int r;

    if (readable)
        handled |= READING | LANDLOCK_ACCESS_FS_EXECUTE;
    handled = known(handled);
    if (handled == 0) {
        log_warning("cannot use Landlock (%m): only units and permissions confine this process to its files");
        return 0;
    }
    r = restrict_to(readable, writable, handled);
    if (r < 0)
        log_error_errno(r, "cannot confine this process to its files: %m");
    return r;
}
