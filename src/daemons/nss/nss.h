/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NSS: what the parts of sssd_nss share. */

#ifndef NSS_NSS_H
#define NSS_NSS_H

#include <systemd/sd-event.h>

struct config;
struct domains;
struct listings;
struct memcache;
struct negative;
struct shells;

struct nss {
    sd_event *event;
    struct domains *domains;
    struct negative *negative;
    struct memcache *memcache;
    struct shells *shells;
    struct listings *listings;
    sd_event_source *changes; /* of the caches */
    sd_event_source *settle;
};

/* Where things are; the texts must live on. */
struct nss_paths {
    const char *cache_dir;
    const char *memcache_dir;
    const char *memcache_lock;
    const char *bus_prefix; /* of the backends' buses, before the domain's name */
    const char *shells_file;
};

/* Takes the memory cache, also when it fails. */
int nss_new(sd_event *event, const struct config *config, const struct nss_paths *paths,
            struct memcache *memcache, struct nss **ret);
struct nss *nss_free(struct nss *nss);

#endif
