/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bus/bus.h"
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

#define OWN_DESCRIPTORS 64 /* log, caches, buses, the loop */
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

/* While it may: raises the limit, and says how much of it clients may take. */
static void limit_clients(struct responder *responder)
{
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

    responder->n_clients_max = wanted.rlim_cur / 2;
    if (wanted.rlim_cur > 2 * OWN_DESCRIPTORS)
        responder->n_clients_max = wanted.rlim_cur - OWN_DESCRIPTORS;
    responder->n_clients_of_user_max = responder->n_clients_max / 4 * 3; /* some are left for the others */
}

int set_unix_socket(struct responder *responder)
{
    const struct responder_spec *spec = responder->spec;
    int r;

    r = listener_bind(spec->socket_path, spec->socket_mode, &responder->listen_fd);
    if (r == -EADDRINUSE)
        log_error("%s: another process answers there", spec->socket_path);
    else if (r == -EEXIST)
        log_error("%s: something that is no socket is in the way", spec->socket_path);
    else if (r < 0)
        log_error_errno(r, "cannot listen at %s: %m", spec->socket_path);
    return r;
}

/* From here on it reads what clients send. Of the cache it only writes the list of its readers, as the files' modes have it;
 * files of the memory cache and the log are open. */
static int confine_to_files(void)
{
    const char *cache = access(CACHE_DIR, F_OK) == 0 ? CACHE_DIR : OWN_STATEDIR; /* there may be no cache yet */

    return confine((const char *const[]) { "/etc", "/usr", "/run", "/proc", "/dev", NULL }, (const char *const[]) { cache, NULL });
}

/* As root, and before anything is bound: without its user nothing of it shall run. */
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

    r = listener_start(responder);
    if (r < 0)
        log_error_errno(r, "cannot accept clients: %m");
    return r < 0 ? r : 0;
}

/* Root's work first: after privileges_give_up() nothing of it can be done any more. The monitor is told last: what is
 * registered answers. */
int sss_process_init(struct responder *responder)
{
    int r;

    r = find_user(responder);
    if (r < 0)
        return r;
    r = make_folders();
    if (r < 0)
        return r;
    r = make_event_loop(responder);
    if (r < 0)
        return r;
    r = set_unix_socket(responder);
    if (r < 0)
        return r;
    r = connect_monitor(responder);
    if (r < 0)
        return r;
    limit_clients(responder);
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
    responder_stop_accepting(responder);
    responder->pause = sd_event_source_disable_unref(responder->pause);
    responder->idle_timer = sd_event_source_disable_unref(responder->idle_timer);
    closep(&responder->listen_fd); /* its path stays: root's folder, and the next start replaces it */
    watchdog_stop();
    responder->monitor = sd_bus_close_unref(responder->monitor);
    responder->event = sd_event_unref(responder->event);
    config_freep(&responder->config);
    free(responder->users);
}

int responder_run(int argc, char **argv, const struct responder_spec *spec)
{
    struct responder responder = { .spec = spec, .listen_fd = -1 };
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
