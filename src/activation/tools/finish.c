/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finish: lets responders serve the queues of sockets that were bound over. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "lib/log.h"
#include "lib/unix-sockets.h"
#include "tools/drain.h"
#include "tools/finish.h"

#define LISTENERS_MAX 8
#define LOOK_EVERY_MSEC 5
#define QUEUE_MSEC 3000

/* Copies of a process's listening sockets: only who has one can see whether its queue is empty. */
struct listeners {
    struct pollfd polled[LISTENERS_MAX];
    nfds_t n;
};

static int keep_listener(int fd, const struct bound_socket *bound, void *userdata)
{
    struct listeners *listeners = userdata;
    int copy;

    if (!bound->listens || listeners->n == LISTENERS_MAX)
        return 0;
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* fd is closed behind us */
    if (copy < 0)
        return -errno;
    listeners->polled[listeners->n++] = (struct pollfd) { .fd = copy, .events = POLLIN };
    return 0;
}

static int wait_for_empty_queues(pid_t pid)
{
    struct listeners listeners = { .n = 0 };
    CLEANUP(closep) int process = pidfd_open(pid, 0);
    int r;

    if (process < 0)
        return -errno;
    r = unix_sockets_of_process(pid, process, keep_listener, &listeners);
    for (int waited = 0; listeners.n > 0 && waited < QUEUE_MSEC && poll(listeners.polled, listeners.n, 0) > 0;
         waited += LOOK_EVERY_MSEC)
        sleep_msec(LOOK_EVERY_MSEC);
    for (nfds_t i = 0; i < listeners.n; i++)
        (void) close(listeners.polled[i].fd); /* a copy */
    return listeners.n > 0 ? 0 : r;
}

static int finish_one(pid_t pid)
{
    int queues, drained;

    queues = wait_for_empty_queues(pid);
    drained = drain_without_queue(pid);
    /* A container may forbid such copies. Then a queue that the engine does not empty for a while counts as empty. */
    return queues < 0 && queues != -EPERM ? queues : drained;
}

void finish(const pid_t *pids, size_t n)
{
    pid_t helpers[n + 1];

    (void) fflush(NULL); /* or a helper would write it again */
    for (size_t i = 0; i < n; i++) {
        int r;

        helpers[i] = fork();
        if (helpers[i] > 0)
            continue;
        r = finish_one(pids[i]); /* without a helper, one after the other */
        if (r < 0 && r != -ESRCH && r != -ENOENT)
            log_warning("cannot let process %d finish what it has: %s", (int) pids[i], strerror(-r));
        if (helpers[i] == 0)
            _exit(0);
    }
    for (size_t i = 0; i < n; i++)
        while (helpers[i] > 0 && waitpid(helpers[i], NULL, 0) < 0 && errno == EINTR)
            ;
}
