/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units: what systemd knows of several of them, asked once. */

#ifndef TOOLS_UNITS_H
#define TOOLS_UNITS_H

#include <stdbool.h>
#include <stddef.h>

struct unit {
    char name[64];
    char load[24];   /* LoadState */
    char active[24]; /* ActiveState */
    char sub[24];    /* SubState */
    char file[24];   /* UnitFileState */
    char condition[8]; /* ConditionResult */
    int main_pid;
};

/* The name of each is the caller's; the rest becomes what systemd says, empty where it says nothing. Returns 0 or a
 * negative errno. */
int units_read(struct unit *units, size_t n);

bool unit_is_up(const struct unit *unit);      /* active, or on the way there or away */
bool unit_is_enabled(const struct unit *unit);

#endif
