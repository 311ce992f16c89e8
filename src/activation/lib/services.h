/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services: which responders a configuration gives to the monitor. */

#ifndef LIB_SERVICES_H
#define LIB_SERVICES_H

#include "lib/responders.h"

struct config;

enum services_why {
    NOT_THE_MONITORS,
    LISTED,  /* on the services line */
    IMPLIED, /* the engine adds it by itself */
};

struct services {
    enum services_why why[RESPONDERS];
    const char *file; /* where the line stands, NULL if nowhere; the configuration's */
};

/* Never fails: what can't be a responder is nobody's. */
void services_read(const struct config *config, struct services *ret);

#endif
