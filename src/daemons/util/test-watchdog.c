/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/test-cmocka.h"
#include "util/watchdog.h"

#define PERIOD_USEC 20000

static void spin(uint64_t usec)
{
    for (uint64_t end = now_usec() + usec; now_usec() < end;)
        ;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void) usec;
    (void) userdata;
    return sd_event_exit(sd_event_source_get_event(source), 7);
}

/* Runs a loop for a second; before that it is stuck for a time, with or without a watchdog. */
static int live(uint64_t stuck_usec, uint64_t period_usec)
{
    sd_event *event = NULL;
    int r;

    if (sd_event_new(&event) < 0 || watchdog_start(event, period_usec) < 0)
        return 1;
    if (sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 1000000, 0, on_time, NULL) < 0)
        return 2;
    spin(stuck_usec);
    r = sd_event_loop(event);
    watchdog_stop();
    (void) sd_event_unref(event);
    return r;
}

static int exit_code_of(uint64_t stuck_usec, uint64_t period_usec, char *told, size_t told_bytes)
{
    int status, fds[2];
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void) dup2(fds[1], STDERR_FILENO); /* seen by what is told */
        _exit(live(stuck_usec, period_usec));
    }
    (void) close(fds[1]); /* the child's */
    n = read(fds[0], told, told_bytes - 1);
    told[n > 0 ? n : 0] = '\0';
    (void) close(fds[0]); /* read to its end */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_loop_that_comes_round_lives(void **state)
{
    char told[256];

    (void) state;
    assert_int_equal(exit_code_of(0, 200000, told, sizeof(told)), 7);
    assert_string_equal(told, "");
}

static void a_stuck_loop_is_ended_and_says_so(void **state)
{
    char told[256];

    (void) state;
    assert_int_equal(exit_code_of(5000000, PERIOD_USEC, told, sizeof(told)), 70);
    assert_non_null(strstr(told, "stuck for 3 periods of 20 ms"));
}

static void without_a_period_nobody_watches(void **state)
{
    char told[256];

    (void) state;
    assert_int_equal(exit_code_of(10 * PERIOD_USEC, 0, told, sizeof(told)), 7);
    assert_string_equal(told, "");
}

static void a_frozen_process_lives_on(void **state)
{
    const struct timespec frozen = { .tv_nsec = 900000000 }, awhile = { .tv_nsec = 100000000 };
    int status;
    pid_t pid;

    (void) state;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(live(0, 200000));
    (void) nanosleep(&awhile, NULL); /* a shorter one does no harm */
    assert_int_equal(kill(pid, SIGSTOP), 0);
    (void) nanosleep(&frozen, NULL);
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

/* Scenario 31: who is frozen cannot end itself, and systemd can. */
static void systemd_is_told_how_long_and_of_each_round(void **state)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    char message[64], told[256];
    unsigned rounds = 0;
    ssize_t n;
    int fd;

    (void) state;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void) snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "test-watchdog-%ld", (long) getpid()); /* abstract: no file */
    assert_return_code(bind(fd, (struct sockaddr *) &name, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 +
                                                                        strlen(name.sun_path + 1))), errno);
    name.sun_path[0] = '@';
    assert_return_code(setenv("NOTIFY_SOCKET", name.sun_path, 1), errno);
    assert_int_equal(exit_code_of(0, 200000, told, sizeof(told)), 7);
    assert_return_code(unsetenv("NOTIFY_SOCKET"), errno);

    n = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);
    message[n > 0 ? n : 0] = '\0';
    assert_string_equal(message, "WATCHDOG_USEC=800000");
    for (; (n = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT)) > 0; rounds++) {
        message[n] = '\0';
        assert_string_equal(message, "WATCHDOG=1");
    }
    assert_uint_in_range(rounds, 1, 5); /* of a second; the host may be busy */
    (void) close(fd);              /* nothing was written through it */
}

static void a_stopped_one_can_be_started_again(void **state)
{
    sd_event *event = NULL;

    (void) state;
    assert_true(sd_event_new(&event) >= 0);
    assert_int_equal(watchdog_start(event, 1000000), 0);
    assert_int_equal(watchdog_start(event, 2000000), 0);
    watchdog_stop();
    watchdog_stop();
    sd_event_unref(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_comes_round_lives),
        cmocka_unit_test(a_stuck_loop_is_ended_and_says_so),
        cmocka_unit_test(without_a_period_nobody_watches),
        cmocka_unit_test(a_frozen_process_lives_on),
        cmocka_unit_test(systemd_is_told_how_long_and_of_each_round),
        cmocka_unit_test(a_stopped_one_can_be_started_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
