/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cache writer: what the backend of a domain, and nobody else, does to its cache. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cache/layout.h"
#include "cache/writer.h"
#include "common/cleanup.h"
#include "util/log.h"

/* How large the file is at least, how much of it is free when something is begun, and by how much it grows. What is free takes no
 * room on the disk. */
#define FILE_BYTES_MIN ((off_t) 16 << 20)
#define FILE_BYTES_FREE ((off_t) 1 << 20)
#define FILE_GROWTH 4

struct cache_writer {
    char *path;
    MDB_env *env;
    off_t bytes;             /* of the file, and of what LMDB may use */
    bool is_too_small;
    MDB_dbi tables[N_TABLES];
    MDB_txn *txn;            /* NULL: none begun */
    bool has[N_TABLES];      /* whether a record was put */
    uint64_t high[N_TABLES]; /* the highest number of one */
    uint64_t last[N_TABLES]; /* the number of the last one */
    uint32_t n_services, n_netgroups;
    uint64_t now_sec;        /* when it was begun */
    uint32_t lives_sec[CACHE_N_KINDS];
};

/* ---- the file's size ---- */

/* A page that is taken and given back within a commit is never written, and may be the last: with a file that ends
 * where LMDB's last write does, readers could not tell this from one that was cut off. So the file is enlarged before, and
 * LMDB keeps within it: what is committed lies in it at any moment. */
static int make_room(struct cache_writer *writer)
{
    off_t bytes = FILE_BYTES_MIN, least = cache_least_bytes(writer->env) + FILE_BYTES_FREE;
    struct stat st;
    int fd, r;

    r = mdb_env_get_fd(writer->env, &fd);
    if (r)
        return cache_errno(r);
    if (fstat(fd, &st) < 0)
        return -errno;

    if (writer->is_too_small)
        least = writer->bytes + 1;
    while (bytes < least)
        bytes *= FILE_GROWTH;
    if (bytes > (off_t) CACHE_MAP_BYTES)
        bytes = (off_t) CACHE_MAP_BYTES;
    if (bytes < st.st_size)
        bytes = st.st_size; /* it never shrinks: somebody may read it */
    if (bytes > st.st_size && ftruncate(fd, bytes) < 0)
        return -errno;

    writer->is_too_small = false;
    if (bytes == writer->bytes)
        return 0;
    r = mdb_env_set_mapsize(writer->env, (size_t) bytes);
    if (r)
        return cache_errno(r);
    writer->bytes = bytes;
    return 0;
}

/* What LMDB says within a commit. */
static int commit_errno(struct cache_writer *writer, int r)
{
    if (r != MDB_MAP_FULL || writer->bytes >= (off_t) CACHE_MAP_BYTES)
        return cache_errno(r);
    writer->is_too_small = true;
    return -ENOBUFS;
}

/* There must be no other transaction of this process: it may move the map. */
static int begin_commit(struct cache_writer *writer, MDB_txn **ret)
{
    int r;

    do { /* the other process that writes may have enlarged the file meanwhile */
        r = make_room(writer);
        if (r < 0)
            return r;
        r = mdb_txn_begin(writer->env, NULL, 0, ret);
        if (r == MDB_MAP_RESIZED)
            writer->bytes = 0;
    } while (r == MDB_MAP_RESIZED);
    return cache_errno(r);
}

static int begin_view(struct cache_writer *writer, MDB_txn **ret)
{
    int r;

    while ((r = cache_begin_view(writer->env, ret)) == MDB_MAP_RESIZED) {
        writer->bytes = 0;
        r = make_room(writer);
        if (r < 0)
            return r;
    }
    return cache_errno(r);
}

/* ---- opening ---- */

static void close_file(struct cache_writer *writer)
{
    cache_writer_abort(writer);
    if (writer->env)
        mdb_env_close(writer->env);
    writer->env = NULL;
    writer->bytes = 0;
}

