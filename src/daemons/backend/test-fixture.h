/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fixture: a folder with a configuration, LDIF files and a cache of domain "d". */

#ifndef BACKEND_TEST_FIXTURE_H
#define BACKEND_TEST_FIXTURE_H

#include "cache/cache.h"
#include "config/config.h"
#include "test/folder.h"

#define DOMAIN "d"

struct fixture {
    struct folder folder;
    struct config *config;
    struct cache *cache;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Makes the domain's configuration: ldif_files is FOLDER/ldif, and an option more, unless key is NULL. */
void fixture_set(struct fixture *f, const char *key, const char *value);
void fixture_write(struct fixture *f, const char *name, const char *text); /* in FOLDER/ldif */
/* Imports, in a process of its own as the backend does; its lines are in fixture_log(). Returns whether it went
 * well. */
int fixture_import(struct fixture *f);
char *fixture_log(struct fixture *f);
/* Opens the cache if need be, and begins a view; it must have been made. */
struct cache *fixture_view(struct fixture *f);
void fixture_end_view(struct fixture *f);

#endif
