/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The launcher: stands before every responder that systemd starts.
 *
 * It checks the sockets, sees to it that the monitor is up, and becomes the responder. Where it can't, clients get
 * a quick "unavailable" for a while; then it leaves, and the next client makes it try again. */

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>

#include "launch/monitor.h"
#include "launch/refuse.h"
#include "lib/cleanup.h"
#include "lib/event.h"
#include "lib/log.h"
#include "lib/sockets.h"
#include "lib/state.h"
#include "lib/systemctl.h"

#define REFUSE_USEC 5000000
#define FIRST_REFUSAL_USEC 2000

/* EX_CONFIG; the units do not restart after it. */
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
    bool is_cold; /* sssd.service was down when the client came */
};

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

static bool is_ready(void *userdata)
{
    const struct launch *launch = userdata;

    return monitor_is_ready(&launch->state, launch->responder);
}

/* The monitor has got the responder meanwhile, and systemd has closed the sockets: nobody new comes to ours, and
 * whoever waits is a relay's to serve. */
static bool is_handed_over(const struct launch *launch)
{
    char unit[128];

    if (!state_monitor_owns(&launch->state, launch->responder))
        return false;
    for (size_t i = 0; i < launch->n_wants; i++) {
        (void) snprintf(unit, sizeof(unit), "sss-%s.socket", launch->wants[i].name); /* fits */
        if (!systemctl_property_is(unit, "ActiveState", "inactive"))
            return false;
    }
    return true;
}

/* Whoever wants to send the monitor away waits meanwhile, and then sees this unit. Only root can; a unit with User= did
 * it in its ExecStartPre=+. Returns a descriptor or a negative errno. */
static int lock_monitor(const struct state *state)
{
    int lock;

    if (geteuid() != 0)
        return -EPERM;
    lock = state_lock_shared(state);
    if (lock < 0) /* better a small race than nobody served */
        log_warning("cannot lock " STATE_DIR ": %s", strerror(-lock));
    return lock;
}

/* Returns 1 when the responder may run, 0 when clients were refused long enough or are not ours any more, or a
 * negative errno. In the first case the lock is held, until exec. */
static int wait_for_monitor(struct launch *launch)
{
    enum monitor_verdict verdict;
    char why[256];
    int lock, r;

    lock = lock_monitor(&launch->state);
    launch->is_cold = !state_has(&launch->state, FLAG_RUNNING);

    verdict = monitor_ensure(&launch->state, launch->responder, why, sizeof(why));
    if (verdict == MONITOR_READY)
        return 1;
    launch->is_cold = false; /* whoever starts it from here on, it is not for this client */
    closep(&lock);
    if (is_handed_over(launch))
        return 0;

    /* Whoever waits hears it before the journal does. */
    r = refuse_clients(&launch->sockets, FIRST_REFUSAL_USEC, is_ready, launch);
    if (r > 0)
        return r;
    event_log(EVENT_REFUSING, launch->responder, why, "clients of %s are told \"unavailable\" for now: %s",
              launch->responder, why);
    if (verdict == MONITOR_START_FAILED)
        monitor_forget_failure();
    r = refuse_clients(&launch->sockets, REFUSE_USEC, is_ready, launch);
    if (r < 0)
        log_error("cannot refuse clients of %s: %s", launch->responder, strerror(-r));
    return r;
}

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
    int r, opened;

    if (sd_listen_fds(0) == 0) {
        /* A restart that sssd.service propagated, after the sockets were closed or given to the monitor. */
        log_info("no socket of %s is open: nobody can ask it", launch->responder);
        return EXIT_NOT_SERVED;
    }

    opened = state_open(STATE_DIR, &launch->state);
    if (take_sockets(launch) < 0)
        return EXIT_WRONG_SOCKETS;

    if (opened < 0) {
        /* Without it nothing can be known but that a client waits. */
        log_warning("cannot open " STATE_DIR ": %s", strerror(-opened));
        return become_responder(launch);
    }

    r = wait_for_monitor(launch);
    if (r <= 0)
        return r < 0 ? EXIT_FAILURE : EXIT_NOT_SERVED;
    return become_responder(launch);
}

/* For units with User=: the part that needs root. What it finds is read again from the flags by the main process,
 * which refuses; failing here would only turn a refusal into a failed unit. */
static int start_monitor(const char *responder)
{
    struct state state;
    char why[256];
    int lock, r;

    r = state_open(STATE_DIR, &state);
    if (r < 0) {
        log_warning("cannot open " STATE_DIR ": %s", strerror(-r));
        return EXIT_SUCCESS;
    }
    lock = lock_monitor(&state);
    if (monitor_ensure(&state, responder, why, sizeof(why)) == MONITOR_START_FAILED)
        monitor_forget_failure();
    closep(&lock);
    state_done(&state);
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
    struct launch launch = { 0 };
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
