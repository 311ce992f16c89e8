/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import: reads the LDIF files of a domain and replaces what is in its cache by what is in them. */

#ifndef BACKEND_IMPORT_H
#define BACKEND_IMPORT_H

#include <stdbool.h>

struct config;

/* In a process of its own: it takes time, and memory. Returns 0, or a negative errno after a line in the log:
 * then the cache is as it was. is_repair: reads all of the cache before, and makes it anew if it is damaged. */
int import_run(const struct config *config, const char *domain, const char *cache_dir, bool is_repair);

/* How long entries are good after the files were looked at, in seconds: the shortest of the entry_cache timeouts. */
unsigned long import_fresh_sec(const struct config *config, const char *section);

#endif
