/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/clock.h"
#include "responder/connection.h"
#include "test/loop.h"
#include "wire/commands.h"

enum {
    CMD_ECHO = 0x11,
    CMD_WAIT,
    CMD_BULK,
    CMD_ROOT,
    CMD_STRICT,
    CMD_LONG,
    CMD_COUNT,
    CMD_LISTING,
    CMD_HALF,
    CMD_END,
    CMD_SHARED,
    CMD_OTHERWISE,
    CMD_RENEW,
};

#define BULK_BYTES (4 * 1024 * 1024) /* more than a socket takes */

/* What the handlers leave for the tests. */
static struct request *waiting;
static int n_cancelled, n_freed, n_handled;

static void on_cancelled(void *userdata)
{
    assert_ptr_equal(userdata, &waiting);
    waiting = NULL;
    n_cancelled++;
}

static int on_echo(struct request *request)
{
    const char *text;
    int r;

    n_handled++;
    r = packet_get_text(request_in(request), &text);
    if (r < 0)
        return r;
    r = packet_get_end(request_in(request));
    if (r < 0)
        return r;
    packet_put_text(request_out(request), text);
    request_reply(request, 0);
    return 0;
}

static int on_wait(struct request *request)
{
    n_handled++;
    waiting = request;
    request_on_cancel(request, on_cancelled, &waiting);
    return 0;
}

static int on_bulk(struct request *request)
{
    for (uint32_t i = 0; i < BULK_BYTES / 4; i++)
        packet_put_u32(request_out(request), i);
    request_reply(request, 0);
    return 0;
}

static int on_root(struct request *request)
{
    n_handled++;
    packet_put_u32(request_out(request), (uint32_t) request_uid(request));
    request_reply(request, 0);
    return 0;
}

static int on_count(struct request *request)
{
    uint32_t **count = (uint32_t **) request_client_data(request, free);

    if (!*count)
        *count = calloc(1, sizeof(**count));
    assert_non_null(*count);
    packet_put_u32(request_out(request), ++**count);
    request_reply(request, 0);
    return 0;
}

static void on_free(void *data)
{
    assert_ptr_equal(data, &n_freed);
    n_freed++;
}

static int on_listing(struct request *request)
{
    *request_client_data(request, on_free) = &n_freed;
    request_set_enumerating(request, true);
    request_reply(request, 0);
    return 0;
}

/* Has written something and fails then. */
static int on_half(struct request *request)
{
    packet_put_text(request_out(request), "half");
    return -EIO;
}

/* Ends the connection that is the oldest but this one. */
static int on_end(struct request *request)
{
    struct responder *responder = request_state(request);
    struct client *client = responder->clients;

    n_handled++;
    if (client->is_dispatching)
        client = client->next;
    client_free(client);
    request_reply(request, 0);
    return 0;
}

static struct shared_reply *shared;

static int on_shared(struct request *request)
{
    if (shared) {
        request_use_shared(request, shared);
        request_reply(request, 0);
        return 0;
    }
    for (uint32_t i = 0; i < BULK_BYTES / 4; i++)
        packet_put_u32(request_out(request), i);
    assert_int_equal(request_share(request, &shared), 0);
    request_reply(request, 0);
    return 0;
}

static int on_otherwise(struct request *request)
{
    request_use_shared(request, shared);
    packet_put_text(request_out(request), "otherwise");
    request_reply(request, 0);
    return 0;
}

static int on_renew(struct request *request)
{
    request_drop_readers(request, shared);
    shared = shared_reply_unref(shared);
    return on_shared(request);
}

static const struct command commands[] = {
    { CMD_ECHO, "echo", 0, on_echo },
    { CMD_WAIT, "wait", 0, on_wait },
    { CMD_BULK, "bulk", 0, on_bulk },
    { CMD_ROOT, "root", CMD_ROOT_ONLY, on_root },
    { CMD_STRICT, "strict", CMD_CLOSES_ON_ERROR, on_echo },
    { CMD_LONG, "long", CMD_LARGE, on_echo },
    { CMD_COUNT, "count", 0, on_count },
    { CMD_LISTING, "listing", 0, on_listing },
    { CMD_HALF, "half", 0, on_half },
    { CMD_END, "end", 0, on_end },
    { CMD_SHARED, "shared", 0, on_shared },
    { CMD_OTHERWISE, "otherwise", 0, on_otherwise },
    { CMD_RENEW, "renew", 0, on_renew },
};

static const uint32_t versions[] = { 3, 1, 0 };

static const struct responder_spec spec = {
    .name = "test",
    .versions = versions,
    .commands = commands,
    .n_commands = sizeof(commands) / sizeof(commands[0]),
};

/* ---- the fixture: a responder without a process, and the clients' ends ---- */

struct fixture {
    struct responder responder;
    struct packet_writer out;
    uint8_t reply[16 + BULK_BYTES];
    size_t reply_bytes;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->responder.spec = &spec;
    f->responder.state = &f->responder;
    f->responder.client_idle_usec = 60000000;
    assert_true(sd_event_new(&f->responder.event) >= 0);
    assert_int_equal(clients_init(&f->responder, 1000), 0);
    waiting = NULL;
    n_cancelled = n_freed = n_handled = 0;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    while (f->responder.clients)
        client_free(f->responder.clients);
    assert_int_equal(f->responder.n_clients, 0);
    assert_null(f->responder.quota.first);
    assert_int_equal(f->responder.n_in_work, 0);
    assert_int_equal(f->responder.n_waiting, 0);
    clients_done(&f->responder);
    sd_event_unref(f->responder.event);
    packet_writer_done(&f->out);
    free(f);
    return 0;
}

static int connect_as(struct fixture *f, uid_t uid)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(client_new(&f->responder, fds[1], uid, NULL), 0);
    return fds[0];
}

