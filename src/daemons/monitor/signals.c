/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>

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

/* Logs were moved, or the expiry tool has left its flag for the memory cache: responders look for that themselves. */
static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    struct monitor *monitor = userdata;

    (void) source;
    (void) info;
    (void) log_reopen(); /* it has told */
    services_call(monitor, SERVICE_BACKEND, "RotateLogs");
    services_call(monitor, SERVICE_RESPONDER, "RotateLogs");
    services_call(monitor, SERVICE_RESPONDER, "ClearMemcache");
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
