/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listener: the responder's own socket, and whom it lets in. */

#ifndef RESPONDER_LISTENER_H
#define RESPONDER_LISTENER_H

#include <sys/types.h>

struct responder;

/* Binds and listens. What an earlier process has left there is replaced; another one that answers there is not:
 * -EADDRINUSE. Something else than a socket is in the way: -EEXIST. */
int listener_bind(const char *path, mode_t mode, int *ret_fd);

/* Accepts from responder->listen_fd from now on. */
int listener_start(struct responder *responder);

#endif
