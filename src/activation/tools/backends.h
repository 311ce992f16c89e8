/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backends: are they online? A back end that starts anew has forgotten that its server is away. */

#ifndef TOOLS_BACKENDS_H
#define TOOLS_BACKENDS_H

#include <stddef.h>

struct domains;

/* Asks the back end of each domain, which takes a second at most for each. Returns 1 if all say that they are online,
 * else 0 with the first that does not, as a sentence, in why: one that can't be asked counts as offline. Only root
 * can ask. */
int backends_online(const struct domains *domains, char *why, size_t why_bytes);

/* Has our own engine's compare what they have with their sources, and waits for that: a minute at most for each. Returns as
 * above. */
int backends_refresh(const struct domains *domains, char *why, size_t why_bytes);

#endif
