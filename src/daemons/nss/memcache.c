/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory cache: what lies in the records of each file, and what becomes of files that are taken away. */

#include <errno.h>
#include <fcntl.h>
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
#include "util/folders.h"
#include "util/log.h"
#include "util/lock.h"
#include "util/memfile.h"

#define CLEAR_FLAG "clear_mc_flag"

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
    int lock_fd;   /* until our end nobody else takes our files over */
    uint64_t life; /* of a record, in seconds; 0: there are no files */
    struct memtable *tables[N_TABLES]; /* NULL: there is no file, or it was taken away */
};

/* ---- as root ---- */

static uint32_t slots_for(uint32_t megabytes)
{
    return (megabytes * MEMTABLE_SLOTS_PER_MB + 7) / 8 * 8;
}

static char *flag_path(const char *dir)
{
    char *path;

    return asprintf(&path, "%s/%s", dir, CLEAR_FLAG) < 0 ? NULL : path;
}

/* One who still has the lock is leaving: its files are replaced, and so is the lock, which is ours
 * then. Returns as lock_take(), but with the lock in any case. */
static int take_lock(const char *path, int *ret_fd)
{
    int was_held = 0;

    for (unsigned turns = 0; turns < 100; turns++) {
        int r = lock_take(path, ret_fd);

        if (r != 0)
            return r < 0 ? r : !was_held;
        was_held = 1;
        if (unlink(path) < 0 && errno != ENOENT)
            return -errno;
    }
    return -EAGAIN; /* a host on which a hundred others start at once */
}

static void open_tables(struct memcache *memcache, const struct memtable_place *place,
                        const struct config *config)
{
    for (enum table which = 0; which < N_TABLES; which++) {
        uint32_t n_slots = slots_for(config_u32(config, "nss", tables[which].size_option));
        int r;

        if (memcache->life == 0)
            n_slots = 0;
        if (n_slots == 0)
            r = memfile_discard(place->folder_fd, tables[which].name);
        else
            r = memtable_open(place, tables[which].name, &tables[which].kind, n_slots,
                              &memcache->tables[which]);
        if (r < 0)
            log_warning_errno(r, "memory cache %s: cannot %s it: %m", tables[which].name,
                              n_slots ? "make" : "remove");
    }
}

static int open_folder(const char *dir, int *ret_fd)
{
    int r;

    /* Only one that is missing: else it is SSSD's, with the owner and mode that its packages give
     * it. */
    r = folder_make(&(struct folder) { dir, 0755, geteuid(), getegid() });
    if (r < 0)
        return r;
    *ret_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd < 0 ? -errno : 0;
}

int memcache_open(const char *dir, const char *lock_path, const struct config *config, uid_t uid,
                  gid_t gid, struct memcache **ret)
{
    CLEANUP(closep) int folder_fd = -1;
    struct memcache *memcache;
    int r, is_sole_writer;

    memcache = calloc(1, sizeof(*memcache));
    if (!memcache)
        return -ENOMEM;
    memcache->dir = dir;
    memcache->lock_fd = -1;
    memcache->life = config_usec(config, "nss", "memcache_timeout") / 1000000;
    *ret = memcache;

    r = open_folder(dir, &folder_fd);
    if (r < 0) {
        log_warning_errno(r, "memory cache: cannot open %s: %m; clients ask for each entry", dir);
        return 0;
    }
    is_sole_writer = take_lock(lock_path, &memcache->lock_fd);
    if (is_sole_writer < 0)
        log_warning_errno(is_sole_writer,
                          "memory cache: cannot lock %s: %m; its files are made anew", lock_path);

    /* whoever left the flag waits no more, but wanted the files cleared; another engine's are of no
     * use to anybody */
    r = memfile_discard_others(dir, unlinkat(folder_fd, CLEAR_FLAG, 0) == 0 ? (uid_t) -1 : uid);
    if (r >= 0)
        r = memfile_discard(folder_fd, SIDS_NAME);
    if (r < 0)
        log_warning_errno(r, "memory cache: cannot remove what another engine has left: %m");
    open_tables(memcache, &(struct memtable_place) { folder_fd, uid, gid, is_sole_writer == 1 },
                config);
    return 0;
}

struct memcache *memcache_free(struct memcache *memcache)
{
    if (!memcache)
        return NULL;
    for (enum table which = 0; which < N_TABLES; which++)
        memtable_close(memcache->tables[which]);
    closep(&memcache->lock_fd);
    free(memcache);
    return NULL;
}

/* ---- as the service's user ---- */

/* The table, if it is still one that clients read. One that was taken away can only be made anew by
 * root. */
static struct memtable *ready(struct memcache *memcache, enum table which)
{
    struct memtable **table = &memcache->tables[which];

    if (*table && memtable_check(*table, now_usec()) < 0) {
        log_warning("memory cache %s: its file was taken away: clients ask for each entry until "
                    "the next start",
                    tables[which].name);
        *table = memtable_close(*table);
    }
    return *table;
}

void memcache_set_mark(struct memcache *memcache, uint64_t mark)
{
    for (enum table which = 0; which < N_TABLES; which++)
        if (memcache->tables[which])
            memtable_set_mark(memcache->tables[which], mark);
}

void memcache_keep(struct memcache *memcache, uint64_t mark)
{
    for (enum table which = 0; which < N_TABLES; which++)
        if (memcache->tables[which])
            memtable_keep(memcache->tables[which], mark);
}

void memcache_clear_if_flagged(struct memcache *memcache)
{
    CLEANUP(freep) char *flag = flag_path(memcache->dir);

    if (!flag || access(flag, F_OK) < 0)
        return;
    for (enum table which = 0; which < N_TABLES; which++)
        if (ready(memcache, which))
            memtable_clear(memcache->tables[which]);
    log_info("memory cache: cleared");
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
        memtable_forget(memcache->tables[TABLE_USERS], name);
}

void memcache_forget_group(struct memcache *memcache, const char *name)
{
    if (ready(memcache, TABLE_GROUPS))
        memtable_forget(memcache->tables[TABLE_GROUPS], name);
}

void memcache_forget_gids(struct memcache *memcache, const char *full_name)
{
    if (ready(memcache, TABLE_GIDS))
        memtable_forget_by_key2(memcache->tables[TABLE_GIDS], full_name);
}