static void send_bytes(int fd, const void *bytes, size_t n)
{
    assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t) n);
}

static void make(struct fixture *f, uint32_t command, const char *text)
{
    packet_writer_start(&f->out, command);
    if (text)
        packet_put_text(&f->out, text);
    assert_int_equal(packet_finish(&f->out, 0), 0);
}

static void ask(struct fixture *f, int fd, uint32_t command, const char *text)
{
    make(f, command, text);
    send_bytes(fd, f->out.bytes, f->out.used);
}

/* Reads what is there; returns false at the end of the connection. */
static bool take(struct fixture *f, int fd, size_t room)
{
    ssize_t n = recv(fd, f->reply + f->reply_bytes, room, 0);

    if (n > 0)
        f->reply_bytes += (size_t) n;
    return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Runs the loop and reads one reply, of which nothing may be missing or too much. */
static struct packet_header get(struct fixture *f, int fd)
{
    struct packet_header header;

    f->reply_bytes = 0;
    do {
        loop_settle(f->responder.event);
        if (!take(f, fd, sizeof(f->reply) - f->reply_bytes))
            fail_msg("the connection is closed");
        assert_true(f->reply_bytes >= PACKET_HEADER_BYTES);
        assert_int_equal(packet_header_read(f->reply, &header), 0);
    } while (f->reply_bytes < header.bytes);
    assert_int_equal(f->reply_bytes, header.bytes);
    return header;
}

static const char *get_text(struct fixture *f, int fd)
{
    struct packet_header header = get(f, fd);

    assert_int_equal(header.status, 0);
    assert_true(header.bytes > PACKET_HEADER_BYTES);
    return (const char *) f->reply + PACKET_HEADER_BYTES;
}

static uint32_t get_number(struct fixture *f, int fd)
{
    uint32_t number;

    memcpy(&number, get_text(f, fd), sizeof(number));
    return number;
}

static void get_nothing(struct fixture *f, int fd)
{
    f->reply_bytes = 0;
    loop_settle(f->responder.event);
    assert_true(take(f, fd, sizeof(f->reply)));
    assert_int_equal(f->reply_bytes, 0);
}

static int closing_errno(struct fixture *f, int fd)
{
    char byte;
    ssize_t n;

    loop_settle(f->responder.event);
    n = recv(fd, &byte, 1, 0);
    assert_true(n <= 0);
    assert_int_not_equal(n < 0 ? errno : 0, EAGAIN);
    return n < 0 ? errno : 0;
}

/* ---- handshake ---- */

static void a_version_that_we_have_is_agreed_to(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    for (size_t i = 0; versions[i]; i++) {
        packet_writer_start(&f->out, CMD_GET_VERSION);
        packet_put_u32(&f->out, versions[i]);
        assert_int_equal(packet_finish(&f->out, 0), 0);
        send_bytes(fd, f->out.bytes, f->out.used);
        assert_int_equal(get_number(f, fd), versions[i]);
    }
    close(fd);
}

static void another_version_is_offered_our_first(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    packet_writer_start(&f->out, CMD_GET_VERSION);
    packet_put_u32(&f->out, 2);
    assert_int_equal(packet_finish(&f->out, 0), 0);
    send_bytes(fd, f->out.bytes, f->out.used);
    assert_int_equal(get_number(f, fd), 3);

    ask(f, fd, CMD_GET_VERSION, NULL); /* a body that is not four bytes */
    assert_int_equal(get_number(f, fd), 3);
    ask(f, fd, CMD_GET_VERSION, "12345");
    assert_int_equal(get_number(f, fd), 3);
    close(fd);
}

static void a_client_counts_as_served_after_its_first_request(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);
    struct client *client = responder_first_client(&f->responder);

    assert_false(client_is_served(client));
    ask(f, fd, CMD_GET_VERSION, NULL);
    assert_int_equal(get_number(f, fd), 3);
    assert_false(client_is_served(client));
    assert_true(client_is_idle(client));
    ask(f, fd, CMD_ECHO, "a");
    assert_string_equal(get_text(f, fd), "a");
    assert_true(client_is_served(client));
    close(fd);
}

static void requests_are_served_without_a_handshake(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    ask(f, fd, CMD_ECHO, "hello");
    assert_string_equal(get_text(f, fd), "hello");
    close(fd);
}

/* ---- framing ---- */

static void a_header_may_come_alone(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);
    struct client *client = responder_first_client(&f->responder);

    make(f, CMD_ECHO, "hello");
    send_bytes(fd, f->out.bytes, 16);
    get_nothing(f, fd);
    assert_false(client_is_idle(client));
    send_bytes(fd, f->out.bytes + 16, f->out.used - 16);
    assert_string_equal(get_text(f, fd), "hello");
    assert_true(client_is_idle(client));
    close(fd);
}

static void a_request_may_come_byte_after_byte(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    for (int round = 0; round < 2; round++) {
        make(f, CMD_ECHO, "byte after byte");
        for (size_t i = 0; i < f->out.used - 1; i++) {
            send_bytes(fd, f->out.bytes + i, 1);
            get_nothing(f, fd);
        }
        send_bytes(fd, f->out.bytes + f->out.used - 1, 1);
        assert_string_equal(get_text(f, fd), "byte after byte");
    }
    close(fd);
}

static void a_request_may_be_nothing_but_its_header(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    ask(f, fd, CMD_COUNT, NULL);
    assert_int_equal(get_number(f, fd), 1);
    close(fd);
}

