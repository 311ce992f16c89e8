/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clock: time that only goes forward, for what is measured and never stored, and short pauses. */

#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t now_usec(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* 0 once that has come. */
static inline uint64_t usec_until(uint64_t end_usec)
{
    uint64_t now = now_usec();

    return now < end_usec ? end_usec - now : 0;
}

static inline void sleep_msec(int msec)
{
    const struct timespec pause = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000L };

    (void) nanosleep(&pause, NULL); /* cut short by a signal: whoever looks again looks a little earlier */
}

#endif
