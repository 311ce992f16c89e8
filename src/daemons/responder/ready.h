/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ready: which clients have something for us. One epoll for all of them, behind one source of the
 * loop: what a request costs does not grow with their number. A wake-up serves a batch, then
 * listeners, buses and timers have their turn. */

#ifndef RESPONDER_READY_H
#define RESPONDER_READY_H

#include <stdint.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

struct client;

#define READY_BATCH 64

struct ready {
    int fd;
    sd_event_source *source;
    struct epoll_event batch[READY_BATCH];
    int n, at;            /* those before `at` have had their turn */
    struct client *last;  /* the only one of the last batch */
    struct client *again; /* and of the one before that */
    unsigned n_again;
};

int ready_init(struct ready *ready, sd_event *event);
void ready_done(struct ready *ready);

int ready_add(struct ready *ready, int fd, uint32_t events, struct client *client);
int ready_change(struct ready *ready, int fd, uint32_t events, struct client *client);
/* Also from the batch that is being served. */
void ready_remove(struct ready *ready, int fd, const struct client *client);

#endif
