/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of leaving.c. Daemons on one real listening socket, one after the other, as under systemd; a client that does
 * on a real connection, call by call, what libnss_sss does. All run in this process, so that every order of their steps can be
 * tried: whoever is asked to do its next step does one system call, or one turn of its loop. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "lib/leaving.h"
#include "test/fixture.h"

#define MSEC 1000
#define SEC 1000000

enum {
    CMD_VERSION = 0x01,
    CMD_LOOKUP = 0x11,
    CMD_BEGIN = 0x13, /* an enumeration */
    CMD_NEXT = 0x14,
};

struct packet {
    uint32_t bytes, command, status, reserved;
    uint32_t body;
};
#define HEADER offsetof(struct packet, body)

/* ---- the daemon: serves one request a connection at a time, as responders do ---- */

#define CONNECTIONS_MAX 64

struct connection {
    int fd; /* -1: this place is free */
    sd_event_source *io;
    struct packet request;
    size_t has; /* bytes of it */
    uint32_t entry; /* the enumeration's next one */
    bool is_in_work, is_served, is_enumerating;
    struct daemon *daemon;
};

struct daemon {
    sd_event *event;
    int listener;
    sd_event_source *accepting;
    struct leaving *leaving;
    struct connection connections[CONNECTIONS_MAX];
    bool is_slow; /* answers when told to */
    bool is_busy;
    unsigned given_up;
    bool has_left;
    uint64_t left_usec;
};

#define ENTRIES 3

static void drop(struct connection *connection)
{
    sd_event_source_disable_unref(connection->io);
    (void) close(connection->fd);
    *connection = (struct connection){ .fd = -1, .daemon = connection->daemon };
}

static void reply(struct connection *connection, uint32_t status)
{
    struct packet packet = connection->request;

    packet.status = status;
    packet.bytes = status ? HEADER : sizeof(packet);
    packet.reserved = 0;
    switch (packet.command) {
    case CMD_LOOKUP:
        packet.body++; /* the answer to 41 */
        break;
    case CMD_BEGIN:
        connection->entry = 0;
        connection->is_enumerating = true;
        break;
    case CMD_NEXT:
        connection->is_enumerating = connection->entry < ENTRIES;
        packet.body = connection->entry < ENTRIES ? ++connection->entry : 0;
        break;
    }
    connection->is_in_work = false;
    connection->has = 0;
    connection->is_served |= packet.command != CMD_VERSION;
    assert_int_equal(sd_event_source_set_enabled(connection->io, SD_EVENT_ON), 0);
    leaving_touch(connection->daemon->leaving);
    (void) send(connection->fd, &packet, packet.bytes, MSG_NOSIGNAL); /* its client may be gone */
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct connection *connection = userdata;
    size_t wanted = connection->has < HEADER ? HEADER : connection->request.bytes;
    ssize_t n;

    (void) revents;
    n = recv(fd, (uint8_t *) &connection->request + connection->has, wanted - connection->has, MSG_DONTWAIT);
    if (n <= 0) {
        drop(connection);
        return 0;
    }
    leaving_touch(connection->daemon->leaving);
    connection->has += (size_t) n;
    if (connection->has < HEADER || connection->has < connection->request.bytes)
        return 0;

    connection->is_in_work = true;
    if (connection->daemon->is_slow && connection->request.command == CMD_LOOKUP)
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
    reply(connection, 0);
    return 0;
}

static int on_accept(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct daemon *daemon = userdata;
    struct connection *connection = daemon->connections;

    (void) source;
    (void) revents;
    while (connection->fd >= 0)
        connection++;
    connection->fd = accept_now(fd);
    if (connection->fd < 0)
        return 0;
    leaving_touch(daemon->leaving);
    return sd_event_add_io(daemon->event, &connection->io, connection->fd, EPOLLIN, on_io, connection);
}

static void *next_connection(void *previous, void *userdata)
{
    struct daemon *daemon = userdata;
    struct connection *connection = previous ? (struct connection *) previous + 1 : daemon->connections;

    while (connection < daemon->connections + CONNECTIONS_MAX && connection->fd < 0)
        connection++;
    return connection < daemon->connections + CONNECTIONS_MAX ? connection : NULL;
}

