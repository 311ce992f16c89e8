/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services: the processes that the monitor starts, and in which state each is. */

#ifndef MONITOR_SERVICES_H
#define MONITOR_SERVICES_H

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "monitor/monitor.h"

enum service_kind {
    SERVICE_BACKEND,
    SERVICE_RESPONDER,
};

struct service {
    struct monitor *monitor;
    char *name; /* its section of the configuration: "nss", "domain/NAME" */
    enum service_kind kind;

    pid_t pid; /* 0: no process */
    sd_event_source *child;
    sd_bus *bus; /* while it is registered */
    uint64_t registered_usec;
    sd_event_source *timer; /* no process: when to start one; one that has not registered: when to end it */
    unsigned restarts;      /* since it was last stable */
    bool is_paused;         /* it ended too often or hung, and has not registered since */
    bool was_told_to_end;
};

/* Lists what the configuration names: a backend for each domain, then the responders. */
int services_init(struct monitor *monitor);
void services_done(struct monitor *monitor);

/* Starts all of them, in their order. */
void services_start(struct monitor *monitor);

/* Ends responders first, then backends, each in reverse order; then the event loop. */
void services_stop(struct monitor *monitor);

struct service *services_find(const struct monitor *monitor, const char *name);
/* The one that is this process of ours, and the one that has registered on this connection; or NULL. */
struct service *services_of(const struct monitor *monitor, pid_t pid);
struct service *services_at(const struct monitor *monitor, const sd_bus *bus);
/* Lists one, unless it is there. Returns 0 or -ENOMEM. */
int services_list(struct monitor *monitor, enum service_kind kind, const char *prefix, const char *name, struct service **ret);
/* Has each registered, or come to nothing for now? */
bool services_are_settled(const struct monitor *monitor);
/* Has one of each kind registered of which there are any? */
bool services_are_of_use(const struct monitor *monitor);

/* Its process has registered, or its connection is closed. */
void service_registered(struct service *service, sd_bus *bus);
void service_unregistered(struct service *service);

/* Calls a method of sssd.service, without waiting for an answer, in all of a kind that are registered. */
void services_call(struct monitor *monitor, enum service_kind kind, const char *method);

#endif
