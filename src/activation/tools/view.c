/* SPDX-License-Identifier: GPL-3.0-or-later */
/* View: all that is known of the responders at this moment. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "lib/config.h"
#include "lib/manager.h"
#include "lib/residency.h"
#include "lib/state.h"
#include "lib/unix-sockets.h"
#include "tools/bound.h"
#include "tools/engines.h"
#include "tools/ownership.h"
#include "tools/processes.h"
#include "tools/providers.h"
#include "tools/view.h"

/* --- The configuration ---------------------------------------------------------------------------------------- */

void configuration_view_read(struct configuration_view *ret)
{
    struct services services;
    int r;

    *ret = (struct configuration_view) { .says = NULL };
    r = config_load(NULL, NULL, &ret->config, &ret->says);
    if (r == 0) {
        ret->verdict = CONFIGURATION_NONE;
        return;
    }
    if (r > 0)
        r = services_read(ret->config, &services, &ret->says);
    if (r > 0)
        r = providers_are_there(ret->config, &ret->says);
    if (r > 0 && engine_is_own()) { /* it knows best */
        int takes = engine_takes(true, &ret->says);

        r = takes == 0 ? 0 : r; /* one that can't be asked says nothing */
    }
    if (r > 0) {
        ret->services = services;
        ret->may_leave = residency_may_leave(ret->config, ret->stays_since, sizeof(ret->stays_since)) > 0;
        return;
    }

    ret->verdict = r == -ENOMEM || (r == -EACCES && geteuid() != 0) ? CONFIGURATION_UNREADABLE : CONFIGURATION_REFUSED;
    if (!ret->says)
        ret->says = strdup(strerror(-r)); /* without memory it stays NULL, and the verdict has to do */
}

void configuration_view_done(struct configuration_view *view)
{
    free(view->says);
    view->says = NULL;
    view->config = conf_free(view->config);
}

/* --- Units and processes -------------------------------------------------------------------------------------- */

static int read_units(struct view *view, struct manager *manager, struct unit retry_timers[RESPONDERS])
{
    const char *names[RESPONDERS];
    size_t n = 0;
    int r;

    r = units_read_all(manager, view->units, &view->monitor);
    for (; n < RESPONDERS && responders[n].retry_timer; n++) /* all that have one come first */
        names[n] = responders[n].retry_timer;
    return r < 0 ? r : manager_states(manager, names, n, retry_timers);
}

static enum view_socket state_of_socket(const struct unit *unit, const char *path)
{
    if (strcmp(unit->load, "not-found") == 0)
        return SOCKET_ABSENT;
    if (strcmp(unit->load, "masked") == 0)
        return SOCKET_MASKED;
    if (strcmp(unit->active, "failed") == 0)
        return SOCKET_FAILED;
    if (unit_is_up(unit))
        return unix_socket_is_systemds(path) == 0 ? SOCKET_UNREACHABLE : SOCKET_LISTENING;
    return unit_is_enabled(unit) ? SOCKET_CLOSED : SOCKET_DISABLED;
}

/* One that does not listen says more than the other. Newer engines lack the private one of PAM. */
static enum view_socket state_of_sockets(const struct responder_view *view, bool retries)
{
    enum view_socket state = SOCKET_ABSENT;

    if (!view->responder->sockets[0])
        return SOCKET_DBUS;
    for (size_t k = 0; k < UNITS_MAX && view->responder->sockets[k]; k++) {
        enum view_socket one = state_of_socket(&view->units->sockets[k], view->responder->paths[k]);

        if (one != SOCKET_ABSENT && (state == SOCKET_ABSENT || state == SOCKET_LISTENING))
            state = one;
    }
    return retries && (state == SOCKET_CLOSED || state == SOCKET_DISABLED) ? SOCKET_REFUSING : state;
}

static bool is_there(const struct responder *responder)
{
    char program[PATH_MAX];

    engine_program(responder, engine_is_own(), program);
    return access(program, F_OK) == 0;
}

