/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Migrate: moves a machine from a services line to sockets, and back.
 *
 * First everything is looked at and a copy of the edited configuration read back; only then a file is replaced. From
 * there on either all of it comes to its end, or the files are put back and the switch is undone. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/config.h"
#include "lib/edit.h"
#include "lib/residency.h"
#include "lib/responders.h"
#include "lib/services.h"
#include "lib/state.h"
#include "lib/systemctl.h"
#include "tools/migrate.h"
#include "tools/ownership.h"
#include "tools/replace.h"
#include "tools/units.h"

#define SCRATCH_DIR STATE_DIR "/edited"

/* More than sssd.service may take to stop and to start by its own limits, 90 s each. */
#define SWITCH_MSEC (5 * 60 * 1000)

struct run {
    enum edit edit;
    bool dry;
    struct state state;
    int lock;
    struct replace replace;
    struct config *before, *after;
    struct services was, will;
    bool recovered; /* from a run that was interrupted: nobody knows how far its switch came */
    bool was_active;
    bool restarts; /* sssd.service; else only sockets open and close */
    const char *wide; /* a file that can't be edited */
    unsigned lines;
};

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A terminal shall not take orders from a file. */
static void print_text(FILE *out, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char) text[i];

        (void) fputc((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f ? '?' : c, out);
    }
}

/* Says why, and is the answer of whoever gives up. */
static int fail(const char *format, ...)
{
    CLEANUP(freep) char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);

    (void) fputs("sss_activation: ", stderr);
    print_text(stderr, text ? text : format, strlen(text ? text : format));
    (void) fputc('\n', stderr);
    return -ECANCELED;
}

static const char *reason(const char *why, int r)
{
    return why ? why : strerror(-r);
}

static bool is_migration(const struct run *run)
{
    return run->edit == EDIT_COMMENT_OUT;
}

/* --- Looking at the configuration --------------------------------------------------------------------------------- */

static int read_services(const struct config *config, struct services *ret, char **ret_why)
{
    int r = services_read(config, ret, ret_why);

    return r == 0 ? -EINVAL : r;
}

/* Returns 0 if there is none. */
static int load_before(struct run *run)
{
    CLEANUP(freep) char *why = NULL;
    int r;

    r = config_load(CONFIG_DIR, SSSD_ENGINE, &run->before, &why);
    if (r == 0)
        return 0;
    if (r > 0)
        r = read_services(run->before, &run->was, &why);
    if (r < 0)
        return fail("SSSD would not start with this configuration: %s", reason(why, r));
    return 1;
}

static void print_line_text(const struct edit_line *line)
{
    print_text(stdout, line->text, line->bytes);
    (void) putchar('\n');
}

struct diff {
    const struct run *run;
    const char *path;
    bool begun;
};

static int print_line(const struct edit_line *line, void *userdata)
{
    struct diff *diff = userdata;
    bool out = is_migration(diff->run);

    if (!diff->run->dry) {
        (void) printf("%s, line %u, %s: ", diff->path, line->number, out ? "commented out" : "brought back");
        print_line_text(line);
        return 0;
    }
    if (!diff->begun)
        (void) printf("--- %s\n+++ %s\n", diff->path, diff->path);
    diff->begun = true;
    (void) printf("@@ -%u +%u @@\n-%s", line->number, line->number, out ? "" : EDIT_MARKER);
    print_line_text(line);
    (void) printf("+%s", out ? EDIT_MARKER : "");
    print_line_text(line);
    return 0;
}

static void print_lines(const struct run *run)
{
    for (size_t i = 0; i < run->replace.n; i++) {
        const struct replace_file *file = &run->replace.files[i];
        struct diff diff = { run, file->path, false };
        CLEANUP(freep) char *edited = NULL;
        size_t bytes;

        if (file->new)
            (void) edit_text(run->edit, file->old, file->old_bytes, &edited, &bytes, print_line, &diff); /* did */
    }
}

static int add_file(struct run *run, const char *path)
{
    CLEANUP(freep) char *why = NULL;
    struct replace_file *file;
    int r;

    if (replace_find(&run->replace, path))
        return 0; /* a link to one that we have */
    r = replace_read(&run->replace, path, &file, &why);
    if (r < 0)
        return fail("%s", reason(why, r));

    r = edit_text(run->edit, file->old, file->old_bytes, &file->new, &file->new_bytes, NULL, NULL);
    if (r == -ENOTSUP) {
        run->wide = file->path; /* no matter, if it has no such line */
        return 0;
    }
    if (r < 0)
        return fail("cannot edit %s: %s", path, strerror(-r));
    run->lines += (unsigned) r;
    return 0;
}

