/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hosts and networks: no source of ours has any, and clients are told so. */

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "nss/body.h"
#include "nss/hosts.h"
#include "responder/responder.h"
#include "wire/packet.h"

static int by_address(struct request *request, bool may_be_ipv6)
{
    struct packet_reader *in = request_in(request);
    const uint8_t *address;
    uint32_t family, bytes;

    if (packet_get_u32(in, &family) < 0 || packet_get_u32(in, &bytes) < 0 || packet_get_bytes(in, bytes, &address) < 0)
        return -EINVAL;
    if (!(family == AF_INET && bytes == 4) && !(family == AF_INET6 && bytes == 16 && may_be_ipv6))
        return -EINVAL;
    return body_reply_nothing(request);
}

int on_host_by_name(struct request *request)
{
    const char *name;
    int r;

    r = body_get_name(request, &name, NULL);
    return r < 0 ? r : body_reply_nothing(request);
}

int on_host_by_address(struct request *request)
{
    return by_address(request, true);
}

int on_network_by_address(struct request *request)
{
    return by_address(request, false);
}

int on_hosts_start(struct request *request)
{
    return body_reply_empty(request);
}

int on_hosts_next(struct request *request)
{
    return body_reply_nothing(request);
}