static void requests_sent_together_are_answered_in_order(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);
    size_t each;

    make(f, CMD_ECHO, "1");
    each = f->out.used;
    for (char c = '1'; c <= '9'; c++) {
        make(f, CMD_ECHO, (char[]) { c, '\0' });
        send_bytes(fd, f->out.bytes, f->out.used);
    }
    loop_settle(f->responder.event);
    f->reply_bytes = 0;
    assert_true(take(f, fd, sizeof(f->reply)));
    assert_int_equal(f->reply_bytes, 9 * each);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(f->reply[i * each + 16], '1' + (int) i);
    close(fd);
}

static void what_comes_behind_a_request_in_work_waits(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    ask(f, fd, CMD_WAIT, NULL);
    ask(f, fd, CMD_ECHO, "behind");
    get_nothing(f, fd);
    assert_int_equal(n_handled, 1);
    assert_true(loop_settle(f->responder.event) < 3); /* and does not keep the loop busy */

    packet_put_text(request_out(waiting), "first");
    request_reply(waiting, 0);
    waiting = NULL;
    loop_settle(f->responder.event);
    f->reply_bytes = 0;
    assert_true(take(f, fd, sizeof(f->reply)));
    assert_string_equal((char *) f->reply + 16, "first");
    assert_string_equal((char *) f->reply + 16 + 6 + 16, "behind");
    close(fd);
}

/* A request of so many bytes in all is answered (0), or closes the connection with that errno. */
static void check_length(struct fixture *f, uint32_t command, uint32_t announced, int wanted)
{
    int fd = connect_as(f, 1000);
    char body[16384];

    memset(body, 'x', sizeof(body));
    packet_writer_start(&f->out, command);
    if (announced > 16) {
        body[announced - 17] = '\0';
        packet_put_bytes(&f->out, body, announced - 16);
    }
    assert_int_equal(packet_finish(&f->out, 0), 0);
    memcpy(f->out.bytes, &announced, 4);
    send_bytes(fd, f->out.bytes, f->out.used);
    if (wanted == 0)
        assert_string_equal(get_text(f, fd), body);
    else if (closing_errno(f, fd) != (announced > 16 ? wanted : 0)) /* with bytes unread the client asks again */
        fail_msg("%u bytes of command %x", announced, command);
    close(fd);
}

static void requests_up_to_their_limit_are_served_and_longer_ones_closed(void **state)
{
    struct fixture *f = *state;

    check_length(f, CMD_ECHO, 1536, 0);
    check_length(f, CMD_ECHO, 1537, ECONNRESET);
    check_length(f, CMD_LONG, 17, 0);
    check_length(f, CMD_LONG, 1536, 0);
    check_length(f, CMD_LONG, 1537, 0);
    check_length(f, CMD_LONG, 10240, 0);
    check_length(f, CMD_LONG, 10241, ECONNRESET);
    assert_int_equal(n_handled, 5);
}

static void a_length_below_the_headers_own_is_closed(void **state)
{
    static const uint32_t lengths[] = { 0, 1, 4, 15 };

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        check_length(*state, CMD_ECHO, lengths[i], ECONNRESET);
}

static void a_giant_length_is_closed_before_memory_is_taken(void **state)
{
    struct fixture *f = *state;
    const uint32_t header[4] = { 0xffffffff, CMD_LONG, 0, 0 };
    int fd = connect_as(f, 1000);

    send_bytes(fd, header, sizeof(header));
    assert_int_equal(closing_errno(f, fd), 0);
    close(fd);
}

static void an_unknown_command_is_closed(void **state)
{
    struct fixture *f = *state;
    static const uint32_t numbers[] = { 0, 2, 0x10, 0xffffffff };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int fd = connect_as(f, 1000);

        ask(f, fd, numbers[i], "body");
        assert_int_equal(closing_errno(f, fd), 0); /* no use in asking once more */
        close(fd);
    }
    assert_int_equal(f->responder.n_clients, 0);
}

static void a_large_request_leaves_nothing_for_the_next(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);
    char text[9000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int round = 0; round < 2; round++) {
        ask(f, fd, CMD_LONG, text);
        assert_string_equal(get_text(f, fd), text);
        ask(f, fd, CMD_ECHO, "small");
        assert_string_equal(get_text(f, fd), "small");
    }
    close(fd);
}

/* ---- errors ---- */

static uint32_t status_of(struct fixture *f, int fd, uint32_t command)
{
    struct packet_header header = get(f, fd);

    assert_int_equal(header.bytes, PACKET_HEADER_BYTES);
    assert_int_equal(header.command, command);
    return header.status;
}

static void an_error_becomes_a_status_and_the_connection_stays(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    ask(f, fd, CMD_ECHO, NULL); /* no text in it */
    assert_int_equal(status_of(f, fd, CMD_ECHO), EINVAL);
    ask(f, fd, CMD_HALF, NULL);
    assert_int_equal(status_of(f, fd, CMD_HALF), EIO);

    ask(f, fd, CMD_WAIT, NULL);
    loop_settle(f->responder.event);
    packet_put_text(request_out(waiting), "dropped");
    request_reply(waiting, -EAGAIN);
    assert_int_equal(status_of(f, fd, CMD_WAIT), EAGAIN);

    ask(f, fd, CMD_ECHO, "still here");
    assert_string_equal(get_text(f, fd), "still here");
    assert_int_equal(n_cancelled, 0);
    close(fd);
}

static void a_malformed_request_of_a_strict_command_costs_the_connection(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    ask(f, fd, CMD_STRICT, "good");
    assert_string_equal(get_text(f, fd), "good");
    ask(f, fd, CMD_STRICT, NULL);
    assert_int_equal(closing_errno(f, fd), 0);
    assert_int_equal(f->responder.n_clients, 0);
    close(fd);
}

