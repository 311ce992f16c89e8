/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another time of day for whoever preloads this: the file /srv/clock says by how many seconds it is away from the
 * machine's, and is read each time. Only CLOCK_REALTIME: timers go on as they do when somebody sets the clock. (libfaketime moves
 * the timers too, by more than they can bear.) */

#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long away_sec(void)
{
    long long sec = 0;
    FILE *f;

    f = fopen("/srv/clock", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%lld", &sec) != 1)
        sec = 0;
    (void) fclose(f); /* only read */
    return sec;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    if (syscall(SYS_clock_gettime, id, now) < 0)
        return -1;
    if (id == CLOCK_REALTIME)
        now->tv_sec += away_sec();
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
