/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Floor: the least that can stand behind a socket of systemd and satisfy libnss_sss. Static, without any set-up, it answers
 * every handshake with itself and every question with the same user. What a real responder takes more than this is
 * its own doing. */

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENER 3 /* as systemd hands it over */
#define CLIENTS_MAX 64
#define GET_VERSION 1

static const char user[] = "\0\0\0\0" "\0\0\0\0"           /* uid and gid */
                           "user000001\0*\0Name of user000001\0/home/user000001\0/bin/bash";

/* Returns 0 to go on with the client. */
static int serve(int fd)
{
    uint32_t packet[128], reply[64] = { 0 };
    ssize_t n = recv(fd, packet, sizeof(packet), 0);

    /* Header and body come in two pieces. */
    while (n > 0 && ((size_t) n < 4 * sizeof(uint32_t) || (size_t) n < packet[0])) {
        ssize_t more = recv(fd, (char *) packet + n, sizeof(packet) - (size_t) n, 0);

        if (more <= 0)
            return -1;
        n += more;
    }
    if (n <= 0)
        return -1;
    if (packet[1] == GET_VERSION)
        return send(fd, packet, packet[0], MSG_NOSIGNAL) < 0 ? -1 : 0;

    reply[0] = 6 * sizeof(uint32_t) + sizeof(user);
    reply[1] = packet[1];
    reply[4] = 1; /* one result */
    (void) memcpy(&reply[6], user, sizeof(user));
    (void) memset(&reply[6], 1, 2 * sizeof(uint32_t));
    return send(fd, reply, reply[0], MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int main(void)
{
    struct pollfd fds[1 + CLIENTS_MAX] = { { .fd = LISTENER, .events = POLLIN } };
    nfds_t n = 1;

    for (;;) {
        if (poll(fds, n, -1) < 0 && errno != EINTR)
            return 1;
        for (nfds_t i = n - 1; i > 0; i--)
            if (fds[i].revents && serve(fds[i].fd) < 0) {
                (void) close(fds[i].fd);
                fds[i] = fds[--n];
            }
        if (fds[0].revents && n <= CLIENTS_MAX)
            fds[n++] = (struct pollfd) { .fd = accept(LISTENER, NULL, NULL), .events = POLLIN };
    }
}
