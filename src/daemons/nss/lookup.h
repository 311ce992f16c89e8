/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Look-up: the life of one question over the domains.
 *
 * A domain's cache is read first. What it knows and is fresh is the answer. Otherwise its backend is asked, and the
 * cache is read again. What is known but outdated is answered as it is when the backend is offline, or silent for 3 s;
 * what is unknown waits for the backend as long as that has said, 4 s if it says nothing.
 *
 * "Not found" is said where somebody who knows has said so: the backend now or lately, or the cache, if its source has
 * put all there is in it and its backend is there to learn of changes.
 *
 * A domain whose cache cannot be read is left out; a damaged cache is first given to its backend to be made anew. */

#ifndef NSS_LOOKUP_H
#define NSS_LOOKUP_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nss/domains.h"

#define LOOKUP_SILENT_USEC (3 * 1000000ULL)
/* How long known entries don't wait for a backend that was silent. */
#define LOOKUP_TRUST_USEC (10 * 1000000ULL)

/* The status where nobody could say whether there is such an entry: the client library says
 * "unavailable", and not "not found". */
#define LOOKUP_UNAVAILABLE (-EHOSTDOWN)

enum lookup_kind {
    LOOKUP_USER,
    LOOKUP_GROUP,
    LOOKUP_INITGROUPS,
    LOOKUP_NETGROUP,
    LOOKUP_SERVICE,
};

struct nss;
struct request;

struct lookup_query {
    enum lookup_kind kind;
    const char *name;      /* as it was sent, in the request's body; NULL: by id */
    uint32_t id;
    uint32_t flags;        /* of body.h */
    const char *protocol;  /* of a service; "": any */
    size_t first;          /* the domain to begin with */
    bool enumerates;       /* all entries of the first domain that allows it and has some */

    /* Within a view of the domain's cache: writes the reply with the entry of that key ("": by id). Returns 1, 0 if there is no such entry,
     * or a negative errno. May be called more than once; what it wrote before is gone then. */
    int (*answer)(struct request *request, const struct lookup_query *query, struct domain *domain, const char *key);
    /* The reply's status then: 0, or a negative errno where what was asked of an entry is what no entry of ours has. */
    int found_r;
    /* Instead of "not found"; NULL: that. Is to do what a command does. */
    int (*otherwise)(struct request *request, const struct lookup_query *query);
};

/* As domain_begin(); the memory cache forgets what has changed in the domain since it was last
 * looked at. */
int lookup_begin(struct nss *nss, struct domain *domain);

/* Answers the request, now or later. Returns 0, or a negative errno that becomes its status. */
int lookup_start(struct request *request, const struct lookup_query *query);

#endif
