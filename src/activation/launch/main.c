/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The launcher: stands before every responder that systemd starts.
 *
 * It checks the sockets, sees to it that the monitor is up, and becomes the responder. Where it can't, clients get
 * a quick "unavailable" as long as they come, and now and then one of them makes it try again. */

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/inotify.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/responders.h"
#include "launch/monitor.h"
#include "launch/refuse.h"
#include "lib/event.h"
#include "lib/log.h"
#include "lib/manager.h"
#include "lib/pace.h"
#include "lib/sockets.h"
#include "lib/state.h"

/* Nobody has come for that long: it leaves. One that stays says less in the journal than one for each client. */
#ifndef QUIET_USEC /* the tests' time is shorter */
#define QUIET_USEC UINT64_C(60000000)
#endif
#define FIRST_REFUSAL_USEC 2000
/* What refuses without any start (a mask, a condition, who owns the socket) is asked for again. */
#ifndef TRY_USEC /* likewise */
#define TRY_USEC UINT64_C(15000000)
#endif
/* How often a client makes it look whether it may try. */
#ifndef LOOK_USEC /* likewise */
#define LOOK_USEC UINT64_C(1000000)
#endif
/* The lock is held while the monitor is sent away, which takes a moment; by whoever else has it nobody shall be kept. Where it is
 * on its way out, five seconds may pass until it is killed: almost as long is waited for. */
#define LOCK_MSEC 1000
#define LEAVE_MSEC 3000

/* EX_CONFIG */
#define EXIT_WRONG_SOCKETS 78
/* EX_TEMPFAIL; a success to the units, other than a responder that served and left. */
#define EXIT_NOT_SERVED 75

#define PROGRAM_PREFIX "sssd_"

struct launch {
    const char *responder; /* "nss" of ".../sssd_nss" */
    char **argv;           /* what becomes the responder */
    struct socket_want wants[SOCKETS_MAX];
    size_t n_wants;
    struct sockets sockets;
    struct state state;
    struct manager *manager; /* NULL for a unit with User=, whose ExecStartPre=+ has asked it */
    int changes;             /* then: tells when what that found may not be true any more, or -1 */
    bool is_cold;            /* sssd.service was down when the client came */
    uint64_t tried, looked;  /* last, by now_usec() */
};

/* What refusing clients ends by. */
enum { MAY_RUN = 1, START_AGAIN, LONG_ENOUGH };

static const char *responder_of(const char *program)
{
    const char *slash = strrchr(program, '/');
    const char *base = slash ? slash + 1 : program;

    if (strncmp(base, PROGRAM_PREFIX, strlen(PROGRAM_PREFIX)) != 0 || !base[strlen(PROGRAM_PREFIX)])
        return NULL;
    return base + strlen(PROGRAM_PREFIX);
}

static void free_names(char ***names)
{
    for (char **name = *names; name && *name; name++)
        free(*name);
    free(*names);
}

/* Wrong sockets are nothing to serve on, and nothing that trying again would cure; whoever waits is told so. */
static int take_sockets(struct launch *launch)
{
    CLEANUP(free_names) char **names = NULL;
    CLEANUP(freep) char *why = NULL;
    int n, r;

    n = sd_listen_fds_with_names(0, &names);
    if (n < 0) {
        log_error("cannot read which sockets were handed over: %s", strerror(-n));
        return n;
    }

    r = sockets_check(launch->wants, launch->n_wants, SD_LISTEN_FDS_START, names, n, &launch->sockets, &why);
    if (r < 0) {
        log_error("not starting %s: %s", launch->argv[0], why ? why : strerror(-r));
        refuse_waiting(SD_LISTEN_FDS_START, n);
    }
    return r;
}

/* --- May it run? ----------------------------------------------------------------------------------------------- */

/* Asks and, where it has to, starts the monitor; only root can. Whoever wants to send the monitor away waits for the lock, which
 * is held until exec where the responder may run, and then sees this unit. */
