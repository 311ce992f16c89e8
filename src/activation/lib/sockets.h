/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets: checks what systemd handed over and puts it in the order in which an engine expects it. */

#ifndef LIB_SOCKETS_H
#define LIB_SOCKETS_H

#include <stddef.h>

#define SOCKETS_MAX 4

/* One socket that a responder needs: FileDescriptorName= of its unit and the path it is bound to. */
struct socket_want {
    const char *name;
    const char *path;
};

/* What was handed over, in the order of the wants. */
struct sockets {
    int fds[SOCKETS_MAX];
    size_t n;
};

/* Parses "NAME=/PATH" in place: text is changed and must outlive ret. -EINVAL if it is not that. */
int socket_want_parse(char *text, struct socket_want *ret);

/* Finds each wanted socket among n_fds descriptors from first_fd on, which carry names[]. By name and by the
 * path bound, never by position; each must be a listening AF_UNIX stream socket. Nothing may be missing, surplus
 * or named twice. On success ret holds the descriptors in the order of wants, still the caller's. Otherwise
 * -EINVAL with a sentence in *ret_why, which the caller frees; without memory that stays NULL. */
int sockets_check(const struct socket_want *wants, size_t n_wants,
                  int first_fd, char *const *names, int n_fds,
                  struct sockets *ret, char **ret_why);

/* Takes what systemd has handed over to this process, checked as above, and makes it non-blocking. Returns 1 with as many
 * descriptors as wants, in their order; 0 when nothing was; or a negative errno. With a sentence as above unless 1. */
int sockets_take(const struct socket_want *wants, size_t n_wants, int *ret_fds, char **ret_why);
/* The same of one socket. */
int sockets_take_one(const char *name, const char *path, int *ret_fd, char **ret_why);

/* Whoever waits at a non-blocking listener is told that he is not served: his connection ends. Returns how many that were. */
unsigned sockets_refuse(int listener);

/* Moves the descriptors to 3, 4, ... in order, open across exec, and describes them to the next program in
 * LISTEN_FDS and LISTEN_FDNAMES (LISTEN_PID stays: exec keeps the process). Returns 0 or a negative errno,
 * after which the descriptors are in no defined place. */
int sockets_arrange(const struct socket_want *wants, struct sockets *sockets);

#endif
