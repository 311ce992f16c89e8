/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status: who owns each responder, why, what runs, and what would change it. */

#include <jansson.h>
#include <string.h>

#include "config.h"
#include "common/cleanup.h"
#include "tools/engines.h"
#include "tools/json.h"
#include "tools/status.h"
#include "tools/table.h"
#include "tools/view.h"

#define PROCESS_BYTES 48

/* --- For people ----------------------------------------------------------------------------------------------- */

static void print_head(const struct view *view, const struct engines *engines, FILE *out)
{
    const struct unit *monitor = &view->monitor;
    enum view_configuration verdict = view->configuration.verdict;
    const char *says = view->configuration.says ? view->configuration.says : "";

    (void) fprintf(out, "sssd-ondemand %s for SSSD %s\n", PACKAGE_VERSION, ENGINE_TEXT);
    (void) fprintf(out, "monitor: %s", monitor->active[0] ? monitor->active : "unknown");
    if (monitor->main_pid > 0)
        (void) fprintf(out, ", pid %d", monitor->main_pid);
    (void) fprintf(out, ", %s\n", monitor->file[0] ? monitor->file : "not enabled");

    engines_print(engines, out);
    if (view->trouble[0])
        (void) fprintf(out, "nobody is served: %s\n", view->trouble);
    if (view->held)
        (void) fputs("held: stopped by an administrator; 'sss_activation release' ends that\n", out);
    if (verdict == CONFIGURATION_NONE)
        (void) fputs("configuration: none\n", out);
    else if (verdict == CONFIGURATION_UNREADABLE)
        (void) fprintf(out, "configuration: %s; run this as root\n", says);
    else if (verdict == CONFIGURATION_REFUSED)
        (void) fprintf(out, "configuration: %s would not start with it: %s\n", engines->own ? "our own engine" : "SSSD", says);
}

static const char *process_of(const struct responder_view *responder, char text[PROCESS_BYTES])
{
    if (responder->socket != SOCKET_REFUSING && strcmp(responder->units->service.active, "failed") == 0)
        return "failed";
    if (responder->pid <= 0)
        return "-";
    (void) snprintf(text, PROCESS_BYTES, "%d (%s)", responder->pid, view_type_word(responder)); /* fits */
    return text;
}

static void print_table(const struct view *view, FILE *out)
{
    struct table table = { .columns = 6 };
    char processes[RESPONDERS][PROCESS_BYTES];

    TABLE_ADD(&table, "RESPONDER", "OWNER", "SOCKET", "PROCESS", "WHY", "CHANGE IT WITH");
    for (size_t i = 0; i < RESPONDERS; i++) {
        const struct responder_view *responder = &view->responders[i];

        TABLE_ADD(&table, responders[i].name, responder->installed || responder->bad ? view_owner_word(responder) : "-",
                  view_socket_words[responder->socket], process_of(responder, processes[i]), responder->reason,
                  responder->change);
    }
    table_print(&table, out);
}

/* The distribution's own units are to be at rest while ours are there. */
static void print_vendors(const struct view *view, FILE *out)
{
    for (size_t i = 0; i < RESPONDERS; i++) {
        if (unit_is_up(&view->units[i].vendor_service))
            (void) fprintf(out, "beside ours: %s runs; 'sss_activation apply' ends that\n",
                           responders[i].vendor_service);
        for (size_t k = 0; k < UNITS_MAX; k++)
            if (unit_is_up(&view->units[i].vendor_sockets[k]))
                (void) fprintf(out, "beside ours: %s listens; 'sss_activation apply' ends that\n",
                               responders[i].vendor_sockets[k]);
    }
}

