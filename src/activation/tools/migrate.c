/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Migrate: moves a machine from a services line to sockets, and back.
 *
 * First everything is looked at and the configuration read as it would be afterwards; only then a file is replaced. From
 * there on either all of it comes to its end, or the files are put back and the switch is undone. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/responders.h"
#include "lib/config.h"
#include "lib/edit.h"
#include "lib/manager.h"
#include "lib/residency.h"
#include "lib/services.h"
#include "lib/state.h"
#include "tools/migrate.h"
#include "tools/ownership.h"
#include "tools/replace.h"
#include "tools/signals.h"
#include "tools/units.h"

/* More than sssd.service may take to stop and to start by its own limits, 90 s each. */
#define SWITCH_MSEC (5 * 60 * 1000)

struct run {
    enum edit edit;
    bool dry;
    struct state state;
    struct manager *manager;
    struct responder_units its[RESPONDERS]; /* and the monitor: what they were at the beginning */
    struct unit monitor;
    int lock;
    struct replace replace;
    struct conf *before, *after;
    struct services was, will;
    bool recovered; /* from a run that was interrupted: nobody knows how far its switch came */
    bool was_active, was_stopped; /* the latter by an administrator, and stays so */
    bool restarts; /* sssd.service; else only sockets open and close */
    bool wide; /* there is a file that can't be edited */
    bool edits; /* some file changes */
};

/* Writes a line. A terminal shall not take orders from what a file has. */
static __attribute__((format(printf, 2, 3))) void print(FILE *out, const char *format, ...)
{
    CLEANUP(freep) char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);

    for (char *c = text; c && *c; c++)
        if (((unsigned char) *c < 0x20 && *c != '\t' && *c != '\n') || *c == 0x7f)
            *c = '?';
    (void) fprintf(out, "%s\n", text ? text : format);
}

/* Says why, and is the answer of whoever gives up. */
#define fail(...) (print(stderr, "sss_activation: " __VA_ARGS__), -ECANCELED)

static const char *reason(const char *why, int r)
{
    return why ? why : strerror(-r);
}

static bool is_migration(const struct run *run)
{
    return run->edit == EDIT_COMMENT_OUT;
}

/* --- Looking at the configuration --------------------------------------------------------------------------------- */

/* Returns 0 if there is none. */
static int load(conf_instead *instead, struct run *run, struct conf **ret, struct services *ret_services, char **ret_why)
{
    int r = config_load(instead, run, ret, ret_why);

    if (r <= 0)
        return r;
    r = services_read(*ret, ret_services, ret_why);
    return r == 0 ? -EINVAL : r;
}

/* Returns 0 if there is no configuration. */
static int read_files(struct run *run)
{
    CLEANUP(freep) char *why = NULL;
    struct replace_file *file;
    const char *path;
    int r = load(NULL, run, &run->before, &run->was, &why);

    if (r < 0)
        return fail("SSSD would not start with this configuration: %s", reason(why, r));
    if (r == 0)
        return 0;
    for (size_t i = 0; (path = conf_file(run->before, i)); i++) {
        if (replace_find(&run->replace, path))
            continue; /* a link to one that we have */
        r = replace_read(&run->replace, path, &file, &why);
        if (r < 0)
            return fail("%s", reason(why, r));
        r = edit_text(run->edit, file->old, file->old_bytes, &file->new, &file->new_bytes, NULL, NULL);
        if (r < 0 && r != -ENOTSUP)
            return fail("cannot edit %s: %s", path, strerror(-r));
        if (r > 0 && file->new_bytes > CONF_FILE_BYTES_MAX)
            return fail("refused: %s is larger than %d bytes, edited", path, CONF_FILE_BYTES_MAX);
        run->wide = run->wide || r < 0; /* no matter, if it has no such line */
        run->edits = run->edits || r > 0;
    }
    return 1;
}

/* --- Reading the configuration as it would be ---------------------------------------------------------------------- */

