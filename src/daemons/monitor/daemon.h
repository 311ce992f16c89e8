/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Daemon: goes into the background, for hosts without systemd. */

#ifndef MONITOR_DAEMON_H
#define MONITOR_DAEMON_H

/* Returns in the background, with a descriptor for daemon_tell(). The process in front does not return: it waits to be
 * told, and exits with that code. Returns a negative errno if there is no other process. */
int daemon_start(int *ret_fd);

/* The process in front can go: we are up, or have failed. */
void daemon_tell(int fd, int exit_code);

#endif
