/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Relay: serves the queue of a listening socket whose path is about to be somebody else's. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "relay/identity.h"
#include "relay/listeners.h"
#include "relay/relay.h"

#define LOOK_EVERY_MSEC 20

static int path_of(int listener, struct sockaddr_un *ret)
{
    socklen_t bytes = sizeof(*ret);

    memset(ret, 0, sizeof(*ret));
    if (getsockname(listener, (struct sockaddr *) ret, &bytes) < 0)
        return -errno;
    /* Without its end, or longer than the field: no path of ours. */
    if (ret->sun_family != AF_UNIX || ret->sun_path[0] != '/' || bytes > sizeof(*ret) ||
        !memchr(ret->sun_path, '\0', sizeof(ret->sun_path)))
        return -EINVAL;
    return 0;
}

static int wait_for_path(int listener, const char *path, int msec)
{
    uint64_t end = now_usec() + (uint64_t) msec * 1000;
    int r;

    while ((r = listeners_has_other(listener, path)) == 0) {
        if (now_usec() >= end)
            return -ETIMEDOUT;
        sleep_msec(LOOK_EVERY_MSEC);
    }
    return r;
}

/* A client that has waited long enough to leave again needs no engine. */
static bool has_left(int client)
{
    struct pollfd polled = { .fd = client, .events = 0 };

    return poll(&polled, 1, 0) > 0 && (polled.revents & (POLLHUP | POLLERR));
}

/* Whoever called listen(): process 1 for a socket of systemd's, as ours is. */
static bool is_systemds(int engine)
{
    struct ucred peer;
    socklen_t bytes = sizeof(peer);

    return getsockopt(engine, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && peer.pid == 1;
}

/* Somebody has bound the path, but may not have set its mode, or have a full queue. Or nobody has: the list that said so
 * has any bytes that somebody called a socket. Then this would lead back to us. */
static int connect_for(int client, const struct sockaddr_un *address, int msec)
{
    uint64_t end = now_usec() + (uint64_t) msec * 1000;

    for (;;) {
        int engine = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (engine < 0)
            return -errno;
        int error = connect(engine, (const struct sockaddr *) address, sizeof(*address)) < 0 ? errno : 0;

        if (error == 0 && !is_systemds(engine))
            return engine;
        if (error == 0)
            error = EAGAIN;

        (void) close(engine); /* was never connected */
        if ((error != EAGAIN && error != ECONNREFUSED && error != ENOENT && error != EACCES && error != EINTR) ||
            now_usec() >= end || has_left(client))
            return -error;
        sleep_msec(LOOK_EVERY_MSEC);
    }
}

/* In a process of its own, which has the client's identity and nothing more. */
static int serve(int client, const struct sockaddr_un *address, const struct relay_limits *limits)
{
    CLEANUP(closep) int engine = -1;
    int r;

    r = identity_assume(client);
    if (r < 0) {
        log_warning("%s: cannot take a client's identity: %s", address->sun_path, strerror(-r));
        return r;
    }
    engine = connect_for(client, address, limits->connect_msec);
    if (engine < 0) {
        if (!has_left(client))
            log_warning("%s: cannot connect a client: %s", address->sun_path, strerror(-engine));
        return engine;
    }
    return pair_run(client, engine, &limits->pair); /* either end knows what came of it */
}

static pid_t start(int listener, int client, const struct sockaddr_un *address, const struct relay_limits *limits)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void) close(listener); /* the queue is ended by whoever is left with it */
        _exit(serve(client, address, limits) < 0);
    }
    return pid < 0 ? -errno : pid;
}

/* Returns whether one has ended. */
static bool reap(int options)
{
    pid_t pid;

    while ((pid = waitpid(-1, NULL, options)) < 0 && errno == EINTR)
        ;
    return pid > 0;
}

static int accept_one(int listener, int msec)
{
    struct pollfd polled = { .fd = listener, .events = POLLIN };
    int client;

    if (poll(&polled, 1, msec) <= 0)
        return -EAGAIN;
    client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    return client < 0 ? -errno : client;
}

static int relay_queue(int listener, const struct sockaddr_un *address, const struct relay_limits *limits)
{
    int pairs = 0;

    for (;;) {
        CLEANUP(closep) int client = -1;
        pid_t pid;

        while (pairs > 0 && reap(pairs >= limits->pairs ? 0 : WNOHANG))
            pairs--;
        client = accept_one(listener, limits->last_msec);
        if (client == -EAGAIN)
            return 0;
        if (client == -EINTR || client == -ECONNABORTED)
            continue;
        if (client < 0)
            return client;

        /* No more processes for now: the next end of one makes room. */
        while ((pid = start(listener, client, address, limits)) < 0 && pairs > 0)
            pairs -= reap(0);
        if (pid < 0)
            log_warning("%s: a client is lost: %s", address->sun_path, strerror(-(int) pid));
        else
            pairs++;
    }
}

int relay_run(int listener, const struct relay_limits *limits)
{
    struct sockaddr_un address;
    int r;

    r = path_of(listener, &address);
    /* Nobody else takes from the queue any more, but a client may leave it between our look and our accept. */
    if (r == 0 && fcntl(listener, F_SETFL, O_NONBLOCK) < 0)
        r = -errno;
    if (r == 0)
        r = wait_for_path(listener, address.sun_path, limits->path_msec);
    if (r > 0)
        r = relay_queue(listener, &address, limits);

    (void) close(listener); /* whoever is there yet sees it */
    while (reap(0))
        ;
    return r;
}
