/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Refuse: tells clients quickly that nobody will serve them, until somebody can. */

#ifndef LAUNCH_REFUSE_H
#define LAUNCH_REFUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/sockets.h"

/* Accepts and closes whoever comes on the sockets, until nobody has come for quiet_usec. Before each single accept, and when
 * event_fd(userdata) can be read (-1: nothing to read), it asks is_over(userdata, does a client wait?), which takes in what can
 * be read; as soon as that is more than 0 it returns it and has taken nobody who came later. Returns 0 when the time is up, or a
 * negative errno. */
int refuse_clients(const struct sockets *sockets, uint64_t quiet_usec, int (*event_fd)(void *userdata),
                   int (*is_over)(void *userdata, bool client_waits), void *userdata);

/* Accepts and closes whoever waits right now on those of n descriptors from first_fd on that are listening sockets;
 * the others are left alone. */
void refuse_waiting(int first_fd, int n);

#endif
