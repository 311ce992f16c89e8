/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signals: what an administrator can tell the monitor, as SSSD's. */

#ifndef MONITOR_SIGNALS_H
#define MONITOR_SIGNALS_H

struct monitor;

/* Minds SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, and lets SIGCHLD come to the event loop. Returns 0 or a negative errno. */
int signals_init(struct monitor *monitor);

#endif
