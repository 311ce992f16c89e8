/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units: what systemd knows of all responders' units. */

#ifndef TOOLS_UNITS_H
#define TOOLS_UNITS_H

#include "common/responders.h"
#include "lib/manager.h"

struct state;

/* All of one responder; what it has not stays empty. */
struct responder_units {
    struct unit sockets[UNITS_MAX], service;
    struct unit vendor_sockets[UNITS_MAX], vendor_service;
};

/* All that there is to know, also of sssd.service. Returns 0 or what manager.h says. */
int units_read_all(struct manager *manager, struct responder_units ret[RESPONDERS], struct unit *monitor);

/* Of those that are installed, the states alone; but which of our own closed sockets are enabled, and who serves for
 * the vendor's services: a client waits for it each time that the monitor starts. */
int units_read_installed(struct manager *manager, struct responder_units ret[RESPONDERS]);

/* Has an administrator stopped sssd.service: it is down, and so is each enabled socket of an installed responder that is not the
 * monitor's, of which there is one at least? A monitor at rest has them open. */
bool units_are_stopped(const struct state *state, const struct responder_units its[RESPONDERS], const struct unit *monitor);

#endif
