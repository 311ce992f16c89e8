/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hooks: what the units call at the turns of their lives. Their failure never fails the unit. */

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/event.h"
#include "lib/log.h"
#include "lib/residency.h"
#include "lib/responders.h"
#include "lib/services.h"
#include "lib/state.h"
#include "lib/systemctl.h"
#include "tools/backends.h"
#include "tools/drain.h"
#include "tools/finish.h"
#include "tools/hold.h"
#include "tools/hooks.h"
#include "tools/ownership.h"
#include "tools/units.h"
#include "tools/with-state.h"

/* The launcher's exit statuses. */
#define WRONG_SOCKETS "78"
#define NOT_SERVED "75"

/* A drain takes a second at most, and systemd some time. */
#define RESPONDERS_USEC UINT64_C(5000000)

static int warn(int r, const char *what)
{
    if (r < 0)
        log_warning("cannot %s: %s", what, strerror(-r));
    return r;
}

/* The type of the unit's job in work, "" if it has none. */
static void job_type(const char *unit, char *type, size_t bytes)
{
    char text[1024], *rest = text, *line;

    type[0] = '\0';
    if (systemctl_read((const char *const[]) { "list-jobs", "--no-legend", "--full", "--plain", unit, NULL }, text,
                       sizeof(text)) != 0)
        return;

    while ((line = strsep(&rest, "\n"))) {
        char name[256], kind[32];

        if (sscanf(line, " %*u %255s %31s", name, kind) == 2 && strcmp(name, unit) == 0)
            (void) snprintf(type, bytes, "%s", kind); /* the words are short */
    }
}

/* ExecStartPre= of sssd.service: whoever started it, it is wanted again. */
static int on_starting(const struct state *state)
{
    (void) warn(hold_end(state, "sssd.service starts: the hold ends"), "release the hold");
    (void) warn(state_set(state, FLAG_LEAVING, false), "note that the monitor starts");
    (void) warn(state_forget_crashes(state), "forget crashes");
    return ownership_apply(state);
}

static int restart_linger(void)
{
    return SYSTEMCTL("--quiet", "--no-block", "restart", "sss-linger.timer") == 0 ? 0 : -EIO;
}

static pid_t main_pid(void)
{
    const char *text = getenv("MAINPID");

    return text ? atoi(text) : 0;
}

/* ExecStartPost=: before `systemctl start` returns, so that the first look-up after it is served. Launchers wait for the
 * flag, so what they do not need comes after it. */
static int on_started(const struct state *state)
{
    int r;

    r = ownership_verify(state, main_pid());
    (void) warn(state_set(state, FLAG_RUNNING, true), "note that the monitor runs");
    (void) warn(restart_linger(), "start the linger timer");
    return r;
}

static int hold_for_stop(const struct state *state)
{
    return warn(hold_begin(state, "stopped by an administrator: responders stay away until sssd.service is started again"),
                "hold");
}

static void wait_for_end(int pid, uint64_t end_usec)
{
    struct pollfd polled = { .fd = pidfd_open(pid, 0), .events = POLLIN };
    uint64_t now = now_usec();

    if (polled.fd < 0)
        return; /* it has ended */
    (void) poll(&polled, 1, now < end_usec ? (int) ((end_usec - now) / 1000) : 0); /* cut short, it is stopped all the same */
    (void) close(polled.fd); /* was only watched */
}

/* The responders finish what they have while the monitor is still there to answer them. They have a job of their own
 * for that (PartOf=), other than one that a client has just started. */
static int send_responders_away(const char *verb)
{
    const char *arguments[RESPONDERS + 4] = { "--quiet", "--no-block", verb };
    struct unit services[RESPONDERS] = { 0 };
    struct units units = { .n = 0 };
    uint64_t end = now_usec() + RESPONDERS_USEC;
    size_t n = 3;
    int r;

    for (size_t i = 0; i < RESPONDERS; i++)
        if (responders[i].sockets[0])
            units_add(&units, responders[i].service, &services[i]);
    r = units_read(&units);
    if (r < 0)
        return r;

    for (size_t i = 0; i < RESPONDERS; i++)
        if (strcmp(services[i].active, "active") == 0)
            arguments[n++] = responders[i].service;
    r = n > 3 ? systemctl_run(arguments) : 0;
    /* One that is starting is the launcher of the next, which waits for the monitor that this would keep. */
    for (size_t i = 0; i < RESPONDERS; i++)
        if (services[i].main_pid > 0 && strcmp(services[i].active, "activating") != 0)
            wait_for_end(services[i].main_pid, end);
    return r > 0 ? -EIO : r;
}

