/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "bus/bus.h"
#include "common/cleanup.h"
#include "config/config.h"
#include "monitor/daemon.h"
#include "monitor/monitor.h"
#include "monitor/parts.h"
#include "monitor/pidfile.h"
#include "monitor/register.h"
#include "monitor/services.h"
#include "monitor/signals.h"
#include "util/folders.h"
#include "util/lock.h"
#include "util/log.h"
#include "util/memfile.h"
#include "util/privileges.h"
#include "util/stamp.h"
#include "util/watchdog.h"

/* --- The configuration ----------------------------------------------------------------------------------------- */

/* Lines of one text, each to the log. */
static void tell_lines(int priority, char *text)
{
    for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n"))
        log_write(priority, "%s", line);
}

static int load_from(struct monitor *monitor, const char *dir, const char *name, char **ret_why)
{
    (void) config_stamp(dir, name, &monitor->stamp); /* without one, a responder asks us */
    return config_load_from(dir, name, monitor->paths->config_uid, monitor->paths->config_gid, &monitor->config, ret_why);
}

/* Splits the path of a file that was named on the command line. */
static int load_named(struct monitor *monitor, const char *path, char **ret_why)
{
    CLEANUP(freep) char *dir = strdup(path);
    const char *slash = strrchr(path, '/');

    if (!dir)
        return -ENOMEM;
    if (slash)
        dir[slash == path ? 1 : slash - path] = '\0';
    return load_from(monitor, slash ? dir : ".", slash ? slash + 1 : path, ret_why);
}

static int load_config(struct monitor *monitor)
{
    const struct arguments *arguments = &monitor->arguments;
    const char *dir = arguments->config_dir ? arguments->config_dir : monitor->paths->config_dir;
    CLEANUP(freep) char *why = NULL;
    CLEANUP(freep) char *remarks = NULL;
    int r;

    if (arguments->config_file)
        r = load_named(monitor, arguments->config_file, &why);
    else
        r = load_from(monitor, dir, "sssd.conf", &why);
    if (r < 0 && why)
        tell_lines(LOG_ERR, why);
    else if (r < 0)
        log_error_errno(r, "cannot read the configuration: %m");
    if (r < 0)
        return r;

    if (config_remarks(monitor->config)) {
        remarks = strdup(config_remarks(monitor->config));
        if (!remarks)
            return -ENOMEM;
        tell_lines(LOG_WARNING, remarks);
    }
    if (!config_get(monitor->config, "sssd", "services")) { /* nobody would ever ask a backend */
        log_error("[sssd] services: is missing; allowed: nss");
        return -EINVAL;
    }
    return 0;
}

/* --- The place where it works ---------------------------------------------------------------------------------- */

/* Once, and before anything is made or started: all others get numbers. */
static int find_users(struct monitor *monitor)
{
    const char *configured = config_text(monitor->config, "sssd", "user");
    int r;

    r = privileges_find_user(monitor->paths->backend_user, configured, &monitor->uid,
                             &monitor->gid);
    if (r == 0)
        r = privileges_find_user(monitor->paths->user, configured, &monitor->responder_uid,
                                 &monitor->responder_gid);
    return r;
}

static char *path_in(const char *dir, const char *name)
{
    char *path;

    return asprintf(&path, "%s%s", dir, name) < 0 ? NULL : path;
}

/* Packages bring them; who cleared /var gets them anew. Of SSSD's there are only those that clients
 * look into and that root works in, and only if they are missing: to change an owner there would
 * keep SSSD from starting again. */
