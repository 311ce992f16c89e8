/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backend: answers responders on its bus and the monitor on the monitor's, and leaves the work to the domain's
 * source. */

#ifndef BACKEND_BE_H
#define BACKEND_BE_H

#include <systemd/sd-event.h>

struct backend;
struct config;

struct backend_paths {
    const char *config_dir; /* its part is there */
    const char *cache_dir, *log_dir;
    const char *monitor_bus;
    const char *bus_prefix; /* the domain's name comes behind it */
};

/* Connects to the monitor, which takes whom it does not know for root's. */
int backend_new(sd_event *event, const struct config *config, const char *domain, const struct backend_paths *paths,
                struct backend **ret);
struct backend *backend_free(struct backend *backend);
void backend_freep(struct backend **backend);

/* As the service's user: opens cache and source, listens, and registers at the monitor. Failures are told. */
int backend_start(struct backend *backend, char *const *import_argv);

#endif
