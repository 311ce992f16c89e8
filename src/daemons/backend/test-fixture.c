/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/import.h"
#include "backend/items.h"
#include "backend/test-fixture.h"
#include "common/cleanup.h"
#include "config/image.h"

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    folder_begin(&f->folder);
    assert_int_equal(mkdir(folder_file(&f->folder, "ldif"), 0755), 0);
    fixture_set(f, NULL, NULL);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    f->cache = cache_close(f->cache);
    config_freep(&f->config);
    folder_remove(&f->folder);
    free(f);
    return 0;
}

void fixture_set(struct fixture *f, const char *key, const char *value)
{
    struct config_entry entries[] = {
        { "sssd", "domains", DOMAIN },
        { "sssd", "user", "root" },
        { "domain/" DOMAIN, "id_provider", "ldif" },
        { "domain/" DOMAIN, "ldif_files", folder_file(&f->folder, "ldif") },
        { "domain/" DOMAIN, key, value },
    };

    size_t n = 4;

    if (key && strcmp(key, entries[3].key) == 0)
        entries[3].value = value;
    else if (key)
        n++;
    config_freep(&f->config);
    assert_int_equal(config_from_entries(entries, n, &f->config), 0);
}

void fixture_write(struct fixture *f, const char *name, const char *text)
{
    char path[64];

    assert_true(snprintf(path, sizeof(path), "ldif/%s", name) < (int) sizeof(path));
    folder_write(&f->folder, path, text);
}

int fixture_import(struct fixture *f)
{
    pid_t pid = fork();
    int status = 0, fd;

    assert_true(pid >= 0);
    if (pid == 0) {
        fd = open(folder_file(&f->folder, "log"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
            _exit(2);
        struct items items;

        if (items_open(&items, f->config, "domain/" DOMAIN) < 0)
            _exit(3);
        status = import_run(f->config, DOMAIN, &items, f->folder.path, 0) < 0;
        items_done(&items);
        _exit(status);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

char *fixture_log(struct fixture *f)
{
    return folder_read(&f->folder, "log");
}

struct cache *fixture_view(struct fixture *f)
{
    if (!f->cache)
        assert_int_equal(cache_open(f->folder.path, DOMAIN, &f->cache), 1);
    assert_int_equal(cache_begin(f->cache), 0);
    return f->cache;
}

void fixture_end_view(struct fixture *f)
{
    cache_end(f->cache);
}
