/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drain: lets a responder finish what it has begun before it is stopped.
 *
 * An engine that gets SIGTERM leaves at once. A request that it had read is lost then, and a client between its
 * version handshake and its first request hangs for 300 s. Nobody can tell an engine to stop accepting, but it can't
 * accept without a free descriptor: new clients stay in the queue, where the next instance finds them.
 *
 * While one waits there, the engine tries again and again, and logs it. So it runs only a fraction of the time. In the
 * end it is left halted: systemd sends SIGCONT with its SIGTERM, and the engine then sees the signal before it reads
 * another request from a connection that it has had for long. */

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "tools/drain.h"

#define RUN_MSEC 2
#define HALT_MSEC 8
#define STILL_LOOKS 12
#define LOOKS_MAX 100
#define STILL_LOOKS_WITHOUT_QUEUE 50
#define LOOKS_MAX_WITHOUT_QUEUE 500

static int count_descriptors(pid_t pid)
{
    char path[32];
    DIR *dir;
    int n = 0;

    (void) snprintf(path, sizeof(path), "/proc/%d/fd", (int) pid); /* fits */
    dir = opendir(path);
    if (!dir)
        return -errno;
    while (readdir(dir))
        n++;
    (void) closedir(dir); /* was only read */
    return n;
}

static void sleep_msec(int msec)
{
    const struct timespec pause = { .tv_nsec = msec * 1000000L };

    (void) nanosleep(&pause, NULL); /* cut short, it looks a little earlier */
}

/* Until as many descriptors are open as were a while ago. */
static int wait_until_still(pid_t pid, bool is_gated, int still_looks, int looks_max)
{
    int before = count_descriptors(pid), still = 0;

    for (int looks = 0; before >= 0 && still < still_looks && looks < looks_max; looks++) {
        int now;

        sleep_msec(RUN_MSEC);
        if (is_gated)
            (void) kill(pid, SIGSTOP); /* gone is noticed below */
        sleep_msec(HALT_MSEC);
        if (is_gated)
            (void) kill(pid, SIGCONT);
        now = count_descriptors(pid);
        still = now == before ? still + 1 : 0;
        before = now;
    }
    return before == -ENOENT || before >= 0 ? 0 : before; /* gone is drained */
}

int drain(pid_t pid)
{
    struct rlimit limit;
    int r;

    if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) < 0)
        return -errno;
    limit.rlim_cur = 0; /* what is open stays open */
    if (prlimit(pid, RLIMIT_NOFILE, &limit, NULL) < 0)
        return -errno;

    r = wait_until_still(pid, true, STILL_LOOKS, LOOKS_MAX);
    (void) kill(pid, SIGSTOP);
    return r;
}

int drain_without_queue(pid_t pid)
{
    /* Nobody new comes whose connection would tell that it is alive: a request may wait for the back end alone. */
    return wait_until_still(pid, false, STILL_LOOKS_WITHOUT_QUEUE, LOOKS_MAX_WITHOUT_QUEUE);
}
