/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Residency: may the monitor leave when nobody needs it? Only where the configuration is known to have no work of
 * its own to do meanwhile. */

#ifndef LIB_RESIDENCY_H
#define LIB_RESIDENCY_H

#include <stddef.h>

struct config;

/* Returns 1 if the monitor may leave, else 0 with the reason it stays, as a sentence, in why. */
int residency_may_leave(const struct config *config, char *why, size_t why_bytes);

#endif
