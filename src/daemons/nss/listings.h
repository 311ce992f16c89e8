/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listings: replies with all entries of a domain, made once for all who ask for them at about the
 * same time. */

#ifndef NSS_LISTINGS_H
#define NSS_LISTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct listings;
struct request;

enum listing_kind {
    LISTING_USERS,
    LISTING_GROUPS,
    LISTING_SERVICES,
    LISTING_KINDS
};

int listings_new(sd_event *event, size_t n_domains, struct listings **ret);
struct listings *listings_free(struct listings *listings);

bool listings_has(const struct listings *listings, size_t domain, enum listing_kind kind,
                  uint64_t generation);
/* Is there one of that generation of the domain? Then it is the request's reply. */
bool listings_use(struct listings *listings, struct request *request, size_t domain,
                  enum listing_kind kind, uint64_t generation);
/* Keeps what the request's writer has, if it is large, until nobody has asked for a while. */
void listings_keep(struct listings *listings, struct request *request, size_t domain,
                   enum listing_kind kind, uint64_t generation);

#endif
