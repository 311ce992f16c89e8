/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services: which domains a configuration turns on, and which responders it gives to the monitor. The rules were
 * observed; docs/services-line.md has them, tests/data/services/ what was seen. */

#ifndef LIB_SERVICES_H
#define LIB_SERVICES_H

#include <stdbool.h>

#include "common/responders.h"

struct conf;

enum services_why {
    NOT_THE_MONITORS,
    LISTED,  /* on the services line */
    IMPLIED, /* the engine adds it by itself */
};

struct services {
    enum services_why why[RESPONDERS];
    const char *file; /* where the line stands, NULL if nowhere; the configuration's */
};

/* Returns 1; 0 when the engine would not start with this configuration, with a sentence why in *ret_why, which the
 * caller frees; or a negative errno (memory, domains by the thousand). */
int services_read(const struct conf *config, struct services *ret, char **ret_why);

/* Seconds without a request after which that responder leaves, 0 for never: what the configuration says, NULL for none, or
 * SSSD's default. Our own daemons take a shorter time than SSSD, and units; parts of a second are cut off. */
unsigned long responder_idle_sec(const struct conf *config, const char *responder);

/* Domains that are turned on, some of which the engine may pass over. */
struct domains {
    char **names;
    size_t n;
};

/* Likewise. */
int domains_read(const struct conf *config, struct domains *ret, char **ret_why);
void domains_done(struct domains *domains);
/* The domain's id_provider; NULL where the engine passes over the domain, for the reason in *ret_why. */
const char *domain_provider(const struct conf *config, const char *name, const char **ret_why);
bool domains_have(const struct domains *domains, const char *name);

#endif
