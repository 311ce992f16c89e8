/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ownership: gives each responder's sockets to systemd or to the monitor, as the configuration says. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/config.h"
#include "lib/event.h"
#include "lib/log.h"
#include "lib/responders.h"
#include "lib/services.h"
#include "lib/systemctl.h"
#include "tools/finish.h"
#include "tools/ownership.h"
#include "tools/processes.h"
#include "tools/units.h"

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

/* Which responders run in that control group, "" for none, whatever the configuration says. */
static void read_running(const char *control_group, bool *monitors)
{
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
    struct responder_units its[RESPONDERS] = { 0 };
    struct call stop = { 0 };
    pid_t serving[RESPONDERS];
    size_t n_serving = 0;
    int r;

    r = units_read_installed(its);
    if (r < 0)
        return r;

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (!have_taken_over(its[i].sockets, state_monitor_owns(state, responders[i].name)))
            continue;
        for (size_t k = 0; k < UNITS_MAX; k++)
            if (unit_is_up(&its[i].vendor_sockets[k]))
                call_add(&stop, responders[i].vendor_sockets[k]);
        if (unit_is_up(&its[i].vendor_service)) {
            call_add(&stop, responders[i].vendor_service);
            if (its[i].vendor_service.main_pid > 0)
                serving[n_serving++] = its[i].vendor_service.main_pid;
        }
    }

    finish(serving, n_serving);
    return call_run(&stop, "stop");
}

/* Whose each responder was before something changed. */
struct owners {
    bool monitors[RESPONDERS];
};

static struct owners read_owners(const struct state *state)
{
    struct owners owners;

    for (size_t i = 0; i < RESPONDERS; i++)
        owners.monitors[i] = state_monitor_owns(state, responders[i].name);
    return owners;
}

/* Holds "sss-nss.socket" open by "sss-handover@nss.service" until the monitor has its path. */
struct relays {
    char names[RESPONDERS * UNITS_MAX][48];
    struct call start;
};

static void relays_add(struct relays *relays, const char *socket)
{
    char *name = relays->names[relays->start.n];
    const char *from = strchr(socket, '-') + 1;

    (void) snprintf(name, sizeof(relays->names[0]), "sss-handover@%.*s.service", (int) strcspn(from, "."), from); /* fits */
    call_add(&relays->start, name);
}

int ownership_stop_relays(void)
{
    return SYSTEMCTL("--quiet", "stop", "sss-handover@*.service") == 0 ? 0 : -EIO; /* none is no failure */
}

static void log_hand_over(const struct responder *responder, bool monitors)
{
    if (monitors)
        event_log(EVENT_HANDED_OVER, responder->name, "to the monitor", "%s is the monitor's from now on", responder->name);
    else
        event_log(EVENT_HANDED_OVER, responder->name, "to systemd", "%s is systemd's from now on", responder->name);
}

/* Opens before it closes: a path that changes hands is bound anew while its old listener still answers. Where a
 * monitor starts or runs that will bind the path, or has, nobody's socket closes before a relay holds it, too. */
static int move_sockets(const struct state *state, const struct owners *before, bool has_monitor)
{
    struct responder_units its[RESPONDERS] = { 0 };
    struct call leave = { 0 }, open = { 0 }, close = { 0 };
    struct relays relays = { 0 };
    bool vendors_are_up = false, moved[RESPONDERS] = { false };
    int r, opened, closed;

    r = units_read_installed(its);
    if (r < 0) {
        log_error("cannot ask systemd for its sockets: %s", strerror(-r));
        return r;
    }

    for (size_t i = 0; i < RESPONDERS; i++) {
        bool monitors = state_monitor_owns(state, responders[i].name), opening = false;

        for (size_t k = 0; k < UNITS_MAX; k++) {
            bool closes = monitors && unit_is_up(&its[i].sockets[k]);
            bool opens = !monitors && !unit_is_up(&its[i].sockets[k]) && unit_is_enabled(&its[i].sockets[k]);

            if (closes)
                call_add(&close, responders[i].sockets[k]);
            if (closes && has_monitor)
                relays_add(&relays, responders[i].sockets[k]);
            if (opens)
                call_add(&open, responders[i].sockets[k]);
            opening = opening || opens;
            moved[i] = moved[i] || closes || opens;
            vendors_are_up = vendors_are_up || unit_is_up(&its[i].vendor_sockets[k]);
        }
        if (opening && unit_is_up(&its[i].service))
            call_add(&leave, responders[i].service);
        vendors_are_up = vendors_are_up || unit_is_up(&its[i].vendor_service);
    }

    (void) call_run(&leave, "stop"); /* systemd opens no socket of a service that is active: what stays fails below */
    opened = call_run(&open, "start");
    r = vendors_are_up ? retire_vendors(state) : 0;
    /* One of a hand-over before may still be there, with another listener. A failure is said there; without relays
     * who waits is refused. */
    (void) call_run(&relays.start, "restart");
    closed = call_run(&close, "stop");

    for (size_t i = 0; i < RESPONDERS; i++) {
        bool monitors = state_monitor_owns(state, responders[i].name);

        if (moved[i] && before->monitors[i] != monitors)
            log_hand_over(&responders[i], monitors);
    }
    return opened < 0 ? opened : closed < 0 ? closed : r;
}

