/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "config/config.h"
#include "responder/arguments.h"
#include "responder/listener.h"
#include "responder/private.h"
#include "util/confine.h"
#include "util/folders.h"
#include "util/log.h"
#include "util/paths.h"
#include "util/privileges.h"
#include "util/signals.h"
#include "util/watchdog.h"

/* stdio, log, memory caches, the monitor's bus, the loop and its timers, sockets, one to accept and look at */
#define OWN_DESCRIPTORS 32
/* A cache's two files, twice while another takes its place, and a bus. */
#define DOMAIN_DESCRIPTORS 5
#define CLIENT_IDLE_USEC_MIN (10 * 1000000ULL)

enum { EXIT_USAGE = 2 };

int responder_leave(struct responder *responder, int exit_code)
{
    if (responder->exit_code == EXIT_SUCCESS)
        responder->exit_code = exit_code;
    return sd_event_exit(responder->event, 0);
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void) source;
    log_info("leaving on signal %u", info->ssi_signo);
    return responder_leave(userdata, EXIT_SUCCESS);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void) source;
    (void) info;
    (void) userdata;
    (void) log_reopen(); /* it has told */
    return 0;
}

static int make_event_loop(struct responder *responder)
{
    int r;

    r = sd_event_new(&responder->event);
    if (r >= 0)
        r = signal_watch(responder->event, SIGTERM, on_terminate, responder);
    if (r >= 0)
        r = signal_watch(responder->event, SIGINT, on_terminate, responder);
    if (r >= 0)
        r = signal_watch(responder->event, SIGHUP, on_hangup, NULL);
    if (r < 0)
        log_error_errno(r, "cannot make the event loop: %m");
    return r < 0 ? r : 0;
}

static int read_config(struct responder *responder)
{
    CLEANUP(freep) char *path = NULL;
    int r;

    r = config_part_path(CONFIG_PARTS, responder->spec->name, &path);
    if (r == 0)
        r = config_read_snapshot(path, &responder->config);
    if (r == -ENOENT)
        log_error("%s is missing: the monitor makes it, and none has run since boot", path);
    else if (r < 0)
        log_error_errno(r, "cannot read %s: %m", path ? path : CONFIG_PARTS);
    return r;
}

static int apply_config(struct responder *responder)
{
    const char *section = responder->spec->name;
    int r;

    log_set_debug_level(responder->arguments.debug_level >= 0
                            ? responder->arguments.debug_level
                            : (int) config_u32(responder->config, section, "debug_level"));
    responder->client_idle_usec = config_usec(responder->config, section, "client_idle_timeout");
    if (responder->client_idle_usec < CLIENT_IDLE_USEC_MIN)
        responder->client_idle_usec = CLIENT_IDLE_USEC_MIN;
    r = watchdog_start(responder->event, config_usec(responder->config, section, "timeout"));
    if (r < 0)
        log_error_errno(r, "cannot watch over the event loop: %m");
    return r < 0 ? r : 0;
}

static size_t own_descriptors(const struct config *config)
{
    CLEANUP(freep) char **domains = config_list(config, "sssd", "domains");
    size_t n = OWN_DESCRIPTORS;

    for (char **domain = domains; domain && *domain; domain++)
        n += DOMAIN_DESCRIPTORS;
    return n;
}

/* While it may: raises the limit, and says how much of it clients may take. */
static size_t limit_clients(const struct responder *responder)
{
    size_t own = own_descriptors(responder->config);
    struct rlimit limit = { 0 }, wanted;

    (void) getrlimit(RLIMIT_NOFILE, &limit); /* cannot fail with these arguments */
    wanted.rlim_cur = config_u32(responder->config, responder->spec->name, "fd_limit");
    wanted.rlim_max = wanted.rlim_cur > limit.rlim_max ? wanted.rlim_cur : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &wanted) < 0) { /* not root: as far as it goes */
        if (wanted.rlim_cur > limit.rlim_max)
            wanted.rlim_cur = limit.rlim_max;
        wanted.rlim_max = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &wanted) < 0)
            wanted = limit;
        log_warning("fd_limit: only %llu descriptors are allowed", (unsigned long long) wanted.rlim_cur);
    }

    return wanted.rlim_cur > 2 * own ? wanted.rlim_cur - own : wanted.rlim_cur / 2;
}

/* From here on it reads what clients send. Of the cache it only writes the list of its readers, as the files' modes have it;
 * files of the memory cache and the log are open. */
static int confine_to_files(void)
{
    const char *cache = access(CACHE_DIR, F_OK) == 0 ? CACHE_DIR : OWN_STATEDIR; /* there may be no cache yet */

    return confine((const char *const[]) { "/etc", "/usr", "/run", "/proc", "/dev", NULL }, (const char *const[]) { cache, NULL });
}

