/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory cache: what lies in the records of each file, and what becomes of files that are taken away. */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "config/config.h"
#include "nss/memcache.h"
#include "nss/memtable.h"
#include "util/log.h"

#define CLEAR_FLAG "clear_mc_flag"
#define RETRY_USEC (10 * 1000000ULL)

enum table {
    TABLE_USERS,
    TABLE_GROUPS,
    TABLE_GIDS,
    N_TABLES
};

static const struct {
    const char *name;
    const char *size_option;
    struct memtable_kind kind;
} tables[N_TABLES] = {
    [TABLE_USERS] = { "passwd", "memcache_size_passwd", { 0, SIZE_MAX } },
    [TABLE_GROUPS] = { "group", "memcache_size_group", { 0, SIZE_MAX } },
    [TABLE_GIDS] = { "initgroups", "memcache_size_initgroups", { 4, 0 } },
};

/* Entries here have no SIDs: a file that another engine has left would only tell what is no longer so. */
#define SIDS_NAME "sid"

struct memcache {
    const char *dir;
    uint64_t life; /* of a record, in seconds; 0: there are no files */
    uint64_t mark;
    struct {
        uint32_t n_slots;         /* 0: there is no file */
        struct memtable *table;   /* NULL: it could not be had */
        uint64_t retry_usec;
    } files[N_TABLES];
};

static void open_table(struct memcache *memcache, enum table which)
{
    uint64_t now = now_usec();
    int r;

    if (memcache->files[which].n_slots == 0 || now < memcache->files[which].retry_usec)
        return;
    memcache->files[which].retry_usec = now + RETRY_USEC;
    r = memtable_open(memcache->dir, tables[which].name, &tables[which].kind, memcache->files[which].n_slots, memcache->mark,
                      &memcache->files[which].table);
    if (r == -EAGAIN)
        log_info("memory cache %s: another process still has it", tables[which].name);
    else if (r < 0)
        log_warning_errno(r, "memory cache %s: cannot make it: %m; clients ask for each entry", tables[which].name);
}

/* The table, if it is still the one that clients read. One that was taken away is made anew. */
static struct memtable *ready(struct memcache *memcache, enum table which)
{
    struct memtable **table = &memcache->files[which].table;

    if (*table && memtable_check(*table, now_usec()) < 0) {
        *table = memtable_close(*table);
        memcache->files[which].retry_usec = 0;
    }
    if (!*table)
        open_table(memcache, which);
    return *table;
}

static void discard(const char *dir, const char *name)
{
    int r;

    r = memtable_discard(dir, name);
    if (r < 0)
        log_warning_errno(r, "memory cache %s: cannot remove it: %m", name);
}

static uint32_t slots_for(uint32_t megabytes)
{
    return (megabytes * MEMTABLE_SLOTS_PER_MB + 7) / 8 * 8;
}

static char *flag_path(const struct memcache *memcache)
{
    char *path;

    return asprintf(&path, "%s/%s", memcache->dir, CLEAR_FLAG) < 0 ? NULL : path;
}

int memcache_new(const char *dir, const struct config *config, uint64_t mark, struct memcache **ret)
{
    CLEANUP(freep) char *flag = NULL;
    struct memcache *memcache;
    enum table which;

    memcache = calloc(1, sizeof(*memcache));
    if (!memcache)
        return -ENOMEM;
    memcache->dir = dir;
    memcache->mark = mark;
    memcache->life = config_usec(config, "nss", "memcache_timeout") / 1000000;

    flag = flag_path(memcache);
    if (flag && unlink(flag) == 0) /* whoever left it waits no more, but wanted the files cleared */
        for (which = 0; which < N_TABLES; which++)
            discard(dir, tables[which].name);
    discard(dir, SIDS_NAME);
    for (which = 0; which < N_TABLES; which++) {
        if (memcache->life > 0)
            memcache->files[which].n_slots = slots_for(config_u32(config, "nss", tables[which].size_option));
        if (memcache->files[which].n_slots > 0)
            open_table(memcache, which);
        else
            discard(dir, tables[which].name);
    }
    *ret = memcache;
    return 0;
}

struct memcache *memcache_free(struct memcache *memcache)
{
    enum table which;

    if (!memcache)
        return NULL;
    for (which = 0; which < N_TABLES; which++)
        memtable_close(memcache->files[which].table);
    free(memcache);
    return NULL;
}

