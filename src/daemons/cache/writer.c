/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cache writer: what the backend of a domain, and nobody else, does to its cache. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cache/layout.h"
#include "cache/private.h"
#include "cache/writer.h"
#include "common/cleanup.h"
#include "util/log.h"

/* How large the file is at least, how much of it is free when something is begun, and by how much
 * it grows. What is free takes no room on the disk. */
#define FILE_BYTES_MIN ((off_t) 64 << 20)
#define FILE_BYTES_FREE ((off_t) 1 << 20)
#define FILE_GROWTH 4

/* ---- the file's size ---- */

/* A page that is taken and given back within a commit is never written, and may be the last: with a
 * file that ends where LMDB's last write does, readers could not tell this from one that was cut
 * off. So the file is enlarged before, and LMDB keeps within it: what is committed lies in it at
 * any moment. */
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
int writer_commit_errno(struct cache_writer *writer, int r)
{
    if (r != MDB_MAP_FULL || writer->bytes >= (off_t) CACHE_MAP_BYTES)
        return cache_errno(r);
    writer->is_too_small = true;
    return -ENOBUFS;
}

/* There must be no other transaction of this process: it may move the map. */
int writer_begin_commit(struct cache_writer *writer, MDB_txn **ret)
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

    r = writer_begin_commit(writer, &txn);
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

/* Readers write it: each has a line there. It has to be ready before the data are: only who finds
 * both has a cache. */
static int prepare_lock_file(const char *data_path)
{
    CLEANUP(freep) char *path = NULL;
    CLEANUP(closep) int fd = -1;
    struct stat st;

    if (asprintf(&path, "%s-lock", data_path) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    /* Not without need: to close it gives up what locks this process has on it. */
    if (lstat(path, &st) == 0 && (st.st_mode & 07777) == 0666)
        return 0;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return -errno;
    return fchmod(fd, 0666) < 0 && errno != EPERM ? -errno : 0;
}

static int set_mode(MDB_env *env, mode_t mode)
{
    struct stat st;
    int fd, r;

    r = mdb_env_get_fd(env, &fd);
    if (r)
        return cache_errno(r);
    if (fstat(fd, &st) < 0)
        return -errno;
    return (st.st_mode & 07777) != mode && fchmod(fd, mode) < 0 && errno != EPERM ? -errno : 0;
}

/* Who reads is somebody else, of a group that is none of the writer's to give a file. So the folder
 * says who comes that far, and its files what he may do. */
static int open_file(struct cache_writer *writer)
{
    mode_t mask;
    int dead, r;

    r = prepare_lock_file(writer->path);
    if (r < 0)
        return r;

    r = mdb_env_create(&writer->env);
    if (r)
        return cache_errno(r);
    r = mdb_env_set_mapsize(writer->env, CACHE_MAP_BYTES);
    if (r == 0)
        r = mdb_env_set_maxdbs(writer->env, N_TABLES);
    /* Read-ahead would make a process as large as the file. */
    mask = umask(0022); /* a unit's is stricter, and readers may be waiting */
    if (r == 0)
        r = mdb_env_open(writer->env, writer->path, MDB_NOSUBDIR | MDB_NORDAHEAD | MDB_NOTLS, 0644);
    (void) umask(mask); /* cannot fail */
    if (r)
        return cache_errno(r);

    r = set_mode(writer->env, 0644); /* of an earlier version's */
    if (r < 0)
        return r;
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

int writer_put_state(struct cache_writer *writer, MDB_txn *txn, const struct cache_state *state, uint64_t n_changes)
{
    MDB_val key = { sizeof(STATE_KEY) - 1, (void *) STATE_KEY }, value;
    struct cache_state stored, next = *state;
    int r;

    r = cache_get_state(txn, writer->tables[TABLE_STATE], &stored);
    if (r < 0)
        return r;
    if (stored.generation == 0)
        stored.generation = stored.last_change = first_generation();
    next.generation = stored.generation + (n_changes > 0);
    next.last_change = stored.last_change + n_changes;
    value = (MDB_val){ sizeof(next), &next };
    return writer_commit_errno(writer, mdb_put(txn, writer->tables[TABLE_STATE], &key, &value, 0));
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
    r = writer_begin_commit(writer, &txn);
    if (r < 0)
        return r;
    r = writer_put_state(writer, txn, state, 0);
    if (r < 0) {
        mdb_txn_abort(txn);
        return r;
    }
    return cache_errno(mdb_txn_commit(txn));
}
