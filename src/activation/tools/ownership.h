/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ownership: gives each responder's sockets to systemd or to the monitor, as the configuration says. */

#ifndef TOOLS_OWNERSHIP_H
#define TOOLS_OWNERSHIP_H

#include <sys/types.h>

#include "lib/state.h"

#ifndef CONFIG_DIR /* the tests have their own */
#define CONFIG_DIR "/etc/sssd"
#endif

/* At boot, before the sockets: writes the flags that their conditions read. */
int ownership_decide(const struct state *state);

/* As sssd.service starts: decides anew, then opens and closes sockets; nothing where the configuration can't be read,
 * since sssd.service will fail then. */
int ownership_apply(const struct state *state);

/* At any other time. A running monitor keeps what it has: the configuration may have changed since it was read. */
int ownership_apply_beside_monitor(const struct state *state);

/* When the monitor, this process, has started: what it really runs counts, whatever the configuration seemed to say. */
int ownership_verify(const struct state *state, pid_t monitor);

/* Before the monitor, this process, stops for a restart: opens the sockets of responders that it will not have
 * afterwards, so that their clients wait instead of being refused. */
int ownership_release(const struct state *state, pid_t monitor);

/* Nobody is left to whom relays could connect their clients, or their sockets open again: then systemd would start
 * nobody for them. */
int ownership_stop_relays(void);

/* All return 0 or a negative errno and have then logged why, ownership_stop_relays apart. */

#endif
