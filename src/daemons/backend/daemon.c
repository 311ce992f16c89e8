/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Daemon: the process of a backend, from its command line to its end. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "backend/be.h"
#include "backend/daemon.h"
#include "backend/import.h"
#include "backend/items.h"
#include "bus/bus.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "config/config.h"
#include "util/arguments.h"
#include "util/confine.h"
#include "util/log.h"
#include "util/privileges.h"
#include "util/signals.h"
#include "util/watchdog.h"

enum { EXIT_USAGE = 2 };

struct arguments {
    const char *domain;
    uid_t uid; /* 0: the configuration's user */
    gid_t gid;
    enum log_target log_target;
    const char *debug_level; /* NULL: the configuration's */
    bool is_import;
    unsigned import_flags;
    pid_t parent; /* of the import; 0: whoever has started it */
    const char *items; /* of the import: what its parent has opened; NULL: nothing */
    int log_fd;        /* likewise; -1: none */
};

/* ---- the command line ---- */

enum {
    DOMAIN = 256, UID, GID, LOGGER, DEBUG_TO_FILES, DEBUG_TO_STDERR, DEBUG_LEVEL,
    IMPORT, PARENT, REPAIR, COMPLETE, ITEMS, LOG_FD, IGNORED, HELP
};

static const struct option options[] = {
    { "domain", required_argument, NULL, DOMAIN },
    { "uid", required_argument, NULL, UID },
    { "gid", required_argument, NULL, GID },
    { "logger", required_argument, NULL, LOGGER },
    { "debug-to-files", no_argument, NULL, DEBUG_TO_FILES },
    { "debug-to-stderr", no_argument, NULL, DEBUG_TO_STDERR },
    { "debug-level", required_argument, NULL, DEBUG_LEVEL },
    { "import", no_argument, NULL, IMPORT },
    /* what a back end gives to its import */
    { "items", required_argument, NULL, ITEMS },
    { "log-fd", required_argument, NULL, LOG_FD },
    { "parent", required_argument, NULL, PARENT },
    { "repair", no_argument, NULL, REPAIR },
    { "complete", no_argument, NULL, COMPLETE },
    /* our lines always have their time */
    { "debug-timestamps", required_argument, NULL, IGNORED },
    { "debug-microseconds", required_argument, NULL, IGNORED },
    { "help", no_argument, NULL, HELP },
    { NULL, 0, NULL, 0 },
};

static void print_usage(FILE *out)
{
    (void) fprintf(
        out,
        "Usage: %s --domain=NAME [OPTION...]\n"
        "      --domain=NAME                    the domain of the configuration\n"
        "      --uid=UID                        the user to run as (0: that of the configuration)\n"
        "      --gid=GID                        its group\n"
        "      --logger=files|journald|stderr   where the log goes (stderr)\n"
        "  -f, --debug-to-files                 the same as --logger=files\n"
        "  -d, --debug-level=LEVEL              0 to 9, or a mask such as 0x0070\n"
        "      --import                         read the domain's files into its cache, and end\n"
        "      --parent=PID                     only as that process's child; end with it\n"
        "      --repair                         read all of the cache before, and make it anew if it is damaged\n"
        "      --complete                       changes of the files will be told: who is not in them is not there\n"
        "      --help                           this text\n",
        program_invocation_short_name);
}

