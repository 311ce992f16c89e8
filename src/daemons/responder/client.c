/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "responder/private.h"
#include "util/log.h"
#include "wire/commands.h"

#define REQUEST_BYTES_MAX 1536
#define LARGE_REQUEST_BYTES_MAX 10240
#define KEPT_REPLY_BYTES_MAX 65536 /* a larger buffer is not kept for the next reply */
#define HANDSHAKE_UNREAD_USEC (300 * 1000000ULL)

enum client_state {
    CLIENT_READING,  /* a request, or nothing yet */
    CLIENT_IN_WORK,  /* its request is the handler's */
    CLIENT_REPLYING, /* its reply is on its way */
};

struct request {
    struct packet_reader in;
    struct packet_writer out;
    const struct command *command; /* NULL until its header is here */
    uint32_t number;
    char log_name[64]; /* made when it is asked for */
    void (*on_cancel)(void *userdata);
    void *cancel_data;
};

struct client {
    struct responder *responder;
    struct client *next, *previous;
    int fd;
    uid_t uid;
    sd_event_source *source;
    uint32_t events; /* what the source waits for */
    uint64_t last_usec;

    enum client_state state;
    bool is_served;
    bool is_enumerating;
    bool is_dispatching; /* its handler is on the stack */
    bool is_broken;      /* to be closed instead of answered */
    bool has_more;       /* something of its next request came with the last one */

    void *data;
    void (*free_data)(void *data);

    struct request request;
    size_t sent;           /* of the reply */
    size_t used;           /* bytes that were read */
    size_t wanted;         /* bytes of the request: its header's, then all */
    uint8_t *large;        /* where one is read that does not fit below */
    uint8_t bytes[REQUEST_BYTES_MAX];
};

static struct client *request_client(const struct request *request)
{
    return (struct client *) ((uintptr_t) request - offsetof(struct client, request));
}

/* ---- the list ---- */

static void list_append(struct client *client)
{
    struct responder *responder = client->responder;

    client->next = NULL;
    client->previous = responder->last_client;
    if (client->previous)
        client->previous->next = client;
    else
        responder->clients = client;
    responder->last_client = client;
}

static void list_remove(struct client *client)
{
    struct responder *responder = client->responder;

    if (client->previous)
        client->previous->next = client->next;
    else
        responder->clients = client->next;
    if (client->next)
        client->next->previous = client->previous;
    else
        responder->last_client = client->previous;
}

static uint64_t loop_usec(const struct responder *responder)
{
    uint64_t usec = 0;

    (void) sd_event_now(responder->event, CLOCK_MONOTONIC, &usec); /* fails only in a forked child */
    return usec;
}

/* Costs no system call: this happens with each request. */
static void touch(struct client *client)
{
    uint64_t now = loop_usec(client->responder);

    if (client->last_usec == now && !client->next)
        return;
    client->last_usec = now;
    list_remove(client);
    list_append(client);
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

static const struct command *find_command(const struct responder_spec *spec, uint32_t number)
{
    if (number == CMD_GET_VERSION)
        return &get_version;
    for (size_t i = 0; i < spec->n_commands; i++) {
        if (spec->commands[i].number == number)
            return &spec->commands[i];
    }
    return NULL;
}

/* ---- requests ---- */

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
    if (r == 0)
        r = packet_finish(&request->out, 0);
    if (r < 0) {
        if (is_malformed(r) && (request->command->flags & CMD_CLOSES_ON_ERROR))
            client->is_broken = true;
        packet_writer_start(&request->out, request->command->number);
        if (packet_finish(&request->out, is_malformed(r) ? EINVAL : (uint32_t) -r) < 0)
            client->is_broken = true; /* no memory for sixteen bytes */
    }
    request->on_cancel = NULL;
    client->state = CLIENT_REPLYING;
    client->sent = 0;
}

/* The reply is out: the client may ask the next. */
static void request_end(struct client *client)
{
    if (client->request.out.room > KEPT_REPLY_BYTES_MAX)
        packet_writer_done(&client->request.out);
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
    touch(client);
}

