/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets: the bytes of the client protocol, read within their bounds and written into one growing buffer. */

#ifndef WIRE_PACKET_H
#define WIRE_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define PACKET_HEADER_BYTES 16

struct packet_header {
    uint32_t bytes; /* the header included */
    uint32_t command;
    uint32_t status;
    uint32_t reserved;
};

/* -EBADMSG if the announced length is below the header's own. */
int packet_header_read(const uint8_t bytes[PACKET_HEADER_BYTES], struct packet_header *ret);

/* Reads a body front to back. It owns nothing: texts point into the body. */
struct packet_reader {
    const uint8_t *next;
    size_t left;
};

void packet_reader_init(struct packet_reader *in, const void *body, size_t bytes);

/* Each returns 0, or -EBADMSG where the body has less than that, and then leaves *ret alone. */
int packet_get_u16(struct packet_reader *in, uint16_t *ret);
int packet_get_u32(struct packet_reader *in, uint32_t *ret);
/* A run of bytes up to and with its zero. */
int packet_get_text(struct packet_reader *in, const char **ret);
int packet_get_bytes(struct packet_reader *in, size_t n, const uint8_t **ret);
/* 0 if nothing is left, else -EBADMSG. */
int packet_get_end(const struct packet_reader *in);

/* Writes a whole packet. Keeps its first failure (memory, 4 GiB) for packet_finish; what follows a failure is
 * dropped. */
struct packet_writer {
    uint8_t *bytes;
    size_t used;
    size_t room;
    int failed; /* 0 or a negative errno */
};

/* Starts over: a header for command and nothing behind it. The buffer's memory is kept for the next packet. */
void packet_writer_start(struct packet_writer *out, uint32_t command);
void packet_writer_done(struct packet_writer *out);

void packet_put_u32(struct packet_writer *out, uint32_t value);
void packet_put_text(struct packet_writer *out, const char *text); /* with its zero */
void packet_put_bytes(struct packet_writer *out, const void *bytes, size_t n);
/* Reserves a u32 that is known later, and sets it. */
size_t packet_reserve_u32(struct packet_writer *out);
void packet_set_u32(struct packet_writer *out, size_t at, uint32_t value);

/* Ends it with a status: with one other than 0 the body is dropped. Returns 0, or the first failure as a negative
 * errno. */
int packet_finish(struct packet_writer *out, uint32_t status);

#endif
