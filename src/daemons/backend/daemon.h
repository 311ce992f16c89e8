/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Daemon: the process of a backend, from its command line to its end. */

#ifndef BACKEND_DAEMON_H
#define BACKEND_DAEMON_H

struct backend_paths;

/* main() of sssd_be: the backend of one domain; with --import, the child that reads its files. Returns the exit
 * code. */
int backend_run(int argc, char **argv, const struct backend_paths *paths);

#endif
