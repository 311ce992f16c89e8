/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "util/watchdog.h"

#define PERIODS_MAX 3
#define EXIT_STUCK 70

/* One for the process, as its signal is. The timer's signal counts up and the loop sets it back: a process that was
 * frozen as a whole finds one signal, not one for each period it missed, and lives. One that stays frozen has no clock:
 * systemd, where it is the starter, is told of each round and ends it. */
static struct {
    volatile sig_atomic_t missed;
    uint64_t period_usec;
    sd_event_source *source;
    timer_t timer;
    char last_words[128];
    size_t last_words_bytes;
} watchdog;

static void on_period_over(int signal_number)
{
    (void) signal_number;
    if (++watchdog.missed < PERIODS_MAX)
        return;

    /* Only what a signal handler may call; nobody is left to be told that the write failed. */
    if (write(STDERR_FILENO, watchdog.last_words, watchdog.last_words_bytes) < 0)
        _exit(EXIT_STUCK);
    _exit(EXIT_STUCK);
}

static int on_round(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void) usec;
    (void) userdata;
    watchdog.missed = 0;
    (void) sd_notify(0, "WATCHDOG=1"); /* nobody may be listening */
    return sd_event_source_set_time_relative(source, watchdog.period_usec);
}

static int start_timer(uint64_t period_usec)
{
    const struct timespec period = { (time_t) (period_usec / 1000000), (long) (period_usec % 1000000 * 1000) };
    const struct itimerspec spec = { .it_value = period, .it_interval = period };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
    struct sigaction action = { .sa_handler = on_period_over, .sa_flags = SA_RESTART };

    (void) sigemptyset(&action.sa_mask); /* cannot fail */
    if (sigaction(SIGRTMIN, &action, NULL) < 0 || timer_create(CLOCK_MONOTONIC, &event, &watchdog.timer) < 0)
        return -errno;
    if (timer_settime(watchdog.timer, 0, &spec, NULL) < 0) {
        int r = -errno;

        (void) timer_delete(watchdog.timer); /* ours, and never started */
        return r;
    }
    return 0;
}

int watchdog_start(sd_event *event, uint64_t period_usec)
{
    int n, r;

    watchdog_stop();
    if (period_usec == 0)
        return 0;

    n = snprintf(watchdog.last_words, sizeof(watchdog.last_words),
                 "%s: stuck for %d periods of %llu ms: ending, to be started again\n", program_invocation_short_name,
                 PERIODS_MAX, (unsigned long long) period_usec / 1000);
    watchdog.last_words_bytes = n < (int) sizeof(watchdog.last_words) ? (size_t) n : sizeof(watchdog.last_words) - 1;
    watchdog.missed = 0;
    watchdog.period_usec = period_usec;

    /* Before all others in a round: a loop that is busy is not stuck. */
    r = sd_event_add_time_relative(event, &watchdog.source, CLOCK_MONOTONIC, period_usec, 0, on_round, NULL);
    if (r >= 0)
        r = sd_event_source_set_priority(watchdog.source, SD_EVENT_PRIORITY_IMPORTANT);
    if (r >= 0)
        r = sd_event_source_set_enabled(watchdog.source, SD_EVENT_ON);
    if (r >= 0)
        r = start_timer(period_usec);
    if (r < 0) {
        watchdog.source = sd_event_source_disable_unref(watchdog.source);
        return r;
    }
    /* A period more than ours: whoever can speak for himself does. */
    (void) sd_notifyf(0, "WATCHDOG_USEC=%llu", (unsigned long long) (PERIODS_MAX + 1) * period_usec); /* likewise */
    return 0;
}

void watchdog_stop(void)
{
    if (!watchdog.source)
        return;
    (void) timer_delete(watchdog.timer); /* it is ours */
    watchdog.source = sd_event_source_disable_unref(watchdog.source);
}
