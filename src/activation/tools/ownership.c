/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ownership: gives each responder's sockets to systemd or to the monitor, as the configuration says. */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/responders.h"
#include "lib/services.h"
#include "lib/systemctl.h"
#include "tools/ownership.h"
#include "tools/processes.h"
#include "tools/units.h"

/* Time for a responder of the distribution's units to take whom its replaced socket still has in its queue. */
#define DRAIN_MSEC 200

#define NAMES_MAX (RESPONDERS * UNITS_MAX * 2)

/* A systemctl call in the making: "start", unit, unit, ... */
struct call {
    const char *arguments[NAMES_MAX + 2];
    size_t n;
};

static void call_add(struct call *call, const char *unit)
{
    if (unit && call->n < NAMES_MAX)
        call->arguments[1 + call->n++] = unit;
}

static int call_run(struct call *call, const char *verb)
{
    int r;

    if (call->n == 0)
        return 0;

    call->arguments[0] = verb;
    r = systemctl_run(call->arguments);
    if (r != 0)
        log_warning("systemctl %s %s%s: failed", verb, call->arguments[1], call->n > 1 ? " ..." : "");
    return r < 0 ? r : r > 0 ? -EIO : 0;
}

/* Returns 1 with what the configuration says; 0 when it can't be read, or the engine would not start with it: then
 * nobody's socket changes hands. */
static int read_services(struct services *ret)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *why = NULL;
    int r;

    *ret = (struct services) { .file = NULL };
    r = config_load(CONFIG_DIR, SSSD_ENGINE, &config, &why);
    if (r == 0)
        return 1;
    if (r > 0)
        r = services_read(config, ret, &why);
    if (r <= 0) {
        log_warning("%s: sockets stay whose they are", why ? why : strerror(-r));
        *ret = (struct services) { .file = NULL };
        return 0;
    }

    ret->file = NULL; /* it goes with the configuration */
    return 1;
}

/* Which responders the monitor runs, whatever the configuration says. */
static void read_running(bool *monitors)
{
    char control_group[PATH_MAX];

    systemctl_property(MONITOR, "ControlGroup", control_group, sizeof(control_group));
    for (size_t i = 0; i < RESPONDERS; i++)
        monitors[i] = control_group[0] && process_find(responders[i].program, control_group) > 0;
}

static int write_flags(const struct state *state, const bool *monitors)
{
    int r, first = 0;

    for (size_t i = 0; i < RESPONDERS; i++) {
        r = state_set_monitor_owns(state, responders[i].name, monitors[i]);
        if (r < 0 && first == 0) {
            log_error("cannot write to " STATE_DIR ": %s", strerror(-r));
            first = r;
        }
    }
    return first;
}

/* Returns 1 when the flags say what the configuration does, 0 when that can't be read, or a negative errno. */
static int decide(const struct state *state)
{
    bool monitors[RESPONDERS];
    struct services services;
    int r;

    if (read_services(&services) == 0)
        return 0;
    for (size_t i = 0; i < RESPONDERS; i++)
        monitors[i] = services.why[i] != NOT_THE_MONITORS;
    r = write_flags(state, monitors);
    return r < 0 ? r : 1;
}

int ownership_decide(const struct state *state)
{
    int r = decide(state);

    return r < 0 ? r : 0;
}

static int read_units(struct unit ours[RESPONDERS][UNITS_MAX], struct unit vendors[RESPONDERS][UNITS_MAX + 1])
{
    struct units units = { .n = 0 };

    for (size_t i = 0; i < RESPONDERS; i++) {
        for (size_t k = 0; k < UNITS_MAX; k++) {
            units_add(&units, responders[i].sockets[k], &ours[i][k]);
            units_add(&units, responders[i].vendor_sockets[k], &vendors[i][k]);
        }
        units_add(&units, responders[i].vendor_service, &vendors[i][UNITS_MAX]);
    }
    return units_read(&units);
}

static void drain(void)
{
    const struct timespec pause = { .tv_nsec = DRAIN_MSEC * 1000000L };

    (void) nanosleep(&pause, NULL); /* shorter by a signal: then it is shorter */
}

/* Our sockets do for the path what can be done: open, or closed because somebody wants it so. */
static bool have_taken_over(const struct unit *ours, bool monitors)
{
    for (size_t k = 0; k < UNITS_MAX; k++)
        if (!monitors && unit_is_enabled(&ours[k]) && !unit_is_up(&ours[k]))
            return false;
    return true;
}

