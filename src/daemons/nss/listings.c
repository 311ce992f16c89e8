/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "nss/listings.h"
#include "responder/responder.h"
#include "util/log.h"
#include "wire/packet.h"

#define BYTES_MIN 16384 /* less is not worth it */
#define KEPT_USEC (5 * 1000000ULL)

struct listing {
    uint64_t generation;
    struct shared_reply *reply;
    struct shared_reply *before; /* of another generation, which somebody is still being sent */
};

struct listings {
    sd_event_source *timer; /* since the last question */
    size_t n;
    struct listing all[]; /* LISTING_KINDS for each domain */
};

/* What somebody is being sent is not forgotten: else there would be another one for each slow
 * reader. */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct listings *listings = userdata;
    bool is_read = false;
    int r = 0;

    (void) usec;
    for (size_t i = 0; i < listings->n; i++) {
        struct listing *listing = &listings->all[i];

        if (listing->before && !shared_reply_is_read(listing->before))
            listing->before = shared_reply_unref(listing->before);
        if (listing->reply && !shared_reply_is_read(listing->reply))
            listing->reply = shared_reply_unref(listing->reply);
        is_read = is_read || listing->reply || listing->before;
    }
    if (is_read)
        r = sd_event_source_set_time_relative(source, KEPT_USEC);
    if (is_read && r >= 0)
        r = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    if (r < 0)
        log_warning_errno(r, "cannot forget listings in time: %m");
    return 0;
}

int listings_new(sd_event *event, size_t n_domains, struct listings **ret)
{
    const size_t n = n_domains * LISTING_KINDS;
    struct listings *listings = calloc(1, sizeof(*listings) + n * sizeof(listings->all[0]));
    int r;

    if (!listings)
        return -ENOMEM;
    listings->n = n;
    r = sd_event_add_time_relative(event, &listings->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
                                   listings);
    if (r >= 0)
        r = sd_event_source_set_enabled(listings->timer, SD_EVENT_OFF);
    if (r < 0) {
        listings_free(listings);
        return r;
    }
    *ret = listings;
    return 0;
}

struct listings *listings_free(struct listings *listings)
{
    if (!listings)
        return NULL;
    for (size_t i = 0; i < listings->n; i++) {
        shared_reply_unref(listings->all[i].reply);
        shared_reply_unref(listings->all[i].before);
    }
    sd_event_source_disable_unref(listings->timer);
    free(listings);
    return NULL;
}

static int begin_to_forget(struct listings *listings)
{
    int r;

    r = sd_event_source_set_time_relative(listings->timer, KEPT_USEC);
    return r < 0 ? r : sd_event_source_set_enabled(listings->timer, SD_EVENT_ONESHOT);
}

bool listings_has(const struct listings *listings, size_t domain, enum listing_kind kind,
                  uint64_t generation)
{
    const struct listing *listing = &listings->all[domain * LISTING_KINDS + kind];

    return listing->reply && listing->generation == generation;
}

bool listings_use(struct listings *listings, struct request *request, size_t domain,
                  enum listing_kind kind, uint64_t generation)
{
    const struct listing *listing = &listings->all[domain * LISTING_KINDS + kind];

    if (!listings_has(listings, domain, kind, generation) || begin_to_forget(listings) < 0)
        return false;
    request_use_shared(request, listing->reply);
    return true;
}

void listings_keep(struct listings *listings, struct request *request, size_t domain,
                   enum listing_kind kind, uint64_t generation)
{
    struct listing *listing = &listings->all[domain * LISTING_KINDS + kind];
    struct shared_reply *reply;

    /* As any reply, if it can't be kept. */
    if (request_out(request)->used < BYTES_MIN || begin_to_forget(listings) < 0 ||
        request_share(request, &reply) < 0)
        return;

    /* Who reads slowly has time until the second change. */
    if (listing->before)
        request_drop_readers(request, listing->before);
    shared_reply_unref(listing->before);
    listing->before = listing->reply;
    listing->reply = reply;
    listing->generation = generation;
}