static bool may_run(struct launch *launch, char *why, size_t why_bytes)
{
    int lock;

    launch->tried = launch->looked = now_usec();
    lock = state_lock_shared(&launch->state, LOCK_MSEC);
    if (lock == -ETIMEDOUT && monitor_is_leaving(launch->manager))
        lock = state_lock_shared(&launch->state, LEAVE_MSEC);
    if (lock < 0) /* better a small race than nobody served */
        log_warning("cannot lock " STATE_DIR ": %s", strerror(-lock));
    if (monitor_ensure(launch->manager, &launch->state, launch->responder, &launch->is_cold, why, why_bytes))
        return true;
    closep(&lock);
    return false;
}

static int event_fd(void *userdata)
{
    const struct launch *launch = userdata;

    return launch->manager ? manager_fd(launch->manager) : launch->changes;
}

/* Is it time for another try? A change that may have mended something is tried at once. */
static bool is_due(struct launch *launch)
{
    uint64_t now = now_usec(), usec;

    if (now - launch->looked < LOOK_USEC)
        return false;
    launch->looked = now;
    if (state_failures(&launch->state, &usec) > 0)
        return pace_usec_left(&launch->state, launch->manager) == 0;
    return now - launch->tried >= TRY_USEC || pace_changed_within(launch->manager, now - launch->tried);
}

/* Is what made it refuse over? */
static int is_over(void *userdata, bool client_waits)
{
    struct launch *launch = userdata;
    char text[4096];

    if (launch->manager) {
        if (manager_has_news(launch->manager, MONITOR) && monitor_is_ready(launch->manager, &launch->state, launch->responder))
            return MAY_RUN;
        return client_waits && is_due(launch) && may_run(launch, text, sizeof(text)) ? MAY_RUN : 0;
    }
    while (launch->changes >= 0 && read(launch->changes, text, sizeof(text)) > 0)
        ; /* that there is something says all */
    if (!state_refusal(&launch->state, launch->responder, text, sizeof(text)))
        return MAY_RUN;
    return client_waits && is_due(launch) ? START_AGAIN : 0; /* its ExecStartPre=+ tries */
}

static int is_over_or_long(void *userdata, bool client_waits)
{
    const struct launch *launch = userdata;
    int r = is_over(userdata, client_waits);

    return r == 0 && now_usec() - launch->tried >= FIRST_REFUSAL_USEC ? LONG_ENOUGH : r;
}

/* Returns MAY_RUN, something else when clients were refused long enough, or a negative errno. */
static int wait_for_monitor(struct launch *launch)
{
    char why[256];
    int r;

    if (launch->manager ? may_run(launch, why, sizeof(why))
                        : !state_refusal(&launch->state, launch->responder, why, sizeof(why)))
        return MAY_RUN;

    /* Whoever waits hears it before the journal does. */
    launch->tried = launch->looked = now_usec(); /* by whom ever */
    r = refuse_clients(&launch->sockets, FIRST_REFUSAL_USEC, event_fd, is_over_or_long, launch);
    if (r != 0 && r != LONG_ENOUGH)
        return r;
    event_log(EVENT_REFUSING, launch->responder, why, "clients of %s are told \"unavailable\" for now: %s",
              launch->responder, why);
    return refuse_clients(&launch->sockets, QUIET_USEC, event_fd, is_over, launch);
}

/* Who can tell whether the monitor is up: systemd, or what ExecStartPre=+ has left. Returns 0 or a negative errno. */
static int find_out_whom_to_ask(struct launch *launch)
{
    int r;

    r = state_open(STATE_DIR, &launch->state);
    if (r < 0 || geteuid() == 0)
        return r < 0 ? r : manager_open(&launch->manager);

    launch->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (launch->changes >= 0 && inotify_add_watch(launch->changes, STATE_DIR "/refused", IN_DELETE) < 0) {
        closep(&launch->changes);
        launch->changes = -1; /* then it is seen when a client comes */
    }
    return 0;
}

