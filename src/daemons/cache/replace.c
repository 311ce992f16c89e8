/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cache writer, replacing all entries: what is put is compared with what is there, and only what
 * differs is written. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cache/private.h"
#include "cache/writer.h"
#include "common/cleanup.h"

static const struct {
    enum table records, names;
    size_t fixed_bytes; /* before the entry's name */
    bool has_id;
} kinds[CACHE_N_KINDS] = {
    [CACHE_USER] = { TABLE_USERS, TABLE_USER_NAMES, sizeof(struct user_record), true },
    [CACHE_GROUP] = { TABLE_GROUPS, TABLE_GROUP_NAMES, sizeof(struct group_record), true },
    [CACHE_NETGROUP] = { TABLE_NETGROUPS, TABLE_NETGROUP_NAMES, sizeof(struct netgroup_record), false },
    [CACHE_SERVICE] = { TABLE_SERVICES, TABLE_SERVICE_NAMES, sizeof(struct service_record), false },
};

/* ---- buffers ---- */

static int buffer_add(struct buffer *buffer, const void *bytes, size_t n)
{
    size_t max = buffer->n_max ? buffer->n_max : 256;
    char *larger;

    while (max - buffer->n < n)
        max *= 2;
    if (max != buffer->n_max) {
        larger = realloc(buffer->at, max);
        if (!larger)
            return -ENOMEM;
        buffer->at = larger;
        buffer->n_max = max;
    }
    if (n > 0)
        memcpy(buffer->at + buffer->n, bytes, n);
    buffer->n += n;
    return 0;
}

static int buffer_add_text(struct buffer *buffer, const char *text)
{
    return buffer_add(buffer, text, strlen(text) + 1);
}

static void buffer_done(struct buffer *buffer)
{
    free(buffer->at);
    *buffer = (struct buffer){ 0 };
}

/* ---- what a record says ---- */

struct parts {
    struct entry_head head;
    const char *keys, *body; /* body: the fixed part and the texts */
    size_t body_bytes;
    const char *name;
    uint32_t port;           /* of a service, with its protocol */
    const char *protocol;
};

/* Returns 0 or -EIO. */
static int take_apart(enum cache_kind kind, MDB_val value, struct parts *ret)
{
    const char *at = value.mv_data, *end = at + value.mv_size, *zero;
    size_t fixed_bytes = kinds[kind].fixed_bytes;
    uint32_t first;

    *ret = (struct parts){ .protocol = "" };
    if (value.mv_size < sizeof(ret->head))
        return -EIO;
    memcpy(&ret->head, at, sizeof(ret->head));
    ret->keys = at += sizeof(ret->head);
    if ((size_t) (end - at) < ret->head.keys_bytes)
        return -EIO;
    ret->body = at += ret->head.keys_bytes;
    ret->body_bytes = (size_t) (end - at);
    if (ret->body_bytes < fixed_bytes)
        return -EIO;
    memcpy(&first, at, sizeof(first));
    ret->name = at += fixed_bytes;
    zero = memchr(at, '\0', (size_t) (end - at));
    if (!zero)
        return -EIO;

    if (kind != CACHE_SERVICE)
        return 0;
    ret->port = first;
    ret->protocol = zero + 1;
    return memchr(ret->protocol, '\0', (size_t) (end - ret->protocol)) ? 0 : -EIO;
}

/* A key in a list of them: its length, then its bytes. */
struct key {
    uint16_t bytes;
    const char *at;
};

/* Returns 1 with the next key, 0 at the end, or -EIO. */
static int next_key(const char **at, size_t *left, struct key *ret)
{
    if (*left == 0)
        return 0;
    if (*left < sizeof(ret->bytes))
        return -EIO;
    memcpy(&ret->bytes, *at, sizeof(ret->bytes));
    ret->at = *at + sizeof(ret->bytes);
    if (*left - sizeof(ret->bytes) < ret->bytes)
        return -EIO;
    *at = ret->at + ret->bytes;
    *left -= sizeof(ret->bytes) + ret->bytes;
    return 1;
}

static int has_key(const char *keys, size_t left, const void *key, size_t bytes)
{
    struct key other;
    int r;

    while ((r = next_key(&keys, &left, &other)) > 0)
        if (other.bytes == bytes && memcmp(other.at, key, bytes) == 0)
            return 1;
    return r;
}

