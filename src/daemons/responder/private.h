/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private: what the modules of the responder library see of each other. */

#ifndef RESPONDER_PRIVATE_H
#define RESPONDER_PRIVATE_H

#include <systemd/sd-bus.h>

#include "responder/arguments.h"
#include "responder/client.h"
#include "responder/responder.h"

/* Connections are counted for each user that has some. */
struct user_count {
    uid_t uid;
    unsigned n;
};

struct responder {
    const struct responder_spec *spec;
    struct arguments arguments;
    struct config *config;
    uid_t uid;
    gid_t gid;
    void *state; /* the spec's */
    sd_event *event;
    sd_bus *monitor;
    int exit_code;

    int listen_fd;
    sd_event_source *listener;
    sd_event_source *pause; /* accepting goes on when it is over */
    uint64_t complained_usec;

    /* In the order of their last activity, the longest idle one first. */
    struct client *clients, *last_client;
    size_t n_clients, n_clients_max;
    struct user_count *users;
    size_t n_users, n_users_room;
    size_t n_clients_of_user_max;
    sd_event_source *idle_timer; /* one for all */
    uint64_t client_idle_usec;

    size_t n_in_work;
    uint32_t last_request_number;
};

/* Leaves the loop. The first exit code that is not 0 counts. */
int responder_leave(struct responder *responder, int exit_code);

/* Connects to the monitor, without waiting, and registers. That goes out with the first turn of the loop, when all is ready: what is
 * registered answers. Failures are told. */
int monitor_join(void *responder);

#endif
