/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Request: its way from the client's bytes to its handler, and what handlers do with it. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "responder/connection.h"
#include "util/log.h"
#include "wire/commands.h"

#define KEPT_REPLY_BYTES_MAX 65536 /* a larger buffer is not kept for the next reply */

struct client *request_client(const struct request *request)
{
    return (struct client *) ((uintptr_t) request - offsetof(struct client, request));
}

/* ---- the handshake ---- */

/* A version that we don't have is answered with the one that we like best: the client decides. */
static int on_get_version(struct request *request)
{
    const uint32_t *versions = request_client(request)->responder->spec->versions;
    uint32_t wanted, version = versions[0];

    if (packet_get_u32(&request->in, &wanted) == 0 && packet_get_end(&request->in) == 0) {
        for (size_t i = 0; versions[i]; i++) {
            if (versions[i] == wanted)
                version = wanted;
        }
    }
    packet_put_u32(&request->out, version);
    request_reply(request, 0);
    return 0;
}

static const struct command get_version = { CMD_GET_VERSION, "get-version", 0, on_get_version };

const struct command *request_find_command(const struct responder_spec *spec, uint32_t number)
{
    if (number == CMD_GET_VERSION)
        return &get_version;
    for (size_t i = 0; i < spec->n_commands; i++) {
        if (spec->commands[i].number == number)
            return &spec->commands[i];
    }
    return NULL;
}

/* ---- its way ---- */

void request_begin(struct client *client)
{
    struct request *request = &client->request;

    request->number = ++client->responder->last_request_number;
    request->log_name[0] = '\0';
    client->responder->n_in_work++;
    client_touch(client);
}

static bool is_malformed(int r)
{
    return r == -EBADMSG || r == -EINVAL;
}

/* Makes the reply ready to be sent. */
static void request_finish(struct request *request, int r)
{
    struct client *client = request_client(request);

    if (r < 0)
        log_debug_errno(r, "%s: %m", request_log_name(request));
    if (r == 0 && !request->shared)
        r = packet_finish(&request->out, 0);
    if (r < 0) {
        request->shared = shared_reply_unref(request->shared);
        if (is_malformed(r) && (request->command->flags & CMD_CLOSES_ON_ERROR))
            client->is_broken = true;
        packet_writer_start(&request->out, request->command->number);
        if (packet_finish(&request->out, is_malformed(r) ? EINVAL : (uint32_t) -r) < 0)
            client->is_broken = true; /* no memory for sixteen bytes */
    }
    request->on_cancel = NULL;
    client->state = CLIENT_REPLYING;
    client->sent = 0;
    charge_request(client, false);
}

/* Whoever has nothing to say has no buffer: most replies are written into the same one. */
static void take_spare(struct client *client)
{
    if (client->request.out.bytes)
        return;
    client->request.out = client->responder->spare;
    client->responder->spare = (struct packet_writer) { 0 };
}

static void give_spare_back(struct client *client)
{
    struct packet_writer *out = &client->request.out, *spare = &client->responder->spare;

    if (spare->bytes || out->room > KEPT_REPLY_BYTES_MAX) {
        packet_writer_done(out);
        return;
    }
    *spare = *out;
    *out = (struct packet_writer) { 0 };
}

static int call_handler(struct client *client)
{
    struct request *request = &client->request;
    int r;

    client->is_dispatching = true;
    if ((request->command->flags & CMD_ROOT_ONLY) && client->user->uid != 0)
        r = -EACCES;
    else
        r = request->command->on_request(request);
    client->is_dispatching = false;
    return r;
}

int request_dispatch(struct client *client)
{
    struct request *request = &client->request;
    const uint8_t *bytes = client->large ? client->large : client->bytes;
    int r;

    if (!charge_allows_request(client))
        return charge_wait(client);
    charge_end_wait(client);

    packet_reader_init(&request->in, bytes + PACKET_HEADER_BYTES,
                       client->wanted - PACKET_HEADER_BYTES);
    take_spare(client);
    packet_writer_start(&request->out, request->command->number);
    client->state = CLIENT_IN_WORK;
    r = call_handler(client);
    assert(r == 0 || client->state == CLIENT_IN_WORK); /* answered, or failed, but not both */
    if (r < 0)
        request_finish(request, r);
    if (client->state == CLIENT_REPLYING)
        return client_send_reply(client);

    charge_request(client, true);
    charge_bytes(client);
    return 0;
}

void request_end(struct client *client)
{
    client->request.shared = shared_reply_unref(client->request.shared);
    give_spare_back(client);
    client->used -= client->wanted;
    client->has_more = client->used > 0;
    if (client->has_more) /* never behind a large one */
        memmove(client->bytes, client->bytes + client->wanted, client->used);
    free(client->large);
    client->large = NULL;
    client->is_served = client->is_served || client->request.command != &get_version;
    client->request.command = NULL;
    client->state = CLIENT_READING;
    client->wanted = PACKET_HEADER_BYTES;
    client->responder->n_in_work--;
    client_touch(client);
}

void request_give_up(struct client *client)
{
    struct request *request = &client->request;

    if (request->on_cancel)
        request->on_cancel(request->cancel_data);
    charge_end_wait(client);
    request_finish(request, -EPIPE);
    /* Whom it does not reach sees the connection closed. */
    (void) send(client->fd, request->out.bytes, request->out.used, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- what handlers see ---- */

void request_reply(struct request *request, int r)
{
    struct client *client = request_client(request);

    assert(client->state == CLIENT_IN_WORK);
    assert(r <= 0);

    request_finish(request, r);
    if (client->is_dispatching)
        return; /* sent when the handler has returned */

    r = client_send_reply(client);
    if (r >= 0)
        r = client_wait_for_next(client);
    if (r < 0)
        client_drop(client, r);
}

struct packet_reader *request_in(struct request *request)
{
    return &request->in;
}

/* What is written now is the reply. */
struct packet_writer *request_out(struct request *request)
{
    request->shared = shared_reply_unref(request->shared);
    return &request->out;
}

void *request_state(const struct request *request)
{
    return request_client(request)->responder->state;
}

uid_t request_uid(const struct request *request)
{
    return request_client(request)->user->uid;
}

unsigned request_listener(const struct request *request)
{
    const struct listen_spec *listen = request_client(request)->listen;

    return listen ? listen->id : 0;
}

const char *request_log_name(struct request *request)
{
    if (!request->log_name[0])
        /* A long one is cut. */
        (void) snprintf(request->log_name, sizeof(request->log_name), "[%x] uid=%u %s",
                        request->number, (unsigned) request_uid(request),
                        request->command->log_name);
    return request->log_name;
}

void request_on_cancel(struct request *request, void (*on_cancel)(void *userdata), void *userdata)
{
    request->on_cancel = on_cancel;
    request->cancel_data = userdata;
}

void **request_client_data(struct request *request, void (*free_data)(void *data))
{
    struct client *client = request_client(request);

    client->free_data = free_data;
    return &client->data;
}

void request_set_enumerating(struct request *request, bool enumerating)
{
    request_client(request)->is_enumerating = enumerating;
}
