/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Register: the monitor's side of its private bus. */

#ifndef MONITOR_REGISTER_H
#define MONITOR_REGISTER_H

struct monitor;

/* Listens for services. Returns 0 or a negative errno. */
int register_init(struct monitor *monitor);
void register_done(struct monitor *monitor);

#endif