static void what_is_roots_is_refused_to_others(void **state)
{
    struct fixture *f = *state;
    int user = connect_as(f, 1000), root = connect_as(f, 0);

    ask(f, user, CMD_ROOT, NULL);
    assert_int_equal(status_of(f, user, CMD_ROOT), EACCES);
    assert_int_equal(n_handled, 0);
    ask(f, root, CMD_ROOT, NULL);
    assert_int_equal(get_number(f, root), 0);
    close(user);
    close(root);
}

/* ---- waiting, leaving, slow clients ---- */

static void a_client_that_goes_away_cancels_what_it_waits_for(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    ask(f, fd, CMD_WAIT, NULL);
    loop_settle(f->responder.event);
    assert_non_null(waiting);
    assert_int_equal(f->responder.n_in_work, 1);
    close(fd);
    loop_settle(f->responder.event);
    assert_int_equal(n_cancelled, 1);
    assert_int_equal(f->responder.n_clients, 0);
    assert_int_equal(f->responder.n_in_work, 0);
}

static void a_client_that_goes_away_between_requests_or_within_one_is_forgotten(void **state)
{
    struct fixture *f = *state;

    for (size_t n = 0; n < 20; n++) {
        int fd = connect_as(f, 1000);

        make(f, CMD_ECHO, "hello");
        send_bytes(fd, f->out.bytes, n);
        loop_settle(f->responder.event);
        close(fd);
        loop_settle(f->responder.event);
        assert_int_equal(f->responder.n_clients, 0);
    }
    assert_int_equal(n_handled, 0);
}

static void a_client_that_went_before_its_reply_harms_nobody(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000), other = connect_as(f, 1000);

    ask(f, fd, CMD_ECHO, "hello");
    close(fd);
    ask(f, other, CMD_ECHO, "hello");
    assert_string_equal(get_text(f, other), "hello");
    assert_int_equal(f->responder.n_clients, 1);
    close(other);
}

static void a_client_that_is_given_up_is_told_to_ask_again(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    ask(f, fd, CMD_WAIT, NULL);
    loop_settle(f->responder.event);
    client_give_up(responder_first_client(&f->responder));
    assert_int_equal(n_cancelled, 1);
    assert_int_equal(status_of(f, fd, CMD_WAIT), EPIPE);
    assert_int_equal(closing_errno(f, fd), 0);
    close(fd);
}

static void a_large_reply_reaches_a_slow_reader_whole(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);
    struct client *client = responder_first_client(&f->responder);
    uint32_t number;

    ask(f, fd, CMD_BULK, NULL);
    assert_true(loop_settle(f->responder.event) < 10); /* a full socket does not keep the loop busy */
    assert_false(client_is_idle(client));
    assert_int_equal(f->responder.n_in_work, 1);
    assert_int_equal(f->responder.n_clients, 1);

    while (f->reply_bytes < 16 + BULK_BYTES) {
        assert_true(take(f, fd, 10007 < sizeof(f->reply) - f->reply_bytes ? 10007 : sizeof(f->reply) - f->reply_bytes));
        loop_settle(f->responder.event);
    }
    for (uint32_t i = 0; i < BULK_BYTES / 4; i++) {
        memcpy(&number, f->reply + 16 + (size_t) i * 4, 4);
        if (number != i)
            fail_msg("at %u: %u", i, number);
    }
    assert_true(client_is_idle(client));
    assert_int_equal(f->responder.n_in_work, 0);
    ask(f, fd, CMD_ECHO, "next");
    assert_string_equal(get_text(f, fd), "next");
    close(fd);
}

static void nothing_more_is_served_until_the_reply_is_out(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    ask(f, fd, CMD_BULK, NULL);
    ask(f, fd, CMD_ECHO, "behind");
    loop_settle(f->responder.event);
    assert_int_equal(n_handled, 0);
    while (f->reply_bytes < 16 + BULK_BYTES) {
        assert_true(take(f, fd, sizeof(f->reply) - f->reply_bytes));
        loop_settle(f->responder.event);
    }
    assert_int_equal(n_handled, 1);
    assert_string_equal(get_text(f, fd), "behind");
    close(fd);
}

static void the_room_of_a_large_reply_is_given_back(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    ask(f, fd, CMD_BULK, NULL);
    loop_settle(f->responder.event);
    while (f->reply_bytes < 16 + BULK_BYTES) {
        assert_true(take(f, fd, sizeof(f->reply) - f->reply_bytes));
        loop_settle(f->responder.event);
    }
    ask(f, fd, CMD_WAIT, NULL);
    loop_settle(f->responder.event);
    assert_true(request_out(waiting)->room < 65536);
    close(fd);
}

static void half_a_reply_that_is_never_read_ends_with_its_client(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    ask(f, fd, CMD_BULK, NULL);
    loop_settle(f->responder.event);
    close(fd);
    loop_settle(f->responder.event);
    assert_int_equal(f->responder.n_clients, 0);
    assert_int_equal(f->responder.n_in_work, 0);
}

static void what_a_client_keeps_is_its_own_and_goes_with_it(void **state)
{
    struct fixture *f = *state;
    int one = connect_as(f, 1000), two = connect_as(f, 1000);

    ask(f, one, CMD_COUNT, NULL);
    assert_int_equal(get_number(f, one), 1);
    ask(f, one, CMD_COUNT, NULL);
    assert_int_equal(get_number(f, one), 2);
    ask(f, two, CMD_COUNT, NULL);
    assert_int_equal(get_number(f, two), 1);
    close(two);
    close(one);
    loop_settle(f->responder.event);

    one = connect_as(f, 1000);
    assert_false(client_is_enumerating(responder_first_client(&f->responder)));
    ask(f, one, CMD_LISTING, NULL);
    get(f, one);
    assert_true(client_is_enumerating(responder_first_client(&f->responder)));
    assert_int_equal(n_freed, 0);
    close(one);
    loop_settle(f->responder.event);
    assert_int_equal(n_freed, 1);
}

