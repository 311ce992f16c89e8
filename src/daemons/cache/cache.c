/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cache: what is known of one domain, as its readers see it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/layout.h"
#include "common/cleanup.h"

struct cache {
    char *path;
    MDB_env *env;
    MDB_txn *txn; /* made once; a view renews it, so that it costs neither memory nor a system call */
    MDB_dbi tables[N_TABLES];
    dev_t device;
    ino_t inode;
    /* Of the entries that were returned in this view. */
    uint64_t updated_last, expires_first, first_number;
};

/* ---- opening ---- */

/* Returns 1, or 0 if it is of another layout or has none yet. */
static int open_tables(struct cache *cache)
{
    MDB_val key = { sizeof(LAYOUT_KEY) - 1, (void *) LAYOUT_KEY }, value;
    uint32_t mark = LAYOUT_MARK;
    MDB_txn *txn;
    int r;

    r = cache_begin_view(cache->env, &txn);
    if (r)
        return cache_errno(r);

    for (int i = 0; i < N_TABLES && r == 0; i++) {
        r = mdb_dbi_open(txn, table_names[i], 0, &cache->tables[i]);
        if (r || i != TABLE_STATE)
            continue;
        /* Before the other tables: those of another layout need not be there. */
        r = mdb_get(txn, cache->tables[i], &key, &value);
        if (r == 0 && (value.mv_size != sizeof(mark) || memcmp(value.mv_data, &mark, sizeof(mark)) != 0))
            r = MDB_NOTFOUND;
    }
    if (r) {
        mdb_txn_abort(txn);
        return r == MDB_NOTFOUND ? 0 : cache_errno(r);
    }

    /* What is not committed forgets its tables. */
    r = mdb_txn_commit(txn);
    return r ? cache_errno(r) : 1;
}

int cache_open(const char *dir, const char *domain, struct cache **ret)
{
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct stat st;
    int fd, r;

    cache = calloc(1, sizeof(*cache));
    if (!cache)
        return -ENOMEM;
    cache->path = cache_path(dir, domain);
    if (!cache->path)
        return -ENOMEM;

    r = mdb_env_create(&cache->env);
    if (r == 0)
        r = mdb_env_set_mapsize(cache->env, CACHE_MAP_BYTES);
    if (r == 0)
        r = mdb_env_set_maxdbs(cache->env, N_TABLES);
    if (r == 0)
        r = mdb_env_open(cache->env, cache->path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOTLS | MDB_NORDAHEAD, 0600);
    if (r)
        return r == ENOENT || r == EBADF ? 0
                                         : cache_errno(r); /* EBADF: it is empty, and LMDB would begin to fill it */

    r = mdb_env_get_fd(cache->env, &fd);
    if (r)
        return cache_errno(r);
    if (fstat(fd, &st) < 0)
        return -errno;
    cache->device = st.st_dev;
    cache->inode = st.st_ino;

    r = cache_check_size(cache->env);
    if (r < 0)
        return r;
    r = open_tables(cache);
    if (r <= 0)
        return r;

    r = cache_begin_view(cache->env, &cache->txn);
    if (r)
        return cache_errno(r);
    mdb_txn_reset(cache->txn);

    *ret = TAKE(cache);
    return 1;
}

struct cache *cache_close(struct cache *cache)
{
    if (cache) {
        if (cache->txn)
            mdb_txn_abort(cache->txn);
        if (cache->env)
            mdb_env_close(cache->env);
        free(cache->path);
        free(cache);
    }
    return NULL;
}

void cache_closep(struct cache **cache)
{
    *cache = cache_close(*cache);
}

bool cache_is_replaced(const struct cache *cache)
{
    struct stat st;

    return stat(cache->path, &st) < 0 || st.st_dev != cache->device || st.st_ino != cache->inode;
}

int cache_begin(struct cache *cache)
{
    cache->updated_last = cache->first_number = 0;
    cache->expires_first = UINT64_MAX;
    return cache_errno(mdb_txn_renew(cache->txn));
}

