/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Index: from texts to numbers. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "backend/index.h"

#define CHUNK_BYTES ((size_t) 64 * 1024)

struct index_slot {
    const char *key; /* NULL: free */
    size_t bytes;
    uint64_t hash;
    uint32_t number;
};

struct index_chunk {
    struct index_chunk *next;
    size_t used, size;
    char texts[];
};

/* FNV-1a, begun with a number that nobody who writes the texts knows: they cannot choose ones that collide. */
static uint64_t hash_of(const char *key, size_t bytes)
{
    static uint64_t seed;
    uint64_t hash;

    if (!seed && getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
        seed = 1; /* early at boot: better than to wait */
    hash = seed ^ 0xcbf29ce484222325;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char) key[i]) * 0x100000001b3;
    return hash ^ hash >> 32;
}

void index_done(struct index *index)
{
    while (index->chunks) {
        struct index_chunk *chunk = index->chunks;

        index->chunks = chunk->next;
        free(chunk);
    }
    free(index->slots);
    *index = (struct index){ 0 };
}

/* The slot of the key, or the free one where it belongs. */
static struct index_slot *slot_of(struct index_slot *slots, size_t n_slots, const char *key, size_t bytes,
                                  uint64_t hash)
{
    for (size_t i = hash & (n_slots - 1);; i = (i + 1) & (n_slots - 1)) {
        struct index_slot *slot = &slots[i];

        if (!slot->key || (slot->hash == hash && slot->bytes == bytes && memcmp(slot->key, key, bytes) == 0))
            return slot;
    }
}

static int grow(struct index *index)
{
    size_t n_slots = index->n_slots ? index->n_slots * 2 : 64;
    struct index_slot *slots = calloc(n_slots, sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < index->n_slots; i++) {
        const struct index_slot *slot = &index->slots[i];

        if (slot->key)
            *slot_of(slots, n_slots, slot->key, slot->bytes, slot->hash) = *slot;
    }
    free(index->slots);
    index->slots = slots;
    index->n_slots = n_slots;
    return 0;
}

static const char *keep(struct index *index, const char *key, size_t bytes)
{
    struct index_chunk *chunk = index->chunks;
    char *kept;

    if (!chunk || chunk->size - chunk->used <= bytes) {
        size_t size = bytes + 1 > CHUNK_BYTES ? bytes + 1 : CHUNK_BYTES;

        chunk = malloc(sizeof(*chunk) + size);
        if (!chunk)
            return NULL;
        *chunk = (struct index_chunk){ index->chunks, 0, size };
        index->chunks = chunk;
    }
    kept = chunk->texts + chunk->used;
    memcpy(kept, key, bytes);
    kept[bytes] = '\0';
    chunk->used += bytes + 1;
    return kept;
}

int index_add(struct index *index, const char *key, size_t bytes, uint32_t number, uint32_t *ret_number,
              const char **ret_key)
{
    uint64_t hash = hash_of(key, bytes);
    struct index_slot *slot;
    const char *kept;

    if ((index->n_used + 1) * 4 > index->n_slots * 3 && grow(index) < 0)
        return -ENOMEM;

    slot = slot_of(index->slots, index->n_slots, key, bytes, hash);
    if (slot->key) {
        if (ret_number)
            *ret_number = slot->number;
        if (ret_key)
            *ret_key = slot->key;
        return 0;
    }

    kept = keep(index, key, bytes);
    if (!kept)
        return -ENOMEM;
    *slot = (struct index_slot){ kept, bytes, hash, number };
    index->n_used++;
    if (ret_key)
        *ret_key = kept;
    return 1;
}

int index_find(const struct index *index, const char *key, size_t bytes, uint32_t *ret_number)
{
    const struct index_slot *slot;

    if (index->n_slots == 0)
        return 0;
    slot = slot_of(index->slots, index->n_slots, key, bytes, hash_of(key, bytes));
    if (!slot->key)
        return 0;
    *ret_number = slot->number;
    return 1;
}
