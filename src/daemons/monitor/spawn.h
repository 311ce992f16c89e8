/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spawn: starts a program of ours. */

#ifndef MONITOR_SPAWN_H
#define MONITOR_SPAWN_H

#include <sys/types.h>

/* Runs argv[0] with our environment, _SSS_LOOPS=NO, and nothing of what systemd told us alone; with no signal blocked or
 * ignored. It gets SIGTERM when we die. Returns 0 with its pid, or a negative errno, also that of execve. */
int spawn(char *const argv[], pid_t *ret);

#endif
