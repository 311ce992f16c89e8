/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of pair.c: two socket pairs with the copier between them, in a process of its own. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/pair.h"
#include "test/fixture.h"

#define BIG (8U << 20)

static int client, engine; /* our ends */
static pid_t copier;

static void start_pair(int answer_msec, int idle_msec)
{
    const struct pair_limits limits = { .answer_msec = answer_msec, .idle_msec = idle_msec };
    int clients[2], engines[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, clients), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, engines), 0);
    copier = fork();
    assert_true(copier >= 0);
    if (copier == 0) {
        (void) close(clients[0]);
        (void) close(engines[0]);
        _exit(-pair_run(clients[1], engines[1], &limits));
    }
    (void) close(clients[1]);
    (void) close(engines[1]);
    client = clients[0];
    engine = engines[0];
}

static void end_pair(int status)
{
    assert_int_equal(exit_status_of(copier), status);
    copier = 0;
    (void) close(client);
    (void) close(engine);
}

static int pair_leave(void **state)
{
    if (copier > 0) {
        (void) kill(copier, SIGKILL); /* the test failed */
        (void) exit_status_of(copier);
        copier = 0;
    }
    return folder_leave(state);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, folder_enter, pair_leave)

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hear(int fd, const char *text)
{
    char heard[64];

    assert_int_equal(recv(fd, heard, strlen(text), MSG_WAITALL), strlen(text));
    assert_memory_equal(heard, text, strlen(text));
}

static bool hears_the_end(int fd)
{
    char byte;

    return recv(fd, &byte, 1, 0) <= 0;
}

static void ask_and_answer(const char *question, const char *answer)
{
    say(client, question);
    hear(engine, question);
    say(engine, answer);
    hear(client, answer);
}

static double cpu_seconds(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
    return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void words_pass_both_ways(void **state)
{
    (void) state;
    start_pair(60000, 60000);
    ask_and_answer("hello", "you too");
    say(engine, "unasked");
    hear(client, "unasked");
    ask_and_answer("again", "yes");
    (void) close(client);
    assert_true(hears_the_end(engine));
    (void) close(engine);
    end_pair(0);
}

static void an_engine_that_closes_ends_the_pair_after_its_last_word(void **state)
{
    (void) state;
    start_pair(60000, 60000);
    ask_and_answer("hello", "you too");
    say(engine, "last");
    (void) close(engine);
    hear(client, "last");
    assert_true(hears_the_end(client));
    end_pair(0);
}

static void a_client_that_has_said_all_is_still_answered(void **state)
{
    (void) state;
    start_pair(60000, 60000);
    say(client, "question");
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    hear(engine, "question");
    assert_true(hears_the_end(engine));
    say(engine, "answer");
    (void) close(engine);
    hear(client, "answer");
    end_pair(0);
}

static void a_client_that_dies_ends_the_pair(void **state)
{
    (void) state;
    start_pair(60000, 60000);
    say(client, "question");
    hear(engine, "question");
    (void) close(client);
    assert_true(hears_the_end(engine));
    say(engine, "too late");
    end_pair(EPIPE);
}

static void an_engine_that_dies_ends_the_pair(void **state)
{
    (void) state;
    start_pair(60000, 60000);
    say(client, "question");
    (void) poll(NULL, 0, 20);
    (void) close(engine); /* unread: the other end sees a reset */
    assert_true(hears_the_end(client));
    end_pair(0);
}

/* Fills one end from a child while the other is read slowly, and compares. */
static void send_much(int from, int to, bool slowly)
{
    static char bytes[BIG], heard[BIG];
    size_t used = 0;
    pid_t pid;

    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (size_t i = 0; i < BIG; i++)
            bytes[i] = (char) (i * 2654435761U >> 13);
        for (size_t at = 0; at < BIG;) {
            ssize_t n = send(from, bytes + at, BIG - at, MSG_NOSIGNAL);

            if (n < 0)
                _exit(1);
            at += (size_t) n;
        }
        _exit(0);
    }

    while (used < BIG) {
        ssize_t n = recv(to, heard + used, slowly ? 20000 : BIG - used, 0);

        assert_true(n > 0);
        used += (size_t) n;
        if (slowly && used % 7 == 0)
            (void) poll(NULL, 0, 1);
    }
    assert_int_equal(exit_status_of(pid), 0);
    for (size_t i = 0; i < BIG; i++)
        if (heard[i] != (char) (i * 2654435761U >> 13))
            fail_msg("byte %zu is another", i);
}

