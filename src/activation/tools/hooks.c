/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hooks: what the units call at the turns of their lives. Their failure never fails the unit. */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/responders.h"
#include "lib/config.h"
#include "lib/engine.h"
#include "lib/event.h"
#include "lib/log.h"
#include "lib/manager.h"
#include "lib/pace.h"
#include "lib/residency.h"
#include "lib/services.h"
#include "lib/state.h"
#include "tools/backends.h"
#include "tools/bound.h"
#include "tools/drain.h"
#include "tools/finish.h"
#include "tools/folders.h"
#include "tools/hooks.h"
#include "tools/last.h"
#include "tools/ownership.h"
#include "tools/switch.h"
#include "tools/trial.h"
#include "tools/with-state.h"

/* The launcher's exit statuses. */
#define WRONG_SOCKETS "78"
#define NOT_SERVED "75"

/* A drain takes a second at most, and systemd some time. */
#ifndef RESPONDERS_USEC /* the tests' time is shorter */
#define RESPONDERS_USEC UINT64_C(5000000)
#endif
/* Then a monitor that was sent away and does not go is killed. Launchers wait for it a little less. */
#ifndef LEAVE_MSEC /* likewise */
#define LEAVE_MSEC 5000
#endif
/* No launcher holds its lock for longer. */
#ifndef LOCK_MSEC /* likewise */
#define LOCK_MSEC 20000
#endif
/* Whom somebody killed sooner than that after the launcher was there has served nobody. */
#define KILLED_AT_START_USEC 40000
/* A monitor that ends badly after a longer life than that did not fail to start. */
#define SHORT_LIFE_USEC UINT64_C(60000000)
/* How often somebody who waits for the next try looks whether the mistake is mended. */
#ifndef PAUSE_LOOK_USEC /* likewise */
#define PAUSE_LOOK_USEC 1000000
#endif

static int warn(int r, const char *what)
{
    if (r < 0)
        log_warning("cannot %s: %s", what, strerror(-r));
    return r;
}

/* verb is "Restart", or "Start", by which one that runs goes on. */
static int start_linger(struct manager *manager, const char *verb)
{
    return warn(manager_queue(manager, verb, LINGER_TIMER, "replace"), "start the linger timer");
}

static const char *from_systemd(const char *variable)
{
    const char *value = getenv(variable);

    return value ? value : "";
}

static pid_t main_pid(void)
{
    return atoi(from_systemd("MAINPID"));
}

/* --- The monitor's life ---------------------------------------------------------------------------------------- */

/* Before the sockets. /run may be that of before a soft reboot. */
static int on_boot(const struct state *state)
{
    if (warn(trial_end_by_boot(), "put the engine of before a trial in its place") > 0)
        log_info("the trial of an engine ended with its boot");
    (void) warn(state_set_restarting(state, false), "forget a restart");
    (void) warn(state_forget_failures(state), "forget failures");
    return ownership_decide(state);
}

/* Whoever started it, each responder gets a fresh start, unless it may have ended badly with the monitor. */
static void begin_life(const struct state *state)
{
    uint64_t age;

    for (size_t i = 0; i < RESPONDERS && state_failures(state, &age) == 0; i++)
        (void) warn(state_forget_bad_ends(state, responders[i].name), "forget bad ends");
    (void) warn(state_forget_refusals(state), "forget refusals");
    (void) warn(state_set_restarting(state, false), "note that the restart goes on");
}

/* ExecStartPre= of sssd.service. */
static int on_starting(const struct state *state, struct manager *manager)
{
    begin_life(state);
    if (!engine_is_own()) {
        (void) warn(folders_make(), "make SSSD's folders");
        (void) warn(last_make_way_for_sssd(), "remove the memory caches of our own engine");
    }
    return ownership_apply(state, manager);
}

/* ExecStartPost=: systemd calls the monitor active only after this, so nobody is told "up" before what it runs is known. Nothing of
 * ours stands before the start of our own engine, whose first client waits for that: what has to be done is done here. */
