/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cache: what sss_cache does for SSSD, whose files it edits, for our own engine. */

#ifndef TOOLS_CACHE_H
#define TOOLS_CACHE_H

struct cache_options {
    const char *word;        /* "expire" or "remove" */
    const char *user, *group; /* only this one; NULL: all */
};

/* Returns an exit status. */
int cache_run(const struct cache_options *options);

#endif
