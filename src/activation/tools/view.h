/* SPDX-License-Identifier: GPL-3.0-or-later */
/* View: all that is known of the responders at this moment, from systemd, the state, the processes and the
 * configuration, for `status` and `check` to tell. */

#ifndef TOOLS_VIEW_H
#define TOOLS_VIEW_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/responders.h"
#include "lib/services.h"
#include "tools/units.h"

struct conf;

enum view_configuration {
    CONFIGURATION_OK,         /* SSSD would start with it */
    CONFIGURATION_NONE,
    CONFIGURATION_REFUSED,    /* it would not; says holds why */
    CONFIGURATION_UNREADABLE, /* by this user, or for want of memory; likewise */
};

struct configuration_view {
    enum view_configuration verdict;
    char *says;
    struct conf *config;    /* if it could be read */
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
    SOCKET_REFUSING,    /* closed for a while, after bad ends in a row */
    SOCKET_UNREACHABLE, /* open, but no client gets there by its path */
    SOCKET_ABSENT,      /* there is no such unit */
};

enum view_why {
    WHY_UNLISTED = NOT_THE_MONITORS,
    WHY_LISTED = LISTED,
    WHY_IMPLIED = IMPLIED,
    WHY_CHANGED, /* the configuration says otherwise since sssd.service started */
    WHY_UNKNOWN, /* the configuration can't be read */
    WHY_NOT_INSTALLED,
};

struct responder_view {
    const struct responder *responder;
    bool installed;
    bool monitors; /* the monitor's own, else systemd's */
    enum view_why why;
    const struct responder_units *units;
    enum view_socket socket; /* the worst of its sockets */
    int pid;                 /* 0 if it does not run */
    bool refuses;            /* that is the launcher, which tells clients "unavailable" */
    char trouble[128];       /* of bad ends: what it ended with; else "" */
    bool bad;                /* it can't serve, and nobody wanted that */
    char reason[PATH_MAX + 64]; /* why it is as it is, as half a sentence */
    char change[192];           /* the command that would change that, "" if there is none */
};

struct view {
    struct configuration_view configuration;
    struct unit monitor;
    struct responder_units units[RESPONDERS];
    char trouble[320]; /* why the monitor serves nobody, as a sentence; "" if nothing keeps it from that */
    bool held;         /* an administrator has stopped it */
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
extern const char *const view_configuration_words[]; /* by enum view_configuration, and so on */
extern const char *const view_socket_words[];
extern const char *const view_why_words[];
const char *view_owner_word(const struct responder_view *view);
const char *view_type_word(const struct responder_view *view);

#endif