/* Returns 1, 0 if all is done, or a negative errno; then it has told. */
static int parse_arguments(int argc, char **argv, struct arguments *ret)
{
    uint64_t number = 0;
    int option, r = 0;

    *ret = (struct arguments) { .log_target = LOG_TO_STDERR, .log_fd = -1 };
    while (r >= 0 && (option = getopt_long(argc, argv, "fd:", options, NULL)) >= 0) {
        switch (option) {
        case DOMAIN:
            ret->domain = optarg;
            break;
        case UID:
            r = argument_number("uid", optarg, 10, UINT32_MAX - 1, &number);
            ret->uid = (uid_t) number;
            break;
        case GID:
            r = argument_number("gid", optarg, 10, UINT32_MAX - 1, &number);
            ret->gid = (gid_t) number;
            break;
        case LOGGER:
            r = argument_logger(optarg, &ret->log_target);
            break;
        case 'f':
        case DEBUG_TO_FILES:
            ret->log_target = LOG_TO_FILES;
            break;
        case DEBUG_TO_STDERR:
            ret->log_target = LOG_TO_STDERR;
            break;
        case 'd':
        case DEBUG_LEVEL:
            r = argument_number("debug-level", optarg, 0, 0xfffff, &number);
            ret->debug_level = optarg;
            break;
        case IMPORT:
            ret->is_import = true;
            break;
        case PARENT:
            r = argument_number("parent", optarg, 10, INT32_MAX, &number);
            ret->parent = (pid_t) number;
            break;
        case REPAIR:
            ret->import_flags |= IMPORT_REPAIR;
            break;
        case COMPLETE:
            ret->import_flags |= IMPORT_COMPLETE;
            break;
        case ITEMS:
            ret->items = optarg;
            break;
        case LOG_FD:
            r = argument_number("log-fd", optarg, 10, INT32_MAX, &number);
            ret->log_fd = (int) number;
            break;
        case IGNORED:
            break;
        case HELP:
            print_usage(stdout);
            return 0;
        default: /* getopt has said what */
            r = -EINVAL;
            break;
        }
    }
    if (r >= 0 && optind < argc) {
        (void) fprintf(stderr, "%s: unexpected argument \"%s\"\n", program_invocation_short_name, argv[optind]);
        r = -EINVAL;
    }
    /* It becomes part of file names. */
    if (r >= 0 && (!ret->domain || *ret->domain == '\0' || *ret->domain == '.' || strchr(ret->domain, '/'))) {
        (void) fprintf(stderr, "%s: --domain: not the name of a domain\n", program_invocation_short_name);
        r = -EINVAL;
    }
    if (r < 0) {
        print_usage(stderr);
        return r;
    }
    return 1;
}

/* ---- the process ---- */

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void) userdata;
    log_info("leaving on signal %u", info->ssi_signo);
    return sd_event_exit(sd_event_source_get_event(source), EXIT_SUCCESS);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void) source;
    (void) info;
    (void) userdata;
    (void) log_reopen(); /* it has told */
    return 0;
}

static void event_unrefp(sd_event **event)
{
    *event = sd_event_unref(*event);
}

static int make_event_loop(sd_event **ret)
{
    CLEANUP(event_unrefp) sd_event *event = NULL;
    int r;

    r = sd_event_new(&event);
    if (r >= 0)
        r = signal_keep(SIGCHLD); /* of the import */
    if (r >= 0)
        r = signal_watch(event, SIGTERM, on_terminate, NULL);
    if (r >= 0)
        r = signal_watch(event, SIGINT, on_terminate, NULL);
    if (r >= 0)
        r = signal_watch(event, SIGHUP, on_hangup, NULL);
    if (r < 0)
        return r;
    *ret = TAKE(event);
    return 0;
}

/* The users in *arguments are whom it becomes. */
static int find_user(const struct config *config, struct arguments *arguments)
{
    return privileges_find_user(SSS_BACKEND_USER, config_text(config, "sssd", "user"),
                                &arguments->uid, &arguments->gid);
}

/* Responders ask it, and it is whom its bus belongs to. */
static int find_askers(const struct config *config, const struct arguments *arguments,
                       struct bus_access *ret)
{
    uid_t uid = 0;
    gid_t gid = 0;
    int r;

    r = privileges_find_user(SSS_USER, config_text(config, "sssd", "user"), &uid, &gid);
    if (r == 0)
        *ret = (struct bus_access) { gid, { uid, arguments->uid } };
    return r;
}

/* A directory's files may lie anywhere. The import is the backend's child. */
static int confine_to_files(const struct backend_paths *paths)
{
    return confine(NULL, (const char *const[]) { paths->cache_dir, NULL });
}

/* What nobody waits for would hold the cache's lock against the next backend. */
static int end_with_parent(pid_t parent)
{
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail with a signal that exists */
    if (getppid() == parent)
        return 0;
    log_info("the process that has started this import has gone: leaving the cache as it is");
    return -ESRCH;
}

static int run_import(const struct config *config, struct arguments *arguments, const char *section,
                      const struct backend_paths *paths)
{
    CLEANUP(items_done) struct items items = { 0 };
    pid_t parent = arguments->parent > 0 ? arguments->parent : getppid();
    int r;

    r = find_user(config, arguments); /* the backend's child is who it has become already */
    if (r < 0)
        return r;
    r = arguments->items ? items_adopt(&items, config, section, arguments->items)
                         : items_open(&items, config, section);
    if (r < 0) {
        log_error_errno(r, "cannot open the LDIF files of %s: %m", arguments->domain);
        return r;
    }
    r = privileges_give_up(arguments->uid, arguments->gid);
    if (r >= 0)
        r = end_with_parent(parent); /* the kernel forgets it when a process becomes another user's */
    if (r < 0)
        return r;
    return import_run(config, arguments->domain, &items, paths->cache_dir, arguments->import_flags);
}