/* --- Reading the edited configuration back ------------------------------------------------------------------------ */

static int write_scratch(int dir_fd, const struct replace_file *file, const char *name)
{
    CLEANUP(closep) int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    const char *text = file->new ? file->new : file->old;
    size_t bytes = file->new ? file->new_bytes : file->old_bytes;
    FILE *out;

    if (fd < 0 || fchown(fd, file->st.st_uid, file->st.st_gid) < 0 || fchmod(fd, file->st.st_mode & 07777) < 0)
        return -errno;
    out = fdopen(fd, "w");
    if (!out)
        return -errno;
    fd = -1; /* out's now */
    if (fwrite(text, 1, bytes, out) != bytes) {
        int r = -errno;

        (void) fclose(out); /* has failed already */
        return r;
    }
    return fclose(out) != 0 ? -errno : 0;
}

static void remove_entries(int parent_fd, const char *name)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        (void) unlinkat(fd, entry->d_name, 0); /* folders stay */
    if (dir)
        (void) closedir(dir);
    else
        closep(&fd);
}

/* Files of an interrupted run too; what stays makes the next mkdir fail. */
static void remove_scratch(void)
{
    remove_entries(AT_FDCWD, SCRATCH_DIR "/conf.d");
    (void) rmdir(SCRATCH_DIR "/conf.d");
    remove_entries(AT_FDCWD, SCRATCH_DIR);
    (void) rmdir(SCRATCH_DIR);
}

static int copy_to_scratch(const struct run *run, int dir_fd)
{
    const char *path;
    int r = 0;

    for (size_t i = 0; r == 0 && (path = config_file(run->before, i)); i++) {
        const struct replace_file *file = replace_find(&run->replace, path);

        r = file ? write_scratch(dir_fd, file, path + strlen(CONFIG_DIR "/")) : -ENOENT;
    }
    return r;
}

/* The folder belongs to whom the real one does: from 2.10 on that counts. */
static int make_scratch(const struct run *run)
{
    CLEANUP(closep) int dir_fd = -1;
    struct stat st;
    int r;

    if (stat(CONFIG_DIR, &st) < 0 || mkdir(SCRATCH_DIR, 0700) < 0)
        return -errno;
    dir_fd = open(SCRATCH_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir_fd < 0 || mkdirat(dir_fd, "conf.d", 0700) < 0)
        return -errno;
    r = copy_to_scratch(run, dir_fd);
    /* Last: from here on its owner may put into it what he likes. */
    return r == 0 && fchown(dir_fd, st.st_uid, st.st_gid) < 0 ? -errno : r;
}

struct comparing {
    const struct config *other;
    const char *section;
};

static int compare_key(const char *key, const char *value, void *userdata)
{
    const struct comparing *comparing = userdata;
    const char *other = config_get(comparing->other, comparing->section, key, NULL);

    if (strcasecmp(comparing->section, "sssd") == 0 && strcasecmp(key, "services") == 0)
        return 0;
    return config_has(comparing->other, comparing->section, key) && strcmp(value, other ? other : "") == 0 ? 0 : 1;
}

struct comparison {
    const struct config *one, *other;
};

static int compare_section(const char *section, void *userdata)
{
    const struct comparison *comparison = userdata;
    struct comparing comparing = { comparison->other, section };

    if (!config_has_section(comparison->other, section))
        return 1;
    return config_each_key(comparison->one, section, compare_key, &comparing);
}

/* Do the two differ in nothing but the services line? */
static bool is_same_but_line(const struct config *a, const struct config *b)
{
    struct comparison there = { a, b }, back = { b, a };

    return config_each_section(a, compare_section, &there) == 0 && config_each_section(b, compare_section, &back) == 0;
}

/* What is wrong with the copy is wrong with the file: its name is meant. */
static void name_real_files(char *why)
{
    char *found;

    while (why && (found = strstr(why, SCRATCH_DIR))) {
        memcpy(found, CONFIG_DIR, strlen(CONFIG_DIR));
        memmove(found + strlen(CONFIG_DIR), found + strlen(SCRATCH_DIR), strlen(found + strlen(SCRATCH_DIR)) + 1);
    }
}
_Static_assert(sizeof(CONFIG_DIR) <= sizeof(SCRATCH_DIR), "the name is replaced in place");