static void take_new_text(const char *path, const char **text, size_t *bytes, void *userdata)
{
    const struct run *run = userdata;
    const struct replace_file *file = replace_find(&run->replace, path);

    if (file && file->new) {
        *text = file->new;
        *bytes = file->new_bytes;
    }
}

struct comparison {
    const struct conf *one, *other;
};

static int compare_option(const struct conf_setting *at, void *userdata)
{
    const struct comparison *comparison = userdata;
    struct conf_setting other;

    if (strcasecmp(at->section, "sssd") == 0 && strcasecmp(at->key, "services") == 0)
        return 0;
    return conf_find(comparison->other, at->section, at->key, &other) && strcmp(at->value, other.value) == 0 ? 0 : 1;
}

static int compare_section(const struct conf_setting *at, void *userdata)
{
    struct comparison *comparison = userdata;

    if (!conf_find(comparison->other, at->section, NULL, NULL))
        return 1;
    return conf_each_option(comparison->one, at->section, compare_option, comparison);
}

/* Do the two differ in nothing but the services line? */
static bool is_same_but_line(const struct conf *a, const struct conf *b)
{
    struct comparison there = { a, b }, back = { b, a };
    const char *remarks = conf_remarks(a), *others = conf_remarks(b);

    return strcmp(remarks ? remarks : "", others ? others : "") == 0 &&
           conf_each_section(a, compare_section, &there) == 0 && conf_each_section(b, compare_section, &back) == 0;
}

static int load_after(struct run *run)
{
    CLEANUP(freep) char *why = NULL;
    int r = load(take_new_text, run, &run->after, &run->will, &why);

    if (r <= 0)
        return fail("refused: SSSD would not start with the edited configuration: %s",
                    r < 0 ? reason(why, r) : "it is empty");
    if (!is_same_but_line(run->before, run->after))
        return fail("refused: the edited configuration would differ in more than the services line");
    return 0;
}

/* --- Who can serve afterwards ------------------------------------------------------------------------------------- */

static bool is_monitors(const struct services *services, size_t i)
{
    return services->why[i] != NOT_THE_MONITORS;
}

static bool needs_monitor(const struct services *services)
{
    for (size_t i = 0; i < RESPONDERS; i++)
        if (is_monitors(services, i))
            return true;
    return false;
}

static bool moves(const struct run *run, size_t i)
{
    return is_monitors(&run->was, i) != is_monitors(&run->will, i);
}

/* The private socket of PAM, which newer engines lack. */
static bool is_missing(const struct responder *responder, size_t k, const struct unit *unit)
{
    return !responder->sockets[k] || (k > 0 && strcmp(unit->load, "not-found") == 0);
}

static int check_unit(const char *responder, const char *name, const struct unit *unit, bool is_socket)
{
    if (strcmp(unit->load, "masked") == 0)
        return fail("refused: nobody would serve %s, %s is masked: systemctl unmask %s%s%s", responder, name, name,
                    is_socket ? ", systemctl enable " : "", is_socket ? name : "");
    if (strcmp(unit->load, "loaded") != 0)
        return fail("refused: nobody would serve %s, %s is %s", responder, name,
                    strcmp(unit->load, "not-found") == 0 ? "not installed" : unit->load);
    if (is_socket && !unit_is_enabled(unit))
        return fail("refused: nobody would serve %s, %s is not enabled: systemctl enable %s", responder, name, name);
    return 0;
}

static int refuse_for_program(const struct responder *responder)
{
    char program[PATH_MAX];

    engine_program(responder, engine_is_own(), program);
    return fail("refused: nobody could serve %s, %s is not installed", responder->name, program);
}

/* Each one that leaves the line needs somebody else. All that is wrong is said at once. */
static int check_successors(const struct run *run)
{
    const struct responder_units *its = run->its;
    int r, first = 0;

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (!moves(run, i))
            continue;
        r = check_unit(responders[i].name, responders[i].service, &its[i].service, false);
        if (r == 0 && !engine_has(&responders[i]))
            r = refuse_for_program(&responders[i]);
        for (size_t k = 0; r == 0 && k < UNITS_MAX; k++)
            if (!is_missing(&responders[i], k, &its[i].sockets[k]))
                r = check_unit(responders[i].name, responders[i].sockets[k], &its[i].sockets[k], true);
        first = first ? first : r;
    }
    return first;
}