static int send_reply(struct client *client)
{
    const struct packet_writer *out = &client->request.out;

    if (client->is_broken)
        return -EPROTO;

    while (client->sent < out->used) {
        ssize_t n = send(client->fd, out->bytes + client->sent, out->used - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        client->sent += (size_t) n;
        if (client->sent < out->used)
            touch(client); /* slow, but it reads */
    }
    request_end(client);
    return 1;
}

static int dispatch(struct client *client)
{
    struct responder *responder = client->responder;
    struct request *request = &client->request;
    const uint8_t *bytes = client->large ? client->large : client->bytes;
    int r;

    packet_reader_init(&request->in, bytes + PACKET_HEADER_BYTES, client->wanted - PACKET_HEADER_BYTES);
    packet_writer_start(&request->out, request->command->number);
    request->number = ++responder->last_request_number;
    request->log_name[0] = '\0';
    client->state = CLIENT_IN_WORK;
    responder->n_in_work++;
    touch(client);

    client->is_dispatching = true;
    if ((request->command->flags & CMD_ROOT_ONLY) && client->uid != 0)
        r = -EACCES;
    else
        r = request->command->on_request(request);
    client->is_dispatching = false;

    assert(r == 0 || client->state == CLIENT_IN_WORK); /* answered, or failed, but not both */
    if (r < 0)
        request_finish(request, r);
    return client->state == CLIENT_REPLYING ? send_reply(client) : 0;
}

/* Waits for what it needs next; while its request is in work only for its end. Changes nothing in the kernel as long as
 * requests come one by one and are answered at once, and replies fit into the socket. */
static int wait_for_next(struct client *client)
{
    static const uint32_t events[] = {
        [CLIENT_READING] = EPOLLIN,
        [CLIENT_IN_WORK] = 0, /* and EPOLLHUP, which always is */
        [CLIENT_REPLYING] = EPOLLOUT,
    };
    uint32_t next = events[client->state];
    int r;

    if (client->state == CLIENT_READING && client->has_more)
        next |= EPOLLOUT; /* at once, but not before the others have had their turn */
    if (client->events == next)
        return 0;
    r = sd_event_source_set_io_events(client->source, next);
    if (r < 0)
        return r;
    client->events = next;
    return 0;
}

static void drop(struct client *client, int r)
{
    log_debug_errno(r, "dropping client of uid %u on fd %d: %m", (unsigned) client->uid, client->fd);
    client_free(client);
}

void request_reply(struct request *request, int r)
{
    struct client *client = request_client(request);

    assert(client->state == CLIENT_IN_WORK);
    assert(r <= 0);

    request_finish(request, r);
    if (client->is_dispatching)
        return; /* sent when the handler has returned */

    r = send_reply(client);
    if (r >= 0)
        r = wait_for_next(client);
    if (r < 0)
        drop(client, r);
}

struct packet_reader *request_in(struct request *request)
{
    return &request->in;
}

struct packet_writer *request_out(struct request *request)
{
    return &request->out;
}

void *request_state(const struct request *request)
{
    return request_client(request)->responder->state;
}

uid_t request_uid(const struct request *request)
{
    return request_client(request)->uid;
}

const char *request_log_name(struct request *request)
{
    if (!request->log_name[0])
        (void) snprintf(request->log_name, sizeof(request->log_name), "[%x] uid=%u %s", request->number,
                        (unsigned) request_uid(request), request->command->log_name); /* a long one is cut */
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

/* ---- reading ---- */

/* Returns 0 when the header is good and the rest may come. A failure closes the connection; its client asks once more if
 * some of the bytes are unread. */
static int take_header(struct client *client)
{
    const struct command *command;
    struct packet_header header;
    int r;

    r = packet_header_read(client->bytes, &header);
    if (r < 0)
        return r;
    command = find_command(client->responder->spec, header.command);
    if (!command)
        return -EPROTO;
    if (header.bytes > (command->flags & CMD_LARGE ? LARGE_REQUEST_BYTES_MAX : REQUEST_BYTES_MAX))
        return -EMSGSIZE;

    if (header.bytes > REQUEST_BYTES_MAX) {
        client->large = malloc(header.bytes);
        if (!client->large)
            return -ENOMEM;
        memcpy(client->large, client->bytes, client->used);
    }
    client->request.command = command;
    client->wanted = header.bytes;
    return 0;
}

/* One call is enough for most requests: it takes header and body. Clients wait for their reply before they send more; what
 * another one has sent behind its request is kept. Returns 1 when the request is here, whole. */
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
            touch(client); /* but not with each byte: a request has to be there in time */
        client->used += (size_t) n;
    }
}

int client_advance(struct client *client)
{
    int r;

    if (client->state == CLIENT_IN_WORK)
        return 0;
    if (client->state == CLIENT_REPLYING)
        return send_reply(client);
    r = read_request(client);
    return r <= 0 ? r : dispatch(client);
}

/* sd-event disables the source of a failing callback; its client would hang, so it is dropped here. */
static int on_client_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct client *client = userdata;
    int r;

    (void) source;
    (void) fd;
    r = revents & (EPOLLHUP | EPOLLERR) ? -ECONNRESET : client_advance(client);
    if (r >= 0)
        r = wait_for_next(client);
    if (r < 0)
        drop(client, r);
    return 0;
}

/* ---- users and their connections ---- */

static struct user_count *find_user(const struct responder *responder, uid_t uid)
{
    for (size_t i = 0; i < responder->n_users; i++) {
        if (responder->users[i].uid == uid)
            return &responder->users[i];
    }
    return NULL;
}

unsigned client_count_of(const struct responder *responder, uid_t uid)
{
    const struct user_count *user = find_user(responder, uid);

    return user ? user->n : 0;
}

static int count_user(struct responder *responder, uid_t uid)
{
    struct user_count *user = find_user(responder, uid);

    if (user) {
        user->n++;
        return 0;
    }
    if (responder->n_users == responder->n_users_room) {
        size_t room = responder->n_users_room ? 2 * responder->n_users_room : 16;

        user = reallocarray(responder->users, room, sizeof(*user));
        if (!user)
            return -ENOMEM;
        responder->users = user;
        responder->n_users_room = room;
    }
    responder->users[responder->n_users++] = (struct user_count) { .uid = uid, .n = 1 };
    return 0;
}

