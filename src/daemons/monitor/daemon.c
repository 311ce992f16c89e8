/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "monitor/daemon.h"

static ssize_t read_byte(int fd, uint8_t *ret)
{
    ssize_t n;

    do
        n = read(fd, ret, 1);
    while (n < 0 && errno == EINTR);
    return n;
}

static void redirect(int fd)
{
    CLEANUP(closep) int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null_fd >= 0)
        (void) dup2(null_fd, fd); /* else it keeps what it has */
}

int daemon_start(int *ret_fd)
{
    int fds[2];
    uint8_t exit_code;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid < 0) {
        int r = -errno;

        (void) close(fds[0]); /* nothing went through */
        (void) close(fds[1]);
        return r;
    }
    if (pid > 0) {
        (void) close(fds[1]); /* so that its death is heard of */
        _exit(read_byte(fds[0], &exit_code) == 1 ? exit_code : 1);
    }

    (void) close(fds[0]);
    (void) setsid();         /* cannot fail: we lead no group */
    if (chdir("/") < 0)      /* cannot fail, and nothing relies on it */
        (void) 0;
    redirect(STDIN_FILENO);
    redirect(STDOUT_FILENO); /* stderr stays until all is well */
    *ret_fd = fds[1];
    return 0;
}

void daemon_tell(int fd, int exit_code)
{
    const uint8_t byte = (uint8_t) exit_code;

    if (exit_code == 0)
        redirect(STDERR_FILENO);
    if (write(fd, &byte, 1) < 0)
        (void) 0; /* nobody waits any more */
    (void) close(fd);
}
