/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sss_activation: who owns each of SSSD's sockets, for administrators, packages and units. */

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "config.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "lib/log.h"
#include "lib/manager.h"
#include "tools/cache.h"
#include "tools/check.h"
#include "tools/explain.h"
#include "tools/hold.h"
#include "tools/hooks.h"
#include "tools/migrate.h"
#include "tools/ownership.h"
#include "tools/status.h"
#include "tools/switch.h"
#include "tools/trial.h"
#include "tools/with-state.h"

#define EXIT_USAGE 2

/* Where no systemd runs, in an image, there is nothing to open. */
static int apply_state(const struct state *state, void *userdata)
{
    CLEANUP(manager_freep) struct manager *manager = NULL;
    int r;

    (void) userdata;
    if (sd_booted() <= 0)
        return 0;
    r = log_failure(manager_open(&manager), "ask systemd");
    return r < 0 ? r : ownership_apply_beside_monitor(state, manager);
}

static int apply(void)
{
    return with_state(apply_state, NULL);
}

enum {
    OPTION_JSON = 1,
    OPTION_EXPLAIN = 2,
    OPTION_DRY_RUN = 4,
    OPTION_TRY = 8,
    OPTION_KEEP = 16,
    OPTION_FORCE = 32,
    OPTION_USER = 64,
    OPTION_GROUP = 128,
    OPTION_ALL = 256,
};

/* What was given on the command line. */
struct given {
    int options;
    const char *user, *minutes, *entry, *word;
};

static int engine(const struct given *given);
static int cache(const struct given *given);

/* Of the functions each command has one. Those that only print need no root. */
static const struct command {
    const char *name;
    int options; /* that it takes */
    int (*print)(bool json, FILE *out);
    int (*change)(void);
    int (*change_unless_dry)(bool dry);
    int (*run)(const struct given *given); /* it takes a word, too, and says itself whether it needs root */
} commands[] = {
    { "status", OPTION_JSON | OPTION_EXPLAIN, .print = status_print },
    { "check", OPTION_JSON, .print = check_print },
    { "apply", 0, .change = apply },
    { "migrate", OPTION_DRY_RUN, .change_unless_dry = migrate_run },
    { "revert", OPTION_DRY_RUN, .change_unless_dry = revert_run },
    { "hold", 0, .change = hold },
    { "release", 0, .change = release },
    { "engine", OPTION_DRY_RUN | OPTION_TRY | OPTION_KEEP | OPTION_FORCE, .run = engine },
    { "cache", OPTION_USER | OPTION_GROUP | OPTION_ALL, .run = cache },
};

static int usage(FILE *out, int status)
{
    (void) fputs("usage: sss_activation COMMAND [OPTION ...]\n"
                 "\n"
                 "  status [--json]        who owns each responder and why, what runs, and what would change it\n"
                 "  status --explain USER  look USER up: which socket, which process, how long\n"
                 "  check [--json]         what SSSD makes of its configuration, and what might be done about it\n"
                 "  apply                  read the configuration and open and close sockets accordingly\n"
                 "                         (also done at boot and by systemctl restart sssd)\n"
                 "  migrate [--dry-run]    comment the services line out and switch to sockets\n"
                 "  revert [--dry-run]     bring the line back and switch\n"
                 "  hold                   stop sssd.service and close its sockets: no client starts it\n"
                 "  release                start it and open them again\n"
                 "  engine                 which engine is configured: own (sssd-ondemand-daemons) or sssd\n"
                 "  engine own|sssd [--try MINUTES] [--dry-run] [--force]\n"
                 "                         switch to it; --try: it goes back by itself, unless\n"
                 "  engine --keep          says that it is to stay\n"
                 "  cache expire [--user NAME|--group NAME|--all]\n"
                 "                         what our own engine has is compared with its source now\n"
                 "  cache remove           stop it, remove all that it has, and start it\n"
                 "  help, --version\n"
                 "\n"
                 "See sss_activation(8).\n",
                 out);
    return status;
}

