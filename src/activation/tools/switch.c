/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Switch: from one engine to the other, and back by itself.
 *
 * Sockets that both have stay open all the time: who comes meanwhile waits in the queue. The engine that leaves finishes what it has
 * before its monitor goes. Until the new one is up everything can be taken back, and is. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/responders.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/manager.h"
#include "lib/state.h"
#include "tools/drain.h"
#include "tools/engines.h"
#include "tools/finish.h"
#include "tools/held.h"
#include "tools/last.h"
#include "tools/ownership.h"
#include "tools/processes.h"
#include "tools/signals.h"
#include "tools/switch.h"
#include "tools/trial.h"
#include "tools/units.h"

/* As long as systemd lets a start take, and a stop before it. */
#define SWITCH_MSEC 180000
#define JOBS_MSEC 120000

#ifndef GENERATED /* the tests have their own */
#define GENERATED "/run/systemd/generator/sssd.service.d/60-engine.conf"
#endif

struct run {
    const struct switch_options *options;
    bool to_own, was_own;
    bool had_file;
    char was_word[ENGINE_WORD_BYTES];
    enum engine_runs runs;
    struct state state;
    struct manager *manager;
    int lock;
    struct responder_units its[RESPONDERS];
    struct unit monitor;
    bool was_stopped; /* by an administrator */
    bool began_trial;
};

__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...)
{
    CLEANUP(freep) char *text = NULL;
    va_list arguments;

    (void) fflush(stdout); /* before what follows */
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    (void) fprintf(stderr, "%ssss_activation: %s\n", log_level(SD_ERR), text ? text : format);
    return -ECANCELED;
}

/* --- May it? ----------------------------------------------------------------------------------------------------- */

static int check_programs(void)
{
    const char *missing;

    if (access(SELINUX_REFUSES, F_OK) == 0)
        return fail("refused: SELinux enforces and the module of sssd-ondemand-selinux is not loaded: sockets of ours stay closed");
    if (!engine_has_programs(&missing))
        return fail("refused: %s is not there: install sssd-ondemand-daemons", missing);
    return 0;
}

static int check_target(const struct run *run)
{
    CLEANUP(freep) char *says = NULL;
    const char *word = engine_word(run->to_own);
    int r = run->to_own ? check_programs() : 0;

    if (r < 0)
        return r;
    r = engine_takes(run->to_own, &says);
    if (r > 0)
        return 0;
    if (!run->to_own && run->options->force) {
        log_warning("%s will not take the configuration: %s", word, says ? says : strerror(-r));
        return 0;
    }
    if (r < 0)
        return fail("refused: cannot find out whether %s takes the configuration: %s", word, strerror(-r));
    return fail("refused: %s does not take the configuration:\n%s%s", word, says,
                run->to_own ? "" : "\n(--force does it all the same: nobody is served until that is mended)");
}

/* At the end of a trial: of two, the engine before the first. */
static bool own_comes_back(const struct run *run)
{
    char back[ENGINE_WORD_BYTES];

    if (!trial_is_on())
        return run->was_own;
    engine_read_word_of(ENGINE_TRY, back);
    return strcmp(back, engine_word(true)) == 0;
}

/* A trial is for a machine that nobody reaches when it goes wrong. */
static void warn_of_the_way_back(const struct run *run)
{
    CLEANUP(freep) char *says = NULL;
    bool own = own_comes_back(run);

    if (run->options->minutes > 0 && engine_takes(own, &says) == 0)
        log_warning("%s comes back after that and does not take this configuration: %s", engine_word(own), says);
}

/* --- It takes effect ---------------------------------------------------------------------------------------------- */

static int stop_all(struct manager *manager, const char *const *names, size_t n)
{
    struct unit units[MANAGER_UNITS_MAX];
    const char *up[MANAGER_UNITS_MAX];
    size_t n_up = 0;
    int r;

    r = manager_states(manager, names, n, units);
    for (size_t i = 0; r >= 0 && i < n; i++)
        if (unit_is_up(&units[i]))
            up[n_up++] = names[i];
    return r < 0 || n_up == 0 ? r : manager_run_all(manager, "Stop", up, n_up, "replace", JOBS_MSEC);
}

