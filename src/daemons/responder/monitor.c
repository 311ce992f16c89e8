/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitor: the responder's connection to it. */

#include <errno.h>
#include <stdlib.h>

#include "bus/bus.h"
#include "common/cleanup.h"
#include "config/config.h"
#include "config/image.h"
#include "responder/private.h"
#include "util/log.h"
#include "util/paths.h"

static int on_clear_memcache(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    struct responder *responder = userdata;

    (void) ret_error;
    if (responder->spec->clear_memcache && responder->state)
        responder->spec->clear_memcache(responder->state);
    return sd_bus_reply_method_return(message, NULL);
}

static const sd_bus_vtable service_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("RotateLogs", NULL, NULL, bus_on_rotate_logs, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ClearMemcache", NULL, NULL, on_clear_memcache, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

/* Who started it restarts it, too, and that is the monitor: without one it would go on with a configuration that nobody
 * can change any more. */
static int monitor_has_gone(struct responder *responder)
{
    log_info("the monitor has gone: leaving");
    return responder_leave(responder, EXIT_SUCCESS);
}

static int on_closed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    (void) message;
    (void) ret_error;
    return monitor_has_gone(userdata);
}

/* What it is to work with. One that has read another configuration leaves: the next one has this. */
static int take_part(struct responder *responder, sd_bus_message *reply)
{
    CLEANUP(config_freep) struct config *part = NULL;
    const void *image;
    size_t bytes;
    int r;

    r = sd_bus_message_skip(reply, "q");
    if (r >= 0)
        r = sd_bus_message_read_array(reply, 'y', &image, &bytes);
    if (r >= 0)
        r = config_from_image(image, bytes, &part);
    if (r < 0) {
        log_error_errno(r, "cannot read what the monitor says of the configuration: %m");
        return responder_leave(responder, EXIT_FAILURE);
    }

    log_info("registered at the monitor");
    if (config_is_same(responder->config, part))
        return 0;
    log_info("the configuration has changed: leaving");
    return responder_leave(responder, EXIT_SUCCESS);
}

static int on_registered(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    struct responder *responder = userdata;
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    (void) ret_error;
    if (!error)
        return take_part(responder, reply);
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || sd_bus_error_get_errno(error) == ECONNRESET)
        return monitor_has_gone(responder);
    log_error("the monitor refuses this service: %s", error->message);
    return responder_leave(responder, EXIT_FAILURE);
}

int monitor_join(void *userdata)
{
    struct responder *responder = userdata;
    int r;

    responder->monitor = sd_bus_close_unref(responder->monitor);
    r = bus_connect(responder->event, MONITOR_BUS, 0, &responder->monitor);
    if (r >= 0)
        r = bus_watch_close(responder->monitor, on_closed, responder);
    if (r >= 0)
        r = sd_bus_add_object_vtable(responder->monitor, NULL, BUS_PATH, BUS_SERVICE, service_vtable, responder);
    if (r >= 0)
        r = sd_bus_call_method_async(responder->monitor, NULL, NULL, BUS_PATH, BUS_MONITOR, "RegisterService", on_registered,
                                     responder, BUS_REGISTER_TAKES, responder->spec->name, BUS_VERSION);
    if (r < 0)
        log_error_errno(r, "cannot connect to the monitor at %s: %m", MONITOR_BUS);
    return r < 0 ? r : 0;
}
