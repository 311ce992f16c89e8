/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets: checks what systemd handed over and puts it in the order in which an engine expects it. */

#include <argz.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "common/cleanup.h"
#include "common/why.h"
#include "lib/sockets.h"

int socket_want_parse(char *text, struct socket_want *ret)
{
    char *equals = strchr(text, '=');

    if (!equals || equals == text || equals[1] != '/')
        return -EINVAL;

    *equals = '\0';
    ret->name = text;
    ret->path = equals + 1;
    return 0;
}

/* Returns what is wrong with it, or NULL. */
static const char *what_is_wrong(int fd, const char *path)
{
    if (sd_is_socket(fd, AF_UNSPEC, 0, -1) <= 0)
        return "is not a socket";
    if (sd_is_socket(fd, AF_UNIX, 0, -1) <= 0)
        return "is not a Unix socket";
    if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, -1) <= 0)
        return "is not a stream socket";
    if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) <= 0)
        return "is not listening";
    return sd_is_socket_unix(fd, SOCK_STREAM, 1, path, 0) <= 0 ? "is not bound to its path" : NULL;
}

int sockets_check(const struct socket_want *wants, size_t n_wants,
                  int first_fd, char *const *names, int n_fds,
                  struct sockets *ret, char **ret_why)
{
    struct sockets found = { 0 };

    if (n_wants == 0 || n_wants > SOCKETS_MAX)
        return -EINVAL;

    for (size_t i = 0; i < n_wants; i++) {
        const struct socket_want *want = &wants[i];
        const char *wrong;
        int fd = -1, times = 0;

        for (int k = 0; k < n_fds; k++) {
            if (strcmp(names[k], want->name) != 0)
                continue;
            fd = first_fd + k;
            times++;
        }
        if (times != 1)
            return say_why(-EINVAL, ret_why, "socket %s (%s) was handed over %d times instead of once", want->name,
                           want->path, times);
        wrong = what_is_wrong(fd, want->path);
        if (wrong)
            return say_why(-EINVAL, ret_why, "socket %s (%s) %s", want->name, want->path, wrong);
        found.fds[found.n++] = fd;
    }
    if ((size_t) n_fds != n_wants)
        return say_why(-EINVAL, ret_why, "%d sockets were handed over, %zu belong here", n_fds, n_wants);

    *ret = found;
    return 0;
}

int sockets_take(const struct socket_want *wants, size_t n_wants, int *ret_fds, char **ret_why)
{
    struct sockets sockets;
    char **names = NULL;
    int r;

    r = sd_listen_fds_with_names(true, &names);
    if (r > 0)
        r = sockets_check(wants, n_wants, SD_LISTEN_FDS_START, names, r, &sockets, ret_why);
    else if (r == 0)
        return say_why(0, ret_why, "socket %s (%s) was not handed over", wants[0].name, wants[0].path);
    for (char **name = names; name && *name; name++)
        free(*name);
    free(names);

    /* A flag of the socket itself: systemd, which has it too, does not mind. */
    for (size_t i = 0; r == 0 && i < n_wants; i++)
        if (fcntl(sockets.fds[i], F_SETFL, O_NONBLOCK) < 0)
            r = -errno;
    if (r < 0)
        return r;
    (void) memcpy(ret_fds, sockets.fds, n_wants * sizeof(*ret_fds));
    return 1;
}

int sockets_take_one(const char *name, const char *path, int *ret_fd, char **ret_why)
{
    return sockets_take(&(struct socket_want) { name, path }, 1, ret_fd, ret_why);
}

unsigned sockets_refuse(int listener)
{
    unsigned n = 0;

    /* Bounded: who comes again and again is not to keep us. */
    for (int i = 0; i < SOMAXCONN; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            n++;
        else if (errno != EINTR && errno != ECONNABORTED)
            break;
        closep(&fd);
    }
    return n;
}

static int describe(const struct socket_want *wants, size_t n)
{
    CLEANUP(freep) char *names = NULL;
    size_t bytes = 0;
    char number[24];

    for (size_t i = 0; i < n; i++)
        if (argz_add(&names, &bytes, wants[i].name) != 0)
            return -ENOMEM;
    argz_stringify(names, bytes, ':');

    (void) snprintf(number, sizeof(number), "%zu", n); /* 24 bytes hold any size_t */
    if (setenv("LISTEN_FDS", number, 1) < 0 || setenv("LISTEN_FDNAMES", names, 1) < 0)
        return -errno;
    return 0;
}

int sockets_arrange(const struct socket_want *wants, struct sockets *sockets)
{
    int above = SD_LISTEN_FDS_START + (int) sockets->n;

    /* First out of the way, or one move would close the source of the next. */
    for (size_t i = 0; i < sockets->n; i++) {
        int fd = fcntl(sockets->fds[i], F_DUPFD_CLOEXEC, above);

        if (fd < 0)
            return -errno;
        (void) close(sockets->fds[i]); /* the copy holds the socket */
        sockets->fds[i] = fd;
    }

    for (size_t i = 0; i < sockets->n; i++) {
        int target = SD_LISTEN_FDS_START + (int) i;

        if (dup2(sockets->fds[i], target) < 0) /* clears close-on-exec */
            return -errno;
        (void) close(sockets->fds[i]);
        sockets->fds[i] = target;
    }

    return describe(wants, sockets->n);
}
