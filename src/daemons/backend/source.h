/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Source: where a domain's entries come from (id_provider). It brings the cache up to date and answers no one
 * itself. */

#ifndef BACKEND_SOURCE_H
#define BACKEND_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct cache_writer;
struct config;
struct items;
struct source;

/* Which entry is asked for: kind is "user", "group", "initgroups", "netgroup" or "service"; name
 * or, where it is "", id. "cache": somebody has met damage in the cache; whoever reads that looks
 * for himself, and makes it anew if it is so. */
struct source_query {
    const char *kind;
    const char *name;
    uint32_t id;
};

/* r 0: the cache is as good as the source; else a negative errno: it stays as it is. */
typedef void (*source_on_done_t)(int r, void *userdata);

struct source_ops {
    const char *name; /* the word in id_provider */
    uint64_t patience_usec; /* how long somebody who asks should wait for its answer */
    /* items: of its files what root has opened; import_argv: what imports the domain in a process
     * of its own, this program with those arguments. Both stay the caller's. The cache is used by
     * the source alone until it is freed. */
    int (*open)(sd_event *event, const struct config *config, const char *domain,
                struct cache_writer *cache, const struct items *items, char *const *import_argv,
                struct source **ret);
    /* Ends what is under way: on_done gets -ECANCELED. */
    struct source *(*free)(struct source *source);
    /* Calls on_done once, now or later. Several may be under way; equal work is done once. query NULL: everything. */
    int (*refresh)(struct source *source, const struct source_query *query, source_on_done_t on_done, void *userdata);
    /* The administrator's word: as if the source had failed, or had not. -EBUSY: it is at work. */
    int (*set_online)(struct source *source, bool is_online);
    bool (*is_online)(struct source *source);
};

extern const struct source_ops source_ldif;

#endif
