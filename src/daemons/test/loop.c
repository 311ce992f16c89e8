/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/clock.h"
#include "test/loop.h"

int loop_settle(sd_event *event)
{
    int n = 0;

    while (sd_event_run(event, 0) > 0)
        assert_true(++n < 10000); /* else it spins */
    return n;
}

void loop_run_for(sd_event *event, uint64_t usec)
{
    const uint64_t end = now_usec() + usec;

    for (uint64_t now = now_usec(); now < end; now = now_usec())
        assert_true(sd_event_run(event, end - now) >= 0);
}
