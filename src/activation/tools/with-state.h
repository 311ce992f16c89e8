/* SPDX-License-Identifier: GPL-3.0-or-later */
/* With state: runs a command on the state, which it makes where there is none yet. */

#ifndef TOOLS_WITH_STATE_H
#define TOOLS_WITH_STATE_H

struct state;

/* Returns EXIT_SUCCESS, or EXIT_FAILURE where run returned a negative errno, and has then said why; also, saying so
 * itself, where the state can't be made. */
int with_state(int (*run)(const struct state *state, void *userdata), void *userdata);

#endif