static int on_started(const struct state *state, struct manager *manager)
{
    enum engine_runs runs = engine_of_process(main_pid());
    uint64_t age;
    int r;

    if (runs == RUNS_OWN || runs == RUNS_SSSD)
        (void) warn(last_note(runs == RUNS_OWN), "note which engine runs");
    if (runs == RUNS_OWN) {
        begin_life(state);
        (void) ownership_apply(state, manager); /* says so itself */
    }
    r = ownership_verify(state, manager);
    (void) warn(state_forget_refusals(state), "note that the monitor has started");
    (void) warn(state_set_restarting(state, false), "note that the restart is over"); /* our engine's has no hook before */
    if (state_failures(state, &age) > 0)
        (void) manager_kill(manager, INFOPIPE_PAUSE, SIGTERM); /* mostly there is none */
    return r;
}

static void wait_for_end(int pid, uint64_t end_usec)
{
    struct pollfd polled = { .fd = pidfd_open(pid, 0), .events = POLLIN };

    if (polled.fd < 0)
        return; /* it has ended */
    (void) poll(&polled, 1, (int) (usec_until(end_usec) / 1000)); /* cut short, it is stopped all the same */
    (void) close(polled.fd); /* was only watched */
}

static bool is_about_to_end(const struct unit *service)
{
    return service->job[0] && unit_is_up(service) && strcmp(service->active, "activating") != 0;
}

/* The responders finish what they have while the monitor is still there to answer them. The stop or restart has given each
 * that was up a job of its own (PartOf=); one that a client has started since is a launcher, which waits for the monitor. */
static int wait_for_responders(struct manager *manager)
{
    const uint64_t end_usec = now_usec() + RESPONDERS_USEC;
    const char *names[RESPONDERS];
    struct unit before[RESPONDERS], services[RESPONDERS];
    size_t n = 0;
    int r;

    for (size_t i = 0; i < RESPONDERS; i++)
        if (responders[i].sockets[0])
            names[n++] = responders[i].service;
    r = manager_states(manager, names, n, before);
    for (size_t i = 0; r >= 0 && i < n; i++)
        if (is_about_to_end(&before[i]))
            r = manager_read_main_pid(manager, names[i], &before[i]);
    /* The number is a launcher's where it was read after the responder had ended. */
    if (r >= 0)
        r = manager_states(manager, names, n, services);
    for (size_t i = 0; r >= 0 && i < n; i++)
        if (before[i].main_pid > 0 && is_about_to_end(&services[i]))
            wait_for_end(before[i].main_pid, end_usec);
    return warn(r, "ask systemd for the responders");
}

/* Why it ends. */
enum end { END_BY_ITSELF, END_BY_STOP, END_BY_RESTART, END_BY_LINGER };

/* Hook `linger` has the lock as long as a stop is its own. */
static bool is_stopped_by_linger(const struct state *state)
{
    CLEANUP(closep) int lock = state_lock_shared(state, 0);

    return lock == -ETIMEDOUT;
}

/* A stop that somebody typed has stopped sss-stop.service before, or is about to; hook `linger` leaves that alone. Returns an
 * enum end, or a negative errno. */
static int read_end(const struct state *state, struct manager *manager)
{
    static const char *const names[] = { MONITOR, STOP_SERVICE };
    struct unit units[2];
    int r;

    r = warn(manager_states(manager, names, 2, units), "ask systemd for " MONITOR);
    if (r < 0)
        return r;
    if (strcmp(units[0].job, "restart") == 0)
        return END_BY_RESTART;
    if (strcmp(units[0].job, "stop") != 0)
        return END_BY_ITSELF; /* a start that fails has its job still */
    if (strcmp(units[1].active, "active") == 0 && strcmp(units[1].job, "stop") != 0)
        return END_BY_LINGER;
    return is_stopped_by_linger(state) ? END_BY_LINGER : END_BY_STOP;
}

/* ExecStop=. */
static int on_stopping(const struct state *state, struct manager *manager)
{
    int end = read_end(state, manager), r = 0, waited;

    if (end != END_BY_STOP && end != END_BY_RESTART)
        return end < 0 ? end : 0; /* nobody is there who would have to finish */
    if (end == END_BY_RESTART)
        r = ownership_release(state, manager);
    else
        event_log(EVENT_HOLD, "monitor", "begin", "sssd.service is stopped, and its sockets with it, until it is started again");
    waited = wait_for_responders(manager);
    /* A restart may have become a stop meanwhile. Who has typed that finds the sockets closed. */
    if (read_end(state, manager) == END_BY_STOP)
        waited = ownership_close(manager);
    return r < 0 ? r : waited;
}

