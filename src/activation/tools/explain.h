/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Explain: looks a user up as any program would, and tells which socket and which process that took, and how long. */

#ifndef TOOLS_EXPLAIN_H
#define TOOLS_EXPLAIN_H

#include <stdio.h>

enum {
    EXPLAIN_FOUND = 0,
    EXPLAIN_NOT_FOUND = 1,
    EXPLAIN_UNAVAILABLE = 3, /* nobody answered, or libnss_sss is not there */
    EXPLAIN_UNKNOWN = 4,     /* systemd or the state could not be read, or the question could not be asked */
};

/* The look-up starts what it needs, as anybody's would. Returns one of the above. */
int explain_user(const char *user, FILE *out);

#endif