/* A script that enables them by name, as it did before ours came, is told no more than that they are masked. */
static void print_masked(const struct view *view, FILE *out)
{
    const char *before = "\nmasked by us: "; /* the table has ended */

    for (size_t i = 0; i < RESPONDERS; i++)
        for (size_t k = 0; k < UNITS_MAX; k++)
            if (strcmp(view->units[i].vendor_sockets[k].file, "masked-runtime") == 0) { /* by the generator */
                (void) fprintf(out, "%s%s", before, responders[i].vendor_sockets[k]);
                before = ", ";
            }
    if (before[0] == ',')
        (void) fputs("\n              enabling them has no effect: their paths have the owners above\n", out);
}

/* --- For programs --------------------------------------------------------------------------------------------- */

static json_t *units_to_json(const char *const *names, const struct unit *units)
{
    json_t *list = json_array();

    for (size_t k = 0; k < UNITS_MAX && names[k]; k++)
        if (strcmp(units[k].load, "not-found") != 0)
            (void) json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "unit", names[k], "active",
                                                         units[k].active, "enabled", units[k].file));
    return list;
}

static json_t *responder_to_json(const struct view *view, const struct responder_view *responder)
{
    const struct responder *row = responder->responder;

    return json_pack("{s:s, s:b, s:s, s:s, s:o, s:o, s:s, s:o, s:s, s:s, s:o, s:o, s:b, s:I, s:o, s:s?}", /* */
                     "name", row->name, "installed", responder->installed, "owner", view_owner_word(responder), "why",
                     view_why_words[responder->why], "reason", json_text(responder->reason), "change",
                     json_text_or_null(responder->change), "socket", view_socket_words[responder->socket], "sockets",
                     units_to_json(row->sockets, responder->units->sockets), "service", row->service, "service_active",
                     responder->units->service.active, "pid",
                     responder->pid > 0 ? json_integer(responder->pid) : json_null(), "type",
                     responder->pid > 0 ? json_string(view_type_word(responder)) : json_null(), "bad", responder->bad,
                     "idle_timeout_sec", (json_int_t) responder_idle_sec(view->configuration.config, row->name),
                     "vendor_sockets", units_to_json(row->vendor_sockets, responder->units->vendor_sockets),
                     "vendor_service_active", row->vendor_service ? responder->units->vendor_service.active : NULL);
}

static json_t *status_to_json(const struct view *view, const struct engines *engines)
{
    json_t *list = json_array();
    const struct unit *monitor = &view->monitor;

    for (size_t i = 0; i < RESPONDERS; i++)
        (void) json_array_append_new(list, responder_to_json(view, &view->responders[i]));
    return json_pack("{s:i, s:s, s:s, s:o, s:s, s:{s:s, s:s, s:s, s:o, s:o, s:b}, s:o, s:o}", /* */
                     "schema", JSON_SCHEMA, "version", PACKAGE_VERSION, "engine", ENGINE_TEXT, "engines",
                     engines_to_json(engines), "status",
                     view->degraded ? "degraded" : "ok", "monitor", "unit", MONITOR, "active", monitor->active,
                     "enabled", monitor->file, "trouble", json_text_or_null(view->trouble), "pid",
                     monitor->main_pid > 0 ? json_integer(monitor->main_pid) : json_null(), "held", view->held,
                     "configuration", json_of_configuration(&view->configuration), "responders", list);
}

int status_print(bool json, FILE *out)
{
    CLEANUP(engines_done) struct engines engines = { .says = NULL };
    struct view view;
    int r;

    r = view_read(&view);
    if (r < 0) {
        (void) fprintf(stderr, "sss_activation: cannot read the state (%s): is systemd running, has "
                       "sss-activation.service run?\n", strerror(-r));
        return STATUS_UNKNOWN;
    }

    engines_read(view.monitor.main_pid, &engines);
    if (json) {
        r = json_print(status_to_json(&view, &engines), out);
    } else {
        print_head(&view, &engines, out);
        (void) fputc('\n', out);
        print_table(&view, out);
        print_vendors(&view, out);
        print_masked(&view, out);
    }
    view_done(&view);
    return r < 0 ? STATUS_UNKNOWN : view.degraded ? STATUS_DEGRADED : STATUS_OK;
}