static void connections_are_counted_for_each_user(void **state)
{
    struct fixture *f = *state;
    int fds[100];

    for (uid_t i = 0; i < 100; i++)
        fds[i] = connect_as(f, 1000 + i % 40);
    assert_int_equal(client_count_of(&f->responder, 1000), 3);
    assert_int_equal(client_count_of(&f->responder, 1039), 2);
    assert_int_equal(client_count_of(&f->responder, 999), 0);
    for (int i = 0; i < 99; i++)
        close(fds[i]);
    loop_settle(f->responder.event);
    assert_int_equal(client_count_of(&f->responder, 1000), 0);
    assert_int_equal(client_count_of(&f->responder, 1019), 1);
    close(fds[99]);
}

/* After a shutdown for reading what was sent before is served; then comes the end. */
static void a_request_sent_before_a_shutdown_is_still_answered(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);
    struct client *client = responder_first_client(&f->responder);

    ask(f, fd, CMD_ECHO, "in time");
    assert_int_equal(shutdown(client_fd(client), SHUT_RD), 0);
    assert_int_equal(client_advance(client), 1);
    assert_int_equal(client_advance(client), -ECONNRESET);
    client_free(client);
    assert_string_equal(get_text(f, fd), "in time");
    assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    close(fd);
}

/* ---- many at once ---- */

static void who_is_ended_in_the_batch_that_it_is_in_is_not_served(void **state)
{
    enum { N = 50 };
    struct fixture *f = *state;
    int fds[N];

    for (int i = 0; i < N; i++) {
        fds[i] = connect_as(f, 1000);
        ask(f, fds[i], CMD_END, NULL);
    }
    loop_settle(f->responder.event);
    assert_int_equal(n_handled, N / 2); /* each of them has ended one that had asked the same */
    assert_int_equal(f->responder.n_clients, N / 2);
    for (int i = 0; i < N; i++)
        close(fds[i]);
}

