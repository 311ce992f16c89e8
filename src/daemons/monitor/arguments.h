/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arguments: the command line, as SSSD's where we have the same. */

#ifndef MONITOR_ARGUMENTS_H
#define MONITOR_ARGUMENTS_H

#include <stdbool.h>

#include "util/log.h"

enum action {
    ACTION_RUN,
    ACTION_SNAPSHOT, /* write it anew, and nothing else */
    ACTION_CHECK,    /* only say what is wrong with the configuration */
};

struct arguments {
    enum action action;
    bool is_daemon;
    bool has_log_target;
    enum log_target log_target;
    int debug_level;         /* -1: what the configuration says */
    const char *config_file; /* NULL: the usual one */
    const char *config_dir;  /* what to check; NULL: the usual one */
};

/* Returns 1 with the arguments; 0 if that was all, e.g. for --help; -EINVAL: stderr has been told what is wrong. */
int arguments_parse(int argc, char **argv, struct arguments *ret);

#endif