int ownership_apply(const struct state *state)
{
    const struct owners before = read_owners(state);
    int decided, moved;

    decided = decide(state);
    if (decided == 0)
        return 0; /* the monitor will refuse it too, and clients wait for that */
    moved = move_sockets(state, &before, true);
    return decided < 0 ? decided : moved;
}

int ownership_apply_beside_monitor(const struct state *state)
{
    const struct owners before = read_owners(state);
    char active[32], control_group[PATH_MAX];
    bool monitors[RESPONDERS];
    int r;

    systemctl_property(MONITOR, "ActiveState", active, sizeof(active));
    if (strcmp(active, "active") != 0) {
        /* On its way up or down, its hooks do what is to be done. */
        r = strcmp(active, "activating") == 0 || strcmp(active, "deactivating") == 0 ? 0 : ownership_decide(state);
        return r < 0 ? r : move_sockets(state, &before, false); /* also beside a broken configuration: clients are to be told quickly */
    }

    /* Installed into a running system, nobody has said so yet. */
    r = state_has(state, FLAG_LEAVING) ? 0 : state_set(state, FLAG_RUNNING, true);
    if (r < 0)
        log_warning("cannot write to " STATE_DIR ": %s", strerror(-r));
    if (!systemctl_property_is(MONITOR, "ActiveState", "active"))
        (void) state_set(state, FLAG_RUNNING, false); /* it stopped meanwhile */

    /* Nobody has said yet who owns what: what it runs is its own. */
    if (!state_has_owners(state)) {
        systemctl_property(MONITOR, "ControlGroup", control_group, sizeof(control_group));
        read_running(control_group, monitors);
        r = write_flags(state, monitors);
        if (r < 0)
            return r;
    }
    return move_sockets(state, &before, true);
}

static int find_control_group(pid_t monitor, char *text, size_t bytes)
{
    int r = process_control_group(monitor, text, bytes);

    if (r < 0)
        log_warning("cannot find out in which control group the monitor is: %s", strerror(-r));
    return r;
}

int ownership_verify(const struct state *state, pid_t monitor)
{
    const struct owners before = read_owners(state);
    bool monitors[RESPONDERS], moved = false;
    char control_group[PATH_MAX] = "";
    int r;

    r = find_control_group(monitor, control_group, sizeof(control_group));
    if (r < 0)
        return r;
    read_running(control_group, monitors);
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
    if (!moved)
        return 0;
    (void) ownership_stop_relays(); /* what stays ends by itself */
    return move_sockets(state, &before, true);
}

/* The monitor's responders of which systemd has just got the sockets. */
static void finish_released(const struct state *state, const struct owners *before, pid_t monitor)
{
    char control_group[PATH_MAX];
    pid_t serving[RESPONDERS];
    size_t n = 0;

    if (find_control_group(monitor, control_group, sizeof(control_group)) < 0)
        return; /* systemd ends them with it */
    for (size_t i = 0; i < RESPONDERS; i++) {
        int pid;

        if (!responders[i].sockets[0] || !before->monitors[i] || state_monitor_owns(state, responders[i].name))
            continue;
        pid = process_find(responders[i].program, control_group);
        if (pid > 0)
            serving[n++] = pid;
    }
    finish(serving, n);
}

int ownership_release(const struct state *state, pid_t monitor)
{
    const struct owners before = read_owners(state);
    struct services services;
    bool released = false;
    int r;

    if (read_services(&services) == 0)
        return 0;

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (services.why[i] != NOT_THE_MONITORS || !before.monitors[i])
            continue;

        r = state_set_monitor_owns(state, responders[i].name, false);
        if (r < 0) {
            log_error("cannot write to " STATE_DIR ": %s", strerror(-r));
            return r;
        }
        released = true;
    }
    if (!released)
        return 0;

    r = move_sockets(state, &before, true);
    finish_released(state, &before, monitor);
    return r;
}