static int on_pipe(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    (void) fd;
    (void) revents;
    *(int *) userdata = n_handled;
    return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static void many_that_are_busy_leave_others_their_turn(void **state)
{
    enum { N = 300 };
    struct fixture *f = *state;
    int fds[N], ends[2], n_before = -1;
    sd_event_source *source = NULL;

    for (int i = 0; i < N; i++)
        fds[i] = connect_as(f, 1000);
    loop_settle(f->responder.event);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(sd_event_add_io(f->responder.event, &source, ends[0], EPOLLIN, on_pipe, &n_before) >= 0);
    for (int i = 0; i < N; i++)
        ask(f, fds[i], CMD_ECHO, "a");
    assert_int_equal(write(ends[1], "x", 1), 1);

    loop_settle(f->responder.event);
    assert_int_equal(n_handled, N);
    assert_in_range(n_before, 0, READY_BATCH);
    for (int i = 0; i < N; i++) {
        assert_string_equal(get_text(f, fds[i]), "a");
        close(fds[i]);
    }
    sd_event_source_disable_unref(source);
    close(ends[0]);
    close(ends[1]);
}

static void one_that_is_always_busy_leaves_others_their_turn(void **state)
{
    struct fixture *f = *state;
    int busy = connect_as(f, 1000), other = connect_as(f, 1000);

    for (int i = 0; i < 100; i++) {
        ask(f, busy, CMD_ECHO, "busy");
        if (i == 50)
            ask(f, other, CMD_COUNT, NULL);
        while (n_handled <= i)
            assert_true(sd_event_run(f->responder.event, 0) > 0);
        f->reply_bytes = 0;
        assert_true(take(f, busy, sizeof(f->reply)));
        f->reply_bytes = 0;
        if (i > 60 && !take(f, other, sizeof(f->reply)))
            fail_msg("the connection is closed");
        if (i == 61)
            assert_int_equal(f->reply_bytes, 20);
    }
    close(busy);
    close(other);
}

static void idle_clients_hold_no_buffer(void **state)
{
    struct fixture *f = *state;
    int one = connect_as(f, 1000), two = connect_as(f, 1000);

    ask(f, one, CMD_ECHO, "a");
    assert_string_equal(get_text(f, one), "a");
    ask(f, two, CMD_WAIT, NULL);
    loop_settle(f->responder.event);
    assert_true(request_out(waiting)->room > 0);
    request_reply(waiting, 0);
    for (struct client *client = f->responder.clients; client; client = client->next)
        assert_int_equal(client->request.out.room, 0);
    close(one);
    close(two);
}

/* ---- shares ---- */

static void limit(struct fixture *f, enum quota_kind kind, size_t total)
{
    f->responder.quota.total[kind] = total;
}

static size_t bytes_of(struct fixture *f, uid_t uid)
{
    const struct quota_user *user = quota_find(&f->responder.quota, uid);

    return user ? user->used[QUOTA_BYTES] : 0;
}

static void get_bulk(struct fixture *f, int fd)
{
    assert_int_equal(get(f, fd).bytes, PACKET_HEADER_BYTES + BULK_BYTES);
}

static void who_does_not_read_waits_for_its_share_and_nobody_else_does(void **state)
{
    struct fixture *f = *state;
    int deaf = connect_as(f, 1000), same = connect_as(f, 1000), other = connect_as(f, 1001), root = connect_as(f, 0);

    limit(f, QUOTA_BYTES, 4 * BULK_BYTES);
    ask(f, deaf, CMD_BULK, NULL);
    loop_settle(f->responder.event);
    assert_true(bytes_of(f, 1000) >= BULK_BYTES);
    limit(f, QUOTA_BYTES, 2 * BULK_BYTES);
    ask(f, same, CMD_ECHO, "same");
    ask(f, other, CMD_ECHO, "other");
    ask(f, root, CMD_ECHO, "root");
    assert_string_equal(get_text(f, other), "other");
    assert_string_equal(get_text(f, root), "root");
    get_nothing(f, same);
    assert_int_equal(f->responder.n_waiting, 1);
    assert_true(loop_settle(f->responder.event) < 3); /* and does not keep the loop busy */

    get_bulk(f, deaf);
    loop_run_for(f->responder.event, 300000);
    assert_int_equal(f->responder.n_waiting, 0);
    assert_string_equal(get_text(f, same), "same");
    assert_int_equal(bytes_of(f, 1000), 0);
    close(deaf);
    close(same);
    close(other);
    close(root);
}

static void who_waits_for_one_that_stalls_is_rid_of_it(void **state)
{
    struct fixture *f = *state;
    int deaf = connect_as(f, 1000), same;

    limit(f, QUOTA_BYTES, 4 * BULK_BYTES);
    ask(f, deaf, CMD_BULK, NULL);
    loop_settle(f->responder.event);
    limit(f, QUOTA_BYTES, 2 * BULK_BYTES);
    same = connect_as(f, 1000);
    ask(f, same, CMD_ECHO, "same");
    loop_run_for(f->responder.event, 200000);
    get_nothing(f, same);
    f->responder.clients->last_usec -= 5000000;
    loop_run_for(f->responder.event, 300000);
    assert_string_equal(get_text(f, same), "same");
    assert_int_equal(f->responder.n_clients, 1);
    close(deaf);
    close(same);
}

static void with_too_much_unread_whoever_has_most_loses_it(void **state)
{
    struct fixture *f = *state;
    int deaf[2] = { connect_as(f, 1000), connect_as(f, 1000) }, reader = connect_as(f, 1001);

    limit(f, QUOTA_BYTES, 8 * BULK_BYTES);
    ask(f, deaf[0], CMD_BULK, NULL);
    ask(f, deaf[1], CMD_BULK, NULL);
    loop_settle(f->responder.event);
    limit(f, QUOTA_BYTES, 3 * BULK_BYTES);
    ask(f, reader, CMD_BULK, NULL);
    loop_settle(f->responder.event);
    assert_int_equal(client_count_of(&f->responder, 1000), 1);
    assert_false(quota_is_exceeded(&f->responder.quota, QUOTA_BYTES));
    get_bulk(f, reader);

    limit(f, QUOTA_BYTES, 1); /* one reply may be more than all */
    ask(f, reader, CMD_BULK, NULL);
    get_bulk(f, reader);
    assert_int_equal(client_count_of(&f->responder, 1000), 0);
    close(deaf[0]);
    close(deaf[1]);
    close(reader);
}

static void replies_in_the_kernel_are_charged_until_they_are_read(void **state)
{
    enum { N = 4000 };
    struct fixture *f = *state;
    int deaf = connect_as(f, 1000);
    size_t n_read = 0;

    limit(f, QUOTA_BYTES, 65536);
    for (int i = 0; i < N; i++) {
        make(f, CMD_COUNT, NULL);
        if (send(deaf, f->out.bytes, f->out.used, MSG_NOSIGNAL) < 0)
            break; /* its own queue is full */
        loop_settle(f->responder.event);
    }
    assert_int_equal(f->responder.n_waiting, 1);
    assert_in_range(bytes_of(f, 1000), 16384, 65536);

    for (int i = 0; i < 100 && f->responder.n_in_work > 0; i++) {
        f->reply_bytes = 0;
        assert_true(take(f, deaf, sizeof(f->reply)));
        n_read += f->reply_bytes / 20;
        loop_run_for(f->responder.event, 60000);
    }
    assert_int_equal(f->responder.n_waiting, 0);
    f->reply_bytes = 0;
    assert_true(take(f, deaf, sizeof(f->reply)));
    assert_in_range(n_read + f->reply_bytes / 20, 100, N);
    close(deaf);
}

static void who_reads_is_never_charged(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    for (int i = 0; i < 100; i++) {
        ask(f, fd, CMD_COUNT, NULL);
        assert_int_equal(get_number(f, fd), i + 1);
        assert_int_equal(bytes_of(f, 1000), 0);
    }
    close(fd);
}

static void requests_in_work_are_shared_and_those_above_wait(void **state)
{
    enum { N = 7 };
    struct fixture *f = *state;
    int fds[N], other = connect_as(f, 1001), root = connect_as(f, 0);

    limit(f, QUOTA_REQUESTS, 8);
    for (int i = 0; i < N; i++) {
        fds[i] = connect_as(f, 1000);
        ask(f, fds[i], CMD_WAIT, NULL);
    }
    loop_settle(f->responder.event);
    assert_int_equal(n_handled, 4);
    assert_int_equal(f->responder.n_waiting, 3);
    ask(f, other, CMD_WAIT, NULL);
    ask(f, root, CMD_WAIT, NULL);
    loop_settle(f->responder.event);
    assert_int_equal(n_handled, 6);

    close(fds[5]); /* one of those that wait */
    close(fds[0]);
    close(fds[1]);
    loop_run_for(f->responder.event, 300000);
    assert_int_equal(n_handled, 6); /* another user has one: the share is smaller, just two */
    close(fds[2]);
    loop_run_for(f->responder.event, 300000);
    assert_int_equal(n_handled, 7);
    assert_int_equal(f->responder.n_waiting, 1);
    assert_int_equal(f->responder.n_clients, 5);
    for (int i = 3; i < N; i++)
        if (i != 5)
            close(fds[i]);
    close(other);
    close(root);
    loop_settle(f->responder.event);
    assert_null(f->responder.quota.first);
}

static void a_client_that_waits_for_its_share_is_told_to_ask_again(void **state)
{
    struct fixture *f = *state;
    int one = connect_as(f, 1000), two = connect_as(f, 1000);

    limit(f, QUOTA_REQUESTS, 2);
    ask(f, one, CMD_WAIT, NULL);
    loop_settle(f->responder.event);
    ask(f, two, CMD_ECHO, "a");
    get_nothing(f, two);
    assert_int_equal(f->responder.n_waiting, 1);
    client_give_up(f->responder.last_client);
    assert_int_equal(status_of(f, two, CMD_ECHO), EPIPE);
    assert_int_equal(f->responder.n_waiting, 0);
    close(one);
    close(two);
}

static void a_shared_reply_is_charged_to_nobody(void **state)
{
    enum { N = 20 };
    struct fixture *f = *state;
    int fds[N], reader;

    limit(f, QUOTA_BYTES, 4 * BULK_BYTES);
    for (int i = 0; i < N; i++) {
        fds[i] = connect_as(f, 1000);
        ask(f, fds[i], CMD_SHARED, NULL);
        loop_settle(f->responder.event);
    }
    assert_int_equal(f->responder.n_waiting, 0);
    assert_true(bytes_of(f, 1000) < 2 * BULK_BYTES); /* what is in the kernel */
    assert_true(shared_reply_is_read(shared));
    for (int i = 0; i < N / 2; i++)
        get_bulk(f, fds[i]);

    reader = connect_as(f, 1001);
    ask(f, reader, CMD_RENEW, NULL); /* ends those that still read the old one */
    get_bulk(f, reader);
    assert_int_equal(client_count_of(&f->responder, 1000), N / 2);
    assert_false(shared_reply_is_read(shared));
    ask(f, reader, CMD_OTHERWISE, NULL);
    assert_string_equal(get_text(f, reader), "otherwise");
    assert_false(shared_reply_is_read(shared));
    shared = shared_reply_unref(shared);
    for (int i = 0; i < N; i++)
        close(fds[i]);
    close(reader);
}

/* With no room the least harmed goes first, and of these the oldest. */
static void whose_connection_is_closed_is_the_one_that_minds_least(void **state)
{
    struct fixture *f = *state;
    enum { UNSERVED, SERVED, WAITS, HALF, LATER, N };
    int fds[N];

    for (int i = 0; i < N; i++)
        fds[i] = connect_as(f, 1000);
    ask(f, fds[UNSERVED], CMD_GET_VERSION, NULL);
    for (int i = SERVED; i < N; i++) {
        ask(f, fds[i], CMD_ECHO, "a");
        assert_string_equal(get_text(f, fds[i]), "a");
    }
    ask(f, fds[WAITS], CMD_WAIT, NULL);
    make(f, CMD_ECHO, "half");
    send_bytes(fds[HALF], f->out.bytes, 10);
    loop_settle(f->responder.event);

    limit(f, QUOTA_CONNECTIONS, 2);
    assert_int_equal(client_make_room(&f->responder, 1000), 0);
    assert_int_equal(closing_errno(f, fds[SERVED]), 0);
    assert_int_equal(client_make_room(&f->responder, 1000), 0);
    assert_int_equal(closing_errno(f, fds[LATER]), 0);
    assert_int_equal(client_make_room(&f->responder, 1000), -EUSERS); /* the others have just come */
    for (struct client *client = f->responder.clients; client; client = client->next)
        client->last_usec -= 1000000;
    assert_int_equal(client_make_room(&f->responder, 1000), 0);
    assert_int_equal(recv(fds[UNSERVED], f->reply, 20, 0), 20);
    assert_int_equal(closing_errno(f, fds[UNSERVED]), 0);
    assert_int_equal(client_make_room(&f->responder, 1000), 0);
    assert_int_equal(closing_errno(f, fds[HALF]), 0);
    assert_int_equal(client_make_room(&f->responder, 1000), -EUSERS);

    limit(f, QUOTA_CONNECTIONS, 1);
    assert_int_equal(client_make_room(&f->responder, 1001), 0); /* has none, and the other one has most */
    assert_int_equal(closing_errno(f, fds[WAITS]), 0);
    assert_int_equal(n_cancelled, 1);
    for (int i = 0; i < N; i++)
        close(fds[i]);
}

/* ---- time ---- */

static void idle_clients_are_closed_after_the_limit_and_not_before(void **state)
{
    struct fixture *f = *state;
    int idle[20], busy;

    f->responder.client_idle_usec = 1000000;
    for (size_t i = 0; i < 20; i++)
        idle[i] = connect_as(f, 1000);
    busy = connect_as(f, 1000);
    for (size_t i = 0; i < 20; i++) {
        ask(f, idle[i], CMD_ECHO, "a");
        assert_string_equal(get_text(f, idle[i]), "a");
    }
    loop_run_for(f->responder.event, 600000);
    assert_int_equal(f->responder.n_clients, 21);
    ask(f, busy, CMD_ECHO, "b");
    assert_string_equal(get_text(f, busy), "b");
    loop_run_for(f->responder.event, 700000);
    assert_int_equal(f->responder.n_clients, 1);
    ask(f, busy, CMD_ECHO, "c");
    assert_string_equal(get_text(f, busy), "c");
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(closing_errno(f, idle[i]), 0);
        close(idle[i]);
    }
    loop_run_for(f->responder.event, 1300000);
    assert_int_equal(f->responder.n_clients, 0);
    close(busy);
}

