/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cache: what is known of one domain, in one LMDB file. Its backend writes, responders read, and neither waits
 * for the other: a reader sees the state of one commit.
 *
 * Keys are names as the domain compares them: cache_key() folds the case where the domain ignores it. An
 * entry's own name is what clients are shown. */

#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A damaged cache, or one that the disk cannot read, is -EIO, from whatever meets it first; its
 * backend makes it anew. */

#define CACHE_NAME_BYTES_MAX 255 /* of a name without its zero; LMDB's keys end at 511 */
#define CACHE_PROTOCOL_BYTES_MAX 31 /* likewise */

struct cache;

/* ---- what is in it ---- */

struct cache_user {
    const char *name;
    const char *gecos, *home, *shell; /* "" if it has none */
    uint32_t uid, gid;
    bool is_twin; /* read only: another has its uid and comes first, so that it is found by name alone */
};

struct cache_group {
    const char *name;
    uint32_t gid;
    uint32_t n_members;
    const char *members; /* n_members texts, one behind the other */
    size_t members_bytes;
    bool is_twin; /* read only, as above */
};

struct cache_netgroup {
    const char *name;
    uint32_t n_triples;
    const char *triples; /* n_triples times host, user, domain */
    size_t triples_bytes;
    uint32_t n_netgroups;
    const char *netgroups; /* the members that are netgroups */
    size_t netgroups_bytes;
};

struct cache_service {
    const char *name;
    const char *protocol;
    uint16_t port; /* in the host's order */
    uint32_t n_aliases;
    const char *aliases;
    size_t aliases_bytes;
};

enum cache_kind {
    CACHE_USER, /* and the groups that it is in */
    CACHE_GROUP,
    CACHE_NETGROUP,
    CACHE_SERVICE,
    CACHE_N_KINDS,
};

/* Of the whole domain. Times are CLOCK_REALTIME in seconds. */
struct cache_state {
    uint64_t generation;    /* counts the commits that changed entries, in each file from another number on */
    uint64_t last_change;   /* counts the changes of entries, in each file from another number on */
    uint64_t
        updated; /* when the times below were set: before that, the clock was another one, and they say nothing */
    /* The source has said that the entries of a kind are as good as new until then, whenever they
     * were written; 0: it has not. Each entry has its own time besides. */
    uint64_t good_until[CACHE_N_KINDS];
    uint64_t is_complete;   /* and that there are no others */
    uint64_t offline_until; /* the source failed: don't try it before that; 0: online */
    char source[256];       /* the source's own mark of what it has read, e.g. size and time of its files */
};

/* Folds name to the key of a domain. -EINVAL if it is empty, too long, or not UTF-8. */
int cache_key(const char *name, bool ignore_case, char ret[CACHE_NAME_BYTES_MAX + 1]);

/* ---- reading ---- */

/* Opens DIR/cache_DOMAIN.mdb. Returns 1, 0 if there is none yet (or it is of another layout: its backend makes
 * it anew), or a negative errno. */
int cache_open(const char *dir, const char *domain, struct cache **ret);
struct cache *cache_close(struct cache *cache);
void cache_closep(struct cache **cache);
/* Has somebody put another file in its place (an administrator who cleared the folder)? */
bool cache_is_replaced(const struct cache *cache);

/* A view of one commit. What lookups return points into it and ends with it, so keep it short: what it sees cannot be
 * reused. One at a time for each cache. */
int cache_begin(struct cache *cache);
void cache_end(struct cache *cache);

int cache_read_state(struct cache *cache, struct cache_state *ret);

/* Within a view: are all entries that were returned in it still good, by the times that were stored
 * with them? */
bool cache_is_good(const struct cache *cache, uint64_t now);
/* The number of the first user or group that was returned in it: always the same one for the same
 * name with the same id. 0: none was. */
uint64_t cache_entry_number(const struct cache *cache);

/* Within a view. Each returns 1 with the entry, 0 when there is no such, or a negative errno. */
int cache_user_by_name(struct cache *cache, const char *key, struct cache_user *ret);
int cache_user_by_id(struct cache *cache, uint32_t uid, struct cache_user *ret);
int cache_group_by_name(struct cache *cache, const char *key, struct cache_group *ret);
int cache_group_by_id(struct cache *cache, uint32_t gid, struct cache_group *ret);
/* The gids of all groups that a user is in, by its key, through nested groups too; not its primary one unless it
 * is listed there. A user without groups is 1 with *ret_n 0; *ret need not be aligned for anything but memcpy. */
int cache_gids_of_user(struct cache *cache, const char *key, const void **ret, size_t *ret_n);
int cache_netgroup_by_name(struct cache *cache, const char *key, struct cache_netgroup *ret);
/* protocol "": any. */
int cache_service_by_name(struct cache *cache, const char *key, const char *protocol, struct cache_service *ret);
int cache_service_by_port(struct cache *cache, uint16_t port, const char *protocol, struct cache_service *ret);

/* Calls on_... for each, until it returns other than 0, and returns that. In the order of their ids, those
 * before from left out, so that an enumeration can go on in a later view with the last id + 1; services in that
 * of their places, which count from 0. */
int cache_each_user(struct cache *cache, uint32_t from_uid,
                    int (*on_user)(const struct cache_user *user, void *userdata), void *userdata);
int cache_each_group(struct cache *cache, uint32_t from_gid,
                     int (*on_group)(const struct cache_group *group, void *userdata), void *userdata);
int cache_each_service(struct cache *cache, uint32_t from,
                       int (*on_service)(const struct cache_service *service, void *userdata), void *userdata);

/* What was put, was replaced by something else, or has gone. */
struct cache_change {
    enum cache_kind kind; /* of a user: it, or the groups that it is in */
    const char *name;     /* the entry's; with another name both are told */
    bool has_keys;        /* it is found by other keys than before */
};

/* Within a view: calls on_change for each change after that number, which is last_change of the
 * state that was seen last, until it returns other than 0, and returns that. -ESTALE: they are no
 * longer known one by one, and anything may be different; then, too, it may have been called. */
int cache_each_change(struct cache *cache, uint64_t since,
                      int (*on_change)(const struct cache_change *change, void *userdata), void *userdata);

#endif
