/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Responders: which there are, where they listen, and what their units are called. This is the one
 * list of them: test-responders holds those in scripts, presets and units against it. */

#ifndef COMMON_RESPONDERS_H
#define COMMON_RESPONDERS_H

#include <stdbool.h>
#include <stddef.h>

enum responder_id {
    NSS,
    PAM,
    SSH,
    SUDO,
    AUTOFS,
    PAC,
    IFP,
    RESPONDERS,
};

/* Those of them that our own daemons have. */
#define OWN_RESPONDERS "nss"

#define MONITOR "sssd.service"
#define MONITOR_ENDED "sss-ended@sssd.service"
#define MONITOR_RETRY_TIMER "sss-retry@sssd.timer"
#define STOP_SERVICE "sss-stop.service" /* stops with the monitor, before it */
#define LINGER_TIMER "sss-linger.timer"
#define INFOPIPE_PAUSE "sss-pause.service"

#define UNITS_MAX 2

struct responder {
    const char *name;                      /* as on the services line */
    const char *program;
    const char *service;                   /* started by systemd, not by the monitor */
    const char *sockets[UNITS_MAX];        /* ours; NULL where there is none */
    const char *paths[UNITS_MAX];          /* where clients look for them */
    const char *retry_timer;               /* opens them again */
    const char *vendor_sockets[UNITS_MAX]; /* the distribution's for the same paths */
    const char *vendor_service;
};

extern const struct responder responders[RESPONDERS];

/* Not one of the monitor's: it has the distribution's units and needs no monitor. Only its bad ends
 * are ours. */
extern const struct responder kcm;

/* Is its program there? Units of others skip by their conditions. */
bool responder_is_installed(const struct responder *responder);

/* Returns its row, or NULL if the name is none of a responder, or of its service's without
 * ".service", kcm's included. */
const struct responder *responder_by_name(const char *name);
const struct responder *responder_by_unit(const char *prefix);

#endif
