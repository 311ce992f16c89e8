/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitor: reads the configuration, starts what it names, and keeps that running. */

#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "monitor/arguments.h"

struct bus_server;
struct config;
struct connection;
struct service;

/* Where it works: main() names the real places, tests their own. */
struct monitor_paths {
    const char *config_dir;
    uid_t config_uid; /* to whom the configuration has to belong */
    gid_t config_gid;
    const char *state_dir; /* SSSD's, of which only what clients look at is ours */
    const char *own_dir, *log_dir, *run_dir, *libexec_dir;
    const char *pid_file;
    const char *user, *backend_user; /* whom responders and back ends become */
    uint64_t second_usec; /* how long a second is: shorter for tests */
};

enum monitor_exit {
    MONITOR_EXIT_FAILURE = 1,
    MONITOR_EXIT_USAGE = 2,
    MONITOR_EXIT_CONFIG = 4, /* as SSSD's */
};

struct monitor {
    const struct monitor_paths *paths;
    struct arguments arguments;
    struct config *config;
    char *stamp; /* of its files */
    uid_t uid; /* of the backends */
    gid_t gid;
    uid_t responder_uid;
    gid_t responder_gid;
    int lock_fd;
    int ready_fd; /* to whoever started a daemon and waits for it; -1: nobody */

    sd_event *event;
    struct bus_server *bus;
    struct connection *connections;
    size_t n_connections;

    struct service **services; /* in the order in which they start */
    size_t n_services;
    bool is_ready, is_stopping;
    sd_event_source *stop_timer;
    int exit_code;
};

/* main() of the monitor. Returns the exit code. */
int monitor_run(int argc, char **argv, const struct monitor_paths *paths);

/* Removes all files of the clients' memory cache, unless a responder writes them. */
bool monitor_discard_memory_caches(const struct monitor *monitor);

/* Says that it is up once all services have registered for the first time. */
void monitor_check_ready(struct monitor *monitor);

/* Stops all services, then itself. The first exit code that is not 0 counts. */
void monitor_stop(struct monitor *monitor, int exit_code);

#endif
