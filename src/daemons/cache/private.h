/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private: what the two halves of the writer share: writer.c opens and enlarges the file and keeps
 * the state, replace.c replaces entries. */

#ifndef CACHE_PRIVATE_H
#define CACHE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cache/layout.h"
#include "cache/numbers.h"

struct buffer {
    char *at;
    size_t n, n_max;
};

/* An entry that was put last: its aliases come behind it. */
struct pending {
    bool is_there;
    enum cache_kind kind;
    uint64_t number;
    struct buffer keys, body; /* as in the record */
};

struct cache_writer {
    char *path;
    MDB_env *env;
    off_t bytes;             /* of the file, and of what LMDB may use */
    bool is_too_small;
    MDB_dbi tables[N_TABLES];
    uint32_t lives_sec[CACHE_N_KINDS];

    /* while entries are replaced */
    MDB_txn *txn;            /* NULL: none begun */
    uint64_t now_sec;        /* when it was begun */
    bool has[N_TABLES];      /* whether there is a record */
    uint64_t high[N_TABLES]; /* the highest number of one */
    uint64_t last[CACHE_N_KINDS]; /* the number of the one put last */
    struct pending pending;
    struct numbers put[CACHE_N_KINDS], put_gids; /* of this time */
    struct buffer left;      /* keys that records had before; somebody else may have them now */
    struct buffer changes;
    uint64_t n_changes;
};

/* What LMDB says within a commit: -ENOBUFS when the file is too small. */
int writer_commit_errno(struct cache_writer *writer, int r);
/* There must be no other transaction of this process: it may move the map. */
int writer_begin_commit(struct cache_writer *writer, MDB_txn **ret);
/* That many changes go with it. */
int writer_put_state(struct cache_writer *writer, MDB_txn *txn, const struct cache_state *state, uint64_t n_changes);

#endif