static void a_stalled_request_and_an_unread_reply_are_no_excuse(void **state)
{
    struct fixture *f = *state;
    int half = connect_as(f, 1000), deaf = connect_as(f, 1000), trickle = connect_as(f, 1000);

    f->responder.client_idle_usec = 400000;
    assert_int_equal(client_close_idle(&f->responder), 0); /* sets the timer anew */
    make(f, CMD_ECHO, "hello");
    send_bytes(half, f->out.bytes, 8);
    ask(f, deaf, CMD_BULK, NULL);
    make(f, CMD_ECHO, "a trickle of bytes is no activity");
    for (size_t i = 0; i < 10 && send(trickle, f->out.bytes + i, 1, MSG_NOSIGNAL) == 1; i++)
        loop_run_for(f->responder.event, 100000);
    assert_int_equal(send(trickle, "x", 1, MSG_NOSIGNAL), -1);
    loop_run_for(f->responder.event, 700000);
    assert_int_equal(f->responder.n_clients, 0);
    close(half);
    close(deaf);
    close(trickle);
}

static void a_request_in_work_outlives_the_limit(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000);

    f->responder.client_idle_usec = 200000;
    assert_int_equal(client_close_idle(&f->responder), 0);
    ask(f, fd, CMD_WAIT, NULL);
    loop_run_for(f->responder.event, 1000000);
    assert_non_null(waiting);
    packet_put_text(request_out(waiting), "at last");
    request_reply(waiting, 0);
    assert_string_equal(get_text(f, fd), "at last");
    loop_run_for(f->responder.event, 600000);
    assert_int_equal(f->responder.n_clients, 0);
    close(fd);
}

