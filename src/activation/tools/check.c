/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Check: what SSSD makes of the configuration, and what an administrator might do about it. */

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "common/cleanup.h"
#include "common/conf.h"
#include "lib/manager.h"
#include "tools/backends.h"
#include "tools/bound.h"
#include "tools/check.h"
#include "tools/engines.h"
#include "tools/json.h"
#include "tools/overrides.h"
#include "tools/status.h"
#include "tools/view.h"

#define OVERRIDES_MAX 16
#define ADVICE_MAX (RESPONDERS + 4 + OVERRIDES_MAX)
#define NAMES_BYTES 64 /* for those of all responders */

struct advice {
    bool is_problem; /* else a hint */
    char text[512];
    char command[192];
};

struct check {
    struct view view;
    bool has_system; /* systemd runs and knows our units */
    char bound[256]; /* a unit that keeps the monitor up, "" if there is none */
    struct engines engines;
    struct domains domains;
    struct advice advice[ADVICE_MAX];
    size_t n_advice;
};

/* --- What might be done --------------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static void advise(struct check *check, bool is_problem, const char *command,
                                                         const char *format, ...)
{
    struct advice *advice;
    va_list arguments;

    if (check->n_advice == ADVICE_MAX)
        return;
    advice = &check->advice[check->n_advice++];
    advice->is_problem = is_problem;
    (void) snprintf(advice->command, sizeof(advice->command), "%s", command);
    va_start(arguments, format);
    (void) vsnprintf(advice->text, sizeof(advice->text), format, arguments);
    va_end(arguments);
}

/* "nss, pam": those for whom the configuration has this reason. */
static const char *names_of(const struct check *check, enum services_why why, char names[NAMES_BYTES])
{
    names[0] = '\0';
    for (size_t i = 0; i < RESPONDERS; i++) {
        size_t used = strlen(names);

        if (check->view.configuration.services.why[i] == why)
            (void) snprintf(names + used, NAMES_BYTES - used, "%s%s", used ? ", " : "", responders[i].name); /* fits */
    }
    return names;
}

static void advise_about_responders(struct check *check)
{
    for (size_t i = 0; i < RESPONDERS; i++) {
        const struct responder_view *responder = &check->view.responders[i];

        if (responder->why == WHY_CHANGED)
            advise(check, true, responder->change, "%s: the services line has changed since sssd.service started",
                   responders[i].name);
        else if (responder->why == WHY_UNLISTED && responder->socket != SOCKET_LISTENING &&
                 responder->socket != SOCKET_DBUS)
            advise(check, responder->bad, responder->change, "nobody answers for %s: its socket is %s",
                   responders[i].name, view_socket_words[responder->socket]);
    }
}

static int advise_about_override(const char *path, const char *ours, void *userdata)
{
    struct check *check = userdata;
    char command[96];

    (void) snprintf(command, sizeof(command), "systemctl edit %s", ours); /* fits */
    advise(check, false, command, "%s has no effect: %s has taken the place of its unit", path, ours);
    return check->n_advice >= ADVICE_MAX - 2;
}

static void advise_about_all(struct check *check)
{
    const struct view *view = &check->view;
    bool is_masked = strcmp(view->monitor.load, "masked") == 0;
    const char *mend = is_masked ? "systemctl unmask " MONITOR : "systemctl status " MONITOR;
    char listed[NAMES_BYTES];

    if (view->configuration.verdict != CONFIGURATION_OK || !check->has_system)
        return;

    if (view->held)
        advise(check, true, "sss_activation release", "an administrator stopped sssd.service: nobody is served");
    if (view->trouble[0])
        advise(check, true, mend, "nobody is served: %s", view->trouble);
    else if (is_masked)
        advise(check, true, mend, MONITOR " is masked: nobody can start it");
    advise_about_responders(check);
    (void) overrides_each(advise_about_override, check); /* what does not fit is the same again */

    if (names_of(check, LISTED, listed)[0])
        advise(check, false, "sss_activation migrate", "on a services line, and so always running: %s", listed);
    else if (view->configuration.may_leave && unit_is_enabled(&view->monitor))
        advise(check, false, "systemctl disable " MONITOR,
               MONITOR " is enabled, so it stays when nobody needs it, though it might leave");
}