/* Sends the distribution's units away, but not where ours failed: theirs still answer. */
static int retire_vendors(const struct state *state)
{
    struct unit ours[RESPONDERS][UNITS_MAX] = { 0 }, vendors[RESPONDERS][UNITS_MAX + 1] = { 0 };
    struct call stop = { 0 };
    bool serving = false;
    int r;

    r = read_units(ours, vendors);
    if (r < 0)
        return r;

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (!have_taken_over(ours[i], state_monitor_owns(state, responders[i].name)))
            continue;
        for (size_t k = 0; k < UNITS_MAX; k++)
            if (unit_is_up(&vendors[i][k]))
                call_add(&stop, responders[i].vendor_sockets[k]);
        if (unit_is_up(&vendors[i][UNITS_MAX])) {
            call_add(&stop, responders[i].vendor_service);
            serving = true;
        }
    }

    if (serving)
        drain();
    return call_run(&stop, "stop");
}

/* Opens before it closes: a path that changes hands is bound anew while its old listener still answers. */
static int move_sockets(const struct state *state)
{
    struct unit ours[RESPONDERS][UNITS_MAX] = { 0 }, vendors[RESPONDERS][UNITS_MAX + 1] = { 0 };
    struct call open = { 0 }, close = { 0 };
    bool vendors_are_up = false;
    int r, opened, closed;

    r = read_units(ours, vendors);
    if (r < 0) {
        log_error("cannot ask systemd for its sockets: %s", strerror(-r));
        return r;
    }

    for (size_t i = 0; i < RESPONDERS; i++) {
        bool monitors = state_monitor_owns(state, responders[i].name);

        for (size_t k = 0; k < UNITS_MAX; k++) {
            if (monitors && unit_is_up(&ours[i][k]))
                call_add(&close, responders[i].sockets[k]);
            if (!monitors && !unit_is_up(&ours[i][k]) && unit_is_enabled(&ours[i][k]))
                call_add(&open, responders[i].sockets[k]);
            vendors_are_up = vendors_are_up || unit_is_up(&vendors[i][k]);
        }
        vendors_are_up = vendors_are_up || unit_is_up(&vendors[i][UNITS_MAX]);
    }

    opened = call_run(&open, "start");
    r = vendors_are_up ? retire_vendors(state) : 0;
    closed = call_run(&close, "stop");
    return opened < 0 ? opened : closed < 0 ? closed : r;
}

int ownership_apply(const struct state *state)
{
    int decided, moved;

    decided = decide(state);
    if (decided == 0)
        return 0; /* the monitor will refuse it too, and clients wait for that */
    moved = move_sockets(state);
    return decided < 0 ? decided : moved;
}

int ownership_apply_beside_monitor(const struct state *state)
{
    bool monitors[RESPONDERS];
    int r;

    if (!systemctl_property_is(MONITOR, "ActiveState", "active")) {
        r = ownership_decide(state);
        return r < 0 ? r : move_sockets(state); /* also beside a broken configuration: clients are to be told quickly */
    }

    /* Installed into a running system, nobody has said so yet. */
    r = state_set(state, FLAG_RUNNING, true);
    if (r < 0)
        log_warning("cannot write to " STATE_DIR ": %s", strerror(-r));
    if (!systemctl_property_is(MONITOR, "ActiveState", "active"))
        (void) state_set(state, FLAG_RUNNING, false); /* it stopped meanwhile */

    /* Nobody has said yet who owns what: what it runs is its own. */
    if (!state_has_owners(state)) {
        read_running(monitors);
        r = write_flags(state, monitors);
        if (r < 0)
            return r;
    }
    return move_sockets(state);
}

int ownership_verify(const struct state *state)
{
    bool monitors[RESPONDERS], moved = false;
    int r;

    read_running(monitors);
    for (size_t i = 0; i < RESPONDERS; i++) {
        bool said = state_monitor_owns(state, responders[i].name);
        bool runs = monitors[i];

        if (said == runs)
            continue;
        log_warning("%s: %s, other than the configuration seemed to say", responders[i].name,
                    runs ? "the monitor runs it" : "the monitor does not run it");
        r = state_set_monitor_owns(state, responders[i].name, runs);
        if (r < 0) {
            log_error("cannot write to " STATE_DIR ": %s", strerror(-r));
            return r;
        }
        moved = true;
    }
    return moved ? move_sockets(state) : 0;
}

int ownership_release(const struct state *state)
{
    struct services services;
    int r;

    if (read_services(&services) == 0)
        return 0;

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (services.why[i] != NOT_THE_MONITORS || !state_monitor_owns(state, responders[i].name))
            continue;

        r = state_set_monitor_owns(state, responders[i].name, false);
        if (r < 0) {
            log_error("cannot write to " STATE_DIR ": %s", strerror(-r));
            return r;
        }
    }
    return move_sockets(state);
}