static int add_key(struct buffer *keys, const void *key, size_t bytes)
{
    uint16_t length = (uint16_t) bytes; /* LMDB's are shorter */
    int r;

    r = buffer_add(keys, &length, sizeof(length));
    return r < 0 ? r : buffer_add(keys, key, bytes);
}

/* ---- tables ---- */

/* Is it certain that there was no such record before? */
static bool is_beyond(const struct cache_writer *writer, enum table table, uint64_t number)
{
    return !writer->has[table] || memcmp(&number, &writer->high[table], sizeof(number)) > 0;
}

/* Returns 1, 0 if there is none, or a negative errno. */
static int get(struct cache_writer *writer, enum table table, const void *key, size_t bytes, MDB_val *ret)
{
    MDB_val key_value = { bytes, (void *) key };
    int r;

    r = mdb_get(writer->txn, writer->tables[table], &key_value, ret);
    return r == MDB_NOTFOUND ? 0 : r ? writer_commit_errno(writer, r) : 1;
}

static int get_number(struct cache_writer *writer, enum table table, const void *key, size_t bytes, uint64_t *ret)
{
    MDB_val value;
    int r;

    r = get(writer, table, key, bytes, &value);
    if (r <= 0)
        return r;
    if (value.mv_size != sizeof(*ret))
        return -EIO;
    memcpy(ret, value.mv_data, sizeof(*ret));
    return 1;
}

static int put_number(struct cache_writer *writer, enum table table, const void *key, size_t bytes, uint64_t number)
{
    MDB_val key_value = { bytes, (void *) key }, value = { sizeof(number), &number };
    int r;

    r = mdb_put(writer->txn, writer->tables[table], &key_value, &value, MDB_NOOVERWRITE);
    if (r != MDB_KEYEXIST)
        return writer_commit_errno(writer, r);
    if (value.mv_size == sizeof(number) && memcmp(value.mv_data, &number, sizeof(number)) == 0)
        return 0;
    value = (MDB_val){ sizeof(number), &number };
    return writer_commit_errno(writer, mdb_put(writer->txn, writer->tables[table], &key_value, &value, 0));
}

/* Makes room for a record. In the order of numbers pages are filled whole, instead of split in the
 * middle. */
static int reserve(struct cache_writer *writer, enum table table, uint64_t number, size_t bytes, char **ret)
{
    bool is_next = is_beyond(writer, table, number);
    MDB_val key = { sizeof(number), &number }, value = { bytes, NULL };
    int r;

    r = mdb_put(writer->txn, writer->tables[table], &key, &value, MDB_RESERVE | (is_next ? MDB_APPEND : 0));
    if (r)
        return writer_commit_errno(writer, r);
    writer->has[table] = true;
    if (is_next)
        writer->high[table] = number;
    *ret = value.mv_data;
    return 0;
}

static char *append(char *to, const void *bytes, size_t n)
{
    if (n > 0)
        memcpy(to, bytes, n);
    return to + n;
}

/* ---- changes ---- */

static int add_change(struct cache_writer *writer, enum cache_kind kind, bool has_keys, const char *name)
{
    struct change_record record = { .kind = (uint8_t) kind, .has_keys = has_keys };
    uint16_t bytes = (uint16_t) (sizeof(record) + strlen(name) + 1);
    int r;

    /* More than that nobody could follow. */
    if (++writer->n_changes > CACHE_CHANGES_MAX)
        return 0;
    r = buffer_add(&writer->changes, &bytes, sizeof(bytes));
    if (r == 0)
        r = buffer_add(&writer->changes, &record, sizeof(record));
    return r < 0 ? r : buffer_add_text(&writer->changes, name);
}

static int forget_changes_before(struct cache_writer *writer, uint64_t first)
{
    MDB_val key, value;
    MDB_cursor *cursor;
    uint64_t number;
    int r;

    r = mdb_cursor_open(writer->txn, writer->tables[TABLE_CHANGES], &cursor);
    if (r)
        return writer_commit_errno(writer, r);
    while ((r = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)) == 0) {
        if (key.mv_size == sizeof(number)) {
            memcpy(&number, key.mv_data, sizeof(number));
            if (be64toh(number) >= first)
                break;
        }
        r = mdb_cursor_del(cursor, 0);
        if (r)
            break;
    }
    mdb_cursor_close(cursor);
    return r == MDB_NOTFOUND ? 0 : writer_commit_errno(writer, r);
}

