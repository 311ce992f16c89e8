/* SPDX-License-Identifier: GPL-3.0-or-later */
/* View: all that is known of the responders at this moment. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/config.h"
#include "lib/residency.h"
#include "lib/state.h"
#include "lib/systemctl.h"
#include "tools/ownership.h"
#include "tools/processes.h"
#include "tools/view.h"

/* SSSD's default for responder_idle_timeout, and the least it takes. */
#define IDLE_SEC 300
#define IDLE_SEC_MIN 60

/* --- The configuration ---------------------------------------------------------------------------------------- */

void configuration_view_read(struct configuration_view *ret)
{
    int r;

    *ret = (struct configuration_view) { .says = NULL };
    r = config_load(CONFIG_DIR, SSSD_ENGINE, &ret->config, &ret->says);
    if (r == 0) {
        ret->verdict = CONFIGURATION_NONE;
        return;
    }
    if (r > 0)
        r = services_read(ret->config, &ret->services, &ret->says);
    if (r > 0) {
        ret->may_leave = residency_may_leave(ret->config, ret->stays_since, sizeof(ret->stays_since)) > 0;
        return;
    }

    ret->verdict = r == -ENOMEM || (r == -EACCES && geteuid() != 0) ? CONFIGURATION_UNREADABLE : CONFIGURATION_REFUSED;
    ret->services = (struct services) { .file = NULL };
    if (!ret->says)
        ret->says = strdup(strerror(-r)); /* without memory it stays NULL, and the verdict has to do */
}

void configuration_view_done(struct configuration_view *view)
{
    free(view->says);
    view->says = NULL;
    view->config = config_free(view->config);
}

unsigned long configuration_view_idle_sec(const struct configuration_view *view, const struct responder *responder)
{
    const char *value = view->config ? config_get(view->config, responder->name, "responder_idle_timeout", NULL) : NULL;
    unsigned long sec;
    char *end;

    if (!value)
        return IDLE_SEC;
    errno = 0;
    sec = strtoul(value, &end, 10);
    if (errno != 0 || *end || value[0] == '-')
        return IDLE_SEC;
    return sec == 0 || sec >= IDLE_SEC_MIN ? sec : IDLE_SEC_MIN;
}

/* --- Units and processes -------------------------------------------------------------------------------------- */

static int read_units(struct view *view)
{
    struct responder_units its[RESPONDERS] = { 0 };
    int r;

    r = units_read_responders(its, &view->monitor);
    for (size_t i = 0; i < RESPONDERS; i++)
        view->responders[i].units = its[i];
    return r;
}

static enum view_socket state_of_socket(const struct unit *unit)
{
    if (strcmp(unit->load, "not-found") == 0)
        return SOCKET_ABSENT;
    if (strcmp(unit->load, "masked") == 0)
        return SOCKET_MASKED;
    if (strcmp(unit->active, "failed") == 0)
        return SOCKET_FAILED;
    if (unit_is_up(unit))
        return SOCKET_LISTENING;
    return unit_is_enabled(unit) ? SOCKET_CLOSED : SOCKET_DISABLED;
}

/* One that does not listen says more than the other. Newer engines lack the private one of PAM. */
static enum view_socket state_of_sockets(const struct responder_view *view)
{
    enum view_socket state = SOCKET_ABSENT;

    if (!view->responder->sockets[0])
        return SOCKET_DBUS;
    for (size_t k = 0; k < UNITS_MAX && view->responder->sockets[k]; k++) {
        enum view_socket one = state_of_socket(&view->units.sockets[k]);

        if (one != SOCKET_ABSENT && (state == SOCKET_ABSENT || state == SOCKET_LISTENING))
            state = one;
    }
    return state;
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

static enum view_why why(const struct responder_view *view, const struct configuration_view *configuration)
{
    enum services_why said = configuration->services.why[view->responder - responders];

