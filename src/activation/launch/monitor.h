/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitor: may a responder use sssd.service now, and if it is down, starting it. */

#ifndef LAUNCH_MONITOR_H
#define LAUNCH_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

struct manager;
struct state;

/* Is the monitor up and this responder to run beside it? Starts nothing. */
bool monitor_is_ready(struct manager *manager, const struct state *state, const char *responder);

/* Is it on its way out by a job? */
bool monitor_is_leaving(struct manager *manager);

/* Sees to it that the monitor is up, which may take as long as its start, *ret_is_cold. Returns whether the responder may run;
 * where it may not, why holds the reason as a sentence. */
bool monitor_ensure(struct manager *manager, const struct state *state, const char *responder, bool *ret_is_cold, char *why,
                    size_t why_bytes);

#endif