static void read_trouble(const struct state *state, struct responder_view *view)
{
    char program[PATH_MAX];

    if (view->socket != SOCKET_REFUSING)
        return;
    engine_program(view->responder, engine_is_own(), program);
    if (access(program, X_OK) < 0)
        (void) snprintf(view->trouble, sizeof(view->trouble), "%.100s can't be run", program);
    else if (!state_refusal(state, view->responder->name, view->trouble, sizeof(view->trouble)) || !view->trouble[0])
        (void) snprintf(view->trouble, sizeof(view->trouble), "it ended badly again and again"); /* fits */
}

/* The configuration apart, of which is told elsewhere. */
static int read_monitors_trouble(struct view *view, struct manager *manager)
{
    bool is_missing = strcmp(view->monitor.load, "not-found") == 0; /* with SSSD's package */
    char condition[256];
    int r;

    if (unit_is_up(&view->monitor) || (view->configuration.verdict == CONFIGURATION_NONE && !is_missing))
        return 0;
    if (is_missing || strcmp(view->monitor.load, "masked") == 0) {
        (void) snprintf(view->trouble, sizeof(view->trouble), MONITOR " is %s", view->monitor.load); /* these fit */
        return 0;
    }
    r = monitor_was_skipped(manager, condition, sizeof(condition));
    if (r > 0)
        (void) snprintf(view->trouble, sizeof(view->trouble), MONITOR " was skipped at its last start: %s", condition);
    else if (r == 0 && strcmp(view->monitor.active, "failed") == 0)
        (void) snprintf(view->trouble, sizeof(view->trouble), MONITOR " has failed (see: systemctl status " MONITOR ")");
    return r < 0 ? r : 0;
}

/* By its short name, which anybody may read. The launcher is that for moments, unless it refuses. */
static bool is_launcher(int pid)
{
    CLEANUP(fclosep) FILE *file = NULL;
    char path[32], name[32];

    (void) snprintf(path, sizeof(path), "/proc/%d/comm", pid); /* fits */
    file = fopen(path, "re");
    return file && fgets(name, sizeof(name), file) && strcmp(name, "launch\n") == 0; /* else gone meanwhile */
}

/* --- Why ------------------------------------------------------------------------------------------------------ */

static enum view_why why_of(const struct responder_view *view, const struct configuration_view *configuration)
{
    enum services_why said = configuration->services.why[view->responder - responders];

    if (!view->installed)
        return WHY_NOT_INSTALLED;
    if (configuration->verdict == CONFIGURATION_UNREADABLE || configuration->verdict == CONFIGURATION_REFUSED)
        return WHY_UNKNOWN;
    return view->monitors != (said != NOT_THE_MONITORS) ? WHY_CHANGED : (enum view_why) said;
}

static bool has_failed(const struct responder_view *view)
{
    return strcmp(view->units->service.active, "failed") == 0;
}

/* Switched off by an administrator is not bad; that nobody serves though nobody wanted it so is. */
static bool is_bad(const struct view *view, const struct responder_view *responder)
{
    if (responder->socket == SOCKET_REFUSING)
        return true; /* its program may be what is missing */
    if (!responder->installed)
        return false;
    if (has_failed(responder))
        return true;
    if (responder->monitors)
        return !unit_is_up(&view->monitor);
    return responder->refuses || responder->socket == SOCKET_FAILED || responder->socket == SOCKET_UNREACHABLE ||
           (responder->socket == SOCKET_CLOSED && view->configuration.verdict != CONFIGURATION_NONE);
}

