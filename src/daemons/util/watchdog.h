/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watchdog: ends a process whose event loop is stuck, so that whoever started it starts another. */

#ifndef UTIL_WATCHDOG_H
#define UTIL_WATCHDOG_H

#include <stdint.h>
#include <systemd/sd-event.h>

/* From now on the loop has to come round once in each period (option timeout, 10 s by default); after three periods
 * without that the process says so on stderr and aborts with exit code 70. Its clock is monotonic. period_usec 0
 * turns it off. Where NOTIFY_SOCKET says that systemd listens, that ends whoever was silent for four periods. */
int watchdog_start(sd_event *event, uint64_t period_usec);
void watchdog_stop(void);

#endif
