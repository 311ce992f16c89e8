/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Relay: serves the queue of a listening socket whose path is about to be somebody else's. */

#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "relay/pair.h"

struct relay_limits {
    int path_msec;    /* how long the path may take to lead elsewhere */
    int connect_msec; /* how long whoever has the path then may take to answer a client's connect */
    int last_msec;    /* how long after the last client: somebody may have looked at the path before it changed */
    int pairs;        /* at a time; the others wait in the queue */
    struct pair_limits pair;
};

/* Waits until the path leads elsewhere, then connects each client of the queue there, with the client's own identity,
 * until the queue is empty; returns when the last of them is done, 0 or a negative errno: -ETIMEDOUT when the path
 * still leads to this socket. Closes the listener: whoever is in its queue then is refused. */
int relay_run(int listener, const struct relay_limits *limits);

#endif
