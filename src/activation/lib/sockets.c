/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets: checks what systemd handed over and puts it in the order in which an engine expects it. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "lib/cleanup.h"
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

/* Says in *ret_why what is wrong with the socket; returns 1 if nothing is, 0 if something, or -ENOMEM. */
static int is_wanted(const struct socket_want *want, int fd, char **ret_why)
{
    const char *wrong;
    int r;

    if (sd_is_socket(fd, AF_UNSPEC, 0, -1) <= 0)
        wrong = "is not a socket";
    else if (sd_is_socket(fd, AF_UNIX, 0, -1) <= 0)
        wrong = "is not a Unix socket";
    else if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, -1) <= 0)
        wrong = "is not a stream socket";
    else if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) <= 0)
        wrong = "is not listening";
    else if (sd_is_socket_unix(fd, SOCK_STREAM, 1, want->path, 0) <= 0)
        wrong = "is not bound to its path";
    else
        return 1;

    r = asprintf(ret_why, "socket %s (%s) %s", want->name, want->path, wrong);
    return r < 0 ? -ENOMEM : 0;
}

static int find_by_name(const char *name, char *const *names, int n_fds, int *ret_times)
{
    int found = -1;

    *ret_times = 0;
    for (int i = 0; i < n_fds; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        found = i;
        (*ret_times)++;
    }
    return found;
}

int sockets_check(const struct socket_want *wants, size_t n_wants,
                  int first_fd, char *const *names, int n_fds,
                  struct sockets *ret, char **ret_why)
{
    struct sockets found = { 0 };
    int r;

    if (n_wants == 0 || n_wants > SOCKETS_MAX)
        return -EINVAL;

    for (size_t i = 0; i < n_wants; i++) {
        int times, at = find_by_name(wants[i].name, names, n_fds, &times);

        if (times != 1) {
            r = asprintf(ret_why, "socket %s (%s) was handed over %d times instead of once", wants[i].name,
                         wants[i].path, times);
            return r < 0 ? -ENOMEM : -EINVAL;
        }

        r = is_wanted(&wants[i], first_fd + at, ret_why);
        if (r <= 0)
            return r < 0 ? r : -EINVAL;

        found.fds[found.n++] = first_fd + at;
    }

    if ((size_t) n_fds != n_wants) {
        r = asprintf(ret_why, "%d sockets were handed over, %zu belong here", n_fds, n_wants);
        return r < 0 ? -ENOMEM : -EINVAL;
    }

    *ret = found;
    return 0;
}

static int describe(const struct socket_want *wants, size_t n)
{
    CLEANUP(freep) char *all = NULL;
    char number[24];

    for (size_t i = 0; i < n; i++) {
        CLEANUP(freep) char *before = TAKE(all);

        if (asprintf(&all, "%s%s%s", before ? before : "", before ? ":" : "", wants[i].name) < 0)
            return -ENOMEM;
    }

    (void) snprintf(number, sizeof(number), "%zu", n); /* 24 bytes hold any size_t */
    if (setenv("LISTEN_FDS", number, 1) < 0 || setenv("LISTEN_FDNAMES", all, 1) < 0)
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
