/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of refuse.c, with real sockets and clients. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/refuse.h"
#include "test/fixture.h"

#define SOON 30000     /* usec: when nothing is to come */
#define NEVER 50000000 /* usec: when something ends it before */
#define OVER 7         /* what it is answered then */

/* Is asked again and again; what happens meanwhile happens at one of these questions. */
struct asked {
    int times;
    int of_clients;           /* of them, those for which one waited */
    int over_at;              /* the question answered yes, 0: none */
    int comes_at, takes_at;   /* the question at which a client comes, at which somebody else takes one; 0: none */
    int listener;
    int late_client;
    int event[2];             /* a pipe, of which each question takes in a byte; 0: none */
    int event_from;           /* the question from which on there is this to look at */
};

static int event_of(void *userdata)
{
    const struct asked *asked = userdata;

    return asked->event[0] > 0 && asked->times >= asked->event_from ? asked->event[0] : -1;
}

static int no_event(void *userdata)
{
    (void) userdata;
    return -1;
}

static int is_over(void *userdata, bool client_waits)
{
    struct asked *asked = userdata;
    char byte;

    asked->times++;
    asked->of_clients += client_waits;
    if (asked->event[0] > 0 && read(asked->event[0], &byte, 1) < 0)
        assert_int_equal(errno, EAGAIN); /* there is no more */
    if (asked->times == asked->comes_at)
        asked->late_client = client_of(at("a"));
    if (asked->times == asked->takes_at)
        (void) close(accept_now(asked->listener));
    return asked->over_at > 0 && asked->times >= asked->over_at ? OVER : 0;
}

static int is_never_over(void *userdata, bool client_waits)
{
    (void) userdata;
    (void) client_waits;
    return 0;
}

static void clients_are_refused_within_100_ms(void **state)
{
    struct sockets sockets = { .fds = { listener_at(at("a")) }, .n = 1 };
    uint64_t quickest = UINT64_MAX;
    pid_t pid = fork();

    (void) state;
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(refuse_clients(&sockets, NEVER, no_event, is_never_over, NULL) == 0 ? 0 : 1);

    /* On a loaded machine a single one can be late for reasons of its own. */
    for (int i = 0; i < 5; i++) {
        uint64_t before = msec_now(), took;
        int client = client_of(at("a"));

        (void) send(client, "hello", 5, MSG_NOSIGNAL); /* it may be gone already */
        assert_true(is_refused(client));
        took = msec_now() - before;
        quickest = took < quickest ? took : quickest;
    }
    assert_true(quickest < 100);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(exit_status_of(pid), 256 + SIGKILL);
    (void) close(sockets.fds[0]);
}

static void all_who_wait_are_refused_until_the_time_is_up(void **state)
{
    struct sockets sockets = { .fds = { listener_at(at("a")), listener_at(at("b")) }, .n = 2 };
    int clients[] = { client_of(at("a")), client_of(at("b")), client_of(at("a")) };
    struct asked asked = { 0 };
    uint64_t before = msec_now();

    (void) state;
    assert_int_equal(refuse_clients(&sockets, SOON, event_of, is_over, &asked), 0);
    assert_true(msec_now() - before >= SOON / 1000);
    for (size_t i = 0; i < N_OF(clients); i++)
        assert_true(is_refused(clients[i]));
    assert_true(asked.times >= 3);
    assert_int_equal(asked.of_clients, 3);
    (void) close(sockets.fds[0]);
    (void) close(sockets.fds[1]);
}

static void no_time_is_up_at_once(void **state)
{
    struct sockets sockets = { .fds = { listener_at(at("a")) }, .n = 1 };
    int client = client_of(at("a")), taken;
    struct asked asked = { 0 };

    (void) state;
    assert_int_equal(refuse_clients(&sockets, 0, event_of, is_over, &asked), 0);
    assert_int_equal(asked.times, 0);
    taken = accept_now(sockets.fds[0]);
    assert_true(taken >= 0);
    (void) close(taken);
    (void) close(client);
    (void) close(sockets.fds[0]);
}

