/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitor: may a responder use sssd.service now, and if it is down, starting it. */

#ifndef LAUNCH_MONITOR_H
#define LAUNCH_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/state.h"

/* Is the monitor up and this responder to run beside it? Reads flags only. */
bool monitor_is_ready(const struct state *state, const char *responder);

enum monitor_verdict {
    MONITOR_READY,        /* the responder may run */
    MONITOR_REFUSED,      /* it may not, and nothing was started */
    MONITOR_START_FAILED, /* sssd.service was started in vain */
};

/* Sees to it that the monitor is up, which may take as long as its start. Only root can start it; anybody else
 * reads what the unit's ExecStartPre=+ did. Unless it is ready, why holds the reason as a sentence. */
enum monitor_verdict monitor_ensure(const struct state *state, const char *responder, char *why, size_t why_bytes);

/* After a start in vain: a monitor that nobody enabled is not to be left failed by a start that nobody typed. The
 * journal has the reason. */
void monitor_forget_failure(void);

#endif