static int make_folders(const struct monitor *monitor)
{
    const struct monitor_paths *paths = monitor->paths;
    const struct {
        const char *above, *name;
        mode_t mode;
        uid_t uid;
        gid_t gid;
        int (*make)(const struct folder *folder);
    } folders[] = {
        /* nobody may exchange what is there */
        { paths->run_dir, "", 0755, geteuid(), getegid(), folder_make },
        { paths->state_dir, "/pipes", 0755, geteuid(), getegid(), folder_make },
        { paths->state_dir, "/mc", 0755, geteuid(), getegid(), folder_make },
        { paths->own_dir, "", 0755, geteuid(), getegid(), folder_make },
        /* Back ends write there. Responders read, and are the only others to pass: its files have
         * no group of their own. */
        { paths->own_dir, "/cache", 0750, monitor->uid, monitor->responder_gid, folder_keep },
        { paths->log_dir, "", 0750, geteuid(), getegid(), folder_make },
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
        CLEANUP(freep) char *path = path_in(folders[i].above, folders[i].name);

        if (!path)
            return -ENOMEM;
        r = folders[i].make(&(struct folder) { path, folders[i].mode, folders[i].uid,
                                               folders[i].gid });
        if (r < 0)
            log_error_errno(r, "cannot make the folder %s: %m", path);
    }
    return r;
}

bool monitor_discard_memory_caches(const struct monitor *monitor)
{
    CLEANUP(freep) char *memory = path_in(monitor->paths->state_dir, "/mc");
    CLEANUP(freep) char *lock = path_in(monitor->paths->own_dir, "/mc.lock");
    CLEANUP(closep) int lock_fd = -1;

    if (!memory || !lock || lock_take(lock, &lock_fd) <= 0)
        return false;
    return memfile_discard_others(memory, (uid_t) -1) == 0;
}

/* What an earlier start, or another engine, has left for clients and for us. */
static int check_caches(const struct monitor *monitor)
{
    CLEANUP(freep) char *cache = path_in(monitor->paths->own_dir, "/cache");
    CLEANUP(freep) char *stamps = path_in(monitor->paths->state_dir, "/db");
    CLEANUP(freep) char *memory = path_in(monitor->paths->state_dir, "/mc");
    int r, is_new;

    if (!cache || !stamps || !memory)
        return -ENOMEM;
    is_new = stamp_check(&(struct stamp_places) { monitor->paths->own_dir, cache, stamps });
    if (is_new < 0)
        return is_new;
    /* Records there live for minutes: clients would go on with what the old cache has held. A
     * responder that has been quicker than us sees by itself that the cache is another, and could
     * make no new files. */
    if (is_new && monitor_discard_memory_caches(monitor))
        return 0;
    r = memfile_discard_others(memory, monitor->responder_uid);
    if (r < 0)
        log_warning_errno(r, "cannot remove old memory caches in %s: %m", memory);
    return 0;
}

static int take_pidfile(struct monitor *monitor)
{
    CLEANUP(freep) char *lock = path_in(monitor->paths->own_dir, "/monitor.lock");
    pid_t other = 0;
    int r = lock ? pidfile_take(monitor->paths->pid_file, lock, &monitor->lock_fd, &other) : -ENOMEM;

    if (r == -EEXIST)
        log_error("%s: another monitor is running, process %ld", monitor->paths->pid_file, (long) other);
    else if (r < 0)
        log_error_errno(r, "cannot write %s: %m", monitor->paths->pid_file);
    return r;
}

/* --- Its life -------------------------------------------------------------------------------------------------- */

static void tell_starter(struct monitor *monitor, int exit_code)
{
    if (monitor->ready_fd < 0)
        return;
    daemon_tell(monitor->ready_fd, exit_code);
    monitor->ready_fd = -1;
}

void monitor_check_ready(struct monitor *monitor)
{
    if (monitor->is_ready || monitor->is_stopping || !services_are_settled(monitor))
        return;
    if (!services_are_of_use(monitor)) {
        log_error("nobody could be served: giving up");
        monitor_stop(monitor, MONITOR_EXIT_FAILURE);
        return;
    }
    monitor->is_ready = true;
    log_info("services are up");
    (void) sd_notify(0, "READY=1"); /* nobody may be listening */
    tell_starter(monitor, 0);
}

