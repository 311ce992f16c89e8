/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pidfile: says which process the monitor is, and sees to it that there is only one. */

#ifndef MONITOR_PIDFILE_H
#define MONITOR_PIDFILE_H

#include <sys/types.h>

/* Locks the file and writes our number into it. What it held before does not matter: a process is the monitor only while
 * it holds the lock. Returns 0 with the descriptor that does; or a negative errno: -EEXIST: another one runs, and
 * *ret_other is what the file says. */
int pidfile_take(const char *path, int *ret_fd, pid_t *ret_other);

/* Removes it and lets it go. */
int pidfile_leave(const char *path, int fd);

#endif
