/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stuck: preloaded, a process that was told by a signal (SIGRTMAX) never comes back from taking its next connection. */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile sig_atomic_t told;

static void on_signal(int number)
{
    told = number;
}

__attribute__((constructor)) static void listen_to_signal(void)
{
    (void) signal(SIGRTMAX, on_signal);
}

int accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags)
{
    if (told)
        for (;;)
            (void) pause(); /* signals are handled, and then it goes on */
    return (int) syscall(SYS_accept4, fd, address, bytes, flags);
}
