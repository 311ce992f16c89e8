/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services: getservbyname, getservbyport and their entries. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "nss/body.h"
#include "nss/domains.h"
#include "nss/lookup.h"
#include "nss/services.h"
#include "responder/responder.h"
#include "wire/packet.h"

void services_put(struct packet_writer *out, const struct domain *domain, const struct cache_service *service)
{
    const char *alias = service->aliases;
    char room[CACHE_NAME_BYTES_MAX + 1];
    uint32_t i;

    packet_put_u32(out, htons(service->port));
    packet_put_u32(out, service->n_aliases);
    packet_put_text(out, domain_plain_name(domain, service->name, room));
    packet_put_text(out, domain_plain_name(domain, service->protocol, room));
    for (i = 0; i < service->n_aliases; i++, alias += strlen(alias) + 1)
        packet_put_text(out, domain_plain_name(domain, alias, room));
}

static int answer(struct request *request, const struct lookup_query *query, struct domain *domain, const char *key)
{
    char protocol[CACHE_NAME_BYTES_MAX + 1] = "";
    struct cache_service service;
    int r;

    if (*query->protocol != '\0' && cache_key(query->protocol, domain->ignore_case, protocol) < 0)
        return 0; /* no service can have that */
    r = query->name ? cache_service_by_name(domain->cache, key, protocol, &service)
                    : cache_service_by_port(domain->cache, (uint16_t) query->id, protocol, &service);
    if (r <= 0)
        return r;
    if (*query->protocol != '\0')
        service.protocol = query->protocol; /* as it was asked for, as SSSD does */
    body_put_count(request_out(request), 1);
    services_put(request_out(request), domain, &service);
    return 1;
}

int on_service_by_name(struct request *request)
{
    struct lookup_query query = { .kind = LOOKUP_SERVICE, .answer = answer };
    struct packet_reader *in = request_in(request);

    if (packet_get_text(in, &query.name) < 0 || packet_get_text(in, &query.protocol) < 0 || *query.name == '\0')
        return -EINVAL;
    return lookup_start(request, &query);
}

int on_service_by_port(struct request *request)
{
    struct lookup_query query = { .kind = LOOKUP_SERVICE, .answer = answer };
    struct packet_reader *in = request_in(request);
    const uint8_t *reserved;
    uint16_t port;

    if (packet_get_u16(in, &port) < 0 || packet_get_bytes(in, 6, &reserved) < 0 || packet_get_text(in, &query.protocol) < 0)
        return -EINVAL;
    query.id = ntohs(port);
    return lookup_start(request, &query);
}
