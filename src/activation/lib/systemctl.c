/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Systemctl: asks the service manager through its own command, which needs no D-Bus in early boot. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/systemctl.h"

#ifndef SYSTEMCTL_PATH /* the tests have their own */
#define SYSTEMCTL_PATH "/usr/bin/systemctl"
#endif
#define ARGUMENTS_MAX 32
#define LOOK_EVERY_MSEC 2

extern char **environ;

/* out is where its standard output goes, or -1 for nowhere. */
static int spawn(const char *const *arguments, int out, pid_t *ret)
{
    const char *argv[ARGUMENTS_MAX + 2] = { SYSTEMCTL_PATH };
    posix_spawn_file_actions_t actions;
    size_t n = 0;
    int r;

    for (; arguments[n]; n++) {
        if (n == ARGUMENTS_MAX)
            return -E2BIG;
        argv[n + 1] = arguments[n];
    }

    r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (r == 0 && out < 0)
        r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (r == 0 && out >= 0)
        r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn(ret, SYSTEMCTL_PATH, &actions, NULL, (char *const *) argv, environ);
    (void) posix_spawn_file_actions_destroy(&actions); /* cannot fail on an initialised one */
    return -r;
}

static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

int systemctl_run(const char *const *arguments)
{
    pid_t pid;
    int r;

    r = spawn(arguments, -1, &pid);
    return r < 0 ? r : wait_for(pid);
}

int systemctl_run_for(const char *const *arguments, int msec, bool (*is_done)(const void *), const void *userdata)
{
    const uint64_t end_usec = now_usec() + (uint64_t) msec * 1000;
    struct pollfd polled = { .events = POLLIN };
    bool done = false;
    pid_t pid;
    int r;

    r = spawn(arguments, -1, &pid);
    if (r < 0)
        return r;

    polled.fd = pidfd_open(pid, 0);
    do
        r = polled.fd < 0 ? 1 : poll(&polled, 1, is_done ? LOOK_EVERY_MSEC : msec); /* better too long than not at all */
    while (r == 0 && !(done = is_done && is_done(userdata)) && now_usec() < end_usec);
    closep(&polled.fd);
    if (r == 0) {
        (void) kill(pid, SIGKILL); /* only the one that asks */
        (void) wait_for(pid);
        return done ? 0 : -ETIMEDOUT;
    }
    return wait_for(pid);
}

/* Keeps what fits and reads the rest to its end, or the writer would meet a broken pipe. */
static int read_all(int fd, char *text, size_t bytes)
{
    char rest[512];
    size_t used = 0;
    ssize_t n;

    for (;;) {
        bool full = used + 1 >= bytes;

        n = full ? read(fd, rest, sizeof(rest)) : read(fd, text + used, bytes - 1 - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (!full)
            used += (size_t) n;
    }

    if (n < 0)
        return -errno;
    if (used > 0 && text[used - 1] == '\n')
        used--;
    text[used] = '\0';
    return 0;
}

int systemctl_read(const char *const *arguments, char *text, size_t bytes)
{
    CLEANUP(closep) int in = -1;
    int ends[2], r, status;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    in = ends[0];

    r = spawn(arguments, ends[1], &pid);
    (void) close(ends[1]); /* the child has its own */
    if (r < 0)
        return r;

    r = read_all(in, text, bytes);
    status = wait_for(pid);
    return r < 0 ? r : status;
}

void systemctl_property(const char *unit, const char *property, char *text, size_t bytes)
{
    const char *const arguments[] = { "show", "--value", "--property", property, "--", unit, NULL };

    text[0] = '\0';
    if (systemctl_read(arguments, text, bytes) != 0)
        text[0] = '\0';
}

bool systemctl_property_is(const char *unit, const char *property, const char *value)
{
    char text[64];

    systemctl_property(unit, property, text, sizeof(text));
    return strcmp(text, value) == 0;
}
