/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ownership: gives each responder's sockets to systemd or to the monitor, as the configuration says. */

#ifndef TOOLS_OWNERSHIP_H
#define TOOLS_OWNERSHIP_H

#include "lib/state.h"

struct manager;
struct responder;

/* At boot, before the sockets: writes the flags that their conditions read. Returns 1 where they say now what the configuration
 * does, 0 where that can't be read, or as below. */
int ownership_decide(const struct state *state);

/* As sssd.service starts: decides anew, then opens and closes sockets; nothing where the configuration can't be read,
 * since sssd.service will fail then. */
int ownership_apply(const struct state *state, struct manager *manager);

/* At any other time. A running monitor keeps what it has: the configuration may have changed since it was read. */
int ownership_apply_beside_monitor(const struct state *state, struct manager *manager);

/* When the monitor has started: what it really runs counts, whatever the configuration seemed to say. */
int ownership_verify(const struct state *state, struct manager *manager);

/* Before the monitor stops for a restart: opens the sockets of responders that it will not have afterwards, so that their
 * clients wait instead of being refused. */
int ownership_release(const struct state *state, struct manager *manager);

/* The part of that which must not wait: who comes from now on to a socket that the monitor will have is told to come again. */
void ownership_narrow(const struct state *state);

/* Opens what is enabled of a responder's sockets, unless the monitor owns it. */
int ownership_open(const struct state *state, struct manager *manager, const struct responder *responder);

/* Closes all our sockets, and nobody opens them again by himself; waits until they are. */
int ownership_close(struct manager *manager);

/* All return 0 or a negative errno and have then logged why. */

#endif