/* Of a life: it was never up; it ended badly soon after; or else nothing is wrong with it. */
enum life { NEVER_UP, SHORT, GOOD };

static enum life read_life(struct manager *manager)
{
    const char *result = from_systemd("SERVICE_RESULT");
    uint64_t began, came_up, ended, least = SHORT_LIFE_USEC;

    if (manager_number(manager, MONITOR, "Unit", "InactiveExitTimestampMonotonic", &began) < 0 ||
        manager_number(manager, MONITOR, "Unit", "ActiveEnterTimestampMonotonic", &came_up) < 0 ||
        manager_number(manager, MONITOR, "Service", "ExecMainExitTimestampMonotonic", &ended) < 0)
        return GOOD;
    if (came_up < began)
        return NEVER_UP;
    /* A kill says nothing of the next, be it that memory came to its end, and a watchdog has its own patience. */
    if (strcmp(from_systemd("EXIT_STATUS"), "KILL") == 0 || strcmp(result, "oom-kill") == 0 || strcmp(result, "watchdog") == 0)
        least = KILLED_AT_START_USEC;
    return strcmp(result, "success") != 0 && ended < came_up + least ? SHORT : GOOD;
}

/* By its Restart= (systemd.service(5)), after this end. */
static bool will_be_restarted(struct manager *manager)
{
    const char *result = from_systemd("SERVICE_RESULT");
    bool is_good = strcmp(result, "success") == 0;
    char restart[32];

    if (manager_text(manager, MONITOR, "Service", "Restart", restart, sizeof(restart)) < 0)
        return false;
    return strcmp(restart, "always") == 0 || (strcmp(restart, "on-failure") == 0 && !is_good) ||
           (strcmp(restart, "on-abnormal") == 0 && !is_good && strcmp(result, "exit-code") != 0) ||
           (strcmp(restart, "on-abort") == 0 && (strcmp(result, "signal") == 0 || strcmp(result, "core-dump") == 0));
}

/* Its callers get no launcher, which would wait for the next try: each call is a start of the monitor. Where that was up, nothing
 * tells whether InfoPipe was. */
static void pause_infopipe(struct manager *manager, enum life life)
{
    struct unit infopipe;
    int r;

    r = manager_state(manager, responders[IFP].service, &infopipe);
    if (r >= 0 && (infopipe.job[0] || life == SHORT))
        r = manager_queue(manager, "Start", INFOPIPE_PAUSE, "replace-irreversibly");
    (void) warn(r == -ENOENT ? 0 : r, "keep InfoPipe from starting " MONITOR);
}

/* ExecStart= of sss-pause.service. */
static int on_pausing(const struct state *state, struct manager *manager)
{
    struct unit monitor;

    while (pace_usec_left(state, manager) > 0 &&
           (manager_state(manager, MONITOR, &monitor) < 0 || strcmp(monitor.active, "active") != 0))
        (void) usleep(PAUSE_LOOK_USEC);
    return 0;
}

/* An end that somebody asked for, or a good life before it, is the end of the row. One that was up has served, and may have had
 * bad luck: nobody waits after its first. */
static void count_failure(const struct state *state, struct manager *manager, int end)
{
    enum life life = end == END_BY_ITSELF ? read_life(manager) : GOOD;

    if (life == GOOD)
        (void) warn(state_forget_failures(state), "forget failures");
    if (life == GOOD || (life == SHORT && warn(state_begin_failures(state), "note that the monitor ended badly") != 0))
        return;
    (void) warn(state_count_failure(state), "note that the monitor came to nothing");
    pause_infopipe(manager, life);
    /* Then it does not enter the failed state, and nobody else starts this. */
    if (will_be_restarted(manager))
        (void) warn(manager_queue(manager, "Start", MONITOR_ENDED, "replace"), "start " MONITOR_ENDED);
}

/* It has ended with the monitor, or is about to. Returns END_BY_STOP where that lost its own part of a stop by this, which came
 * since that end was read; that end; or a negative errno. */