/* --- Switching ---------------------------------------------------------------------------------------------------- */

/* A monitor at rest stays so, unless responders are to be its own: nobody else would start it for them. An
 * administrator's stop stands. */
static void plan_switch(struct run *run, const struct services *will)
{
    const struct unit *monitor = &run->monitor;
    bool runs = unit_is_up(monitor) && strcmp(monitor->active, "deactivating") != 0;

    /* Or is about to, be it between the halves of a restart. */
    run->was_active = monitor->job[0] ? strcmp(monitor->job, "stop") != 0 : runs;
    run->was_stopped = units_are_stopped(&run->state, run->its, monitor);
    run->restarts = run->was_active || (!is_migration(run) && !run->was_stopped && needs_monitor(will));
}

static int switch_owners(const struct run *run)
{
    enum job_result result;
    int r;

    if (!run->restarts) {
        r = run->was_stopped ? ownership_decide(&run->state)
                             : ownership_apply_beside_monitor(&run->state, run->manager);
        return r < 0 ? fail("cannot open and close sockets: %s", strerror(-r)) : 0;
    }
    r = manager_run(run->manager, "Restart", MONITOR, "replace", SWITCH_MSEC, &result);
    if (r == -ETIMEDOUT)
        return fail("systemctl restart " MONITOR " takes longer than %d s", SWITCH_MSEC / 1000);
    if (r < 0 || result == JOB_FAILED)
        return fail("systemctl restart " MONITOR " failed (see: systemctl status " MONITOR ")");
    return 0;
}

static int check_owner(const struct run *run, size_t i, const struct unit *sockets)
{
    bool monitors = is_monitors(&run->will, i);

    if (state_monitor_owns(&run->state, responders[i].name) != monitors)
        return fail("%s is still %s", responders[i].name, monitors ? "systemd's" : "the monitor's");
    for (size_t k = 0; k < UNITS_MAX; k++) {
        if (is_missing(&responders[i], k, &sockets[k]))
            continue;
        if (unit_is_up(&sockets[k]) == (monitors || run->was_stopped))
            return fail("%s is %s", responders[i].sockets[k], monitors ? "still open" : "not open");
    }
    return 0;
}

static int check_switch(const struct run *run)
{
    struct responder_units its[RESPONDERS] = { 0 };
    struct unit monitor;
    int r;

    r = units_read_all(run->manager, its, &monitor);
    if (r < 0)
        return fail("cannot ask systemd for the sockets: %s", strerror(-r));
    if (run->restarts && strcmp(monitor.active, "active") != 0)
        return fail(MONITOR " is not active");

    for (size_t i = 0; r == 0 && i < RESPONDERS; i++)
        if (moves(run, i))
            r = check_owner(run, i, its[i].sockets);
    return r;
}

static int undo(struct run *run)
{
    if (replace_put_back(&run->replace) < 0)
        return -ECANCELED; /* said there */
    (void) manager_reset_failed(run->manager, MONITOR); /* its own limits count our tries */
    if (switch_owners(run) < 0)
        return fail("the configuration is as it was, but the switch back failed too: see sss_activation status");
    return fail("failed: the configuration and its owners are as they were");
}

/* --- Saying what happens ------------------------------------------------------------------------------------------ */

struct printing {
    const struct run *run;
    const char *path;
};

static void print_edit(unsigned number, const char *line, size_t bytes, void *userdata)
{
    const struct printing *printing = userdata;
    bool out = is_migration(printing->run);
    int n = (int) bytes; /* a mebibyte at most */

    if (printing->run->dry)
        print(stdout, "@@ -%u +%u @@\n-%s%.*s\n+%s%.*s", number, number, out ? "" : EDIT_MARKER, n, line,
              out ? EDIT_MARKER : "", n, line);
    else
        print(stdout, "%s, line %u, %s: %.*s", printing->path, number, out ? "commented out" : "brought back", n, line);
}

