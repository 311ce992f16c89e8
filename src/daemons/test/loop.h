/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loop: how tests drive the event loop of what they test. */

#ifndef TEST_LOOP_H
#define TEST_LOOP_H

#include <stdint.h>
#include <systemd/sd-event.h>

/* Until it has nothing to do; returns how many rounds it took. The test fails if that never comes. */
int loop_settle(sd_event *event);

/* For that long, whatever comes. */
void loop_run_for(sd_event *event, uint64_t usec);

#endif