static void look(const void *connection, struct leaving_connection *ret)
{
    const struct connection *c = connection;

    *ret = (struct leaving_connection){
        .fd = c->fd,
        .is_served = c->is_served,
        .is_idle = c->has == 0 && !c->is_in_work,
        .is_enumerating = c->is_enumerating,
    };
}

static bool is_busy(void *userdata)
{
    return ((struct daemon *) userdata)->is_busy;
}

static void stop_accepting(void *userdata)
{
    struct daemon *daemon = userdata;

    daemon->accepting = sd_event_source_disable_unref(daemon->accepting);
}

static void give_up(void *connection)
{
    struct connection *c = connection;

    c->daemon->given_up++;
    if (c->is_in_work)
        reply(c, EPIPE);
    drop(c);
}

static void leave(void *userdata)
{
    struct daemon *daemon = userdata;

    assert_false(daemon->has_left);
    daemon->has_left = true;
    daemon->left_usec = now_usec();
}

static struct leaving_ops ops = {
    .n_listeners = 1,
    .next_connection = next_connection,
    .look = look,
    .is_busy = is_busy,
    .stop_accepting = stop_accepting,
    .give_up = give_up,
    .leave = leave,
};

static void daemon_init(struct daemon *daemon, int listener, uint64_t limit_usec)
{
    *daemon = (struct daemon){ .listener = listener };
    ops.listeners = &daemon->listener;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        daemon->connections[i] = (struct connection){ .fd = -1, .daemon = daemon };
    assert_int_equal(sd_event_new(&daemon->event), 0);
    assert_return_code(sd_event_add_io(daemon->event, &daemon->accepting, listener, EPOLLIN, on_accept, daemon), 0);
    assert_int_equal(leaving_new(daemon->event, limit_usec, &ops, daemon, &daemon->leaving), 0);
}

/* What the end of a process does. */
static void daemon_done(struct daemon *daemon)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (daemon->connections[i].fd >= 0)
            drop(&daemon->connections[i]);
    stop_accepting(daemon);
    daemon->leaving = leaving_free(daemon->leaving);
    sd_event_unref(daemon->event);
}

/* Returns whether there was something to do. */
static bool daemon_turn(struct daemon *daemon, uint64_t usec)
{
    int r = sd_event_run(daemon->event, usec);

    assert_return_code(r, 0);
    return r > 0;
}

static void daemon_run(struct daemon *daemon, uint64_t usec)
{
    uint64_t now, end = now_usec() + usec;

    while (!daemon->has_left && (now = now_usec()) < end)
        (void) daemon_turn(daemon, end - now); /* there may be nothing to do until then */
}

static int on_answer(sd_event_source *source, void *userdata)
{
    struct daemon *daemon = userdata;

    (void) source;
    for (struct connection *c = NULL; (c = next_connection(c, daemon));)
        if (c->is_in_work)
            reply(c, 0);
    return 0;
}

/* What was waited for has come, in a turn of the loop as all does. */
static void daemon_answer(struct daemon *daemon)
{
    daemon->is_busy = daemon->is_slow = false;
    assert_return_code(sd_event_add_defer(daemon->event, NULL, on_answer, daemon), 0);
    assert_true(daemon_turn(daemon, 0));
}

/* ---- the client, as nss-protocol describes libnss_sss: one connection, kept; one more try after EPIPE ---- */

enum step {
    CONNECT,
    SEND_VERSION,
    RECEIVE_VERSION,
    LOOK, /* whether the kept connection is good */
    SEND_HEADER,
    SEND_BODY,
    RECEIVE,
};

enum outcome {
    WAITS,
    WORKS,
    SUCCEEDED,
    FAILED,
};

struct client {
    int fd;
    enum step step;
    bool has_tried;
    struct packet request, reply;
    size_t has;
};

static void client_init(struct client *client)
{
    *client = (struct client){ .fd = -1 };
}

static void client_done(struct client *client)
{
    closep(&client->fd);
    client->fd = -1;
}

static void client_ask(struct client *client, uint32_t command, uint32_t body)
{
    client->request = (struct packet){ .bytes = sizeof(client->request), .command = command, .body = body };
    client->has_tried = false;
    client->has = 0;
    client->step = client->fd < 0 ? CONNECT : LOOK;
}

