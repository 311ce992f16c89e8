/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Look-up: goes through the domains until one has answered, and stops where one has to be asked. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "nss/body.h"
#include "nss/dataprovider.h"
#include "nss/lookup.h"
#include "nss/memcache.h"
#include "nss/negative.h"
#include "nss/nss.h"
#include "responder/responder.h"
#include "util/log.h"
#include "wire/packet.h"

static const char *const kind_names[] = {
    [LOOKUP_USER] = "user",         [LOOKUP_GROUP] = "group",     [LOOKUP_INITGROUPS] = "initgroups",
    [LOOKUP_NETGROUP] = "netgroup", [LOOKUP_SERVICE] = "service",
};

static const enum cache_kind cache_kinds[] = {
    [LOOKUP_USER] = CACHE_USER,         [LOOKUP_GROUP] = CACHE_GROUP,     [LOOKUP_INITGROUPS] = CACHE_USER,
    [LOOKUP_NETGROUP] = CACHE_NETGROUP, [LOOKUP_SERVICE] = CACHE_SERVICE,
};

/* A backend is asked once to make a damaged cache anew; who meets the damage then waits for it,
 * too, for that long. */
#define REPAIR_TOGETHER_USEC 1000000ULL
#define REPAIR_AGAIN_USEC (10 * 1000000ULL)

/* How it stands between a look-up and the backend of the domain in work. */
enum asked {
    NOT_ASKED,
    NOT_ANSWERED, /* offline, silent, or not there */
    ANSWERED,
};

struct lookup {
    struct request *request;
    struct nss *nss;
    struct lookup_query query;
    const struct domain *only;            /* the domain that the name names, or NULL */
    char name[CACHE_NAME_BYTES_MAX + 1];  /* without its domain; "": by id */
    size_t at;                            /* the domain in work */
    uint64_t number;                      /* of the entry that it has of that domain, or 0 */
    bool is_good;                         /* what was read of it, by the times of the entries themselves */
    bool is_unsure;                       /* a domain could not say whether it has it */

    /* while it waits */
    struct dataprovider_call *call;
    sd_event_source *timer;
};

static struct lookup *lookup_free(struct lookup *lookup)
{
    dataprovider_cancel(lookup->call);
    sd_event_source_disable_unref(lookup->timer);
    free(lookup);
    return NULL;
}

static void on_cancel(void *userdata)
{
    lookup_free(userdata);
}

/* Ends it: the request has its answer, or gets a status. */
static void lookup_reply(struct lookup *lookup, int r)
{
    struct request *request = lookup->request;

    request_on_cancel(request, NULL, NULL);
    lookup_free(lookup);
    request_reply(request, r);
}

static void lookup_reply_nothing(struct lookup *lookup)
{
    struct request *request = lookup->request;
    struct lookup_query query = lookup->query;
    int r;

    if (!query.otherwise && lookup->is_unsure) {
        lookup_reply(lookup, LOOKUP_UNAVAILABLE);
        return;
    }
    if (!query.otherwise) {
        body_put_nothing(request_out(request));
        lookup_reply(lookup, 0);
        return;
    }
    request_out(request)->used = PACKET_HEADER_BYTES;
    request_on_cancel(request, NULL, NULL);
    lookup_free(lookup);
    r = query.otherwise(request, &query);
    if (r < 0)
        request_reply(request, r);
}

/* Netgroups and services have no domains in their names. */
static bool is_split(const struct lookup_query *query)
{
    return query->name && query->kind != LOOKUP_NETGROUP && query->kind != LOOKUP_SERVICE;
}

static bool takes_part(const struct lookup *lookup, const struct domain *domain, const char *key)
{
    const struct lookup_query *query = &lookup->query;

    if (query->enumerates)
        return domain->enumerates;
    if (query->kind == LOOKUP_NETGROUP || query->kind == LOOKUP_SERVICE)
        return true;
    if (!query->name)
        return domain_has_id(domain, query->id);
    if (lookup->only ? domain != lookup->only : domain->qualifies)
        return false;
    return query->kind == LOOKUP_GROUP ? !domain_hides_group(domain, key) : !domain_hides_user(domain, key);
}

