/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State: what the launcher, the tool and the units tell each other through files below one folder.
 *
 *     monitor/R   the monitor owns responder R; written by `sss_activation apply`, read by socket conditions
 *     held        an administrator stopped sssd.service; nothing starts it but an administrator
 *     running     sssd.service has started and has not begun to leave
 *     leaving     sssd.service is on its way out, by itself or by a restart: wait before it is started
 *     crashes/R   how often in a row, each within a minute, R crashed
 *     lock        shared: I am about to use the monitor; exclusive: I am about to send it away
 *
 * All of it lives in /run: a boot forgets it. */

#ifndef LIB_STATE_H
#define LIB_STATE_H

#include <stdbool.h>

#ifndef STATE_DIR /* the tests have their own */
#define STATE_DIR "/run/sssd-ondemand"
#endif

enum flag {
    FLAG_HELD,
    FLAG_RUNNING,
    FLAG_LEAVING,
};

/* Crashes in a row after which clients are refused for a while instead of waiting for the next one. */
#define CRASHES_MAX 3

struct state {
    int dir_fd;
};

/* Opens the folder; state_create makes it and its folders where they are missing. 0 or a negative errno. */
int state_open(const char *dir, struct state *ret);
int state_create(const char *dir, struct state *ret);
void state_done(struct state *state);

/* A flag that can't be read for another reason than its absence counts as absent. */
bool state_has(const struct state *state, enum flag flag);
bool state_monitor_owns(const struct state *state, const char *responder);

/* Setting what is set and clearing what is clear is success. 0 or a negative errno. */
int state_set(const struct state *state, enum flag flag, bool on);
int state_set_monitor_owns(const struct state *state, const char *responder, bool on);

/* Was the configuration's answer written since boot? */
bool state_has_owners(const struct state *state);

/* Crashes in a row: 0 when there were none or they can't be read. */
unsigned state_crashes(const struct state *state, const char *responder);
/* One more; or with crashed = false the end of the row, except at CRASHES_MAX, where it was a refusal that ended
 * and one trial is granted. 0 or a negative errno. */
int state_note_end(const struct state *state, const char *responder, bool crashed);

/* Every responder gets a fresh start. 0 or a negative errno. */
int state_forget_crashes(const struct state *state);

/* Waits for the lock, for the shared one a second at most (-EWOULDBLOCK). Returns a descriptor that holds it until
 * closed (or exec), or a negative errno. Only root can open it. */
int state_lock_shared(const struct state *state);
int state_lock_exclusive(const struct state *state);

#endif