/* Its clients are refused by the kernel from then on, and by the bus. */
static int close_what_own_lacks(struct manager *manager)
{
    const char *names[MANAGER_UNITS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (engine_has_of(true, &responders[i]))
            continue;
        for (size_t k = 0; k < UNITS_MAX && responders[i].sockets[k]; k++)
            names[n++] = responders[i].sockets[k];
        if (!responders[i].sockets[0])
            names[n++] = responders[i].service;
    }
    return stop_all(manager, names, n);
}

static void drain_in_child(pid_t pid)
{
    if (fork() == 0)
        _exit(drain(pid) < 0);
}

/* Our units let a responder have SIGTERM at once, since ours finishes by itself; SSSD's does not. */
static void drain_sssds(struct run *run)
{
    for (size_t i = 0; i < RESPONDERS; i++) {
        const struct unit *service = &run->its[i].service;

        if (responders[i].sockets[0] && unit_is_up(service) && engine_of_process(service->main_pid) == RUNS_SSSD)
            drain_in_child(service->main_pid);
    }
    while (wait(NULL) > 0 || errno == EINTR)
        ;
}

static int check_that_it_runs(struct run *run, bool own)
{
    struct unit monitor, socket;
    int r;

    r = manager_state(run->manager, MONITOR, &monitor);
    if (r >= 0)
        r = manager_read_main_pid(run->manager, MONITOR, &monitor);
    if (r >= 0)
        r = manager_state(run->manager, MONITOR_SOCKET, &socket);
    if (r < 0)
        return fail("cannot ask systemd for " MONITOR ": %s", manager_error(r));
    if (strcmp(monitor.active, "active") != 0)
        return fail(MONITOR " is not active");
    if (engine_of_process(monitor.main_pid) != (own ? RUNS_OWN : RUNS_SSSD))
        return fail("what runs as " MONITOR " is not engine %s (systemctl cat " MONITOR " shows what the unit says)",
                    engine_word(own));
    if (own && strcmp(socket.load, "loaded") == 0 && !unit_is_up(&socket))
        return fail(MONITOR_SOCKET " is not open");
    return 0;
}

/* Returns whether all are held, of none, too. */
static bool hold_paths(const struct responder *responder, struct held *held, size_t *n)
{
    int r = 0;

    for (size_t k = 0; k < UNITS_MAX && responder->paths[k]; k++) {
        r = path_hold(responder->paths[k], &held[*n]);
        *n += r == 0;
        if (r < 0)
            log_info("%s: clients are refused until it is bound anew: %s", responder->paths[k], strerror(-r));
    }
    return r == 0;
}

/* What the monitor runs by itself has its path from no socket of systemd's: until the other engine has bound that, who comes is told
 * to try again. Those who came before are served to the end: by ours anyway. */
static size_t hold_listed(struct run *run, struct held *held)
{
    pid_t serving[RESPONDERS];
    int pids[RESPONDERS];
    size_t n = 0, n_serving = 0;

    if (processes_of_monitor(run->manager, pids) < 0)
        return 0; /* as when a service of any other kind is restarted */
    for (size_t i = 0; i < RESPONDERS; i++)
        if (pids[i] > 0 && hold_paths(&responders[i], held, &n) && engine_of_process(pids[i]) == RUNS_SSSD)
            serving[n_serving++] = pids[i];
    finish(serving, n_serving);
    return n;
}

static int restart_monitor(struct run *run, enum job_result *ret)
{
    struct held held[RESPONDERS * UNITS_MAX];
    size_t n = hold_listed(run, held);
    int r = manager_run(run->manager, "Restart", MONITOR, "replace", SWITCH_MSEC, ret);

    for (size_t i = 0; i < n; i++)
        path_release(&held[i]);
    return r;
}

static int restart(struct run *run, bool own)
{
    enum job_result result;
    int r = restart_monitor(run, &result);

    if (r == -ERFKILL) { /* nobody serves, before and after */
        (void) puts(MONITOR " is masked, and stays so");
        return 0;
    }
    if (r < 0)
        return fail("cannot restart " MONITOR ": %s", manager_error(r));
    if (result == JOB_FAILED)
        return fail(MONITOR " did not start (see: systemctl status " MONITOR ")");
    return result == JOB_SKIPPED ? 0 : check_that_it_runs(run, own);
}

