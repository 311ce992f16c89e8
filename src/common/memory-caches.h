/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory caches: the files that clients map as long as they live, whichever engine writes them. */

#ifndef COMMON_MEMORY_CACHES_H
#define COMMON_MEMORY_CACHES_H

#define MEMORY_CACHES 4
#define MEMORY_CACHE_STATUS_AT 12 /* in the header */
#define MEMORY_CACHE_RECYCLED 2

/* Their names, in the folder that clients look into. */
extern const char *const memory_caches[MEMORY_CACHES];

/* Tells whoever has mapped the file to leave it. Only what is a memory cache and has no other name is written to: whoever may
 * write to that folder leads root nowhere. 0, also where it is none, or a negative errno. */
int memory_cache_recycle(int fd);

#endif