/* ExecStop=: tells an administrator's stop from a restart and from a leaving by itself (no job at all). Launchers wait
 * from the flags on. */
static int on_stopping(const struct state *state)
{
    bool stops, restarts;
    char type[32];
    int r;

    job_type(MONITOR, type, sizeof(type));
    stops = strcmp(type, "stop") == 0;
    restarts = strcmp(type, "restart") == 0;
    if (!stops && !restarts)
        return 0;

    r = stops ? hold_for_stop(state) : 0;
    (void) warn(state_set(state, FLAG_LEAVING, true), "note that the monitor leaves");
    (void) warn(state_set(state, FLAG_RUNNING, false), "note that the monitor leaves");
    if (restarts)
        r = ownership_release(state, main_pid());
    (void) warn(send_responders_away(stops ? "stop" : "try-restart"), "send the responders away");
    return r;
}

/* ExecStopPost=: also after a crash, and after a stop while it was starting, when there is no ExecStop=. */
static int on_stopped(const struct state *state)
{
    char type[32];

    job_type(MONITOR, type, sizeof(type));
    if (strcmp(type, "stop") == 0)
        (void) hold_for_stop(state); /* said there */
    /* Before a restart, too, which may give the path to systemd. */
    (void) warn(ownership_stop_relays(), "stop relays");
    (void) warn(state_set(state, FLAG_LEAVING, false), "note that the monitor is gone");
    return warn(state_set(state, FLAG_RUNNING, false), "note that the monitor is gone");
}

/* A crash is what the program did itself: not a TERM or KILL from outside, not the memory's end, and not the
 * launcher's refusal of wrong sockets. */
static bool crashed(void)
{
    const char *result = getenv("SERVICE_RESULT");
    const char *status = getenv("EXIT_STATUS");

    if (!result || strcmp(result, "success") == 0 || strcmp(result, "oom-kill") == 0)
        return false;
    return !status || (strcmp(status, "KILL") != 0 && strcmp(status, "TERM") != 0 && strcmp(status, WRONG_SOCKETS) != 0);
}

/* ExecStop= of each responder; when it leaves by itself there is no process left. */
static int on_draining(const struct state *state)
{
    pid_t pid = main_pid();

    (void) state;
    return pid > 1 ? warn(drain(pid), "drain") : 0;
}

/* ExecStop= of the distribution's unit of the same responder. As long as its path is its own, it can't finish. */
static int on_finishing(const struct responder *responder)
{
    pid_t pid = main_pid();

    if (pid > 1 && responder->sockets[0] && systemctl_property_is(responder->sockets[0], "ActiveState", "active"))
        finish(&pid, 1);
    return 0;
}

/* The launcher has said itself why it served nobody. */
static void log_end(const struct responder *responder)
{
    const char *result = getenv("SERVICE_RESULT");
    const char *status = getenv("EXIT_STATUS");
    char type[32];

    if (status && (strcmp(status, NOT_SERVED) == 0 || strcmp(status, WRONG_SOCKETS) == 0))
        return;
    job_type(responder->service, type, sizeof(type));
    if (type[0])
        event_log(EVENT_LEFT, responder->name, type, "%s has left: %s", responder->name,
                  strcmp(type, "restart") == 0 ? "it is restarted" : "it was stopped");
    else if (!result || strcmp(result, "success") == 0)
        event_log(EVENT_LEFT, responder->name, "idle", "%s has left: nobody needed it", responder->name);
    else
        event_log(EVENT_LEFT, responder->name, result, "%s has left: %s, status %s", responder->name, result,
                  status ? status : "unknown");
}

/* ExecStopPost= of each responder. */
static int on_ended(const struct state *state, const struct responder *responder)
{
    (void) warn(restart_linger(), "start the linger timer");
    log_end(responder);
    return warn(state_note_end(state, responder->name, crashed()), "count crashes");
}

