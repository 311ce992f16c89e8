/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hold: stops SSSD so that no client starts it, until it is released. */

#ifndef TOOLS_HOLD_H
#define TOOLS_HOLD_H

struct state;

/* Both return EXIT_SUCCESS, or EXIT_FAILURE and have then said why. They need root. */
int hold(void);
int release(void);

/* The flag alone, and the journal's event with this sentence where that changes something. 0 or a negative errno. */
int hold_begin(const struct state *state, const char *sentence);
int hold_end(const struct state *state, const char *sentence);

#endif