void cache_end(struct cache *cache)
{
    mdb_txn_reset(cache->txn);
}

int cache_read_state(struct cache *cache, struct cache_state *ret)
{
    return cache_get_state(cache->txn, cache->tables[TABLE_STATE], ret);
}

bool cache_is_good(const struct cache *cache, uint64_t now)
{
    return cache->updated_last <= now && now < cache->expires_first;
}

uint64_t cache_entry_number(const struct cache *cache)
{
    return cache->first_number;
}

/* ---- records: all arithmetic is here ---- */

struct record {
    const char *next;
    size_t left;
};

static int take(struct record *record, size_t bytes, const char **ret)
{
    if (bytes > record->left)
        return -EIO;
    *ret = record->next;
    record->next += bytes;
    record->left -= bytes;
    return 0;
}

static int take_fixed(struct record *record, void *ret, size_t bytes)
{
    const char *from;
    int r;

    r = take(record, bytes, &from);
    if (r < 0)
        return r;
    memcpy(ret, from, bytes); /* LMDB aligns to two */
    return 0;
}

static int take_text(struct record *record, const char **ret)
{
    const char *end = memchr(record->next, '\0', record->left);

    return end ? take(record, (size_t) (end - record->next) + 1, ret) : -EIO;
}

/* Whoever walks over the texts relies on their number. */
static int take_texts(struct record *record, size_t bytes, uint64_t n, const char **ret)
{
    const char *texts;
    uint64_t zeros = 0;
    int r;

    r = take(record, bytes, &texts);
    if (r < 0)
        return r;
    for (size_t i = 0; i < bytes; i++)
        zeros += texts[i] == '\0';
    if (zeros != n || (bytes > 0 && texts[bytes - 1] != '\0'))
        return -EIO;

    *ret = texts;
    return 0;
}

static int take_head(struct cache *cache, struct record *record)
{
    struct entry_head head;
    const char *keys;
    int r;

    r = take_fixed(record, &head, sizeof(head));
    if (r == 0)
        r = take(record, head.keys_bytes, &keys);
    if (r < 0)
        return r;
    if (head.updated > cache->updated_last)
        cache->updated_last = head.updated;
    if (head.updated + head.life_sec < cache->expires_first)
        cache->expires_first = head.updated + head.life_sec;
    return 0;
}

static int record_to_user(struct cache *cache, uint64_t number, MDB_val value, struct cache_user *ret)
{
    struct record record = { value.mv_data, value.mv_size };
    struct user_record fixed;
    struct cache_user user;
    int r;

    r = take_head(cache, &record);
    if (r == 0)
        r = take_fixed(&record, &fixed, sizeof(fixed));
    if (r == 0)
        r = take_text(&record, &user.name);
    if (r == 0)
        r = take_text(&record, &user.gecos);
    if (r == 0)
        r = take_text(&record, &user.home);
    if (r == 0)
        r = take_text(&record, &user.shell);
    if (r < 0 || record.left > 0)
        return -EIO;

    user.uid = fixed.uid;
    user.gid = fixed.gid;
    user.is_twin = NUMBER_NTH(number) > 0;
    if (cache->first_number == 0)
        cache->first_number = number;
    *ret = user;
    return 1;
}

static int record_to_group(struct cache *cache, uint64_t number, MDB_val value, struct cache_group *ret)
{
    struct record record = { value.mv_data, value.mv_size };
    struct group_record fixed;
    struct cache_group group;
    int r;

    r = take_head(cache, &record);
    if (r == 0)
        r = take_fixed(&record, &fixed, sizeof(fixed));
    if (r == 0)
        r = take_text(&record, &group.name);
    group.members_bytes = record.left;
    if (r == 0)
        r = take_texts(&record, record.left, fixed.n_members, &group.members);
    if (r < 0)
        return r;

    group.gid = fixed.gid;
    group.n_members = fixed.n_members;
    group.is_twin = NUMBER_NTH(number) > 0;
    if (cache->first_number == 0)
        cache->first_number = number;
    *ret = group;
    return 1;
}