static int start_stop_unit(const struct state *state, struct manager *manager, int end)
{
    struct unit monitor;
    int r;

    /* A restart's start would come after the monitor's own. */
    r = warn(manager_queue(manager, "Start", STOP_SERVICE, end == END_BY_RESTART ? "ignore-dependencies" : "replace"),
             "start sss-stop.service");
    if (r >= 0)
        r = warn(manager_state(manager, MONITOR, &monitor), "ask systemd for " MONITOR);
    if (r < 0)
        return r;
    return strcmp(monitor.job, "stop") == 0 && !is_stopped_by_linger(state) ? END_BY_STOP : end;
}

/* ExecStopPost=. */
static int on_stopped(const struct state *state, struct manager *manager)
{
    int end = read_end(state, manager);

    if (end >= 0) {
        (void) warn(state_set_restarting(state, end == END_BY_RESTART), "note whether the monitor is restarted");
        count_failure(state, manager, end);
    }
    if (end == END_BY_ITSELF || end == END_BY_RESTART)
        end = start_stop_unit(state, manager, end);
    if (end == END_BY_STOP)
        return ownership_close(manager); /* whatever was about to open them has ended */
    return end < 0 ? end : 0;
}

/* ExecStop= of sss-stop.service, which stops before the monitor, and with it when that ends by itself or is restarted (from
 * systemd 257 on). A stop in the middle of a restart may find nothing left to stop, and be over. */
static int on_closing(const struct state *state, struct manager *manager)
{
    struct unit monitor;
    int r;

    r = warn(manager_state(manager, MONITOR, &monitor), "ask systemd for " MONITOR);
    if (r >= 0 && (strcmp(monitor.job, "stop") == 0 ||
                   (!monitor.job[0] && !unit_is_up(&monitor) && state_is_restarting(state))))
        return ownership_close(manager);
    if (r >= 0 && strcmp(monitor.job, "restart") == 0)
        ownership_narrow(state); /* hook `stopping` comes later */
    return r;
}

/* A job is not undone by Restart=; without the dependencies it closes nothing. */
static int stop_monitor_alone(struct manager *manager)
{
    enum job_result result;

    return manager_run(manager, "Stop", MONITOR, "ignore-dependencies", LEAVE_MSEC, &result);
}

/* It is on its way down by itself, or waits. */
static bool is_to_be_restarted(const struct unit *monitor)
{
    return unit_is_up(monitor) && strcmp(monitor->active, "active") != 0 && !monitor->job[0];
}

/* Its Restart= would start it each second. The lock tells its own hooks that this stop is no administrator's; sss-stop.service,
 * which may still be on its way down with it, is waited for, since its hook closes the sockets for a stop. */
static int undo_restart(const struct state *state, struct manager *manager)
{
    CLEANUP(closep) int lock = state_lock_exclusive(state, LOCK_MSEC);
    enum job_result result;
    struct unit monitor;
    int r;

    if (lock < 0)
        return warn(lock, "lock " STATE_DIR);
    r = manager_run(manager, "Start", STOP_SERVICE, "ignore-dependencies", LEAVE_MSEC, &result);
    if (r >= 0)
        r = manager_state(manager, MONITOR, &monitor);
    if (r >= 0 && is_to_be_restarted(&monitor))
        r = stop_monitor_alone(manager);
    return warn(r, "keep " MONITOR " from being restarted");
}

static bool monitor_owns_any(const struct state *state)
{
    for (size_t i = 0; i < RESPONDERS; i++)
        if (state_monitor_owns(state, responders[i].name))
            return true;
    return false;
}

/* SSSD's unit is skipped then. Our own engine's has no such condition: who waits in its socket has to be told by it. */
static bool is_without_configuration(void)
{
    CLEANUP(conf_freep) struct conf *config = NULL;
    CLEANUP(freep) char *why = NULL;

    return config_load(NULL, NULL, &config, &why) == 0;
}

