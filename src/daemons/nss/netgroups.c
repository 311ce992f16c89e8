/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Netgroups: setnetgrent, which brings all of one. */

#include <string.h>

#include "nss/body.h"
#include "nss/domains.h"
#include "nss/lookup.h"
#include "nss/netgroups.h"
#include "responder/responder.h"
#include "wire/packet.h"

#define ENTRY_TRIPLE 1
#define ENTRY_NETGROUP 2

/* The texts lie as they are sent: one behind the other, each with its zero. */
static void put_texts(struct packet_writer *out, const char **texts, size_t n)
{
    for (; n > 0; n--) {
        packet_put_text(out, *texts);
        *texts += strlen(*texts) + 1;
    }
}

static int answer(struct request *request, const struct lookup_query *query, struct domain *domain, const char *key)
{
    struct packet_writer *out = request_out(request);
    struct cache_netgroup netgroup;
    const char *at;
    uint32_t i;
    int r;

    (void) query;
    r = cache_netgroup_by_name(domain->cache, key, &netgroup);
    if (r <= 0)
        return r;

    /* one more than there are: none would mean that there is no such netgroup */
    body_put_count(out, netgroup.n_triples + netgroup.n_netgroups + 1);
    for (i = 0, at = netgroup.triples; i < netgroup.n_triples; i++) {
        packet_put_u32(out, ENTRY_TRIPLE);
        put_texts(out, &at, 3);
    }
    for (i = 0, at = netgroup.netgroups; i < netgroup.n_netgroups; i++) {
        packet_put_u32(out, ENTRY_NETGROUP);
        put_texts(out, &at, 1);
    }
    return 1;
}

int on_netgroup(struct request *request)
{
    struct lookup_query query = { .kind = LOOKUP_NETGROUP, .answer = answer };
    int r;

    r = body_get_name(request, &query.name, NULL);
    return r < 0 ? r : lookup_start(request, &query);
}