static enum outcome client_fails(struct client *client, int error)
{
    client_done(client);
    if (error != EPIPE || client->has_tried)
        return FAILED;
    client->has_tried = true;
    client->has = 0;
    client->step = CONNECT;
    return WORKS;
}

static enum outcome client_sends(struct client *client, const void *bytes, size_t n, enum step next)
{
    bool greets = client->step == SEND_VERSION;

    if (send(client->fd, bytes, n, MSG_NOSIGNAL) != (ssize_t) n)
        return client_fails(client, greets ? EFAULT : errno);
    client->step = next;
    return WORKS;
}

static enum outcome client_receives(struct client *client, bool greets)
{
    size_t wanted = client->has < HEADER ? HEADER : client->reply.bytes;
    struct pollfd polled = { .fd = client->fd, .events = POLLIN };
    ssize_t n;

    if (poll(&polled, 1, 0) == 0)
        return WAITS;
    if (polled.revents & POLLERR)
        return client_fails(client, greets ? EFAULT : EPIPE);
    n = recv(client->fd, (uint8_t *) &client->reply + client->has, wanted - client->has, 0);
    if (n <= 0)
        return client_fails(client, greets ? EFAULT : 0);
    client->has += (size_t) n;
    if (client->has < HEADER || (client->reply.status == 0 && client->has < client->reply.bytes)) {
        assert_false(client->has >= HEADER && client->reply.bytes > sizeof(client->reply));
        return WORKS;
    }

    client->has = 0;
    if (client->reply.status != 0)
        return client_fails(client, greets ? EFAULT : (int) client->reply.status);
    if (greets) {
        if (polled.revents & POLLHUP)
            return FAILED; /* libnss_sss now waits for five minutes on nothing */
        client->step = LOOK;
        return WORKS;
    }
    if (polled.revents & POLLHUP)
        client_done(client);
    return SUCCEEDED;
}

static enum outcome client_step(struct client *client)
{
    static const struct packet version = { .bytes = sizeof(version), .command = CMD_VERSION, .body = 1 };
    struct pollfd polled = { .fd = client->fd, .events = POLLIN | POLLOUT };

    switch (client->step) {
    case CONNECT:
        client->fd = client_of(at("socket"));
        client->step = SEND_VERSION;
        return WORKS;
    case SEND_VERSION:
        return client_sends(client, &version, sizeof(version), RECEIVE_VERSION);
    case RECEIVE_VERSION:
        return client_receives(client, true);
    case LOOK:
        client->step = SEND_HEADER;
        if (poll(&polled, 1, 0) == 1 && (polled.revents & (POLLERR | POLLHUP)))
            return client_fails(client, EPIPE);
        return WORKS;
    case SEND_HEADER:
        return client_sends(client, &client->request, HEADER, SEND_BODY);
    case SEND_BODY:
        return client_sends(client, &client->request.body, sizeof(client->request.body), RECEIVE);
    case RECEIVE:
        return client_receives(client, false);
    }
    return FAILED;
}

/* With a daemon that does as much as it can between the steps. */
static enum outcome client_finish(struct client *client, struct daemon *daemon)
{
    enum outcome outcome = WORKS;

    for (int turns = 0; turns < 1000 && (outcome = client_step(client)) <= WORKS; turns++)
        while (!daemon->has_left && daemon_turn(daemon, 0))
            ;
    return outcome;
}

static void client_gets_an_answer(struct client *client, struct daemon *daemon)
{
    client_ask(client, CMD_LOOKUP, 41);
    assert_int_equal(client_finish(client, daemon), SUCCEEDED);
    assert_int_equal(client->reply.body, 42);
}

/* Steps it until its next one would be that. */
static void client_until(struct client *client, struct daemon *daemon, enum step step)
{
    client_ask(client, CMD_LOOKUP, 41);
    for (int turns = 0; client->step != step; turns++) {
        assert_true(turns < 100);
        assert_true(client_step(client) <= WORKS);
        while (daemon_turn(daemon, 0))
            ;
    }
}

/* In place of libc's: what a client does between the library's last look and this. */
static struct client *sends_before_shutdown;
static int sends_steps;

