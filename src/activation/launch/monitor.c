/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitor: may a responder use sssd.service now, and if it is down, starting it. */

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "launch/monitor.h"
#include "lib/clock.h"
#include "lib/responders.h"
#include "lib/systemctl.h"

/* A healthy start takes a fraction of a second. Whoever waits longer may be a log-in. */
#define START_MSEC 4000
/* A restart first lets responders finish what they have, a few seconds at most. */
#define LEAVE_MSEC 15000
#define LOOK_EVERY_MSEC 20
#define ASK_EVERY_MSEC 500

#define HELD_TEXT MONITOR " was stopped by an administrator (systemctl start " MONITOR " ends that)"

bool monitor_is_ready(const struct state *state, const char *responder)
{
    return state_has(state, FLAG_RUNNING) && !state_has(state, FLAG_HELD) && !state_monitor_owns(state, responder) &&
           state_crashes(state, responder) < CRASHES_MAX;
}

static void say(char *why, size_t why_bytes, const char *text)
{
    (void) snprintf(why, why_bytes, "%s", text); /* a cut reason is still a reason */
}

/* A monitor that leaves still looks active: starting it then would do nothing. */
static void wait_until_left(const struct state *state)
{
    for (int waited = 0; waited < LEAVE_MSEC && state_has(state, FLAG_LEAVING); waited += LOOK_EVERY_MSEC) {
        /* A flag that was left by mistake costs no more than a slow start. */
        if (waited >= START_MSEC && waited % ASK_EVERY_MSEC == 0 &&
            !systemctl_property_is(MONITOR, "ActiveState", "deactivating"))
            return;
        sleep_msec(LOOK_EVERY_MSEC);
    }
}

static bool has_started(const void *state)
{
    return state_has(state, FLAG_RUNNING);
}

static enum monitor_verdict start(const struct state *state, char *why, size_t why_bytes)
{
    /* A conflicting job (an administrator's stop) wins: --job-mode=fail. */
    static const char *const arguments[] = { "--quiet", "--job-mode=fail", "start", MONITOR, NULL };
    int r;

    wait_until_left(state);
    if (state_has(state, FLAG_HELD)) {
        say(why, why_bytes, HELD_TEXT);
        return MONITOR_REFUSED;
    }
    /* The flag is there some time before systemctl has heard of it; one of before says nothing. */
    r = systemctl_run_for(arguments, START_MSEC, has_started(state) ? NULL : has_started, state);
    if (r == -ETIMEDOUT) {
        say(why, why_bytes, MONITOR " takes long to start");
        return MONITOR_REFUSED;
    }
    if (r != 0) {
        say(why, why_bytes, MONITOR " did not start (see: systemctl status " MONITOR ")");
        return MONITOR_START_FAILED;
    }

    /* Success is also what a start that a condition skipped reports. The flag can be missing where /run is full:
     * then the manager's word counts. */
    if (state_has(state, FLAG_RUNNING) || SYSTEMCTL("--quiet", "is-active", MONITOR) == 0)
        return MONITOR_READY;

    say(why, why_bytes, MONITOR " was skipped: no configuration, or held");
    return MONITOR_REFUSED;
}

enum monitor_verdict monitor_ensure(const struct state *state, const char *responder, char *why, size_t why_bytes)
{
    unsigned crashes = state_crashes(state, responder);
    enum monitor_verdict verdict;

    if (state_has(state, FLAG_HELD)) {
        say(why, why_bytes, HELD_TEXT);
        return MONITOR_REFUSED;
    }
    if (crashes >= CRASHES_MAX) {
        (void) snprintf(why, why_bytes, "it ended badly %u times in a row", crashes); /* fits */
        return MONITOR_REFUSED;
    }

    /* After a crash the flag is not believed: it may be the monitor that went. */
    if (crashes > 0 || !state_has(state, FLAG_RUNNING)) {
        if (geteuid() == 0) {
            verdict = start(state, why, why_bytes);
            if (verdict != MONITOR_READY)
                return verdict;
        } else if (!state_has(state, FLAG_RUNNING)) {
            say(why, why_bytes, MONITOR " is not running");
            return MONITOR_REFUSED;
        }
    }

    /* Asked last: starting the monitor reads the configuration anew. */
    if (state_monitor_owns(state, responder)) {
        say(why, why_bytes, "the configuration gives it to the monitor (sss_activation status tells why)");
        return MONITOR_REFUSED;
    }
    return MONITOR_READY;
}

void monitor_forget_failure(void)
{
    if (geteuid() == 0 && SYSTEMCTL("--quiet", "is-enabled", MONITOR) != 0)
        (void) SYSTEMCTL("reset-failed", MONITOR); /* fails where nothing is failed: masked, not found */
}
