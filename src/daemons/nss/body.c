/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Body: what the bodies of many requests and replies have in common. */

#include <errno.h>

#include "nss/body.h"
#include "responder/responder.h"
#include "wire/packet.h"

static int get_flags(struct packet_reader *in, uint32_t *ret)
{
    uint32_t flags;

    if (packet_get_u32(in, &flags) < 0 || packet_get_end(in) < 0)
        return -EINVAL;
    if ((flags & BODY_ASK) && (flags & BODY_INVALIDATE))
        return -EINVAL;
    *ret = flags;
    return 0;
}

int body_get_name(struct request *request, const char **ret_name, uint32_t *ret_flags)
{
    struct packet_reader *in = request_in(request);
    const char *name;

    if (packet_get_text(in, &name) < 0 || *name == '\0')
        return -EINVAL;
    if (ret_flags && get_flags(in, ret_flags) < 0)
        return -EINVAL;
    /* what follows the name is ignored as long as it ends with a zero */
    if (in->left > 0 && in->next[in->left - 1] != '\0')
        return -EINVAL;
    *ret_name = name;
    return 0;
}

int body_get_id(struct request *request, uint32_t *ret_id, uint32_t *ret_flags)
{
    struct packet_reader *in = request_in(request);
    uint32_t id;

    if (packet_get_u32(in, &id) < 0)
        return -EINVAL;
    if ((ret_flags ? get_flags(in, ret_flags) : packet_get_end(in)) < 0)
        return -EINVAL;
    *ret_id = id;
    return 0;
}

void body_put_count(struct packet_writer *out, uint32_t n)
{
    packet_put_u32(out, n);
    packet_put_u32(out, 0); /* reserved */
}

void body_put_nothing(struct packet_writer *out)
{
    if (out->used > PACKET_HEADER_BYTES)
        out->used = PACKET_HEADER_BYTES;
    body_put_count(out, 0);
}

int body_reply_nothing(struct request *request)
{
    body_put_nothing(request_out(request));
    request_reply(request, 0);
    return 0;
}

int body_reply_empty(struct request *request)
{
    request_reply(request, 0);
    return 0;
}