/* Returns false if an option is not known or something is left. */
static bool take_options(int argc, char **argv, bool takes_word, struct given *ret)
{
    static const struct option known[] = {
        { "json", no_argument, NULL, OPTION_JSON },
        { "explain", required_argument, NULL, OPTION_EXPLAIN },
        { "dry-run", no_argument, NULL, OPTION_DRY_RUN },
        { "try", required_argument, NULL, OPTION_TRY },
        { "keep", no_argument, NULL, OPTION_KEEP },
        { "force", no_argument, NULL, OPTION_FORCE },
        { "user", required_argument, NULL, OPTION_USER },
        { "group", required_argument, NULL, OPTION_GROUP },
        { "all", no_argument, NULL, OPTION_ALL },
        { NULL, 0, NULL, 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == '?')
            return false;
        ret->options |= option;
        if (option == OPTION_EXPLAIN)
            ret->user = optarg;
        if (option == OPTION_USER || option == OPTION_GROUP)
            ret->entry = optarg;
        if (option == OPTION_TRY)
            ret->minutes = optarg;
    }
    if (takes_word && optind < argc)
        ret->word = argv[optind++];
    return optind == argc;
}

static int need_root(const char *command)
{
    if (geteuid() == 0)
        return 0;
    (void) fprintf(stderr, "sss_activation: %s needs root\n", command);
    return EXIT_FAILURE;
}

static int engine(const struct given *given)
{
    struct switch_options options = { .word = given->word, .dry = given->options & OPTION_DRY_RUN,
                                      .keep = given->options & OPTION_KEEP, .force = given->options & OPTION_FORCE };
    uint64_t minutes = 0;

    if (given->word && strcmp(given->word, "own") != 0 && strcmp(given->word, "sssd") != 0)
        return usage(stderr, EXIT_USAGE);
    if (given->word ? options.keep : (given->minutes || options.force || (options.dry && !options.keep)))
        return usage(stderr, EXIT_USAGE); /* they go with a word, or without one */
    if (given->minutes && (text_to_u64(given->minutes, 10, TRIAL_MINUTES_MAX, &minutes) < 0 || minutes == 0)) {
        (void) fprintf(stderr, "sss_activation: --try=%s: minutes, 1 to %d\n", given->minutes, TRIAL_MINUTES_MAX);
        return EXIT_USAGE;
    }
    options.minutes = (unsigned) minutes;
    if ((given->word || options.keep) && need_root("engine") != 0)
        return EXIT_FAILURE;
    return switch_engine(&options);
}

static int cache(const struct given *given)
{
    struct cache_options options = { .word = given->word };
    bool expires = given->word && strcmp(given->word, "expire") == 0;

    if (!expires && (!given->word || strcmp(given->word, "remove") != 0 || (given->options & ~OPTION_ALL) != 0))
        return usage(stderr, EXIT_USAGE);
    if ((given->options & (given->options - 1)) != 0)
        return usage(stderr, EXIT_USAGE); /* one of them */
    if (given->options & OPTION_USER)
        options.user = given->entry;
    if (given->options & OPTION_GROUP)
        options.group = given->entry;
    return need_root("cache") != 0 ? EXIT_FAILURE : cache_run(&options);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct given given = { .options = 0 };

    if (!take_options(argc, argv, command->run != NULL, &given) || (given.options & ~command->options) != 0 ||
        given.options == (OPTION_JSON | OPTION_EXPLAIN))
        return usage(stderr, EXIT_USAGE);
    if (command->run)
        return command->run(&given);
    if (given.user)
        return explain_user(given.user, stdout);
    if (command->print)
        return command->print(given.options & OPTION_JSON, stdout);
    if (need_root(command->name) != 0)
        return EXIT_FAILURE;
    return command->change ? command->change() : command->change_unless_dry(given.options & OPTION_DRY_RUN);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(name, commands[i].name) == 0)
            return run(&commands[i], argc - 1, argv + 1);

    if ((argc == 3 || argc == 4) && strcmp(name, "hook") == 0)
        return hook_run(argv[2], argv[3]);
    if (argc == 2 && (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0))
        return usage(stdout, EXIT_SUCCESS);
    if (argc == 2 && strcmp(name, "--version") == 0) {
        (void) printf("sss_activation %s, for SSSD %s\n", PACKAGE_VERSION, ENGINE_TEXT);
        return EXIT_SUCCESS;
    }
    return usage(stderr, EXIT_USAGE);
}
