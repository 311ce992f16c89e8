/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ownership: gives each responder's sockets to systemd or to the monitor, as the configuration says. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/responders.h"
#include "lib/config.h"
#include "lib/event.h"
#include "lib/log.h"
#include "lib/manager.h"
#include "lib/services.h"
#include "lib/state.h"
#include "lib/unix-sockets.h"
#include "tools/finish.h"
#include "tools/narrow.h"
#include "tools/ownership.h"
#include "tools/processes.h"
#include "tools/units.h"

/* A responder finishes in two seconds at most; systemd kills one that does not leave. */
#define JOBS_MSEC 120000

/* Units for which the same is to be done. */
struct list {
    const char *names[MANAGER_UNITS_MAX];
    size_t n;
};

/* All sockets and services of ours and the vendor's are fewer than fit. */
static void list_add(struct list *list, const char *unit)
{
    if (unit && list->n < MANAGER_UNITS_MAX)
        list->names[list->n++] = unit;
}

static int list_run(const struct list *list, struct manager *manager, const char *verb)
{
    int r;

    if (list->n == 0)
        return 0;
    r = manager_run_all(manager, verb, list->names, list->n, "replace", JOBS_MSEC);
    if (r < 0)
        log_warning("%s %s%s: %s", verb, list->names[0], list->n > 1 ? " ..." : "", manager_error(r));
    return r;
}

/* Returns 1 with what the configuration says; 0 when it can't be read, or the engine would not start with it: then
 * nobody's socket changes hands. */
static int read_services(struct services *ret)
{
    CLEANUP(conf_freep) struct conf *config = NULL;
    CLEANUP(freep) char *why = NULL;
    int r;

    *ret = (struct services) { .file = NULL };
    r = config_load(NULL, NULL, &config, &why);
    if (r == 0)
        return 1;
    if (r > 0)
        r = services_read(config, ret, &why);
    if (r <= 0)
        log_warning("%s: sockets stay whose they are", why ? why : strerror(-r));
    ret->file = NULL; /* it goes with the configuration */
    return r > 0;
}

static int read_running(struct manager *manager, int pids[RESPONDERS])
{
    int r = processes_of_monitor(manager, pids);

    if (r < 0)
        log_warning("cannot find out what the monitor runs: %s", strerror(-r));
    return r;
}

static int write_flags(const struct state *state, const bool *monitors)
{
    int r, first = 0;

    for (size_t i = 0; i < RESPONDERS; i++) {
        r = state_set_monitor_owns(state, responders[i].name, monitors[i]);
        if (r < 0 && first == 0)
            first = log_failure(r, "write to " STATE_DIR);
    }
    return first;
}

int ownership_decide(const struct state *state)
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

/* Our sockets do for the path what can be done: open, or closed because somebody wants it so. */
static bool have_taken_over(const struct unit *ours, bool monitors)
{
    for (size_t k = 0; k < UNITS_MAX; k++)
        if (!monitors && unit_is_enabled(&ours[k]) && !unit_is_up(&ours[k]))
            return false;
    return true;
}

/* Sends the distribution's units away, but not where ours failed: theirs still answer. */
static int retire_vendors(const struct state *state, struct manager *manager)
{
    struct responder_units its[RESPONDERS] = { 0 };
    struct list stop = { .n = 0 };
    pid_t serving[RESPONDERS];
    size_t n_serving = 0;
    int r;

    r = units_read_installed(manager, its);
    if (r < 0)
        return r;

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (!have_taken_over(its[i].sockets, state_monitor_owns(state, responders[i].name)))
            continue;
        for (size_t k = 0; k < UNITS_MAX; k++)
            if (unit_is_up(&its[i].vendor_sockets[k]))
                list_add(&stop, responders[i].vendor_sockets[k]);
        if (unit_is_up(&its[i].vendor_service)) {
            list_add(&stop, responders[i].vendor_service);
            if (its[i].vendor_service.main_pid > 0)
                serving[n_serving++] = its[i].vendor_service.main_pid;
        }
    }

    finish(serving, n_serving);
    return list_run(&stop, manager, "Stop");
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

static void log_hand_over(const struct responder *responder, bool monitors)
{
    event_log(EVENT_HANDED_OVER, responder->name, monitors ? "to the monitor" : "to systemd", "%s is %s from now on",
              responder->name, monitors ? "the monitor's" : "systemd's");
}