static void print_move(const struct run *run, size_t i)
{
    const char *name = responders[i].name, *verb = run->dry ? "would move" : "moves";

    if (moves(run, i) && !is_migration(run))
        (void) printf("%s %s to the monitor, which starts it\n", name, verb);
    else if (moves(run, i) && responders[i].sockets[0])
        (void) printf("%s %s from the monitor to systemd, its first client starts it (%s)\n", name, verb,
                      responders[i].sockets[0]);
    else if (moves(run, i))
        (void) printf("%s %s from the monitor to D-Bus, the first call on the bus starts it (%s)\n", name, verb,
                      responders[i].service);
    else if (is_migration(run) && run->will.why[i] == IMPLIED)
        (void) printf("%s %s the monitor's, which adds it by itself with AD and IPA\n", name,
                      run->dry ? "would stay" : "stays");
}

static const char *switch_text(const struct run *run)
{
    if (run->was_stopped && !run->restarts)
        return run->dry ? "nothing would be opened" : "nothing is opened";
    if (!run->restarts)
        return run->dry ? "sockets would open and close" : "sockets are being opened and closed";
    if (!run->was_active)
        return run->dry ? MONITOR " would be started" : MONITOR " is being started";
    return run->dry ? MONITOR " would be restarted" : MONITOR " is being restarted";
}

/* What would be done, or was: a real run says so when nothing takes it back any more. */
static void print_changes(const struct run *run)
{
    FOR_EACH_CHANGED(file, &run->replace) {
        struct printing printing = { run, file->path };
        CLEANUP(freep) char *edited = NULL;
        size_t bytes;

        if (run->dry)
            print(stdout, "--- %s\n+++ %s", file->path, file->path);
        (void) edit_text(run->edit, file->old, file->old_bytes, &edited, &bytes, print_edit, &printing); /* did */
    }
    for (size_t i = 0; i < RESPONDERS; i++)
        print_move(run, i);
    if (conf_remarks(run->before))
        print(stdout, "left alone, since SSSD does not read it: %s", conf_remarks(run->before));
}

static void print_done(const struct run *run)
{
    bool enabled = unit_is_enabled(&run->monitor), needed = needs_monitor(&run->will);
    char why[256];

    (void) printf("backup: %s\n", run->replace.backup);
    if (run->was_stopped)
        (void) puts(MONITOR " was stopped, and stays so until: sss_activation release");
    if (!is_migration(run) && needed && !enabled)
        (void) puts("next: systemctl enable sssd (after a boot, too, nobody else starts what the line names)");
    if (is_migration(run) && enabled && !needed && residency_may_leave(run->after, why, sizeof(why)) == 1)
        (void) puts("next, if you like: systemctl disable sssd (the monitor then comes and goes with its clients)");
    if (is_migration(run))
        (void) puts("back: sss_activation revert");
}

/* --- The run ------------------------------------------------------------------------------------------------------ */

/* An earlier run, or an administrator, may have changed the file and not switched. */
static bool is_switch_due(const struct run *run)
{
    for (size_t i = 0; i < RESPONDERS; i++) {
        bool owns = state_monitor_owns(&run->state, responders[i].name);

        if (engine_has(&responders[i]) && owns != is_monitors(&run->was, i) && owns == is_migration(run))
            return true;
    }
    return false;
}

static int finish_switch(struct run *run)
{
    if (!run->recovered && !is_switch_due(run)) {
        (void) puts(is_migration(run) ? "nothing to do: no services line is in force"
                                      : "nothing to do: no services line was commented out by sss_activation migrate");
        return 0;
    }
    plan_switch(run, &run->was);
    (void) printf("%s: %s\n", run->recovered ? "nobody knows how far its switch came"
                                            : "the configuration was changed already, but nobody has switched",
                  switch_text(run));
    (void) fflush(stdout);
    if (run->dry)
        return 0;
    if (switch_owners(run) < 0)
        return -ECANCELED; /* said there */
    return is_switch_due(run) ? fail("the owners are still others than the configuration says") : 0;
}

