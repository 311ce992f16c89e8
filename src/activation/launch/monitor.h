/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitor: may a responder use sssd.service now, and if it is down, starting it. */

#ifndef LAUNCH_MONITOR_H
#define LAUNCH_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/state.h"

/* Is the monitor up and this responder to run beside it? Reads flags only. */
bool monitor_is_ready(const struct state *state, const char *responder);

/* Sees to it that the monitor is up, which may take as long as its start. Only root can start it; anybody else
 * reads what the unit's ExecStartPre=+ did. Returns 1 if the responder may run, else 0 with the reason as a
 * sentence in why. */
int monitor_ensure(const struct state *state, const char *responder, char *why, size_t why_bytes);

#endif
