/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Client: the lives of connections, and their order. */

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "responder/connection.h"
#include "util/log.h"

#define HANDSHAKE_UNREAD_USEC (300 * 1000000ULL)

/* ---- the lists: of all, and of each user ---- */

static void list_append(struct client *client)
{
    struct responder *responder = client->responder;
    struct quota_user *user = client->user;

    client->next = client->next_of_user = NULL;
    client->previous = responder->last_client;
    client->previous_of_user = user->newest;
    *(client->previous ? &client->previous->next : &responder->clients) = client;
    *(client->previous_of_user ? &client->previous_of_user->next_of_user : &user->oldest) = client;
    responder->last_client = user->newest = client;
}

static void list_remove(struct client *client)
{
    struct responder *responder = client->responder;
    struct quota_user *user = client->user;
    struct client *before = client->previous_of_user, *after = client->next_of_user;

    *(client->previous ? &client->previous->next : &responder->clients) = client->next;
    *(client->next ? &client->next->previous : &responder->last_client) = client->previous;
    *(before ? &before->next_of_user : &user->oldest) = after;
    *(after ? &after->previous_of_user : &user->newest) = before;
}

uint64_t client_loop_usec(const struct responder *responder)
{
    uint64_t usec = 0;

    /* Fails only in a forked child. */
    (void) sd_event_now(responder->event, CLOCK_MONOTONIC, &usec);
    return usec;
}

/* The loop reads the clock once for each wake-up: those of one batch are of the same age. */
void client_touch(struct client *client)
{
    uint64_t now = client_loop_usec(client->responder);

    if (client->last_usec == now)
        return;
    client->last_usec = now;
    list_remove(client);
    list_append(client);
}

/* ---- the idle ones ---- */

/* A client that is closed before it has read the reply to its handshake waits for 300 s on nothing,
 * so one that was stopped just there is given the time after which it gives up itself. */
static uint64_t due_usec(const struct client *client, uint64_t now)
{
    uint64_t limit = client->responder->client_idle_usec;
    int unread;

    if (client->state == CLIENT_IN_WORK || client->state == CLIENT_WAITING)
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
    uint64_t now = client_loop_usec(responder), next = UINT64_MAX;
    struct client *client, *after;
    int r;

    for (client = responder->clients; client; client = after) {
        uint64_t due = due_usec(client, now);

        after = client->next;
        if (due <= now)
            client_drop(client, -ETIME);
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
    return sd_event_add_time(responder->event, &responder->idle_timer, CLOCK_MONOTONIC, next, 0,
                             on_idle_timer, responder);
}

/* One that is set for a client that has gone comes early, and sets itself again: cheaper than to
 * set it for each. */
static bool timer_is_on(const struct responder *responder)
{
    return responder->idle_timer && sd_event_source_get_enabled(responder->idle_timer, NULL) > 0;
}

/* ---- their lives ---- */

int client_new(struct responder *responder, int fd, uid_t uid, const struct listen_spec *listen)
{
    struct client *client = calloc(1, sizeof(*client));
    struct quota_user *user = client ? quota_user(&responder->quota, uid) : NULL;
    int r;

    if (!user) {
        free(client);
        closep(&fd);
        return -ENOMEM;
    }
    client->responder = responder;
    client->user = user;
    client->listen = listen;
    client->fd = fd;
    client->wanted = PACKET_HEADER_BYTES;
    client->events = EPOLLIN;
    client->last_usec = client_loop_usec(responder);
    list_append(client);
    quota_charge(&responder->quota, user, QUOTA_CONNECTIONS, 1);
    responder->n_clients++;

    r = ready_add(&responder->ready, fd, client->events, client);
    if (r >= 0 && !timer_is_on(responder))
        r = client_close_idle(responder);
    if (r < 0)
        client_free(client);
    return r < 0 ? r : 0;
}

static void release_all(struct client *client)
{
    struct quota *quota = &client->responder->quota;

    charge_end_wait(client);
    charge_request(client, false);
    quota_release(quota, client->user, QUOTA_BYTES, client->charged);
    quota_release(quota, client->user, QUOTA_CONNECTIONS, 1);
    quota_user_put(quota, client->user);
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
    ready_remove(&client->responder->ready, client->fd, client);
    release_all(client);
    closep(&client->fd);
    shared_reply_unref(request->shared);
    packet_writer_done(&request->out);
    free(client->large);
    free(client);
    return NULL;
}

void client_drop(struct client *client, int r)
{
    log_debug_errno(r, "dropping client of uid %u on fd %d: %m", (unsigned) client->user->uid,
                    client->fd);
    client_free(client);
}

struct client *client_give_up(struct client *client)
{
    if (client->state == CLIENT_IN_WORK || client->state == CLIENT_WAITING)
        request_give_up(client);
    return client_free(client);
}

int clients_init(struct responder *responder, size_t n_max)
{
    responder->quota.total[QUOTA_CONNECTIONS] = n_max;
    responder->quota.total[QUOTA_BYTES] = BYTES_MAX;
    responder->quota.total[QUOTA_REQUESTS] = REQUESTS_MAX;
    return ready_init(&responder->ready, responder->event);
}

void clients_done(struct responder *responder)
{
    while (responder->clients)
        client_free(responder->clients);
    ready_done(&responder->ready);
    responder->idle_timer = sd_event_source_disable_unref(responder->idle_timer);
    responder->waiting_timer = sd_event_source_disable_unref(responder->waiting_timer);
    quota_done(&responder->quota);
    packet_writer_done(&responder->spare);
}

/* ---- looking at them ---- */

struct client *responder_first_client(const struct responder *responder)
{
    return responder->clients;
}

size_t client_count_of(const struct responder *responder, uid_t uid)
{
    const struct quota_user *user = quota_find(&responder->quota, uid);

    return user ? user->used[QUOTA_CONNECTIONS] : 0;
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
    return client->user->uid;
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