/* sss-ended@sssd.service, when it has failed, or come to nothing. */
static int on_monitor_failed(const struct state *state, struct manager *manager)
{
    static const char *const names[] = { MONITOR, STOP_SERVICE };
    struct unit units[2], *monitor = &units[0];
    bool was_stopped;
    int r;

    r = manager_states(manager, names, 2, units);
    if (r >= 0)
        r = manager_read_file(manager, MONITOR, monitor);
    was_stopped = r >= 0 && !unit_is_up(&units[1]);
    if (r >= 0 && is_to_be_restarted(monitor)) {
        r = undo_restart(state, manager);
        /* Clients start it again where it is theirs. */
        if (r >= 0 && (unit_is_enabled(monitor) || monitor_owns_any(state)))
            r = manager_queue(manager, "Start", MONITOR_RETRY_TIMER, "replace"); /* one that runs goes on */
    } else if (r >= 0 && strcmp(monitor->active, "failed") == 0 && monitor->file[0] &&
               (!unit_is_enabled(monitor) || was_stopped || is_without_configuration())) {
        /* Nobody typed the start of a monitor that nobody enabled, and who typed a stop has what he wanted (SSSD 2.8's aborts
         * where a responder behind a socket has lived twice): it is not left failed. The journal has the reason. */
        r = manager_reset_failed(manager, MONITOR);
    }
    return warn(r, "follow up on the end of " MONITOR);
}

/* sss-retry@sssd.service: when it has stayed up from one time to the next, it has recovered. */
static int on_monitor_retry(const struct state *state, struct manager *manager)
{
    struct unit monitor;
    int r;

    r = manager_state(manager, MONITOR, &monitor);
    if (r >= 0 && unit_is_up(&monitor))
        r = manager_queue(manager, "Stop", MONITOR_RETRY_TIMER, "replace");
    else if (r >= 0 && pace_usec_left(state, manager) == 0)
        r = manager_queue(manager, "Start", MONITOR, "fail");
    return warn(r, "start " MONITOR " again");
}

/* --- A responder's end ----------------------------------------------------------------------------------------- */

/* ExecStop= of each responder; when it leaves by itself there is no process left. */
static int on_draining(void)
{
    pid_t pid = main_pid();

    if (pid <= 1 || engine_of_process(pid) == RUNS_OWN) /* that finishes by itself, and tells its clients */
        return 0;
    return warn(drain(pid), "drain");
}

/* ExecStop= of the distribution's unit of the same responder. As long as its path is its own, it can't finish. */
static int on_finishing(struct manager *manager, const struct responder *responder)
{
    struct unit socket = { .active = "" };
    pid_t pid = main_pid();

    if (pid > 1 && responder->sockets[0] && manager_state(manager, responder->sockets[0], &socket) >= 0 &&
        strcmp(socket.active, "active") == 0)
        finish(&pid, 1);
    return 0;
}

/* From when it was ready (its sandbox made, its program executed) to its end; 0 where that can't be told, or it never was. */
static uint64_t life_usec(struct manager *manager, const struct responder *responder)
{
    uint64_t began, ready, ended;

    if (manager_number(manager, responder->service, "Service", "ExecMainStartTimestampMonotonic", &began) < 0 ||
        manager_number(manager, responder->service, "Unit", "ActiveEnterTimestampMonotonic", &ready) < 0 ||
        manager_number(manager, responder->service, "Service", "ExecMainExitTimestampMonotonic", &ended) < 0)
        return 0;
    return ready >= began && ended > ready ? ended - ready : 0;
}

/* A good end may be that of its idle time, unless it came sooner. */
static bool was_idle(struct manager *manager, const struct responder *responder)
{
    CLEANUP(conf_freep) struct conf *config = NULL;
    CLEANUP(freep) char *unreadable = NULL;
    unsigned long sec;

    (void) config_load(NULL, NULL, &config, &unreadable); /* without one, the default counts */
    sec = responder_idle_sec(config, responder->name);
    return sec > 0 && life_usec(manager, responder) >= UINT64_C(1000000) * sec;
}

/* The launcher has said itself why it served nobody. */
static void log_end(struct manager *manager, const struct responder *responder, const char *job)
{
    const char *result = from_systemd("SERVICE_RESULT"), *status = from_systemd("EXIT_STATUS");

    if (strcmp(status, NOT_SERVED) == 0 || strcmp(status, WRONG_SOCKETS) == 0)
        return;
    if (job[0])
        event_log(EVENT_LEFT, responder->name, job, "%s has left: %s", responder->name,
                  strcmp(job, "restart") == 0 ? "it is restarted" : "it was stopped");
    else if (strcmp(result, "success") != 0)
        event_log(EVENT_LEFT, responder->name, result, "%s has left: %s, status %s", responder->name, result,
                  status[0] ? status : "unknown");
    else if (was_idle(manager, responder))
        event_log(EVENT_LEFT, responder->name, "idle", "%s has left: nobody needed it", responder->name);
    else
        event_log(EVENT_LEFT, responder->name, "told", "%s has left: somebody told it to", responder->name);
}

