/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "monitor/arguments.h"
#include "common/text.h"

enum { LOGGER = 256, DEBUG_TO_STDERR, CHECK_CONFIG, IGNORED, VERSION_NUMBER, HELP };

static const struct option options[] = {
    { "daemon", no_argument, NULL, 'D' },
    { "interactive", no_argument, NULL, 'i' },
    { "config", required_argument, NULL, 'c' },
    { "debug-level", required_argument, NULL, 'd' },
    { "logger", required_argument, NULL, LOGGER },
    { "debug-to-files", no_argument, NULL, 'f' },
    { "debug-to-stderr", no_argument, NULL, DEBUG_TO_STDERR },
    /* our lines always have their time */
    { "debug-timestamps", required_argument, NULL, IGNORED },
    { "debug-microseconds", required_argument, NULL, IGNORED },
    { "genconf", no_argument, NULL, 'g' },
    { "genconf-section", required_argument, NULL, 's' },
    { "check-config", optional_argument, NULL, CHECK_CONFIG },
    { "version", no_argument, NULL, VERSION_NUMBER },
    { "help", no_argument, NULL, HELP },
    { NULL, 0, NULL, 0 },
};

static void print_usage(FILE *out)
{
    (void) fprintf(out,
                   "Usage: %s [OPTION...]\n"
                   "  -D, --daemon                         run in the background (the default)\n"
                   "  -i, --interactive                    run in the foreground\n"
                   "  -c, --config=FILE                    read FILE, and conf.d beside it\n"
                   "  -d, --debug-level=LEVEL              0 to 9, or a mask such as 0x0070\n"
                   "      --logger=files|journald|stderr   where the log goes\n"
                   "  -f, --debug-to-files                 the same as --logger=files\n"
                   "  -g, --genconf                        hand the configuration to whatever starts from now on, and exit\n"
                   "  -s, --genconf-section=SECTION        the same: it is handed on as a whole\n"
                   "      --check-config[=DIR]             say what is wrong with the configuration, and exit\n"
                   "      --version                        the version\n"
                   "      --help                           this text\n",
                   program_invocation_short_name);
}

static int set_target(struct arguments *arguments, const char *word)
{
    if (log_target_parse(word, &arguments->log_target) == 0) {
        arguments->has_log_target = true;
        return 0;
    }
    (void) fprintf(stderr, "%s: --logger=%s: allowed: files, journald, stderr\n", program_invocation_short_name, word);
    return -EINVAL;
}

static int set_debug_level(struct arguments *arguments, const char *text)
{
    uint64_t level;

    if (text_to_u64(text, 0, 0xfffff, &level) < 0) {
        (void) fprintf(stderr, "%s: --debug-level=%s: allowed: 0 to 9, or a mask such as 0x0070\n",
                       program_invocation_short_name, text);
        return -EINVAL;
    }
    arguments->debug_level = (int) level;
    return 0;
}

/* Returns 1 to go on, 0 if that was all. */
static int take_option(struct arguments *arguments, int option, bool *is_interactive)
{
    switch (option) {
    case 'D':
        arguments->is_daemon = true;
        return 1;
    case 'i':
        *is_interactive = true;
        return 1;
    case 'c':
        arguments->config_file = optarg;
        return 1;
    case 'd':
        return set_debug_level(arguments, optarg) < 0 ? -EINVAL : 1;
    case LOGGER:
        return set_target(arguments, optarg) < 0 ? -EINVAL : 1;
    case 'f':
        return set_target(arguments, "files") < 0 ? -EINVAL : 1;
    case DEBUG_TO_STDERR:
        return set_target(arguments, "stderr") < 0 ? -EINVAL : 1;
    case 'g':
    case 's':
        arguments->action = ACTION_SNAPSHOT;
        return 1;
    case CHECK_CONFIG:
        arguments->action = ACTION_CHECK;
        arguments->config_dir = optarg;
        return 1;
    case IGNORED:
        return 1;
    case VERSION_NUMBER:
        (void) printf("%s\n", PACKAGE_VERSION);
        return 0;
    case HELP:
        print_usage(stdout);
        return 0;
    default: /* getopt has said what */
        return -EINVAL;
    }
}

int arguments_parse(int argc, char **argv, struct arguments *ret)
{
    struct arguments arguments = { .debug_level = -1 };
    bool is_interactive = false;
    int option, r = 1;

    optind = 0;
    while (r > 0 && (option = getopt_long(argc, argv, "Dic:d:fgs:", options, NULL)) >= 0)
        r = take_option(&arguments, option, &is_interactive);
    if (r > 0 && optind < argc) {
        (void) fprintf(stderr, "%s: unexpected argument \"%s\"\n", program_invocation_short_name, argv[optind]);
        r = -EINVAL;
    }
    if (r > 0 && is_interactive && arguments.is_daemon) {
        (void) fprintf(stderr, "%s: either --daemon or --interactive\n", program_invocation_short_name);
        r = -EINVAL;
    }
    if (r < 0)
        print_usage(stderr);
    if (r <= 0)
        return r;

    arguments.is_daemon = arguments.action == ACTION_RUN && !is_interactive;
    if (!arguments.has_log_target)
        arguments.log_target = arguments.is_daemon ? LOG_TO_FILES : LOG_TO_STDERR;
    *ret = arguments;
    return 1;
}