static int record_to_netgroup(struct cache *cache, MDB_val value, struct cache_netgroup *ret)
{
    struct record record = { value.mv_data, value.mv_size };
    struct netgroup_record fixed;
    struct cache_netgroup netgroup;
    int r;

    r = take_head(cache, &record);
    if (r == 0)
        r = take_fixed(&record, &fixed, sizeof(fixed));
    if (r == 0)
        r = take_text(&record, &netgroup.name);
    if (r == 0)
        r = take_texts(&record, fixed.triples_bytes, (uint64_t) fixed.n_triples * 3, &netgroup.triples);
    netgroup.netgroups_bytes = record.left;
    if (r == 0)
        r = take_texts(&record, record.left, fixed.n_netgroups, &netgroup.netgroups);
    if (r < 0)
        return r;

    netgroup.n_triples = fixed.n_triples;
    netgroup.triples_bytes = fixed.triples_bytes;
    netgroup.n_netgroups = fixed.n_netgroups;
    *ret = netgroup;
    return 1;
}

static int record_to_service(struct cache *cache, MDB_val value, struct cache_service *ret)
{
    struct record record = { value.mv_data, value.mv_size };
    struct service_record fixed;
    struct cache_service service;
    int r;

    r = take_head(cache, &record);
    if (r == 0)
        r = take_fixed(&record, &fixed, sizeof(fixed));
    if (r == 0)
        r = take_text(&record, &service.name);
    if (r == 0)
        r = take_text(&record, &service.protocol);
    service.aliases_bytes = record.left;
    if (r == 0)
        r = take_texts(&record, record.left, fixed.n_aliases, &service.aliases);
    if (r < 0 || fixed.port > UINT16_MAX)
        return -EIO;

    service.port = (uint16_t) fixed.port;
    service.n_aliases = fixed.n_aliases;
    *ret = service;
    return 1;
}

/* ---- looking up ---- */

static int get(struct cache *cache, enum table table, const void *key, size_t bytes, MDB_val *ret)
{
    MDB_val key_value = { bytes, (void *) key };
    int r;

    r = mdb_get(cache->txn, cache->tables[table], &key_value, ret);
    if (r == MDB_NOTFOUND)
        return 0;
    return r ? cache_errno(r) : 1;
}

static int number_from(MDB_val value, uint64_t *ret)
{
    if (value.mv_size != sizeof(*ret))
        return -EIO;
    memcpy(ret, value.mv_data, sizeof(*ret));
    return 1;
}

static int number_by_key(struct cache *cache, enum table table, const void *key, size_t bytes, uint64_t *ret)
{
    MDB_val value;
    int r;

    /* Nothing of that length is stored; LMDB would call it an error. */
    if (bytes == 0 || bytes > SERVICE_KEY_BYTES_MAX)
        return 0;
    r = get(cache, table, key, bytes, &value);
    return r <= 0 ? r : number_from(value, ret);
}

/* The record that a key leads to; a key without its record is damage. */
static int record_by_key(struct cache *cache, enum table names, enum table records, const char *key, uint64_t *ret_number,
                         MDB_val *ret)
{
    int r;

    r = number_by_key(cache, names, key, strlen(key), ret_number);
    if (r <= 0)
        return r;
    r = get(cache, records, ret_number, sizeof(*ret_number), ret);
    return r == 0 ? -EIO : r;
}

int cache_user_by_name(struct cache *cache, const char *key, struct cache_user *ret)
{
    uint64_t number;
    MDB_val value;
    int r;

    r = record_by_key(cache, TABLE_USER_NAMES, TABLE_USERS, key, &number, &value);
    return r <= 0 ? r : record_to_user(cache, number, value, ret);
}