static void much_passes_both_ways_also_to_a_slow_reader(void **state)
{
    (void) state;
    start_pair(60000, 60000);
    send_much(client, engine, false);
    send_much(engine, client, false);
    send_much(client, engine, true);
    send_much(engine, client, true);
    (void) close(client);
    (void) close(engine);
    end_pair(0);
}

static void much_passes_both_ways_at_once(void **state)
{
    pid_t pid;

    (void) state;
    start_pair(60000, 60000);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        send_much(client, engine, false);
        exit(0);
    }
    send_much(engine, client, true);
    assert_int_equal(exit_status_of(pid), 0);
    (void) close(client);
    (void) close(engine);
    end_pair(0);
}

static void an_idle_connection_is_left_so_that_the_next_send_fails(void **state)
{
    uint64_t before;

    (void) state;
    start_pair(60000, 100);
    ask_and_answer("handshake", "yes");
    ask_and_answer("question", "answer");
    before = msec_now();
    assert_true(hears_the_end(client));
    assert_in_range(msec_now() - before, 90, 30000);
    assert_int_equal(send(client, "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    assert_true(hears_the_end(engine));
    end_pair(0);
}

static void a_connection_with_only_a_handshake_is_not_idle(void **state)
{
    struct pollfd polled;

    (void) state;
    start_pair(60000, 20);
    ask_and_answer("handshake", "yes");
    polled = (struct pollfd) { .fd = client, .events = POLLIN };
    assert_int_equal(poll(&polled, 1, 300), 0);
    ask_and_answer("question", "answer");
    assert_true(hears_the_end(client));
    end_pair(0);
}

static void who_waits_for_an_answer_is_not_idle_but_not_kept_for_ever(void **state)
{
    struct pollfd polled;

    (void) state;
    start_pair(600, 20);
    ask_and_answer("handshake", "yes");
    say(client, "question");
    hear(engine, "question");
    polled = (struct pollfd) { .fd = client, .events = POLLIN };
    assert_int_equal(poll(&polled, 1, 300), 0);
    assert_true(hears_the_end(client));
    end_pair(ETIMEDOUT);
}

static void what_was_sent_as_the_connection_is_left_is_answered(void **state)
{
    (void) state;
    start_pair(60000, 100);
    ask_and_answer("handshake", "yes");
    ask_and_answer("question", "answer");
    /* Halted while its time passes, it finds both at once: a limit that is over and a request. */
    assert_int_equal(kill(copier, SIGSTOP), 0);
    (void) poll(NULL, 0, 300);
    say(client, "late");
    assert_int_equal(kill(copier, SIGCONT), 0);
    hear(engine, "late");
    say(engine, "served");
    hear(client, "served");
    assert_true(hears_the_end(client));
    end_pair(0);
}

static void a_half_closed_pair_costs_no_time(void **state)
{
    double before = cpu_seconds();

    (void) state;
    start_pair(60000, 60000);
    say(client, "question");
    hear(engine, "question");
    (void) close(client);
    assert_true(hears_the_end(engine));
    (void) poll(NULL, 0, 500);
    (void) close(engine);
    end_pair(0);
    assert_true(cpu_seconds() - before < 0.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(words_pass_both_ways),
        WITH_PAIR(an_engine_that_closes_ends_the_pair_after_its_last_word),
        WITH_PAIR(a_client_that_has_said_all_is_still_answered),
        WITH_PAIR(a_client_that_dies_ends_the_pair),
        WITH_PAIR(an_engine_that_dies_ends_the_pair),
        WITH_PAIR(much_passes_both_ways_also_to_a_slow_reader),
        WITH_PAIR(much_passes_both_ways_at_once),
        WITH_PAIR(an_idle_connection_is_left_so_that_the_next_send_fails),
        WITH_PAIR(a_connection_with_only_a_handshake_is_not_idle),
        WITH_PAIR(who_waits_for_an_answer_is_not_idle_but_not_kept_for_ever),
        WITH_PAIR(what_was_sent_as_the_connection_is_left_is_answered),
        WITH_PAIR(a_half_closed_pair_costs_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
