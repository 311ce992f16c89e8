/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory table: one file of the clients' memory cache. Records with two keys each, which other
 * processes read at any moment without a lock, and which outlive the process that writes them.
 *
 * Root opens or makes it; the writer goes on with its descriptor as somebody who can make none in
 * that folder. While it changes something the file says so behind its tables, so that a file whose
 * writer was killed in the midst of that is not taken over; nor is one of another boot, since a
 * crash of the host may have kept some of its pages and lost others. */

#ifndef NSS_MEMTABLE_H
#define NSS_MEMTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MEMTABLE_SLOTS_PER_MB 26214

struct memtable;

struct memtable_record {
    const char *key1, *key2;
    uint64_t expire;          /* CLOCK_REALTIME in seconds */
    const void *head;         /* the record's data is head, then body */
    size_t head_bytes;
    const void *body;
    size_t body_bytes;
};

/* Where a key stands in a record's data: the u32 at that offset says it. */
struct memtable_kind {
    size_t key1_offset_at;
    size_t key2_offset_at;    /* SIZE_MAX: key 2 is not in it as a text */
};

struct memtable_place {
    int folder_fd; /* O_PATH will do */
    uid_t uid;     /* whose the file is */
    gid_t gid;
    bool is_sole_writer; /* nobody else writes what is there: only then it is taken over */
};

/* Takes the file over if it is that user's, has that many slots and is sound; else makes a new one
 * in its place, and tells the old one's readers. Next is memtable_set_mark(). */
int memtable_open(const struct memtable_place *place, const char *name,
                  const struct memtable_kind *kind, uint32_t n_slots, struct memtable **ret);
/* Leaves the file to the readers and the next writer. */
struct memtable *memtable_close(struct memtable *table);

/* 0, or -ESTALE when it is no longer a file that readers find under its name, which is looked at
 * once a second. now is CLOCK_MONOTONIC. */
int memtable_check(struct memtable *table, uint64_t now_usec);

/* Drops all records if they were made under another mark. */
void memtable_set_mark(struct memtable *table, uint64_t mark);
/* The records that are left are right under this mark, too. */
void memtable_keep(struct memtable *table, uint64_t mark);
void memtable_clear(struct memtable *table);

/* Puts a record, in the place of one with the same key 1. One that is too large for the table is
 * dropped: -E2BIG; -EUCLEAN: the file was damaged, and is empty now. now is CLOCK_REALTIME in
 * seconds. */
int memtable_store(struct memtable *table, const struct memtable_record *record, uint64_t now);
/* Drops all records with that key. */
void memtable_forget(struct memtable *table, const char *key1);
void memtable_forget_by_key2(struct memtable *table, const char *key2);

/* MurmurHash3, 32 bits, of the key with its zero. */
uint32_t memtable_hash(uint32_t seed, const char *key);

#endif