/* Where the configuration leaves it to systemd, its state says more. */
static void set_reason(const struct view *view, struct responder_view *responder)
{
    static const char *const reasons[] = {
        [WHY_UNLISTED] = "not on a services line",
        [WHY_LISTED] = "listed in ",
        [WHY_IMPLIED] = "SSSD adds it for an AD or IPA domain",
        [WHY_CHANGED] = "listed when sssd started; that has changed since",
        [WHY_UNKNOWN] = "the configuration can't be read",
        [WHY_NOT_INSTALLED] = "not installed",
    };
    enum view_why why = responder->socket == SOCKET_UNREACHABLE ? WHY_UNLISTED : responder->why;
    const char *before = "", *reason = reasons[why], *after = "";

    if (responder->trouble[0]) {
        reason = responder->trouble;
    } else if (why == WHY_NOT_INSTALLED && engine_is_own()) {
        reason = "our own engine has none";
    } else if (why == WHY_LISTED) {
        after = view->configuration.services.file;
    } else if (why == WHY_CHANGED) {
        before = responder->monitors ? "" : "not ";
    } else if (why == WHY_UNLISTED && has_failed(responder)) {
        before = responder->responder->service;
        reason = " has failed";
    } else if (responder->socket == SOCKET_UNREACHABLE) {
        reason = "its path is gone, or somebody else's";
    } else if (why == WHY_UNLISTED && responder->refuses) {
        reason = view->trouble[0] ? view->trouble : "the monitor can't be had, as the journal says";
    } else if (why == WHY_UNLISTED && responder->socket == SOCKET_CLOSED &&
               view->configuration.verdict == CONFIGURATION_NONE) {
        reason = "no configuration, nobody to ask";
    }
    (void) snprintf(responder->reason, sizeof(responder->reason), "%s%s%s", before, reason, after); /* fits */
}

static void add_to_change(struct responder_view *view, const char *word)
{
    size_t used = strlen(view->change);

    (void) snprintf(view->change + used, sizeof(view->change) - used, "%s%s", used > 0 ? " " : "", word); /* fits */
}

static void set_change(struct responder_view *view)
{
    static const char *const commands[] = {
        [SOCKET_LISTENING] = "systemctl disable --now",
        [SOCKET_DISABLED] = "systemctl enable --now",
        [SOCKET_MASKED] = "systemctl unmask",
        [SOCKET_FAILED] = "systemctl status",
        [SOCKET_ABSENT] = NULL,
    };
    bool is_open = view->socket == SOCKET_LISTENING || view->socket == SOCKET_DBUS ||
                   view->socket == SOCKET_UNREACHABLE;
    bool runs = unit_is_up(&view->units->service);

    if (!view->installed && !view->trouble[0])
        return;
    if (view->trouble[0] || has_failed(view)) {
        add_to_change(view, "systemctl status");
        add_to_change(view, view->responder->service);
    } else if (view->why == WHY_CHANGED) {
        add_to_change(view, "systemctl restart " MONITOR);
    } else if (view->monitors) {
        add_to_change(view, view->why == WHY_LISTED ? "sss_activation migrate" : "");
    } else if (runs && !is_open) {
        /* A process that was started by a socket has it too and goes on answering; systemd opens none beside it. */
        add_to_change(view, "systemctl stop");
        add_to_change(view, view->responder->service);
    } else if (view->socket == SOCKET_CLOSED || view->socket == SOCKET_UNREACHABLE) {
        add_to_change(view, "sss_activation apply");
    } else if (commands[view->socket]) {
        add_to_change(view, commands[view->socket]);
        for (size_t k = 0; k < UNITS_MAX && view->responder->sockets[k]; k++)
            if (strcmp(view->units->sockets[k].load, "not-found") != 0)
                add_to_change(view, view->responder->sockets[k]);
        if (runs)
            add_to_change(view, view->responder->service);
    }
}

