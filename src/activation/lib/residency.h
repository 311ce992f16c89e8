/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Residency: may the monitor leave when nobody needs it? Only where the configuration is known to have no work of
 * its own to do meanwhile. */

#ifndef LIB_RESIDENCY_H
#define LIB_RESIDENCY_H

#include <stddef.h>

struct config;

/* Returns 1 if the monitor may leave, else 0 with the reason it stays, as a sentence, in why. */
int residency_may_leave(const struct config *config, char *why, size_t why_bytes);

/* Calls on_row with each row of the table behind that, as docs/residency.md shows it, until that returns other than
 * 0, and returns that. */
int residency_each_row(int (*on_row)(const char *section, const char *options, const char *verdict,
                                     const char *reason, void *userdata),
                       void *userdata);

#endif
