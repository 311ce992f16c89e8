/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Link: a connection that is made again, and what clients are told as long as nothing goes without it. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "common/clock.h"
#include "lib/event.h"
#include "lib/link.h"
#include "lib/pace.h"
#include "lib/sockets.h"

#ifndef LINK_SECOND_USEC /* the tests' are shorter */
#define LINK_SECOND_USEC UINT64_C(1000000)
#endif
#define FIRST_PAUSE_USEC (LINK_SECOND_USEC / 10)
#define LAST_PAUSE_USEC (60 * LINK_SECOND_USEC)
/* A monitor that ends sooner after a registration does not run well: the pauses go on growing. */
#define LASTING_USEC (60 * LINK_SECOND_USEC)
#define PATIENCE_USEC (4 * LINK_SECOND_USEC)
#define NOBODY_USEC (60 * LINK_SECOND_USEC)

struct link {
    sd_event *event;
    sd_event_source *timer;
    link_connect_t *connect;
    void *userdata;
    uint64_t tried_usec;
    uint64_t pause_usec; /* before the next try */
    uint64_t good_since_usec;
    bool is_up; /* there is a connection, be it only on its way */
    bool is_good;
};

static void try(struct link *link)
{
    link->timer = sd_event_source_disable_unref(link->timer);
    link->tried_usec = now_usec();
    link->is_up = true;
    if (link->connect(link->userdata) < 0)
        (void) link_has_ended(link);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void) source;
    (void) usec;
    try(userdata);
    return 0;
}

int link_new(sd_event *event, link_connect_t *connect, void *userdata, struct link **ret)
{
    struct link *link = calloc(1, sizeof(*link));

    if (!link)
        return -ENOMEM;
    link->event = sd_event_ref(event);
    link->connect = connect;
    link->userdata = userdata;
    link->pause_usec = FIRST_PAUSE_USEC;
    *ret = link; /* for what connect does with it */
    try(link);
    return 0;
}

struct link *link_free(struct link *link)
{
    if (link) {
        sd_event_source_disable_unref(link->timer);
        sd_event_unref(link->event);
        free(link);
    }
    return NULL;
}

void link_is_good(struct link *link)
{
    if (!link)
        return;
    link->is_good = true;
    link->good_since_usec = now_usec();
}

bool link_has_ended(struct link *link)
{
    int r;

    if (!link || !link->is_up)
        return link != NULL;
    if (link->is_good && now_usec() - link->good_since_usec >= LASTING_USEC)
        link->pause_usec = FIRST_PAUSE_USEC;
    link->is_up = link->is_good = false;

    /* From now on, which is later than when the loop's round began. */
    r = sd_event_add_time(link->event, &link->timer, CLOCK_MONOTONIC, now_usec() + link->pause_usec, 1, on_time, link);
    if (r < 0)
        (void) sd_event_exit(link->event, r); /* without memory: the next one may be better off */
    link->pause_usec = link->pause_usec * 2 < LAST_PAUSE_USEC ? link->pause_usec * 2 : LAST_PAUSE_USEC;
    return true;
}

/* --- Waiting for it ---------------------------------------------------------------------------------------------- */

/* Of all listeners together: what keeps one waiting keeps all. */
struct queue {
    const int *listeners;
    sd_event_source *sources[SOCKETS_MAX];
    size_t n;
    uint64_t waits_since_usec; /* somebody; 0: nobody */
    const char *responder;
    bool is_told;
};

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct queue *queue = userdata;

    (void) fd;
    (void) revents;
    if (queue->waits_since_usec == 0)
        queue->waits_since_usec = now_usec();
    return sd_event_source_set_enabled(source, SD_EVENT_OFF); /* else it would tell so all the time */
}

/* Once: the monitor has said why. */
static void tell(struct queue *queue)
{
    if (!queue->is_told)
        event_log(EVENT_REFUSING, queue->responder, "the monitor does not register it",
                  "clients of %s are told \"unavailable\" for now: the monitor does not register it", queue->responder);
    queue->is_told = true;
}

static int refuse_all(struct queue *queue)
{
    int r = 0;

    for (size_t i = 0; i < queue->n && r >= 0; i++) {
        (void) sockets_refuse(queue->listeners[i]);
        r = sd_event_source_set_enabled(queue->sources[i], SD_EVENT_ON);
    }
    tell(queue);
    queue->waits_since_usec = 0;
    return r;
}

static int wait_in(struct link *link, struct queue *queue)
{
    uint64_t now, quiet_since_usec = now_usec();
    int r;

    while (!link->is_good) {
        uint64_t end_usec = queue->waits_since_usec ? queue->waits_since_usec + PATIENCE_USEC : quiet_since_usec + NOBODY_USEC;

        r = sd_event_run(link->event, usec_until(end_usec));
        if (r == -ESTALE || sd_event_get_state(link->event) == SD_EVENT_FINISHED)
            return -ECANCELED;
        if (r < 0)
            return r;

        now = now_usec();
        /* Who has mended the configuration and tries it does not wait for our pause. */
        if (queue->waits_since_usec && !link->is_up && pace_changed_within(NULL, now - link->tried_usec)) {
            link->pause_usec = FIRST_PAUSE_USEC;
            try(link);
        }
        if (queue->waits_since_usec && !link->is_good && (!link->is_up || now - queue->waits_since_usec >= PATIENCE_USEC)) {
            r = refuse_all(queue);
            if (r < 0)
                return r;
            quiet_since_usec = now;
        }
        if (!queue->waits_since_usec && now - quiet_since_usec >= NOBODY_USEC)
            return -ETIME;
    }
    return 0;
}

int link_wait(struct link *link, const char *responder, const int *listeners, size_t n)
{
    struct queue queue = { .listeners = listeners, .responder = responder };
    int r = n > SOCKETS_MAX ? -E2BIG : 0;

    for (; r >= 0 && queue.n < n; queue.n++)
        r = sd_event_add_io(link->event, &queue.sources[queue.n], listeners[queue.n], EPOLLIN, on_client, &queue);
    if (r >= 0)
        r = wait_in(link, &queue);
    for (size_t i = 0; i < queue.n; i++)
        sd_event_source_disable_unref(queue.sources[i]);
    return r;
}
