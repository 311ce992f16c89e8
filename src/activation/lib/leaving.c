/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaving: how a daemon goes away, unused for a while or told to, without a client that loses its request. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "lib/leaving.h"

/* How long it may take to see that what kept it is gone. */
#define LOOK_AGAIN_USEC 500000
#define ACCURACY_USEC_MAX 100000

struct leaving {
    sd_event *event;
    struct leaving_ops ops;
    void *userdata;
    uint64_t limit_usec;
    uint64_t last_usec; /* of the last activity */
    sd_event_source *timer; /* the limit; then the patience */
    sd_event_source *each_turn;
    bool is_under_way;
    bool is_out_of_patience;
};

static uint64_t after(uint64_t usec, uint64_t more_usec)
{
    return more_usec > UINT64_MAX - usec ? UINT64_MAX : usec + more_usec; /* the latter is never, to sd-event too */
}

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int rearm(struct leaving *leaving, uint64_t usec)
{
    int r = sd_event_source_set_time(leaving->timer, usec);

    return r < 0 ? r : sd_event_source_set_enabled(leaving->timer, SD_EVENT_ONESHOT);
}

static short input_of(int fd)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN | POLLRDHUP };

    return poll(&polled, 1, 0) > 0 ? polled.revents : 0;
}

static bool may_be_closed(const struct leaving_connection *connection)
{
    return connection->is_served && connection->is_idle && !connection->is_enumerating;
}

static bool is_busy(const struct leaving *leaving)
{
    return leaving->ops.is_busy && leaving->ops.is_busy(leaving->userdata);
}

/* Whoever has sent something, or is owed something. */
static bool is_needed(const struct leaving *leaving)
{
    struct leaving_connection connection;

    if (is_busy(leaving))
        return true;
    for (void *c = NULL; (c = leaving->ops.next_connection(c, leaving->userdata));) {
        leaving->ops.look(c, &connection);
        if (!may_be_closed(&connection) || input_of(connection.fd))
            return true;
    }
    /* The listeners last: who is answered and sent away may come back through them. */
    for (size_t i = 0; i < leaving->ops.n_listeners; i++)
        if (input_of(leaving->ops.listeners[i]))
            return true;
    return false;
}

/* Returns whether all connections are gone or will meet their end. */
static bool close_connections(struct leaving *leaving)
{
    struct leaving_connection connection;
    bool is_last = true;
    void *next;

    for (void *c = leaving->ops.next_connection(NULL, leaving->userdata); c; c = next) {
        next = leaving->ops.next_connection(c, leaving->userdata);
        if (leaving->is_out_of_patience) {
            leaving->ops.give_up(c);
            continue;
        }
        is_last = false;
        leaving->ops.look(c, &connection);
        /* What has arrived may begin an enumeration: the loop serves it first, and then this looks again. */
        if (may_be_closed(&connection) && !(input_of(connection.fd) & POLLIN))
            (void) shutdown(connection.fd, SHUT_RD); /* fails if its client is gone, whom the loop will miss */
    }
    return is_last;
}

/* Whatever has changed, it was in some turn of the loop. */
static int on_each_turn(sd_event_source *source, void *userdata)
{
    struct leaving *leaving = userdata;

    (void) source;
    if (!close_connections(leaving) || (is_busy(leaving) && !leaving->is_out_of_patience))
        return 0;

    (void) sd_notify(false, "STOPPING=1"); /* whoever does not hear it sees the process end */
    leaving->each_turn = sd_event_source_disable_unref(leaving->each_turn);
    leaving->timer = sd_event_source_disable_unref(leaving->timer);
    if (!leaving->ops.leave)
        return sd_event_exit(leaving->event, 0);
    leaving->ops.leave(leaving->userdata);
    return 0;
}

static int start(struct leaving *leaving, uint64_t patience_usec)
{
    int r;

    /* Both can fail only while there is a way back. */
    r = sd_event_add_post(leaving->event, &leaving->each_turn, on_each_turn, leaving);
    if (r < 0)
        return r;
    r = rearm(leaving, after(now_usec(), patience_usec));
    if (r < 0) {
        leaving->each_turn = sd_event_source_disable_unref(leaving->each_turn);
        return r;
    }

    leaving->is_under_way = true;
    leaving->ops.stop_accepting(leaving->userdata);
    /* The caller is in a turn of the loop, or this makes one. */
    return on_each_turn(NULL, leaving);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct leaving *leaving = userdata;
    uint64_t now = now_usec(), end = after(leaving->last_usec, leaving->limit_usec);

    (void) source;
    (void) usec;
    if (leaving->is_under_way) {
        leaving->is_out_of_patience = true; /* the turn ends with a look at all of them */
        return 0;
    }

    if (now < end)
        return rearm(leaving, end);
    if (!is_needed(leaving) && start(leaving, LEAVING_IDLE_PATIENCE_USEC) == 0)
        return 0;
    return rearm(leaving, after(now, min(leaving->limit_usec, LOOK_AGAIN_USEC)));
}

int leaving_new(sd_event *event, uint64_t limit_usec, const struct leaving_ops *ops, void *userdata, struct leaving **ret)
{
    struct leaving *leaving = calloc(1, sizeof(*leaving));
    uint64_t accuracy_usec = min(limit_usec / 16, ACCURACY_USEC_MAX);
    int r;

    if (!leaving)
        return -ENOMEM;
    leaving->event = sd_event_ref(event);
    leaving->ops = *ops;
    leaving->userdata = userdata;
    leaving->limit_usec = limit_usec;
    leaving->last_usec = now_usec();

    /* An accuracy of 0 would be sd-event's own, a quarter of a second. */
    r = sd_event_add_time(event, &leaving->timer, CLOCK_MONOTONIC, after(leaving->last_usec, limit_usec),
                          accuracy_usec ? accuracy_usec : 1, on_timer, leaving);
    if (r >= 0 && limit_usec == 0)
        r = sd_event_source_set_enabled(leaving->timer, SD_EVENT_OFF);
    if (r < 0) {
        leaving_free(leaving);
        return r;
    }

    *ret = leaving;
    return 0;
}

struct leaving *leaving_free(struct leaving *leaving)
{
    if (!leaving)
        return NULL;

    sd_event_source_disable_unref(leaving->each_turn);
    sd_event_source_disable_unref(leaving->timer);
    sd_event_unref(leaving->event);
    free(leaving);
    return NULL;
}

void leaving_touch(struct leaving *leaving)
{
    if (leaving)
        leaving->last_usec = now_usec();
}

int leaving_start(struct leaving *leaving)
{
    return leaving->is_under_way ? 0 : start(leaving, LEAVING_TOLD_PATIENCE_USEC);
}
