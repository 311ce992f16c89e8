/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/handed.h"

#define FIRST_FD 3

static int socket_for(const char *path, struct sockaddr_un *ret)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(strlen(path) < sizeof(ret->sun_path));
    *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
    strcpy(ret->sun_path, path);
    return fd;
}

int handed_listen(const char *path)
{
    struct sockaddr_un name;
    int fd = socket_for(path, &name);

    (void) unlink(path); /* a second one replaces the first */
    assert_int_equal(bind(fd, (const struct sockaddr *) &name, sizeof(name)), 0);
    assert_int_equal(listen(fd, SOMAXCONN), 0);
    return fd;
}

int handed_client(const char *path)
{
    const struct timeval patience = { .tv_sec = 60 };
    struct sockaddr_un name;
    int fd = socket_for(path, &name);

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *) &name, sizeof(name)), 0);
    return fd;
}

void handed_over(int fd, const char *name)
{
    char pid[24];

    (void) snprintf(pid, sizeof(pid), "%ld", (long) getpid());
    if (dup2(fd, FIRST_FD) < 0 || fcntl(FIRST_FD, F_SETFD, 0) < 0 || setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", "1", 1) < 0 ||
        setenv("LISTEN_FDNAMES", name, 1) < 0)
        _exit(96);
}
