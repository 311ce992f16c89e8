/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status: who owns each responder, why, and what runs. */

#ifndef TOOLS_STATUS_H
#define TOOLS_STATUS_H

#include <stdio.h>

enum {
    STATUS_OK = 0,       /* each responder has an owner that can serve it */
    STATUS_DEGRADED = 3, /* a unit failed, or a responder is the monitor's and the monitor is down */
    STATUS_UNKNOWN = 4,  /* systemd or the state could not be read */
};

/* Prints the table; returns one of the above. */
int status_print(FILE *out);

#endif