/* It would wait for five minutes on nothing. */
static void a_client_that_has_not_read_its_handshake_is_not_closed(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1000), other = connect_as(f, 1000);

    f->responder.client_idle_usec = 200000;
    assert_int_equal(client_close_idle(&f->responder), 0);
    ask(f, fd, CMD_GET_VERSION, NULL);
    ask(f, other, CMD_GET_VERSION, NULL);
    assert_int_equal(get_number(f, other), 3);
    loop_run_for(f->responder.event, 700000);
    assert_int_equal(f->responder.n_clients, 1);
    assert_int_equal(closing_errno(f, other), 0);
    assert_int_equal(get_number(f, fd), 3);
    ask(f, fd, CMD_ECHO, "late");
    assert_string_equal(get_text(f, fd), "late");
    close(fd);
    close(other);
}

static void a_request_has_a_name_for_the_log(void **state)
{
    struct fixture *f = *state;
    int fd = connect_as(f, 1234);

    ask(f, fd, CMD_ECHO, "a");
    assert_string_equal(get_text(f, fd), "a");
    ask(f, fd, CMD_WAIT, NULL);
    loop_settle(f->responder.event);
    assert_string_equal(request_log_name(waiting), "[2] uid=1234 wait");
    close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_version_that_we_have_is_agreed_to),
        TEST(another_version_is_offered_our_first),
        TEST(a_client_counts_as_served_after_its_first_request),
        TEST(requests_are_served_without_a_handshake),
        TEST(a_header_may_come_alone),
        TEST(a_request_may_come_byte_after_byte),
        TEST(a_request_may_be_nothing_but_its_header),
        TEST(requests_sent_together_are_answered_in_order),
        TEST(what_comes_behind_a_request_in_work_waits),
        TEST(requests_up_to_their_limit_are_served_and_longer_ones_closed),
        TEST(a_length_below_the_headers_own_is_closed),
        TEST(a_giant_length_is_closed_before_memory_is_taken),
        TEST(an_unknown_command_is_closed),
        TEST(a_large_request_leaves_nothing_for_the_next),
        TEST(an_error_becomes_a_status_and_the_connection_stays),
        TEST(a_malformed_request_of_a_strict_command_costs_the_connection),
        TEST(what_is_roots_is_refused_to_others),
        TEST(a_client_that_goes_away_cancels_what_it_waits_for),
        TEST(a_client_that_goes_away_between_requests_or_within_one_is_forgotten),
        TEST(a_client_that_went_before_its_reply_harms_nobody),
        TEST(a_client_that_is_given_up_is_told_to_ask_again),
        TEST(a_large_reply_reaches_a_slow_reader_whole),
        TEST(nothing_more_is_served_until_the_reply_is_out),
        TEST(the_room_of_a_large_reply_is_given_back),
        TEST(half_a_reply_that_is_never_read_ends_with_its_client),
        TEST(what_a_client_keeps_is_its_own_and_goes_with_it),
        TEST(connections_are_counted_for_each_user),
        TEST(a_request_sent_before_a_shutdown_is_still_answered),
        TEST(who_is_ended_in_the_batch_that_it_is_in_is_not_served),
        TEST(many_that_are_busy_leave_others_their_turn),
        TEST(one_that_is_always_busy_leaves_others_their_turn),
        TEST(idle_clients_hold_no_buffer),
        TEST(who_does_not_read_waits_for_its_share_and_nobody_else_does),
        TEST(who_waits_for_one_that_stalls_is_rid_of_it),
        TEST(with_too_much_unread_whoever_has_most_loses_it),
        TEST(replies_in_the_kernel_are_charged_until_they_are_read),
        TEST(who_reads_is_never_charged),
        TEST(requests_in_work_are_shared_and_those_above_wait),
        TEST(a_client_that_waits_for_its_share_is_told_to_ask_again),
        TEST(a_shared_reply_is_charged_to_nobody),
        TEST(whose_connection_is_closed_is_the_one_that_minds_least),
        TEST(idle_clients_are_closed_after_the_limit_and_not_before),
        TEST(a_stalled_request_and_an_unread_reply_are_no_excuse),
        TEST(a_request_in_work_outlives_the_limit),
        TEST(a_client_that_has_not_read_its_handshake_is_not_closed),
        TEST(a_request_has_a_name_for_the_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
