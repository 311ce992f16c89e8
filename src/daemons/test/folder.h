/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folder: a place of its own for each test, in /tmp, which goes with all that is in it. */

#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

#include <stddef.h>

struct folder {
    char path[64];
};

/* For cmocka's setup and teardown: *state is the struct folder. */
int folder_setup(void **state);
int folder_teardown(void **state);

/* The same within a fixture of a test's own. */
void folder_begin(struct folder *folder);
void folder_remove(const struct folder *folder);

/* PATH/name; lives until the eighth call after it. */
const char *folder_file(const struct folder *folder, const char *name);
void folder_write(const struct folder *folder, const char *name, const char *text);
/* What is in it, the caller's to free. */
char *folder_read(const struct folder *folder, const char *name);

#endif
