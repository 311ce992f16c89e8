/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitor: may a responder use sssd.service now, and if it is down, starting it. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launch/monitor.h"
#include "lib/systemctl.h"

#define MONITOR "sssd.service"

bool monitor_is_ready(const struct state *state, const char *responder)
{
    return state_has(state, FLAG_RUNNING) && !state_has(state, FLAG_HELD) && !state_monitor_owns(state, responder) &&
           state_crashes(state, responder) < CRASHES_MAX;
}

static void say(char *why, size_t why_bytes, const char *text)
{
    (void) snprintf(why, why_bytes, "%s", text); /* a cut reason is still a reason */
}

static void say_start_failed(char *why, size_t why_bytes)
{
    char load[32], result[32];

    systemctl_property(MONITOR, "LoadState", load, sizeof(load));
    systemctl_property(MONITOR, "Result", result, sizeof(result));
    (void) snprintf(why, why_bytes, "%s %s%s (see: systemctl status " MONITOR ")", MONITOR,
                    strcmp(load, "loaded") == 0 ? "did not start: " : "is ",
                    strcmp(load, "loaded") == 0 ? result : load); /* a cut reason is still a reason */
}

/* A unit nobody enabled is not to be left failed by a start that nobody typed: the journal has the reason. */
static void forget_failure(void)
{
    if (SYSTEMCTL("--quiet", "is-enabled", MONITOR) != 0)
        (void) SYSTEMCTL("reset-failed", MONITOR); /* fails where nothing is failed: masked, not found */
}

static int start(const struct state *state, char *why, size_t why_bytes)
{
    /* A conflicting job (an administrator's stop) wins: --job-mode=fail. */
    if (SYSTEMCTL("--quiet", "--job-mode=fail", "start", MONITOR) != 0) {
        say_start_failed(why, why_bytes);
        forget_failure();
        return 0;
    }

    /* Success is also what a start that a condition skipped reports. The flag can be missing where /run is full:
     * then the manager's word counts. */
    if (state_has(state, FLAG_RUNNING) || SYSTEMCTL("--quiet", "is-active", MONITOR) == 0)
        return 1;

    say(why, why_bytes, MONITOR " was skipped: no configuration, or held");
    return 0;
}

int monitor_ensure(const struct state *state, const char *responder, char *why, size_t why_bytes)
{
    unsigned crashes = state_crashes(state, responder);

    if (state_has(state, FLAG_HELD)) {
        say(why, why_bytes, MONITOR " was stopped by an administrator (systemctl start " MONITOR " ends that)");
        return 0;
    }
    if (crashes >= CRASHES_MAX) {
        (void) snprintf(why, why_bytes, "it ended badly %u times in a row", crashes); /* fits */
        return 0;
    }

    /* After a crash the flag is not believed: it may be the monitor that went. */
    if (crashes > 0 || !state_has(state, FLAG_RUNNING)) {
        if (geteuid() == 0) {
            if (start(state, why, why_bytes) == 0)
                return 0;
        } else if (!state_has(state, FLAG_RUNNING)) {
            say(why, why_bytes, MONITOR " is not running");
            return 0;
        }
    }

    /* Asked last: starting the monitor reads the configuration anew. */
    if (state_monitor_owns(state, responder)) {
        say(why, why_bytes, "the configuration gives it to the monitor (sss_activation status tells why)");
        return 0;
    }
    return 1;
}