static void judge_responder(struct view *ret, const struct state *state, struct responder_view *view, bool retries, int pid)
{
    view->monitors = state_monitor_owns(state, view->responder->name);
    view->installed = is_there(view->responder);
    view->socket = state_of_sockets(view, retries);
    view->pid = view->monitors ? pid : view->units->service.main_pid;
    /* Beside a monitor that is there or on its way, it becomes the responder in a moment. */
    view->refuses = view->pid > 0 && !view->monitors && is_launcher(view->pid) && !ret->monitor.job[0] &&
                    strcmp(ret->monitor.active, "active") != 0 && strcmp(ret->monitor.active, "activating") != 0;
    view->why = why_of(view, &ret->configuration);
    view->bad = is_bad(ret, view);
    read_trouble(state, view);
    set_reason(ret, view);
    set_change(view);
}

static int read_all(struct view *ret, const struct state *state, struct manager *manager)
{
    struct unit retry_timers[RESPONDERS] = { 0 };
    int pids[RESPONDERS] = { 0 }, r;
    bool retry = false;

    r = read_units(ret, manager, retry_timers);
    if (r >= 0)
        r = processes_of_monitor(manager, pids); /* fails otherwise where it is masked, or not there */
    if (r == -ENOTCONN || r == -ETIMEDOUT)
        return r;
    configuration_view_read(&ret->configuration);
    r = read_monitors_trouble(ret, manager);
    if (r < 0)
        return r;

    for (size_t i = 0; i < RESPONDERS; i++) {
        bool retries = unit_is_up(&retry_timers[i]);

        ret->responders[i].responder = &responders[i];
        ret->responders[i].units = &ret->units[i];
        judge_responder(ret, state, &ret->responders[i], retries, pids[i]);
        ret->degraded = ret->degraded || ret->responders[i].bad;
        retry = retry || retries;
    }
    ret->held = !retry && ret->configuration.verdict != CONFIGURATION_NONE &&
                units_are_stopped(state, ret->units, &ret->monitor);
    ret->degraded = ret->degraded || ret->held || ret->trouble[0] ||
                    ret->configuration.verdict == CONFIGURATION_REFUSED;
    return 0;
}

void view_done(struct view *view)
{
    configuration_view_done(&view->configuration);
}

int view_read(struct view *ret)
{
    CLEANUP(manager_freep) struct manager *manager = NULL;
    CLEANUP(state_done) struct state state = { .dir_fd = -1 };
    int r;

    *ret = (struct view) { .held = false };
    r = state_open(STATE_DIR, &state);
    if (r >= 0)
        r = manager_open(&manager);
    if (r >= 0)
        r = read_all(ret, &state, manager);
    if (r < 0)
        view_done(ret);
    return r;
}

/* --- Words ---------------------------------------------------------------------------------------------------- */

const char *const view_configuration_words[] = {
    [CONFIGURATION_OK] = "ok",
    [CONFIGURATION_NONE] = "none",
    [CONFIGURATION_REFUSED] = "refused",
    [CONFIGURATION_UNREADABLE] = "unreadable",
};

const char *const view_socket_words[] = {
    [SOCKET_DBUS] = "D-Bus",       [SOCKET_LISTENING] = "listening", [SOCKET_CLOSED] = "closed",
    [SOCKET_DISABLED] = "disabled", [SOCKET_MASKED] = "masked",       [SOCKET_FAILED] = "failed",
    [SOCKET_REFUSING] = "refusing", [SOCKET_ABSENT] = "absent",       [SOCKET_UNREACHABLE] = "unreachable",
};

const char *const view_why_words[] = {
    [WHY_UNLISTED] = "unlisted", [WHY_LISTED] = "listed",   [WHY_IMPLIED] = "implied",
    [WHY_CHANGED] = "changed",   [WHY_UNKNOWN] = "unknown", [WHY_NOT_INSTALLED] = "not-installed",
};

const char *view_owner_word(const struct responder_view *view)
{
    return !view->installed ? "none" : view->monitors ? "monitor" : "systemd";
}

const char *view_type_word(const struct responder_view *view)
{
    if (view->refuses)
        return "refusing";
    return view->monitors ? "static" : view->responder->sockets[0] ? "socket" : "dbus";
}