/* What an end does to a row of bad ones: nothing when the unit has a job. */
enum row { GOES_ON, ENDS, ENDS_BY_KILL };

static enum row row_after(struct manager *manager, const struct responder *responder, const char *job)
{
    const char *status = from_systemd("EXIT_STATUS");

    if (job[0])
        return GOES_ON;
    if (strcmp(from_systemd("SERVICE_RESULT"), "success") == 0)
        return strcmp(status, NOT_SERVED) != 0 ? ENDS : GOES_ON;
    /* The kill of one at work, or the end of memory, says nothing of the next; hook `failed` is about to count it. */
    return strcmp(status, "KILL") == 0 && life_usec(manager, responder) >= KILLED_AT_START_USEC ? ENDS_BY_KILL : GOES_ON;
}

/* ExecStopPost= of each responder. */
static int on_ended(const struct state *state, struct manager *manager, const struct responder *responder)
{
    const char *const names[] = { responder->service, responder->retry_timer };
    struct unit units[2] = { { .job = "" } };
    enum row row;

    (void) warn(manager_states(manager, names, names[1] ? 2 : 1, units), "ask systemd for its job");
    log_end(manager, responder, units[0].job);
    row = row_after(manager, responder, units[0].job);
    if (row != GOES_ON) {
        (void) warn(row == ENDS ? state_forget_bad_ends(state, responder->name)
                                : state_pardon_bad_end(state, responder->name), "forget bad ends");
        if (unit_is_up(&units[1])) /* it has recovered */
            (void) warn(manager_queue(manager, "Stop", responder->retry_timer, "replace"), "stop the retry timer");
    }
    return start_linger(manager, row == GOES_ON && !units[0].job[0] ? "Start" : "Restart"); /* a bad end is no use of it */
}

/* --- Bad ends -------------------------------------------------------------------------------------------------- */

/* Clients that wait would start it again and again. Without a socket they are refused by the kernel, until the timer opens it
 * again. */
static int close_for_a_while(const struct state *state, struct manager *manager, const struct responder *responder, bool is_first)
{
    const char *result = from_systemd("MONITOR_SERVICE_RESULT"), *status = from_systemd("MONITOR_EXIT_STATUS");
    char why[128];
    int r;

    (void) snprintf(why, sizeof(why), "it ended badly %s: %s, status %s", is_first ? "3 times in a row" : "once more",
                    result, status[0] ? status : "unknown"); /* fits */
    (void) warn(state_set_refusal(state, responder->name, why), "note why clients are refused");
    r = manager_queue(manager, "Start", responder->retry_timer, "replace"); /* one that runs goes on */
    if (r < 0)
        return warn(r, "start the retry timer");
    for (size_t k = 0; r >= 0 && k < UNITS_MAX && responder->sockets[k]; k++) {
        r = manager_queue(manager, "Stop", responder->sockets[k], "replace");
        if (r == -ENOENT && k > 0) /* PAM has a private one in some releases */
            r = 0;
    }
    if (is_first)
        event_log(EVENT_REFUSING, responder->name, result,
                  "clients of %s are told \"unavailable\" for now: %s", responder->name, why);
    return warn(r, "close the sockets");
}

/* sss-ended@ of a responder, which has failed; outside its sandbox, which may be what could not be made. */
static int on_failed(const struct state *state, struct manager *manager, const struct responder *responder)
{
    const char *const names[] = { responder->sockets[0], responder->retry_timer };
    struct unit units[2];
    bool retrying;
    int r, ends;

    if (!names[0])
        return 0; /* InfoPipe: who calls it is told by the bus */
    r = manager_states(manager, names, 2, units);
    if (r < 0)
        return warn(r, "ask systemd for the socket");
    /* Our own engine's monitor refuses who came for a client just before it starts its own. */
    if (state_monitor_owns(state, responder->name))
        return warn(manager_reset_failed(manager, responder->service), "reset the service");
    if (!unit_is_up(&units[0]))
        return 0; /* left failed: nobody comes to it any more */

    retrying = unit_is_up(&units[1]);
    ends = warn(state_count_bad_end(state, responder->name), "count bad ends");
    if (ends < 0 || ends >= BAD_ENDS_MAX || retrying)
        return close_for_a_while(state, manager, responder, !retrying);
    if (strcmp(from_systemd("MONITOR_EXIT_STATUS"), WRONG_SOCKETS) == 0)
        return 0; /* left failed: an administrator has to mend that */
    return warn(manager_reset_failed(manager, responder->service), "reset the service");
}