/* What was read before may have changed: a switch is undone by another one. */
static int read_units(struct run *run)
{
    int r = units_read_all(run->manager, run->its, &run->monitor);

    if (r >= 0)
        r = manager_read_main_pid(run->manager, MONITOR, &run->monitor);
    if (r < 0)
        return fail("cannot ask systemd for the sockets: %s", manager_error(r));
    run->runs = engine_of_process(unit_is_up(&run->monitor) ? run->monitor.main_pid : 0);
    return 0;
}

static int reload(struct run *run, bool own)
{
    int r = manager_reload(run->manager);

    if (r < 0)
        return fail("systemd cannot reload its units: %s", manager_error(r));
    if ((access(GENERATED, F_OK) == 0) != own)
        return fail("systemd has reloaded its units, but not for engine %s: does its generator run (journalctl -b -k)?",
                    engine_word(own));
    return 0;
}

static int start_timer(struct run *run)
{
    int r = trial_start_timer(run->manager);

    return r < 0 ? fail("cannot start " TRIAL_TIMER ": %s", manager_error(r)) : 0;
}

/* The word is written. */
static int take_effect(struct run *run, bool own)
{
    int r = read_units(run);

    if (r < 0)
        return r;
    if (run->runs == RUNS_OWN || run->runs == RUNS_SSSD)
        (void) last_note(run->runs == RUNS_OWN); /* the hooks say so, too */
    r = reload(run, own);
    if (r < 0)
        return r;
    if (run->options->minutes > 0 && own == run->to_own && (r = start_timer(run)) < 0)
        return r;

    r = own ? close_what_own_lacks(run->manager) : stop_all(run->manager, &(const char *) { MONITOR_SOCKET }, 1);
    if (r < 0)
        return fail("cannot close sockets: %s", manager_error(r));
    if (run->was_stopped)
        return 0; /* an administrator's stop stands */
    if (own)
        drain_sssds(run);
    return restart(run, own);
}

static int write_word(bool own)
{
    int r = engine_write_word(ENGINE_FILE, engine_word(own));

    return r < 0 ? fail("cannot write " ENGINE_FILE ": %s", strerror(-r)) : 0;
}

static int undo(struct run *run)
{
    bool written = true;

    if (run->had_file)
        written = write_word(run->was_own) == 0; /* said there */
    else if (unlink(ENGINE_FILE) < 0)
        written = fail("cannot remove " ENGINE_FILE ": %s", strerror(errno)) == 0;
    if (run->began_trial)
        (void) trial_end(run->manager);
    (void) manager_reset_failed(run->manager, MONITOR); /* its own limits count our tries */
    if (!written || take_effect(run, run->was_own) < 0)
        return fail("failed, and the way back to %s failed too: see sss_activation status", engine_word(run->was_own));
    return fail("failed: %s serves, as before", engine_word(run->was_own));
}

/* --- The run ------------------------------------------------------------------------------------------------------ */

static int begin_trial(struct run *run)
{
    int r;

    if (run->options->minutes == 0)
        return 0;
    run->began_trial = !trial_is_on();
    r = trial_begin(engine_word(run->was_own), run->options->minutes);
    if (r < 0 && run->began_trial)
        (void) trial_end(run->manager);
    return r < 0 ? fail("cannot note what comes back: %s", strerror(-r)) : 0;
}

static int change(struct run *run)
{
    int r;

    signals_ignore();
    r = begin_trial(run);
    if (r == 0)
        r = write_word(run->to_own);
    if (r < 0) {
        if (run->began_trial)
            (void) trial_end(run->manager);
        return r;
    }
    (void) printf("engine %s: %s\n", engine_word(run->to_own),
                  run->was_stopped ? "sockets stay closed" : MONITOR " is being restarted");
    (void) fflush(stdout); /* before what may fail */
    if (take_effect(run, run->to_own) < 0)
        return undo(run);
    if (run->options->minutes == 0)
        (void) trial_end(run->manager);
    return 0;
}

