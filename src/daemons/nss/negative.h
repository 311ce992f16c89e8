/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Negative memory: what a backend was asked for lately and did not know, so that it is not asked again at once.
 *
 * It only spares questions: whether an entry exists is always read from the cache. */

#ifndef NSS_NEGATIVE_H
#define NSS_NEGATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEGATIVE_SLOTS 1024 /* that many at most: a later one takes the place of an earlier one */

struct negative;

/* What is remembered: an entry of a domain in one state of its directory. */
struct negative_key {
    const char *domain;
    uint64_t generation;
    const char *kind;
    const char *name; /* "": by id */
    const char *protocol;
    uint32_t id;
};

/* life_usec 0 remembers nothing. */
int negative_new(uint64_t life_usec, struct negative **ret);
struct negative *negative_free(struct negative *negative);

/* now_usec is of the monotonic clock. Without memory for it, nothing is remembered. */
void negative_remember(struct negative *negative, const struct negative_key *key, uint64_t now_usec);
bool negative_knows(const struct negative *negative, const struct negative_key *key, uint64_t now_usec);

#endif
