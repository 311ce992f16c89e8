/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Refuse: tells clients quickly that nobody will serve them, until somebody can. */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/clock.h"
#include "launch/refuse.h"

/* A client is refused before the version handshake: stock clients then fail at once instead of waiting. */
static int refuse_one(int listener)
{
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (client >= 0)
        return close(client) < 0 ? -errno : 0;
    if (errno == EINTR || errno == EAGAIN || errno == ECONNABORTED)
        return 0;
    return -errno;
}

int refuse_clients(const struct sockets *sockets, uint64_t quiet_usec, int (*event_fd)(void *userdata),
                   int (*is_over)(void *userdata, bool client_waits), void *userdata)
{
    struct pollfd polled[SOCKETS_MAX + 1];
    uint64_t now, end = now_usec() + quiet_usec;
    int r;

    for (size_t i = 0; i < sockets->n; i++)
        polled[i] = (struct pollfd) { .fd = sockets->fds[i], .events = POLLIN };

    while ((now = now_usec()) < end) {
        r = is_over(userdata, false);
        if (r > 0)
            return r;

        polled[sockets->n] = (struct pollfd) { .fd = event_fd(userdata), .events = POLLIN };
        r = poll(polled, sockets->n + 1, (int) ((end - now + 999) / 1000));
        if (r < 0 && errno != EINTR)
            return -errno;

        for (size_t i = 0; r > 0 && i < sockets->n; i++) {
            int answer;

            if (!polled[i].revents)
                continue;

            /* The queue is first in, first out: asked here, whoever is taken came before the answer was yes. */
            answer = is_over(userdata, true);
            if (answer <= 0)
                answer = refuse_one(polled[i].fd);
            if (answer != 0)
                return answer;
            end = now_usec() + quiet_usec;
        }
    }
    return 0;
}

void refuse_waiting(int first_fd, int n)
{
    for (int fd = first_fd; fd < first_fd + n; fd++) {
        struct pollfd polled = { .fd = fd, .events = POLLIN };

        if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
            continue;
        /* Bounded: a client that comes again and again is not to keep us. */
        for (int i = 0; i < SOMAXCONN && poll(&polled, 1, 0) > 0; i++)
            if (refuse_one(fd) < 0)
                break;
    }
}