/* The last ones are kept; each has its number, so that a reader sees whether it has missed some. */
static int put_changes(struct cache_writer *writer)
{
    const char *at = writer->changes.at;
    struct cache_state state;
    uint16_t bytes;
    int r;

    if (writer->n_changes == 0)
        return 0;
    if (writer->n_changes > CACHE_CHANGES_MAX)
        return writer_commit_errno(writer, mdb_drop(writer->txn, writer->tables[TABLE_CHANGES], 0));

    r = cache_get_state(writer->txn, writer->tables[TABLE_STATE], &state);
    if (r == 0 && state.generation == 0)
        return 0; /* nobody has seen anything before */
    for (uint64_t i = 1; i <= writer->n_changes && r == 0; i++, at += bytes) {
        const uint64_t number = htobe64(state.last_change + i);
        MDB_val key = { sizeof(number), (void *) &number }, value;

        memcpy(&bytes, at, sizeof(bytes));
        at += sizeof(bytes);
        value = (MDB_val){ bytes, (void *) at };
        r = writer_commit_errno(writer, mdb_put(writer->txn, writer->tables[TABLE_CHANGES], &key, &value, 0));
    }
    return r < 0 ? r : forget_changes_before(writer, state.last_change + writer->n_changes + 1 - CACHE_CHANGES_MAX);
}

/* ---- an entry ---- */

/* What was found by these keys before may be found by them no more. */
static int add_left(struct cache_writer *writer, enum cache_kind kind, const struct parts *old)
{
    char key[SERVICE_KEY_BYTES_MAX];
    const char *at = old->keys;
    size_t left = old->head.keys_bytes, bytes;
    uint8_t table = (uint8_t) kinds[kind].names;
    struct key name;
    int r;

    while ((r = next_key(&at, &left, &name)) > 0) {
        r = buffer_add(&writer->left, &table, sizeof(table));
        if (r == 0)
            r = add_key(&writer->left, name.at, name.bytes);
        if (r < 0)
            return r;
    }
    if (r < 0 || kind != CACHE_SERVICE)
        return r;
    bytes = service_port_key((uint16_t) old->port, old->protocol, key);
    table = TABLE_SERVICE_PORTS;
    r = buffer_add(&writer->left, &table, sizeof(table));
    return r < 0 ? r : add_key(&writer->left, key, bytes);
}

static int write_record(struct cache_writer *writer, const struct pending *pending)
{
    struct entry_head head = { .updated = writer->now_sec,
                               .life_sec = writer->lives_sec[pending->kind],
                               .keys_bytes = (uint32_t) pending->keys.n };
    char *to = NULL;
    int r;

    r = reserve(writer, kinds[pending->kind].records, pending->number,
                sizeof(head) + pending->keys.n + pending->body.n, &to);
    if (r < 0)
        return r;
    to = append(to, &head, sizeof(head));
    to = append(to, pending->keys.at, pending->keys.n);
    (void) append(to, pending->body.at, pending->body.n);
    return 0;
}

/* In the place of old, which differs. */
static int replace_record(struct cache_writer *writer, const struct pending *pending, const struct parts *old)
{
    const char *name = pending->body.at + kinds[pending->kind].fixed_bytes;
    bool has_keys = old->head.keys_bytes != pending->keys.n ||
                    memcmp(old->keys, pending->keys.at, pending->keys.n) != 0;
    int r = 0;

    if (strcmp(old->name, name) != 0)
        r = add_change(writer, pending->kind, true, old->name);
    if (r == 0)
        r = add_change(writer, pending->kind, has_keys, name);
    if (r == 0 && (has_keys || pending->kind == CACHE_SERVICE))
        r = add_left(writer, pending->kind, old);
    return r < 0 ? r : write_record(writer, pending);
}

