/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Source ldif: a directory in LDIF files. Looks whether they have changed; a child process reads them. */

#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>

#include "backend/files.h"
#include "backend/import.h"
#include "backend/items.h"
#include "backend/source.h"
#include "cache/writer.h"
#include "common/child.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "config/config.h"
#include "util/log.h"

/* Changes come in bursts; they are waited for. */
#define CHANGE_USEC (200 * 1000)

/* To read all of the cache takes time, and whoever can ask for it could do so at any rate. */
#define REPAIR_USEC (5 * 1000000ULL)

/* Of a hundred thousand users it takes a few seconds. For so long who asks waits for it; then it is given up. */
#define IMPORT_USEC (60 * 1000000ULL)
#define IMPORT_MAX_USEC (600 * 1000000ULL)

#define IMPORT_ARGUMENTS_MAX 16

#define WATCHED_CHANGES \
    (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

struct waiter {
    struct waiter *next;
    source_on_done_t on_done;
    void *userdata;
};

/* A folder of ldif_files, or the one that a file of it is in. */
struct watch {
    struct source *source;
    const struct item *item;
    sd_event_source *inotify; /* NULL: it is not there, or cannot be read */
    dev_t device;             /* what is watched: its path may lead elsewhere by now */
    ino_t inode;
    bool is_remote;           /* others change it without our kernel's knowledge */
};

struct source {
    sd_event *event;
    const struct config *config;
    char *domain, *section;
    struct cache_writer *cache;
    const struct items *items;
    char *const *import_argv;
    uint32_t lives_sec[CACHE_N_KINDS];
    uint64_t offline_sec;

    struct watch *watches;
    size_t n_watches;
    bool has_links;           /* files that may be changed in a folder that is not watched */
    sd_event_source *changed; /* timer: the files have changed */

    pid_t pid;                /* of the import, 0: none */
    sd_event_source *import;
    sd_event_source *import_end; /* timer: it must be over */
    uint64_t import_usec;        /* when it began */
    bool is_changed_again;    /* while it was at work */
    bool is_repair;           /* it looks for damage, too */
    uint64_t repair_usec;     /* the next one not before that */
    struct waiter *waiters;   /* for its end */
};

static uint64_t now_sec(void)
{
    return (uint64_t) time(NULL);
}

static void call_waiters(struct source *source, int r)
{
    struct waiter *waiter;

    while ((waiter = source->waiters)) {
        source->waiters = waiter->next;
        waiter->on_done(r, waiter->userdata);
        free(waiter);
    }
}

/* ---- the verdict, which outlives us in the cache ---- */

/* A time further away than it can have been set is of a clock that was wrong. */
static bool is_before(uint64_t now, uint64_t until, uint64_t longest)
{
    return now < until && until - now <= longest;
}

static bool is_online(struct source *source)
{
    struct cache_state state;

    return cache_writer_state(source->cache, &state) == 0 &&
           !is_before(now_sec(), state.offline_until, source->offline_sec);
}

/* Is each change of the files told? Then who is not in the cache is nowhere. */
static bool is_watching(const struct source *source)
{
    for (size_t i = 0; i < source->n_watches; i++)
        if (!source->watches[i].inotify || source->watches[i].is_remote)
            return false;
    return !source->has_links;
}

/* Entries are good for a while from now on, or the source is left in peace for a while. */
static int set_state(struct source *source, bool online)
{
    struct cache_state state;
    int r;

    r = cache_writer_state(source->cache, &state);
    if (r < 0)
        return r;
    state.updated = now_sec();
    for (size_t i = 0; i < CACHE_N_KINDS && online; i++)
        state.good_until[i] = state.updated + source->lives_sec[i];
    if (online)
        state.is_complete = is_watching(source);
    state.offline_until = online ? 0 : state.updated + source->offline_sec;
    return cache_writer_set_state(source->cache, &state);
}

/* Is it needless to write the state again? A write waits for the disk. */
static bool is_fresh(const struct source *source, const struct cache_state *state)
{
    uint64_t now = now_sec();

    if (state->updated > now || state->offline_until != 0 || state->is_complete != is_watching(source))
        return false;
    for (size_t i = 0; i < CACHE_N_KINDS; i++)
        if (now + source->lives_sec[i] / 2 >= state->good_until[i] ||
            state->good_until[i] > now + source->lives_sec[i])
            return false;
    return true;
}

/* Until the import who is not in the cache may be in the files. */
static void set_incomplete(struct source *source)
{
    struct cache_state state;
    int r;

    r = cache_writer_state(source->cache, &state);
    if (r == 0 && state.is_complete) {
        state.is_complete = false;
        r = cache_writer_set_state(source->cache, &state);
    }
    if (r < 0)
        log_warning_errno(r, "%s: cannot say in the cache that the files have changed: %m", source->domain);
}

static void go_offline(struct source *source)
{
    int r;

    log_warning("%s: offline for %llu s", source->domain, (unsigned long long) source->offline_sec);
    r = set_state(source, false);
    if (r < 0)
        log_error_errno(r, "%s: cannot write to the cache: %m", source->domain);
}

/* ---- the import ---- */

static int look(struct source *source, bool although_offline);

/* Damaged pages may end who reads them. */
static bool is_crash(const siginfo_t *info)
{
    return info->si_code != CLD_EXITED &&
           (info->si_status == SIGSEGV || info->si_status == SIGBUS || info->si_status == SIGABRT);
}

static int on_import_end(sd_event_source *event_source, const siginfo_t *info, void *userdata)
{
    struct source *source = userdata;
    bool is_good = info->si_code == CLD_EXITED && info->si_status == EXIT_SUCCESS;
    int r;

    (void) event_source;
    source->import = sd_event_source_disable_unref(source->import);
    source->import_end = sd_event_source_disable_unref(source->import_end);
    source->pid = 0;
    if (info->si_code != CLD_EXITED)
        log_error("%s: the import was ended by signal %d", source->domain, info->si_status);

    if (source->is_repair && is_crash(info)) {
        log_warning("%s: the cache cannot be read: made anew", source->domain);
        r = cache_writer_replace(source->cache);
        if (r == 0 && look(source, true) > 0)
            return 0; /* those who wait now do so for that import */
    }
    r = cache_writer_check(source->cache); /* it may have made the file anew */
    if (r < 0)
        log_error_errno(r, "%s: cannot open the cache: %m", source->domain);
    else if (!is_good)
        go_offline(source);
    call_waiters(source, r < 0 ? r : is_good ? 0 : -EHOSTDOWN);

    if (source->is_changed_again) {
        source->is_changed_again = false;
        (void) look(source, true); /* it has told */
    }
    return 0;
}

static int on_import_late(sd_event_source *timer, uint64_t usec, void *userdata)
{
    struct source *source = userdata;

    (void) timer;
    (void) usec;
    log_error("%s: the import does not come to its end: killed", source->domain);
    (void) kill(source->pid, SIGKILL); /* our child; its end comes as any other */
    return 0;
}

/* What it gets besides: the files, and the log, whose folder is closed to it. Under the same
 * number, a descriptor only loses its mark to be closed. */
static int hand_over(posix_spawn_file_actions_t *actions, const struct source *source)
{
    const int log = log_fd();
    int r = log >= 0 ? -posix_spawn_file_actions_adddup2(actions, log, log) : 0;

    for (size_t i = 0; i < source->items->n && r == 0; i++) {
        const int fds[] = { source->items->all[i].folder_fd, source->items->all[i].fd };

        for (size_t j = 0; j < 2 && r == 0; j++)
            if (fds[j] >= 0)
                r = -posix_spawn_file_actions_adddup2(actions, fds[j], fds[j]);
    }
    return r;
}

static int spawn_import(struct source *source, bool is_repair)
{
    char *argv[IMPORT_ARGUMENTS_MAX + 3];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    size_t n = 0;
    sigset_t none;
    pid_t pid;
    int r;

    for (; source->import_argv[n] && n < IMPORT_ARGUMENTS_MAX; n++)
        argv[n] = source->import_argv[n];
    if (is_repair)
        argv[n++] = (char *) "--repair";
    if (is_watching(source))
        argv[n++] = (char *) "--complete";
    argv[n] = NULL;

    (void) sigemptyset(&none);
    r = -posix_spawnattr_init(&attributes);
    if (r < 0)
        return r;
    r = -posix_spawn_file_actions_init(&actions);
    if (r < 0) {
        (void) posix_spawnattr_destroy(&attributes);
        return r;
    }
    /* Our signals are blocked, for the event loop. */
    (void) posix_spawnattr_setsigmask(&attributes, &none);
    (void) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    r = hand_over(&actions, source);
    if (r == 0)
        r = -posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv, environ);
    (void) posix_spawn_file_actions_destroy(&actions);
    (void) posix_spawnattr_destroy(&attributes);
    if (r < 0)
        return r;

    r = child_watch(source->event, &source->import, pid, on_import_end, source);
    if (r >= 0)
        r = sd_event_add_time_relative(source->event, &source->import_end, CLOCK_MONOTONIC, IMPORT_MAX_USEC, 0, on_import_late,
                                       source);
    if (r < 0) {
        source->import = sd_event_source_disable_unref(source->import);
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);
        return r;
    }
    source->pid = pid;
    source->import_usec = now_usec();
    source->is_repair = is_repair;
    return 0;
}