/* The questions, with one client in the queue from the start: 1 before the wait, 2 before its accept, 3 before the
 * next wait, 4 before the next accept. */
static void who_comes_after_it_is_over_stays_in_the_queue(void **state)
{
    static const struct {
        const char *label;
        int comes_at, over_at;
        bool first_is_refused;
    } rows[] = {
        { "over before the wait", 1, 1, false },
        { "over between wait and accept", 2, 2, false },
        { "over after the first was refused", 3, 3, true },
        { "over as the next one waits", 3, 4, true },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct sockets sockets = { .fds = { listener_at(at("a")) }, .n = 1 };
        struct asked asked = { .comes_at = rows[i].comes_at, .over_at = rows[i].over_at };
        int first = client_of(at("a")), taken;

        print_message("  %s\n", rows[i].label);
        assert_int_equal(refuse_clients(&sockets, NEVER, event_of, is_over, &asked), OVER);
        assert_int_equal(asked.times, rows[i].over_at);
        assert_int_equal(asked.of_clients, rows[i].over_at / 2);

        if (rows[i].first_is_refused) {
            assert_true(is_refused(first));
        } else {
            taken = accept_now(sockets.fds[0]);
            assert_int_equal(write(taken, "first", 5), 5);
            (void) close(taken);
            assert_true(is_served(first, "first"));
        }
        taken = accept_now(sockets.fds[0]);
        assert_int_equal(write(taken, "late", 4), 4);
        (void) close(taken);
        assert_true(is_served(asked.late_client, "late"));
        (void) close(sockets.fds[0]);
        assert_int_equal(unlink("a"), 0);
    }
}

static void it_is_asked_for_each_of_two_sockets(void **state)
{
    struct sockets sockets = { .fds = { listener_at(at("a")), listener_at(at("b")) }, .n = 2 };
    int first = client_of(at("a")), second = client_of(at("b")), taken;
    struct asked asked = { .over_at = 3 }; /* before the wait, for the first, for the second */

    (void) state;
    assert_int_equal(refuse_clients(&sockets, NEVER, event_of, is_over, &asked), OVER);
    assert_true(is_refused(first));
    taken = accept_now(sockets.fds[1]);
    assert_int_equal(write(taken, "b", 1), 1);
    (void) close(taken);
    assert_true(is_served(second, "b"));
    (void) close(sockets.fds[0]);
    (void) close(sockets.fds[1]);
}

