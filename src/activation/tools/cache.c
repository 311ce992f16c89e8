/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cache: what sss_cache does for SSSD, whose files it edits, for our own engine.
 *
 * Expire: each back end compares what it has with its source now, also where it believes that away, and what clients map is
 * forgotten. Our sources are read whole, so one user is as much as all. Remove: all of it goes, which nobody may have open. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/responders.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/manager.h"
#include "lib/services.h"
#include "lib/state.h"
#include "tools/backends.h"
#include "tools/cache.h"
#include "tools/last.h"
#include "tools/ownership.h"
#include "tools/places.h"
#include "tools/signals.h"
#include "tools/units.h"

/* As SSSD's own tool does: who has these files open sees it at SIGHUP, or in its start, and takes it away. */
#define CLEAR_FLAG SSS_DIR "/mc/clear_mc_flag"
#define CACHE_DIR DATA_DIR "/cache"

#define JOB_MSEC 180000
#ifndef CLEAR_USEC /* the tests' time is shorter */
#define CLEAR_USEC UINT64_C(5000000)
#endif
#define LOOK_AGAIN_USEC 20000

static int fail(const char *what, const char *why)
{
    log_error("sss_activation: %s: %s", what, why);
    return -ECANCELED;
}

static int run_job(struct manager *manager, const char *verb)
{
    static const char *const units[] = { MONITOR };
    int r = manager_run_all(manager, verb, units, 1, "replace", JOB_MSEC);

    return r < 0 ? fail(strcmp(verb, "Stop") == 0 ? "cannot stop " MONITOR : "cannot start " MONITOR, manager_error(r)) : 0;
}

/* --- Expire ------------------------------------------------------------------------------------------------------- */

static int read_domains(struct domains *ret)
{
    CLEANUP(conf_freep) struct conf *config = NULL;
    CLEANUP(freep) char *why = NULL;
    int r;

    r = config_load(NULL, NULL, &config, &why);
    if (r == 0)
        return fail("nothing to expire", "there is no configuration");
    if (r > 0)
        r = domains_read(config, ret, &why);
    return r > 0 ? 0 : fail("cannot read the configuration", why ? why : strerror(-r));
}

static int main_pid_of_monitor(struct manager *manager)
{
    struct unit monitor = { .main_pid = 0 };

    return manager_read_main_pid(manager, MONITOR, &monitor) < 0 ? 0 : monitor.main_pid;
}

static bool nss_runs(struct manager *manager, const struct state *state)
{
    struct unit nss;

    return state_monitor_owns(state, responders[NSS].name) ||
           (manager_state(manager, responders[NSS].service, &nss) >= 0 && unit_is_up(&nss));
}

/* Whoever runs takes the flag away. What nobody has open is marked here, and the flag stays for who begins just now. */
static int clear_memory_caches(const struct state *state, struct manager *manager)
{
    CLEANUP(closep) int flag = open(CLEAR_FLAG, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
    const uint64_t end = now_usec() + CLEAR_USEC;
    int pid = main_pid_of_monitor(manager);

    if (flag < 0)
        return errno == ENOENT ? 0 : fail("cannot write " CLEAR_FLAG, strerror(errno)); /* no folder, no memory caches */
    if (pid > 0)
        (void) kill(pid, SIGHUP); /* it ends just now: then the next one sees the flag */
    if (pid <= 0 || !nss_runs(manager, state)) {
        int r = last_recycle(false);

        return r < 0 ? fail("cannot mark the memory caches", strerror(-r)) : 0;
    }
    while (access(CLEAR_FLAG, F_OK) == 0) {
        if (now_usec() >= end)
            return fail("the memory caches were not cleared", "sssd_nss does not answer");
        (void) usleep(LOOK_AGAIN_USEC);
    }
    return 0;
}

static int expire(const struct state *state, struct manager *manager)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    struct unit monitor;
    char why[256];
    int r, pid;

    r = read_domains(&domains);
    if (r < 0)
        return r;
    r = manager_state(manager, MONITOR, &monitor);
    if (r < 0)
        return fail("cannot ask systemd", manager_error(r));
    if (strcmp(monitor.active, "active") != 0 && (r = run_job(manager, "Start")) < 0) /* back ends are its own */
        return r;

    pid = main_pid_of_monitor(manager);
    if (pid > 0)
        (void) kill(pid, SIGUSR2); /* what is believed to be away is tried again */
    if (backends_refresh(&domains, why, sizeof(why)) == 0)
        r = fail("not all could be brought up to date", why);
    return clear_memory_caches(state, manager) < 0 ? -ECANCELED : r;
}

