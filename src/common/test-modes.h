/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Test modes: tests/data/modes, asked of whoever reads sssd.conf. For root alone, since owners are
 * in it. */

#ifndef COMMON_TEST_MODES_H
#define COMMON_TEST_MODES_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/conf.h"

#define MODES_MAIN                                                                               \
    "[sssd]\ndomains = one\nservices = nss\n[nss]\nfd_limit = 100\n[domain/one]\nid_provider = " \
    "ldif\n"
#define MODES_SNIPPET "[nss]\nfd_limit = 200\n"

static inline void modes_write(const char *dir, const char *name, const char *text)
{
    static const struct timespec long_ago[2] = { { .tv_sec = 1000000000 },
                                                 { .tv_sec = 1000000000 } };
    char path[256];
    FILE *file;

    (void) snprintf(path, sizeof(path), "%s/%s", dir, name);
    (void) remove(path);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_return_code(chmod(path, 0600), errno);
    assert_return_code(utimensat(AT_FDCWD, path, long_ago, 0), errno);
}

/* Of each row, in a folder that has conf.d: fd_limit() is to return the number that is in force, or
 * 0 where all is refused. */
static inline void modes_run(const char *dir, enum engine engine,
                             unsigned (*fd_limit)(const char *dir))
{
    char line[256], path[256], name[64], owner[16], wanted[ENGINES][16];
    unsigned mode, n = 0;
    FILE *file;

    assert_non_null(getenv("TEST_DATA"));
    (void) snprintf(path, sizeof(path), "%s/modes", getenv("TEST_DATA"));
    file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        uid_t uid;
        unsigned limit;
        const char *got;

        if (line[0] == '#' || sscanf(line, "%63s %15s %o %15s %15s %15s", name, owner, &mode,
                                     wanted[0], wanted[1], wanted[2]) != 6)
            continue;
        uid = strcmp(owner, "root") == 0 ? 0 : 4711;
        modes_write(dir, "sssd.conf", MODES_MAIN);
        modes_write(dir, "conf.d/10.conf", MODES_SNIPPET);
        (void) snprintf(path, sizeof(path), "%s/%s", dir, name);
        assert_return_code(chown(path, uid, uid), errno);
        assert_return_code(chown(dir, uid, uid), errno);
        assert_return_code(chmod(path, mode), errno);
        limit = fd_limit(dir);
        got = limit == 0 ? "refused" : limit == 100 ? "passed" : "taken";
        if (strcmp(got, wanted[engine]) != 0)
            fail_msg("%s of %s, mode %04o: %s, not %s", name, owner, mode, got, wanted[engine]);
        n++;
    }
    (void) fclose(file);
    assert_true(n > 20);
}

#endif