/* Whether the monitor has bound what it owns: before that, closing it would leave a path that answers nobody. */
enum closing { CLOSES_LATER, CLOSES };

/* What is to be done about sockets. */
struct moves {
    struct list leave, open, close, active;
    const char *paths[MANAGER_UNITS_MAX]; /* of those that are active */
    bool vendors_are_up, moved[RESPONDERS];
};

static void plan_one(struct moves *moves, const struct responder *responder, const struct responder_units *its, bool monitors)
{
    bool opening = false;

    for (size_t k = 0; k < UNITS_MAX; k++) {
        bool up = unit_is_up(&its->sockets[k]);
        bool opens = !monitors && !up && unit_is_enabled(&its->sockets[k]);

        if (monitors && up)
            list_add(&moves->close, responder->sockets[k]);
        if (opens)
            list_add(&moves->open, responder->sockets[k]);
        if (!monitors && strcmp(its->sockets[k].active, "active") == 0) {
            moves->paths[moves->active.n] = responder->paths[k];
            list_add(&moves->active, responder->sockets[k]);
        }
        opening = opening || opens;
        moves->moved[responder - responders] |= opens || (monitors && up);
        moves->vendors_are_up |= unit_is_up(&its->vendor_sockets[k]);
    }
    if (opening && unit_is_up(&its->service))
        list_add(&moves->leave, responder->service);
    moves->vendors_are_up |= unit_is_up(&its->vendor_service);
}

/* What is behind the others needs it, under our own engine. systemd opens none beside a service that is active: then that service has
 * to be restarted, which is somebody else's to say. */
static void plan_monitor_socket(struct moves *moves, struct manager *manager)
{
    static const char *const names[] = { MONITOR_SOCKET, MONITOR };
    struct unit units[2];

    if (engine_is_own() && manager_states(manager, names, 2, units) == 0 && strcmp(units[0].load, "loaded") == 0 &&
        !unit_is_up(&units[0]) && !unit_is_up(&units[1]))
        list_add(&moves->open, MONITOR_SOCKET);
}

/* Restarts those that no client reaches: whose path was deleted, or bound by somebody else. */
static int reopen(const struct moves *moves, struct manager *manager)
{
    int are_reached[MANAGER_UNITS_MAX];
    struct list deaf = { .n = 0 };

    if (moves->active.n == 0)
        return 0;
    unix_sockets_are_systemds(moves->paths, moves->active.n, are_reached);
    for (size_t i = 0; i < moves->active.n; i++)
        if (are_reached[i] == 0)
            list_add(&deaf, moves->active.names[i]);
    return list_run(&deaf, manager, "Restart");
}

/* Opens before it closes: a path that changes hands is bound anew while its old listener still answers. */
static int move_sockets(const struct state *state, struct manager *manager, const struct owners *before, enum closing closing)
{
    struct responder_units its[RESPONDERS] = { 0 };
    struct moves moves = { .vendors_are_up = false };
    int r, opened, reopened, closed;

    r = log_failure(units_read_installed(manager, its), "ask systemd for its sockets");
    if (r < 0)
        return r;
    for (size_t i = 0; i < RESPONDERS; i++)
        plan_one(&moves, &responders[i], &its[i], state_monitor_owns(state, responders[i].name));
    plan_monitor_socket(&moves, manager);

    (void) list_run(&moves.leave, manager, "Stop"); /* systemd opens no socket of a service that is active: what stays fails below */
    opened = list_run(&moves.open, manager, "Start");
    reopened = reopen(&moves, manager);
    r = moves.vendors_are_up ? retire_vendors(state, manager) : 0;
    closed = closing == CLOSES ? list_run(&moves.close, manager, "Stop") : 0;

    for (size_t i = 0; i < RESPONDERS; i++) {
        bool monitors = state_monitor_owns(state, responders[i].name);

        if (moves.moved[i] && before->monitors[i] != monitors)
            log_hand_over(&responders[i], monitors);
    }
    return opened < 0 ? opened : reopened < 0 ? reopened : closed < 0 ? closed : r;
}

