/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "responder/arguments.h"
#include "util/arguments.h"

enum { UID = 256, GID, LOGGER, DEBUG_TO_FILES, DEBUG_TO_STDERR, DEBUG_LEVEL, IGNORED, HELP };

static const struct option options[] = {
    { "uid", required_argument, NULL, UID },
    { "gid", required_argument, NULL, GID },
    { "logger", required_argument, NULL, LOGGER },
    { "debug-to-files", no_argument, NULL, DEBUG_TO_FILES },
    { "debug-to-stderr", no_argument, NULL, DEBUG_TO_STDERR },
    { "debug-level", required_argument, NULL, DEBUG_LEVEL },
    /* our lines always have their time */
    { "debug-timestamps", required_argument, NULL, IGNORED },
    { "debug-microseconds", required_argument, NULL, IGNORED },
    { "help", no_argument, NULL, HELP },
    { NULL, 0, NULL, 0 },
};

static void print_usage(FILE *out)
{
    (void) fprintf(out,
                   "Usage: %s [OPTION...]\n"
                   "      --uid=UID                        the user to run as (0: that of the configuration)\n"
                   "      --gid=GID                        its group\n"
                   "      --logger=files|journald|stderr   where the log goes (stderr)\n"
                   "  -f, --debug-to-files                 the same as --logger=files\n"
                   "  -d, --debug-level=LEVEL              0 to 9, or a mask such as 0x0070\n"
                   "      --help                           this text\n",
                   program_invocation_short_name);
}

int arguments_parse(int argc, char **argv, struct arguments *ret)
{
    struct arguments arguments = { .log_target = LOG_TO_STDERR, .debug_level = -1 };
    uint64_t number = 0;
    int option, r = 0;

    optind = 0;
    while (r >= 0 && (option = getopt_long(argc, argv, "fd:", options, NULL)) >= 0) {
        switch (option) {
        case UID:
            r = argument_number("uid", optarg, 10, UINT32_MAX - 1, &number);
            arguments.uid = (uid_t) number;
            break;
        case GID:
            r = argument_number("gid", optarg, 10, UINT32_MAX - 1, &number);
            arguments.gid = (gid_t) number;
            break;
        case LOGGER:
            r = argument_logger(optarg, &arguments.log_target);
            break;
        case 'f':
        case DEBUG_TO_FILES:
            arguments.log_target = LOG_TO_FILES;
            break;
        case DEBUG_TO_STDERR:
            arguments.log_target = LOG_TO_STDERR;
            break;
        case 'd':
        case DEBUG_LEVEL:
            r = argument_number("debug-level", optarg, 0, 0xfffff, &number);
            arguments.debug_level = (int) number;
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
    if (r < 0) {
        print_usage(stderr);
        return r;
    }

    *ret = arguments;
    return 1;
}
