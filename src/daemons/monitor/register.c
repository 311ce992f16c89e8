/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "bus/bus.h"
#include "common/cleanup.h"
#include "monitor/register.h"
#include "monitor/services.h"
#include "util/log.h"

/* Each of our processes has one; the rest is for those that end just now. */
#define SPARE_CONNECTIONS 64

/* Whoever has connected has so long to say what it is. */
#define REGISTER_SECONDS 30

struct connection {
    struct monitor *monitor;
    struct connection *next;
    sd_bus *bus;
    pid_t pid;
    struct service *service; /* once it has registered */
    sd_event_source *timer;
};

static void connection_free(struct connection *connection)
{
    struct connection **link = &connection->monitor->connections;

    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    connection->monitor->n_connections--;

    sd_event_source_disable_unref(connection->timer);
    sd_bus_close_unref(connection->bus);
    free(connection);
}

static int on_closed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct connection *connection = userdata;
    struct service *service = connection->service;

    (void) message;
    (void) error;
    if (service && service->bus == connection->bus)
        service_unregistered(service);
    connection_free(connection);
    return 0;
}

static int on_silent(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct connection *connection = userdata;

    (void) source;
    (void) usec;
    log_warning("process %ld has connected and says nothing: closing", (long) connection->pid);
    connection_free(connection);
    return 0;
}

/* Who may have a name: the process that was started for it, and that one once. The pid is the kernel's word, and while
 * we have not reaped the process nobody else can have its number. */
static int check_service(const struct connection *connection, const char *name, struct service **ret, sd_bus_error *error)
{
    struct service *service = services_find(connection->monitor, name);

    if (connection->service)
        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "this connection is \"%s\" already",
                                 connection->service->name);
    if (!service)
        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "the configuration has no service \"%s\"", name);
    if (service->bus)
        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "\"%s\" is registered already", name);
    if (service->pid != connection->pid)
        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "process %ld was not started as \"%s\"",
                                 (long) connection->pid, name);
    *ret = service;
    return 0;
}

static int on_register_service(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct connection *connection = userdata;
    struct service *service = NULL;
    const char *name;
    uint16_t version;
    int r;

    r = sd_bus_message_read(message, "sq", &name, &version);
    if (r < 0)
        return r;
    r = check_service(connection, name, &service, error);
    if (r < 0) {
        log_warning("refusing process %ld: %s", (long) connection->pid, error->message);
        return r;
    }
    r = sd_bus_reply_method_return(message, "q", BUS_VERSION);
    if (r < 0)
        return r;

    connection->service = service;
    connection->timer = sd_event_source_disable_unref(connection->timer);
    service_registered(service, connection->bus);
    return 1;
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("RegisterService", "sq", "q", on_register_service, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static int on_connection(sd_bus *bus, const struct bus_peer *peer, void *userdata)
{
    struct monitor *monitor = userdata;
    struct connection *connection;
    int r;

    if (monitor->n_connections >= monitor->n_services + SPARE_CONNECTIONS)
        return -EBUSY;
    connection = calloc(1, sizeof(*connection));
    if (!connection)
        return -ENOMEM;
    connection->monitor = monitor;
    connection->next = monitor->connections;
    connection->bus = sd_bus_ref(bus);
    connection->pid = peer->pid;
    monitor->connections = connection;
    monitor->n_connections++;

    r = sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_MONITOR, vtable, connection);
    if (r >= 0)
        r = bus_watch_close(bus, on_closed, connection);
    if (r >= 0)
        r = sd_event_add_time_relative(monitor->event, &connection->timer, CLOCK_MONOTONIC,
                                       REGISTER_SECONDS * monitor->paths->second_usec, 0, on_silent, connection);
    if (r < 0)
        connection_free(connection);
    return r;
}

int register_init(struct monitor *monitor)
{
    const struct bus_access access = { monitor->responder_gid, { monitor->responder_uid, monitor->uid } };
    CLEANUP(freep) char *path = NULL;

    if (asprintf(&path, "%s/monitor.socket", monitor->paths->run_dir) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    return bus_listen(monitor->event, path, access, on_connection, monitor, &monitor->bus);
}

void register_done(struct monitor *monitor)
{
    monitor->bus = bus_server_free(monitor->bus);
    while (monitor->connections)
        connection_free(monitor->connections);
}
