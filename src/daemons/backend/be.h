/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backend: answers responders on its bus and the monitor on the monitor's, and leaves the work to the domain's
 * source. */

#ifndef BACKEND_BE_H
#define BACKEND_BE_H

#include <systemd/sd-event.h>

struct backend;
struct bus_access;
struct config;
struct items;

struct backend_paths {
    const char *config; /* the snapshot */
    const char *cache_dir, *log_dir;
    const char *monitor_bus;
    const char *bus_prefix; /* the domain's name comes behind it, then BACKEND_BUS_SUFFIX */
};

/* As root: connects to the monitor, and listens for whom `access` names. Who comes waits until it
 * has started. Failures are told. */
int backend_new(sd_event *event, const struct config *config, const char *domain,
                const struct backend_paths *paths, const struct bus_access *access,
                struct backend **ret);
struct backend *backend_free(struct backend *backend);
void backend_freep(struct backend **backend);

/* As the service's user: opens cache and source, and registers at the monitor. Failures are told. */
int backend_start(struct backend *backend, const struct items *items, char *const *import_argv);

#endif