    if (!view->installed)
        return WHY_NOT_INSTALLED;
    if (configuration->verdict == CONFIGURATION_UNREADABLE || configuration->verdict == CONFIGURATION_REFUSED)
        return WHY_UNKNOWN;
    if (view->monitors != (said != NOT_THE_MONITORS))
        return WHY_CHANGED;
    return said == LISTED ? WHY_LISTED : said == IMPLIED ? WHY_IMPLIED : WHY_UNLISTED;
}

/* Switched off by an administrator is not bad; that nobody serves though nobody wanted it so is. */
static bool is_bad(const struct view *view, const struct responder_view *responder)
{
    if (!responder->installed)
        return false;
    if (strcmp(responder->units.service.active, "failed") == 0)
        return true;
    if (responder->monitors)
        return !unit_is_up(&view->monitor);
    return responder->socket == SOCKET_FAILED ||
           (responder->socket == SOCKET_CLOSED && view->configuration.verdict != CONFIGURATION_NONE);
}

int view_read(struct view *ret)
{
    char control_group[PATH_MAX];
    struct state state;
    int r;

    *ret = (struct view) { .held = false };
    r = state_open(STATE_DIR, &state);
    if (r < 0)
        return r;
    r = read_units(ret);
    if (r < 0) {
        state_done(&state);
        return r;
    }

    configuration_view_read(&ret->configuration);
    systemctl_property(MONITOR, "ControlGroup", control_group, sizeof(control_group));
    ret->held = state_has(&state, FLAG_HELD);
    ret->degraded = ret->held || strcmp(ret->monitor.active, "failed") == 0 ||
                    ret->configuration.verdict == CONFIGURATION_REFUSED;

    for (size_t i = 0; i < RESPONDERS; i++) {
        struct responder_view *view = &ret->responders[i];

        view->responder = &responders[i];
        view->installed = access(responders[i].program, F_OK) == 0;
        view->monitors = state_monitor_owns(&state, responders[i].name);
        view->socket = state_of_sockets(view);
        view->pid = view->monitors ? process_find(responders[i].program, control_group) : view->units.service.main_pid;
        if (view->pid < 0)
            view->pid = 0; /* not to be seen by this user */
        view->refuses = view->pid > 0 && !view->monitors && is_launcher(view->pid);
        view->why = why(view, &ret->configuration);
        view->bad = is_bad(ret, view);
        ret->degraded = ret->degraded || view->bad;
    }
    state_done(&state);
    return 0;
}

void view_done(struct view *view)
{
    configuration_view_done(&view->configuration);
}

/* --- Words ---------------------------------------------------------------------------------------------------- */

const char *view_configuration_word(enum view_configuration verdict)
{
    static const char *const words[] = {
        [CONFIGURATION_OK] = "ok",
        [CONFIGURATION_NONE] = "none",
        [CONFIGURATION_REFUSED] = "refused",
        [CONFIGURATION_UNREADABLE] = "unreadable",
    };

    return words[verdict];
}

const char *view_socket_word(enum view_socket socket)
{
    static const char *const words[] = {
        [SOCKET_DBUS] = "D-Bus",       [SOCKET_LISTENING] = "listening", [SOCKET_CLOSED] = "closed",
        [SOCKET_DISABLED] = "disabled", [SOCKET_MASKED] = "masked",       [SOCKET_FAILED] = "failed",
        [SOCKET_ABSENT] = "absent",
    };

    return words[socket];
}

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

const char *view_why_word(enum view_why why)
{
    static const char *const words[] = {
        [WHY_NOT_INSTALLED] = "not-installed", [WHY_LISTED] = "listed",   [WHY_IMPLIED] = "implied",
        [WHY_UNLISTED] = "unlisted",           [WHY_CHANGED] = "changed", [WHY_UNKNOWN] = "unknown",
    };

    return words[why];
}

void view_reason(const struct view *view, const struct responder_view *responder, char *text, size_t bytes)
{
    const char *file = view->configuration.services.file;

    switch (responder->why) {
    case WHY_NOT_INSTALLED:
        (void) snprintf(text, bytes, "not installed");
        return;
    case WHY_LISTED:
        (void) snprintf(text, bytes, "listed in %s", file ? file : "?"); /* what is listed has a file */
        return;
    case WHY_IMPLIED:
        (void) snprintf(text, bytes, "SSSD adds it for an AD or IPA domain");
        return;
    case WHY_CHANGED:
        (void) snprintf(text, bytes, "%s; that has changed since",
                        responder->monitors ? "listed when sssd started" : "not listed when sssd started");
        return;
    case WHY_UNKNOWN:
        (void) snprintf(text, bytes, "the configuration can't be read");
        return;
    case WHY_UNLISTED:
        break;
    }

    if (strcmp(responder->units.service.active, "failed") == 0)
        (void) snprintf(text, bytes, "%s has failed", responder->responder->service);
    else if (responder->socket == SOCKET_CLOSED && view->configuration.verdict == CONFIGURATION_NONE)
        (void) snprintf(text, bytes, "no configuration, nobody to ask");
    else
        (void) snprintf(text, bytes, "not on a services line");
}

/* All sockets of a responder in one command. */
static void socket_command(const struct responder_view *view, const char *verb, char *text, size_t bytes)
{
    int n = snprintf(text, bytes, "systemctl %s", verb);

    for (size_t k = 0; k < UNITS_MAX && view->responder->sockets[k]; k++)
        if (n >= 0 && (size_t) n < bytes && state_of_socket(&view->units.sockets[k]) != SOCKET_ABSENT)
            n += snprintf(text + n, bytes - (size_t) n, " %s", view->responder->sockets[k]);
}

void view_change(const struct responder_view *responder, char *text, size_t bytes)
{
    bool runs;

    text[0] = '\0';
    if (!responder->installed)
        return;

    if (strcmp(responder->units.service.active, "failed") == 0) {
        (void) snprintf(text, bytes, "systemctl status %s", responder->responder->service);
        return;
    }
    if (responder->why == WHY_CHANGED) {
        (void) snprintf(text, bytes, "systemctl restart %s", MONITOR);
        return;
    }
    if (responder->monitors) {
        if (responder->why == WHY_LISTED)
            (void) snprintf(text, bytes, "sss_activation migrate");
        return;
    }

    /* A process that was started by a socket has it too and goes on answering; systemd opens none beside it. */
    runs = unit_is_up(&responder->units.service);
    if (runs && responder->socket != SOCKET_LISTENING && responder->socket != SOCKET_DBUS) {
        (void) snprintf(text, bytes, "systemctl stop %s", responder->responder->service);
        return;
    }

    switch (responder->socket) {
    case SOCKET_LISTENING:
        socket_command(responder, "disable --now", text, bytes);
        if (runs)
            (void) snprintf(text + strlen(text), bytes - strlen(text), " %s", responder->responder->service);
        break;
    case SOCKET_DISABLED:
        socket_command(responder, "enable --now", text, bytes);
        break;
    case SOCKET_MASKED:
        socket_command(responder, "unmask", text, bytes);
        break;
    case SOCKET_FAILED:
        socket_command(responder, "status", text, bytes);
        break;
    case SOCKET_CLOSED:
        (void) snprintf(text, bytes, "sss_activation apply");
        break;
    case SOCKET_DBUS:
    case SOCKET_ABSENT:
        break;
    }
}
