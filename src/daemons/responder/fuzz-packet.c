/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: what a client may send, in whatever pieces. An input is a run of pieces, each with its length in one
 * byte before it. The handlers read every kind of field.
 *
 * What comes back must be whole packets, at most one for each whole request. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/replay.h"
#include "responder/private.h"

static struct request *waiting;
static unsigned n_requests;

static void on_cancelled(void *userdata)
{
    (void) userdata;
    waiting = NULL;
}

/* Two of each, as far as they are there; what was read is sent back. */
static int on_fields(struct request *request)
{
    struct packet_reader *in = request_in(request);
    struct packet_writer *out = request_out(request);
    uint32_t number = 0;
    uint16_t port = 0;
    const char *text = "";
    const uint8_t *bytes;
    int r = 0;

    n_requests++;
    for (int i = 0; i < 2 && r == 0; i++) {
        r = packet_get_text(in, &text);
        if (r == 0)
            r = packet_get_u32(in, &number);
        if (r == 0)
            r = packet_get_u16(in, &port);
        if (r == 0)
            r = packet_get_bytes(in, port, &bytes);
        packet_put_text(out, text);
        packet_put_u32(out, number);
        if (r == 0)
            packet_put_bytes(out, bytes, port);
    }
    if (r < 0)
        return r;
    request_reply(request, packet_get_end(in));
    return 0;
}

static int on_wait(struct request *request)
{
    n_requests++;
    waiting = request;
    request_on_cancel(request, on_cancelled, NULL);
    return 0;
}

static const struct command commands[] = {
    { 0x11, "fields", 0, on_fields },
    { 0x12, "strict", CMD_CLOSES_ON_ERROR, on_fields },
    { 0x13, "large", CMD_LARGE, on_fields },
    { 0x14, "root", CMD_ROOT_ONLY, on_fields },
    { 0x15, "wait", 0, on_wait },
};

static const uint32_t versions[] = { 1, 0 };

static const struct responder_spec spec = {
    .name = "fuzz",
    .versions = versions,
    .commands = commands,
    .n_commands = sizeof(commands) / sizeof(commands[0]),
};

static struct responder responder = { .spec = &spec, .client_idle_usec = UINT32_MAX };

/* What has been received of a reply; its bytes don't matter, its length does. */
static struct {
    uint8_t header[PACKET_HEADER_BYTES];
    size_t used;
    size_t left; /* of its body */
} reply;

static void check_replies(int fd)
{
    static uint8_t bytes[65536];
    struct packet_header header;
    ssize_t n;

    while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (reply.left > 0) {
                reply.left--;
                continue;
            }
            reply.header[reply.used++] = bytes[i];
            if (reply.used < sizeof(reply.header))
                continue;
            if (packet_header_read(reply.header, &header) < 0)
                abort();
            reply.used = 0;
            reply.left = header.bytes - PACKET_HEADER_BYTES;
        }
    }
}

/* Returns false when the connection has ended. */
static bool serve(int fd)
{
    while (sd_event_run(responder.event, 0) > 0)
        check_replies(fd);
    if (waiting) {
        struct request *request = waiting;

        waiting = NULL;
        request_reply(request, n_requests % 2 ? 0 : -EAGAIN);
    }
    check_replies(fd);
    return responder.clients;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void) argc;
    (void) argv;
    return sd_event_new(&responder.event) < 0 || clients_init(&responder, 100) < 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    int fds[2];
    bool is_open = true;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 || client_new(&responder, fds[1], 1000, NULL) < 0)
        abort();
    memset(&reply, 0, sizeof(reply));

    while (bytes > 1 && is_open) {
        size_t piece = data[0] < bytes - 1 ? data[0] : bytes - 1;

        data++;
        bytes--;
        if (piece > 0 && send(fds[0], data, piece, MSG_NOSIGNAL) != (ssize_t) piece)
            abort();
        data += piece;
        bytes -= piece;
        is_open = serve(fds[0]);
    }
    /* A piece may have held several requests. */
    while (is_open && responder.n_in_work > 0)
        is_open = serve(fds[0]);
    if (is_open && (reply.used > 0 || reply.left > 0))
        abort(); /* half a reply */

    (void) close(fds[0]); /* the client goes */
    while (responder.clients && sd_event_run(responder.event, 0) > 0)
        ;
    if (responder.clients || responder.n_in_work || responder.quota.first || waiting)
        abort();
    return 0;
}
