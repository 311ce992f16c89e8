/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sss_activation: who owns each of SSSD's sockets, for administrators, packages and units. */

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "tools/check.h"
#include "tools/explain.h"
#include "tools/hold.h"
#include "tools/hooks.h"
#include "tools/migrate.h"
#include "tools/ownership.h"
#include "tools/status.h"
#include "tools/with-state.h"

#define EXIT_USAGE 2

struct options {
    bool json;
    bool dry;
    const char *explain;
};

static int run_status(const struct options *options)
{
    return options->explain ? explain_user(options->explain, stdout) : status_print(options->json, stdout);
}

static int run_check(const struct options *options)
{
    return check_print(options->json, stdout);
}

static int apply(const struct state *state, void *userdata)
{
    (void) userdata;
    return ownership_apply_beside_monitor(state);
}

static int run_apply(const struct options *options)
{
    (void) options;
    return with_state(apply, NULL);
}

static int run_migrate(const struct options *options)
{
    return migrate_run(options->dry);
}

static int run_revert(const struct options *options)
{
    return revert_run(options->dry);
}

static int run_hold(const struct options *options)
{
    (void) options;
    return hold();
}

static int run_release(const struct options *options)
{
    (void) options;
    return release();
}

enum {
    OPTION_JSON = 1,
    OPTION_EXPLAIN = 2,
    OPTION_DRY_RUN = 4,
};

static const struct command {
    const char *name;
    int options; /* that it takes */
    bool needs_root;
    int (*run)(const struct options *options);
} commands[] = {
    { "status", OPTION_JSON | OPTION_EXPLAIN, false, run_status },
    { "check", OPTION_JSON, false, run_check },
    { "apply", 0, true, run_apply },
    { "migrate", OPTION_DRY_RUN, true, run_migrate },
    { "revert", OPTION_DRY_RUN, true, run_revert },
    { "hold", 0, true, run_hold },
    { "release", 0, true, run_release },
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
                 "  hold                   stop sssd.service and let no client start it\n"
                 "  release                end that\n"
                 "  help, --version\n"
                 "\n"
                 "See sss_activation(8).\n",
                 out);
    return status;
}

/* The options that were given, as OPTION_ bits; -1 if one is not known or something is left. */
static int take_options(int argc, char **argv, struct options *ret)
{
    static const struct option known[] = {
        { "json", no_argument, NULL, OPTION_JSON },
        { "explain", required_argument, NULL, OPTION_EXPLAIN },
        { "dry-run", no_argument, NULL, OPTION_DRY_RUN },
        { NULL, 0, NULL, 0 },
    };
    int option, given = 0;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == '?')
            return -1;
        given |= option;
        if (option == OPTION_JSON)
            ret->json = true;
        else if (option == OPTION_DRY_RUN)
            ret->dry = true;
        else
            ret->explain = optarg;
    }
    return optind < argc ? -1 : given;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct options options = { .json = false };
    int given = take_options(argc, argv, &options);

    if (given < 0 || (given & ~command->options) != 0 || (options.json && options.explain))
        return usage(stderr, EXIT_USAGE);
    if (command->needs_root && geteuid() != 0) {
        (void) fprintf(stderr, "sss_activation: %s needs root\n", command->name);
        return EXIT_FAILURE;
    }
    return command->run(&options);
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
