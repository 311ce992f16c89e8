/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Test files: a configuration folder for one test, which goes with it. */

#ifndef COMMON_TEST_FILES_H
#define COMMON_TEST_FILES_H

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf.h"

struct folder {
    char dir[64]; /* has conf.d */
    struct conf *config;
    char *why;
};

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void) st;
    (void) type;
    (void) ftw;
    return remove(path);
}

static inline char *folder_path(const struct folder *folder, const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", folder->dir, name) < 0 ? NULL : path;
}

static inline int folder_setup(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));
    char *snippets = NULL;

    if (!folder)
        return -1;
    (void) strcpy(folder->dir, "/tmp/sssd-ondemand-test-XXXXXX");
    if (!mkdtemp(folder->dir) || !(snippets = folder_path(folder, "conf.d")) ||
        mkdir(snippets, 0755) < 0) {
        free(snippets);
        free(folder);
        return -1;
    }
    free(snippets);
    *state = folder;
    return 0;
}

static inline int folder_teardown(void **state)
{
    struct folder *folder = *state;

    (void) conf_free(folder->config);
    free(folder->why);
    (void) nftw(folder->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS); /* else it stays in /tmp */
    free(folder);
    return 0;
}

/* Writes DIR/NAME with mode 0600, as if long ago: whoever reads it need not wait. */
static inline int folder_write_bytes(const struct folder *folder, const char *name,
                                     const void *text, size_t bytes)
{
    static const struct timespec long_ago[2] = { { .tv_sec = 1000000000 },
                                                 { .tv_sec = 1000000000 } };
    char *path = folder_path(folder, name);
    FILE *file = path ? fopen(path, "we") : NULL;
    int r = -1;

    if (file) {
        r = fchmod(fileno(file), 0600) == 0 && fwrite(text, 1, bytes, file) == bytes ? 0 : -1;
        if (fclose(file) != 0 || utimensat(AT_FDCWD, path, long_ago, 0) < 0)
            r = -1;
    }
    free(path);
    return r;
}

static inline int folder_write(const struct folder *folder, const char *name, const char *text)
{
    return folder_write_bytes(folder, name, text, strlen(text));
}

/* Reads it where files are to belong to that user and group; what was read before is gone. */
static inline int folder_load_of(struct folder *folder, enum engine engine, uid_t uid, gid_t gid)
{
    struct conf_policy policy = conf_policies[engine];

    policy.uid = uid;
    policy.gid = gid;
    folder->config = conf_free(folder->config);
    free(folder->why);
    folder->why = NULL;
    return conf_read(folder->dir, "sssd.conf", &policy, NULL, NULL, &folder->config, &folder->why);
}

/* As if we were root. */
static inline int folder_load(struct folder *folder, enum engine engine)
{
    return folder_load_of(folder, engine, geteuid(), getegid());
}

#endif
