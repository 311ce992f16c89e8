/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pace: one try for one mistake. After sssd.service has come to nothing its next start waits: 5 s, then 15 and 45 s, then a
 * minute each, for all who ask together; not longer than until something has changed that may have mended it. */

#ifndef LIB_PACE_H
#define LIB_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct manager;
struct state;

/* Microseconds until sssd.service may be tried again, 0 for now. manager may be NULL: then a reload is not seen. */
uint64_t pace_usec_left(const struct state *state, struct manager *manager);

/* Was the configuration (as far as we may look at it) or any unit (by a reload of systemd) changed in the last usec? */
bool pace_changed_within(struct manager *manager, uint64_t usec);

#endif
