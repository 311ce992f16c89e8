/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units: what systemd knows of several of them, asked in one question. */

#ifndef TOOLS_UNITS_H
#define TOOLS_UNITS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/responders.h"

#define UNITS_READ_MAX 28

struct unit {
    char load[24];   /* LoadState */
    char active[24]; /* ActiveState */
    char file[24];   /* UnitFileState */
    int main_pid;
};

/* A question in the making. */
struct units {
    struct unit *homes[UNITS_READ_MAX];
    const char *names[UNITS_READ_MAX];
    size_t n;
};

/* The answer for the unit of this name goes to *home; both must last until the question is asked. A name of NULL is
 * none. More than UNITS_READ_MAX make the question fail. */
void units_add(struct units *units, const char *name, struct unit *home);

/* All of one responder. */
struct responder_units {
    struct unit sockets[UNITS_MAX], service;
    struct unit vendor_sockets[UNITS_MAX], vendor_service;
};

/* Each home becomes what systemd says, empty where it says nothing. Returns 0 or a negative errno. */
int units_read(const struct units *units);
/* The same of ActiveState alone, for which systemd does not have to collect all it knows of each unit: several times as fast.
 * The rest of a home stays as it is. -EIO also where one is left out; the homes of those before it are filled then. */
int units_read_active(const struct units *units);

/* Asks for each responder's, and returns as units_read does. monitor, where it is not NULL, gets sssd.service. */
int units_read_responders(struct responder_units ret[RESPONDERS], struct unit *monitor);
/* Asks for those of installed responders, and returns as units_read does; what is not asked for stays as it is. Of each unit
 * `active`, and the rest only of own sockets that are not up and vendor's services that are: a client waits for it each time
 * that the monitor starts. */
int units_read_installed(struct responder_units ret[RESPONDERS]);

bool unit_is_up(const struct unit *unit);      /* active, or on the way there or away */
bool unit_is_enabled(const struct unit *unit);

#endif