int shutdown(int fd, int how)
{
    for (; sends_before_shutdown && sends_steps > 0; sends_steps--)
        assert_int_equal(client_step(sends_before_shutdown), WORKS);
    return (int) syscall(SYS_shutdown, fd, how);
}

/* ---- who leaves when ---- */

static void it_leaves_within_a_second_after_the_limit(void **state)
{
    static const uint64_t limits_usec[] = { 1 * MSEC, 50 * MSEC, 300 * MSEC, 1 * SEC };
    int listener = listener_at(at("socket"));

    (void) state;
    for (size_t i = 0; i < N_OF(limits_usec); i++) {
        uint64_t late_usec = limits_usec[i] < 500 * MSEC ? limits_usec[i] / 2 + 100 * MSEC : SEC;
        struct client client;
        struct daemon daemon;
        uint64_t before, after;

        print_message("  %u ms\n", (unsigned) (limits_usec[i] / MSEC));
        client_init(&client);
        before = now_usec();
        daemon_init(&daemon, listener, limits_usec[i]);
        client_gets_an_answer(&client, &daemon);
        after = now_usec();
        daemon_run(&daemon, 3 * SEC);

        assert_true(daemon.has_left);
        assert_true(daemon.left_usec - before >= limits_usec[i]);
        assert_true(daemon.left_usec - after <= limits_usec[i] + late_usec);
        daemon_done(&daemon);
        client_done(&client);
    }
    (void) close(listener);
}

/* SSSD looks every half of its limit, and so leaves up to half of it too late. */
static void the_limit_counts_from_the_last_activity(void **state)
{
    int listener = listener_at(at("socket"));
    struct client client;
    struct daemon daemon;
    uint64_t last = 0;

    (void) state;
    client_init(&client);
    daemon_init(&daemon, listener, 600 * MSEC);
    for (int i = 0; i < 5; i++) {
        daemon_run(&daemon, 270 * MSEC); /* the limit passes several times since the start */
        assert_false(daemon.has_left);
        last = now_usec();
        client_gets_an_answer(&client, &daemon);
    }
    daemon_run(&daemon, 2 * SEC);

    assert_true(daemon.has_left);
    assert_uint_in_range(daemon.left_usec - last, 600 * MSEC, 899 * MSEC); /* a busy host has its share of that */
    daemon_done(&daemon);
    client_done(&client);
    (void) close(listener);
}

static void without_a_limit_or_with_a_huge_one_it_stays(void **state)
{
    static const uint64_t limits_usec[] = { 0, 3600ULL * SEC, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX };
    int listener = listener_at(at("socket"));

    (void) state;
    for (size_t i = 0; i < N_OF(limits_usec); i++) {
        struct client client;
        struct daemon daemon;

        print_message("  row %zu\n", i);
        client_init(&client);
        daemon_init(&daemon, listener, limits_usec[i]);
        client_gets_an_answer(&client, &daemon);
        daemon_run(&daemon, 100 * MSEC);
        assert_false(daemon.has_left);

        assert_int_equal(leaving_start(daemon.leaving), 0); /* but goes when told */
        daemon_run(&daemon, SEC);
        assert_true(daemon.has_left);
        daemon_done(&daemon);
        client_done(&client);
    }
    (void) close(listener);
}