static void an_event_ends_the_wait_for_clients(void **state)
{
    static const struct {
        const char *label;
        int comes_at, event_from, over_at;
    } rows[] = {
        { "it makes an end", 0, 0, 2 },
        { "the third makes an end", 0, 0, 4 },
        { "there was nothing to look at before a client came", 1, 3, 4 },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct sockets sockets = { .fds = { listener_at(at("a")) }, .n = 1 };
        struct asked asked = { .comes_at = rows[i].comes_at, .event_from = rows[i].event_from, .over_at = rows[i].over_at };

        print_message("  %s\n", rows[i].label);
        assert_int_equal(pipe2(asked.event, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(write(asked.event[1], "xxxx", 4), 4);
        assert_int_equal(refuse_clients(&sockets, NEVER, event_of, is_over, &asked), OVER);
        assert_int_equal(asked.times, rows[i].over_at);
        if (asked.late_client > 0)
            assert_true(is_refused(asked.late_client));
        (void) close(asked.event[0]);
        (void) close(asked.event[1]);
        (void) close(sockets.fds[0]);
        assert_int_equal(unlink("a"), 0);
    }
}

static void an_event_that_ends_nothing_is_none(void **state)
{
    struct sockets sockets = { .fds = { listener_at(at("a")) }, .n = 1 };
    struct asked asked = { .comes_at = 3 };
    uint64_t before = msec_now();

    (void) state;
    assert_int_equal(pipe2(asked.event, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(asked.event[1], "xxx", 3), 3);
    assert_int_equal(refuse_clients(&sockets, SOON, event_of, is_over, &asked), 0);
    assert_true(msec_now() - before >= SOON / 1000);
    assert_true(is_refused(asked.late_client));
    assert_uint_in_range(asked.times, 4, 8); /* it waits between them */
    (void) close(asked.event[0]);
    (void) close(asked.event[1]);
    (void) close(sockets.fds[0]);
}

static void a_client_of_the_second_socket_alone_is_refused(void **state)
{
    struct sockets sockets = { .fds = { listener_at(at("a")), listener_at(at("b")) }, .n = 2 };
    int client = client_of(at("b"));

    (void) state;
    assert_int_equal(refuse_clients(&sockets, SOON, no_event, is_never_over, NULL), 0);
    assert_true(is_refused(client));
    (void) close(sockets.fds[0]);
    (void) close(sockets.fds[1]);
}

static void a_client_that_somebody_else_took_does_not_matter(void **state)
{
    struct sockets sockets = { .fds = { listener_at(at("a")) }, .n = 1 };
    struct asked asked = { .takes_at = 2, .listener = sockets.fds[0], .comes_at = 3 };
    int client = client_of(at("a"));

    (void) state;
    assert_int_equal(fcntl(sockets.fds[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(refuse_clients(&sockets, SOON, event_of, is_over, &asked), 0);
    assert_true(is_refused(client));
    assert_true(is_refused(asked.late_client));
    (void) close(sockets.fds[0]);
}

static void a_client_that_left_does_not_matter(void **state)
{
    struct sockets sockets = { .fds = { listener_at(at("a")) }, .n = 1 };
    int client;

    (void) state;
    (void) close(client_of(at("a")));
    client = client_of(at("a"));
    assert_int_equal(refuse_clients(&sockets, SOON, no_event, is_never_over, NULL), 0);
    assert_true(is_refused(client));
    (void) close(sockets.fds[0]);
}

static int refuse_interrupted(void *userdata)
{
    struct asked asked = { .comes_at = 20 }; /* after quite some of them */
    int r;

    interrupt_often();
    r = refuse_clients(userdata, 300000, event_of, is_over, &asked);
    if (r < 0)
        return -r;
    return interruptions() > 5 && asked.late_client > 0 && is_refused(asked.late_client) ? 0 : 255;
}

static void signals_do_not_disturb(void **state)
{
    struct sockets sockets = { .fds = { listener_at(at("a")) }, .n = 1 };

    (void) state;
    assert_int_equal(in_child(refuse_interrupted, &sockets), 0);
    (void) close(sockets.fds[0]);
}

static int refuse_with_limit(struct sockets *sockets, rlim_t descriptors)
{
    struct rlimit limit, before;
    int r;

    if (getrlimit(RLIMIT_NOFILE, &before) < 0)
        return 255;
    limit = (struct rlimit) { .rlim_cur = descriptors, .rlim_max = before.rlim_max };
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 255;
    r = refuse_clients(sockets, NEVER, no_event, is_never_over, NULL);
    return setrlimit(RLIMIT_NOFILE, &before) < 0 ? 255 : -r;
}

static int refuse_without_descriptors(void *userdata)
{
    struct sockets *sockets = userdata;

    /* Nothing below the socket is free, nothing above it allowed. */
    while (dup(STDIN_FILENO) < sockets->fds[0])
        ;
    return refuse_with_limit(sockets, (rlim_t) sockets->fds[0] + 1);
}

static int refuse_without_any_descriptor(void *userdata)
{
    return refuse_with_limit(userdata, 0);
}

static void without_descriptors_nobody_is_refused(void **state)
{
    struct sockets sockets = { .fds = { listener_at(at("a")) }, .n = 1 };
    int client = client_of(at("a")), taken;

    (void) state;
    assert_int_equal(in_child(refuse_without_descriptors, &sockets), EMFILE);
    assert_int_equal(in_child(refuse_without_any_descriptor, &sockets), EINVAL); /* poll's answer */
    taken = accept_now(sockets.fds[0]);
    assert_true(taken >= 0);
    (void) close(taken);
    (void) close(client);
    (void) close(sockets.fds[0]);
}

static void who_waits_right_now_is_told_on_every_listening_socket(void **state)
{
    int listener = listener_at(at("a")), datagram = socket_at(at("b"), SOCK_DGRAM, false);
    int last = listener_at(at("c")), clients[] = { client_of(at("a")), client_of(at("a")), client_of(at("c")) };
    const int first = 100;

    (void) state;
    assert_int_equal(dup2(listener, first), first);
    assert_int_equal(dup2(datagram, first + 1), first + 1);
    assert_int_equal(dup2(last, first + 3), first + 3); /* nothing is open before it */
    refuse_waiting(first, 4);
    for (size_t i = 0; i < N_OF(clients); i++)
        assert_true(is_refused(clients[i]));
    assert_int_equal(accept_now(listener), -1);
    refuse_waiting(first, 4); /* with nobody there it does not wait */
    refuse_waiting(first, 0);
    (void) close(listener);
    (void) close(datagram);
    (void) close(last);
    (void) close(first);
    (void) close(first + 1);
    (void) close(first + 3);
}

static int tell_without_descriptors(void *userdata)
{
    struct rlimit limit, before;
    int *listener = userdata;

    while (dup(STDIN_FILENO) < *listener)
        ;
    if (getrlimit(RLIMIT_NOFILE, &before) < 0)
        return 1;
    limit = (struct rlimit) { .rlim_cur = (rlim_t) *listener + 1, .rlim_max = before.rlim_max };
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1;
    refuse_waiting(*listener, 1);
    return setrlimit(RLIMIT_NOFILE, &before) < 0 ? 1 : 0;
}

static void without_descriptors_it_gives_up_at_once(void **state)
{
    int listener = listener_at(at("a")), client = client_of(at("a")), taken;

    (void) state;
    assert_int_equal(in_child(tell_without_descriptors, &listener), 0);
    taken = accept_now(listener);
    assert_true(taken >= 0);
    (void) close(taken);
    (void) close(client);
    (void) close(listener);
}

static void a_descriptor_that_is_not_open_is_an_error(void **state)
{
    struct sockets sockets = { .fds = { 500 }, .n = 1 };

    (void) state;
    assert_int_equal(refuse_clients(&sockets, NEVER, no_event, is_never_over, NULL), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(clients_are_refused_within_100_ms),
        IN_FOLDER(all_who_wait_are_refused_until_the_time_is_up),
        IN_FOLDER(no_time_is_up_at_once),
        IN_FOLDER(who_comes_after_it_is_over_stays_in_the_queue),
        IN_FOLDER(it_is_asked_for_each_of_two_sockets),
        IN_FOLDER(an_event_ends_the_wait_for_clients),
        IN_FOLDER(an_event_that_ends_nothing_is_none),
        IN_FOLDER(a_client_of_the_second_socket_alone_is_refused),
        IN_FOLDER(a_client_that_somebody_else_took_does_not_matter),
        IN_FOLDER(a_client_that_left_does_not_matter),
        IN_FOLDER(signals_do_not_disturb),
        IN_FOLDER(without_descriptors_nobody_is_refused),
        IN_FOLDER(who_waits_right_now_is_told_on_every_listening_socket),
        IN_FOLDER(without_descriptors_it_gives_up_at_once),
        cmocka_unit_test(a_descriptor_that_is_not_open_is_an_error),
    };

    return cmocka_run_group_tests_name("refuse", tests, NULL, NULL);
}