void memcache_set_mark(struct memcache *memcache, uint64_t mark)
{
    enum table which;

    memcache->mark = mark;
    for (which = 0; which < N_TABLES; which++)
        if (memcache->files[which].table)
            memtable_set_mark(memcache->files[which].table, mark);
}

void memcache_keep(struct memcache *memcache, uint64_t mark)
{
    enum table which;

    memcache->mark = mark;
    for (which = 0; which < N_TABLES; which++)
        if (memcache->files[which].table)
            memtable_keep(memcache->files[which].table, mark);
}

void memcache_clear_if_flagged(struct memcache *memcache)
{
    CLEANUP(freep) char *flag = flag_path(memcache);
    enum table which;

    if (!flag || access(flag, F_OK) < 0)
        return;
    for (which = 0; which < N_TABLES; which++)
        if (ready(memcache, which))
            memtable_clear(memcache->files[which].table);
    log_info("memory cache: cleared");
    if (unlink(flag) < 0)
        log_warning("cannot remove %s: %m", flag);
}

static void store(struct memcache *memcache, enum table which, const char *key1, const char *key2, const void *head,
                  size_t head_bytes, const void *body, size_t body_bytes)
{
    uint64_t now = (uint64_t) time(NULL);
    struct memtable *table = ready(memcache, which);
    const struct memtable_record record = {
        .key1 = key1,
        .key2 = key2,
        .expire = now + memcache->life,
        .head = head,
        .head_bytes = head_bytes,
        .body = body,
        .body_bytes = body_bytes,
    };

    if (table)
        (void) memtable_store(table, &record, now); /* the next question for it tries again */
}

/* Users and groups differ in the meaning of two numbers. */
static void store_entry(struct memcache *memcache, enum table which, uint32_t id, uint32_t number, const void *strings, size_t bytes)
{
    const uint32_t head[] = { 16, id, number, (uint32_t) bytes };
    char id_text[16];

    (void) snprintf(id_text, sizeof(id_text), "%u", id);
    store(memcache, which, strings, id_text, head, sizeof(head), strings, bytes);
}

void memcache_store_user(struct memcache *memcache, uint32_t uid, uint32_t gid, const void *strings, size_t bytes)
{
    store_entry(memcache, TABLE_USERS, uid, gid, strings, bytes);
}

void memcache_store_group(struct memcache *memcache, uint32_t gid, uint32_t n_members, const void *strings, size_t bytes)
{
    store_entry(memcache, TABLE_GROUPS, gid, n_members, strings, bytes);
}

void memcache_store_gids(struct memcache *memcache, const char *asked, const char *full_name, const uint32_t *gids, size_t n)
{
    uint32_t gids_bytes = (uint32_t) (n * sizeof(*gids));
    uint32_t full_bytes = (uint32_t) strlen(full_name) + 1, asked_bytes = (uint32_t) strlen(asked) + 1;
    uint32_t full_at = 24 + gids_bytes;
    const uint32_t head[] = { full_at,     full_at + full_bytes,      full_at, full_bytes + asked_bytes,
                              gids_bytes + full_bytes + asked_bytes, (uint32_t) n };
    CLEANUP(freep) uint8_t *body = malloc((size_t) gids_bytes + full_bytes + asked_bytes);

    if (!body)
        return;
    memcpy(body, gids, gids_bytes);
    memcpy(body + gids_bytes, full_name, full_bytes);
    memcpy(body + gids_bytes + full_bytes, asked, asked_bytes);
    store(memcache, TABLE_GIDS, asked, full_name, head, sizeof(head), body, (size_t) gids_bytes + full_bytes + asked_bytes);
}

void memcache_forget_user(struct memcache *memcache, const char *name)
{
    if (ready(memcache, TABLE_USERS))
        memtable_forget(memcache->files[TABLE_USERS].table, name);
}

void memcache_forget_group(struct memcache *memcache, const char *name)
{
    if (ready(memcache, TABLE_GROUPS))
        memtable_forget(memcache->files[TABLE_GROUPS].table, name);
}

void memcache_forget_gids(struct memcache *memcache, const char *full_name)
{
    if (ready(memcache, TABLE_GIDS))
        memtable_forget_by_key2(memcache->files[TABLE_GIDS].table, full_name);
}
