/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backend: answers responders on its bus and the monitor on the monitor's, and leaves the work to the domain's
 * source. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/be.h"
#include "backend/source.h"
#include "bus/bus.h"
#include "cache/writer.h"
#include "common/cleanup.h"
#include "config/config.h"
#include "util/log.h"
#include "util/paths.h"

/* A connected responder. */
struct peer {
    struct peer *next;
    struct backend *backend;
    sd_bus *bus;
};

struct backend {
    sd_event *event;
    const struct config *config;
    const struct backend_paths *paths;
    char *domain;
    sd_bus *monitor;
    struct bus_server *server;
    struct peer *peers;
    struct cache_writer *cache;
    const struct source_ops *ops;
    struct source *source;
};

static const struct source_ops *const all_sources[] = { &source_ldif };

/* ---- the monitor ---- */

static int set_online(struct backend *backend, bool is_online, sd_bus_message *message, sd_bus_error *ret_error)
{
    int r;

    log_info("the monitor says: %s", is_online ? "online" : "offline");
    r = backend->ops->set_online(backend->source, is_online);
    if (r < 0)
        return sd_bus_error_set_errno(ret_error, r);
    return sd_bus_reply_method_return(message, NULL);
}

static int on_go_offline(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return set_online(userdata, false, message, ret_error);
}

static int on_reset_offline(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return set_online(userdata, true, message, ret_error);
}

static const sd_bus_vtable service_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("RotateLogs", NULL, NULL, bus_on_rotate_logs, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GoOffline", NULL, NULL, on_go_offline, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ResetOffline", NULL, NULL, on_reset_offline, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

/* The next monitor starts a backend of its own, and a cache has one writer. */
static int on_monitor_closed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    struct backend *backend = userdata;

    (void) message;
    (void) ret_error;
    log_info("the monitor has gone: leaving");
    return sd_event_exit(backend->event, EXIT_SUCCESS);
}

static int on_registered(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    struct backend *backend = userdata;
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    (void) ret_error;
    if (!error || sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || sd_bus_error_get_errno(error) == ECONNRESET)
        return 0; /* that it has gone is told of by itself */
    log_error("the monitor refuses this backend: %s", error->message);
    return sd_event_exit(backend->event, EXIT_FAILURE);
}

static int connect_monitor(struct backend *backend)
{
    int r;

    r = bus_connect(backend->event, backend->paths->monitor_bus, 0, &backend->monitor);
    if (r >= 0)
        r = bus_watch_close(backend->monitor, on_monitor_closed, backend);
    if (r >= 0)
        r = sd_bus_add_object_vtable(backend->monitor, NULL, BUS_PATH, BUS_SERVICE, service_vtable, backend);
    return r < 0 ? r : 0;
}

/* ---- responders ---- */

static void on_refreshed(int r, void *userdata)
{
    sd_bus_message *call = userdata;

    r = sd_bus_reply_method_return(call, "b", r == 0);
    if (r < 0)
        log_debug_errno(r, "cannot answer a responder: %m"); /* it has gone */
    sd_bus_message_unref(call);
}

/* Whoever asks waits a short time for this, and then as long as the source may take. */
static int tell_taken(const struct backend *backend, sd_bus_message *call)
{
    uint64_t cookie;
    int r;

    r = sd_bus_message_get_cookie(call, &cookie);
    if (r >= 0)
        r = sd_bus_emit_signal(sd_bus_message_get_bus(call), BUS_PATH, BUS_DATAPROVIDER, "Taken", "tt", cookie,
                               backend->ops->patience_usec);
    return r;
}

static int on_refresh(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    struct peer *peer = userdata;
    struct source_query query;
    int r;

    r = sd_bus_message_read(call, "ssu", &query.kind, &query.name, &query.id);
    if (r >= 0)
        r = tell_taken(peer->backend, call);
    if (r < 0)
        return r;
    r = peer->backend->ops->refresh(peer->backend->source, &query, on_refreshed, sd_bus_message_ref(call));
    if (r < 0) {
        sd_bus_message_unref(call);
        return sd_bus_error_set_errno(ret_error, r);
    }
    return 1; /* answered, or will be */
}

static int on_is_online(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    struct backend *backend = ((struct peer *) userdata)->backend;
    const char *domain;
    int r;

    r = sd_bus_message_read(call, "s", &domain);
    if (r < 0)
        return r;
    if (strcasecmp(domain, backend->domain) != 0)
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_INVALID_ARGS, "this is the backend of %s", backend->domain);
    return sd_bus_reply_method_return(call, "b", backend->ops->is_online(backend->source));
}

static const sd_bus_vtable dataprovider_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Refresh", "ssu", "b", on_refresh, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL("Taken", "tt", 0),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable backend_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("IsOnline", "s", "b", on_is_online, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static void peer_free(struct peer *peer)
{
    struct peer **link = &peer->backend->peers;

    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    sd_bus_close_unref(peer->bus);
    free(peer);
}

