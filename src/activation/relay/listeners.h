/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listeners: who else listens on the path of a socket. */

#ifndef RELAY_LISTENERS_H
#define RELAY_LISTENERS_H

/* Returns 1 if another socket than this listening one listens on the same path too: it was bound over ours, and the
 * path leads there. 0 if none, or a negative errno. */
int listeners_has_other(int listener, const char *path);

#endif
