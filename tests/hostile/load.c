/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Load: what a look-up costs the responder, however many connections there are.
 *
 *     load PATH BUSY IDLE SECONDS NAME
 *
 * BUSY connections each ask for that user and wait for the answer, over and over; IDLE more have
 * asked once and do nothing. Prints look-ups a second, and microseconds of processor (user and
 * system) that the process behind the socket took for one. On a machine that does other things too,
 * the latter is the figure. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define GET_VERSION 1
#define USER_BY_NAME 0x11

static struct {
    uint32_t header[4];
    char name[64];
} question;

static void die(const char *what)
{
    (void) fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* What a process has used of the processor; to the nanosecond, where /proc/PID/stat has ticks. */
static uint64_t cpu_nsec(pid_t pid)
{
    clockid_t clock;
    struct timespec used;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        die("its clock");
    return (uint64_t) used.tv_sec * 1000000000 + (uint64_t) used.tv_nsec;
}

static void ask(int fd)
{
    if (send(fd, &question, question.header[0], MSG_NOSIGNAL) != (ssize_t) question.header[0])
        die("send");
}

static void get(int fd)
{
    uint32_t reply[256];
    ssize_t n = recv(fd, reply, sizeof(reply), 0);

    if (n < 24 || reply[0] != (uint32_t) n || reply[2] != 0)
        die("not an answer");
}

static int dial(const char *path)
{
    static const uint32_t greeting[5] = { 20, GET_VERSION, 0, 0, 1 };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint32_t reply[5];

    (void) strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
        die(path);
    if (send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL) != sizeof(greeting) ||
        recv(fd, reply, sizeof(reply), MSG_WAITALL) != sizeof(reply))
        die("greeting");
    ask(fd);
    get(fd);
    return fd;
}

static pid_t server_of(int fd)
{
    struct ucred peer;
    socklen_t bytes = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
        die("SO_PEERCRED");
    return peer.pid;
}

/* Returns how many it were. */
static uint64_t serve(int epoll, uint64_t end)
{
    struct epoll_event events[64];
    uint64_t n_done = 0;

    while (now_usec() < end) {
        int n = epoll_wait(epoll, events, 64, 100);

        for (int i = 0; i < n; i++) {
            get(events[i].data.fd);
            ask(events[i].data.fd);
        }
        n_done += n > 0 ? (uint64_t) n : 0;
    }
    return n_done;
}

int main(int argc, char **argv)
{
    const struct rlimit limit = { 65536, 65536 };
    int n_busy, n_idle, epoll = epoll_create1(EPOLL_CLOEXEC), fd = -1;
    uint64_t before, used, done;
    double seconds;
    pid_t pid;

    if (argc != 6) {
        (void) fputs("usage: load PATH BUSY IDLE SECONDS NAME\n", stderr);
        return 2;
    }
    n_busy = atoi(argv[2]);
    n_idle = atoi(argv[3]);
    seconds = atof(argv[4]);
    (void) setrlimit(RLIMIT_NOFILE, &limit);
    question.header[0] = (uint32_t) (sizeof(question.header) + strlen(argv[5]) + 1);
    question.header[1] = USER_BY_NAME;
    (void) strncpy(question.name, argv[5], sizeof(question.name) - 1);

    for (int i = 0; i < n_idle; i++)
        (void) dial(argv[1]);
    for (int i = 0; i < n_busy; i++) {
        struct epoll_event event = { .events = EPOLLIN };

        event.data.fd = fd = dial(argv[1]);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            die("epoll_ctl");
        ask(fd);
    }
    pid = server_of(fd);
    (void) serve(epoll, now_usec() + 200000); /* warm */
    before = now_usec();
    used = cpu_nsec(pid);
    done = serve(epoll, before + (uint64_t) (seconds * 1e6));
    used = cpu_nsec(pid) - used;
    (void) printf("%.0f %.2f\n", (double) done * 1e6 / (double) (now_usec() - before),
                  (double) used / 1e3 / (double) done);
    return 0;
}
