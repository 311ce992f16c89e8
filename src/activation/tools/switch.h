/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Switch: from one engine to the other, and back by itself. */

#ifndef TOOLS_SWITCH_H
#define TOOLS_SWITCH_H

#include <stdbool.h>

struct state;
struct manager;

struct switch_options {
    const char *word; /* "own" or "sssd"; NULL: only print which, or keep */
    unsigned minutes; /* then back again, unless told to keep; 0: for good */
    bool dry, keep;
    bool force; /* to SSSD, which would not take the configuration */
};

/* `engine`. Returns an exit status. */
int switch_engine(const struct switch_options *options);

/* Hook `back`: the time of a trial is over. Returns 0, or a negative errno where another try may do better. */
int switch_back(const struct state *state, struct manager *manager);

#endif