/* Is that service found by its port, or the first one that was put with it? */
static int put_port(struct cache_writer *writer, const struct pending *pending)
{
    MDB_val value = { pending->body.n, pending->body.at };
    struct service_record record;
    char key[SERVICE_KEY_BYTES_MAX];
    const char *protocol;
    struct parts other;
    uint64_t number;
    size_t bytes;
    int r;

    memcpy(&record, pending->body.at, sizeof(record));
    protocol = pending->body.at + sizeof(record);
    protocol += strlen(protocol) + 1;
    bytes = service_port_key((uint16_t) record.port, protocol, key);
    r = get_number(writer, TABLE_SERVICE_PORTS, key, bytes, &number);
    if (r > 0 && number != pending->number && numbers_has(&writer->put[CACHE_SERVICE], number)) {
        r = get(writer, TABLE_SERVICES, &number, sizeof(number), &value);
        if (r > 0)
            r = take_apart(CACHE_SERVICE, value, &other);
        if (r == 0 && other.port == record.port && strcmp(other.protocol, protocol) == 0)
            return 0;
    }
    return r < 0 ? r : put_number(writer, TABLE_SERVICE_PORTS, key, bytes, pending->number);
}

/* Writes what is pending, if it is not there already. */
static int flush(struct cache_writer *writer)
{
    struct pending *pending = &writer->pending;
    const char *at = pending->keys.at;
    size_t left = pending->keys.n;
    struct parts old;
    struct key key;
    MDB_val value;
    int r;

    if (!pending->is_there)
        return 0;
    pending->is_there = false;

    r = is_beyond(writer, kinds[pending->kind].records, pending->number)
            ? 0
            : get(writer, kinds[pending->kind].records, &pending->number, sizeof(pending->number), &value);
    if (r < 0)
        return r;
    if (r == 0) {
        r = add_change(writer, pending->kind, true, pending->body.at + kinds[pending->kind].fixed_bytes);
        if (r == 0)
            r = write_record(writer, pending);
    } else {
        r = take_apart(pending->kind, value, &old);
        if (r < 0)
            return r;
        if (old.head.keys_bytes != pending->keys.n || old.body_bytes != pending->body.n ||
            memcmp(old.keys, pending->keys.at, pending->keys.n) != 0 ||
            memcmp(old.body, pending->body.at, pending->body.n) != 0)
            r = replace_record(writer, pending, &old);
        else if (old.head.life_sec != writer->lives_sec[pending->kind] || old.head.updated > writer->now_sec)
            r = write_record(writer, pending); /* nobody sees a difference */
    }
    while (r == 0 && (r = next_key(&at, &left, &key)) > 0)
        r = put_number(writer, kinds[pending->kind].names, key.at, key.bytes, pending->number);
    return r == 0 && pending->kind == CACHE_SERVICE ? put_port(writer, pending) : r;
}

/* By somebody who was put this time. Records know their keys: one that leads to a record that no
 * longer has it, or to one that was not put, is of before. */
static int is_taken(struct cache_writer *writer, enum cache_kind kind, const void *key, size_t bytes)
{
    const struct pending *pending = &writer->pending;
    bool is_pending = pending->is_there && pending->kind == kind;
    struct parts parts;
    uint64_t number;
    MDB_val value;
    int r = 0;

    if (is_pending)
        r = has_key(pending->keys.at, pending->keys.n, key, bytes);
    if (r != 0)
        return r;
    r = get_number(writer, kinds[kind].names, key, bytes, &number);
    if (r <= 0 || !numbers_has(&writer->put[kind], number) || (is_pending && pending->number == number))
        return r < 0 ? r : 0;
    r = get(writer, kinds[kind].records, &number, sizeof(number), &value);
    if (r <= 0)
        return r < 0 ? r : -EIO;
    r = take_apart(kind, value, &parts);
    return r < 0 ? r : has_key(parts.keys, parts.head.keys_bytes, key, bytes);
}

/* Behind those that have the same id. They come one after the other if all come in order. */
static uint64_t free_number(const struct cache_writer *writer, enum cache_kind kind, uint32_t id)
{
    const struct numbers *put = &writer->put[kind];
    uint64_t last = writer->last[kind];
    uint32_t nth = put->n > 0 && NUMBER_ID(last) == id ? NUMBER_NTH(last) + 1 : 0;

    while (numbers_has(put, NUMBER(id, nth)))
        nth++;
    return NUMBER(id, nth);
}

/* Of what has no id: the one it had, or one behind all others. */
static int own_number(struct cache_writer *writer, enum cache_kind kind, const void *key, size_t bytes, uint64_t *ret)
{
    enum table records = kinds[kind].records;
    int r;

    r = get_number(writer, kinds[kind].names, key, bytes, ret);
    if (r < 0 || (r > 0 && !numbers_has(&writer->put[kind], *ret)))
        return r < 0 ? r : 0;
    *ret = writer->has[records] ? NUMBER(NUMBER_ID(writer->high[records]) + 1, 0) : NUMBER(0, 0);
    return 0;
}

