/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bound: what keeps sssd.service up, or from coming up, by what administrators have written into units. */

#ifndef TOOLS_BOUND_H
#define TOOLS_BOUND_H

#include <stddef.h>

struct manager;

/* Is a unit up that would stop with the monitor? Responders of ours would not. Returns 1 with its name, cut to what fits, 0, or
 * what manager.h says. */
int monitor_is_bound(struct manager *manager, char *unit, size_t bytes);

/* Was the monitor's last start skipped by a condition of its own? Returns 1 with that, as it stands in the unit, 0, or
 * likewise. Triggers, of which one is enough, do not count: the vendor's unit has those for want of a configuration. */
int monitor_was_skipped(struct manager *manager, char *condition, size_t bytes);

#endif
