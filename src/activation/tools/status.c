/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status: who owns each responder, why, and what runs. */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "lib/cleanup.h"
#include "lib/config.h"
#include "lib/responders.h"
#include "lib/services.h"
#include "lib/state.h"
#include "lib/systemctl.h"
#include "tools/ownership.h"
#include "tools/processes.h"
#include "tools/status.h"
#include "tools/units.h"

/* Of one responder. */
struct view {
    bool installed;
    bool monitors;
    struct unit sockets[UNITS_MAX];
    struct unit service;
    const char *why;
    const char *socket;
    char process[48];
};

static const char *why_owner(const struct view *view, enum services_why why, const char *file)
{
    if (!view->installed)
        return "not installed";
    if (view->monitors && why == IMPLIED)
        return "added by the engine itself";
    if (view->monitors && why == LISTED)
        return file;
    if (view->monitors)
        return "started so; restart sssd.service to hand it over";
    if (why != NOT_THE_MONITORS)
        return "started so; restart sssd.service to hand it back";
    return "not on a services line";
}

static const char *socket_state(const struct responder *responder, const struct view *view)
{
    if (!responder->sockets[0])
        return "D-Bus";
    for (size_t k = 0; k < UNITS_MAX && responder->sockets[k]; k++) {
        const struct unit *unit = &view->sockets[k];

        if (strcmp(unit->load, "not-found") == 0)
            continue; /* the private socket of PAM, which newer engines lack */
        if (strcmp(unit->load, "masked") == 0)
            return "masked";
        if (strcmp(unit->active, "failed") == 0)
            return "failed";
        if (!unit_is_up(unit))
            return unit_is_enabled(unit) ? "closed" : "disabled";
    }
    return "listening";
}

static void find_process(const struct responder *responder, const char *control_group, struct view *view)
{
    int pid = view->monitors ? process_find(responder->program, control_group) : view->service.main_pid;

    if (strcmp(view->service.active, "failed") == 0)
        (void) snprintf(view->process, sizeof(view->process), "failed");
    else if (pid > 0)
        (void) snprintf(view->process, sizeof(view->process), "%d (%s)", pid,
                        view->monitors ? "static" : responder->sockets[0] ? "socket" : "dbus"); /* fits */
    else
        (void) snprintf(view->process, sizeof(view->process), "-");
}

static int read_units(struct view *views, struct unit *monitor)
{
    struct units units = { .n = 0 };

    for (size_t i = 0; i < RESPONDERS; i++) {
        for (size_t k = 0; k < UNITS_MAX; k++)
            units_add(&units, responders[i].sockets[k], &views[i].sockets[k]);
        units_add(&units, responders[i].service, &views[i].service);
    }
    units_add(&units, MONITOR, monitor);
    return units_read(&units);
}

static void print_monitor(FILE *out, const struct state *state, const struct unit *monitor)
{
    (void) fprintf(out, "sssd-ondemand %s\n", PACKAGE_VERSION);
    (void) fprintf(out, "monitor: %s", monitor->active[0] ? monitor->active : "unknown");
    if (monitor->main_pid > 0)
        (void) fprintf(out, ", pid %d", monitor->main_pid);
    (void) fprintf(out, ", %s\n", monitor->file[0] ? monitor->file : "not enabled");
    if (state_has(state, FLAG_HELD))
        (void) fputs("held: stopped by an administrator; systemctl start sssd ends that\n", out);
}

static bool is_bad(const struct view *view, const struct unit *monitor)
{
    if (!view->installed)
        return false;
    if (strcmp(view->service.active, "failed") == 0 || strcmp(view->socket, "failed") == 0)
        return true;
    return view->monitors && !unit_is_up(monitor);
}

int status_print(FILE *out)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *unreadable = NULL;
    struct view views[RESPONDERS] = { 0 };
    struct services services = { .file = NULL };
    struct unit monitor = { 0 };
    char control_group[PATH_MAX];
    struct state state;
    bool bad;
    int r;

    if (state_open(STATE_DIR, &state) < 0 || read_units(views, &monitor) < 0) {
        (void) fputs("sss_activation: cannot read the state: is systemd running, has sss-activation.service run?\n",
                     stderr);
        return STATUS_UNKNOWN;
    }

    r = config_load(CONFIG_DIR, SSSD_ENGINE, &config, &unreadable);
    if (r > 0)
        r = services_read(config, &services, &unreadable);

    systemctl_property(MONITOR, "ControlGroup", control_group, sizeof(control_group));
    print_monitor(out, &state, &monitor);
    if (r <= 0)
        (void) fprintf(out, "configuration: %s\n", unreadable ? unreadable : r == 0 ? "none" : strerror(-r));
    bad = strcmp(monitor.active, "failed") == 0;

    (void) fprintf(out, "\n%-9s  %-8s  %-9s  %-16s  %s\n", "RESPONDER", "OWNER", "SOCKET", "PROCESS", "WHY");
    for (size_t i = 0; i < RESPONDERS; i++) {
        struct view *view = &views[i];

        view->installed = access(responders[i].program, F_OK) == 0;
        view->monitors = state_monitor_owns(&state, responders[i].name);
        view->why = why_owner(view, services.why[i], services.file);
        view->socket = socket_state(&responders[i], view);
        find_process(&responders[i], control_group, view);
        bad = bad || is_bad(view, &monitor);

        (void) fprintf(out, "%-9s  %-8s  %-9s  %-16s  %s\n", responders[i].name,
                       !view->installed ? "-" : view->monitors ? "monitor" : "systemd", view->socket,
                       view->process, view->why);
    }

    state_done(&state);
    return bad ? STATUS_DEGRADED : STATUS_OK;
}