/* --- For people ----------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void print_line(FILE *out, const char *label, const char *format, ...)
{
    va_list arguments;

    (void) fprintf(out, "%-9s  ", label);
    va_start(arguments, format);
    (void) vfprintf(out, format, arguments);
    va_end(arguments);
    (void) fputc('\n', out);
}

static void print_files(const struct conf *config, FILE *out)
{
    const char *file, *remarks = conf_remarks(config);

    for (size_t i = 0; (file = conf_file(config, i)); i++)
        print_line(out, i == 0 ? "files" : "", "%s", file);
    if (remarks)
        print_line(out, "remarks", "%s", remarks);
}

/* The last file with a services line, be it an empty one; NULL if there is none. */
static const char *file_of_line(const struct conf *config)
{
    const char *file, *last = NULL;

    for (size_t i = 0; (file = conf_file(config, i)); i++)
        if (conf_file_has(config, i, "sssd", "services"))
            last = file;
    return last;
}

/* Has that file a services line that a later file's overrides? */
static bool is_overridden(const struct conf *config, size_t i)
{
    return conf_file_has(config, i, "sssd", "services") && conf_file(config, i) != file_of_line(config);
}

static void print_services(const struct check *check, FILE *out)
{
    const struct conf *config = check->view.configuration.config;
    const char *line = conf_get(config, "sssd", "services", NULL), *file = file_of_line(config);
    char names[NAMES_BYTES];

    for (size_t i = 0; i < check->domains.n; i++) {
        const char *why, *provider = domain_provider(config, check->domains.names[i], &why);

        print_line(out, i == 0 ? "domains" : "", "%s (%s%s)", check->domains.names[i], provider ? provider : why,
                   provider ? "" : ": passed over");
    }

    if (file)
        print_line(out, "services", "%s  (%s)", line ? line : "an empty line", file);
    else
        print_line(out, "services", "no services line");
    for (size_t i = 0; (file = conf_file(config, i)); i++)
        if (is_overridden(config, i))
            print_line(out, "", "another line in %s is overridden", file);

    if (names_of(check, LISTED, names)[0])
        print_line(out, "monitor's", "%s: listed", names);
    if (names_of(check, IMPLIED, names)[0])
        print_line(out, "monitor's", "%s: SSSD adds it for an AD or IPA domain", names);
    print_line(out, "on demand", "%s", names_of(check, NOT_THE_MONITORS, names)[0] ? names : "none");
}

static void print_residency(const struct check *check, FILE *out)
{
    const struct configuration_view *configuration = &check->view.configuration;
    char names[NAMES_BYTES], why[256];

    if (!configuration->may_leave)
        print_line(out, "monitor", "stays: %s", configuration->stays_since);
    else if (names_of(check, LISTED, names)[0])
        print_line(out, "monitor", "stays: it runs %s", names);
    else if (check->has_system && unit_is_enabled(&check->view.monitor))
        print_line(out, "monitor", "stays: " MONITOR " is enabled");
    else if (check->bound[0])
        print_line(out, "monitor", "stays: %s is bound to it", check->bound);
    else if (unit_is_up(&check->view.monitor) && geteuid() == 0 &&
             backends_online(&check->domains, why, sizeof(why)) == 0)
        print_line(out, "monitor", "stays for now: %s", why);
    else
        print_line(out, "monitor", "leaves when nobody has needed it for its linger time (sss-linger.timer)");
}

static void print_engine(const struct check *check, FILE *out)
{
    const struct engines *engines = &check->engines;
    const char *other = engine_word(!engines->own);

    print_line(out, "engine", "%s%s", engine_word(engines->own),
               engines->runs == (engines->own ? RUNS_SSSD : RUNS_OWN) ? ", after a restart of sssd.service" : "");
    if (engines->has_other && engines->takes > 0)
        print_line(out, "", "%s would take this configuration, too", other);
    else if (engines->has_other && engines->takes == 0)
        print_line(out, "", "%s would not: %s", other, engines->says);
}

