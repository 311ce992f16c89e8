/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arguments: the command line that all responders have, as SSSD's. */

#ifndef RESPONDER_ARGUMENTS_H
#define RESPONDER_ARGUMENTS_H

#include <sys/types.h>

#include "util/log.h"

struct arguments {
    uid_t uid; /* 0: whom the configuration says */
    gid_t gid;
    enum log_target log_target;
    int debug_level; /* -1: the configuration's */
};

/* Returns 1, 0 if the process has nothing more to do (help has been shown), or -EINVAL when it has said on stderr
 * what is wrong. */
int arguments_parse(int argc, char **argv, struct arguments *ret);

#endif
