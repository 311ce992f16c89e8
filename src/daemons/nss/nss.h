/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NSS: what the parts of sssd_nss share. */

#ifndef NSS_NSS_H
#define NSS_NSS_H

#include <systemd/sd-event.h>

struct domains;
struct memcache;
struct negative;
struct shells;

struct nss {
    sd_event *event;
    struct domains *domains;
    struct negative *negative;
    struct memcache *memcache;
    struct shells *shells;
};

#endif