/* A switch opens no socket that somebody has closed, or never enabled. */
static void warn_of_closed_sockets(struct run *run)
{
    if (run->was_stopped || !run->to_own || read_units(run) < 0)
        return;
    for (size_t i = 0; i < RESPONDERS; i++)
        if (engine_has_of(true, &responders[i]) && !unit_is_up(&run->its[i].sockets[0]) &&
            !state_monitor_owns(&run->state, responders[i].name))
            log_warning("%s is not open, so our own engine serves nobody who asks for %s: systemctl enable --now %s",
                        responders[i].sockets[0], responders[i].name, responders[i].sockets[0]);
}

static void print_done(const struct run *run)
{
    (void) printf(run->was_stopped ? "%s is configured\n" : "%s serves\n", engine_word(run->to_own));
    if (run->was_stopped)
        (void) puts(MONITOR " was stopped, and stays so until: sss_activation release");
    if (run->options->minutes > 0)
        (void) printf("%s comes back in %u min, and with a boot, unless you type: sss_activation engine --keep\n",
                      engine_word(own_comes_back(run)), run->options->minutes);
    else
        (void) printf("back: sss_activation engine %s\n", engine_word(run->was_own));
}

static void print_plan(const struct run *run)
{
    (void) printf(ENGINE_FILE " would say %s\n", engine_word(run->to_own));
    (void) puts(run->was_stopped ? MONITOR " was stopped, and would stay so"
                                 : MONITOR " would be restarted, with its responders");
    for (size_t i = 0; run->to_own && i < RESPONDERS; i++) {
        bool serves = unit_is_up(&run->its[i].sockets[0]) || (!responders[i].sockets[0] && engine_has_of(false, &responders[i]));

        if (serves && !engine_has_of(true, &responders[i]))
            (void) printf("nobody would serve %s: our own engine has no such responder\n", responders[i].name);
    }
    if (run->options->minutes > 0)
        (void) printf("%s would come back after %u min, or with a boot, unless: sss_activation engine --keep\n",
                      engine_word(run->was_own), run->options->minutes);
    (void) puts("dry run: nothing was changed");
}

static bool is_there(const struct run *run)
{
    enum engine_runs other = run->to_own ? RUNS_SSSD : RUNS_OWN;

    bool says = run->had_file ? strcmp(run->was_word, engine_word(run->to_own)) == 0 : !run->to_own;

    return says && run->to_own == run->was_own && run->runs != other && (access(GENERATED, F_OK) == 0) == run->to_own;
}

/* The same engine's trial gets other minutes. */
static int prolong(struct run *run)
{
    int r;

    if (run->options->dry) {
        (void) printf("its trial would end in %u min\ndry run: nothing was changed\n", run->options->minutes);
        return 0;
    }
    r = begin_trial(run);
    if (r == 0)
        r = reload(run, run->to_own);
    if (r == 0)
        r = start_timer(run);
    if (r == 0)
        (void) printf("its trial ends in %u min, unless you type: sss_activation engine --keep\n", run->options->minutes);
    return r;
}

static int go(struct run *run)
{
    struct switch_options home = *run->options;
    int r;

    if (trial_is_on() && own_comes_back(run) == run->to_own) {
        home.minutes = 0; /* it would come back to where it is then */
        run->options = &home;
    }
    if (is_there(run) && trial_is_on() && run->options->minutes > 0)
        return prolong(run);
    if (is_there(run)) {
        (void) printf("nothing to do: the engine is %s%s\n", engine_word(run->to_own),
                      trial_is_on() ? ", for a trial: 'sss_activation engine --keep' ends that" : "");
        return 0;
    }
    r = check_target(run);
    if (r < 0)
        return r;
    warn_of_the_way_back(run);
    if (run->options->dry) {
        print_plan(run);
        return 0;
    }
    r = change(run);
    if (r < 0)
        return r;
    print_done(run);
    (void) fflush(stdout); /* before what follows */
    warn_of_closed_sockets(run);
    return 0;
}

static int keep(struct run *run)
{
    int r;

    if (!trial_is_on()) {
        (void) puts("nothing to do: no engine is there for a trial");
        return 0;
    }
    if (run->options->dry) {
        (void) printf("%s would stay\n", engine_word(run->was_own));
        return 0;
    }
    r = trial_end(run->manager);
    if (r < 0)
        return fail("cannot end the trial: %s", strerror(-r));
    (void) printf("%s stays\n", engine_word(run->was_own));
    return 0;
}