/* Returns 1 if a responder is up or belongs to the monitor. */
static int monitor_is_needed(const struct state *state)
{
    struct unit services[RESPONDERS] = { 0 };
    struct units units = { .n = 0 };
    int r;

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (state_monitor_owns(state, responders[i].name))
            return 1;
        units_add(&units, responders[i].service, &services[i]);
    }

    r = units_read(&units);
    for (size_t i = 0; r == 0 && i < RESPONDERS; i++)
        if (unit_is_up(&services[i]))
            return 1;
    return r;
}

static bool configuration_lets_it_leave(const struct config *config)
{
    char why[256];

    if (residency_may_leave(config, why, sizeof(why)) != 0)
        return true;
    log_info("sssd.service stays: %s", why);
    return false;
}

/* A back end knows that its server is away; started anew it would have to find out, and each time somebody would wait
 * for that. So it stays until it is online, and is asked again after another linger time. */
static bool backends_let_it_leave(const struct config *config)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    CLEANUP(freep) char *refused = NULL;
    char why[256];
    int r;

    r = domains_read(config, &domains, &refused);
    if (r > 0 && backends_online(&domains, why, sizeof(why)) != 0)
        return true;
    log_info("sssd.service stays: %s", r > 0 ? why : refused ? refused : strerror(-r));
    (void) warn(restart_linger(), "start the linger timer");
    return false;
}

/* sss-linger.service: nobody has needed the monitor for a while. */
static int on_linger(const struct state *state)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *unreadable = NULL;
    CLEANUP(closep) int lock = -1;
    int r;

    if (SYSTEMCTL("--quiet", "is-enabled", MONITOR) == 0 || !systemctl_property_is(MONITOR, "ActiveState", "active"))
        return 0;
    if (config_load(CONFIG_DIR, SSSD_ENGINE, &config, &unreadable) <= 0) {
        if (unreadable)
            log_info("sssd.service stays: %s", unreadable);
        return 0;
    }
    /* Back ends may take their time, so they are asked before launchers have to wait. One that loses its server
     * right now costs one wait at the next start. */
    if (!configuration_lets_it_leave(config) || !backends_let_it_leave(config))
        return 0;

    /* From here on a launcher waits, and then sees that the flag is gone. */
    lock = state_lock_exclusive(state);
    if (lock < 0)
        return warn(lock, "lock " STATE_DIR);
    r = monitor_is_needed(state);
    if (r != 0)
        return r < 0 ? warn(r, "ask systemd for the responders") : 0;

    r = state_set(state, FLAG_LEAVING, true);
    if (r >= 0)
        r = state_set(state, FLAG_RUNNING, false);
    if (r < 0)
        return warn(r, "note that the monitor leaves");
    event_log(EVENT_LEFT, "monitor", "linger", "nobody has needed sssd.service for its linger time: it leaves");

    /* A signal and no stop job: a job would conflict with a start that comes meanwhile. */
    if (SYSTEMCTL("kill", "--kill-who=main", "--signal=TERM", MONITOR) != 0) {
        (void) state_set(state, FLAG_LEAVING, false); /* else the next launcher waits a little */
        (void) state_set(state, FLAG_RUNNING, true);  /* and asks systemd */
        return warn(-EIO, "send SIGTERM to the monitor");
    }
    return 0;
}

static const struct hook {
    const char *name;
    int (*run)(const struct state *state);
} hooks[] = {
    { "boot", ownership_decide },
    { "starting", on_starting },
    { "started", on_started },
    { "stopping", on_stopping },
    { "stopped", on_stopped },
    { "draining", on_draining },
    { "linger", on_linger },
};

struct hook_call {
    const char *name, *responder;
};

static int run_by_name(const struct state *state, void *userdata)
{
    const struct hook_call *call = userdata;
    const struct responder *row = call->responder ? responder_by_name(call->responder) : NULL;

    if (row && strcmp(call->name, "ended") == 0)
        return on_ended(state, row);
    if (row && strcmp(call->name, "finishing") == 0)
        return on_finishing(row);
    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
        if (!call->responder && strcmp(hooks[i].name, call->name) == 0)
            return hooks[i].run(state);

    log_error("no such hook: %s%s%s", call->name, call->responder ? " " : "", call->responder ? call->responder : "");
    return -EINVAL;
}

int hook_run(const char *name, const char *responder)
{
    struct hook_call call = { name, responder };

    return with_state(run_by_name, &call);
}