/* --- Remove ------------------------------------------------------------------------------------------------------- */

/* Files only: our back ends make no folders there. */
static int empty_folder(const char *path)
{
    CLEANUP(closedirp) DIR *dir = opendir(path);
    struct dirent *entry;
    int r = 0;

    if (!dir)
        return errno == ENOENT ? 0 : -errno;
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlinkat(dirfd(dir), entry->d_name, 0) < 0 && errno != ENOENT)
            r = -errno;
    return r;
}

static int read_stopped(const struct state *state, struct manager *manager, bool *ret_was_up, bool *ret_was_stopped)
{
    struct responder_units its[RESPONDERS] = { 0 };
    struct unit monitor;
    int r = units_read_all(manager, its, &monitor);

    *ret_was_up = unit_is_up(&monitor);
    *ret_was_stopped = r >= 0 && units_are_stopped(state, its, &monitor);
    return r < 0 ? fail("cannot ask systemd", manager_error(r)) : 0;
}

static int remove_all(const struct state *state, struct manager *manager)
{
    bool was_up, was_stopped;
    int r = read_stopped(state, manager, &was_up, &was_stopped), removed = 0, recycled = 0, started = 0;

    if (r < 0)
        return r;
    signals_ignore(); /* cut off, it would leave all closed */
    if (!was_stopped)
        r = run_job(manager, "Stop");
    if (r == 0 && !was_stopped && (r = ownership_close(manager)) < 0) /* on a machine on which nothing was ready for a stop yet */
        r = fail("cannot close sockets", manager_error(r));

    if (r == 0) {
        removed = empty_folder(CACHE_DIR);
        recycled = last_recycle(true);
    }
    if (removed < 0)
        (void) fail("cannot remove all of " CACHE_DIR, strerror(-removed));
    if (recycled < 0)
        (void) fail("cannot mark the memory caches", strerror(-recycled));
    if (was_up)
        started = run_job(manager, "Start");
    else if (!was_stopped)
        started = ownership_apply_beside_monitor(state, manager);
    return r < 0 ? r : removed < 0 ? removed : recycled < 0 ? recycled : started;
}

/* --- By name ------------------------------------------------------------------------------------------------------ */

static int run(const struct cache_options *options)
{
    CLEANUP(manager_freep) struct manager *manager = NULL;
    CLEANUP(state_done) struct state state = { .dir_fd = -1 };
    bool expires = strcmp(options->word, "expire") == 0;
    int r;

    r = state_create(STATE_DIR, &state);
    if (r < 0)
        return fail("cannot make " STATE_DIR, strerror(-r));
    r = manager_open(&manager);
    if (r < 0)
        return fail("cannot ask systemd", manager_error(r));
    r = expires ? expire(&state, manager) : remove_all(&state, manager);
    if (r < 0)
        return r;
    if (options->user || options->group)
        (void) puts("all entries, since the sources are read whole: compared with them, and out of the memory caches");
    else
        (void) puts(expires ? "all entries were compared with their sources, and are out of the memory caches"
                            : "the cache is empty");
    return fflush(stdout) == 0 ? 0 : -EIO;
}

int cache_run(const struct cache_options *options)
{
    if (!engine_is_own()) {
        log_error("sss_activation: the engine is sssd, whose cache is for sss_cache(8): sss_cache %s%s%s",
                  strcmp(options->word, "remove") == 0 ? "-E" : options->user ? "-u " : options->group ? "-g " : "-E",
                  options->user ? options->user : "", options->group ? options->group : "");
        return EXIT_FAILURE;
    }
    return run(options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