int cache_user_by_id(struct cache *cache, uint32_t uid, struct cache_user *ret)
{
    const uint64_t number = NUMBER(uid, 0);
    MDB_val value;
    int r;

    r = get(cache, TABLE_USERS, &number, sizeof(number), &value);
    return r <= 0 ? r : record_to_user(cache, number, value, ret);
}

int cache_group_by_name(struct cache *cache, const char *key, struct cache_group *ret)
{
    uint64_t number;
    MDB_val value;
    int r;

    r = record_by_key(cache, TABLE_GROUP_NAMES, TABLE_GROUPS, key, &number, &value);
    return r <= 0 ? r : record_to_group(cache, number, value, ret);
}

int cache_group_by_id(struct cache *cache, uint32_t gid, struct cache_group *ret)
{
    const uint64_t number = NUMBER(gid, 0);
    MDB_val value;
    int r;

    r = get(cache, TABLE_GROUPS, &number, sizeof(number), &value);
    return r <= 0 ? r : record_to_group(cache, number, value, ret);
}

int cache_gids_of_user(struct cache *cache, const char *key, const void **ret, size_t *ret_n)
{
    uint64_t number;
    MDB_val value;
    int r;

    r = number_by_key(cache, TABLE_USER_NAMES, key, strlen(key), &number);
    if (r <= 0)
        return r;

    r = get(cache, TABLE_GIDS, &number, sizeof(number), &value);
    if (r < 0)
        return r;
    if (r == 0)
        value = (MDB_val){ 0, (void *) "" };
    if (value.mv_size % sizeof(uint32_t) != 0)
        return -EIO;

    *ret = value.mv_data;
    *ret_n = value.mv_size / sizeof(uint32_t);
    return 1;
}

int cache_netgroup_by_name(struct cache *cache, const char *key, struct cache_netgroup *ret)
{
    uint64_t number;
    MDB_val value;
    int r;

    r = record_by_key(cache, TABLE_NETGROUP_NAMES, TABLE_NETGROUPS, key, &number, &value);
    return r <= 0 ? r : record_to_netgroup(cache, value, ret);
}

/* The first entry whose key begins with that: the one of the protocol that sorts first. */
static int number_by_prefix(struct cache *cache, enum table table, const void *prefix, size_t bytes, uint64_t *ret)
{
    MDB_val key = { bytes, (void *) prefix }, value;
    MDB_cursor *cursor;
    int r;

    r = mdb_cursor_open(cache->txn, cache->tables[table], &cursor);
    if (r)
        return cache_errno(r);
    r = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    mdb_cursor_close(cursor);

    if (r == MDB_NOTFOUND)
        return 0;
    if (r)
        return cache_errno(r);
    if (key.mv_size < bytes || memcmp(key.mv_data, prefix, bytes) != 0)
        return 0;
    return number_from(value, ret);
}

static int service_by_key(struct cache *cache, enum table table, const char *key, size_t bytes, bool any_protocol,
                          struct cache_service *ret)
{
    uint64_t number;
    MDB_val value;
    int r;

    if (bytes == 0)
        return 0;
    r = any_protocol ? number_by_prefix(cache, table, key, bytes, &number)
                     : number_by_key(cache, table, key, bytes, &number);
    if (r <= 0)
        return r;
    r = get(cache, TABLE_SERVICES, &number, sizeof(number), &value);
    if (r <= 0)
        return r < 0 ? r : -EIO;
    return record_to_service(cache, value, ret);
}

int cache_service_by_name(struct cache *cache, const char *key, const char *protocol, struct cache_service *ret)
{
    char name_key[SERVICE_KEY_BYTES_MAX];
    size_t bytes = service_name_key(key, protocol, name_key);

    return service_by_key(cache, TABLE_SERVICE_NAMES, name_key, bytes, *protocol == '\0', ret);
}

int cache_service_by_port(struct cache *cache, uint16_t port, const char *protocol, struct cache_service *ret)
{
    char port_key[SERVICE_KEY_BYTES_MAX];
    size_t bytes = service_port_key(port, protocol, port_key);

    return service_by_key(cache, TABLE_SERVICE_PORTS, port_key, bytes, *protocol == '\0', ret);
}

