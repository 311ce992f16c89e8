/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unix sockets: the kernel's list of those that have a path, and what a process has of them. */

#ifndef LIB_UNIX_SOCKETS_H
#define LIB_UNIX_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define UNIX_PATH_BYTES 109 /* sockaddr_un's, and an end */

struct unix_socket {
    unsigned long inode; /* 0 while it waits to be accepted */
    bool listens;
    const char *path; /* an accepted one has that of its listener, the client's end none */
};

/* The network namespace of PID 1, in which systemd's sockets are; a unit may have one of its own. */
#ifndef UNIX_SOCKETS_OF_SYSTEMD /* the tests' are in their own */
#define UNIX_SOCKETS_OF_SYSTEMD "/proc/1/net/unix"
#endif

/* Calls on_socket with each of the list until that returns other than 0, and returns that; or a negative
 * errno where the list can't be read. A path may have any bytes, newlines among them: nobody may take it for more than
 * a hint. */
int unix_sockets_each(const char *list, int (*on_socket)(const struct unix_socket *unix_socket, void *userdata),
                      void *userdata);

/* Never waits: a listener whose queue is full is -EAGAIN. Returns a descriptor, or a negative errno. */
int unix_socket_connect(const char *path, int type);

/* Would a client that connects to the path reach a listener of systemd's, as it would not where the path was deleted or bound
 * anew? Where only one listens there, nobody notices the question; of several the one that is reached sees a connection that
 * says nothing. Returns 1, 0, or a negative errno where this process can't see that. */
int unix_socket_is_systemds(const char *path);
/* The same of n paths, n > 0, for one look at the list; ret has a place for each. */
void unix_sockets_are_systemds(const char *const *paths, size_t n, int *ret);

/* What a descriptor leads to. */
struct bound_socket {
    char path[UNIX_PATH_BYTES];
    bool listens;
};

/* Exact, as the kernel's list is not. Returns false where fd, one of ours or negative, is no UNIX socket that has a path. */
bool unix_socket_at(int fd, struct bound_socket *ret);

/* Calls on_copy() for each such descriptor of the process with a copy, which is closed afterwards, until it returns other than
 * 0. Returns that, 0, or a negative errno: -EPERM in a container that allows no copies (pidfd_getfd). */
int unix_sockets_of_process(pid_t pid, int pidfd, int (*on_copy)(int fd, const struct bound_socket *bound, void *userdata),
                            void *userdata);

#endif
