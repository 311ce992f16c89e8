/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State: what the launcher, the tool and the units tell each other through files below one folder.
 *
 *     monitor/R     the monitor owns responder R; read by the conditions of its sockets
 *     ends/R        how often in a row, each within a minute, R ended badly
 *     failed        how often in a row sssd.service came to nothing, and when last
 *     restarting    sssd.service has ended to be started again, and its start has not begun
 *     narrowed      queues of sockets hold one client, since the monitor is to bind their paths
 *     refused/R     why R may not run now, for a launcher that can't ask systemd itself
 *     lock          shared: I am about to use the monitor; exclusive: I am about to send it away
 *
 * What runs, starts and stops is not there: systemd knows it. All of it lives in /run, but no soft reboot may make any of
 * it wrong: that keeps /run. */

#ifndef LIB_STATE_H
#define LIB_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef STATE_DIR /* the tests have their own */
#define STATE_DIR "/run/sssd-ondemand"
#endif

/* Bad ends in a row after which the sockets are closed for a while. */
#define BAD_ENDS_MAX 3

struct state {
    int dir_fd;
};

/* Opens the folder; state_create makes it and its folders where they are missing. 0 or a negative errno. */
int state_open(const char *dir, struct state *ret);
int state_create(const char *dir, struct state *ret);
void state_done(struct state *state);

/* A file that can't be read for another reason than its absence counts as absent. */
bool state_monitor_owns(const struct state *state, const char *responder);
/* Setting what is set and clearing what is clear is success. 0 or a negative errno. */
int state_set_monitor_owns(const struct state *state, const char *responder, bool on);

/* Was the configuration's answer written since boot? */
bool state_has_owners(const struct state *state);

/* Bad ends in a row: 0 when there were none or they can't be read. */
unsigned state_bad_ends(const struct state *state, const char *responder);
/* One more. Returns how many there are now, or a negative errno: 0 after a pardon, which is used up by that. */
int state_count_bad_end(const struct state *state, const char *responder);
/* The end of the row by an end that is about to be counted, and is not to be. 0 or a negative errno. */
int state_pardon_bad_end(const struct state *state, const char *responder);
/* The end of the row. 0 or a negative errno. */
int state_forget_bad_ends(const struct state *state, const char *responder);

/* Begins a row with nothing counted yet. Returns 1, 0 where there is a row, or a negative errno. */
int state_begin_failures(const struct state *state);
/* sssd.service has come to nothing, now: it did not start, or ended badly soon after. Returns how often in a row that was, or
 * a negative errno. */
int state_count_failure(const struct state *state);
/* The end of the row. 0 or a negative errno. */
int state_forget_failures(const struct state *state);
/* How many there are in the row, and how long ago the last one was; 0 when there is none or it can't be read. */
unsigned state_failures(const struct state *state, uint64_t *ret_usec);

/* Has the monitor ended for a restart whose second half has not begun? 0 or a negative errno. */
bool state_is_restarting(const struct state *state);
int state_set_restarting(const struct state *state, bool on);

/* Were queues narrowed? 0 or a negative errno. */
bool state_has_narrowed(const struct state *state);
int state_set_narrowed(const struct state *state, bool on);

/* Why the responder may not run, as a sentence; NULL: it may. 0 or a negative errno. */
int state_set_refusal(const struct state *state, const char *responder, const char *why);
/* Returns whether there is one; *ret then has it, cut to what fits. */
bool state_refusal(const struct state *state, const char *responder, char *ret, size_t bytes);
int state_forget_refusals(const struct state *state);

/* Waits for the lock, msec at most, be that 0 (-ETIMEDOUT). Returns a descriptor that holds it until closed (or exec), or a negative
 * errno. Only root can open it: whoever can open a lock can hold it. */
int state_lock_shared(const struct state *state, int msec);
int state_lock_exclusive(const struct state *state, int msec);

#endif