struct forgetting {
    struct nss *nss;
    const struct domain *domain;
};

/* Clients must not be told by the memory cache what is no longer so. Returns 0, or 1 if more than
 * that entry may be different. */
static int forget(const struct cache_change *change, void *userdata)
{
    const struct forgetting *forgetting = userdata;
    const struct domain *domain = forgetting->domain;
    struct memcache *memcache = forgetting->nss->memcache;
    char key[CACHE_NAME_BYTES_MAX + 1], room[DOMAIN_NAME_ROOM];

    /* What was found in another domain by a key that is new here is found here. */
    if (change->has_keys && forgetting->nss->domains->n > 1)
        return 1;
    switch (change->kind) {
    case CACHE_USER:
        memcache_forget_user(memcache, domain_output_name(domain, change->name, room));
        memcache_forget_gids(memcache, domain_full_name(domain, change->name, room));
        return 0;
    case CACHE_GROUP:
        memcache_forget_group(memcache, domain_output_name(domain, change->name, room));
        /* of one that is filtered, its members lose the number */
        return cache_key(change->name, domain->ignore_case, key) < 0 || domain_hides_group(domain, key);
    default:
        return 0; /* it is not in there */
    }
}

int lookup_begin(struct nss *nss, struct domain *domain)
{
    const struct cache_state before = domain->state;
    struct forgetting forgetting = { nss, domain };
    int r, changes = 1;

    r = domain_begin(nss->domains, domain);
    if (domain->state.generation == before.generation)
        return r;
    if (r > 0 && before.generation != 0)
        changes = cache_each_change(domain->cache, before.last_change, forget, &forgetting);
    if (changes == 0)
        memcache_keep(nss->memcache, domains_mark(nss->domains));
    else
        memcache_set_mark(nss->memcache, domains_mark(nss->domains));
    return r;
}

/* Reads the domain's cache. Returns 1 with the reply written, 0 if it does not know, or a negative
 * errno: -EIO is damage. */
static int look(struct lookup *lookup, struct domain *domain, const char *key)
{
    int r;

    r = lookup_begin(lookup->nss, domain);
    if (r <= 0)
        return r;

    request_out(lookup->request)->used = PACKET_HEADER_BYTES;
    r = lookup->query.answer(lookup->request, &lookup->query, domain, key);
    lookup->is_good = r > 0 && cache_is_good(domain->cache, (uint64_t) time(NULL));
    lookup->number = r > 0 && !lookup->query.enumerates ? cache_entry_number(domain->cache) : 0;
    domain_end(domain);
    return r;
}

static struct negative_key negative_key_of(const struct lookup *lookup, const struct domain *domain, const char *key)
{
    return (struct negative_key){
        .domain = domain->name,
        .generation = domain->state.generation,
        .kind = kind_names[lookup->query.kind],
        .name = key,
        .protocol = lookup->query.protocol ? lookup->query.protocol : "",
        .id = lookup->query.id,
    };
}

/* Is what was found as it should be? Of a list the single entries say nothing about those that are
 * missing. */
static bool is_fresh(const struct lookup *lookup, const struct domain *domain, uint64_t now)
{
    if (domain_is_fresh(domain, cache_kinds[lookup->query.kind], now))
        return true;
    return lookup->is_good && !lookup->query.enumerates;
}

/* What to make of what the cache says. */
enum verdict {
    BELIEVE,
    ASK,
    NOBODY_KNOWS, /* and nobody can be asked */
};

static bool is_of_group(const struct lookup *lookup)
{
    return lookup->query.kind == LOOKUP_GROUP;
}

