/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Charge: what becomes of a quota that is used up. Whose share is used up waits; when there is
 * nothing left at all, whoever has most loses a connection. */

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "responder/connection.h"

/* At a time: many connections give no right to our time. */
#define LOOKED_AT_MAX 256
#define CLOSABLE_MAX 32 /* with each that comes, and those that may be closed come to the front */
#define JUST_USEC 1000000
#define FOR_EVER UINT64_MAX

/* Who reads a reply before it asks the next is not to cost a system call for each. */
#define UNREAD_BEFORE_LOOK 1024
#define UNREAD_FREE 2048

#define CALLED_AT_ONCE 8
#define WAITING_LOOK_USEC 50000
#define STALLED_USEC (5 * 1000000ULL)

static struct quota *quota_of(const struct client *client)
{
    return &client->responder->quota;
}

/* ---- bytes ---- */

static size_t bytes_taken(const struct client *client)
{
    size_t bytes = client->unread > UNREAD_FREE ? client->unread : 0;

    if (client->state == CLIENT_IN_WORK || client->state == CLIENT_REPLYING)
        bytes += client->request.out.used;
    return client->large ? bytes + client->wanted : bytes;
}

static void charge_again(struct client *client)
{
    size_t bytes = bytes_taken(client), before = client->charged;

    client->charged = bytes;
    if (bytes > before)
        quota_charge(quota_of(client), client->user, QUOTA_BYTES, bytes - before);
    else if (bytes < before)
        quota_release(quota_of(client), client->user, QUOTA_BYTES, before - bytes);
}

/* Replies that it has not read: the kernel says what memory they take. */
static void ask_for_unread(struct client *client)
{
    int unread = 0;

    if (ioctl(client->fd, SIOCOUTQ, &unread) == 0) /* else as it was */
        client->unread = (size_t) unread;
}

static void look_for_unread(struct client *client)
{
    ask_for_unread(client);
    charge_again(client);
}

/* Of its clients that hold memory, the one that has done nothing for longest. Not one whose request
 * is its handler's, who may be on the stack. */
static struct client *slowest_of(const struct quota_user *user, const struct client *spared)
{
    int n = 0;

    for (struct client *client = user->oldest; client && n < LOOKED_AT_MAX;
         client = client->next_of_user) {
        if (client->charged == 0 || client == spared || client->is_dispatching ||
            client->state == CLIENT_IN_WORK)
            continue;
        look_for_unread(client);
        if (client->charged > 0)
            return client;
        n++;
    }
    return NULL;
}

void charge_bytes(struct client *client)
{
    size_t before = client->charged;

    charge_again(client);
    while (client->charged > before && quota_is_exceeded(quota_of(client), QUOTA_BYTES)) {
        struct quota_user *most = quota_most(quota_of(client), QUOTA_BYTES);
        struct client *slowest = most ? slowest_of(most, client) : NULL;

        if (!slowest)
            break; /* a single reply may be larger than all */
        client_drop(slowest, -EDQUOT);
    }
}

void charge_unsent(struct client *client)
{
    ask_for_unread(client);
    charge_bytes(client);
}

/* ---- requests ---- */

void charge_request(struct client *client, bool waits)
{
    if (client->is_in_requests == waits)
        return;
    client->is_in_requests = waits;
    (waits ? quota_charge : quota_release)(quota_of(client), client->user, QUOTA_REQUESTS, 1);
}

/* Who has nothing may always ask one thing. */
static bool has_share(const struct client *client, enum quota_kind kind)
{
    return client->user->used[kind] == 0 || quota_allows(quota_of(client), client->user, kind);
}

static bool has_shares(const struct client *client)
{
    return client->user->uid == 0 ||
           (has_share(client, QUOTA_REQUESTS) && has_share(client, QUOTA_BYTES));
}

bool charge_allows_request(struct client *client)
{
    if (client->unread > UNREAD_BEFORE_LOOK)
        look_for_unread(client);
    return has_shares(client);
}

/* ---- those that wait for a share ---- */

/* What they have read meanwhile nobody tells; and who reads nothing has to go, for those that wait
 * behind it. */
static void look_at_all_of(struct quota_user *user, uint64_t now)
{
    struct client *client, *next;

    for (client = user->oldest; client; client = next) {
        next = client->next_of_user;
        if (client->charged == 0 || client->state == CLIENT_IN_WORK ||
            (client->state == CLIENT_WAITING && client->unread <= UNREAD_FREE))
            continue; /* it waits for us */
        look_for_unread(client);
        if (client->charged > 0 && client->last_usec + STALLED_USEC <= now)
            client_drop(client, -EDQUOT);
    }
}

