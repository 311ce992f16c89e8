/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "responder/connection.h"
#include "responder/ready.h"

#define GUESSES_IN_A_ROW 8

/* Who was alone twice is so mostly again, and the kernel need not be asked who it is. Now and then
 * it is, as others may wait. */
static bool serve_again(struct ready *ready)
{
    if (!ready->again || ++ready->n_again % GUESSES_IN_A_ROW == 0)
        return false;
    return client_go_on(ready->again, EPOLLIN) > 0;
}

static int next_batch(struct ready *ready)
{
    struct client *before = ready->last;

    ready->n = epoll_wait(ready->fd, ready->batch, READY_BATCH, 0);
    ready->last = ready->n == 1 ? ready->batch[0].data.ptr : NULL;
    ready->again = ready->last == before ? before : NULL;
    return ready->n;
}

/* The kernel tells of those that are ready in turn: who is not in this batch is in a later one. */
static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct ready *ready = userdata;

    (void) source;
    (void) fd;
    (void) revents;
    if (serve_again(ready))
        return 0;
    for (int n = next_batch(ready); ready->at < n;) {
        const struct epoll_event *event = &ready->batch[ready->at++];

        /* Not freed by one before it; then it waits for what it needs next, or is freed. */
        if (event->data.ptr)
            (void) client_go_on(event->data.ptr, event->events);
    }
    ready->n = ready->at = 0;
    return 0;
}

int ready_init(struct ready *ready, sd_event *event)
{
    *ready = (struct ready) { .fd = epoll_create1(EPOLL_CLOEXEC) };
    if (ready->fd < 0)
        return -errno;
    return sd_event_add_io(event, &ready->source, ready->fd, EPOLLIN, on_ready, ready);
}

void ready_done(struct ready *ready)
{
    if (!ready->source)
        return; /* never begun */
    ready->source = sd_event_source_disable_unref(ready->source);
    closep(&ready->fd);
}

static int control(const struct ready *ready, int operation, int fd, uint32_t events,
                   struct client *client)
{
    struct epoll_event event = { .events = events, .data = { .ptr = client } };

    return epoll_ctl(ready->fd, operation, fd, &event) < 0 ? -errno : 0;
}

int ready_add(struct ready *ready, int fd, uint32_t events, struct client *client)
{
    return control(ready, EPOLL_CTL_ADD, fd, events, client);
}

int ready_change(struct ready *ready, int fd, uint32_t events, struct client *client)
{
    return control(ready, EPOLL_CTL_MOD, fd, events, client);
}

/* Closing it would do, but for a child that has it too. */
void ready_remove(struct ready *ready, int fd, const struct client *client)
{
    (void) control(ready, EPOLL_CTL_DEL, fd, 0, NULL); /* fails for one that was never added */
    if (ready->last == client)
        ready->last = ready->again = NULL;
    for (int i = ready->at; i < ready->n; i++) {
        if (ready->batch[i].data.ptr == client)
            ready->batch[i].data.ptr = NULL;
    }
}
