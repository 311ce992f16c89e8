/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NSS: the state of the responder, and its eye on the caches. */

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "config/config.h"
#include "nss/domains.h"
#include "nss/listings.h"
#include "nss/lookup.h"
#include "nss/memcache.h"
#include "nss/negative.h"
#include "nss/nss.h"
#include "nss/overrides.h"
#include "util/log.h"

/* A backend writes a cache in many pieces, of which the last one counts. */
#define SETTLE_USEC (50 * 1000ULL)

/* A cache that cannot be read is told of when somebody asks for what is in it. */
static void read_states(struct domains *domains)
{
    size_t i;

    for (i = 0; i < domains->n; i++)
        if (domain_begin(domains, &domains->all[i]) > 0)
            domain_end(&domains->all[i]);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct nss *nss = userdata;
    size_t i;

    (void) source;
    (void) usec;
    for (i = 0; i < nss->domains->n; i++)
        if (lookup_begin(nss, &nss->domains->all[i]) > 0)
            domain_end(&nss->domains->all[i]);
    return 0;
}

/* Clients that find an entry in the memory cache ask nobody whether it is still so: it has to go when the directory has
 * changed, and not only when somebody asks for another. */
static int on_change(sd_event_source *source, const struct inotify_event *change, void *userdata)
{
    struct nss *nss = userdata;
    int enabled = SD_EVENT_OFF, r;

    (void) source;
    if (change->mask & ~(uint32_t) IN_MODIFY)
        domains_check_again(nss->domains);
    (void) sd_event_source_get_enabled(nss->settle, &enabled); /* cannot fail for a source of ours */
    if (enabled != SD_EVENT_OFF)
        return 0;
    r = sd_event_source_set_time_relative(nss->settle, SETTLE_USEC);
    if (r >= 0)
        r = sd_event_source_set_enabled(nss->settle, SD_EVENT_ONESHOT);
    if (r < 0)
        log_warning_errno(r, "cannot look for what has changed in the caches: %m");
    return 0;
}

static int watch_caches(struct nss *nss, const char *dir)
{
    int r;

    r = sd_event_add_time_relative(nss->event, &nss->settle, CLOCK_MONOTONIC, 0, 1, on_settled, nss);
    if (r >= 0)
        r = sd_event_source_set_enabled(nss->settle, SD_EVENT_OFF);
    if (r < 0)
        return r;
    r = sd_event_add_inotify(nss->event, &nss->changes, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE, on_change, nss);
    if (r >= 0) /* what is asked after a change is answered after it */
        r = sd_event_source_set_priority(nss->changes, SD_EVENT_PRIORITY_IMPORTANT);
    if (r < 0)
        log_warning_errno(r, "cannot watch %s: %m; the memory cache learns of changes only from look-ups", dir);
    return 0;
}

int nss_new(sd_event *event, const struct config *config, const struct nss_paths *paths,
            struct memcache *memcache, struct nss **ret)
{
    struct nss *nss;
    int r;

    nss = calloc(1, sizeof(*nss));
    if (!nss) {
        memcache_free(memcache);
        return -ENOMEM;
    }
    nss->memcache = memcache;
    nss->event = sd_event_ref(event);

    r = domains_new(event, config, paths->cache_dir, paths->bus_prefix, geteuid(), &nss->domains);
    if (r >= 0)
        r = negative_new(config_usec(config, "nss", "entry_negative_timeout"), &nss->negative);
    if (r >= 0)
        r = shells_new(config, paths->shells_file, &nss->shells);
    if (r >= 0)
        r = listings_new(event, nss->domains->n, &nss->listings);
    if (r >= 0)
        r = watch_caches(nss, paths->cache_dir);
    if (r >= 0) {
        read_states(nss->domains);
        memcache_set_mark(nss->memcache, domains_mark(nss->domains));
    }
    if (r < 0) {
        nss_free(nss);
        return r;
    }
    *ret = nss;
    return 0;
}

struct nss *nss_free(struct nss *nss)
{
    if (!nss)
        return NULL;
    sd_event_source_disable_unref(nss->changes);
    sd_event_source_disable_unref(nss->settle);
    domains_free(nss->domains);
    negative_free(nss->negative);
    memcache_free(nss->memcache);
    shells_free(nss->shells);
    listings_free(nss->listings);
    sd_event_unref(nss->event);
    free(nss);
    return NULL;
}
