/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "bus/bus.h"
#include "common/cleanup.h"
#include "util/log.h"

#define LOCAL_PATH "/org/freedesktop/DBus/Local"
#define LOCAL_INTERFACE "org.freedesktop.DBus.Local"

/* So many may be about to say who they are; when more come, the oldest has had its time. */
#define GREETING_MAX 32
#define PAUSE_USEC 100000

/* Between accept and the end of the greeting: until then whoever listens does not know of it. */
struct greeting {
    struct bus_server *server;
    struct greeting *next; /* a younger one */
    struct bus_peer peer;
    sd_bus *bus;
    sd_bus_slot *connected, *closed;
};

struct bus_server {
    sd_event *event;
    sd_event_source *source;
    sd_event_source *pause; /* accepting goes on when it is over */
    bool is_short;          /* of descriptors, say, which has been told */
    struct bus_access access;
    uid_t own_uid; /* when it began to listen: it may become somebody else */
    sd_id128_t id;
    bus_on_connection_t on_connection;
    void *userdata;
    struct greeting *oldest;
    size_t n_greetings;
};

static void server_freep(struct bus_server **server)
{
    *server = bus_server_free(*server);
}

static void bus_unrefp(sd_bus **bus)
{
    *bus = sd_bus_unref(*bus);
}

static int name_of(const char *path, struct sockaddr_un *ret)
{
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(ret->sun_path))
        return -ENAMETOOLONG;
    *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
    memcpy(ret->sun_path, path, n);
    return 0;
}

static bool is_allowed(const struct bus_server *server, uid_t uid)
{
    /* -1 is nobody's uid, and what an access without anybody has */
    return uid != (uid_t) -1 && (uid == 0 || uid == server->own_uid || uid == server->access.uids[0] || uid == server->access.uids[1]);
}

static int peer_of(int fd, struct bus_peer *ret)
{
    struct ucred credentials;
    socklen_t bytes = sizeof(credentials);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) < 0)
        return -errno;
    *ret = (struct bus_peer) { .pid = credentials.pid, .uid = credentials.uid };
    return 0;
}

/* Takes the descriptor, also when it fails. Peers are known by their socket, so what sd-bus asks for besides is not needed:
 * neither a user's name nor capabilities. */
static int start(sd_event *event, int fd, const sd_id128_t *server_id, sd_bus **ret)
{
    CLEANUP(closep) int taken = fd;
    CLEANUP(bus_unrefp) sd_bus *bus = NULL;
    int r;

    r = sd_bus_new(&bus);
    if (r >= 0)
        r = sd_bus_set_fd(bus, fd, fd);
    if (r < 0)
        return r;
    taken = -1;

    r = sd_bus_set_trusted(bus, true);
    if (r >= 0 && server_id)
        r = sd_bus_set_server(bus, true, *server_id);
    if (r >= 0)
        r = sd_bus_set_connected_signal(bus, true);
    if (r >= 0)
        r = sd_bus_start(bus);
    if (r >= 0)
        r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
    if (r < 0)
        return r;

    *ret = TAKE(bus);
    return 0;
}

/* --- Listening ------------------------------------------------------------------------------------------------- */

static struct greeting *greeting_free(struct greeting *greeting)
{
    struct greeting **link = &greeting->server->oldest;

    while (*link != greeting)
        link = &(*link)->next;
    *link = greeting->next;
    greeting->server->n_greetings--;

    sd_bus_slot_unref(greeting->connected);
    sd_bus_slot_unref(greeting->closed);
    sd_bus_unref(greeting->bus);
    free(greeting);
    return NULL;
}

static int on_greeted(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct greeting *greeting = userdata;
    struct bus_server *server = greeting->server;
    const struct bus_peer peer = greeting->peer;
    CLEANUP(bus_unrefp) sd_bus *bus = sd_bus_ref(greeting->bus);
    int r;

    (void) message;
    (void) error;
    greeting_free(greeting);
    r = server->on_connection(bus, &peer, server->userdata);
    if (r < 0) {
        log_debug_errno(r, "refusing the connection of process %ld: %m", (long) peer.pid);
        sd_bus_close(bus);
    }
    return 0;
}

static int on_lost(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    (void) message;
    (void) error;
    greeting_free(userdata);
    return 0;
}

static int greet(struct bus_server *server, int fd, const struct bus_peer *peer)
{
    struct greeting *greeting, **end = &server->oldest;
    CLEANUP(bus_unrefp) sd_bus *bus = NULL;
    int r;

    r = start(server->event, fd, &server->id, &bus);
    if (r < 0)
        return r;

    greeting = calloc(1, sizeof(*greeting));
    if (!greeting)
        return -ENOMEM;
    greeting->server = server;
    greeting->peer = *peer;
    greeting->bus = sd_bus_ref(bus);
    while (*end)
        end = &(*end)->next;
    *end = greeting;
    server->n_greetings++;

    r = sd_bus_match_signal(bus, &greeting->connected, NULL, LOCAL_PATH, LOCAL_INTERFACE, "Connected", on_greeted, greeting);
    if (r >= 0)
        r = sd_bus_match_signal(bus, &greeting->closed, NULL, LOCAL_PATH, LOCAL_INTERFACE, "Disconnected", on_lost, greeting);
    if (r < 0)
        greeting_free(greeting);
    return r;
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct bus_server *server = userdata;

    (void) usec;
    server->pause = sd_event_source_disable_unref(source);
    return sd_event_source_set_enabled(server->source, SD_EVENT_ON);
}