static int on_peer_closed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    (void) message;
    (void) ret_error;
    peer_free(userdata);
    return 0;
}

static int on_connection(sd_bus *bus, const struct bus_peer *credentials, void *userdata)
{
    struct backend *backend = userdata;
    struct peer *peer;
    int r;

    log_debug("process %ld has connected", (long) credentials->pid);
    peer = calloc(1, sizeof(*peer));
    if (!peer)
        return -ENOMEM;
    *peer = (struct peer){ backend->peers, backend, sd_bus_ref(bus) };
    backend->peers = peer;

    r = bus_watch_close(bus, on_peer_closed, peer);
    if (r >= 0)
        r = sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_DATAPROVIDER, dataprovider_vtable, peer);
    if (r >= 0)
        r = sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_BACKEND, backend_vtable, peer);
    if (r < 0) {
        peer_free(peer);
        return r;
    }
    return 0;
}

static int listen_for_responders(struct backend *backend, const struct bus_access *access)
{
    CLEANUP(freep) char *path = NULL;
    int r;

    if (asprintf(&path, "%s%s" BACKEND_BUS_SUFFIX, backend->paths->bus_prefix, backend->domain) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    r = bus_listen(backend->event, path, *access, on_connection, backend, &backend->server);
    if (r < 0)
        log_error_errno(r, "cannot listen at %s: %m", path);
    return r;
}

/* ---- the whole ---- */

int backend_new(sd_event *event, const struct config *config, const char *domain,
                const struct backend_paths *paths, const struct bus_access *access,
                struct backend **ret)
{
    CLEANUP(backend_freep) struct backend *backend = NULL;
    int r;

    backend = calloc(1, sizeof(*backend));
    if (!backend)
        return -ENOMEM;
    backend->event = sd_event_ref(event);
    backend->config = config;
    backend->paths = paths;
    backend->domain = strdup(domain);
    if (!backend->domain)
        return -ENOMEM;

    r = connect_monitor(backend);
    if (r < 0) {
        log_error_errno(r, "cannot connect to the monitor at %s: %m", paths->monitor_bus);
        return r;
    }
    r = listen_for_responders(backend, access);
    if (r < 0)
        return r;
    *ret = TAKE(backend);
    return 0;
}

struct backend *backend_free(struct backend *backend)
{
    if (!backend)
        return NULL;
    bus_server_free(backend->server);
    if (backend->source)
        backend->ops->free(backend->source); /* answers who waits */
    while (backend->peers)
        peer_free(backend->peers);
    cache_writer_close(backend->cache);
    sd_bus_close_unref(backend->monitor);
    sd_event_unref(backend->event);
    free(backend->domain);
    free(backend);
    return NULL;
}

void backend_freep(struct backend **backend)
{
    *backend = backend_free(*backend);
}

static int open_source(struct backend *backend, const struct items *items, char *const *import_argv)
{
    CLEANUP(freep) char *section = NULL;
    const char *provider;

    if (asprintf(&section, "domain/%s", backend->domain) < 0) {
        section = NULL;
        return -ENOMEM;
    }
    provider = config_text(backend->config, section, "id_provider");
    for (size_t i = 0; i < sizeof(all_sources) / sizeof(all_sources[0]); i++)
        if (strcasecmp(all_sources[i]->name, provider) == 0)
            backend->ops = all_sources[i];
    if (!backend->ops) {
        log_error("[%s] id_provider: there is no \"%s\"", section, provider);
        return -EINVAL;
    }
    return backend->ops->open(backend->event, backend->config, backend->domain, backend->cache,
                              items, import_argv, &backend->source);
}

/* By the name of its section: a domain may be called "nss". */
static int register_backend(struct backend *backend)
{
    CLEANUP(freep) char *service = NULL;
    int r;

    if (asprintf(&service, "domain/%s", backend->domain) < 0) {
        service = NULL; /* undefined otherwise */
        return -ENOMEM;
    }
    r = sd_bus_call_method_async(backend->monitor, NULL, NULL, BUS_PATH, BUS_MONITOR, "RegisterService",
                                 on_registered, backend, BUS_REGISTER_TAKES, service, BUS_VERSION);
    if (r < 0)
        log_error_errno(r, "cannot register at the monitor: %m");
    return r < 0 ? r : 0;
}

int backend_start(struct backend *backend, const struct items *items, char *const *import_argv)
{
    int r;

    r = cache_writer_open(backend->paths->cache_dir, backend->domain, &backend->cache);
    if (r < 0) {
        log_error_errno(r, "cannot open the cache in %s: %m", backend->paths->cache_dir);
        return r;
    }
    r = open_source(backend, items, import_argv);
    if (r < 0) {
        log_error_errno(r, "cannot open the source of %s: %m", backend->domain);
        return r;
    }
    return register_backend(backend);
}
