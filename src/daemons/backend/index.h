/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Index: from texts to numbers. It keeps the texts, which stay where they are until it is freed. */

#ifndef BACKEND_INDEX_H
#define BACKEND_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct index {
    struct index_slot *slots;
    size_t n_slots, n_used; /* slots are a power of two, less than three quarters in use */
    struct index_chunk *chunks;
};

void index_done(struct index *index);

/* Returns 1 and the text as it is kept, 0 if it is taken: then *ret_number is whose, or -ENOMEM. Any of ret may
 * be NULL. */
int index_add(struct index *index, const char *key, size_t bytes, uint32_t number, uint32_t *ret_number,
              const char **ret_key);
/* Returns 1, or 0 if there is no such. */
int index_find(const struct index *index, const char *key, size_t bytes, uint32_t *ret_number);

#endif
