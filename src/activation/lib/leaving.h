/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaving: how a daemon goes away, unused for a while or told to, without a client that loses its request.
 *
 * It works for daemons whose listening sockets somebody else holds too: whoever connects then waits in the queue for the
 * next instance. All that can be lost is on connections that have been accepted, so the order is about those:
 *
 *   1. Unused for the limit: if a listener or a connection has something to read, stay.
 *   2. Accept nothing any more.
 *   3. Shut each connection for reading that may be closed: it has had a reply, its request is not under way, and it is in
 *      no enumeration. From here on its client's send fails with EPIPE, which clients answer with one more try, on a new connection.
 *      What was sent before is still read, served and answered by the daemon's loop, which then meets the end.
 *   4. Serve the others until they may be closed, too. A client that has been greeted and is closed before its first
 *      request was answered would fail, or hang for five minutes.
 *   5. When the patience ends, give up those that are left.
 *   6. STOPPING=1, leave. The listeners are not touched: shutdown() would break them for every holder.
 *
 * Nothing is shut before it is certain that the daemon leaves; after the first shutdown there is no way back. */

#ifndef LIB_LEAVING_H
#define LIB_LEAVING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct leaving;

struct leaving_connection {
    int fd;
    bool is_served;      /* has had a reply to a request, not only to its handshake */
    bool is_idle;        /* no request begun, in work, or being answered */
    bool is_enumerating; /* would see entries twice on another connection */
};

/* What the daemon gives to it. Its loop must go on reading connections until their end, and answer on one whose
 * reading end is shut what was read from it before. */
struct leaving_ops {
    const int *listeners; /* the daemon's memory, as long as it has the struct leaving */
    size_t n_listeners;
    /* The connection after the one given, the first after NULL; NULL after the last. */
    void *(*next_connection)(void *previous, void *userdata);
    void (*look)(const void *connection, struct leaving_connection *ret);
    /* Is anything in work that no connection shows: a call, a job that is due? May be NULL. */
    bool (*is_busy)(void *userdata);

    void (*stop_accepting)(void *userdata);
    /* Closes it. A request in work is answered with status 32 first, so that its client asks the next instance. */
    void (*give_up)(void *connection);
    /* Ends the process, soon or at once; NULL: leaves the loop. It may close the listeners; shutdown() would end them for whoever holds them too. */
    void (*leave)(void *userdata);
};

#define LEAVING_IDLE_PATIENCE_USEC 1000000 /* others wait in the queue meanwhile */
#define LEAVING_TOLD_PATIENCE_USEC 5000000

/* The ops are copied. With a limit, leaves that long after the last activity, and less than a second later; 0: never by itself. */
int leaving_new(sd_event *event, uint64_t limit_usec, const struct leaving_ops *ops, void *userdata, struct leaving **ret);
struct leaving *leaving_free(struct leaving *leaving);

/* Something came, or was answered. Takes NULL. */
void leaving_touch(struct leaving *leaving);
/* Told to leave (SIGTERM): as soon as everybody has an answer, at the latest when the patience ends. Returns 0 or a negative
 * errno: then it can't. Once is enough. */
int leaving_start(struct leaving *leaving);

#endif
