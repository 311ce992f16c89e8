/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Confinement: a process that serves others gives up the files that are no business of its own.
 *
 * The kernel's Landlock does it in a handful of system calls, where a mount namespace of systemd's takes tens of milliseconds
 * of each cold start. It knows nothing of modes and owners: who has capabilities for these needs that, too. */

#ifndef UTIL_CONFINE_H
#define UTIL_CONFINE_H

/* From here on this process, and all that it starts, has the files below `writable` and may read those below `readable`; NULL
 * for the latter means that everything may be read, and executed. Both end with NULL; a path that is missing or out of reach
 * counts for nothing. What is open stays open, and sockets may be connected to wherever they are. It needs no privileges, takes the chance of
 * gaining any by executing a file, and there is no way back. It tells what fails. Returns 0, also where Landlock
 * cannot be used, or a negative errno. */
int confine(const char *const *readable, const char *const *writable);

#endif
