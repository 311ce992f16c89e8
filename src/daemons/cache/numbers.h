/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers: a set of numbers of records. */

#ifndef CACHE_NUMBERS_H
#define CACHE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct numbers {
    uint64_t *slots;  /* of a number all bits are turned round: 0 is free */
    size_t n, n_slots; /* slots are a power of two, at most half of them in use */
};

/* Returns 0 or -ENOMEM. */
int numbers_add(struct numbers *numbers, uint64_t number);
bool numbers_has(const struct numbers *numbers, uint64_t number);
void numbers_done(struct numbers *numbers);

#endif