static enum verdict judge_known(const struct lookup *lookup, struct domain *domain)
{
    uint64_t now = (uint64_t) time(NULL);

    if (domain_is_offline(domain, now) || now_usec() < domain->silent_until_usec)
        return BELIEVE;
    if (lookup->query.flags & BODY_ASK)
        return ASK;
    if (domain_must_ask(domain, is_of_group(lookup), lookup->number, now_usec()))
        return ASK;
    return is_fresh(lookup, domain, now) ? BELIEVE : ASK;
}

static enum verdict judge_unknown(const struct lookup *lookup, const struct domain *domain, const char *key)
{
    struct negative_key negative = negative_key_of(lookup, domain, key);
    uint64_t now = (uint64_t) time(NULL);
    bool is_complete = domain_is_complete(domain, cache_kinds[lookup->query.kind], now);

    if (domain_is_offline(domain, now) || dataprovider_is_silent(domain->backend))
        return is_complete ? BELIEVE : NOBODY_KNOWS;
    if (lookup->query.flags & BODY_ASK)
        return ASK;
    if (is_complete && dataprovider_is_heard(domain->backend))
        return BELIEVE;
    return negative_knows(lookup->nss->negative, &negative, now_usec()) ? BELIEVE : ASK;
}

static enum verdict judge(const struct lookup *lookup, struct domain *domain, const char *key, bool known)
{
    if (lookup->query.flags & BODY_INVALIDATE)
        return BELIEVE;
    return known || lookup->query.enumerates ? judge_known(lookup, domain) : judge_unknown(lookup, domain, key);
}

static struct domain *domain_in_work(const struct lookup *lookup)
{
    return &lookup->nss->domains->all[lookup->at];
}

static void lookup_go_on(struct lookup *lookup, enum asked asked);

static void on_answer(int r, void *userdata)
{
    struct lookup *lookup = userdata;
    struct domain *domain = domain_in_work(lookup);

    lookup->call = NULL;
    lookup->timer = sd_event_source_disable_unref(lookup->timer);
    if (r >= 0)
        domain->silent_until_usec = 0;
    if (r > 0)
        domain_set_asked(domain, is_of_group(lookup), lookup->number);
    lookup_go_on(lookup, r > 0 ? ANSWERED : NOT_ANSWERED);
}

static int on_silence(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct lookup *lookup = userdata;
    struct domain *domain = domain_in_work(lookup);

    (void) source;
    (void) usec;
    lookup->call = dataprovider_cancel(lookup->call);
    lookup->timer = sd_event_source_disable_unref(lookup->timer);
    if (now_usec() >= domain->silent_until_usec)
        log_warning("domain %s: its backend does not answer; going on with what is known", domain->name);
    domain->silent_until_usec = now_usec() + LOOKUP_TRUST_USEC;
    lookup_go_on(lookup, NOT_ANSWERED);
    return 0;
}

/* What is known does not wait long. */
static int ask(struct lookup *lookup, struct domain *domain, bool known, bool is_damaged)
{
    int r;

    r = is_damaged ? dataprovider_ask(domain->backend, "cache", "", 0, on_answer, lookup, &lookup->call)
                   : dataprovider_ask(domain->backend, kind_names[lookup->query.kind], lookup->name, lookup->query.id,
                                      on_answer, lookup, &lookup->call);
    if (r >= 0 && (known || is_damaged))
        r = sd_event_add_time_relative(lookup->nss->event, &lookup->timer, CLOCK_MONOTONIC, LOOKUP_SILENT_USEC, 0, on_silence,
                                       lookup);
    if (r >= 0)
        request_on_cancel(lookup->request, on_cancel, lookup);
    return r;
}

static bool must_repair(struct domain *domain)
{
    uint64_t now = now_usec(), since = now - domain->repair_usec;

    if (domain->repair_usec != 0 && since < REPAIR_AGAIN_USEC)
        return since < REPAIR_TOGETHER_USEC;
    domain->repair_usec = now;
    return true;
}

