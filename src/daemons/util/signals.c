/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>

#include "util/signals.h"

int signal_keep(int number)
{
    sigset_t set;

    (void) sigemptyset(&set);
    (void) sigaddset(&set, number);
    return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

int signal_watch(sd_event *event, int number, sd_event_signal_handler_t handler, void *userdata)
{
    int r = signal_keep(number);

    if (r >= 0)
        r = sd_event_add_signal(event, NULL, number, handler, userdata);
    return r < 0 ? r : 0;
}
