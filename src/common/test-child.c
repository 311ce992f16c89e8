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

#include "common/child.h"

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

struct fixture {
    sd_event *event;
    sd_event_source *source;
    pid_t pid; /* exits with 3 once told */
    int to_child[2], exit_code;
};

static int on_end(sd_event_source *source, const siginfo_t *info, void *userdata)
{
    struct fixture *f = userdata;

    f->source = sd_event_source_disable_unref(source);
    f->exit_code = info->si_status;
    return sd_event_exit(f->event, 0);
}

static int on_guard(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void) usec;
    (void) userdata;
    return sd_event_exit(sd_event_source_get_event(source), 1);
}

static int setup(void **state)
{
    static struct fixture f;
    sigset_t set;

    f = (struct fixture) { .exit_code = -1 };
    *state = &f;
    (void) sigemptyset(&set);
    (void) sigaddset(&set, SIGCHLD);
    assert_return_code(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    assert_true(sd_event_new(&f.event) >= 0);
    assert_true(sd_event_add_time_relative(f.event, NULL, CLOCK_MONOTONIC, 20000000, 0, on_guard, NULL) >= 0);
    assert_int_equal(pipe(f.to_child), 0);
    f.pid = fork();
    assert_true(f.pid >= 0);
    if (f.pid == 0)
        _exit(is_told(f.to_child[0]) ? 3 : 4);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    if (f->exit_code < 0) {
        (void) kill(f->pid, SIGKILL); /* our child; nobody has taken it yet */
        (void) waitpid(f->pid, NULL, 0);
    }
    sd_event_source_disable_unref(f->source);
    sd_event_unref(f->event);
    (void) close(f->to_child[0]); /* only read */
    (void) close(f->to_child[1]); /* all is said */
    return 0;
}

static void check_its_end_is_heard_of(struct fixture *f)
{
    assert_int_equal(child_watch(f->event, &f->source, f->pid, on_end, f), 0);
    tell(f->to_child[1]);
    assert_int_equal(sd_event_loop(f->event), 0);
    assert_int_equal(f->exit_code, 3);
}

static void an_end_is_heard_of(void **state)
{
    check_its_end_is_heard_of(*state);
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
    struct fixture *f = *state;
    int status, to_us[2];
    bool may_trace;
    pid_t tracer;

    assert_int_equal(pipe(to_us), 0);
    tracer = fork();
    assert_true(tracer >= 0);
    if (tracer == 0)
        _exit(trace(f->pid, to_us[1]));
    (void) close(to_us[1]); /* the tracer's alone: if it may not trace, the next read sees its end */
    may_trace = is_told(to_us[0]);
    (void) close(to_us[0]); /* only read */
    if (may_trace)
        check_its_end_is_heard_of(f);
    assert_int_equal(waitpid(tracer, &status, 0), tracer);
    if (!may_trace)
        skip();
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_end_is_heard_of, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_is_heard_of_after_a_tracer_has, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