/* sss-retry@: sockets that are still open mean that nothing bad has happened since the last time. */
static int on_retry(const struct state *state, struct manager *manager, const struct responder *responder)
{
    struct unit socket;
    int r;

    if (!responder->sockets[0])
        return 0;
    r = manager_state(manager, responder->sockets[0], &socket);
    if (r < 0)
        return warn(r, "ask systemd for the socket");
    if (unit_is_up(&socket)) {
        (void) warn(state_forget_bad_ends(state, responder->name), "forget bad ends");
        return warn(manager_queue(manager, "Stop", responder->retry_timer, "replace"), "stop the retry timer");
    }
    (void) warn(state_set_refusal(state, responder->name, NULL), "note that clients are let in");
    (void) warn(manager_reset_failed(manager, responder->service), "reset the service");
    return ownership_open(state, manager, responder);
}

/* --- The linger time ------------------------------------------------------------------------------------------- */

/* Returns 1 if a responder is up or belongs to the monitor. */
static int monitor_is_needed(const struct state *state, struct manager *manager)
{
    const char *names[RESPONDERS];
    struct unit services[RESPONDERS];
    int r;

    if (monitor_owns_any(state))
        return 1;
    for (size_t i = 0; i < RESPONDERS; i++)
        names[i] = responders[i].service;

    r = manager_states(manager, names, RESPONDERS, services);
    for (size_t i = 0; r >= 0 && i < RESPONDERS; i++)
        if (unit_is_up(&services[i]))
            return 1;
    return r;
}

static bool configuration_lets_it_leave(const struct conf *config)
{
    char why[256];

    if (residency_may_leave(config, why, sizeof(why)) != 0)
        return true;
    log_info("sssd.service stays: %s", why);
    return false;
}

/* A back end knows that its server is away; started anew it would have to find out, and each time somebody would wait
 * for that. So it stays until it is online, and is asked again after another linger time. */
static bool backends_let_it_leave(const struct conf *config, struct manager *manager)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    CLEANUP(freep) char *refused = NULL;
    char why[256];
    int r;

    r = domains_read(config, &domains, &refused);
    if (r > 0 && backends_online(&domains, why, sizeof(why)) != 0)
        return true;
    log_info("sssd.service stays: %s", r > 0 ? why : refused ? refused : strerror(-r));
    (void) start_linger(manager, "Restart");
    return false;
}

static bool units_let_it_leave(struct manager *manager)
{
    char unit[256];
    int r = monitor_is_bound(manager, unit, sizeof(unit));

    if (r > 0)
        log_info("sssd.service stays: %s is bound to it", unit);
    return warn(r, "ask systemd who is bound to " MONITOR) == 0;
}

/* Waits until it has gone: launchers wait for the lock meanwhile, and then start it again. */
static int send_away(struct manager *manager)
{
    struct unit monitor;
    int r;

    event_log(EVENT_LEFT, "monitor", "linger", "nobody has needed sssd.service for its linger time: it leaves");
    r = stop_monitor_alone(manager);
    if (r == -ETIMEDOUT && manager_state(manager, MONITOR, &monitor) >= 0 && strcmp(monitor.active, "deactivating") == 0) {
        log_warning("sssd.service does not leave: it is killed");
        r = manager_kill(manager, MONITOR, SIGKILL);
        if (r >= 0)
            r = stop_monitor_alone(manager);
    }
    return warn(r, "send the monitor away");
}

