/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finish: lets responders serve the queues of sockets that were bound over. */

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "tools/drain.h"
#include "tools/finish.h"

#define LISTENERS_MAX 8
#define LOOK_EVERY_MSEC 5
#define QUEUE_MSEC 3000

static bool is_unix_listener(int fd)
{
    int domain = 0, listening = 0;
    socklen_t bytes = sizeof(domain);

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) < 0 || domain != AF_UNIX)
        return false;
    bytes = sizeof(listening);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes) == 0 && listening;
}

/* Copies of the process's listening sockets: only who has one can see whether its queue is empty. Returns how many, or
 * a negative errno. */
static int copy_listeners(pid_t pid, struct pollfd *ret)
{
    CLEANUP(closep) int process = pidfd_open(pid, 0);
    CLEANUP(closedirp) DIR *dir = NULL;
    struct dirent *entry;
    char path[32];
    int n = 0;

    if (process < 0)
        return -errno;
    (void) snprintf(path, sizeof(path), "/proc/%d/fd", (int) pid); /* fits */
    dir = opendir(path);
    if (!dir)
        return -errno;

    while (n < LISTENERS_MAX && (entry = readdir(dir))) {
        CLEANUP(closep) int fd = -1;

        if (entry->d_name[0] == '.')
            continue;
        fd = pidfd_getfd(process, atoi(entry->d_name), 0);
        if (fd < 0 && errno != EBADF) /* that is one that was closed meanwhile */
            return n > 0 ? n : -errno;
        if (fd < 0 || !is_unix_listener(fd))
            continue;
        ret[n++] = (struct pollfd) { .fd = fd, .events = POLLIN };
        fd = -1;
    }
    return n;
}

static int wait_for_empty_queues(pid_t pid)
{
    struct pollfd listeners[LISTENERS_MAX];
    int n;

    n = copy_listeners(pid, listeners);
    for (int waited = 0; n > 0 && waited < QUEUE_MSEC && poll(listeners, (nfds_t) n, 0) > 0; waited += LOOK_EVERY_MSEC)
        sleep_msec(LOOK_EVERY_MSEC);
    for (int i = 0; i < n; i++)
        (void) close(listeners[i].fd); /* a copy */
    return n < 0 ? n : 0;
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