/* As root, and before anybody is served: without its user nothing of it shall run. */
static int find_user(struct responder *responder)
{
    return privileges_find_user(SSS_USER, config_text(responder->config, "sssd", "user"), &responder->uid, &responder->gid);
}

/* Packages bring these; who has cleared /var gets those of them anew in which root has something to do. */
static int make_folders(void)
{
    static const char *const paths[] = { PIPES_DIR, OWN_STATEDIR };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(paths) / sizeof(paths[0]); i++) {
        r = folder_make(&(struct folder) { paths[i], 0755, geteuid(), getegid() });
        if (r < 0)
            log_error_errno(r, "cannot make the folder %s: %m", paths[i]);
    }
    return r;
}

static int prepare_state(struct responder *responder)
{
    int r;

    r = responder->spec->prepare ? responder->spec->prepare(responder) : 0;
    if (r < 0)
        log_error_errno(r, "cannot prepare: %m");
    return r < 0 ? r : 0;
}

static int init_state(struct responder *responder)
{
    int r;

    r = responder->spec->init ? responder->spec->init(responder, &responder->state) : 0;
    if (r < 0)
        log_error_errno(r, "cannot start: %m");
    return r < 0 ? r : 0;
}

static int start_accepting(struct responder *responder)
{
    int r;

    r = listeners_start(responder);
    if (r < 0)
        log_error_errno(r, "cannot accept clients: %m");
    return r < 0 ? r : 0;
}

/* Root's work first: after privileges_give_up() nothing of it can be done any more. */
int sss_process_init(struct responder *responder)
{
    int r;

    r = make_folders();
    if (r < 0)
        return r;
    r = make_event_loop(responder);
    if (r < 0)
        return r;
    r = set_unix_socket(responder);
    if (r < 0)
        return r;
    r = monitor_join(responder);
    if (r < 0)
        return r;
    r = read_config(responder);
    if (r < 0)
        return r;
    r = find_user(responder);
    if (r < 0)
        return r;
    r = apply_config(responder);
    if (r < 0)
        return r;
    r = clients_init(responder, limit_clients(responder));
    if (r < 0)
        return r;
    r = prepare_state(responder);
    if (r < 0)
        return r;
    r = privileges_give_up(responder->uid, responder->gid);
    if (r < 0)
        return r;
    r = confine_to_files();
    if (r < 0)
        return r;
    r = init_state(responder);
    if (r < 0)
        return r;
    return start_accepting(responder);
}

static void responder_done(struct responder *responder)
{
    struct client *client, *next;

    for (client = responder->clients; client; client = next) {
        next = client_next(client);
        client_give_up(client);
    }
    if (responder->state && responder->spec->done)
        responder->spec->done(responder->state);
    clients_done(responder);
    listeners_done(responder);
    watchdog_stop();
    responder->monitor = sd_bus_close_unref(responder->monitor);
    responder->event = sd_event_unref(responder->event);
    config_freep(&responder->config);
}

int responder_run(int argc, char **argv, const struct responder_spec *spec)
{
    struct responder responder = { .spec = spec };
    char program[32];
    int r;

    r = arguments_parse(argc, argv, &responder.arguments);
    if (r <= 0)
        return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
    responder.uid = responder.arguments.uid;
    responder.gid = responder.arguments.gid;

    /* Our own look-ups, and those of whatever we start, must not come back to us and wait here. */
    if (setenv("_SSS_LOOPS", "NO", 1) < 0)
        return EXIT_FAILURE;
    (void) signal(SIGPIPE, SIG_IGN); /* cannot fail */
    listeners_init(&responder);

    (void) snprintf(program, sizeof(program), "sssd_%s", spec->name); /* names are short */
    (void) log_open(program, responder.arguments.log_target, SSS_LOGDIR);       /* it has told */

    r = sss_process_init(&responder);
    if (r >= 0) {
        log_info("started");
        r = sd_event_loop(responder.event);
        if (r < 0)
            log_error_errno(r, "the event loop has failed: %m");
        log_info("stopped");
    }
    responder_done(&responder);
    return r < 0 ? EXIT_FAILURE : responder.exit_code;
}

sd_event *responder_event(const struct responder *responder)
{
    return responder->event;
}

const struct config *responder_config(const struct responder *responder)
{
    return responder->config;
}

uid_t responder_uid(const struct responder *responder)
{
    return responder->uid;
}

gid_t responder_gid(const struct responder *responder)
{
    return responder->gid;
}
