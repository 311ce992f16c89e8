/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drain: lets a responder finish what it has begun before it is stopped. */

#ifndef TOOLS_DRAIN_H
#define TOOLS_DRAIN_H

#include <sys/types.h>

/* Keeps the process from taking new clients, which then wait in the queue of a socket that stays open, until those
 * it has are served: as seen from outside, until it has closed no connection for a while; at most about a second.
 * The process is to be stopped afterwards: the gate stays closed, and it is halted. Returns 0 or a negative errno. */
int drain(pid_t pid);

/* The same for a process to which no new clients come since its paths lead elsewhere. It works on freely, so that
 * connections that it has had for long are answered to the end; five seconds at most. */
int drain_without_queue(pid_t pid);

#endif
