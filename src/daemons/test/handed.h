/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Handed: a socket that a process finds when it starts, as systemd hands one over. */

#ifndef TEST_HANDED_H
#define TEST_HANDED_H

/* Listens at the path, on a socket that blocks. */
int handed_listen(const char *path);

/* A client of whoever listens there. A read of it fails when nothing has come for a minute. */
int handed_client(const char *path);

/* In the process that is to have it, just before it becomes the other program. */
void handed_over(int fd, const char *name);

#endif