/* Is it there, has nobody enabled it, and does nobody ask anything of it? Returns 1, 0, or a negative errno. */
static int monitor_is_idle(struct manager *manager)
{
    struct unit monitor;
    int r;

    r = manager_state(manager, MONITOR, &monitor);
    if (r >= 0)
        r = manager_read_file(manager, MONITOR, &monitor);
    if (r < 0)
        return warn(r, "ask systemd for " MONITOR);
    return strcmp(monitor.active, "active") == 0 && !monitor.job[0] && monitor.file[0] && !unit_is_enabled(&monitor);
}

/* sss-linger.service: nobody has needed the monitor for a while. */
static int on_linger(const struct state *state, struct manager *manager)
{
    CLEANUP(conf_freep) struct conf *config = NULL;
    CLEANUP(freep) char *unreadable = NULL;
    CLEANUP(closep) int lock = -1;
    int r;

    r = monitor_is_idle(manager);
    if (r <= 0)
        return r;
    if (config_load(NULL, NULL, &config, &unreadable) <= 0) {
        if (unreadable)
            log_info("sssd.service stays: %s", unreadable);
        return 0;
    }
    /* Back ends may take their time, so they are asked before launchers have to wait. One that loses its server
     * right now costs one wait at the next start. */
    if (!configuration_lets_it_leave(config) || !units_let_it_leave(manager) || !backends_let_it_leave(config, manager))
        return 0;

    /* From here on a launcher waits, and then finds the monitor gone. Much may have changed since the first look. */
    lock = state_lock_exclusive(state, LOCK_MSEC);
    if (lock < 0)
        return warn(lock, "lock " STATE_DIR);
    r = monitor_is_idle(manager);
    if (r <= 0)
        return r;
    r = monitor_is_needed(state, manager);
    return r == 0 ? send_away(manager) : r < 0 ? warn(r, "ask systemd for the responders") : 0;
}

/* --- By name --------------------------------------------------------------------------------------------------- */

static const struct hook {
    const char *name;
    int (*run)(const struct state *state, struct manager *manager);
} hooks[] = {
    { "starting", on_starting }, { "started", on_started }, { "stopping", on_stopping },
    { "stopped", on_stopped },   { "closing", on_closing }, { "pausing", on_pausing }, { "linger", on_linger },
    { "back", switch_back },
};

static const struct responder_hook {
    const char *name;
    int (*run)(const struct state *state, struct manager *manager, const struct responder *responder);
} responder_hooks[] = {
    { "ended", on_ended },
    { "failed", on_failed },
    { "retry", on_retry },
};

struct hook_call {
    const char *name, *argument;
};

static int run_of_responder(const struct state *state, struct manager *manager, const struct hook_call *call)
{
    const struct responder *responder = responder_by_name(call->argument);

    if (!responder)
        responder = responder_by_unit(call->argument); /* as an instance's name has it */
    if (!responder && strcmp(call->argument, "sssd") == 0 && strcmp(call->name, "failed") == 0)
        return on_monitor_failed(state, manager);
    if (!responder && strcmp(call->argument, "sssd") == 0 && strcmp(call->name, "retry") == 0)
        return on_monitor_retry(state, manager);
    if (responder && strcmp(call->name, "finishing") == 0)
        return on_finishing(manager, responder);
    for (size_t i = 0; responder && i < sizeof(responder_hooks) / sizeof(responder_hooks[0]); i++)
        if (strcmp(responder_hooks[i].name, call->name) == 0)
            return responder_hooks[i].run(state, manager, responder);

    log_error("no such hook: %s %s", call->name, call->argument);
    return -EINVAL;
}

static int run_by_name(const struct state *state, void *userdata)
{
    CLEANUP(manager_freep) struct manager *manager = NULL;
    const struct hook_call *call = userdata;
    int r;

    /* These two ask nobody. */
    if (!call->argument && strcmp(call->name, "boot") == 0)
        return on_boot(state);
    if (!call->argument && strcmp(call->name, "draining") == 0)
        return on_draining();

    r = warn(manager_open(&manager), "ask systemd");
    if (r < 0)
        return r;
    if (call->argument)
        return run_of_responder(state, manager, call);
    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
        if (strcmp(hooks[i].name, call->name) == 0)
            return hooks[i].run(state, manager);

    log_error("no such hook: %s", call->name);
    return -EINVAL;
}

int hook_run(const char *name, const char *argument)
{
    struct hook_call call = { name, argument };

    return with_state(run_by_name, &call);
}