static int load_after(struct run *run)
{
    CLEANUP(freep) char *why = NULL;
    int r;

    remove_scratch();
    r = make_scratch(run);
    if (r < 0) {
        remove_scratch();
        return fail("cannot make a copy of the configuration in " SCRATCH_DIR ": %s", strerror(-r));
    }

    r = config_load(SCRATCH_DIR, SSSD_ENGINE, &run->after, &why);
    if (r > 0)
        r = read_services(run->after, &run->will, &why);
    remove_scratch();
    name_real_files(why);
    if (r <= 0)
        return fail("refused: SSSD would not start with the edited configuration: %s",
                    r < 0 ? reason(why, r) : "it is empty");
    if (config_remarks(run->after) || !is_same_but_line(run->before, run->after))
        return fail("refused: the edited configuration would differ in more than the services line");
    return 0;
}

/* --- Who can serve afterwards ------------------------------------------------------------------------------------- */

static bool is_monitors(enum services_why why)
{
    return why != NOT_THE_MONITORS;
}

static bool moves(const struct run *run, size_t i)
{
    return is_monitors(run->was.why[i]) != is_monitors(run->will.why[i]);
}

/* The private socket of PAM, which newer engines lack. */
static bool is_missing(const struct responder *responder, size_t k, const struct unit *unit)
{
    return !responder->sockets[k] || (k > 0 && strcmp(unit->load, "not-found") == 0);
}

static int check_socket(const struct responder *responder, const char *name, const struct unit *unit)
{
    if (strcmp(unit->load, "masked") == 0)
        return fail("refused: nobody would serve %s, %s is masked: systemctl unmask %s, systemctl enable %s",
                    responder->name, name, name, name);
    if (strcmp(unit->load, "loaded") != 0)
        return fail("refused: nobody would serve %s, %s is %s", responder->name, name,
                    strcmp(unit->load, "not-found") == 0 ? "not installed" : unit->load);
    if (!unit_is_enabled(unit))
        return fail("refused: nobody would serve %s, %s is not enabled: systemctl enable %s", responder->name, name,
                    name);
    return 0;
}

static int check_service(const struct responder *responder, const struct unit *service)
{
    if (strcmp(service->load, "masked") == 0)
        return fail("refused: nobody would serve %s, %s is masked: systemctl unmask %s", responder->name,
                    responder->service, responder->service);
    if (strcmp(service->load, "loaded") != 0)
        return fail("refused: nobody would serve %s, %s is not installed", responder->name, responder->service);
    return 0;
}

/* Each one that leaves the line needs somebody else. All that is wrong is said at once. */
static int check_successors(const struct run *run)
{
    struct responder_units its[RESPONDERS] = { 0 };
    int r, first;

    first = units_read_responders(its, NULL);
    if (first < 0)
        return fail("cannot ask systemd for the sockets: %s", strerror(-first));

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (!moves(run, i))
            continue;
        r = check_service(&responders[i], &its[i].service);
        if (r == 0 && !responder_is_installed(&responders[i]))
            r = fail("refused: nobody could serve %s, %s is not installed", responders[i].name, responders[i].program);
        for (size_t k = 0; r == 0 && k < UNITS_MAX; k++)
            if (!is_missing(&responders[i], k, &its[i].sockets[k]))
                r = check_socket(&responders[i], responders[i].sockets[k], &its[i].sockets[k]);
        first = first ? first : r;
    }
    return first;
}

/* --- Switching ---------------------------------------------------------------------------------------------------- */

/* It runs, or is about to. */
static bool is_active(const struct run *run)
{
    char text[32];

    systemctl_property(MONITOR, "ActiveState", text, sizeof(text));
    if (strcmp(text, "active") == 0 || strcmp(text, "activating") == 0 || strcmp(text, "reloading") == 0)
        return true;
    systemctl_property(MONITOR, "Job", text, sizeof(text)); /* between the halves of a restart */
    return text[0] && strcmp(text, "0") != 0 && !state_has(&run->state, FLAG_HELD);
}

/* A monitor at rest stays so, unless responders are to be its own: nobody else would start it for them. An
 * administrator's stop stands. */
static void plan_switch(struct run *run, const struct services *will)
{
    run->was_active = is_active(run);
    run->restarts = run->was_active;
    for (size_t i = 0; i < RESPONDERS && !is_migration(run) && !state_has(&run->state, FLAG_HELD); i++)
        run->restarts = run->restarts || is_monitors(will->why[i]);
}