static int begin_entry(struct cache_writer *writer, enum cache_kind kind, const void *key, size_t bytes, uint32_t id)
{
    struct pending *pending = &writer->pending;
    int r;

    if (bytes == 0 || bytes > SERVICE_KEY_BYTES_MAX)
        return -EINVAL;
    r = is_taken(writer, kind, key, bytes);
    if (r != 0)
        return r < 0 ? r : -EEXIST;
    r = flush(writer);
    if (r < 0)
        return r;

    if (kinds[kind].has_id)
        pending->number = free_number(writer, kind, id);
    else
        r = own_number(writer, kind, key, bytes, &pending->number);
    if (r == 0)
        r = numbers_add(&writer->put[kind], pending->number);
    if (r < 0)
        return r;
    writer->last[kind] = pending->number;
    pending->kind = kind;
    pending->keys.n = pending->body.n = 0;
    pending->is_there = true;
    return add_key(&pending->keys, key, bytes);
}

static int put_alias(struct cache_writer *writer, enum cache_kind kind, const void *key, size_t bytes)
{
    int r;

    if (bytes == 0 || bytes > SERVICE_KEY_BYTES_MAX)
        return -EINVAL;
    r = is_taken(writer, kind, key, bytes);
    if (r != 0)
        return r < 0 ? r : -EEXIST;
    if (!writer->pending.is_there || writer->pending.kind != kind)
        return -EINVAL;
    return add_key(&writer->pending.keys, key, bytes);
}

int cache_put_user(struct cache_writer *writer, const char *key, const struct cache_user *user)
{
    struct user_record record = { user->uid, user->gid };
    struct buffer *body = &writer->pending.body;
    int r;

    r = begin_entry(writer, CACHE_USER, key, strlen(key), user->uid);
    if (r == 0)
        r = buffer_add(body, &record, sizeof(record));
    if (r == 0)
        r = buffer_add_text(body, user->name);
    if (r == 0)
        r = buffer_add_text(body, user->gecos);
    if (r == 0)
        r = buffer_add_text(body, user->home);
    return r < 0 ? r : buffer_add_text(body, user->shell);
}

int cache_put_group(struct cache_writer *writer, const char *key, const struct cache_group *group)
{
    struct group_record record = { group->gid, group->n_members };
    struct buffer *body = &writer->pending.body;
    int r;

    r = begin_entry(writer, CACHE_GROUP, key, strlen(key), group->gid);
    if (r == 0)
        r = buffer_add(body, &record, sizeof(record));
    if (r == 0)
        r = buffer_add_text(body, group->name);
    return r < 0 ? r : buffer_add(body, group->members, group->members_bytes);
}

int cache_put_netgroup(struct cache_writer *writer, const char *key, const struct cache_netgroup *netgroup)
{
    struct netgroup_record record = { netgroup->n_triples, (uint32_t) netgroup->triples_bytes,
                                      netgroup->n_netgroups };
    struct buffer *body = &writer->pending.body;
    int r;

    if (netgroup->triples_bytes > UINT32_MAX)
        return -EFBIG;
    r = begin_entry(writer, CACHE_NETGROUP, key, strlen(key), 0);
    if (r == 0)
        r = buffer_add(body, &record, sizeof(record));
    if (r == 0)
        r = buffer_add_text(body, netgroup->name);
    if (r == 0)
        r = buffer_add(body, netgroup->triples, netgroup->triples_bytes);
    return r < 0 ? r : buffer_add(body, netgroup->netgroups, netgroup->netgroups_bytes);
}

int cache_put_service(struct cache_writer *writer, const char *key, const struct cache_service *service)
{
    struct service_record record = { service->port, service->n_aliases };
    struct buffer *body = &writer->pending.body;
    char name_key[SERVICE_KEY_BYTES_MAX];
    int r;

    r = begin_entry(writer, CACHE_SERVICE, name_key, service_name_key(key, service->protocol, name_key), 0);
    if (r == 0)
        r = buffer_add(body, &record, sizeof(record));
    if (r == 0)
        r = buffer_add_text(body, service->name);
    if (r == 0)
        r = buffer_add_text(body, service->protocol);
    return r < 0 ? r : buffer_add(body, service->aliases, service->aliases_bytes);
}

