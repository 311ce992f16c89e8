/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "bus/bus.h"
#include "common/cleanup.h"
#include "monitor/services.h"
#include "monitor/signals.h"
#include "util/log.h"
#include "util/signals.h"

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void) source;
    log_info("stopping on signal %u", info->ssi_signo);
    monitor_stop(userdata, 0);
    return 0;
}

/* Whoever left it waits until it has gone. */
static void remove_flag(const struct monitor *monitor)
{
    CLEANUP(freep) char *path = NULL;

    if (asprintf(&path, "%s/mc/clear_mc_flag", monitor->paths->state_dir) < 0) {
        path = NULL;
        return;
    }
    if (unlink(path) < 0 && errno != ENOENT)
        log_warning("cannot remove %s: %m", path);
}

static int on_cleared(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    (void) reply;
    (void) error;
    remove_flag(userdata);
    return 0;
}

/* The responder clears its files if the flag is there, and cannot remove that: the folder is not its own. Where none has them, they go
 * as a whole, and the next one makes new ones. */
static void clear_memcache(struct monitor *monitor)
{
    const struct service *nss = services_find(monitor, "nss");
    CLEANUP(freep) char *flag = NULL;

    if (nss && nss->bus && sd_bus_call_method_async(nss->bus, NULL, NULL, BUS_PATH, BUS_SERVICE, "ClearMemcache", on_cleared,
                                                    monitor, NULL) >= 0)
        return;
    if (asprintf(&flag, "%s/mc/clear_mc_flag", monitor->paths->state_dir) < 0) {
        flag = NULL;
        return;
    }
    if (access(flag, F_OK) == 0 && monitor_discard_memory_caches(monitor))
        remove_flag(monitor);
}

/* Logs were moved, or the expiry tool has left its flag for the memory cache. */
static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    struct monitor *monitor = userdata;

    (void) source;
    (void) info;
    (void) log_reopen(); /* it has told */
    services_call(monitor, SERVICE_BACKEND, "RotateLogs");
    services_call(monitor, SERVICE_RESPONDER, "RotateLogs");
    clear_memcache(monitor);
    return 0;
}

static int on_go_offline(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void) source;
    (void) info;
    services_call(userdata, SERVICE_BACKEND, "GoOffline");
    return 0;
}

static int on_go_online(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void) source;
    (void) info;
    services_call(userdata, SERVICE_BACKEND, "ResetOffline");
    return 0;
}

int signals_init(struct monitor *monitor)
{
    static const struct {
        int number;
        sd_event_signal_handler_t handler;
    } signals[] = {
        { SIGTERM, on_terminate }, { SIGINT, on_terminate }, { SIGHUP, on_hangup },
        { SIGUSR1, on_go_offline }, { SIGUSR2, on_go_online },
    };
    int r;

    (void) signal(SIGPIPE, SIG_IGN); /* cannot fail */

    r = signal_keep(SIGCHLD); /* of the services */
    for (size_t i = 0; r >= 0 && i < sizeof(signals) / sizeof(signals[0]); i++)
        r = signal_watch(monitor->event, signals[i].number, signals[i].handler, monitor);
    return r;
}