/* --- What it becomes ------------------------------------------------------------------------------------------- */

static int become_responder(struct launch *launch)
{
    int r;

    r = sockets_arrange(launch->wants, &launch->sockets);
    if (r < 0) {
        log_error("cannot arrange the sockets of %s: %s", launch->responder, strerror(-r));
        return EXIT_FAILURE;
    }

    event_log(EVENT_ACTIVATED, launch->responder, launch->is_cold ? "client-cold" : "client",
              "%s starts: a client came%s", launch->responder, launch->is_cold ? ", sssd.service was started for it" : "");
    (void) execv(launch->argv[0], launch->argv); /* returns only on failure */
    log_error("cannot run %s: %m", launch->argv[0]);
    return EXIT_FAILURE;
}

static int run(struct launch *launch)
{
    int r;

    if (sd_listen_fds(0) == 0) {
        /* A restart that sssd.service propagated, after the sockets were closed or given to the monitor. */
        log_info("no socket of %s is open: nobody can ask it", launch->responder);
        return EXIT_NOT_SERVED;
    }
    if (take_sockets(launch) < 0)
        return EXIT_WRONG_SOCKETS;

    r = find_out_whom_to_ask(launch);
    if (r < 0) {
        /* Nothing can be known but that a client waits. */
        log_warning("cannot find out whether sssd.service runs: %s", strerror(-r));
        return become_responder(launch);
    }

    r = wait_for_monitor(launch);
    launch->manager = manager_free(launch->manager);
    if (r < 0)
        log_error("cannot refuse clients of %s: %s", launch->responder, strerror(-r));
    if (r != MAY_RUN)
        return r < 0 ? EXIT_FAILURE : EXIT_NOT_SERVED;
    return become_responder(launch);
}

/* For units with User=: the part that needs root. What it finds is for the main process, which refuses; failing here would
 * only turn a refusal into a failed unit. */
static int start_monitor(const char *responder)
{
    struct launch launch = { .responder = responder, .state = { .dir_fd = -1 }, .changes = -1 };
    char why[256];
    bool may = true; /* that nobody can be asked does not mean no */
    int r;

    r = find_out_whom_to_ask(&launch);
    if (r < 0)
        log_warning("cannot find out whether %s may run: %s", responder, strerror(-r));
    else
        may = may_run(&launch, why, sizeof(why));
    if (launch.state.dir_fd >= 0 && (r = state_set_refusal(&launch.state, responder, may ? NULL : why)) < 0)
        log_warning("cannot note whether %s may run: %s", responder, strerror(-r));
    (void) manager_free(launch.manager);
    state_done(&launch.state);
    return EXIT_SUCCESS;
}

static int usage(void)
{
    (void) fputs("usage: launch --socket=NAME=/PATH ... [--] /PATH/TO/sssd_RESPONDER ARGUMENT ...\n"
                 "       launch --start-monitor=RESPONDER\n"
                 "Run by the sss-*.service units; see sssd-ondemand's docs/architecture.md.\n",
                 stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "socket", required_argument, NULL, 's' },
        { "start-monitor", required_argument, NULL, 'm' },
        { NULL, 0, NULL, 0 },
    };
    struct launch launch = { .changes = -1 };
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        switch (option) {
        case 's':
            if (launch.n_wants == SOCKETS_MAX || socket_want_parse(optarg, &launch.wants[launch.n_wants]) < 0)
                return usage();
            launch.n_wants++;
            break;
        case 'm':
            return start_monitor(optarg);
        default:
            return usage();
        }
    }

    launch.argv = argv + optind;
    launch.responder = optind < argc ? responder_of(argv[optind]) : NULL;
    if (!launch.responder || launch.n_wants == 0)
        return usage();
    return run(&launch);
}
