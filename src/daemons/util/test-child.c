/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/child.h"

/* A byte in one of the pipes means "now". */
static void tell(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static bool is_told(int fd)
{
    char word;

    return read(fd, &word, 1) == 1;
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *userdata)
{
    sd_event *event = sd_event_source_get_event(source);
    int *exit_code = userdata;

    *exit_code = info->si_status;
    (void) sd_event_source_set_enabled(source, SD_EVENT_OFF); /* it is a child's */
    return sd_event_exit(event, 0);
}

static int on_guard(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void) usec;
    (void) userdata;
    return sd_event_exit(sd_event_source_get_event(source), 1);
}

static sd_event *new_loop(void)
{
    sd_event *event = NULL;
    sigset_t set;

    (void) sigemptyset(&set);
    (void) sigaddset(&set, SIGCHLD);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    assert_true(sd_event_new(&event) >= 0);
    assert_true(sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 20000000, 0, on_guard, NULL) >= 0);
    return event;
}

/* Exits with 3 once told. */
static pid_t start_child(int told_fd)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(is_told(told_fd) ? 3 : 4);
    return pid;
}

static void an_end_is_heard_of(void **state)
{
    sd_event *event = new_loop();
    sd_event_source *source = NULL;
    int exit_code = -1, to_child[2];
    pid_t pid;

    (void) state;
    assert_int_equal(pipe(to_child), 0);
    pid = start_child(to_child[0]);
    assert_int_equal(child_watch(event, &source, pid, on_end, &exit_code), 0);
    tell(to_child[1]);
    assert_int_equal(sd_event_loop(event), 0);
    assert_int_equal(exit_code, 3);
    sd_event_source_unref(source);
    sd_event_unref(event);
    (void) close(to_child[0]); /* only read */
    (void) close(to_child[1]); /* all is said */
}

/* The part of a tracer that takes its time: exits with 0, or 1 if it may not trace. */
static int trace(pid_t pid, int ready_fd)
{
    siginfo_t info;

    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || write(ready_fd, "x", 1) != 1)
        return 1;
    /* It has ended and is not taken: nobody else can see that. */
    if (waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT) < 0)
        return 2;
    (void) usleep(300000); /* no more is needed than that the other looks meanwhile */
    return waitpid(pid, NULL, 0) == pid ? 0 : 3;
}

static void an_end_is_heard_of_after_a_tracer_has(void **state)
{
    sd_event *event = new_loop();
    sd_event_source *source = NULL;
    int exit_code = -1, status, to_child[2], to_us[2];
    pid_t pid, tracer;

    (void) state;
    assert_int_equal(pipe(to_child), 0);
    pid = start_child(to_child[0]);
    assert_int_equal(pipe(to_us), 0);
    tracer = fork();
    assert_true(tracer >= 0);
    if (tracer == 0)
        _exit(trace(pid, to_us[1]));
    (void) close(to_us[1]); /* the tracer's alone: if it may not trace, the next read sees its end */
    if (!is_told(to_us[0])) {
        (void) kill(pid, SIGKILL); /* our child */
        skip();
    }
    assert_int_equal(child_watch(event, &source, pid, on_end, &exit_code), 0);
    tell(to_child[1]);
    assert_int_equal(sd_event_loop(event), 0);
    assert_int_equal(exit_code, 3);
    assert_int_equal(waitpid(tracer, &status, 0), tracer);
    assert_int_equal(status, 0);
    sd_event_source_unref(source);
    sd_event_unref(event);
    (void) close(to_us[0]); /* only read */
    (void) close(to_child[0]);
    (void) close(to_child[1]); /* all is said */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_is_heard_of),
        cmocka_unit_test(an_end_is_heard_of_after_a_tracer_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
