/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layout: how entries lie in the file. For reader and writer alone.
 *
 * Each kind of entry has a table of records, by number, and one that leads from keys (its name and its
 * aliases) to the number. That begins with the id of users and groups, of the rest with their place in the order in
 * which they came; behind it counts who has the same id, so that each is found by name and the first by id.
 * A record is its head, its keys, its fixed part, then its texts, each with its zero. Integers in it are in the order
 * of the host: the file never leaves it. */

#ifndef CACHE_LAYOUT_H
#define CACHE_LAYOUT_H

#include <endian.h>
#include <lmdb.h>
#include <stdint.h>
#include <sys/types.h>

#include "cache/cache.h"

/* Of another number, or of another host's integers, a file is made anew. */
#define LAYOUT_VERSION 3
#define LAYOUT_MARK (LAYOUT_VERSION | (uint32_t) sizeof(size_t) << 16)

/* Address space, not memory and not disk. */
#define CACHE_MAP_BYTES (sizeof(size_t) > 4 ? (size_t) 4 << 30 : (size_t) 512 << 20)

enum table {
    TABLE_STATE,         /* "layout" -> uint32_t; "state" -> struct cache_state */
    TABLE_USERS,         /* number -> struct user_record, name, gecos, home, shell */
    TABLE_USER_NAMES,    /* key -> number */
    TABLE_GIDS,          /* number of the user -> gids of its groups */
    TABLE_GROUPS,        /* number -> struct group_record, name, members */
    TABLE_GROUP_NAMES,   /* key -> number */
    TABLE_NETGROUPS,     /* number -> struct netgroup_record, name, triples, netgroups */
    TABLE_NETGROUP_NAMES,
    TABLE_SERVICES,      /* number -> struct service_record, name, protocol, aliases */
    TABLE_SERVICE_NAMES, /* key, zero, protocol -> number */
    TABLE_SERVICE_PORTS, /* two bytes of port, high one first, protocol -> number */
    TABLE_CHANGES,       /* number of the change, high byte first -> struct change_record, the entry's name */
    N_TABLES
};

extern const char *const table_names[N_TABLES];

/* A number as it lies in the file: the high byte first, so that records lie in the order of their numbers. */
#define NUMBER(id, nth) htobe64((uint64_t) (id) << 32 | (nth))
#define NUMBER_ID(number) ((uint32_t) (be64toh(number) >> 32))
#define NUMBER_NTH(number) ((uint32_t) be64toh(number))

#define LAYOUT_KEY "layout"
#define STATE_KEY "state"

/* Of each record. An entry is good from updated on, for life_sec. Its keys, each behind its
 * uint16_t of bytes, are for the writer alone, who takes those away that an entry no longer has. */
struct entry_head {
    uint64_t updated; /* CLOCK_REALTIME in seconds */
    uint32_t life_sec;
    uint32_t keys_bytes;
};

/* That many changes are kept, the last ones. */
#define CACHE_CHANGES_MAX 4096

struct change_record {
    uint8_t kind;     /* enum cache_kind */
    uint8_t has_keys; /* it is found by other keys than before, or is new */
};

struct user_record {
    uint32_t uid, gid;
};

struct group_record {
    uint32_t gid;
    uint32_t n_members;
};

struct netgroup_record {
    uint32_t n_triples;
    uint32_t triples_bytes;
    uint32_t n_netgroups;
};

struct service_record {
    uint32_t port;
    uint32_t n_aliases;
};

#define SERVICE_KEY_BYTES_MAX (CACHE_NAME_BYTES_MAX + 1 + CACHE_PROTOCOL_BYTES_MAX)

/* What LMDB says as a negative errno; -EIO is damage, be it of the file, of its pages or of a
 * record. */
int cache_errno(int r);

/* Begins a view. Readers that were killed leave their places in LMDB's table, which are few; when
 * all are taken, those of the dead are given free. Returns what LMDB says. */
int cache_begin_view(MDB_env *env, MDB_txn **ret);

/* The file of a domain: the caller's to free, NULL: no memory. */
char *cache_path(const char *dir, const char *domain);

/* How many bytes the file has at least if it is whole. One that was cut off would end a reader by
 * SIGBUS; -EIO tells it. */
off_t cache_least_bytes(MDB_env *env);
int cache_check_size(MDB_env *env);

/* Reads all there is in a view. Returns 0, or -EIO when a reader would meet damage somewhere. */
int cache_check_all(MDB_env *env, MDB_txn *txn, const MDB_dbi tables[N_TABLES]);

/* Zeros if there is none yet. */
int cache_get_state(MDB_txn *txn, MDB_dbi table, struct cache_state *ret);

/* Their keys; what is too long is not found and not stored. Return the bytes, 0 if it does not fit. */
size_t service_name_key(const char *key, const char *protocol, char ret[SERVICE_KEY_BYTES_MAX]);
size_t service_port_key(uint16_t port, const char *protocol, char ret[SERVICE_KEY_BYTES_MAX]);

#endif