static int read_run(struct run *run)
{
    int r;

    run->lock = openat(run->state.dir_fd, "migrate", O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (run->lock < 0 || flock(run->lock, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? fail("another engine, migrate or revert is at work")
                                    : fail("cannot lock " STATE_DIR "/migrate: %s", strerror(errno));
    (void) trial_end_by_boot(); /* where the hook could not write */
    run->had_file = access(ENGINE_FILE, F_OK) == 0;
    engine_read_word(run->was_word);
    run->was_own = engine_is_own();
    r = read_units(run);
    if (r == 0)
        run->was_stopped = units_are_stopped(&run->state, run->its, &run->monitor);
    return r;
}

static int run_switch(const struct switch_options *options)
{
    struct run run = { .options = options, .state = { .dir_fd = -1 }, .lock = -1 };
    int r = state_create(STATE_DIR, &run.state);

    run.to_own = options->word && strcmp(options->word, engine_word(true)) == 0;
    if (r < 0)
        return fail("cannot make " STATE_DIR ": %s", strerror(-r));
    r = manager_open(&run.manager);
    r = r < 0 ? fail("cannot ask systemd: %s", manager_error(r)) : read_run(&run);
    if (r == 0)
        r = options->keep ? keep(&run) : go(&run);
    if (fflush(stdout) != 0 && r == 0) /* done, but not said: whoever reads the status should know */
        r = -EIO;
    (void) manager_free(run.manager);
    closep(&run.lock);
    state_done(&run.state);
    return r;
}

/* --- Without a word ----------------------------------------------------------------------------------------------- */

static void print_minutes(struct manager *manager)
{
    uint64_t next, now = now_usec();

    if (manager_number(manager, TRIAL_TIMER, "Timer", "NextElapseUSecMonotonic", &next) >= 0 && next > now)
        log_info("it goes back in %u min", (unsigned) ((next - now) / 60000000 + 1));
}

/* The word for programs; what is odd about it for people. */
static int print_engine(void)
{
    CLEANUP(manager_freep) struct manager *manager = NULL;
    struct unit monitor = { .main_pid = 0 };
    bool own = engine_is_own(), asked;
    enum engine_runs runs;

    (void) puts(engine_word(own));
    (void) fflush(stdout); /* before what follows */
    asked = manager_open(&manager) >= 0 && manager_read_main_pid(manager, MONITOR, &monitor) >= 0;
    runs = engine_of_process(monitor.main_pid);
    if (runs == (own ? RUNS_SSSD : RUNS_OWN))
        log_info("until sssd.service is restarted, %s runs", engine_word(!own));
    if (trial_is_on())
        log_info("for a trial: 'sss_activation engine --keep' keeps it");
    if (asked && trial_is_on())
        print_minutes(manager);
    return EXIT_SUCCESS;
}

int switch_engine(const struct switch_options *options)
{
    if (!options->word && !options->keep)
        return print_engine();
    return run_switch(options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- Back --------------------------------------------------------------------------------------------------------- */

int switch_back(const struct state *state, struct manager *manager)
{
    const struct switch_options options = { .force = true };
    struct run run = { .options = &options, .state = *state, .manager = manager, .lock = -1 };
    char back[ENGINE_WORD_BYTES];
    int r;

    if (!trial_is_on())
        return 0; /* somebody was faster */
    engine_read_word_of(ENGINE_TRY, back);
    run.to_own = strcmp(back, engine_word(true)) == 0;
    r = read_run(&run);
    if (r == 0)
        r = write_word(run.to_own);
    if (r == 0) {
        log_info("the time of the trial is over: %s comes back", engine_word(run.to_own));
        r = take_effect(&run, run.to_own);
        /* Only while the other still runs there is something to try again; a start that failed has said so. */
        if (r < 0 && read_units(&run) == 0 && run.runs != (run.to_own ? RUNS_SSSD : RUNS_OWN))
            r = 0;
        if (r == 0)
            r = trial_end(manager);
    }
    closep(&run.lock);
    return r;
}
