/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Negative memory: a table of texts in which each text has one place. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "nss/negative.h"

struct slot {
    char *text;
    uint64_t until_usec;
};

struct negative {
    uint64_t life_usec;
    struct slot slots[NEGATIVE_SLOTS];
};

/* Kind, domain and protocol cannot hold a slash that would make two keys one text; the name comes last. */
static char *text_of(const struct negative_key *key)
{
    char *text;

    if (asprintf(&text, "%s/%" PRIu64 "/%s/%s/%" PRIu32 "/%s", key->kind, key->generation, key->domain, key->protocol,
                 key->id, key->name) < 0)
        return NULL;
    return text;
}

/* FNV-1a: whoever finds names that collide only makes the table forget. */
static size_t place_of(const char *text)
{
    uint32_t hash = 2166136261U;

    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t) *text) * 16777619U;
    return hash % NEGATIVE_SLOTS;
}

int negative_new(uint64_t life_usec, struct negative **ret)
{
    struct negative *negative;

    negative = calloc(1, sizeof(*negative));
    if (!negative)
        return -ENOMEM;
    negative->life_usec = life_usec;
    *ret = negative;
    return 0;
}

struct negative *negative_free(struct negative *negative)
{
    size_t i;

    if (!negative)
        return NULL;
    for (i = 0; i < NEGATIVE_SLOTS; i++)
        free(negative->slots[i].text);
    free(negative);
    return NULL;
}

void negative_remember(struct negative *negative, const struct negative_key *key, uint64_t now_usec)
{
    struct slot *slot;
    char *text;

    if (negative->life_usec == 0)
        return;
    text = text_of(key);
    if (!text)
        return;

    slot = &negative->slots[place_of(text)];
    free(slot->text);
    slot->text = text;
    slot->until_usec = now_usec + negative->life_usec;
}

bool negative_knows(const struct negative *negative, const struct negative_key *key, uint64_t now_usec)
{
    CLEANUP(freep) char *text = NULL;
    const struct slot *slot;

    text = text_of(key);
    if (!text)
        return false;

    slot = &negative->slots[place_of(text)];
    return slot->text && now_usec < slot->until_usec && strcmp(slot->text, text) == 0;
}
