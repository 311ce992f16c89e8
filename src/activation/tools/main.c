/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sss_activation: who owns each of SSSD's sockets, for administrators, packages and units. */

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "config.h"
#include "common/cleanup.h"
#include "lib/log.h"
#include "lib/manager.h"
#include "tools/check.h"
#include "tools/explain.h"
#include "tools/hold.h"
#include "tools/hooks.h"
#include "tools/migrate.h"
#include "tools/ownership.h"
#include "tools/status.h"
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
};

/* Of the functions each command has one. Those that only print need no root. */
static const struct command {
    const char *name;
    int options; /* that it takes */
    int (*print)(bool json, FILE *out);
    int (*change)(void);
    int (*change_unless_dry)(bool dry);
} commands[] = {
    { "status", OPTION_JSON | OPTION_EXPLAIN, .print = status_print },
    { "check", OPTION_JSON, .print = check_print },
    { "apply", 0, .change = apply },
    { "migrate", OPTION_DRY_RUN, .change_unless_dry = migrate_run },
    { "revert", OPTION_DRY_RUN, .change_unless_dry = revert_run },
    { "hold", 0, .change = hold },
    { "release", 0, .change = release },
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
                 "  help, --version\n"
                 "\n"
                 "See sss_activation(8).\n",
                 out);
    return status;
}

/* The options that were given, as OPTION_ bits; -1 if one is not known or something is left. */
static int take_options(int argc, char **argv, const char **ret_user)
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
        if (option == OPTION_EXPLAIN)
            *ret_user = optarg;
    }
    return optind < argc ? -1 : given;
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *user = NULL;
    int given = take_options(argc, argv, &user);

    if (given < 0 || (given & ~command->options) != 0 || given == (OPTION_JSON | OPTION_EXPLAIN))
        return usage(stderr, EXIT_USAGE);
    if (user)
        return explain_user(user, stdout);
    if (command->print)
        return command->print(given & OPTION_JSON, stdout);
    if (geteuid() != 0) {
        (void) fprintf(stderr, "sss_activation: %s needs root\n", command->name);
        return EXIT_FAILURE;
    }
    return command->change ? command->change() : command->change_unless_dry(given & OPTION_DRY_RUN);
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