/* Paths of responders that the configuration gives to the monitor and the state does not, or the other way round. */
static size_t paths_of(const struct state *state, const struct services *services, bool comes, const char **ret)
{
    size_t n = 0;

    for (size_t i = 0; i < RESPONDERS; i++)
        for (size_t k = 0; k < UNITS_MAX && responders[i].paths[k]; k++)
            if (!state_monitor_owns(state, responders[i].name) && (services->why[i] != NOT_THE_MONITORS) == comes)
                ret[n++] = responders[i].paths[k];
    return n;
}

/* Noted first, so that whoever finds it noted gives them their places back. */
static void narrow_queues(const struct state *state, const char *const *paths, size_t n)
{
    int r = state_set_narrowed(state, true);

    if (r >= 0)
        r = set_queues(paths, n, 0);
    if (r < 0)
        log_info("clients that come until the monitor has its sockets will be refused: %s", strerror(-r));
}

/* The monitor's responders will bind their paths anew. Until then clients are to come again: who waits in our queues then is
 * lost. Not where our own daemons listen: they take a path over from PID 1 alone, and the peer of a narrowed queue is who has
 * narrowed it. */
static void narrow_what_comes(const struct state *state, const struct services *services)
{
    const char *paths[RESPONDERS * UNITS_MAX];
    size_t n = paths_of(state, services, true, paths);

    if (n > 0 && !state_has_narrowed(state) && !engine_is_own())
        narrow_queues(state, paths, n);
}

/* Where the configuration has changed once more since, they get their places back. */
static void widen_what_stays(const struct state *state)
{
    const struct services nobodys = { .file = NULL };
    const char *paths[RESPONDERS * UNITS_MAX];
    size_t n = paths_of(state, &nobodys, false, paths);
    int r = 0;

    if (!state_has_narrowed(state))
        return;
    if (n > 0)
        r = set_queues(paths, n, SOMAXCONN);
    (void) state_set_narrowed(state, false); /* else they are widened again */
    if (r < 0)
        log_info("cannot widen the queues of sockets: %s", strerror(-r));
}

int ownership_apply(const struct state *state, struct manager *manager)
{
    const struct owners before = read_owners(state);
    int decided, moved;

    decided = ownership_decide(state);
    widen_what_stays(state);
    if (decided == 0)
        return 0; /* the monitor will refuse it too, and clients wait for that */
    moved = move_sockets(state, manager, &before, CLOSES_LATER);
    return decided < 0 ? decided : moved;
}

/* What the monitor runs is its own, whatever the configuration seems to say. Returns how many that are, or a negative errno. */
static int take_what_runs(const struct state *state, struct manager *manager, bool *ret_changed)
{
    int pids[RESPONDERS], r, n = 0;
    bool monitors[RESPONDERS];

    r = read_running(manager, pids);
    if (r < 0)
        return r;
    for (size_t i = 0; i < RESPONDERS; i++) {
        monitors[i] = pids[i] > 0;
        n += monitors[i];
        if (state_monitor_owns(state, responders[i].name) == monitors[i])
            continue;
        *ret_changed = true;
        if (state_has_owners(state)) /* else nobody has said anything yet */
            log_warning("%s: %s, other than the configuration seemed to say", responders[i].name,
                        monitors[i] ? "the monitor runs it" : "the monitor does not run it");
    }
    r = *ret_changed ? write_flags(state, monitors) : 0;
    return r < 0 ? r : n;
}

int ownership_apply_beside_monitor(const struct state *state, struct manager *manager)
{
    const struct owners before = read_owners(state);
    bool changed = !state_has_owners(state);
    struct unit monitor;
    int r;

    r = log_failure(manager_state(manager, MONITOR, &monitor), "ask systemd for " MONITOR);
    if (r < 0)
        return r;
    if (strcmp(monitor.job, "stop") == 0)
        return 0; /* what closes stays closed */
    /* On its way up or down, its hooks decide. Also beside a broken configuration sockets are to be open: clients are told
     * quickly. */
    if (strcmp(monitor.active, "active") != 0)
        r = strcmp(monitor.active, "activating") == 0 || strcmp(monitor.active, "deactivating") == 0 ? 0 : ownership_decide(state);
    else
        r = changed ? take_what_runs(state, manager, &changed) : 0;
    /* Not there yet where this version has just come. A stop of it that is on its way wins. */
    (void) manager_queue(manager, "Start", STOP_SERVICE, "fail");
    return r < 0 ? r : move_sockets(state, manager, &before, CLOSES);
}