static int restart_monitor(void)
{
    int r = systemctl_run_for((const char *const[]) { "restart", MONITOR, NULL }, SWITCH_MSEC, NULL, NULL);

    if (r == -ETIMEDOUT)
        return fail("systemctl restart " MONITOR " takes longer than %d s", SWITCH_MSEC / 1000);
    if (r != 0)
        return fail("systemctl restart " MONITOR " failed (see: systemctl status " MONITOR ")");
    return 0;
}

static int switch_owners(const struct run *run)
{
    int r;

    if (run->restarts)
        return restart_monitor();
    r = ownership_apply_beside_monitor(&run->state);
    return r < 0 ? fail("cannot open and close sockets: %s", strerror(-r)) : 0;
}

static int check_owner(const struct run *run, size_t i, const struct unit *sockets)
{
    bool monitors = is_monitors(run->will.why[i]);

    if (state_monitor_owns(&run->state, responders[i].name) != monitors)
        return fail("%s is still %s", responders[i].name, monitors ? "systemd's" : "the monitor's");
    for (size_t k = 0; k < UNITS_MAX; k++) {
        if (is_missing(&responders[i], k, &sockets[k]))
            continue;
        if (unit_is_up(&sockets[k]) == monitors)
            return fail("%s is %s", responders[i].sockets[k], monitors ? "still open" : "not open");
    }
    return 0;
}

static int check_switch(const struct run *run)
{
    struct responder_units its[RESPONDERS] = { 0 };
    int r;

    if (run->restarts && !systemctl_property_is(MONITOR, "ActiveState", "active"))
        return fail(MONITOR " is not active");
    r = units_read_responders(its, NULL);
    if (r < 0)
        return fail("cannot ask systemd for the sockets: %s", strerror(-r));

    for (size_t i = 0; r == 0 && i < RESPONDERS; i++)
        if (moves(run, i))
            r = check_owner(run, i, its[i].sockets);
    return r;
}

static int undo(struct run *run)
{
    if (replace_put_back(&run->replace) < 0)
        return -ECANCELED; /* said there */
    (void) SYSTEMCTL("reset-failed", MONITOR); /* its own limits count our tries */
    if (switch_owners(run) < 0)
        return fail("the configuration is as it was, but the switch back failed too: see sss_activation status");
    return fail("failed: the configuration and its owners are as they were");
}

/* Between the first file's new contents and the end, a signal would leave half of it. */
static void ignore_signals(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void) signal(signals[i], SIG_IGN); /* cannot fail for these */
}

/* --- Saying what happens ------------------------------------------------------------------------------------------ */

static const char *successor(size_t i, char *text, size_t bytes)
{
    const char *const *sockets = responders[i].sockets;

    if (sockets[0])
        (void) snprintf(text, bytes, "systemd, its first client starts it (%s)", sockets[0]); /* fits */
    else
        (void) snprintf(text, bytes, "D-Bus, the first call on the bus starts it (%s)", responders[i].service);
    return text;
}

static void print_moves(const struct run *run)
{
    const char *verb = run->dry ? "would move" : "moves";
    char text[128];

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (moves(run, i) && is_migration(run))
            (void) printf("%s %s from the monitor to %s\n", responders[i].name, verb,
                          successor(i, text, sizeof(text)));
        else if (moves(run, i))
            (void) printf("%s %s to the monitor, which starts it\n", responders[i].name, verb);
        else if (is_migration(run) && run->will.why[i] == IMPLIED)
            (void) printf("%s %s the monitor's, which adds it by itself with AD and IPA\n", responders[i].name,
                          run->dry ? "would stay" : "stays");
    }
}

static const char *switch_text(const struct run *run)
{
    if (!run->restarts)
        return run->dry ? "sockets would open and close" : "sockets are being opened and closed";
    if (!run->was_active)
        return run->dry ? MONITOR " would be started" : MONITOR " is being started";
    return run->dry ? MONITOR " would be restarted" : MONITOR " is being restarted";
}

/* What would be done, or was: a real run says so when nothing takes it back any more. */
static void print_changes(const struct run *run)
{
    print_lines(run);
    print_moves(run);
    if (config_remarks(run->before)) {
        (void) fputs("left alone, since SSSD does not read it: ", stdout);
        print_text(stdout, config_remarks(run->before), strlen(config_remarks(run->before)));
        (void) putchar('\n');
    }
}

