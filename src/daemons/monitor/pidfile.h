/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pidfile: says which process the monitor is, and sees to it that there is only one. */

#ifndef MONITOR_PIDFILE_H
#define MONITOR_PIDFILE_H

#include <sys/types.h>

/* Takes the lock and writes our number into the file at path. What that held before does not matter: a process is the monitor
 * only while it holds the lock, which is another file, since everybody can read this one. Returns 0 with the descriptor that
 * holds it; or a negative errno: -EEXIST: another one runs, and *ret_other is what the file says, 0 if nothing. */
int pidfile_take(const char *path, const char *lock, int *ret_lock, pid_t *ret_other);

/* Removes the file and lets the lock go. */
int pidfile_leave(const char *path, int lock);

#endif