int ownership_verify(const struct state *state, struct manager *manager)
{
    const struct owners before = read_owners(state);
    bool changed = false;
    int n = take_what_runs(state, manager, &changed);

    if (n < 0)
        return n;
    return n > 0 || changed ? move_sockets(state, manager, &before, CLOSES) : 0; /* a socket of one that runs may be open still */
}

/* The monitor's responders of which systemd has just got the sockets. Ours finish by themselves. */
static void finish_released(const struct state *state, struct manager *manager, const struct owners *before)
{
    pid_t serving[RESPONDERS];
    int pids[RESPONDERS];
    size_t n = 0;

    if (read_running(manager, pids) < 0)
        return; /* systemd ends them with it */
    for (size_t i = 0; i < RESPONDERS; i++)
        if (pids[i] > 0 && responders[i].sockets[0] && before->monitors[i] && !state_monitor_owns(state, responders[i].name))
            if (engine_of_process(pids[i]) != RUNS_OWN)
                serving[n++] = pids[i];
    finish(serving, n);
}

void ownership_narrow(const struct state *state)
{
    struct services services;

    if (read_services(&services) > 0)
        narrow_what_comes(state, &services);
}

int ownership_release(const struct state *state, struct manager *manager)
{
    const struct owners before = read_owners(state);
    struct owners after = before;
    struct services services;
    bool released = false;
    int r;

    if (read_services(&services) == 0)
        return 0;
    narrow_what_comes(state, &services);

    for (size_t i = 0; i < RESPONDERS; i++) {
        after.monitors[i] = before.monitors[i] && services.why[i] != NOT_THE_MONITORS;
        released = released || after.monitors[i] != before.monitors[i];
    }
    r = released ? write_flags(state, after.monitors) : 0;
    if (r < 0 || !released)
        return r;

    r = move_sockets(state, manager, &before, CLOSES_LATER);
    finish_released(state, manager, &before);
    return r;
}

int ownership_open(const struct state *state, struct manager *manager, const struct responder *responder)
{
    struct unit sockets[UNITS_MAX] = { 0 };
    struct list open = { .n = 0 };
    int r = 0;

    if (state_monitor_owns(state, responder->name) || !engine_has(responder))
        return 0;
    for (size_t k = 0; r >= 0 && k < UNITS_MAX && responder->sockets[k]; k++) {
        r = manager_read_file(manager, responder->sockets[k], &sockets[k]);
        if (unit_is_enabled(&sockets[k]))
            list_add(&open, responder->sockets[k]);
    }
    return r < 0 ? r : list_run(&open, manager, "Start");
}

/* Else a responder of our own engine would start the monitor again. It stands before the monitor, whose stop waits for ours: a job
 * that minds the order would never come to its turn. */
static int close_monitor_socket(struct manager *manager)
{
    enum job_result result;
    struct unit socket;
    int r;

    r = manager_state(manager, MONITOR_SOCKET, &socket);
    if (r >= 0 && unit_is_up(&socket))
        r = manager_run(manager, "Stop", MONITOR_SOCKET, "ignore-dependencies", JOBS_MSEC, &result);
    if (r < 0)
        log_warning("Stop " MONITOR_SOCKET ": %s", manager_error(r));
    return r;
}

int ownership_close(struct manager *manager)
{
    const char *names[MANAGER_UNITS_MAX];
    struct unit sockets[MANAGER_UNITS_MAX];
    struct list close = { .n = 0 };
    size_t n = 0;
    int r, closed;

    names[n++] = MONITOR_RETRY_TIMER;
    for (size_t i = 0; i < RESPONDERS; i++) {
        if (responders[i].retry_timer)
            names[n++] = responders[i].retry_timer;
        for (size_t k = 0; k < UNITS_MAX && responders[i].sockets[k]; k++)
            names[n++] = responders[i].sockets[k];
    }
    r = manager_states(manager, names, n, sockets);
    for (size_t i = 0; r >= 0 && i < n; i++)
        if (unit_is_up(&sockets[i]))
            list_add(&close, names[i]);
    if (r < 0)
        return r;
    r = close_monitor_socket(manager);
    closed = list_run(&close, manager, "Stop");
    return closed < 0 ? closed : r;
}
