/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private: what the modules of the responder library see of each other. */

#ifndef RESPONDER_PRIVATE_H
#define RESPONDER_PRIVATE_H

#include <systemd/sd-bus.h>

#include "responder/arguments.h"
#include "responder/client.h"
#include "responder/listener.h"
#include "responder/quota.h"
#include "responder/ready.h"
#include "responder/responder.h"

#define LISTENERS_MAX 4 /* as many as systemd hands over at most */

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

    /* In the order of the spec's. */
    struct listener listeners[LISTENERS_MAX];
    int listen_fds[LISTENERS_MAX]; /* -1: not open */
    size_t n_listeners;
    sd_event_source *pause; /* accepting goes on when it is over */
    uint64_t complained_usec;

    /* In the order of their last activity, the longest idle one first. */
    struct client *clients, *last_client;
    size_t n_clients;
    struct ready ready;
    sd_event_source *idle_timer; /* one for all */
    uint64_t client_idle_usec;

    struct quota quota;
    size_t n_waiting; /* for their user's share */
    sd_event_source *waiting_timer;

    struct packet_writer spare; /* what the next reply is written into */
    size_t n_in_work;
    uint32_t last_request_number;
};

/* Leaves the loop. The first exit code that is not 0 counts. */
int responder_leave(struct responder *responder, int exit_code);

/* Connects to the monitor, without waiting, and registers. That goes out with the first turn of the loop, when all is ready: what is
 * registered answers. Failures are told. */
int monitor_join(void *responder);

#endif