/* The cache could not be read. Returns as try_domain(). */
static int give_up_domain(struct lookup *lookup, struct domain *domain, enum asked asked, int r)
{
    if (r == -ENOMEM || request_out(lookup->request)->failed < 0)
        return r; /* it is not the domain's fault */
    domain_told(domain, r);
    if (r == -EIO && asked == NOT_ASKED && must_repair(domain)) {
        r = ask(lookup, domain, false, true);
        return r < 0 ? r : 1;
    }
    lookup->is_unsure = true;
    return 0;
}

/* Returns 1 when the look-up has ended or waits for the domain's backend, 0 when another domain is to be tried, or a
 * negative errno. */
static int try_domain(struct lookup *lookup, struct domain *domain, enum asked asked)
{
    char key[CACHE_NAME_BYTES_MAX + 1] = "";
    struct negative_key negative;
    enum verdict verdict;
    bool known;
    int r;

    if (lookup->query.name) {
        r = cache_key(lookup->name, domain->ignore_case, key);
        if (r < 0)
            return r;
    }
    if (!takes_part(lookup, domain, key))
        return 0;

    r = look(lookup, domain, key);
    if (r < 0)
        return give_up_domain(lookup, domain, asked, r);
    domain_told(domain, 0);
    known = r > 0;
    verdict = asked == NOT_ASKED ? judge(lookup, domain, key, known) : BELIEVE;
    if (verdict == ASK) {
        r = ask(lookup, domain, known, false);
        return r < 0 ? r : 1;
    }
    if (verdict == NOBODY_KNOWS ||
        (asked == NOT_ANSWERED && !known &&
         !domain_is_complete(domain, cache_kinds[lookup->query.kind], (uint64_t) time(NULL))))
        lookup->is_unsure = true;
    if (asked == ANSWERED && !known) {
        negative = negative_key_of(lookup, domain, key);
        negative_remember(lookup->nss->negative, &negative, now_usec());
    }
    if (lookup->query.flags & BODY_INVALIDATE) {
        bool was_outdated = domain_is_outdated(domain, is_of_group(lookup), lookup->number);

        r = lookup->number != 0 ? domain_set_outdated(domain, is_of_group(lookup), lookup->number) : 0;
        if (r < 0)
            return r;
        known = known && !was_outdated && is_fresh(lookup, domain, (uint64_t) time(NULL));
    }
    if (!known)
        return 0;
    lookup_reply(lookup, lookup->query.found_r);
    return 1;
}

static void lookup_go_on(struct lookup *lookup, enum asked asked)
{
    int r;

    for (; lookup->at < lookup->nss->domains->n; lookup->at++) {
        r = try_domain(lookup, domain_in_work(lookup), asked);
        if (r < 0)
            lookup_reply(lookup, r);
        if (r != 0)
            return;
        asked = NOT_ASKED;
    }
    lookup_reply_nothing(lookup);
}

int lookup_start(struct request *request, const struct lookup_query *query)
{
    CLEANUP(freep) struct lookup *lookup = NULL;
    struct nss *nss = request_state(request);
    int r;

    lookup = calloc(1, sizeof(*lookup));
    if (!lookup)
        return -ENOMEM;
    lookup->request = request;
    lookup->nss = nss;
    lookup->query = *query;
    lookup->at = query->first;

    if (is_split(query)) {
        r = domains_parse_name(nss->domains, query->name, lookup->name, &lookup->only);
        if (r < 0)
            return r;
        if (r == 0)
            lookup->at = nss->domains->n;
    } else if (query->name) {
        if (strlen(query->name) < sizeof(lookup->name))
            strcpy(lookup->name, query->name);
        else
            lookup->at = nss->domains->n;
    }
    lookup_go_on(TAKE(lookup), NOT_ASKED);
    return 0;
}
