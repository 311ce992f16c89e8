/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of finish.c: a small responder with a real listener. */

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/fixture.h"
#include "tools/finish.h"

#define FEW 5

static int listeners[2];
static pid_t engines[2];

static int finish_enter(void **state)
{
    memset(engines, 0, sizeof(engines));
    if (folder_enter(state) < 0)
        return -1;
    listeners[0] = listener_at(at("a"));
    listeners[1] = listener_at(at("b"));
    return 0;
}

static int finish_leave(void **state)
{
    for (int i = 0; i < 2; i++) {
        if (engines[i] > 0) {
            (void) kill(engines[i], SIGKILL); /* as it is to be stopped afterwards */
            (void) exit_status_of(engines[i]);
        }
        (void) close(listeners[i]);
    }
    return folder_leave(state);
}

#define WITH_LISTENERS(test) cmocka_unit_test_setup_teardown(test, finish_enter, finish_leave)

/* Serves one client after another, each as slowly as told; or nobody. */
static void start_engine(int i, int msec)
{
    engines[i] = fork();
    assert_true(engines[i] >= 0);
    if (engines[i] == 0)
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive a test that fails */
    while (engines[i] == 0) {
        int client = msec < 0 ? -1 : accept(listeners[i], NULL, NULL);

        (void) poll(NULL, 0, msec < 0 ? 1000 : msec);
        if (client >= 0) {
            (void) !write(client, "served", 6); /* the test sees it */
            (void) close(client);
        }
    }
}

static bool is_served_soon(int client)
{
    struct pollfd polled = { .fd = client, .events = POLLIN };

    return poll(&polled, 1, 0) == 1 && is_served(client, "served");
}

static void queues_are_served_first(void **state)
{
    int clients[2][FEW];

    (void) state;
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < FEW; k++)
            clients[i][k] = client_of(at(i == 0 ? "a" : "b"));
    start_engine(0, 60);
    start_engine(1, 60);
    finish(engines, 2);

    for (int i = 0; i < 2; i++)
        for (int k = 0; k < FEW; k++)
            assert_true(is_served_soon(clients[i][k]));
}

static void an_engine_that_takes_nobody_is_not_waited_for_long(void **state)
{
    uint64_t before = msec_now();

    (void) state;
    (void) client_of(at("a"));
    (void) client_of(at("b"));
    start_engine(0, -1);
    start_engine(1, -1);
    finish(engines, 2);
    assert_uint_in_range(msec_now() - before, 2900, 30000);
}

static void an_engine_that_is_gone_is_finished(void **state)
{
    pid_t gone = fork();

    (void) state;
    assert_true(gone >= 0);
    if (gone == 0)
        _exit(0);
    assert_int_equal(exit_status_of(gone), 0);
    finish(&gone, 1);
    finish(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LISTENERS(queues_are_served_first),
        WITH_LISTENERS(an_engine_that_takes_nobody_is_not_waited_for_long),
        WITH_LISTENERS(an_engine_that_is_gone_is_finished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