/* Each of these keeps it for as long as it lasts, many limits long, and no longer. */
static void what_is_not_done_keeps_it(void **state)
{
    static const struct {
        const char *label;
        enum step until; /* its client's next step */
        bool is_kept, is_slow, is_busy, is_enumerating;
    } rows[] = {
        { "connected, not greeted", SEND_VERSION, false, false, false, false },
        { "greeted, nothing asked", SEND_HEADER, false, false, false, false },
        { "half a request", SEND_BODY, false, false, false, false },
        { "half a request on a kept connection", SEND_BODY, true, false, false, false },
        { "a request in work", RECEIVE, false, true, false, false },
        { "a request in work on a kept connection", RECEIVE, true, true, false, false },
        { "a call that no client shows", CONNECT, false, false, true, false },
        { "an enumeration", CONNECT, false, false, false, true },
    };
    int listener = listener_at(at("socket"));

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct client client;
        struct daemon daemon;

        print_message("  %s\n", rows[i].label);
        daemon_init(&daemon, listener, 20 * MSEC);
        client_init(&client);
        if (rows[i].is_kept)
            client_gets_an_answer(&client, &daemon);
        daemon.is_slow = rows[i].is_slow;
        client_until(&client, &daemon, rows[i].until);
        daemon.is_busy = rows[i].is_busy;
        if (rows[i].is_enumerating) {
            client_ask(&client, CMD_BEGIN, 0);
            assert_int_equal(client_finish(&client, &daemon), SUCCEEDED);
        }
        daemon_run(&daemon, 200 * MSEC);
        assert_false(daemon.has_left);
        assert_non_null(daemon.accepting);

        daemon_answer(&daemon);
        if (rows[i].is_enumerating)
            for (uint32_t entry = 1; entry <= ENTRIES + 1; entry++) {
                client_ask(&client, CMD_NEXT, 0);
                assert_int_equal(client_finish(&client, &daemon), SUCCEEDED);
                assert_int_equal(client.reply.body, entry <= ENTRIES ? entry : 0);
            }
        else
            assert_int_equal(client_finish(&client, &daemon), SUCCEEDED);
        daemon_run(&daemon, SEC);
        assert_true(daemon.has_left);
        assert_int_equal(daemon.given_up, 0);
        daemon_done(&daemon);
        client_done(&client);
    }
    (void) close(listener);
}

static void who_comes_at_the_last_moment_keeps_it(void **state)
{
    static const char *const rows[] = { "in the queue", "on a kept connection" };
    int listener = listener_at(at("socket"));

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct client client;
        struct daemon daemon;

        print_message("  %s\n", rows[i]);
        daemon_init(&daemon, listener, 20 * MSEC);
        client_init(&client);
        if (i > 0)
            client_gets_an_answer(&client, &daemon);
        client_ask(&client, CMD_LOOKUP, 41);
        assert_true(client_step(&client) <= WORKS);
        assert_true(client_step(&client) <= WORKS);
        sleep_msec(40);

        /* Both are due; the loop happens to take the limit first. */
        assert_int_equal(sd_event_source_set_priority(daemon.accepting, SD_EVENT_PRIORITY_IDLE), 0);
        for (struct connection *c = NULL; (c = next_connection(c, &daemon));)
            assert_int_equal(sd_event_source_set_priority(c->io, SD_EVENT_PRIORITY_IDLE), 0);
        assert_true(daemon_turn(&daemon, 0));
        assert_non_null(daemon.accepting);
        assert_int_equal(client_finish(&client, &daemon), SUCCEEDED);
        daemon_done(&daemon);
        client_done(&client);
    }
    (void) close(listener);
}

static void many_kept_connections_are_all_closed(void **state)
{
    int listener = listener_at(at("socket"));
    struct client clients[CONNECTIONS_MAX];
    struct daemon first, second;

    (void) state;
    daemon_init(&first, listener, 50 * MSEC);
    for (size_t i = 0; i < N_OF(clients); i++) {
        client_init(&clients[i]);
        client_gets_an_answer(&clients[i], &first);
    }
    daemon_run(&first, SEC);
    assert_true(first.has_left);
    assert_null(next_connection(NULL, &first));
    daemon_done(&first);

    daemon_init(&second, listener, 0);
    for (size_t i = 0; i < N_OF(clients); i++) {
        client_gets_an_answer(&clients[i], &second);
        client_done(&clients[i]);
    }
    daemon_done(&second);
    (void) close(listener);
}

/* ---- told to leave ---- */

