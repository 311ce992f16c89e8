/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/packet.h"

#define ROOM_BYTES_MIN 512 /* most replies */

static uint32_t load_u32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof(value));
    return value;
}

int packet_header_read(const uint8_t bytes[PACKET_HEADER_BYTES], struct packet_header *ret)
{
    const struct packet_header header = {
        .bytes = load_u32(bytes),
        .command = load_u32(bytes + 4),
        .status = load_u32(bytes + 8),
        .reserved = load_u32(bytes + 12),
    };

    if (header.bytes < PACKET_HEADER_BYTES)
        return -EBADMSG;
    *ret = header;
    return 0;
}

/* ---- reading ---- */

void packet_reader_init(struct packet_reader *in, const void *body, size_t bytes)
{
    in->next = body;
    in->left = bytes;
}

static int take(struct packet_reader *in, size_t n, const uint8_t **ret)
{
    if (n > in->left)
        return -EBADMSG;
    *ret = in->next;
    in->next += n;
    in->left -= n;
    return 0;
}

int packet_get_u16(struct packet_reader *in, uint16_t *ret)
{
    const uint8_t *bytes;
    int r;

    r = take(in, sizeof(*ret), &bytes);
    if (r < 0)
        return r;
    memcpy(ret, bytes, sizeof(*ret));
    return 0;
}

int packet_get_u32(struct packet_reader *in, uint32_t *ret)
{
    const uint8_t *bytes;
    int r;

    r = take(in, sizeof(*ret), &bytes);
    if (r < 0)
        return r;
    *ret = load_u32(bytes);
    return 0;
}

int packet_get_text(struct packet_reader *in, const char **ret)
{
    const uint8_t *bytes, *zero = in->left > 0 ? memchr(in->next, 0, in->left) : NULL;
    int r;

    if (!zero)
        return -EBADMSG;
    r = take(in, (size_t) (zero - in->next) + 1, &bytes);
    if (r < 0)
        return r;
    *ret = (const char *) bytes;
    return 0;
}

int packet_get_bytes(struct packet_reader *in, size_t n, const uint8_t **ret)
{
    return take(in, n, ret);
}

int packet_get_end(const struct packet_reader *in)
{
    return in->left == 0 ? 0 : -EBADMSG;
}

/* ---- writing ---- */

/* Room for n more bytes, or NULL and a failure that is kept. */
static uint8_t *reserve(struct packet_writer *out, size_t n)
{
    size_t wanted, room = out->room < ROOM_BYTES_MIN ? ROOM_BYTES_MIN : out->room;
    uint8_t *bytes;

    if (out->failed < 0)
        return NULL;
    if (n > UINT32_MAX - out->used) { /* the header could not say its length */
        out->failed = -EMSGSIZE;
        return NULL;
    }

    wanted = out->used + n;
    if (wanted > out->room) {
        while (room < wanted)
            room *= 2;
        bytes = realloc(out->bytes, room);
        if (!bytes) {
            out->failed = -ENOMEM;
            return NULL;
        }
        out->bytes = bytes;
        out->room = room;
    }

    bytes = out->bytes + out->used;
    out->used = wanted;
    return bytes;
}

static void store_u32(uint8_t *bytes, uint32_t value)
{
    memcpy(bytes, &value, sizeof(value));
}

void packet_writer_start(struct packet_writer *out, uint32_t command)
{
    uint8_t *header;

    out->used = 0;
    out->failed = 0;
    header = reserve(out, PACKET_HEADER_BYTES);
    if (!header)
        return;
    memset(header, 0, PACKET_HEADER_BYTES);
    store_u32(header + 4, command);
}

void packet_writer_done(struct packet_writer *out)
{
    free(out->bytes);
    *out = (struct packet_writer) { 0 };
}

void packet_put_u32(struct packet_writer *out, uint32_t value)
{
    packet_put_bytes(out, &value, sizeof(value));
}

void packet_put_text(struct packet_writer *out, const char *text)
{
    packet_put_bytes(out, text, strlen(text) + 1);
}

void packet_put_bytes(struct packet_writer *out, const void *bytes, size_t n)
{
    uint8_t *to = n > 0 ? reserve(out, n) : NULL;

    if (to)
        memcpy(to, bytes, n);
}

size_t packet_reserve_u32(struct packet_writer *out)
{
    size_t at = out->used;

    packet_put_u32(out, 0);
    return at;
}

void packet_set_u32(struct packet_writer *out, size_t at, uint32_t value)
{
    if (out->failed == 0)
        store_u32(out->bytes + at, value);
}

int packet_finish(struct packet_writer *out, uint32_t status)
{
    if (out->failed < 0)
        return out->failed;
    if (status != 0)
        out->used = PACKET_HEADER_BYTES;
    store_u32(out->bytes, (uint32_t) out->used);
    store_u32(out->bytes + 8, status);
    return 0;
}
