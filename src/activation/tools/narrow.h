/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Narrow: keeps clients out of the queues of sockets that will be bound over. */

#ifndef TOOLS_NARROW_H
#define TOOLS_NARROW_H

#include <stddef.h>

/* Lets systemd's queues at these paths hold so many clients more than one: with 0 the kernel tells all others to try again, which
 * the stock clients do after a second. Their peer is from then on the process that has called this, as long as it lives, and
 * root. 0 or a negative errno, -EPERM in a container that does not allow it (pidfd_getfd). */
int set_queues(const char *const *paths, size_t n, int backlog);

#endif