static void print_text(const struct check *check, FILE *out)
{
    char engine[32];
    const struct configuration_view *configuration = &check->view.configuration;
    const char *says = configuration->says ? configuration->says : "";

    if (check->engines.own)
        (void) snprintf(engine, sizeof(engine), "Our own engine"); /* these fit */
    else
        (void) snprintf(engine, sizeof(engine), "SSSD %s", ENGINE_TEXT);

    switch (configuration->verdict) {
    case CONFIGURATION_NONE:
        (void) fputs("There is no configuration: nobody is asked, and nothing fails.\n", out);
        return;
    case CONFIGURATION_UNREADABLE:
        (void) fprintf(out, "The configuration can't be read: %s%s\n", says,
                       geteuid() == 0 ? "" : "; run this as root");
        return;
    case CONFIGURATION_REFUSED:
        (void) fprintf(out, "%s would not start with this configuration:\n  %s\n", engine, says);
        print_engine(check, out);
        (void) fputs("What runs goes on; every responder stays whose it is until this is mended.\n", out);
        return;
    case CONFIGURATION_OK:
        break;
    }

    (void) fprintf(out, "%s starts with this configuration.\n\n", engine);
    print_files(configuration->config, out);
    print_services(check, out);
    print_residency(check, out);
    print_engine(check, out);
    for (size_t i = 0; i < check->n_advice; i++)
        (void) fprintf(out, "%s%s %s\n    %s\n", i == 0 ? "\n" : "", check->advice[i].is_problem ? "!" : "-",
                       check->advice[i].text, check->advice[i].command);
}

/* --- For programs --------------------------------------------------------------------------------------------- */

static json_t *to_json(const struct check *check)
{
    const struct configuration_view *configuration = &check->view.configuration;
    json_t *domains = json_array(), *services = json_object(), *advice = json_array(), *overridden = json_array();
    const char *file;

    for (size_t i = 0; i < check->domains.n; i++) {
        const char *name = check->domains.names[i], *why;

        (void) json_array_append_new(domains, json_pack("{s:s, s:s?}", "name", name, "id_provider",
                                                        domain_provider(configuration->config, name, &why)));
    }
    for (size_t i = 0; configuration->verdict == CONFIGURATION_OK && i < RESPONDERS; i++)
        (void) json_object_set_new(services, responders[i].name,
                                   json_string(view_why_words[configuration->services.why[i]]));
    for (size_t i = 0; configuration->config && (file = conf_file(configuration->config, i)); i++)
        if (is_overridden(configuration->config, i))
            (void) json_array_append_new(overridden, json_text(file));
    for (size_t i = 0; i < check->n_advice; i++)
        (void) json_array_append_new(
            advice, json_pack("{s:s, s:o, s:o}", "level", check->advice[i].is_problem ? "problem" : "hint", "text",
                              json_text(check->advice[i].text), "command", json_text_or_null(check->advice[i].command)));

    return json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:{s:b, s:o}, s:o}", "schema", JSON_SCHEMA, "version",
                     PACKAGE_VERSION, "engine", ENGINE_TEXT, "engines",
                     engines_to_json(&check->engines), "configuration", json_of_configuration(configuration),
                     "domains", domains, "services", services, "overridden_files", overridden, "monitor", "may_leave",
                     configuration->may_leave, "stays_since", json_text_or_null(configuration->stays_since), "advice",
                     advice);
}

static void read_bound(struct check *check)
{
    CLEANUP(manager_freep) struct manager *manager = NULL;

    if (manager_open(&manager) < 0 || monitor_is_bound(manager, check->bound, sizeof(check->bound)) < 0)
        check->bound[0] = '\0'; /* the hook that sends it away asks again */
}

int check_print(bool json, FILE *out)
{
    struct check check = { .n_advice = 0 };
    CLEANUP(freep) char *why = NULL;
    enum view_configuration verdict;
    int r = 0;

    check.has_system = view_read(&check.view) == 0;
    if (check.has_system)
        read_bound(&check);
    else
        configuration_view_read(&check.view.configuration);
    verdict = check.view.configuration.verdict;
    if (verdict == CONFIGURATION_OK && domains_read(check.view.configuration.config, &check.domains, &why) < 0)
        check.domains = (struct domains) { .n = 0 }; /* for want of memory */
    engines_read(check.has_system ? check.view.monitor.main_pid : 0, &check.engines);
    advise_about_all(&check);

    if (json)
        r = json_print(to_json(&check), out);
    else
        print_text(&check, out);
    engines_done(&check.engines);
    domains_done(&check.domains);
    view_done(&check.view);
    if (r < 0 || verdict == CONFIGURATION_UNREADABLE)
        return STATUS_UNKNOWN;
    return verdict == CONFIGURATION_REFUSED ? STATUS_DEGRADED : STATUS_OK;
}
