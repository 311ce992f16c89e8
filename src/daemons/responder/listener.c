/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
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

/* A storm's clients wait here instead of sleeping for a second; the kernel may cut it. */
#define BACKLOG 4096
#define ACCEPTED_AT_ONCE 128 /* others stand behind whoever fills the queue */
#define PAUSE_USEC 100000
#define COMPLAINT_PAUSE_USEC (60 * 1000000ULL)

/* ---- the socket ---- */

/* Does a process answer there? systemd's socket is no process: a listed service takes its path
 * over, as SSSD's does. Nor is one whose queue is full, which holds the path for us. */
static bool is_answered(const struct sockaddr_un *address)
{
    CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct ucred peer;
    socklen_t bytes = sizeof(peer);

    if (fd < 0)
        return false;
    if (connect(fd, (const struct sockaddr *) address, sizeof(*address)) < 0)
        return false;
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
        log_warning_errno(r, "%s of uid %u with %zu connections: %m", what, (unsigned) uid,
                          responder->n_clients);
}

static int set_enabled(struct responder *responder, int enabled)
{
    int r = 0;

    for (size_t i = 0; i < responder->n_listeners && r >= 0; i++) {
        if (responder->listeners[i].source)
            r = sd_event_source_set_enabled(responder->listeners[i].source, enabled);
    }
    return r;
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void) source;
    (void) usec;
    return set_enabled(userdata, SD_EVENT_ON);
}

/* With no descriptor left a socket would be ready again at once, round after round. */
static int pause_accepting(struct responder *responder)
{
    int r;

    r = set_enabled(responder, SD_EVENT_OFF);
    if (r < 0)
        return r;
    if (!responder->pause)
        return sd_event_add_time_relative(responder->event, &responder->pause, CLOCK_MONOTONIC,
                                          PAUSE_USEC, 0, on_pause_over, responder);
    r = sd_event_source_set_time_relative(responder->pause, PAUSE_USEC);
    return r < 0 ? r : sd_event_source_set_enabled(responder->pause, SD_EVENT_ONESHOT);
}

/* Takes the descriptor. */
static int let_in(const struct listener *listener, int accepted)
{
    struct responder *responder = listener->responder;
    CLEANUP(closep) int fd = accepted;
    struct ucred peer;
    socklen_t bytes = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
        return -errno;
    if (client_make_room(responder, peer.uid) < 0) {
        complain(responder, -EUSERS, "refusing a client", peer.uid);
        return 0;
    }
    accepted = fd;
    fd = -1;
    return client_new(responder, accepted, peer.uid, listener->spec);
}

static int on_listener(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
    struct listener *listener = userdata;
    int r = 0;

    (void) source;
    (void) revents;
    for (int i = 0; i < ACCEPTED_AT_ONCE && r >= 0; i++) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0)
            r = let_in(listener, fd);
        else if (errno == EAGAIN)
            return 0;
        else if (errno != EINTR && errno != ECONNABORTED)
            r = -errno;
    }
    if (r < 0) {
        complain(listener->responder, r, "cannot accept clients for a moment", (uid_t) -1);
        return pause_accepting(listener->responder);
    }
    return 0;
}

int listeners_start(struct responder *responder)
{
    int r = 0;

    for (size_t i = 0; i < responder->n_listeners && r >= 0; i++) {
        struct listener *listener = &responder->listeners[i];

        r = sd_event_add_io(responder->event, &listener->source, responder->listen_fds[i], EPOLLIN,
                            on_listener, listener);
    }
    return r < 0 ? r : 0;
}

void responder_stop_accepting(struct responder *responder)
{
    for (size_t i = 0; i < responder->n_listeners; i++) {
        struct listener *listener = &responder->listeners[i];

        listener->source = sd_event_source_disable_unref(listener->source);
    }
}

/* ---- all of them ---- */

void listeners_init(struct responder *responder)
{
    const struct responder_spec *spec = responder->spec;

    assert(spec->n_listens <= LISTENERS_MAX);
    for (size_t i = 0; i < spec->n_listens; i++) {
        responder->listeners[i] = (struct listener) { .responder = responder, .spec = &spec->listens[i] };
        responder->listen_fds[i] = -1;
    }
    responder->n_listeners = spec->n_listens;
}

/* Their paths stay: root's folder, and the next start replaces them. */
void listeners_done(struct responder *responder)
{
    responder_stop_accepting(responder);
    responder->pause = sd_event_source_disable_unref(responder->pause);
    for (size_t i = 0; i < responder->n_listeners; i++) {
        closep(&responder->listen_fds[i]);
        responder->listen_fds[i] = -1;
    }
}

int set_unix_socket(struct responder *responder)
{
    int r = 0;

    for (size_t i = 0; i < responder->n_listeners && r >= 0; i++) {
        const struct listen_spec *spec = responder->listeners[i].spec;

        r = listener_bind(spec->path, spec->mode, &responder->listen_fds[i]);
        if (r == -EADDRINUSE)
            log_error("%s: another process answers there", spec->path);
        else if (r == -EEXIST)
            log_error("%s: something that is no socket is in the way", spec->path);
        else if (r < 0)
            log_error_errno(r, "cannot listen at %s: %m", spec->path);
    }
    return r;
}