/* ---- walking ---- */

/* A record of any kind and whom to show it to. */
struct visit {
    int (*on_record)(struct cache *cache, uint64_t number, MDB_val value, const struct visit *visit);
    int (*on_user)(const struct cache_user *user, void *userdata);
    int (*on_group)(const struct cache_group *group, void *userdata);
    int (*on_service)(const struct cache_service *service, void *userdata);
    void *userdata;
};

static int visit_user(struct cache *cache, uint64_t number, MDB_val value, const struct visit *visit)
{
    struct cache_user user;
    int r = record_to_user(cache, number, value, &user);

    return r < 0 ? r : visit->on_user(&user, visit->userdata);
}

static int visit_group(struct cache *cache, uint64_t number, MDB_val value, const struct visit *visit)
{
    struct cache_group group;
    int r = record_to_group(cache, number, value, &group);

    return r < 0 ? r : visit->on_group(&group, visit->userdata);
}

static int visit_service(struct cache *cache, uint64_t number, MDB_val value, const struct visit *visit)
{
    struct cache_service service;
    int r = record_to_service(cache, value, &service);

    (void) number;
    return r < 0 ? r : visit->on_service(&service, visit->userdata);
}

static int each(struct cache *cache, enum table table, uint32_t from, const struct visit *visit)
{
    uint64_t number = NUMBER(from, 0);
    MDB_val key = { sizeof(number), &number }, value;
    MDB_cursor *cursor;
    int r, answer = 0;

    r = mdb_cursor_open(cache->txn, cache->tables[table], &cursor);
    if (r)
        return cache_errno(r);
    for (r = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); r == 0 && answer == 0;
         r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        answer = number_from(key, &number);
        if (answer > 0)
            answer = visit->on_record(cache, number, value, visit);
    }
    mdb_cursor_close(cursor);

    if (answer != 0)
        return answer;
    return r == MDB_NOTFOUND ? 0 : cache_errno(r);
}

int cache_each_user(struct cache *cache, uint32_t from_uid,
                    int (*on_user)(const struct cache_user *user, void *userdata), void *userdata)
{
    struct visit visit = { .on_record = visit_user, .on_user = on_user, .userdata = userdata };

    return each(cache, TABLE_USERS, from_uid, &visit);
}

int cache_each_group(struct cache *cache, uint32_t from_gid,
                     int (*on_group)(const struct cache_group *group, void *userdata), void *userdata)
{
    struct visit visit = { .on_record = visit_group, .on_group = on_group, .userdata = userdata };

    return each(cache, TABLE_GROUPS, from_gid, &visit);
}

int cache_each_service(struct cache *cache, uint32_t from,
                       int (*on_service)(const struct cache_service *service, void *userdata), void *userdata)
{
    struct visit visit = { .on_record = visit_service, .on_service = on_service, .userdata = userdata };

    return each(cache, TABLE_SERVICES, from, &visit);
}

/* ---- what has changed ---- */

int cache_each_change(struct cache *cache, uint64_t since,
                      int (*on_change)(const struct cache_change *change, void *userdata), void *userdata)
{
    uint64_t number = htobe64(since + 1);
    MDB_val key = { sizeof(number), &number }, value;
    struct cache_state state;
    struct record record;
    struct change_record fixed;
    struct cache_change change;
    MDB_cursor *cursor;
    int r, answer = 0;

    r = cache_read_state(cache, &state);
    if (r < 0 || state.last_change == since)
        return r;
    r = mdb_cursor_open(cache->txn, cache->tables[TABLE_CHANGES], &cursor);
    if (r)
        return cache_errno(r);
    /* Each number is there, from the next one to the last. */
    r = mdb_cursor_get(cursor, &key, &value, MDB_SET);
    for (number = since + 1; r == 0 && answer == 0; number++, r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        record = (struct record){ value.mv_data, value.mv_size };
        answer = take_fixed(&record, &fixed, sizeof(fixed));
        if (answer == 0)
            answer = take_text(&record, &change.name);
        if (answer == 0 && fixed.kind >= CACHE_N_KINDS)
            answer = -EIO;
        change.kind = fixed.kind;
        change.has_keys = fixed.has_keys != 0;
        if (answer == 0)
            answer = on_change(&change, userdata);
    }
    mdb_cursor_close(cursor);
    if (answer != 0)
        return answer;
    if (r != MDB_NOTFOUND)
        return cache_errno(r);
    return number == state.last_change + 1 ? 0 : -ESTALE;
}

