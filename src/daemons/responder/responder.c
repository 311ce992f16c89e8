/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bus/bus.h"
#include "common/cleanup.h"
#include "config/config.h"
#include "responder/arguments.h"
#include "responder/private.h"
#include "util/confine.h"
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

/* ---- the monitor ---- */

static int on_clear_memcache(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    struct responder *responder = userdata;

    (void) ret_error;
    if (responder->spec->clear_memcache)
        responder->spec->clear_memcache(responder->state);
    return sd_bus_reply_method_return(message, NULL);
}

static const sd_bus_vtable service_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("RotateLogs", NULL, NULL, bus_on_rotate_logs, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ClearMemcache", NULL, NULL, on_clear_memcache, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static int leave(struct responder *responder, int exit_code)
{
    if (responder->exit_code == EXIT_SUCCESS)
        responder->exit_code = exit_code;
    return sd_event_exit(responder->event, 0);
}

/* Who started it restarts it, too, and that is the monitor: without one it would go on with a configuration that nobody
 * can change any more. */
static int on_monitor_closed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    (void) message;
    (void) ret_error;
    log_info("the monitor has gone: leaving");
    return leave(userdata, EXIT_SUCCESS);
}

static int on_registered(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    struct responder *responder = userdata;
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    (void) ret_error;
    if (!error) {
        log_info("registered at the monitor");
        return 0;
    }
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || sd_bus_error_get_errno(error) == ECONNRESET)
        return 0; /* it has gone, which is told of by itself */
    log_error("the monitor refuses this service: %s", error->message);
    return leave(responder, EXIT_FAILURE);
}

static int connect_monitor(struct responder *responder)
{
    int r;

    r = bus_connect(responder->event, MONITOR_BUS, 0, &responder->monitor);
    if (r >= 0)
        r = bus_watch_close(responder->monitor, on_monitor_closed, responder);
    if (r >= 0)
        r = sd_bus_add_object_vtable(responder->monitor, NULL, BUS_PATH, BUS_SERVICE, service_vtable, responder);
    if (r < 0)
        log_error_errno(r, "cannot connect to the monitor at %s: %m", MONITOR_BUS);
    return r < 0 ? r : 0;
}

static int register_service(struct responder *responder)
{
    int r;

    r = sd_bus_call_method_async(responder->monitor, NULL, NULL, BUS_PATH, BUS_MONITOR, "RegisterService",
                                 on_registered, responder, "sq", responder->spec->name, BUS_VERSION);
    if (r < 0)
        log_error_errno(r, "cannot register at the monitor: %m");
    return r < 0 ? r : 0;
}

/* ---- the process ---- */

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void) source;
    log_info("leaving on signal %u", info->ssi_signo);
    return leave(userdata, EXIT_SUCCESS);
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
    if (r >= 0)
        r = watchdog_start(responder->event, config_usec(responder->config, responder->spec->name, "timeout"));
    if (r < 0)
        log_error_errno(r, "cannot make the event loop: %m");
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

/* From here on it reads what clients send. */
static int confine_to_files(void)
{
    static const char *const readable[] = { "/etc", "/usr", "/run", "/proc", "/dev", NULL };
    static const char *const writable[] = { CACHE_DIR, MEMCACHE_DIR, SSS_LOGDIR, NULL };

    return confine(readable, writable);
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

/* Root's work first: after privileges_give_up() nothing of it can be done any more. The monitor is told last: what is
 * registered answers. */
int sss_process_init(struct responder *responder)
{
    int r;

    r = make_event_loop(responder);
    if (r < 0)
        return r;
    r = set_unix_socket(responder);
    if (r < 0)
        return r;
    r = connect_monitor(responder);
    if (r < 0)
        return r;
    r = clients_init(responder, limit_clients(responder));
    if (r < 0)
        return r;
    r = privileges_give_up(config_text(responder->config, "sssd", "user"), &responder->uid, &responder->gid);
    if (r < 0)
        return r;
    r = confine_to_files();
    if (r < 0)
        return r;
    r = init_state(responder);
    if (r < 0)
        return r;
    r = start_accepting(responder);
    if (r < 0)
        return r;
    return register_service(responder);
}

static int read_config(struct responder *responder, int debug_level)
{
    const char *section = responder->spec->name;
    int r;

    r = config_read_snapshot(CONFIG_SNAPSHOT, &responder->config);
    if (r == -ENOENT)
        log_error("%s is missing: the monitor makes it, and none has run since boot", CONFIG_SNAPSHOT);
    else if (r < 0)
        log_error_errno(r, "cannot read %s: %m", CONFIG_SNAPSHOT);
    if (r < 0)
        return r;

    log_set_debug_level(debug_level >= 0 ? debug_level : (int) config_u32(responder->config, section, "debug_level"));
    responder->client_idle_usec = config_usec(responder->config, section, "client_idle_timeout");
    if (responder->client_idle_usec < CLIENT_IDLE_USEC_MIN)
        responder->client_idle_usec = CLIENT_IDLE_USEC_MIN;
    return 0;
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
    struct arguments arguments;
    char program[32];
    int r;

    r = arguments_parse(argc, argv, &arguments);
    if (r <= 0)
        return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
    responder.uid = arguments.uid;
    responder.gid = arguments.gid;

    /* Our own look-ups, and those of whatever we start, must not come back to us and wait here. */
    if (setenv("_SSS_LOOPS", "NO", 1) < 0)
        return EXIT_FAILURE;
    (void) signal(SIGPIPE, SIG_IGN); /* cannot fail */
    listeners_init(&responder);

    (void) snprintf(program, sizeof(program), "sssd_%s", spec->name); /* names are short */
    (void) log_open(program, arguments.log_target, SSS_LOGDIR);       /* it has told */

    r = read_config(&responder, arguments.debug_level);
    if (r >= 0)
        r = sss_process_init(&responder);
    if (r >= 0) {
        log_info("started");
        r = sd_event_loop(responder.event);
        if (r < 0)
            log_error_errno(r, "the event loop has failed: %m");
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
