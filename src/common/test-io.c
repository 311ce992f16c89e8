/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/io.h"

/* More than a pipe holds: neither side has it in one piece. */
static char sent[300000], got[sizeof(sent) + 1];

static void what_comes_in_pieces_is_read_whole(void **state)
{
    int fds[2], status;
    pid_t pid;

    (void) state;
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char) (i / 7);
    assert_return_code(pipe(fds), errno);
    pid = fork();
    assert_return_code(pid, errno);
    if (pid == 0) {
        (void) close(fds[0]);
        _exit(io_write(fds[1], sent, sizeof(sent)) == 0 ? 0 : 1);
    }
    (void) close(fds[1]);
    assert_int_equal(io_read(fds[0], got, 1000), 1000);
    assert_int_equal(io_read(fds[0], got + 1000, sizeof(got) - 1000), sizeof(sent) - 1000); /* and then the end */
    assert_memory_equal(got, sent, sizeof(sent));
    assert_int_equal(io_read(fds[0], got, 1), 0);
    (void) close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void a_failure_is_passed_up(void **state)
{
    int fds[2];

    (void) state;
    (void) signal(SIGPIPE, SIG_IGN);
    assert_return_code(pipe(fds), errno);
    assert_int_equal(io_read(fds[1], got, 1), -EBADF);
    (void) close(fds[0]);
    assert_int_equal(io_write(fds[1], sent, 1), -EPIPE);
    assert_int_equal(io_write(fds[1], sent, 0), 0);
    (void) close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_in_pieces_is_read_whole),
        cmocka_unit_test(a_failure_is_passed_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
