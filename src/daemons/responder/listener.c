/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "responder/listener.h"
#include "responder/private.h"
#include "util/log.h"

#define BACKLOG 4096 /* a storm's clients wait here instead of sleeping for a second; the kernel may cut it */
#define ACCEPTED_AT_ONCE 32
#define PAUSE_USEC 100000
#define COMPLAINT_PAUSE_USEC (60 * 1000000ULL)
#define LOOKED_AT_MAX 256

/* ---- the socket ---- */

/* Does a process answer there? systemd's socket is no process: a listed service takes its path over, as SSSD's does. */
static bool is_answered(const struct sockaddr_un *address)
{
    CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct ucred peer;
    socklen_t bytes = sizeof(peer);

    if (fd < 0)
        return false;
    if (connect(fd, (const struct sockaddr *) address, sizeof(*address)) < 0)
        return errno == EAGAIN; /* its queue is full */
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && peer.pid != 1;
}

static int remove_leftover(const struct sockaddr_un *address)
{
    struct stat st;

    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    if (is_answered(address))
        return -EADDRINUSE;
    return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

int listener_bind(const char *path, mode_t mode, int *ret_fd)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    CLEANUP(closep) int fd = -1;
    mode_t mask;
    int r;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);

    r = remove_leftover(&address);
    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;

    mask = umask(~mode & 0777); /* so that it is never wider than it has to be, nor narrower */
    r = bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
    (void) umask(mask); /* cannot fail */
    if (r < 0)
        return r;
    if (listen(fd, BACKLOG) < 0)
        return -errno;

    *ret_fd = fd;
    fd = -1;
    return 0;
}

/* ---- accepting ---- */

/* Says it once in a while: whoever causes it may go on for hours. */
static void complain(struct responder *responder, int r, const char *what, uid_t uid)
{
    uint64_t now;

    if (sd_event_now(responder->event, CLOCK_MONOTONIC, &now) < 0)
        return;
    if (responder->complained_usec && now < responder->complained_usec + COMPLAINT_PAUSE_USEC)
        return;
    responder->complained_usec = now;
    if (uid == (uid_t) -1)
        log_warning_errno(r, "%s with %zu connections: %m", what, responder->n_clients);
    else
        log_warning_errno(r, "%s of uid %u with %zu connections: %m", what, (unsigned) uid, responder->n_clients);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct responder *responder = userdata;

    (void) source;
    (void) usec;
    return responder->listener ? sd_event_source_set_enabled(responder->listener, SD_EVENT_ON) : 0;
}

/* With no descriptor left the socket would be ready again at once, round after round. */
static int pause_accepting(struct responder *responder)
{
    int r;

    r = sd_event_source_set_enabled(responder->listener, SD_EVENT_OFF);
    if (r < 0)
        return r;
    if (!responder->pause)
        return sd_event_add_time_relative(responder->event, &responder->pause, CLOCK_MONOTONIC, PAUSE_USEC, 0,
                                          on_pause_over, responder);
    r = sd_event_source_set_time_relative(responder->pause, PAUSE_USEC);
    return r < 0 ? r : sd_event_source_set_enabled(responder->pause, SD_EVENT_ONESHOT);
}

/* Closes the connection that has been idle for longest (of a user; -1: of all), which its client does not notice. Looks
 * only at some: who fills the list with connections that may not be closed has no right to our time. */
static bool make_room(struct responder *responder, uid_t uid)
{
    struct client *client = responder_first_client(responder);

    for (int i = 0; client && i < LOOKED_AT_MAX; i++, client = client_next(client)) {
        if (uid != (uid_t) -1 && client_uid(client) != uid)
            continue;
        if (client_is_served(client) && client_is_idle(client) && !client_is_enumerating(client)) {
            client_free(client);
            return true;
        }
    }
    return false;
}

/* Takes the descriptor. */
static int let_in(struct responder *responder, int accepted)
{
    CLEANUP(closep) int fd = accepted;
    struct ucred peer;
    socklen_t bytes = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
        return -errno;
    if (peer.uid != 0 && client_count_of(responder, peer.uid) >= responder->n_clients_of_user_max &&
        !make_room(responder, peer.uid)) {
        complain(responder, -EUSERS, "refusing a client", peer.uid);
        return 0;
    }
    accepted = fd;
    fd = -1;
    return client_new(responder, accepted, peer.uid);
}

static int on_listener(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
    struct responder *responder = userdata;
    int r = 0;

    (void) source;
    (void) revents;
    for (int i = 0; i < ACCEPTED_AT_ONCE && r >= 0; i++) {
        int fd;

        if (responder->n_clients >= responder->n_clients_max) {
            if (i > 0)
                return 0; /* nobody is closed before it is certain that somebody waits: another round tells */
            if (!make_room(responder, (uid_t) -1)) {
                r = -EMFILE;
                break;
            }
        }
        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            r = let_in(responder, fd);
        else if (errno == EAGAIN)
            return 0;
        else if (errno != EINTR && errno != ECONNABORTED)
            r = -errno;
    }
    if (r < 0) {
        complain(responder, r, "cannot accept clients for a moment", (uid_t) -1);
        return pause_accepting(responder);
    }
    return 0;
}

int listener_start(struct responder *responder)
{
    return sd_event_add_io(responder->event, &responder->listener, responder->listen_fd, EPOLLIN, on_listener,
                           responder);
}

void responder_stop_accepting(struct responder *responder)
{
    responder->listener = sd_event_source_disable_unref(responder->listener);
}
