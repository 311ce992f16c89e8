/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bus: the private D-Bus connections between monitor, backends and responders, peer to peer, without a broker.
 *
 * Objects and calls (all on object /sssd):
 *   monitor   sssd.monitor                 RegisterService(s name, q version) -> (q monitor's version, ay part, u restarts)
 *                                          the name is the service's section: "nss", "domain/NAME"; it goes to the process
 *                                          that was started for it. part: the image of its part of the configuration;
 *                                          restarts: how often it has come before
 *   service   sssd.service                 RotateLogs(), ClearMemcache(), GoOffline(), ResetOffline()  called by the monitor on
 *                                          the connection that the service registered on
 *   backend   sssd.dataprovider            Refresh(s kind, s name, u id) -> (b online)
 *                                          signal Taken(t cookie of that call, t usec): it is in work, for
 *                                          that long at most
 *   backend   sssd.DataProvider.Backend    IsOnline(s domain) -> (b)        as SSSD's own tools ask it
 */

#ifndef BUS_BUS_H
#define BUS_BUS_H

#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define BUS_PATH "/sssd"
#define BUS_MONITOR "sssd.monitor"
#define BUS_SERVICE "sssd.service"
#define BUS_DATAPROVIDER "sssd.dataprovider"
#define BUS_BACKEND "sssd.DataProvider.Backend"
#define BUS_VERSION 1
#define BUS_REGISTER_TAKES "sq"
#define BUS_REGISTER_GIVES "qayu"

struct bus_server;

/* Who has connected: from SO_PEERCRED, never from what it says. */
struct bus_peer {
    pid_t pid;
    uid_t uid;
};

/* Called with a connection that is ready for its vtables; what refuses it returns a negative errno. The server drops its
 * reference afterwards: keep one with sd_bus_ref. The connection is attached to the event loop. A closed one calls what
 * was installed with sd_bus_match_signal(... "org.freedesktop.DBus.Local", "Disconnected"). */
typedef int (*bus_on_connection_t)(sd_bus *bus, const struct bus_peer *peer, void *userdata);

/* Who may connect: root, who listens, and these. The socket's group is who comes as far as asking: 0660, or 0600 with (gid_t) -1. */
struct bus_access {
    gid_t group;
    uid_t uids[2];
};
#define BUS_OURS_ALONE ((struct bus_access) { (gid_t) -1, { (uid_t) -1, (uid_t) -1 } })

/* Listens at path, owned by whoever does: a leftover socket is replaced. */
int bus_listen(sd_event *event, const char *path, struct bus_access access, bus_on_connection_t on_connection, void *userdata,
               struct bus_server **ret);
/* The same on a socket that listens already, which it takes, also when it fails. It has to be non-blocking. */
int bus_serve(sd_event *event, int listener, struct bus_access access,
              bus_on_connection_t on_connection, void *userdata, struct bus_server **ret);
struct bus_server *bus_server_free(struct bus_server *server);

/* Connects, without waiting, checks that root or owner listens there, and attaches it to the event loop. -ENOENT or -ECONNREFUSED: nobody
 * is there (yet). */
int bus_connect(sd_event *event, const char *path, uid_t owner, sd_bus **ret);

/* The method RotateLogs of every service: opens the log file anew. */
int bus_on_rotate_logs(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);

/* Calls handler once when the connection is closed by the other side. */
int bus_watch_close(sd_bus *bus, sd_bus_message_handler_t handler, void *userdata);

#endif