static int replace_and_switch(struct run *run)
{
    CLEANUP(freep) char *why = NULL;
    int r;

    signals_ignore();
    r = replace_swap(&run->replace, &why);
    if (r < 0)
        return fail("%s; %s", reason(why, r),
                    run->replace.torn ? "not all that was changed could be put back" : "nothing was changed");
    (void) puts(switch_text(run));
    (void) fflush(stdout); /* before what the switch may say */
    if (switch_owners(run) < 0 || check_switch(run) < 0)
        return undo(run);
    replace_commit(&run->replace);
    print_changes(run);
    print_done(run);
    return 0;
}

static int check_plan(struct run *run)
{
    CLEANUP(freep) char *why = NULL;
    int r;

    if (!is_migration(run) && run->was.file)
        return fail("refused: %s has a services line that is in force; take it out, or the commented ones",
                    run->was.file);
    r = load_after(run);
    if (r < 0)
        return r;
    if (is_migration(run) && run->will.file)
        return fail("refused: %s would still have a services line in force%s", run->will.file,
                    run->wide ? ", and it is not UTF-8 text: convert it first (iconv)" : "");
    r = is_migration(run) ? check_successors(run) : 0;
    if (r == 0 && (r = replace_may(&run->replace, &why)) < 0)
        (void) fail("%s", reason(why, r));
    return r;
}

static int go(struct run *run)
{
    int r = read_files(run);

    if (r == 0)
        (void) puts("nothing to do: there is no configuration");
    if (r <= 0)
        return r;
    if (!run->dry)
        replace_sweep(&run->replace);
    if (!run->edits && !(is_migration(run) && run->was.file))
        return finish_switch(run);

    r = check_plan(run);
    if (r < 0)
        return r;
    plan_switch(run, &run->will);
    if (!run->dry)
        return replace_and_switch(run);
    print_changes(run);
    (void) puts(switch_text(run));
    (void) puts("dry run: nothing was changed");
    return 0;
}

static void on_recovered(const char *path, void *userdata)
{
    struct run *run = userdata;

    run->recovered = true;
    (void) printf("%s: an earlier run was interrupted, the file is again as it was before that\n", path);
}

static int open_run(struct run *run)
{
    CLEANUP(freep) char *why = NULL;
    int r;

    r = state_create(STATE_DIR, &run->state);
    if (r < 0)
        return fail("cannot make " STATE_DIR ": %s", strerror(-r));
    run->lock = openat(run->state.dir_fd, "migrate", O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (run->lock < 0 || flock(run->lock, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? fail("another migrate or revert is at work")
                                    : fail("cannot lock " STATE_DIR "/migrate: %s", strerror(errno));

    r = replace_recover(run->dry, on_recovered, run, &why);
    if (r < 0)
        return fail("%s", reason(why, r));
    if (r > 0)
        (void) puts("an earlier run was interrupted: without --dry-run, what it did to files would be undone first");

    r = manager_open(&run->manager);
    if (r >= 0)
        r = units_read_all(run->manager, run->its, &run->monitor);
    return r < 0 ? fail("cannot ask systemd for the sockets: %s", strerror(-r)) : 0;
}

static int run_edit(enum edit edit, bool dry)
{
    struct run run = { .edit = edit, .dry = dry, .state = { .dir_fd = -1 }, .lock = -1 };
    int r = open_run(&run);

    if (r == 0)
        r = go(&run);
    if (fflush(stdout) != 0 && r == 0) /* done, but not said: whoever reads the status should know */
        r = -EIO;

    replace_done(&run.replace);
    (void) conf_free(run.before);
    (void) conf_free(run.after);
    (void) manager_free(run.manager);
    closep(&run.lock);
    state_done(&run.state);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int migrate_run(bool dry)
{
    return run_edit(EDIT_COMMENT_OUT, dry);
}

int revert_run(bool dry)
{
    return run_edit(EDIT_BRING_BACK, dry);
}
