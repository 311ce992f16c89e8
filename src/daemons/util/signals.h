/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signals: what comes from outside is handled by the event loop. */

#ifndef UTIL_SIGNALS_H
#define UTIL_SIGNALS_H

#include <systemd/sd-event.h>

/* Keeps a signal for the loop from here on, and has the handler called with it. Returns 0 or a negative errno. */
int signal_watch(sd_event *event, int number, sd_event_signal_handler_t handler, void *userdata);

/* Only keeps it, as child_watch() wants SIGCHLD. */
int signal_keep(int number);

#endif