/* Returns -ESTALE if the file is of another layout. */
static int open_tables(struct cache_writer *writer)
{
    MDB_val key = { sizeof(LAYOUT_KEY) - 1, (void *) LAYOUT_KEY }, value;
    uint32_t mark = LAYOUT_MARK;
    MDB_txn *txn;
    int r;

    r = begin_commit(writer, &txn);
    if (r < 0)
        return r;

    for (int i = 0; i < N_TABLES && r == 0; i++)
        r = mdb_dbi_open(txn, table_names[i], MDB_CREATE, &writer->tables[i]);
    if (r == 0)
        r = mdb_get(txn, writer->tables[TABLE_STATE], &key, &value);

    if (r == 0 && (value.mv_size != sizeof(mark) || memcmp(value.mv_data, &mark, sizeof(mark)) != 0)) {
        mdb_txn_abort(txn);
        return -ESTALE;
    }
    if (r == MDB_NOTFOUND) {
        value = (MDB_val){ sizeof(mark), &mark };
        r = mdb_put(txn, writer->tables[TABLE_STATE], &key, &value, 0);
    }
    if (r) {
        mdb_txn_abort(txn);
        return cache_errno(r);
    }
    return cache_errno(mdb_txn_commit(txn));
}

static int open_file(struct cache_writer *writer)
{
    int dead, r;

    r = mdb_env_create(&writer->env);
    if (r)
        return cache_errno(r);
    r = mdb_env_set_mapsize(writer->env, CACHE_MAP_BYTES);
    if (r == 0)
        r = mdb_env_set_maxdbs(writer->env, N_TABLES);
    /* Read-ahead would make a process as large as the file. */
    if (r == 0)
        r = mdb_env_open(writer->env, writer->path, MDB_NOSUBDIR | MDB_NORDAHEAD | MDB_NOTLS, 0600);
    if (r)
        return cache_errno(r);

    r = cache_check_size(writer->env);
    if (r < 0)
        return r;
    /* What readers that died looked at could never be reused. */
    r = mdb_reader_check(writer->env, &dead);
    if (r)
        return cache_errno(r);
    return open_tables(writer);
}

static int remove_file(const char *path)
{
    CLEANUP(freep) char *lock = NULL;

    if (asprintf(&lock, "%s-lock", path) < 0) {
        lock = NULL;
        return -ENOMEM;
    }
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    if (unlink(lock) < 0 && errno != ENOENT)
        return -errno;
    return 0;
}

int cache_writer_replace(struct cache_writer *writer)
{
    int r;

    close_file(writer);
    r = remove_file(writer->path);
    return r < 0 ? r : open_file(writer);
}

/* As it is, or made anew. */
static int open_or_replace_file(struct cache_writer *writer)
{
    int r;

    r = open_file(writer);
    if (r != -ESTALE && r != -EIO && r != -EACCES)
        return r;

    if (r == -ESTALE)
        log_info("%s: of another version's layout: made anew", writer->path);
    else
        log_warning_errno(r, "%s: cannot be used, made anew: %m", writer->path);
    return cache_writer_replace(writer);
}

int cache_writer_open(const char *dir, const char *domain, struct cache_writer **ret)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = NULL;
    int r;

    writer = calloc(1, sizeof(*writer));
    if (!writer)
        return -ENOMEM;
    writer->path = cache_path(dir, domain);
    if (!writer->path)
        return -ENOMEM;

    r = open_or_replace_file(writer);
    if (r < 0)
        return r;

    *ret = TAKE(writer);
    return 0;
}