static void print_next(const struct run *run)
{
    bool enabled = SYSTEMCTL("--quiet", "is-enabled", MONITOR) == 0, needed = false;
    char why[256];

    for (size_t i = 0; i < RESPONDERS; i++)
        needed = needed || is_monitors(run->will.why[i]);
    if (is_migration(run) && enabled && !needed && residency_may_leave(run->after, why, sizeof(why)) == 1)
        (void) puts("next, if you like: systemctl disable sssd (the monitor then comes and goes with its clients)");
    if (!is_migration(run) && needed && !enabled)
        (void) puts("next: systemctl enable sssd (after a boot, too, nobody else starts what the line names)");
    if (is_migration(run))
        (void) puts("back: sss_activation revert");
}

static void print_done(const struct run *run)
{
    if (run->replace.backup[0])
        (void) printf("backup: %s\n", run->replace.backup);
    if (state_has(&run->state, FLAG_HELD))
        (void) puts(MONITOR " is held, and stays so until: sss_activation release");
    print_next(run);
}

/* --- The run ------------------------------------------------------------------------------------------------------ */

/* An earlier run, or an administrator, may have changed the file and not switched. Returns 1 if that is so. */
static bool is_switch_due(const struct run *run)
{
    for (size_t i = 0; i < RESPONDERS; i++) {
        bool owns = state_monitor_owns(&run->state, responders[i].name), monitors = is_monitors(run->was.why[i]);

        if (responder_is_installed(&responders[i]) && owns != monitors && owns == is_migration(run))
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

    ignore_signals();
    r = replace_swap(&run->replace, CONFIG_DIR, &why);
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

static int add_files(struct run *run)
{
    const char *path;
    int r = 0;

    for (size_t i = 0; r == 0 && (path = config_file(run->before, i)); i++)
        r = add_file(run, path);
    return r;
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
        return fail("refused: " CONFIG_DIR "%s would still have a services line in force%s",
                    run->will.file + strlen(SCRATCH_DIR),
                    run->wide ? ", and it is not UTF-8 text: convert it first (iconv)" : "");
    r = is_migration(run) ? check_successors(run) : 0;
    if (r == 0 && (r = replace_may(&run->replace, &why)) < 0)
        (void) fail("%s", reason(why, r));
    return r;
}

static int go(struct run *run)
{
    int r = load_before(run);

    if (r == 0)
        (void) puts("nothing to do: there is no configuration");
    if (r > 0)
        r = add_files(run);
    if (r < 0 || !run->before)
        return r;
    if (!run->dry)
        replace_sweep(&run->replace);
    if (run->lines == 0 && !(is_migration(run) && run->was.file))
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

static int lock(struct run *run)
{
    run->lock = openat(run->state.dir_fd, "migrate", O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (run->lock < 0)
        return fail("cannot open " STATE_DIR "/migrate: %s", strerror(errno));
    if (flock(run->lock, LOCK_EX | LOCK_NB) < 0)
        return fail(errno == EWOULDBLOCK ? "another migrate or revert is at work" : "cannot lock " STATE_DIR);
    return 0;
}

static int open_run(struct run *run)
{
    CLEANUP(freep) char *why = NULL;
    int r;

    r = state_create(STATE_DIR, &run->state);
    if (r < 0)
        return fail("cannot make " STATE_DIR ": %s", strerror(-r));
    r = lock(run);
    if (r < 0)
        return r;

    r = run->dry ? replace_may_recover(&why) : replace_recover(on_recovered, run, &why);
    if (r < 0)
        return fail("%s", reason(why, r));
    if (r > 0)
        (void) puts("an earlier run was interrupted: without --dry-run, what it did to files would be undone first");
    return 0;
}

static int run_edit(enum edit edit, bool dry)
{
    struct run *run = calloc(1, sizeof(*run));
    int r;

    if (!run)
        return EXIT_FAILURE;
    *run = (struct run) { .edit = edit, .dry = dry, .state = { .dir_fd = -1 }, .lock = -1 };
    r = open_run(run);
    if (r == 0)
        r = go(run);
    if (fflush(stdout) != 0 && r == 0) /* done, but not said: whoever reads the status should know */
        r = -EIO;

    replace_done(&run->replace);
    (void) config_free(run->before);
    (void) config_free(run->after);
    closep(&run->lock);
    state_done(&run->state);
    free(run);
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
