/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <ftw.h>
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

#include "test/folder.h"

void folder_begin(struct folder *folder)
{
    /* Short, because sockets' paths are; in /tmp, because the tests' own folder may be deep. */
    strcpy(folder->path, "/tmp/sssd-test.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    assert_int_equal(chmod(folder->path, 0755), 0); /* for tests that become somebody else */
}

static int on_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void) st;
    (void) type;
    (void) ftw;
    return remove(path);
}

void folder_remove(const struct folder *folder)
{
    /* A process that a test has killed may leave one of its own, which still writes here. */
    while (nftw(folder->path, on_entry, 8, FTW_DEPTH | FTW_PHYS) < 0 && access(folder->path, F_OK) == 0)
        assert_true(errno == ENOTEMPTY || errno == ENOENT);
}

int folder_setup(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));

    assert_non_null(folder);
    folder_begin(folder);
    *state = folder;
    return 0;
}

int folder_teardown(void **state)
{
    folder_remove(*state);
    free(*state);
    return 0;
}

const char *folder_file(const struct folder *folder, const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];

    assert_true(snprintf(path, sizeof(paths[0]), "%s/%s", folder->path, name) < (int) sizeof(paths[0]));
    return path;
}

void folder_write(const struct folder *folder, const char *name, const char *text)
{
    FILE *file = fopen(folder_file(folder, name), "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

char *folder_read(const struct folder *folder, const char *name)
{
    FILE *file = fopen(folder_file(folder, name), "re");
    char *text = NULL;
    size_t room = 0;

    assert_non_null(file);
    if (getdelim(&text, &room, '\0', file) < 0) { /* empty */
        free(text);
        text = strdup("");
    }
    assert_non_null(text);
    (void) fclose(file); /* it was only read */
    return text;
}
