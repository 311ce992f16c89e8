/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Enumeration: getpwent, getgrent, getservent. Each reply has all entries of one domain. */

#include <errno.h>
#include <stdlib.h>

#include "nss/body.h"
#include "nss/domains.h"
#include "nss/enumeration.h"
#include "nss/groups.h"
#include "nss/listings.h"
#include "nss/lookup.h"
#include "nss/nss.h"
#include "nss/services.h"
#include "nss/users.h"
#include "responder/responder.h"
#include "wire/packet.h"

/* Of one client. */
struct positions {
    size_t next[LISTING_KINDS]; /* the domain whose entries come next */
    bool open[LISTING_KINDS];   /* between the start and the end */
};

struct listing {
    struct packet_writer *out;
    const struct nss *nss;
    const struct domain *domain;
    uint32_t n;
};

static int put_user(const struct cache_user *user, void *userdata)
{
    struct listing *listing = userdata;

    if (domain_shows_user(listing->domain, user)) {
        users_put(listing->out, listing->nss, listing->domain, user);
        listing->n++;
    }
    return listing->out->failed;
}

static int put_group(const struct cache_group *group, void *userdata)
{
    struct listing *listing = userdata;

    if (domain_shows_group(listing->domain, group)) {
        groups_put(listing->out, listing->domain, group);
        listing->n++;
    }
    return listing->out->failed;
}

static int put_service(const struct cache_service *service, void *userdata)
{
    struct listing *listing = userdata;

    services_put(listing->out, listing->domain, service);
    listing->n++;
    return listing->out->failed;
}

static int positions_of(struct request *request, struct positions **ret)
{
    void **data = request_client_data(request, free);

    if (!*data)
        *data = calloc(1, sizeof(struct positions));
    if (!*data)
        return -ENOMEM;
    *ret = *data;
    return 0;
}

static int set_open(struct request *request, enum listing_kind what, bool open)
{
    struct positions *positions;
    int r;

    r = positions_of(request, &positions);
    if (r < 0)
        return r;
    positions->open[what] = open;
    request_set_enumerating(request, positions->open[LISTING_USERS] || positions->open[LISTING_GROUPS] || positions->open[LISTING_SERVICES]);
    return 0;
}

static enum listing_kind what_of(const struct lookup_query *query)
{
    return query->kind == LOOKUP_USER ? LISTING_USERS : query->kind == LOOKUP_GROUP ? LISTING_GROUPS : LISTING_SERVICES;
}

/* Returns 1 with all entries written, 0 if there are none, or a negative errno. */
static int write_all(struct request *request, const struct domain *domain, enum listing_kind what)
{
    struct listing listing = { .out = request_out(request), .nss = request_state(request), .domain = domain };
    size_t n_at;
    int r;

    n_at = packet_reserve_u32(listing.out);
    packet_put_u32(listing.out, 0); /* reserved */
    r = what == LISTING_USERS    ? cache_each_user(domain->cache, 0, put_user, &listing)
        : what == LISTING_GROUPS ? cache_each_group(domain->cache, 0, put_group, &listing)
                         : cache_each_service(domain->cache, 0, put_service, &listing);
    if (r < 0)
        return r;
    packet_set_u32(listing.out, n_at, listing.n);
    return listing.n > 0;
}

static int answer(struct request *request, const struct lookup_query *query, struct domain *domain, const char *key)
{
    struct nss *nss = request_state(request);
    size_t at = (size_t) (domain - nss->domains->all);
    enum listing_kind what = what_of(query);
    struct positions *positions;
    int r;

    (void) key;
    r = positions_of(request, &positions);
    if (r < 0)
        return r;
    if (!listings_use(nss->listings, request, at, what, domain->state.generation)) {
        r = write_all(request, domain, what);
        if (r > 0)
            listings_keep(nss->listings, request, at, what, domain->state.generation);
        if (r <= 0)
            return r;
    }
    positions->next[what] = at + 1;
    return 1;
}

static int at_end(struct request *request, const struct lookup_query *query)
{
    struct nss *nss = request_state(request);
    struct positions *positions;
    int r;

    r = positions_of(request, &positions);
    if (r < 0)
        return r;
    positions->next[what_of(query)] = nss->domains->n;
    r = set_open(request, what_of(query), false);
    return r < 0 ? r : body_reply_nothing(request);
}

/* Both start and end. */
static int rewind_to_first(struct request *request, enum listing_kind what, bool open)
{
    struct positions *positions;
    int r;

    r = positions_of(request, &positions);
    if (r < 0)
        return r;
    positions->next[what] = 0;
    r = set_open(request, what, open);
    return r < 0 ? r : body_reply_empty(request);
}

/* How many the client wants at most is no matter: it takes any number. */
static int next(struct request *request, enum lookup_kind kind)
{
    struct lookup_query query = { .kind = kind, .enumerates = true, .answer = answer, .otherwise = at_end };
    struct positions *positions;
    int r;

    r = positions_of(request, &positions);
    if (r < 0)
        return r;
    query.first = positions->next[what_of(&query)];
    r = set_open(request, what_of(&query), true);
    return r < 0 ? r : lookup_start(request, &query);
}

int on_users_start(struct request *request)
{
    return rewind_to_first(request, LISTING_USERS, true);
}

int on_users_next(struct request *request)
{
    return next(request, LOOKUP_USER);
}

int on_users_end(struct request *request)
{
    return rewind_to_first(request, LISTING_USERS, false);
}

int on_groups_start(struct request *request)
{
    return rewind_to_first(request, LISTING_GROUPS, true);
}

int on_groups_next(struct request *request)
{
    return next(request, LOOKUP_GROUP);
}

int on_groups_end(struct request *request)
{
    return rewind_to_first(request, LISTING_GROUPS, false);
}

int on_services_start(struct request *request)
{
    return rewind_to_first(request, LISTING_SERVICES, true);
}

int on_services_next(struct request *request)
{
    return next(request, LOOKUP_SERVICE);
}

int on_services_end(struct request *request)
{
    return rewind_to_first(request, LISTING_SERVICES, false);
}
