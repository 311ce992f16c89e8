/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stamp: by what the recipe for SSSD's cache clears ours, too.
 *
 * Our cache has a number, kept in our state folder, and an empty file in SSSD's cache folder has
 * that number as its name. Whoever stops the daemons and removes all that is in SSSD's folder means
 * our cache as well: a monitor that misses the file begins a new one. */

#ifndef UTIL_STAMP_H
#define UTIL_STAMP_H

#include <stdbool.h>

#define STAMP_PREFIX "sssd-ondemand-" /* with a dot in front the recipe's star would not match it \ */

struct stamp_places {
    const char *own_dir;   /* root's, in it the number */
    const char *cache_dir; /* what is cleared */
    const char *stamp_dir; /* SSSD's; changed in nothing else */
};

/* As root, before anybody has the cache open. Returns 1 if a new cache was begun: then everything
 * in the old one's folder is gone; 0 if it goes on; or a negative errno, after a line in the log.
 * Where the stamp cannot be left, e.g. because there is no such folder, the next start begins a new
 * one again, and that is told, too. */
int stamp_check(const struct stamp_places *places);

/* Whether the next stamp_check() would go on with the cache. As root: SSSD's folder is closed to
 * others. */
bool stamp_is_there(const struct stamp_places *places);

#endif
