/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Domains: the directories in their order, the names by which clients ask for entries, and those they are shown. */

#ifndef NSS_DOMAINS_H
#define NSS_DOMAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "cache/cache.h"

struct config;
struct dataprovider;

struct domain {
    char *name;
    struct cache *cache;          /* NULL: its backend has not made one yet */
    uint64_t check_usec;          /* when to look whether another one is in its place */
    struct dataprovider *backend;
    struct cache_state state;     /* of the view that is open, or was last */
    struct outdated *outdated;    /* entries that somebody has declared so */
    int trouble;                  /* why its cache could not be read, as it was told; 0: it can */
    uint64_t trouble_generation;  /* of which entries; 0: of none */
    uint64_t repair_usec;         /* when its backend was last asked to make it anew */
    uint64_t silent_until_usec;   /* its backend did not answer in time: known entries don't wait for it until then */

    bool ignore_case, shows_lower_case, qualifies, enumerates;
    uint32_t min_id, max_id;      /* max_id 0: none */
    uint32_t override_gid;        /* 0: none */
    uint64_t offline_life; /* in seconds, at most */
    char **filtered_users, **filtered_groups; /* keys; NULL at the end */
    bool filters_members, hides_members;
    const char *override_home, *fallback_home, *home_substring;
    const char *override_shell, *default_shell;
    const char *password;
    const char *full_name_format;
};

struct domains {
    struct domain *all;
    size_t n;
    const char *default_domain;   /* of names without one, or "" */
    const char *cache_dir;
    uint64_t settings;            /* a mark of all that changes what is shown */
};

/* Of the domains that are enabled; the backends' buses belong to owner. cache_dir and bus_prefix must live on. */
int domains_new(sd_event *event, const struct config *config, const char *cache_dir, const char *bus_prefix, uid_t owner,
                struct domains **ret);
struct domains *domains_free(struct domains *domains);

/* Splits a name as a client sent it. Returns 1 with the name and with the domain it names (NULL: any that takes plain names), 0 if it
 * names a domain that we don't have, or -EINVAL if it is empty, or not UTF-8. */
int domains_parse_name(const struct domains *domains, const char *text, char ret_name[CACHE_NAME_BYTES_MAX + 1],
                       const struct domain **ret_domain);

/* A view of the domain's cache, whose state it reads. Returns 1, 0 if there is no cache, or a negative errno. */
int domain_begin(const struct domains *domains, struct domain *domain);
void domain_end(struct domain *domain);
/* To be told what became of reading its cache, within no view: a negative errno, or 0. Logs once
 * that it cannot be read, and once that it can again. */
void domain_told(struct domain *domain, int r);
/* Whether the caches are those that are in their places is looked at now and then, and after this at once. */
void domains_check_again(struct domains *domains);
/* Of the state read last; now is CLOCK_REALTIME. How long something is good is what its backend has
 * stored, and computed nowhere else. */
/* All that is known of that kind, whatever the single entries say. */
bool domain_is_fresh(const struct domain *domain, enum cache_kind kind, uint64_t now);
/* And that there is no more: what is not in the cache is not there. */
bool domain_is_complete(const struct domain *domain, enum cache_kind kind, uint64_t now);
/* A stored time too far ahead is one that the clock has left behind: past. */
bool domain_is_offline(const struct domain *domain, uint64_t now);

/* Whoever asks may declare an entry outdated, any number of them, at any rate. So what that costs
 * is limited: its backend is asked for it once a second at most, and of those that share a place in
 * a small table only the last one is remembered. is_group: whose numbers; now_usec is of the
 * monotonic clock. */
int domain_set_outdated(struct domain *domain, bool is_group, uint64_t number);
/* Is its backend to be asked for it, for that reason? Then that is noted. */
bool domain_must_ask(struct domain *domain, bool is_group, uint64_t number, uint64_t now_usec);
bool domain_is_outdated(const struct domain *domain, bool is_group, uint64_t number);
/* Its backend has answered. */
void domain_set_asked(struct domain *domain, bool is_group, uint64_t number);

bool domain_has_id(const struct domain *domain, uint32_t id); /* never 0 */
bool domain_hides_user(const struct domain *domain, const char *key);
bool domain_hides_group(const struct domain *domain, const char *key);
bool domain_shows_user(const struct domain *domain, const struct cache_user *user);
bool domain_shows_group(const struct domain *domain, const struct cache_group *group);
bool domain_shows_member(const struct domain *domain, const char *name);

/* A name as clients are shown it: without its domain; with it where the domain says so; always with it. What does not fit
 * into the room is cut. */
const char *domain_plain_name(const struct domain *domain, const char *name, char room[CACHE_NAME_BYTES_MAX + 1]);
#define DOMAIN_NAME_ROOM 1024
const char *domain_output_name(const struct domain *domain, const char *name, char room[DOMAIN_NAME_ROOM]);
const char *domain_full_name(const struct domain *domain, const char *name, char room[DOMAIN_NAME_ROOM]);

/* Changes when clients would be shown something else: the settings, or the entries of any domain. */
uint64_t domains_mark(const struct domains *domains);

#endif