void monitor_stop(struct monitor *monitor, int exit_code)
{
    if (monitor->exit_code == 0)
        monitor->exit_code = exit_code;
    if (monitor->is_stopping)
        return;
    monitor->is_stopping = true;
    (void) sd_notify(0, "STOPPING=1"); /* likewise */
    services_stop(monitor);
}

static int start(struct monitor *monitor)
{
    int r;

    r = sd_event_new(&monitor->event);
    if (r >= 0)
        r = signals_init(monitor);
    if (r >= 0)
        r = watchdog_start(monitor->event, config_usec(monitor->config, "sssd", "timeout"));
    if (r >= 0)
        r = services_init(monitor);
    if (r >= 0)
        r = register_init(monitor);
    if (r < 0) {
        log_error_errno(r, "cannot start: %m");
        return r;
    }
    services_start(monitor);
    monitor_check_ready(monitor);
    return 0;
}

static int run(struct monitor *monitor)
{
    int r;

    r = take_pidfile(monitor);
    if (r == 0)
        r = check_caches(monitor); /* it is the only one now */
    if (r == 0)
        r = parts_write(monitor);
    if (r == 0)
        r = start(monitor);
    if (r < 0)
        return r;

    log_info("started");
    r = sd_event_loop(monitor->event);
    if (r < 0)
        log_error_errno(r, "the event loop has failed: %m");
    return r;
}

static void monitor_done(struct monitor *monitor)
{
    register_done(monitor);
    services_done(monitor);
    watchdog_stop();
    monitor->event = sd_event_unref(monitor->event);
    if (monitor->lock_fd >= 0)
        (void) pidfile_leave(monitor->paths->pid_file, monitor->lock_fd); /* a stale one does not matter */
    config_freep(&monitor->config);
    freep(&monitor->stamp);
}

/* Until the log is open, lines go to stderr, which is where a refused configuration has to be seen. */
static int prepare(struct monitor *monitor)
{
    const struct arguments *arguments = &monitor->arguments;
    int r;

    log_set_debug_level(arguments->debug_level >= 0 ? arguments->debug_level
                                                    : (int) config_u32(monitor->config, "sssd", "debug_level"));
    r = find_users(monitor);
    if (r == 0)
        r = make_folders(monitor);
    if (r < 0 || arguments->action == ACTION_SNAPSHOT)
        return r < 0 ? r : parts_write(monitor);

    if (arguments->is_daemon) {
        r = daemon_start(&monitor->ready_fd);
        if (r < 0) {
            log_error_errno(r, "cannot go into the background: %m");
            return r;
        }
    }
    (void) log_open("sssd", arguments->log_target, monitor->paths->log_dir); /* it has told */
    return run(monitor);
}

int monitor_run(int argc, char **argv, const struct monitor_paths *paths)
{
    struct monitor monitor = { .paths = paths, .lock_fd = -1, .ready_fd = -1 };
    int r;

    r = arguments_parse(argc, argv, &monitor.arguments);
    if (r <= 0)
        return r < 0 ? MONITOR_EXIT_USAGE : 0;
    if (setenv("_SSS_LOOPS", "NO", 1) < 0) /* none of our look-ups may come back to us */
        return MONITOR_EXIT_FAILURE;
    (void) log_open("sssd", LOG_TO_STDERR, NULL); /* cannot fail */

    r = load_config(&monitor);
    if (monitor.arguments.action == ACTION_CHECK) {
        monitor_done(&monitor);
        return r < 0 ? MONITOR_EXIT_FAILURE : 0;
    }
    if (r < 0)
        monitor.exit_code = MONITOR_EXIT_CONFIG;
    else
        r = prepare(&monitor);
    if (r < 0 && monitor.exit_code == 0)
        monitor.exit_code = MONITOR_EXIT_FAILURE;
    tell_starter(&monitor, monitor.exit_code ? monitor.exit_code : MONITOR_EXIT_FAILURE); /* it was never up */
    monitor_done(&monitor);
    return monitor.exit_code;
}
