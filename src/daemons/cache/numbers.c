/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers: a set of numbers of records. */

#include <errno.h>
#include <stdlib.h>

#include "cache/numbers.h"

/* Where it is, or the free slot where it belongs. */
static uint64_t *slot_of(uint64_t *slots, size_t n_slots, uint64_t mark)
{
    size_t at = (size_t) (mark * 0x9e3779b97f4a7c15 >> 20) & (n_slots - 1);

    while (slots[at] != 0 && slots[at] != mark)
        at = (at + 1) & (n_slots - 1);
    return &slots[at];
}

static int grow(struct numbers *numbers)
{
    size_t n_slots = numbers->n_slots ? numbers->n_slots * 2 : 64;
    uint64_t *slots = calloc(n_slots, sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < numbers->n_slots; i++)
        if (numbers->slots[i] != 0)
            *slot_of(slots, n_slots, numbers->slots[i]) = numbers->slots[i];
    free(numbers->slots);
    numbers->slots = slots;
    numbers->n_slots = n_slots;
    return 0;
}

int numbers_add(struct numbers *numbers, uint64_t number)
{
    uint64_t *slot;

    if ((numbers->n + 1) * 2 > numbers->n_slots && grow(numbers) < 0)
        return -ENOMEM;
    slot = slot_of(numbers->slots, numbers->n_slots, ~number);
    numbers->n += *slot == 0;
    *slot = ~number;
    return 0;
}

bool numbers_has(const struct numbers *numbers, uint64_t number)
{
    return numbers->n > 0 && *slot_of(numbers->slots, numbers->n_slots, ~number) != 0;
}

void numbers_done(struct numbers *numbers)
{
    free(numbers->slots);
    *numbers = (struct numbers){ 0 };
}