static void start_watches(struct source *source);

/* As look(), where somebody has met damage: the files are read although they have not changed. */
static int repair(struct source *source)
{
    int r;

    if (source->pid > 0)
        return 1; /* it meets the damage, too */
    if (now_usec() < source->repair_usec)
        return 0;
    source->repair_usec = now_usec() + REPAIR_USEC;
    start_watches(source);
    r = spawn_import(source, true);
    if (r < 0)
        log_error_errno(r, "%s: cannot repair the cache: %m", source->domain);
    return r < 0 ? r : 1;
}

/* ---- looking ---- */

static int on_changed(sd_event_source *timer, uint64_t usec, void *userdata)
{
    struct source *source = userdata;

    (void) timer;
    (void) usec;
    (void) look(source, true); /* it has told */
    return 0;
}

/* What there is to watch: the item, or the folder that it is in. Returns room. */
static const char *watched_path(const struct watch *watch, char room[ITEM_ROOM])
{
    struct stat st;

    return stat(item_path(watch->item, room), &st) == 0 && S_ISDIR(st.st_mode) ? room : item_folder(watch->item, room);
}

/* A new file is told once more when it has been written. A link is not. */
static bool is_being_written(const struct watch *watch, const struct inotify_event *change)
{
    CLEANUP(freep) char *path = NULL;
    char room[ITEM_ROOM];
    struct stat st;

    if (!(change->mask & IN_CREATE) || change->len == 0)
        return false;
    if (asprintf(&path, "%s/%s", watched_path(watch, room), change->name) < 0) {
        path = NULL;
        return false;
    }
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static int on_inotify(sd_event_source *event_source, const struct inotify_event *change, void *userdata)
{
    struct watch *watch = userdata;
    struct source *source = watch->source;

    (void) event_source;
    if (is_being_written(watch, change))
        return 0;
    if (change->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
        watch->inotify = sd_event_source_disable_unref(watch->inotify);
    if (source->pid == 0) /* which holds the cache's lock */
        set_incomplete(source);
    (void) sd_event_source_set_time_relative(source->changed, CHANGE_USEC); /* neither fails with a timer */
    (void) sd_event_source_set_enabled(source->changed, SD_EVENT_ONESHOT);
    return 0;
}

static bool is_remote(const char *path)
{
    static const uint32_t magics[] = { NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,  SMB2_SUPER_MAGIC,
                                       CIFS_SUPER_MAGIC, AFS_SUPER_MAGIC,  CODA_SUPER_MAGIC,
                                       CEPH_SUPER_MAGIC, FUSE_SUPER_MAGIC, V9FS_MAGIC };
    struct statfs fs;

    if (statfs(path, &fs) < 0)
        return true;
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        if ((uint32_t) fs.f_type == magics[i])
            return true;
    return false;
}

/* What cannot be watched is still looked at with each question. */
static void start_watches(struct source *source)
{
    for (size_t i = 0; i < source->n_watches; i++) {
        struct watch *watch = &source->watches[i];
        struct stat st = { 0 };
        char room[ITEM_ROOM];
        const char *path;
        int r;

        path = watched_path(watch, room);
        (void) stat(path, &st); /* of what is not there it stays 0 */
        if (watch->inotify && st.st_dev == watch->device && st.st_ino == watch->inode)
            continue;
        sd_event_source_disable_unref(TAKE(watch->inotify)); /* the folder has come, or gone, or is another */
        watch->device = st.st_dev;
        watch->inode = st.st_ino;
        watch->is_remote = is_remote(path);
        r = sd_event_add_inotify(source->event, &watch->inotify, path, WATCHED_CHANGES, on_inotify,
                                 watch);
        if (r < 0)
            log_debug_errno(r, "%s: changes of %s are not watched: %m", source->domain,
                            watch->item->path);
    }
}

static bool has_links(const struct files *files, const struct items *items)
{
    struct stat st;

    for (size_t i = 0; i < items->n; i++)
        if (item_is_linked(&items->all[i]))
            return true;
    for (size_t i = 0; i < files->n; i++)
        if (lstat(files->all[i].path, &st) < 0 || S_ISLNK(st.st_mode) || st.st_nlink > 1)
            return true;
    return false;
}

/* Brings the cache up to date. Returns 1 when an import is at work, 0 when nothing has changed, or a negative
 * errno. */
static int look(struct source *source, bool although_offline)
{
    CLEANUP(files_done) struct files files = { 0 };
    struct cache_state state;
    int r;

    if (source->pid > 0) {
        source->is_changed_again |= although_offline;
        return 1;
    }
    start_watches(source);

    r = cache_writer_check(source->cache);
    if (r == 0)
        r = cache_writer_state(source->cache, &state);
    if (r == -EIO) {
        log_warning("%s: the cache is damaged: made anew", source->domain);
        state = (struct cache_state){ 0 };
        r = cache_writer_replace(source->cache);
    }
    if (r < 0) {
        log_error_errno(r, "%s: cannot open the cache: %m", source->domain);
        return r;
    }
    if (!although_offline && is_before(now_sec(), state.offline_until, source->offline_sec))
        return -EHOSTDOWN;

    r = files_find(&files, source->items, source->config, source->section);
    if (r < 0) {
        log_error_errno(r, "%s: cannot read %s: %m", source->domain,
                        files.failed_path ? files.failed_path : "the LDIF files");
        go_offline(source);
        return r;
    }
    source->has_links = has_links(&files, source->items);
    if (strcmp(files.mark, state.source) == 0) {
        if (is_fresh(source, &state))
            return 0;
        r = set_state(source, true);
    } else {
        set_incomplete(source);
        r = spawn_import(source, false);
    }
    if (r < 0) {
        log_error_errno(r, "%s: cannot bring the cache up to date: %m", source->domain);
        return r;
    }
    return source->pid > 0;
}

/* ---- what the backend calls ---- */

static struct source *ldif_free(struct source *source)
{
    if (!source)
        return NULL;
    if (source->pid > 0) {
        source->import = sd_event_source_disable_unref(source->import);
        source->import_end = sd_event_source_disable_unref(source->import_end);
        (void) kill(source->pid, SIGKILL); /* the cache stays as it was */
        (void) waitpid(source->pid, NULL, 0);
    }
    call_waiters(source, -ECANCELED);
    for (size_t i = 0; i < source->n_watches; i++)
        sd_event_source_disable_unref(source->watches[i].inotify);
    free(source->watches);
    sd_event_source_disable_unref(source->changed);
    sd_event_unref(source->event);
    free(source->domain);
    free(source->section);
    free(source);
    return NULL;
}

static void ldif_freep(struct source **source)
{
    *source = ldif_free(*source);
}

static int add_watches(struct source *source)
{
    source->watches = calloc(source->items->n + 1, sizeof(*source->watches));
    if (!source->watches)
        return -ENOMEM;
    for (size_t i = 0; i < source->items->n; i++)
        source->watches[source->n_watches++] = (struct watch) { .source = source,
                                                                .item = &source->items->all[i] };
    return 0;
}

static int ldif_open(sd_event *event, const struct config *config, const char *domain,
                     struct cache_writer *cache, const struct items *items,
                     char *const *import_argv, struct source **ret)
{
    CLEANUP(ldif_freep) struct source *source = NULL;
    int r;

    source = calloc(1, sizeof(*source));
    if (!source)
        return -ENOMEM;
    source->event = sd_event_ref(event);
    source->config = config;
    source->cache = cache;
    source->items = items;
    source->import_argv = import_argv;
    source->domain = strdup(domain);
    if (!source->domain || asprintf(&source->section, "domain/%s", domain) < 0) {
        source->section = NULL;
        return -ENOMEM;
    }
    import_lives(config, source->section, source->lives_sec);
    source->offline_sec = (config_usec(config, source->section, "offline_timeout") + 999999) / 1000000;

    r = sd_event_add_time_relative(event, &source->changed, CLOCK_MONOTONIC, CHANGE_USEC, 0, on_changed, source);
    if (r >= 0)
        r = sd_event_source_set_enabled(source->changed, SD_EVENT_OFF);
    if (r >= 0)
        r = add_watches(source);
    if (r < 0)
        return r;

    (void) look(source, true); /* it has told; a later look may do better */
    *ret = TAKE(source);
    return 0;
}

static int ldif_refresh(struct source *source, const struct source_query *query, source_on_done_t on_done,
                        void *userdata)
{
    struct waiter *waiter, **end = &source->waiters;
    int r;

    waiter = calloc(1, sizeof(*waiter));
    if (!waiter)
        return -ENOMEM;
    *waiter = (struct waiter){ .on_done = on_done, .userdata = userdata };

    /* The files are read whole, whatever is asked for. */
    r = query && strcmp(query->kind, "cache") == 0 ? repair(source) : look(source, false);
    if (r > 0 && now_usec() - source->import_usec >= IMPORT_USEC)
        r = -EHOSTDOWN; /* it hangs, or takes very long: who asks now does not wait for that */
    if (r <= 0) {
        free(waiter);
        on_done(r, userdata);
        return 0;
    }
    while (*end)
        end = &(*end)->next;
    *end = waiter;
    return 0;
}

static int ldif_set_online(struct source *source, bool online)
{
    int r;

    if (online) {
        r = look(source, true);
        return r < 0 ? r : 0;
    }
    /* The import has the cache's lock: to wait for it would stop everything. */
    if (source->pid > 0)
        return -EBUSY;
    r = cache_writer_check(source->cache);
    return r < 0 ? r : set_state(source, false);
}

const struct source_ops source_ldif = {
    .name = "ldif",
    .patience_usec = IMPORT_USEC,
    .open = ldif_open,
    .free = ldif_free,
    .refresh = ldif_refresh,
    .set_online = ldif_set_online,
    .is_online = is_online,
};
