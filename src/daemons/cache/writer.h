/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cache writer: what the backend of a domain, and nobody else, does to its cache.
 *
 * Entries are replaced as a whole: begin, put, commit. What is put as it was costs a comparison, so that one changed
 * entry is one that is written, and told to readers. Until the commit readers see the old ones, and a writer that fails
 * or dies leaves them; after it a power cut leaves the new ones. Two processes may have the writer
 * open (the backend and its import); the second to begin waits for the first. */

#ifndef CACHE_WRITER_H
#define CACHE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"

struct cache_writer;

/* Opens DIR/cache_DOMAIN.mdb, makes it if there is none, and makes it anew, with a line in the log, if it is
 * damaged, not ours to write, or of another layout. */
int cache_writer_open(const char *dir, const char *domain, struct cache_writer **ret);
/* Ends what was begun and not committed. */
struct cache_writer *cache_writer_close(struct cache_writer *writer);
void cache_writer_closep(struct cache_writer **writer);

/* When somebody has taken the file away (an administrator who clears the folder), makes a new one in its place.
 * Costs a stat. */
int cache_writer_check(struct cache_writer *writer);

/* Reads all that is in it. -EIO: it is damaged. */
int cache_writer_verify(struct cache_writer *writer);
/* Takes the file away and makes a new one, with no entries, in its place. */
int cache_writer_replace(struct cache_writer *writer);

int cache_writer_state(struct cache_writer *writer, struct cache_state *ret);
/* Leaves the entries alone, and the generation. Waits for the disk, twice. */
int cache_writer_set_state(struct cache_writer *writer, const struct cache_state *state);

/* ---- replacing all entries ---- */

/* How long those that are put from now on are good, each kind its own time; none at first. */
void cache_writer_set_lives(struct cache_writer *writer, const uint32_t lives_sec[CACHE_N_KINDS]);

/* What is not put until the commit is taken away by it. */
int cache_writer_begin(struct cache_writer *writer);
/* The state goes with them; its generation and changes are counted here. -ENOSPC: disk or map are
 * full. -ENOBUFS, here and from what puts: the file is too small for all of it; begin again, which
 * enlarges it, and put all again. */
int cache_writer_commit(struct cache_writer *writer, const struct cache_state *state);
void cache_writer_abort(struct cache_writer *writer);

/* key is what the entry is found by (cache_key of its name). Each returns 0, -EEXIST when the key
 * is taken: then nothing was put; or another negative errno: then the whole can only be aborted. Of
 * those with one id the first is found by it. Quickest, and smallest in the file, in the order of
 * ids, which netgroups and services have in the order of their coming. */
int cache_put_user(struct cache_writer *writer, const char *key, const struct cache_user *user);
int cache_put_group(struct cache_writer *writer, const char *key, const struct cache_group *group);
int cache_put_netgroup(struct cache_writer *writer, const char *key, const struct cache_netgroup *netgroup);
/* The key is taken if there is one of that protocol; a port leads to the first that was put with its protocol. */
int cache_put_service(struct cache_writer *writer, const char *key, const struct cache_service *service);

/* A further key of the user, group or netgroup that was put last, before anything else is put;
 * -EEXIST when it is taken. */
int cache_put_alias(struct cache_writer *writer, enum cache_kind kind, const char *key);
int cache_put_service_alias(struct cache_writer *writer, const char *key, const char *protocol);

/* The groups that the user of that key is in, who has been put: -ENOENT otherwise. */
int cache_put_gids(struct cache_writer *writer, const char *key, const uint32_t *gids, size_t n);

#endif
