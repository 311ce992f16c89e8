/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lock: that there is only one of us. */

#ifndef UTIL_LOCK_H
#define UTIL_LOCK_H

/* Whoever can read a file can lock it: so each lock of ours is on a file that is root's alone, made here where it is missing.
 * Returns 1 with a descriptor that holds it, 0 if somebody else does, or a negative errno. */
int lock_take(const char *path, int *ret_fd);

#endif