static void uncount_user(struct responder *responder, uid_t uid)
{
    struct user_count *user = find_user(responder, uid);

    if (--user->n == 0)
        *user = responder->users[--responder->n_users];
}

/* ---- the idle ones ---- */

/* A client that is closed before it has read the reply to its handshake waits for 300 s on nothing, so one that was
 * stopped just there is given the time after which it gives up itself. */
static uint64_t due_usec(const struct client *client, uint64_t now)
{
    uint64_t limit = client->responder->client_idle_usec;
    int unread;

    if (client->state == CLIENT_IN_WORK)
        return now + limit; /* it has nothing to do but wait for us */
    if (client->state == CLIENT_READING && !client->is_served && limit < HANDSHAKE_UNREAD_USEC &&
        ioctl(client->fd, SIOCOUTQ, &unread) == 0 && unread > 0)
        limit = HANDSHAKE_UNREAD_USEC;
    return client->last_usec + limit;
}

static int on_idle_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    int r;

    (void) source;
    (void) usec;
    r = client_close_idle(userdata);
    if (r < 0)
        log_error_errno(r, "cannot watch for idle clients: %m");
    return 0;
}

int client_close_idle(struct responder *responder)
{
    uint64_t now = loop_usec(responder), next = UINT64_MAX;
    struct client *client, *after;
    int r;

    for (client = responder->clients; client; client = after) {
        uint64_t due = due_usec(client, now);

        after = client->next;
        if (due <= now)
            drop(client, -ETIME);
        else if (due < next)
            next = due;
        if (after && after->last_usec + responder->client_idle_usec >= next)
            break; /* those behind it are due later still */
    }
    if (next == UINT64_MAX)
        return 0; /* the next client sets it */

    if (responder->idle_timer) {
        r = sd_event_source_set_time(responder->idle_timer, next);
        return r < 0 ? r : sd_event_source_set_enabled(responder->idle_timer, SD_EVENT_ONESHOT);
    }
    return sd_event_add_time(responder->event, &responder->idle_timer, CLOCK_MONOTONIC, next, 0, on_idle_timer,
                             responder);
}

/* One that is set for a client that has gone comes early, and sets itself again: cheaper than to set it for each. */
static bool timer_is_on(const struct responder *responder)
{
    return responder->idle_timer && sd_event_source_get_enabled(responder->idle_timer, NULL) > 0;
}

/* ---- their lives ---- */

int client_new(struct responder *responder, int fd, uid_t uid)
{
    struct client *client;
    int r;

    client = calloc(1, sizeof(*client));
    if (!client || count_user(responder, uid) < 0) {
        free(client);
        closep(&fd);
        return -ENOMEM;
    }
    client->responder = responder;
    client->fd = fd;
    client->uid = uid;
    client->wanted = PACKET_HEADER_BYTES;
    client->events = EPOLLIN;
    client->last_usec = loop_usec(responder);
    list_append(client);
    responder->n_clients++;

    r = sd_event_add_io(responder->event, &client->source, fd, client->events, on_client_io, client);
    if (r >= 0 && !timer_is_on(responder))
        r = client_close_idle(responder);
    if (r < 0)
        client_free(client);
    return r < 0 ? r : 0;
}

struct client *client_free(struct client *client)
{
    struct request *request;

    if (!client)
        return NULL;

    request = &client->request;
    if (request->on_cancel)
        request->on_cancel(request->cancel_data);
    if (client->state != CLIENT_READING)
        client->responder->n_in_work--;
    if (client->data && client->free_data)
        client->free_data(client->data);

    list_remove(client);
    client->responder->n_clients--;
    uncount_user(client->responder, client->uid);
    client->source = sd_event_source_disable_unref(client->source);
    closep(&client->fd);
    packet_writer_done(&request->out);
    free(client->large);
    free(client);
    return NULL;
}

struct client *client_give_up(struct client *client)
{
    struct request *request = &client->request;

    if (client->state == CLIENT_IN_WORK) {
        if (request->on_cancel)
            request->on_cancel(request->cancel_data);
        request_finish(request, -EPIPE);
        (void) send_reply(client); /* whom it does not reach sees the connection closed */
    }
    return client_free(client);
}

/* ---- looking at them ---- */

struct client *responder_first_client(const struct responder *responder)
{
    return responder->clients;
}

struct client *client_next(const struct client *client)
{
    return client->next;
}

int client_fd(const struct client *client)
{
    return client->fd;
}

uid_t client_uid(const struct client *client)
{
    return client->uid;
}

bool client_is_served(const struct client *client)
{
    return client->is_served;
}

bool client_is_idle(const struct client *client)
{
    return client->state == CLIENT_READING && client->used == 0;
}

bool client_is_enumerating(const struct client *client)
{
    return client->is_enumerating;
}
