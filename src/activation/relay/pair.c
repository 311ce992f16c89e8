/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pair: a client and its engine, with us between them. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "relay/pair.h"

enum end { CLIENT, ENGINE };

/* What one end said and the other has not heard yet. */
struct flow {
    char bytes[16384];
    size_t start, end;
    bool is_over; /* nothing more comes */
};

struct pair {
    int fds[2];
    struct flow from[2];
    enum end spoke_last;
    unsigned asked; /* how often the client spoke after the engine did */
    bool leaving;   /* the client can't send any more; what it had sent is served */
};

static bool is_empty(const struct flow *flow)
{
    return flow->start == flow->end;
}

static bool would_block(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* The engine has answered, and not only the handshake: a stock client that loses its connection between that and its
 * first request hangs for 300 s. */
static bool is_idle(const struct pair *pair)
{
    return pair->spoke_last == ENGINE && pair->asked >= 2 && is_empty(&pair->from[CLIENT]) &&
           is_empty(&pair->from[ENGINE]);
}

/* A broken end has nothing more to say either. */
static void listen_to(struct pair *pair, enum end end)
{
    struct flow *flow = &pair->from[end];
    ssize_t n;

    n = recv(pair->fds[end], flow->bytes, sizeof(flow->bytes), 0);
    if (would_block(n))
        return;
    if (n <= 0) {
        flow->is_over = true;
        return;
    }

    flow->start = 0;
    flow->end = (size_t) n;
    if (end == CLIENT && (pair->asked == 0 || pair->spoke_last == ENGINE))
        pair->asked++;
    pair->spoke_last = end;
}

/* An engine that hears nothing any more may have said something yet; a client that hears nothing ends the pair. */
static int pass_on(struct pair *pair, enum end end)
{
    struct flow *flow = &pair->from[end];
    ssize_t n;

    n = send(pair->fds[!end], flow->bytes + flow->start, flow->end - flow->start, MSG_NOSIGNAL);
    if (would_block(n))
        return 0;
    if (n >= 0) {
        flow->start += (size_t) n;
        return 0;
    }
    if (end == ENGINE)
        return -errno;
    flow->start = flow->end;
    flow->is_over = true;
    return 0;
}

/* An end in which nothing is to be seen is left out: its hang-up would wake us again and again. */
static void prepare(const struct pair *pair, struct pollfd *polled)
{
    for (enum end end = CLIENT; end <= ENGINE; end++) {
        polled[end].events = 0;
        if (is_empty(&pair->from[end]) && !pair->from[end].is_over)
            polled[end].events |= POLLIN;
        if (!is_empty(&pair->from[!end]))
            polled[end].events |= POLLOUT;
        polled[end].fd = polled[end].events ? pair->fds[end] : -1;
    }
}

/* The engine first: once it has left, no request is taken from the client, which sees that by its next send. */
static int advance(struct pair *pair, const struct pollfd *polled)
{
    int r = 0;

    for (enum end end = ENGINE;; end = CLIENT) {
        if (polled[end].revents && is_empty(&pair->from[end]) && !pair->from[end].is_over)
            listen_to(pair, end);
        if (!is_empty(&pair->from[end]))
            r = pass_on(pair, end);
        if (r < 0 || end == CLIENT || pair->from[ENGINE].is_over)
            return r;
    }
}

int pair_run(int client, int engine, const struct pair_limits *limits)
{
    struct pair pair = { .fds = { client, engine }, .spoke_last = CLIENT };
    struct pollfd polled[2];
    bool told = false;
    int r;

    for (enum end end = CLIENT; end <= ENGINE; end++)
        if (fcntl(pair.fds[end], F_SETFL, O_NONBLOCK) < 0)
            return -errno;

    for (;;) {
        prepare(&pair, polled);
        r = poll(polled, 2, is_idle(&pair) ? limits->idle_msec : limits->answer_msec);
        if (r < 0 && errno != EINTR)
            return -errno;
        if (r < 0)
            continue;
        if (r == 0 && !is_idle(&pair))
            return -ETIMEDOUT;
        if (r == 0 && pair.leaving)
            return 0;
        if (r == 0) {
            /* What it has sent can still be read, and is. */
            (void) shutdown(client, SHUT_RD); /* gone is seen by the next read */
            pair.leaving = true;
            continue;
        }

        r = advance(&pair, polled);
        if (r < 0)
            return r;
        if (pair.from[ENGINE].is_over && is_empty(&pair.from[ENGINE]))
            return 0;
        if (!pair.from[CLIENT].is_over || !is_empty(&pair.from[CLIENT]))
            continue;
        if (pair.leaving && is_idle(&pair))
            return 0;
        if (!pair.leaving && !told)
            (void) shutdown(engine, SHUT_WR); /* it may answer yet, or close */
        told = true;
    }
}