/* ---- all of it ---- */

static int check_user(struct cache *cache, uint64_t number, MDB_val value, const struct visit *visit)
{
    struct cache_user user;

    (void) visit;
    return record_to_user(cache, number, value, &user) < 0 ? -EIO : 0;
}

static int check_group(struct cache *cache, uint64_t number, MDB_val value, const struct visit *visit)
{
    struct cache_group group;

    (void) visit;
    return record_to_group(cache, number, value, &group) < 0 ? -EIO : 0;
}

static int check_netgroup(struct cache *cache, uint64_t number, MDB_val value, const struct visit *visit)
{
    struct cache_netgroup netgroup;

    (void) number;
    (void) visit;
    return record_to_netgroup(cache, value, &netgroup) < 0 ? -EIO : 0;
}

static int check_service(struct cache *cache, uint64_t number, MDB_val value, const struct visit *visit)
{
    struct cache_service service;

    (void) number;
    (void) visit;
    return record_to_service(cache, value, &service) < 0 ? -EIO : 0;
}

static int check_gids(struct cache *cache, uint64_t number, MDB_val value, const struct visit *visit)
{
    (void) cache;
    (void) number;
    (void) visit;
    return value.mv_size % sizeof(uint32_t) != 0 ? -EIO : 0;
}

/* Each key leads to a record. */
static int check_keys(struct cache *cache, enum table names, enum table records)
{
    MDB_val key, value, record;
    MDB_cursor *cursor;
    uint64_t number;
    int r, found = 1;

    r = mdb_cursor_open(cache->txn, cache->tables[names], &cursor);
    if (r)
        return cache_errno(r);
    while (found > 0 && (r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        found = number_from(value, &number);
        if (found > 0)
            found = get(cache, records, &number, sizeof(number), &record);
    }
    mdb_cursor_close(cursor);

    if (found <= 0)
        return -EIO;
    return r == MDB_NOTFOUND ? 0 : cache_errno(r);
}

int cache_check_all(MDB_env *env, MDB_txn *txn, const MDB_dbi tables[N_TABLES])
{
    static const struct {
        enum table records;
        int (*check)(struct cache *cache, uint64_t number, MDB_val value, const struct visit *visit);
    } records[] = {
        { TABLE_USERS, check_user },         { TABLE_GROUPS, check_group }, { TABLE_NETGROUPS, check_netgroup },
        { TABLE_SERVICES, check_service }, { TABLE_GIDS, check_gids },
    };
    static const struct {
        enum table names, records;
    } keys[] = {
        { TABLE_USER_NAMES, TABLE_USERS },         { TABLE_GROUP_NAMES, TABLE_GROUPS },
        { TABLE_NETGROUP_NAMES, TABLE_NETGROUPS }, { TABLE_SERVICE_NAMES, TABLE_SERVICES },
        { TABLE_SERVICE_PORTS, TABLE_SERVICES },
    };
    struct cache cache = { .env = env, .txn = txn };
    struct cache_state state;
    int r;

    memcpy(cache.tables, tables, sizeof(cache.tables));
    r = cache_read_state(&cache, &state);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]) && r == 0; i++) {
        struct visit visit = { .on_record = records[i].check };

        r = each(&cache, records[i].records, 0, &visit);
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && r == 0; i++)
        r = check_keys(&cache, keys[i].names, keys[i].records);
    return r;
}