int cache_put_alias(struct cache_writer *writer, enum cache_kind kind, const char *key)
{
    return put_alias(writer, kind, key, strlen(key));
}

int cache_put_service_alias(struct cache_writer *writer, const char *key, const char *protocol)
{
    char name_key[SERVICE_KEY_BYTES_MAX];

    return put_alias(writer, CACHE_SERVICE, name_key, service_name_key(key, protocol, name_key));
}

/* Whoever has kept something of a user forgets its groups with it. */
static int add_change_of_user(struct cache_writer *writer, uint64_t number)
{
    struct parts user;
    MDB_val value;
    int r;

    r = get(writer, TABLE_USERS, &number, sizeof(number), &value);
    if (r > 0)
        r = take_apart(CACHE_USER, value, &user) < 0 ? -EIO : add_change(writer, CACHE_USER, false, user.name);
    return r;
}

int cache_put_gids(struct cache_writer *writer, const char *key, const uint32_t *gids, size_t n)
{
    size_t bytes = n * sizeof(*gids);
    uint64_t number;
    MDB_val value;
    char *to = NULL;
    int r;

    r = flush(writer);
    if (r == 0)
        r = get_number(writer, TABLE_USER_NAMES, key, strlen(key), &number);
    if (r < 0)
        return r;
    if (r == 0 || !numbers_has(&writer->put[CACHE_USER], number))
        return -ENOENT;

    r = numbers_add(&writer->put_gids, number);
    if (r == 0 && !is_beyond(writer, TABLE_GIDS, number))
        r = get(writer, TABLE_GIDS, &number, sizeof(number), &value);
    if (r < 0 || (r > 0 && value.mv_size == bytes && memcmp(value.mv_data, gids, bytes) == 0))
        return r < 0 ? r : 0;
    r = add_change_of_user(writer, number);
    if (r == 0)
        r = reserve(writer, TABLE_GIDS, number, bytes, &to);
    if (r < 0)
        return r;
    (void) append(to, gids, bytes);
    return 0;
}

/* ---- what was not put ---- */

static int remove_record(struct cache_writer *writer, enum cache_kind kind, MDB_cursor *cursor, MDB_val value)
{
    struct parts old;
    int r;

    r = take_apart(kind, value, &old);
    if (r == 0)
        r = add_change(writer, kind, false, old.name);
    if (r == 0)
        r = add_left(writer, kind, &old);
    return r < 0 ? r : writer_commit_errno(writer, mdb_cursor_del(cursor, 0));
}

static int remove_gids(struct cache_writer *writer, MDB_cursor *cursor, uint64_t number)
{
    int r = add_change_of_user(writer, number);

    return r < 0 ? r : writer_commit_errno(writer, mdb_cursor_del(cursor, 0));
}

