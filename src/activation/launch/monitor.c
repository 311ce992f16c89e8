/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitor: may a responder use sssd.service now, and if it is down, starting it. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/responders.h"
#include "launch/monitor.h"
#include "lib/manager.h"
#include "lib/pace.h"
#include "lib/state.h"

/* A healthy start takes a fraction of a second. Whoever waits longer may be a log-in. */
#define START_MSEC 4000
/* A restart first lets responders finish what they have, a few seconds at most. */
#define RESTART_MSEC 15000

static void say(char *why, size_t why_bytes, const char *text)
{
    (void) snprintf(why, why_bytes, "%s", text); /* a cut reason is still a reason */
}

/* Up, and not about to be stopped or restarted: a reload changes nothing. It is active only when its hook has written what it
 * runs. */
static bool is_up(const struct unit *monitor)
{
    return (strcmp(monitor->active, "active") == 0 || strcmp(monitor->active, "reloading") == 0) && strcmp(monitor->job, "stop") != 0 && !strstr(monitor->job, "restart");
}

bool monitor_is_ready(struct manager *manager, const struct state *state, const char *responder)
{
    struct unit monitor;

    return manager_state(manager, MONITOR, &monitor) == 0 && is_up(&monitor) && !state_monitor_owns(state, responder);
}

bool monitor_is_leaving(struct manager *manager)
{
    struct unit monitor;

    return manager_state(manager, MONITOR, &monitor) == 0 && strcmp(monitor.job, "stop") == 0;
}

static bool waits_for_its_restart(const struct unit *monitor)
{
    return strcmp(monitor->sub, "auto-restart") == 0;
}

/* How long its start is waited for: one that has taken long already keeps nobody else. */
static int start_msec(struct manager *manager, const struct unit *monitor)
{
    uint64_t began, msec;

    if (strcmp(monitor->active, "active") == 0 || strcmp(monitor->active, "deactivating") == 0)
        return RESTART_MSEC;
    if (strcmp(monitor->active, "activating") != 0 || waits_for_its_restart(monitor) ||
        manager_number(manager, MONITOR, "Unit", "InactiveExitTimestampMonotonic", &began) < 0 || began == 0)
        return START_MSEC;
    msec = (now_usec() - began) / 1000;
    return msec < START_MSEC ? START_MSEC - (int) msec : 0;
}

/* An administrator's stop wins (mode fail); a restart or a start that is under way is waited for. */
static bool start(struct manager *manager, const struct unit *monitor, char *why, size_t why_bytes)
{
    const int msec = start_msec(manager, monitor);
    enum job_result result;
    int r;

    r = msec > 0 ? manager_run(manager, "Start", MONITOR, "fail", msec, &result) : -ETIMEDOUT;
    if ((r == 0 && result == JOB_DONE) || r == -ENOTCONN) /* that nobody can be asked does not mean no */
        return true;

    say(why, why_bytes,
        r == -EDEADLK     ? MONITOR " is being stopped"
        : r == -ERFKILL   ? MONITOR " is masked"
        : r == -ENOENT    ? "there is no " MONITOR
        : r == -ETIMEDOUT ? MONITOR " takes long to start"
        : r < 0           ? MONITOR " could not be started"
        : result == JOB_SKIPPED
            ? MONITOR " was skipped by a condition of its unit (see: systemctl status " MONITOR ")"
            : MONITOR " did not start (see: systemctl status " MONITOR ")");
    return false;
}

bool monitor_ensure(struct manager *manager, const struct state *state, const char *responder, bool *ret_is_cold, char *why,
                    size_t why_bytes)
{
    struct unit monitor;
    int r;

    *ret_is_cold = false;
    r = manager_state(manager, MONITOR, &monitor);
    if (r < 0)
        return true; /* that nobody can be asked does not mean no */

    if (!is_up(&monitor)) {
        if ((!unit_is_up(&monitor) || waits_for_its_restart(&monitor)) && pace_usec_left(state, manager) > 0) {
            say(why, why_bytes, MONITOR " did not start a moment ago (see: systemctl status " MONITOR ")");
            return false;
        }
        if (!start(manager, &monitor, why, why_bytes))
            return false;
        *ret_is_cold = true;
    }

    /* Asked last: starting the monitor reads the configuration anew. */
    if (state_monitor_owns(state, responder)) {
        say(why, why_bytes, "the configuration gives it to the monitor (sss_activation status tells why)");
        return false;
    }
    return true;
}