static void told_to_leave_it_waits_for_who_has_no_answer(void **state)
{
    static const struct {
        const char *label;
        enum step until;
        bool is_slow;
    } rows[] = {
        { "connected, not greeted", SEND_VERSION, false },
        { "greeting sent", RECEIVE_VERSION, false },
        { "greeted, nothing asked", SEND_HEADER, false },
        { "half a request", SEND_BODY, false },
        { "a request in work", RECEIVE, true },
    };
    int listener = listener_at(at("socket"));

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct client client, other;
        struct daemon daemon, next;

        print_message("  %s\n", rows[i].label);
        daemon_init(&daemon, listener, 0);
        daemon.is_slow = rows[i].is_slow;
        client_init(&client);
        client_until(&client, &daemon, rows[i].until);
        assert_int_equal(leaving_start(daemon.leaving), 0);
        assert_int_equal(leaving_start(daemon.leaving), 0);
        daemon_run(&daemon, 50 * MSEC);
        assert_false(daemon.has_left);

        /* Meanwhile others wait in the queue. */
        client_init(&other);
        client_ask(&other, CMD_LOOKUP, 41);
        for (int k = 0; k < 3; k++)
            assert_true(client_step(&other) <= WORKS);
        assert_int_equal(client_step(&other), WAITS);

        daemon_answer(&daemon);
        assert_int_equal(client_finish(&client, &daemon), SUCCEEDED);
        assert_int_equal(client.reply.body, 42);
        assert_false(client.has_tried);
        daemon_run(&daemon, SEC);
        assert_true(daemon.has_left);
        assert_int_equal(daemon.given_up, 0);
        daemon_done(&daemon);

        daemon_init(&next, listener, 0);
        assert_int_equal(client_finish(&other, &next), SUCCEEDED);
        client_gets_an_answer(&client, &next);
        daemon_done(&next);
        client_done(&client);
        client_done(&other);
    }
    (void) close(listener);
}

static void a_request_that_takes_too_long_is_sent_to_the_next(void **state)
{
    int listener = listener_at(at("socket"));
    struct client client, silent;
    struct daemon daemon, next;
    uint64_t told;

    (void) state;
    daemon_init(&daemon, listener, 0);
    daemon.is_slow = true;
    daemon.is_busy = true;
    client_init(&client);
    client_init(&silent);
    client_until(&client, &daemon, RECEIVE);
    client_until(&silent, &daemon, SEND_HEADER);
    told = now_usec();
    assert_int_equal(leaving_start(daemon.leaving), 0);
    daemon_run(&daemon, 2 * LEAVING_TOLD_PATIENCE_USEC);

    assert_true(daemon.has_left);
    assert_uint_in_range(daemon.left_usec - told, LEAVING_TOLD_PATIENCE_USEC, LEAVING_TOLD_PATIENCE_USEC + SEC);
    assert_int_equal(daemon.given_up, 2);
    daemon_done(&daemon);

    daemon_init(&next, listener, 0);
    assert_int_equal(client_finish(&client, &next), SUCCEEDED);
    assert_int_equal(client.reply.body, 42);
    assert_true(client.has_tried);
    assert_int_equal(client_finish(&silent, &next), SUCCEEDED);
    daemon_done(&next);
    client_done(&client);
    client_done(&silent);
    (void) close(listener);
}

/* ---- every order of steps ---- */

#define STEPS 11
#define INSTANCES 3

/* One client's calls while two daemons in turn are told to leave, the second as soon as it runs: the client has one try
 * for each of its calls. Bit i of order says who does step i, the client or the daemon; at step told the first is told. */
static void run_order(int listener, unsigned order, int told, bool is_kept, bool enumerates)
{
    struct daemon daemons[INSTANCES];
    enum outcome outcome = WORKS;
    uint32_t calls = 0, all_calls = enumerates ? ENTRIES + 1 : 1;
    struct client client;
    int at_work = 0;

    daemon_init(&daemons[0], listener, 0);
    client_init(&client);
    if (is_kept)
        client_gets_an_answer(&client, &daemons[0]);
    client_ask(&client, enumerates ? CMD_NEXT : CMD_LOOKUP, 41);

    for (int step = 0; outcome <= WORKS; step++) {
        struct daemon *daemon = &daemons[at_work];

        if (step >= 500)
            fail_msg("order %#x, told at %d: hung at step %d", order, told, client.step);
        if (step == told)
            assert_int_equal(leaving_start(daemon->leaving), 0);
        if (step < STEPS ? order >> step & 1 : step & 1) {
            outcome = client_step(&client);
        } else if (!daemon->has_left) {
            (void) daemon_turn(daemon, 0); /* may have nothing to do */
        } else {
            daemon_done(daemon);
            daemon_init(&daemons[++at_work], listener, 0);
            if (at_work == 1)
                assert_int_equal(leaving_start(daemons[at_work].leaving), 0);
        }
        if (outcome == SUCCEEDED) {
            uint32_t expected = !enumerates ? 42 : calls < ENTRIES ? calls + 1 : 0;

            if (client.reply.body != expected)
                fail_msg("order %#x, told at %d: %u instead of %u", order, told, client.reply.body, expected);
            if (++calls < all_calls) {
                client_ask(&client, client.request.command, 41);
                outcome = WORKS;
            }
        }
    }
    if (outcome != SUCCEEDED)
        fail_msg("order %#x, told at %d: failed", order, told);
    client_done(&client);
    daemon_done(&daemons[at_work]);
}

