/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "monitor/spawn.h"

/* What concerns this process alone. */
static bool is_private(const char *variable)
{
    static const char *const prefixes[] = { "NOTIFY_SOCKET=", "LISTEN_", "WATCHDOG_", "MAINPID=", "_SSS_LOOPS=" };

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* One allocation; the texts stay the environment's. */
static char **environment_for_child(void)
{
    static char no_loops[] = "_SSS_LOOPS=NO"; /* its own look-ups must not come back to us and wait there */
    size_t n = 0, used = 0;
    char **copy;

    while (environ[n])
        n++;
    copy = calloc(n + 2, sizeof(*copy));
    if (!copy)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!is_private(environ[i]))
            copy[used++] = environ[i];
    copy[used] = no_loops;
    return copy;
}

struct child {
    char *const *argv;
    char *const *environment;
    sigset_t no_signals;
    int null_fd;
    pid_t parent;
    int error;
};

/* Runs beside its sleeping parent, in the parent's memory: it only makes system calls, and writes nothing but the error. Its
 * frame is never left, and ASan would hold the memory below it for one of the parent's. */
__attribute__((no_sanitize("address"))) static int run_child(void *userdata)
{
    const struct sigaction action = { .sa_handler = SIG_DFL };
    struct child *child = userdata;

    for (int number = 1; number < NSIG; number++)
        (void) sigaction(number, &action, NULL); /* fails for those that cannot be changed */

    /* In a group of its own it gets no signal that is meant for the monitor's terminal. */
    if (sigprocmask(SIG_SETMASK, &child->no_signals, NULL) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 ||
        setpgid(0, 0) < 0 || dup2(child->null_fd, STDIN_FILENO) < 0)
        goto failed;
    if (getppid() != child->parent) /* it died before it could be minded */
        _exit(127);
    (void) execve(child->argv[0], child->argv, child->environment);
failed:
    child->error = errno;
    _exit(127);
}

int spawn(char *const argv[], pid_t *ret)
{
    CLEANUP(freep) char **environment = environment_for_child();
    CLEANUP(closep) int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct child child = { .argv = argv, .environment = environment, .null_fd = null_fd, .parent = getpid() };
    char stack[16 * 1024] __attribute__((aligned(16)));
    sigset_t all, before;
    pid_t pid;

    if (!environment)
        return -ENOMEM;
    if (null_fd < 0)
        return -errno;
    (void) sigfillset(&all);
    (void) sigemptyset(&child.no_signals);

    /* As vfork: we sleep until it has executed. No handler may run in it while it has our memory. */
    if (sigprocmask(SIG_SETMASK, &all, &before) < 0)
        return -errno;
    pid = clone(run_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
    if (pid < 0)
        child.error = errno;
    (void) sigprocmask(SIG_SETMASK, &before, NULL); /* it was so before */

    if (child.error == 0) {
        *ret = pid;
        return 0;
    }
    if (pid > 0)
        (void) waitpid(pid, NULL, 0); /* it has ended */
    return -child.error;
}