int cache_writer_check(struct cache_writer *writer)
{
    struct stat ours, there;
    int fd;

    if (writer->env && mdb_env_get_fd(writer->env, &fd) == 0 && fstat(fd, &ours) == 0 &&
        stat(writer->path, &there) == 0 && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
        return 0;
    close_file(writer);
    return open_or_replace_file(writer);
}

int cache_writer_verify(struct cache_writer *writer)
{
    MDB_txn *txn;
    int r;

    if (!writer->env)
        return -ESTALE;
    r = begin_view(writer, &txn);
    if (r < 0)
        return r;
    r = cache_check_all(writer->env, txn, writer->tables);
    mdb_txn_abort(txn);
    return r;
}

struct cache_writer *cache_writer_close(struct cache_writer *writer)
{
    if (writer) {
        close_file(writer);
        free(writer->path);
        free(writer);
    }
    return NULL;
}

void cache_writer_closep(struct cache_writer **writer)
{
    *writer = cache_writer_close(*writer);
}

/* ---- the state ---- */

/* A file that is made in the place of another one must not be taken for it: whoever has kept what the old one said goes by
 * the generation alone. */
static uint64_t first_generation(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static int put_state(struct cache_writer *writer, MDB_txn *txn, const struct cache_state *state,
                     bool is_new_generation)
{
    MDB_val key = { sizeof(STATE_KEY) - 1, (void *) STATE_KEY }, value;
    struct cache_state stored;
    uint64_t generation;
    int r;

    r = cache_get_state(txn, writer->tables[TABLE_STATE], &stored);
    if (r < 0)
        return r;
    generation = stored.generation ? stored.generation + is_new_generation : first_generation();

    stored = *state;
    stored.generation = generation;
    value = (MDB_val){ sizeof(stored), &stored };
    return commit_errno(writer, mdb_put(txn, writer->tables[TABLE_STATE], &key, &value, 0));
}

int cache_writer_state(struct cache_writer *writer, struct cache_state *ret)
{
    MDB_txn *txn;
    int r;

    if (!writer->env)
        return -ESTALE;
    r = begin_view(writer, &txn);
    if (r < 0)
        return r;
    r = cache_get_state(txn, writer->tables[TABLE_STATE], ret);
    mdb_txn_abort(txn);
    return r;
}

int cache_writer_set_state(struct cache_writer *writer, const struct cache_state *state)
{
    MDB_txn *txn;
    int r;

    if (!writer->env) /* it was taken away, and a new one could not be made */
        return -ESTALE;
    r = begin_commit(writer, &txn);
    if (r < 0)
        return r;
    r = put_state(writer, txn, state, false);
    if (r < 0) {
        mdb_txn_abort(txn);
        return r;
    }
    return cache_errno(mdb_txn_commit(txn));
}

/* ---- replacing all entries ---- */

void cache_writer_set_lives(struct cache_writer *writer, const uint32_t lives_sec[CACHE_N_KINDS])
{
    memcpy(writer->lives_sec, lives_sec, sizeof(writer->lives_sec));
}

int cache_writer_begin(struct cache_writer *writer)
{
    int dead, r;

    r = mdb_reader_check(writer->env, &dead);
    if (r)
        return cache_errno(r);
    r = begin_commit(writer, &writer->txn);
    if (r < 0)
        return r;

    for (int i = 0; i < N_TABLES && r == 0; i++)
        if (i != TABLE_STATE)
            r = mdb_drop(writer->txn, writer->tables[i], 0);
    if (r) {
        cache_writer_abort(writer);
        return commit_errno(writer, r);
    }

    memset(writer->has, 0, sizeof(writer->has));
    writer->n_services = writer->n_netgroups = 0;
    writer->now_sec = (uint64_t) time(NULL);
    return 0;
}

void cache_writer_abort(struct cache_writer *writer)
{
    if (writer->txn)
        mdb_txn_abort(TAKE(writer->txn));
}

int cache_writer_commit(struct cache_writer *writer, const struct cache_state *state)
{
    int r;

    r = put_state(writer, writer->txn, state, true);
    if (r < 0) {
        cache_writer_abort(writer);
        return r;
    }
    return commit_errno(writer, mdb_txn_commit(TAKE(writer->txn)));
}

/* ---- entries ---- */

static int put_key(struct cache_writer *writer, enum table table, const void *key, size_t bytes, uint64_t number)
{
    MDB_val key_value = { bytes, (void *) key }, value = { sizeof(number), &number };
    int r;

    if (bytes == 0)
        return -EINVAL;
    r = mdb_put(writer->txn, writer->tables[table], &key_value, &value, MDB_NOOVERWRITE);
    return r == MDB_KEYEXIST ? -EEXIST : commit_errno(writer, r);
}

/* Makes room for a record. In the order of numbers pages are filled whole, instead of split in the middle. */
static int reserve(struct cache_writer *writer, enum table table, uint64_t number, size_t bytes, char **ret)
{
    bool is_next = !writer->has[table] || memcmp(&number, &writer->high[table], sizeof(number)) > 0;
    MDB_val key = { sizeof(number), &number }, value = { bytes, NULL };
    int r;

    r = mdb_put(writer->txn, writer->tables[table], &key, &value,
                MDB_RESERVE | (is_next ? MDB_APPEND : MDB_NOOVERWRITE));
    if (r)
        return r == MDB_KEYEXIST ? -EEXIST : commit_errno(writer, r);

    writer->has[table] = true;
    writer->last[table] = number;
    if (is_next)
        writer->high[table] = number;
    *ret = value.mv_data;
    return 0;
}

static bool is_taken(struct cache_writer *writer, enum table table, uint64_t number)
{
    MDB_val key = { sizeof(number), &number }, value;

    return writer->has[table] && memcmp(&number, &writer->high[table], sizeof(number)) <= 0 &&
           mdb_get(writer->txn, writer->tables[table], &key, &value) == 0;
}

/* Behind those that have the same id. They come one after the other if all come in order. */
static uint64_t free_number(struct cache_writer *writer, enum table table, uint32_t id)
{
    uint64_t last = writer->last[table];
    uint32_t nth = writer->has[table] && NUMBER_ID(last) == id ? NUMBER_NTH(last) + 1 : 0;

    while (is_taken(writer, table, NUMBER(id, nth)))
        nth++;
    return NUMBER(id, nth);
}

static char *append(char *to, const void *bytes, size_t n)
{
    if (n > 0)
        memcpy(to, bytes, n);
    return to + n;
}

static char *append_text(char *to, const char *text)
{
    return append(to, text, strlen(text) + 1);
}

static char *append_head(char *to, const struct cache_writer *writer, enum cache_kind kind)
{
    struct entry_head head = { .updated = writer->now_sec, .life_sec = writer->lives_sec[kind] };

    return append(to, &head, sizeof(head));
}

int cache_put_user(struct cache_writer *writer, const char *key, const struct cache_user *user)
{
    struct user_record record = { user->uid, user->gid };
    uint64_t number = free_number(writer, TABLE_USERS, user->uid);
    size_t bytes = sizeof(struct entry_head) + sizeof(record) + strlen(user->name) + strlen(user->gecos) + strlen(user->home) +
                   strlen(user->shell) + 4;
    char *to = NULL;
    int r;

    r = put_key(writer, TABLE_USER_NAMES, key, strlen(key), number);
    if (r == 0)
        r = reserve(writer, TABLE_USERS, number, bytes, &to);
    if (r < 0)
        return r;

    to = append_head(to, writer, CACHE_USER);
    to = append(to, &record, sizeof(record));
    to = append_text(to, user->name);
    to = append_text(to, user->gecos);
    to = append_text(to, user->home);
    (void) append_text(to, user->shell);
    return 0;
}

int cache_put_group(struct cache_writer *writer, const char *key, const struct cache_group *group)
{
    struct group_record record = { group->gid, group->n_members };
    uint64_t number = free_number(writer, TABLE_GROUPS, group->gid);
    size_t bytes = sizeof(struct entry_head) + sizeof(record) + strlen(group->name) + 1 + group->members_bytes;
    char *to = NULL;
    int r;

    r = put_key(writer, TABLE_GROUP_NAMES, key, strlen(key), number);
    if (r == 0)
        r = reserve(writer, TABLE_GROUPS, number, bytes, &to);
    if (r < 0)
        return r;

    to = append_head(to, writer, CACHE_GROUP);
    to = append(to, &record, sizeof(record));
    to = append_text(to, group->name);
    (void) append(to, group->members, group->members_bytes);
    return 0;
}

int cache_put_netgroup(struct cache_writer *writer, const char *key, const struct cache_netgroup *netgroup)
{
    struct netgroup_record record = { netgroup->n_triples, (uint32_t) netgroup->triples_bytes,
                                      netgroup->n_netgroups };
    size_t bytes = sizeof(struct entry_head) + sizeof(record) + strlen(netgroup->name) + 1 + netgroup->triples_bytes + netgroup->netgroups_bytes;
    char *to = NULL;
    int r;

    if (netgroup->triples_bytes > UINT32_MAX)
        return -EFBIG;
    r = put_key(writer, TABLE_NETGROUP_NAMES, key, strlen(key), NUMBER(writer->n_netgroups, 0));
    if (r == 0)
        r = reserve(writer, TABLE_NETGROUPS, NUMBER(writer->n_netgroups, 0), bytes, &to);
    if (r < 0)
        return r;
    writer->n_netgroups++;

    to = append_head(to, writer, CACHE_NETGROUP);
    to = append(to, &record, sizeof(record));
    to = append_text(to, netgroup->name);
    to = append(to, netgroup->triples, netgroup->triples_bytes);
    (void) append(to, netgroup->netgroups, netgroup->netgroups_bytes);
    return 0;
}

int cache_put_service(struct cache_writer *writer, const char *key, const struct cache_service *service)
{
    struct service_record record = { service->port, service->n_aliases };
    size_t bytes = sizeof(struct entry_head) + sizeof(record) + strlen(service->name) + strlen(service->protocol) + 2 + service->aliases_bytes;
    const uint64_t number = NUMBER(writer->n_services, 0);
    char name_key[SERVICE_KEY_BYTES_MAX], port_key[SERVICE_KEY_BYTES_MAX], *to = NULL;
    int r;

    r = put_key(writer, TABLE_SERVICE_NAMES, name_key, service_name_key(key, service->protocol, name_key), number);
    if (r == 0) {
        r = put_key(writer, TABLE_SERVICE_PORTS, port_key,
                    service_port_key(service->port, service->protocol, port_key), number);
        if (r == -EEXIST) /* the first keeps the port */
            r = 0;
    }
    if (r == 0)
        r = reserve(writer, TABLE_SERVICES, number, bytes, &to);
    if (r < 0)
        return r;
    writer->n_services++;

    to = append_head(to, writer, CACHE_SERVICE);
    to = append(to, &record, sizeof(record));
    to = append_text(to, service->name);
    to = append_text(to, service->protocol);
    (void) append(to, service->aliases, service->aliases_bytes);
    return 0;
}

int cache_put_alias(struct cache_writer *writer, enum cache_kind kind, const char *key)
{
    static const struct {
        enum table names, records;
    } kinds[] = {
        [CACHE_USER] = { TABLE_USER_NAMES, TABLE_USERS },
        [CACHE_GROUP] = { TABLE_GROUP_NAMES, TABLE_GROUPS },
        [CACHE_NETGROUP] = { TABLE_NETGROUP_NAMES, TABLE_NETGROUPS },
    };

    return put_key(writer, kinds[kind].names, key, strlen(key), writer->last[kinds[kind].records]);
}

int cache_put_service_alias(struct cache_writer *writer, const char *key, const char *protocol)
{
    char name_key[SERVICE_KEY_BYTES_MAX];

    return put_key(writer, TABLE_SERVICE_NAMES, name_key, service_name_key(key, protocol, name_key),
                   writer->last[TABLE_SERVICES]);
}

int cache_put_gids(struct cache_writer *writer, const char *key, const uint32_t *gids, size_t n)
{
    MDB_val key_value = { strlen(key), (void *) key }, number_value;
    uint64_t number;
    char *to = NULL;
    int r;

    r = mdb_get(writer->txn, writer->tables[TABLE_USER_NAMES], &key_value, &number_value);
    if (r)
        return cache_errno(r);
    memcpy(&number, number_value.mv_data, sizeof(number));
    r = reserve(writer, TABLE_GIDS, number, n * sizeof(*gids), &to);
    if (r < 0)
        return r;
    (void) append(to, gids, n * sizeof(*gids));
    return 0;
}