/* Without a descriptor the listener would be ready again at once, round after round. */
static int pause_accepting(struct bus_server *server)
{
    int r;

    if (!server->is_short)
        log_warning("cannot accept connections to a private bus for now: %m");
    server->is_short = true;
    r = sd_event_source_set_enabled(server->source, SD_EVENT_OFF);
    return r < 0 ? r : sd_event_add_time_relative(server->event, &server->pause, CLOCK_MONOTONIC, PAUSE_USEC, 0,
                                                  on_pause_over, server);
}

static int on_connect(sd_event_source *source, int listener, uint32_t revents, void *userdata)
{
    struct bus_server *server = userdata;
    struct bus_peer peer = { 0 };
    int fd, r;

    (void) source;
    (void) revents;
    fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? 0 : pause_accepting(server);
    server->is_short = false;

    r = peer_of(fd, &peer);
    if (r == 0 && !is_allowed(server, peer.uid))
        r = -EPERM;
    if (r < 0) {
        log_warning_errno(r, "a connection to a private bus is refused: %m");
        (void) close(fd);
        return 0;
    }
    if (server->n_greetings == GREETING_MAX)
        greeting_free(server->oldest);
    r = greet(server, fd, &peer);
    if (r < 0)
        log_warning_errno(r, "cannot serve process %ld on a private bus: %m", (long) peer.pid);
    return 0;
}

/* Only a socket of ours is given to a group, whoever else may write in its folder. */
static int give(const char *path, gid_t group)
{
    CLEANUP(closep) int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
        return -EPERM;
    return fchownat(fd, "", (uid_t) -1, group, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int bind_path(int fd, const char *path, gid_t group)
{
    bool is_groups = group != (gid_t) -1;
    struct sockaddr_un name;
    mode_t mask;
    int r;

    r = name_of(path, &name);
    if (r < 0)
        return r;
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;

    mask = umask(is_groups ? 0117 : 0177);
    r = bind(fd, (struct sockaddr *) &name, sizeof(name)) < 0 ? -errno : 0;
    (void) umask(mask);
    if (r == 0 && is_groups && group != getegid())
        r = give(path, group);
    if (r == 0 && listen(fd, SOMAXCONN) < 0)
        r = -errno;
    return r;
}

int bus_serve(sd_event *event, int listener, struct bus_access access,
              bus_on_connection_t on_connection, void *userdata, struct bus_server **ret)
{
    CLEANUP(closep) int fd = listener;
    CLEANUP(server_freep) struct bus_server *server = calloc(1, sizeof(*server));
    int r;

    if (!server)
        return -ENOMEM;
    server->event = sd_event_ref(event);
    server->access = access;
    server->own_uid = geteuid();
    server->on_connection = on_connection;
    server->userdata = userdata;
    r = sd_id128_randomize(&server->id);
    if (r >= 0)
        r = sd_event_add_io(event, &server->source, fd, EPOLLIN, on_connect, server);
    if (r >= 0)
        r = sd_event_source_set_io_fd_own(server->source, true);
    if (r < 0)
        return r;

    fd = -1; /* the source's now */
    *ret = TAKE(server);
    return 0;
}

int bus_listen(sd_event *event, const char *path, struct bus_access access,
               bus_on_connection_t on_connection, void *userdata, struct bus_server **ret)
{
    CLEANUP(closep) int fd = -1;
    int taken, r;

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    r = bind_path(fd, path, access.group);
    if (r < 0)
        return r;
    taken = fd;
    fd = -1; /* it is taken */
    return bus_serve(event, taken, access, on_connection, userdata, ret);
}

struct bus_server *bus_server_free(struct bus_server *server)
{
    if (!server)
        return NULL;
    while (server->oldest)
        greeting_free(server->oldest);
    sd_event_source_disable_unref(server->pause);
    sd_event_source_disable_unref(server->source);
    sd_event_unref(server->event);
    free(server);
    return NULL;
}

/* --- Connecting ------------------------------------------------------------------------------------------------ */

int bus_connect(sd_event *event, const char *path, uid_t owner, sd_bus **ret)
{
    CLEANUP(closep) int fd = -1;
    struct sockaddr_un name;
    struct bus_peer peer = { 0 };
    int taken, r;

    r = name_of(path, &name);
    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *) &name, sizeof(name)) < 0)
        return -errno;
    r = peer_of(fd, &peer);
    if (r == 0 && peer.uid != 0 && peer.uid != owner)
        r = -EPERM;
    if (r < 0)
        return r;
    taken = fd;
    fd = -1; /* start takes it */
    return start(event, taken, NULL, ret);
}

int bus_on_rotate_logs(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    int r;

    (void) userdata;
    r = log_reopen();
    if (r < 0)
        return sd_bus_error_set_errno(ret_error, r);
    if (r > 0)
        log_info("log file opened anew");
    return sd_bus_reply_method_return(message, NULL);
}

int bus_watch_close(sd_bus *bus, sd_bus_message_handler_t handler, void *userdata)
{
    return sd_bus_match_signal(bus, NULL, NULL, LOCAL_PATH, LOCAL_INTERFACE, "Disconnected", handler, userdata);
}