static int open_items(const struct config *config, const char *section, struct items *items,
                      char **ret_text)
{
    int r;

    r = items_open(items, config, section);
    *ret_text = r == 0 ? items_text(items) : NULL;
    if (!*ret_text) {
        log_error("cannot open the LDIF files: no memory");
        return -ENOMEM;
    }
    return 0;
}

/* Of the import. All texts are the caller's. */
static char **import_arguments(const struct arguments *arguments, char *items, char parent_arg[32],
                               char log_arg[32], char *argv[16])
{
    size_t n = 0;

    argv[n++] = program_invocation_name;
    argv[n++] = (char *) "--import";
    (void) snprintf(parent_arg, 32, "--parent=%ld", (long) getpid());
    argv[n++] = parent_arg;
    argv[n++] = (char *) "--domain";
    argv[n++] = (char *) arguments->domain;
    argv[n++] = (char *) "--logger";
    argv[n++] = (char *) log_target_word(arguments->log_target);
    argv[n++] = (char *) "--items";
    argv[n++] = items;
    if (log_fd() >= 0) {
        (void) snprintf(log_arg, 32, "--log-fd=%d", log_fd());
        argv[n++] = log_arg;
    }
    if (arguments->debug_level) {
        argv[n++] = (char *) "--debug-level";
        argv[n++] = (char *) arguments->debug_level;
    }
    argv[n] = NULL;
    return argv;
}

static int run_backend(const struct config *config, struct arguments *arguments,
                       const char *section, const struct backend_paths *paths)
{
    CLEANUP(event_unrefp) sd_event *event = NULL;
    CLEANUP(items_done) struct items items = { 0 }; /* the backend looks at them to its end */
    CLEANUP(backend_freep) struct backend *backend = NULL;
    CLEANUP(freep) char *items_arg = NULL;
    struct bus_access access = BUS_OURS_ALONE;
    char parent_arg[32], log_arg[32], *import_argv[16];
    int r;

    r = make_event_loop(&event);
    if (r >= 0)
        r = watchdog_start(event, config_usec(config, section, "timeout"));
    if (r < 0) {
        log_error_errno(r, "cannot make the event loop: %m");
        return r;
    }

    /* Root's work first. */
    r = find_user(config, arguments);
    if (r >= 0)
        r = find_askers(config, arguments, &access);
    if (r >= 0)
        r = backend_new(event, config, arguments->domain, paths, &access, &backend);
    if (r >= 0)
        r = open_items(config, section, &items, &items_arg);
    if (r >= 0)
        r = privileges_give_up(arguments->uid, arguments->gid);
    if (r >= 0)
        r = confine_to_files(paths);
    if (r >= 0)
        r = backend_start(backend, &items,
                          import_arguments(arguments, items_arg, parent_arg, log_arg, import_argv));
    if (r >= 0) {
        log_info("started");
        r = sd_event_loop(event);
        if (r < 0)
            log_error_errno(r, "the event loop has failed: %m");
    }
    watchdog_stop();
    return r;
}

int backend_run(int argc, char **argv, const struct backend_paths *paths)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *section = NULL;
    CLEANUP(freep) char *part = NULL;
    CLEANUP(freep) char *program = NULL;
    struct arguments arguments;
    uint64_t level = 0;
    int r;

    r = parse_arguments(argc, argv, &arguments);
    if (r <= 0)
        return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;

    /* Whatever we start must not ask those whom we serve. */
    if (setenv("_SSS_LOOPS", "NO", 1) < 0 || asprintf(&section, "domain/%s", arguments.domain) < 0 ||
        asprintf(&program, "sssd_be_%s", arguments.domain) < 0)
        return EXIT_FAILURE;
    (void) signal(SIGPIPE, SIG_IGN);                            /* cannot fail */
    if (arguments.log_fd >= 0)
        log_adopt(program, arguments.log_fd);
    else
        (void) log_open(program, arguments.log_target, paths->log_dir); /* it has told */

    r = config_part_path(paths->config_dir, section, &part);
    if (r == 0)
        r = config_read_snapshot(part, &config);
    if (r < 0) {
        log_error_errno(r, "cannot read %s, which the monitor makes: %m", part ? part : paths->config_dir);
        return EXIT_FAILURE;
    }
    if (arguments.debug_level)
        (void) text_to_u64(arguments.debug_level, 0, 0xfffff, &level); /* it is a number */
    else
        level = config_u32(config, section, "debug_level");
    log_set_debug_level((int) level);

    r = arguments.is_import ? run_import(config, &arguments, section, paths)
                            : run_backend(config, &arguments, section, paths);
    /* Of the loop r is what it was left with. */
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