/* Of a kind; is_gids: of the groups of users. */
static int remove_others(struct cache_writer *writer, enum cache_kind kind, bool is_gids)
{
    const struct numbers *put = is_gids ? &writer->put_gids : &writer->put[kind];
    MDB_val key, value;
    MDB_cursor *cursor;
    uint64_t number;
    int r, removed = 0;

    r = mdb_cursor_open(writer->txn, writer->tables[is_gids ? TABLE_GIDS : kinds[kind].records], &cursor);
    if (r)
        return writer_commit_errno(writer, r);
    while (removed == 0 && (r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (key.mv_size != sizeof(number)) {
            removed = -EIO;
            break;
        }
        memcpy(&number, key.mv_data, sizeof(number));
        if (!numbers_has(put, number))
            removed = is_gids ? remove_gids(writer, cursor, number) : remove_record(writer, kind, cursor, value);
    }
    mdb_cursor_close(cursor);
    return removed < 0 ? removed : r == MDB_NOTFOUND ? 0 : writer_commit_errno(writer, r);
}

static enum cache_kind kind_of_names(enum table table)
{
    for (int kind = 0; kind < CACHE_N_KINDS; kind++)
        if (kinds[kind].names == table)
            return (enum cache_kind) kind;
    return CACHE_SERVICE; /* their ports */
}

/* Does the record to which a key leads still have it? */
static int is_right(struct cache_writer *writer, enum table table, const struct key *key)
{
    enum cache_kind kind = kind_of_names(table);
    char port_key[SERVICE_KEY_BYTES_MAX];
    struct parts parts;
    uint64_t number;
    MDB_val value;
    int r;

    r = get_number(writer, table, key->at, key->bytes, &number);
    if (r <= 0)
        return r < 0 ? r : 1; /* it has gone already */
    r = get(writer, kinds[kind].records, &number, sizeof(number), &value);
    if (r <= 0)
        return r;
    r = take_apart(kind, value, &parts);
    if (r < 0)
        return r;
    if (table != TABLE_SERVICE_PORTS)
        return has_key(parts.keys, parts.head.keys_bytes, key->at, key->bytes);
    return service_port_key((uint16_t) parts.port, parts.protocol, port_key) == key->bytes &&
           memcmp(port_key, key->at, key->bytes) == 0;
}

static int remove_left_keys(struct cache_writer *writer)
{
    const char *at = writer->left.at;
    size_t left = writer->left.n;
    struct key key = { 0 };
    int r;

    while (left > 0) {
        enum table table = (enum table) *(const uint8_t *) at;

        at++;
        left--;
        r = next_key(&at, &left, &key);
        assert(r > 0); /* it is of our making */
        r = is_right(writer, table, &key);
        if (r == 0) {
            MDB_val key_value = { key.bytes, (void *) key.at };

            r = mdb_del(writer->txn, writer->tables[table], &key_value, NULL);
            r = writer_commit_errno(writer, r);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- the whole ---- */

void cache_writer_set_lives(struct cache_writer *writer, const uint32_t lives_sec[CACHE_N_KINDS])
{
    memcpy(writer->lives_sec, lives_sec, sizeof(writer->lives_sec));
}

static int find_high(struct cache_writer *writer, enum table table)
{
    MDB_val key, value;
    MDB_cursor *cursor;
    int r;

    r = mdb_cursor_open(writer->txn, writer->tables[table], &cursor);
    if (r)
        return writer_commit_errno(writer, r);
    r = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    writer->has[table] = r == 0;
    if (r == 0 && key.mv_size == sizeof(writer->high[table]))
        memcpy(&writer->high[table], key.mv_data, sizeof(writer->high[table]));
    else if (r == 0)
        r = MDB_CORRUPTED;
    mdb_cursor_close(cursor);
    return r == MDB_NOTFOUND ? 0 : writer_commit_errno(writer, r);
}

int cache_writer_begin(struct cache_writer *writer)
{
    int dead, r;

    r = mdb_reader_check(writer->env, &dead);
    if (r)
        return cache_errno(r);
    r = writer_begin_commit(writer, &writer->txn);
    if (r < 0)
        return r;

    writer->now_sec = (uint64_t) time(NULL);
    r = find_high(writer, TABLE_GIDS);
    for (int kind = 0; kind < CACHE_N_KINDS && r == 0; kind++)
        r = find_high(writer, kinds[kind].records);
    if (r < 0)
        cache_writer_abort(writer);
    return r;
}

void cache_writer_abort(struct cache_writer *writer)
{
    if (writer->txn)
        mdb_txn_abort(TAKE(writer->txn));
    for (int kind = 0; kind < CACHE_N_KINDS; kind++)
        numbers_done(&writer->put[kind]);
    numbers_done(&writer->put_gids);
    buffer_done(&writer->pending.keys);
    buffer_done(&writer->pending.body);
    buffer_done(&writer->left);
    buffer_done(&writer->changes);
    writer->pending.is_there = false;
    writer->n_changes = 0;
}

int cache_writer_commit(struct cache_writer *writer, const struct cache_state *state)
{
    int r;

    r = flush(writer);
    for (int kind = 0; kind < CACHE_N_KINDS && r == 0; kind++)
        r = remove_others(writer, (enum cache_kind) kind, false);
    if (r == 0)
        r = remove_others(writer, CACHE_USER, true);
    if (r == 0)
        r = remove_left_keys(writer);
    if (r == 0)
        r = put_changes(writer);
    if (r == 0)
        r = writer_put_state(writer, writer->txn, state, writer->n_changes);
    if (r == 0)
        r = writer_commit_errno(writer, mdb_txn_commit(TAKE(writer->txn)));
    cache_writer_abort(writer); /* what is left of it */
    return r;
}
