/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listener: the responder's own sockets, and whom they let in. */

#ifndef RESPONDER_LISTENER_H
#define RESPONDER_LISTENER_H

#include <sys/types.h>
#include <systemd/sd-event.h>

struct responder;
struct listen_spec;

struct listener {
    struct responder *responder;
    const struct listen_spec *spec;
    sd_event_source *source; /* NULL: nobody is let in */
};

/* As the spec says, none of them open. */
void listeners_init(struct responder *responder);
void listeners_done(struct responder *responder);

/* Binds and listens. What an earlier process has left there is replaced; another one that answers there is not:
 * -EADDRINUSE. Something else than a socket is in the way: -EEXIST. */
int listener_bind(const char *path, mode_t mode, int *ret_fd);

/* Accepts from now on. */
int listeners_start(struct responder *responder);

#endif
