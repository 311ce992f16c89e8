/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status: who owns each responder, why, what runs, and what would change it. */

#ifndef TOOLS_STATUS_H
#define TOOLS_STATUS_H

#include <stdbool.h>
#include <stdio.h>

enum {
    STATUS_OK = 0,       /* each responder has an owner that can serve it */
    STATUS_DEGRADED = 3, /* somebody can't be served, and not because a socket was switched off */
    STATUS_UNKNOWN = 4,  /* systemd, the state or the configuration could not be read */
};

/* Prints the table, or the same as JSON; docs/sss_activation.schema.json says how that looks. Returns one of the
 * above. */
int status_print(bool json, FILE *out);

#endif
