/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connection: reads requests whole, one at a time, and sends replies whole. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "responder/connection.h"

/* What a reply takes in the kernel besides its bytes, at most, as long as it is small. */
#define KERNELS_BYTES 768

/* ---- sending ---- */

int client_send_reply(struct client *client)
{
    const struct request *request = &client->request;
    const struct packet_writer *out = request->shared ? &request->shared->out : &request->out;

    if (client->is_broken)
        return -EPROTO;

    while (client->sent < out->used) {
        ssize_t n = send(client->fd, out->bytes + client->sent, out->used - client->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return -errno;
        if (n < 0) {
            charge_unsent(client);
            return 0;
        }
        client->sent += (size_t) n;
        client->unread += (size_t) n + KERNELS_BYTES;
        if (client->sent < out->used)
            client_touch(client); /* slow, but it reads */
    }
    request_end(client);
    charge_bytes(client);
    return 1;
}

/* ---- reading ---- */

/* Returns 0 when the header is good and the rest may come. A failure closes the connection; its
 * client asks once more if some of the bytes are unread. */
static int take_header(struct client *client)
{
    const struct command *command;
    struct packet_header header;
    int r;

    r = packet_header_read(client->bytes, &header);
    if (r < 0)
        return r;
    command = request_find_command(client->responder->spec, header.command);
    if (!command)
        return -EPROTO;
    if (header.bytes > (command->flags & CMD_LARGE ? LARGE_REQUEST_BYTES_MAX : REQUEST_BYTES_MAX))
        return -EMSGSIZE;

    if (header.bytes > REQUEST_BYTES_MAX) {
        if (!charge_allows_request(client))
            return -EDQUOT;
        client->large = malloc(header.bytes);
        if (!client->large)
            return -ENOMEM;
        memcpy(client->large, client->bytes, client->used);
        charge_bytes(client);
    }
    client->request.command = command;
    client->wanted = header.bytes;
    return 0;
}

/* One call is enough for most requests: it takes header and body. Clients wait for their reply
 * before they send more; what another one has sent behind its request is kept. Returns 1 when the
 * request is here, whole. */
static int read_request(struct client *client)
{
    int r;

    client->has_more = false;
    for (;;) {
        uint8_t *bytes = client->large ? client->large : client->bytes;
        size_t room = client->large ? client->wanted : sizeof(client->bytes);
        ssize_t n;

        if (client->used >= client->wanted && client->request.command)
            return 1;
        if (client->used >= client->wanted) {
            r = take_header(client);
            if (r < 0)
                return r;
            continue;
        }

        n = recv(client->fd, bytes + client->used, room - client->used, MSG_DONTWAIT);
        if (n == 0)
            return -ECONNRESET;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;

        if (client->used == 0)
            client_touch(client); /* but not with each byte: a request has to be there in time */
        client->used += (size_t) n;
    }
}

int client_advance(struct client *client)
{
    int r;

    if (client->state == CLIENT_IN_WORK)
        return 0;
    if (client->state == CLIENT_REPLYING)
        return client_send_reply(client);
    if (client->state == CLIENT_READING) {
        r = read_request(client);
        if (r <= 0)
            return r;
        request_begin(client);
    }
    return request_dispatch(client);
}

/* ---- waiting ---- */

/* While its request is in work or waits for a share, only for its end. Changes nothing in the
 * kernel as long as requests come one by one and are answered at once, and replies fit into the
 * socket. */
int client_wait_for_next(struct client *client)
{
    static const uint32_t events[] = {
        [CLIENT_READING] = EPOLLIN,
        [CLIENT_WAITING] = 0, /* and EPOLLHUP, which always is */
        [CLIENT_IN_WORK] = 0,
        [CLIENT_REPLYING] = EPOLLOUT,
    };
    uint32_t next = events[client->state];
    int r;

    if ((client->state == CLIENT_READING && client->has_more) ||
        (client->state == CLIENT_WAITING && client->is_called))
        next |= EPOLLOUT; /* at once, but not before the others have had their turn */
    if (client->events == next)
        return 0;
    r = ready_change(&client->responder->ready, client->fd, next, client);
    if (r < 0)
        return r;
    client->events = next;
    return 0;
}

int client_go_on(struct client *client, uint32_t revents)
{
    int r, done;

    r = done = revents & (EPOLLHUP | EPOLLERR) ? -ECONNRESET : client_advance(client);
    if (r >= 0)
        r = client_wait_for_next(client);
    if (r >= 0)
        return done;
    client_drop(client, r);
    return r;
}
