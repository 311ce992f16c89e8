/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import: reads the LDIF files of a domain and replaces what is in its cache by what is in them. */

#ifndef BACKEND_IMPORT_H
#define BACKEND_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"

struct config;
struct items;

enum import_flags {
    IMPORT_REPAIR = 1, /* reads all of the cache before, and makes it anew if it is damaged */
    IMPORT_COMPLETE =
        2, /* whoever has started it learns of each change of the files: what is not in the cache is nowhere */
};

/* In a process of its own: it takes time, and memory. Returns 0, or a negative errno after a line in the log:
 * then the cache is as it was. */
int import_run(const struct config *config, const char *domain, const struct items *items,
               const char *cache_dir, unsigned flags);

/* How long entries of each kind are good after the files were looked at: the entry_cache
 * timeouts. */
void import_lives(const struct config *config, const char *section, uint32_t ret_sec[CACHE_N_KINDS]);

#endif
