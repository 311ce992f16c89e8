/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory cache: the files that clients map and read by themselves, so that they seldom have to ask. */

#ifndef NSS_MEMCACHE_H
#define NSS_MEMCACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct config;
struct memcache;

/* As root, for a process that goes on as that user: opens passwd, group and initgroups in dir,
 * which must live on, those that an earlier life has left, else new ones, and discards what another
 * engine has left. A file that cannot be had, or is taken away later, stays absent until the next
 * start. Next is memcache_set_mark(). Failures but of memory are told in the log. */
int memcache_open(const char *dir, const char *lock_path, const struct config *config, uid_t uid,
                  gid_t gid, struct memcache **ret);
/* Leaves the files to the clients and the next life. */
struct memcache *memcache_free(struct memcache *memcache);

/* Of domains_mark(). Drops all records if they were made under another. */
void memcache_set_mark(struct memcache *memcache, uint64_t mark);
/* Whatever is no longer so under this mark has been forgotten. */
void memcache_keep(struct memcache *memcache, uint64_t mark);
/* Drops all records if the administrator's tools want it: they leave a flag, which the monitor, as
 * root, removes afterwards. */
void memcache_clear_if_flagged(struct memcache *memcache);

/* Failures are told in the log, and leave an entry to the socket. strings is name, password, gecos, home, shell: */
void memcache_store_user(struct memcache *memcache, uint32_t uid, uint32_t gid, const void *strings, size_t bytes);
/* name, password, members: */
void memcache_store_group(struct memcache *memcache, uint32_t gid, uint32_t n_members, const void *strings, size_t bytes);
/* asked is the name as the client sent it. */
void memcache_store_gids(struct memcache *memcache, const char *asked, const char *full_name, const uint32_t *gids, size_t n);

/* By the names that clients are shown; of gids by the full one. */
void memcache_forget_user(struct memcache *memcache, const char *name);
void memcache_forget_group(struct memcache *memcache, const char *name);
void memcache_forget_gids(struct memcache *memcache, const char *full_name);

#endif