/* Some, as each may use up what there is. */
static void call_some_of(struct quota_user *user)
{
    struct client *client, *next;
    int n = 0;

    for (client = user->oldest; client && n < CALLED_AT_ONCE; client = next) {
        int r;

        next = client->next_of_user;
        if (client->state != CLIENT_WAITING || !has_shares(client))
            continue;
        n++;
        client->is_called = true;
        r = client_wait_for_next(client);
        if (r < 0)
            client_drop(client, r);
    }
}

static int set_timer(struct responder *responder);

static int on_waiting_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct responder *responder = userdata;
    struct quota_user *user, *next;
    uint64_t now = client_loop_usec(responder);

    (void) source;
    (void) usec;
    for (user = responder->quota.first; user; user = next) {
        next = user->next;
        if (user->n_waiting == 0)
            continue;
        look_at_all_of(user, now);
    }
    for (user = responder->quota.first; user; user = next) {
        next = user->next;
        if (user->n_waiting > 0)
            call_some_of(user);
    }
    return responder->n_waiting > 0 ? set_timer(responder) : 0;
}

static int set_timer(struct responder *responder)
{
    int r;

    if (!responder->waiting_timer)
        return sd_event_add_time_relative(responder->event, &responder->waiting_timer,
                                          CLOCK_MONOTONIC, WAITING_LOOK_USEC,
                                          WAITING_LOOK_USEC / 10, on_waiting_timer, responder);
    r = sd_event_source_set_time_relative(responder->waiting_timer, WAITING_LOOK_USEC);
    return r < 0 ? r : sd_event_source_set_enabled(responder->waiting_timer, SD_EVENT_ONESHOT);
}

int charge_wait(struct client *client)
{
    client->is_called = false;
    if (client->state == CLIENT_WAITING)
        return 0;
    client->state = CLIENT_WAITING;
    client->user->n_waiting++;
    return client->responder->n_waiting++ > 0 ? 0 : set_timer(client->responder);
}

void charge_end_wait(struct client *client)
{
    if (client->state != CLIENT_WAITING)
        return;
    client->is_called = false;
    client->user->n_waiting--;
    client->responder->n_waiting--;
}

/* ---- connections ---- */

/* How much it harms its client to be closed. */
enum harm {
    HARM_NONE,      /* connects anew for its next request, and that is all */
    HARM_UNSERVED,  /* has asked nothing yet: it hangs, or fails */
    HARM_UNREAD,    /* loses half a reply, half a request, or its place in an enumeration */
    HARM_UNANSWERED /* loses an answer that it waits for */
};

static enum harm harm_to(const struct client *client)
{
    if (client->state == CLIENT_IN_WORK)
        return HARM_UNANSWERED;
    if (client->state == CLIENT_READING && !client->is_served)
        return HARM_UNSERVED;
    return client_is_idle(client) && !client->is_enumerating ? HARM_NONE : HARM_UNREAD;
}

/* Closes the one of its connections to which that does the least harm, and of these the oldest. One
 * that has just done something is not harmed. */
static bool close_one_of(const struct quota_user *user, enum harm harm_max, uint64_t now)
{
    struct client *found = NULL;
    int n = 0;

    for (struct client *client = user->oldest; client && n < CLOSABLE_MAX;
         client = client->next_of_user, n++) {
        enum harm harm = harm_to(client);

        if (harm > HARM_NONE && client->last_usec + JUST_USEC > now)
            continue;
        if (harm <= harm_max && (!found || harm < harm_to(found)))
            found = client;
        if (harm == HARM_NONE)
            break;
    }
    if (!found)
        return false;
    client_drop(found, -EDQUOT);
    return true;
}

int client_make_room(struct responder *responder, uid_t uid)
{
    const struct quota_user stranger = { .uid = (uid_t) -1 }, newcomer = { .uid = uid };
    struct quota *quota = &responder->quota;
    struct quota_user *user = quota_find(quota, uid), *most, *root;
    uint64_t now = client_loop_usec(responder);
    bool is_full;

    if (quota_allows(quota, user ? user : &newcomer, QUOTA_CONNECTIONS))
        return 0;

    /* While there is room for strangers, nobody is hurt for one who is at the end of its share. */
    is_full = uid == 0 || !quota_allows(quota, &stranger, QUOTA_CONNECTIONS);
    most = quota_most(quota, QUOTA_CONNECTIONS);
    if (most &&
        (!user || uid == 0 || most->used[QUOTA_CONNECTIONS] > user->used[QUOTA_CONNECTIONS]) &&
        close_one_of(most, is_full ? HARM_UNANSWERED : HARM_UNSERVED, is_full ? FOR_EVER : now))
        return 0;
    if (user && close_one_of(user, HARM_UNREAD, now))
        return 0;
    root = quota_find(quota, 0);
    if (root && is_full && close_one_of(root, HARM_NONE, now))
        return 0;
    return uid == 0 ? 0 : -EUSERS; /* root as long as there are descriptors */
}
