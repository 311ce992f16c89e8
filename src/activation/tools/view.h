/* SPDX-License-Identifier: GPL-3.0-or-later */
/* View: all that is known of the responders at this moment, from systemd, the state, the processes and the
 * configuration, for `status` and `check` to tell. */

#ifndef TOOLS_VIEW_H
#define TOOLS_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/responders.h"
#include "lib/services.h"
#include "tools/units.h"

struct config;

enum view_configuration {
    CONFIGURATION_OK,         /* SSSD would start with it */
    CONFIGURATION_NONE,
    CONFIGURATION_REFUSED,    /* it would not; says holds why */
    CONFIGURATION_UNREADABLE, /* by this user, or for want of memory; likewise */
};

struct configuration_view {
    enum view_configuration verdict;
    char *says;
    struct config *config;    /* if it could be read */
    struct services services; /* if the verdict is OK, else nothing is the monitor's */
    bool may_leave;           /* by the table of lib/residency.h */
    char stays_since[256];    /* the reason if it may not */
};

enum view_socket {
    SOCKET_DBUS, /* none: calls on the bus start it */
    SOCKET_LISTENING,
    SOCKET_CLOSED,
    SOCKET_DISABLED,
    SOCKET_MASKED,
    SOCKET_FAILED,
    SOCKET_ABSENT, /* there is no such unit */
};

enum view_why {
    WHY_NOT_INSTALLED,
    WHY_LISTED,
    WHY_IMPLIED,
    WHY_UNLISTED,
    WHY_CHANGED, /* the configuration says otherwise since sssd.service started */
    WHY_UNKNOWN, /* the configuration can't be read */
};

struct responder_view {
    const struct responder *responder;
    bool installed;
    bool monitors; /* the monitor's own, else systemd's */
    enum view_why why;
    struct responder_units units;
    enum view_socket socket; /* the worst of its sockets */
    int pid;                 /* 0 if it does not run */
    bool refuses;            /* that is the launcher, which tells clients "unavailable" */
    bool bad;                /* it can't serve, and nobody wanted that */
};

struct view {
    struct configuration_view configuration;
    struct unit monitor;
    bool held;
    bool degraded; /* anything bad: monitoring should say so */
    struct responder_view responders[RESPONDERS];
};

/* Reads the configuration; always fills *ret, which configuration_view_done empties. */
void configuration_view_read(struct configuration_view *ret);
void configuration_view_done(struct configuration_view *view);

/* Reads everything. Returns 0 or a negative errno where systemd or the state can't be read. */
int view_read(struct view *ret);
void view_done(struct view *view);

/* Words for machines: "ok", "listening", "static", "listed". */
const char *view_configuration_word(enum view_configuration verdict);
const char *view_socket_word(enum view_socket socket);
const char *view_type_word(const struct responder_view *view);
const char *view_owner_word(const struct responder_view *view);
const char *view_why_word(enum view_why why);

/* Why it is as it is, as half a sentence; and the command that would change that, "" if there is none. */
void view_reason(const struct view *view, const struct responder_view *responder, char *text, size_t bytes);
void view_change(const struct responder_view *responder, char *text, size_t bytes);

/* Seconds without a request after which it leaves, 0 for never: what the configuration says, or SSSD's default. */
unsigned long configuration_view_idle_sec(const struct configuration_view *view, const struct responder *responder);

#endif
