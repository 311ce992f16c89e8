/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts: what each service uses of the configuration, in a file that it alone can read. */

#ifndef MONITOR_PARTS_H
#define MONITOR_PARTS_H

struct config;
struct monitor;

/* Writes them all, and removes those of services that are no longer there. Returns 0 or a negative errno; then it has told. */
int parts_write(const struct monitor *monitor);

/* The one of a service. Returns 0 or -ENOMEM. */
int part_of(const struct monitor *monitor, const char *service, struct config **ret);

#endif
