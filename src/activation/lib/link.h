/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Link: an activated responder's connection to the monitor, which it does not need to answer. Each connection starts the monitor
 * where that does not run, so one that ends or is refused is followed by the next after 0.1 s, then less and less often, a
 * minute at most. */

#ifndef LIB_LINK_H
#define LIB_LINK_H

#include <stdbool.h>
#include <systemd/sd-event.h>

struct link;

/* Connects and registers, without waiting. Returns 0 or a negative errno. */
typedef int link_connect_t(void *userdata);

/* The first try is made at once. */
int link_new(sd_event *event, link_connect_t *connect, void *userdata, struct link **ret);
struct link *link_free(struct link *link);

/* The monitor has registered us. Takes NULL. */
void link_is_good(struct link *link);
/* The connection has ended, or came to nothing. Telling it twice is once. Returns whether there will be another: not of NULL. */
bool link_has_ended(struct link *link);

/* Runs the loop until it is good: for a responder that can't answer without. Whoever comes to a listener meanwhile waits for the
 * try that is under way, 4 s at most, and is refused when that ends; between two tries he is refused at once. Returns 0; -ETIME
 * when nobody has come for a minute; -ECANCELED when the loop was left; or another negative errno. */
int link_wait(struct link *link, const char *responder, const int *listeners, size_t n);

#endif