static void no_order_of_steps_loses_a_call(void **state)
{
    static const struct {
        const char *label;
        bool is_kept, enumerates;
    } rows[] = {
        { "new connection", false, false },
        { "kept connection", true, false },
        { "kept connection, an enumeration", true, true },
    };
    int listener = listener_at(at("socket"));

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        for (unsigned order = 0; order < 1u << STEPS; order++)
            for (int told = 0; told < STEPS; told++)
                run_order(listener, order, told, rows[i].is_kept, rows[i].enumerates);
    }
    (void) close(listener);
}

/* Too late for the check; it is read, or never was. */
static void what_is_sent_just_before_the_shutdown_is_not_lost(void **state)
{
    static const struct {
        const char *label;
        int steps;
        bool tries_again;
    } rows[] = {
        { "looked whether the connection is good", 1, true },
        { "half a request", 2, true },
        { "a request", 3, false },
    };
    int listener = listener_at(at("socket"));

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct client client;
        struct daemon daemon, next;
        enum outcome outcome = WORKS;

        print_message("  %s\n", rows[i].label);
        daemon_init(&daemon, listener, 0);
        client_init(&client);
        client_gets_an_answer(&client, &daemon);
        client_ask(&client, CMD_LOOKUP, 41);
        sends_before_shutdown = &client;
        sends_steps = rows[i].steps;
        assert_int_equal(leaving_start(daemon.leaving), 0);
        sends_before_shutdown = NULL;
        assert_int_equal(sends_steps, 0);
        daemon_run(&daemon, SEC);
        assert_true(daemon.has_left);
        assert_int_equal(daemon.given_up, 0);
        daemon_done(&daemon);

        daemon_init(&next, listener, 0);
        outcome = client_finish(&client, &next);
        assert_int_equal(outcome, SUCCEEDED);
        assert_int_equal(client.reply.body, 42);
        assert_int_equal(client.has_tried, rows[i].tries_again);
        daemon_done(&next);
        client_done(&client);
    }
    (void) close(listener);
}

/* The last step of the order: there is nobody, and somebody comes before the process has ended. */
static void who_comes_after_the_last_look_is_served_by_the_next(void **state)
{
    int listener = listener_at(at("socket"));
    struct client client;
    struct daemon daemon, next;

    (void) state;
    daemon_init(&daemon, listener, 10 * MSEC);
    while (!daemon.has_left)
        (void) daemon_turn(&daemon, SEC);
    client_init(&client);
    client_ask(&client, CMD_LOOKUP, 41);
    for (int i = 0; i < 2; i++)
        assert_int_equal(client_step(&client), WORKS);
    daemon_done(&daemon);

    daemon_init(&next, listener, 0);
    assert_int_equal(client_finish(&client, &next), SUCCEEDED);
    assert_false(client.has_tried); /* the same connection */
    daemon_done(&next);
    client_done(&client);
    (void) close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(it_leaves_within_a_second_after_the_limit),
        IN_FOLDER(the_limit_counts_from_the_last_activity),
        IN_FOLDER(without_a_limit_or_with_a_huge_one_it_stays),
        IN_FOLDER(what_is_not_done_keeps_it),
        IN_FOLDER(who_comes_at_the_last_moment_keeps_it),
        IN_FOLDER(many_kept_connections_are_all_closed),
        IN_FOLDER(told_to_leave_it_waits_for_who_has_no_answer),
        IN_FOLDER(a_request_that_takes_too_long_is_sent_to_the_next),
        IN_FOLDER(no_order_of_steps_loses_a_call),
        IN_FOLDER(what_is_sent_just_before_the_shutdown_is_not_lost),
        IN_FOLDER(who_comes_after_the_last_look_is_served_by_the_next),
    };

    return cmocka_run_group_tests_name("leaving", tests, NULL, NULL);
}
