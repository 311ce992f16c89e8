/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signals: kept from a run that must not be cut off. */

#ifndef TOOLS_SIGNALS_H
#define TOOLS_SIGNALS_H

#include <signal.h>
#include <stddef.h>

/* Whatever a terminal, or its end, sends: half of the work would leave a machine on which nobody serves. */
static inline void signals_ignore(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void) signal(signals[i], SIG_IGN); /* cannot fail for these */
}

#endif
