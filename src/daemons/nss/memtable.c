/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory table: its layout, and the order in which it is changed under the eyes of its readers. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/memory-caches.h"
#include "nss/memtable.h"
#include "util/log.h"
#include "util/memfile.h"

#define NONE UINT32_MAX
#define BARRIER_INVALID UINT32_MAX
#define LEN_MIN 56                       /* readers refuse a record below that */
#define CHECK_USEC 1000000ULL

enum status {
    STATUS_UNINITIALISED = 0,
    STATUS_ALIVE = 1,
    STATUS_RECYCLED = MEMORY_CACHE_RECYCLED,
};

struct header {
    uint32_t b1;
    uint32_t major, minor;
    uint32_t status;
    uint32_t seed;
    uint32_t data_bytes, free_bytes, hash_bytes;
    uint32_t data_at, free_at, hash_at;
    uint32_t reserved;
    uint32_t b2;
    uint32_t padding;
};
_Static_assert(sizeof(struct header) == 56, "the layout is the clients'");
_Static_assert(offsetof(struct header, status) == MEMORY_CACHE_STATUS_AT,
               "others mark files as recycled, too");

struct record {
    uint32_t b1;
    uint32_t len;
    uint64_t expire;
    uint32_t next1, next2;
    uint32_t hash1, hash2; /* buckets */
    uint32_t padding;
    uint32_t b2;
    uint8_t data[];
};
#define SLOT_BYTES 40
_Static_assert(sizeof(struct record) == SLOT_BYTES, "the layout is the clients'");

/* Behind the tables, for writers alone. */
struct tail {
    uint64_t magic;
    sd_id128_t boot;
    uint64_t mark;      /* what the records were made under */
    uint64_t stored_at; /* when the last one was stored */
    uint32_t next;      /* where to look for free slots; never within a record */
    uint32_t barrier;   /* the last one that was used, so that a slot's next record has another than its last one */
    uint32_t busy;      /* something is being changed */
    uint32_t padding;
};
_Static_assert(sizeof(struct tail) == MEMFILE_TAIL_BYTES, "others know our files by it");

struct memtable {
    struct memtable_kind kind;
    int fd;
    size_t file_bytes;
    uint8_t *map;
    struct header *header;
    uint8_t *used; /* a bit for each slot, the highest one of a byte first */
    uint32_t *buckets;
    struct tail *tail;
    uint32_t n_slots;
    bool is_new;         /* nothing was stored, under no mark */
    uint64_t check_usec; /* when to look at the file again */
};

/* ---- layout ---- */

static size_t round_up(size_t n)
{
    return (n + 7) & ~(size_t) 7;
}

static struct header header_for(uint32_t n_slots)
{
    struct header header = {
        .major = 1,
        .minor = 1,
        .status = STATUS_ALIVE,
        .data_bytes = n_slots * SLOT_BYTES,
        .free_bytes = n_slots / 8,
        .hash_bytes = n_slots * (uint32_t) sizeof(uint32_t),
        .data_at = sizeof(struct header),
    };

    header.free_at = header.data_at + (uint32_t) round_up(header.data_bytes);
    header.hash_at = header.free_at + (uint32_t) round_up(header.free_bytes);
    return header;
}

static size_t tail_at(const struct header *header)
{
    return header->hash_at + round_up(header->hash_bytes);
}

static struct record *record_at(const struct memtable *table, uint32_t slot)
{
    return (struct record *) (table->map + table->header->data_at + (size_t) slot * SLOT_BYTES);
}

static uint32_t slots_of(size_t bytes)
{
    return (uint32_t) ((bytes + SLOT_BYTES - 1) / SLOT_BYTES);
}

static bool is_used(const struct memtable *table, uint32_t slot)
{
    return table->used[slot / 8] & (0x80 >> slot % 8);
}

static void set_used(struct memtable *table, uint32_t slot, uint32_t n, bool used)
{
    for (; n > 0; n--, slot++) {
        if (used)
            table->used[slot / 8] |= (uint8_t) (0x80 >> slot % 8);
        else
            table->used[slot / 8] &= (uint8_t) ~(0x80 >> slot % 8);
    }
}

uint32_t memtable_hash(uint32_t seed, const char *key)
{
    const uint8_t *at = (const uint8_t *) key;
    size_t n = strlen(key) + 1, left;
    uint32_t h = seed, k;

    for (left = n;; left -= 4, at += 4) {
        size_t part = left < 4 ? left : 4, i;

        for (k = 0, i = 0; i < part; i++)
            k |= (uint32_t) at[i] << 8 * i;
        k *= 0xcc9e2d51;
        k = k << 15 | k >> 17;
        k *= 0x1b873593;
        h ^= k;
        if (part < 4)
            break;
        h = h << 13 | h >> 19;
        h = h * 5 + 0xe6546b64;
    }
    h ^= (uint32_t) n;
    h ^= h >> 16;
    h *= 0x85ebca6b;
    h ^= h >> 13;
    h *= 0xc2b2ae35;
    h ^= h >> 16;
    return h;
}

static uint32_t bucket_of(const struct memtable *table, const char *key)
{
    return memtable_hash(table->header->seed, key) % table->n_slots;
}

/* ---- changes that readers can tell from what is whole ---- */

static void fence(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

static void set(uint32_t *at, uint32_t value)
{
    *(volatile uint32_t *) at = value;
}

static uint32_t next_barrier(struct memtable *table)
{
    table->tail->barrier = ((table->tail->barrier + 1) & 0x00ffffff) | 0xf0000000;
    return table->tail->barrier;
}

/* Readers take what lies between two equal and valid barriers. */
static uint32_t raise_barrier(struct memtable *table, uint32_t *b2)
{
    uint32_t barrier = next_barrier(table);

    set(b2, barrier);
    fence();
    return barrier;
}

static void lower_barrier(uint32_t *b1, uint32_t barrier)
{
    fence();
    set(b1, barrier);
}

/* A file that says so when its writer dies is one in doubt. */
static void begin_change(struct memtable *table)
{
    set(&table->tail->busy, 1);
    fence();
}

static void end_change(struct memtable *table)
{
    fence();
    set(&table->tail->busy, 0);
}

/* ---- chains ---- */

static uint32_t *link_of(const struct memtable *table, uint32_t slot, uint32_t bucket)
{
    struct record *record = record_at(table, slot);

    if (record->hash1 == bucket)
        return &record->next1; /* the only one if both buckets are the same */
    return record->hash2 == bucket ? &record->next2 : NULL;
}

/* Nobody else writes the file, but whoever can could make us run in circles: what cannot be is told by -EUCLEAN. */
static int step(const struct memtable *table, uint32_t bucket, uint32_t **link, uint32_t *n_steps)
{
    uint32_t slot = **link;

    if (slot >= table->n_slots || ++*n_steps > table->n_slots)
        return -EUCLEAN;
    *link = link_of(table, slot, bucket);
    return *link ? 0 : -EUCLEAN;
}

static uint32_t *first_link(const struct memtable *table, uint32_t bucket)
{
    return &table->buckets[bucket];
}

static int unlink_record(struct memtable *table, uint32_t slot, uint32_t bucket)
{
    uint32_t *link = first_link(table, bucket), n_steps = 0;
    int r;

    while (*link != NONE) {
        if (*link == slot) {
            set(link, *link_of(table, slot, bucket));
            return 0;
        }
        r = step(table, bucket, &link, &n_steps);
        if (r < 0)
            return r;
    }
    return -EUCLEAN;
}

static int append_record(struct memtable *table, uint32_t slot, uint32_t bucket)
{
    uint32_t *link = first_link(table, bucket), n_steps = 0;
    int r;

    while (*link != NONE) {
        if (*link == slot)
            return 0; /* by its other key */
        r = step(table, bucket, &link, &n_steps);
        if (r < 0)
            return r;
    }
    set(link, slot);
    return 0;
}

/* The text at the offset that the data says. */
static bool has_text(const struct record *record, size_t offset_at, const char *text)
{
    size_t data_bytes = record->len - SLOT_BYTES, bytes = strlen(text) + 1;
    uint32_t offset;

    if (offset_at + sizeof(offset) > data_bytes)
        return false;
    memcpy(&offset, record->data + offset_at, sizeof(offset));
    return offset <= data_bytes && bytes <= data_bytes - offset && memcmp(record->data + offset, text, bytes) == 0;
}

static bool is_sound(const struct memtable *table, uint32_t slot)
{
    const struct record *record = record_at(table, slot);

    return record->b1 == record->b2 && record->b1 >> 24 == 0xf0 && record->len >= LEN_MIN &&
           record->len <= table->header->data_bytes && slots_of(record->len) <= table->n_slots - slot &&
           record->hash1 < table->n_slots && record->hash2 < table->n_slots;
}

/* Returns 1 with the slot of the first record in the chain that has the key, 0, or -EUCLEAN. */
static int find(const struct memtable *table, const char *key, bool is_key2, uint32_t *ret)
{
    uint32_t bucket = bucket_of(table, key), n_steps = 0;
    uint32_t *link = first_link(table, bucket);
    size_t offset_at = is_key2 ? table->kind.key2_offset_at : table->kind.key1_offset_at;
    int r;

    while (*link != NONE) {
        uint32_t slot = *link;
        const struct record *record;

        r = step(table, bucket, &link, &n_steps);
        if (r < 0)
            return r;
        if (!is_sound(table, slot))
            return -EUCLEAN;
        record = record_at(table, slot);
        if ((is_key2 ? record->hash2 : record->hash1) == bucket && has_text(record, offset_at, key)) {
            *ret = slot;
            return 1;
        }
    }
    return 0;
}

/* ---- records ---- */

static int drop_record(struct memtable *table, uint32_t slot)
{
    struct record *record = record_at(table, slot);
    uint32_t n = slots_of(record->len);
    int r;

    r = unlink_record(table, slot, record->hash1);
    if (r >= 0 && record->hash2 != record->hash1)
        r = unlink_record(table, slot, record->hash2);
    if (r < 0)
        return r;
    set_used(table, slot, n, false);

    set(&record->b2, BARRIER_INVALID);
    fence();
    memset(record->data, 0xff, (size_t) n * SLOT_BYTES - sizeof(*record));
    memset(&record->len, 0xff, offsetof(struct record, b2) - offsetof(struct record, len));
    lower_barrier(&record->b1, BARRIER_INVALID);
    return 0;
}

/* From the first slot on, the first run of n that are free. */
static bool find_free(const struct memtable *table, uint32_t first, uint32_t n, uint32_t *ret)
{
    uint32_t slot = first, run = 0;
    uint64_t eight;

    while (slot < table->n_slots) {
        if (run == 0 && slot % 64 == 0 && table->n_slots - slot >= 64) {
            memcpy(&eight, table->used + slot / 8, sizeof(eight));
            if (eight == UINT64_MAX) {
                slot += 64;
                continue;
            }
        }
        run = is_used(table, slot) ? 0 : run + 1;
        slot++;
        if (run == n) {
            *ret = slot - n;
            return true;
        }
    }
    return false;
}

/* Where nothing is free, the records behind the last one stored have been there longest. */
static int allocate(struct memtable *table, uint32_t n, uint32_t *ret)
{
    uint32_t first = table->tail->next < table->n_slots ? table->tail->next : 0, slot;
    int r;

    if (n > table->n_slots)
        return -E2BIG;
    if (!find_free(table, first, n, ret) && !find_free(table, 0, n, ret)) {
        if (n > table->n_slots - first)
            first = 0;
        for (slot = first; slot < first + n;) {
            uint32_t step_over = 1;

            if (is_used(table, slot)) {
                if (!is_sound(table, slot))
                    return -EUCLEAN;
                step_over = slots_of(record_at(table, slot)->len);
                r = drop_record(table, slot);
                if (r < 0)
                    return r;
            }
            slot += step_over;
        }
        *ret = first;
    }
    table->tail->next = *ret + n;
    return 0;
}

static void fill_record(struct record *record, const struct memtable_record *from, size_t len)
{
    record->len = (uint32_t) len;
    record->expire = from->expire;
    record->padding = UINT32_MAX;
    memcpy(record->data, from->head, from->head_bytes);
    memcpy(record->data + from->head_bytes, from->body, from->body_bytes);
    memset((uint8_t *) record + len, 0xff, (size_t) slots_of(len) * SLOT_BYTES - len);
}

static bool is_same(const struct record *record, const struct memtable_record *from, size_t len)
{
    return record->len == len && memcmp(record->data, from->head, from->head_bytes) == 0 &&
           memcmp(record->data + from->head_bytes, from->body, from->body_bytes) == 0;
}

static int store(struct memtable *table, const struct memtable_record *from)
{
    size_t len = SLOT_BYTES + from->head_bytes + from->body_bytes;
    uint32_t hash1 = bucket_of(table, from->key1), hash2 = bucket_of(table, from->key2);
    uint32_t slot, barrier;
    struct record *record;
    int r;

    assert(len >= LEN_MIN);
    if (len > table->header->data_bytes)
        return -E2BIG;

    r = find(table, from->key1, false, &slot);
    if (r < 0)
        return r;
    if (r > 0) {
        record = record_at(table, slot);
        if (record->expire == from->expire && is_same(record, from, len))
            return 0; /* not even a reader is disturbed */
        if (slots_of(record->len) == slots_of(len) && record->hash1 == hash1 && record->hash2 == hash2) {
            barrier = raise_barrier(table, &record->b2);
            fill_record(record, from, len);
            lower_barrier(&record->b1, barrier);
            return 0;
        }
        r = drop_record(table, slot);
        if (r < 0)
            return r;
    }

    r = allocate(table, slots_of(len), &slot);
    if (r < 0)
        return r;
    record = record_at(table, slot);
    /* a reader that is late may stand here: what it finds must not be valid before it is whole */
    set(&record->b1, BARRIER_INVALID);
    fence();
    barrier = raise_barrier(table, &record->b2);
    record->next1 = NONE;
    record->next2 = NONE;
    record->hash1 = hash1;
    record->hash2 = hash2;
    fill_record(record, from, len);
    lower_barrier(&record->b1, barrier);
    set_used(table, slot, slots_of(len), true);
    fence();

    r = append_record(table, slot, hash1);
    return r < 0 ? r : append_record(table, slot, hash2);
}

/* ---- the file ---- */

/* Not through the mapping: pages that are only filled need not be ours. */
static int fill(int fd, size_t at, uint8_t byte, size_t n)
{
    uint8_t page[16384];

    memset(page, byte, sizeof(page));
    while (n > 0) {
        size_t part = n < sizeof(page) ? n : sizeof(page);
        ssize_t written = pwrite(fd, page, part, (off_t) at);

        if (written < 0)
            return -errno;
        at += (size_t) written;
        n -= (size_t) written;
    }
    return 0;
}

static void set_status(struct memtable *table, enum status status)
{
    struct header *header = table->header;
    uint32_t barrier = raise_barrier(table, &header->b2);

    set(&header->status, status);
    lower_barrier(&header->b1, barrier);
}

/* A slot that no link leads to is read by nobody, so the data stays as it is. */
static int wipe(struct memtable *table)
{
    const struct header *header = table->header;
    int r;

    begin_change(table);
    set_status(table, STATUS_UNINITIALISED);
    r = fill(table->fd, header->hash_at, 0xff, header->hash_bytes);
    if (r >= 0)
        r = fill(table->fd, header->free_at, 0, header->free_bytes);
    if (r < 0)
        return r; /* stays in doubt */
    table->tail->next = 0;
    set_status(table, STATUS_ALIVE);
    end_change(table);
    return 0;
}

/* Readers leave it, and the next life makes another. */
static void recycle(struct memtable *table)
{
    begin_change(table);
    set_status(table, STATUS_RECYCLED);
}

/* What SSSD's tools look at: where it can be locked they take it that nobody writes, and remove the
 * file. Nothing of ours relies on it, since whoever can read the file can lock it, too. */
static void show_writer(int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };

    (void) fcntl(fd, F_OFD_SETLK, &lock); /* see above */
}

static int map_file(struct memtable *table, const struct header *header)
{
    table->file_bytes = tail_at(header) + sizeof(struct tail);
    table->map = mmap(NULL, table->file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, table->fd, 0);
    if (table->map == MAP_FAILED) {
        table->map = NULL;
        return -errno;
    }
    /* it is read here and there: no pages around those that are touched */
    (void) madvise(table->map, table->file_bytes, MADV_RANDOM);
    table->header = (struct header *) table->map;
    table->used = table->map + header->free_at;
    table->buckets = (uint32_t *) (table->map + header->hash_at);
    table->tail = (struct tail *) (table->map + tail_at(header));
    return 0;
}

static bool can_be_adopted(const struct memtable *table, const struct header *wanted, sd_id128_t boot)
{
    struct header header = *table->header;

    if (header.b1 != header.b2 || header.b1 >> 24 != 0xf0)
        return false;
    header.b1 = header.b2 = header.seed = header.padding = 0;
    return memcmp(&header, wanted, sizeof(header)) == 0 &&
           table->tail->magic == MEMFILE_TAIL_MAGIC && table->tail->busy == 0 &&
           sd_id128_equal(table->tail->boot, boot);
}

/* Returns 1 with the file of an earlier life, 0 if there is none that can be used, or a negative errno. */
static int adopt(struct memtable *table, const struct memtable_place *place, const char *name,
                 const struct header *wanted, sd_id128_t boot)
{
    struct stat info;
    int r;

    if (!place->is_sole_writer || sd_id128_is_null(boot))
        return 0;
    table->fd = openat(place->folder_fd, name,
                       O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (table->fd < 0)
        return errno == ENOENT || errno == ELOOP || errno == EISDIR ? 0 : -errno;
    if (!memfile_is_ours(table->fd, place->uid) || fstat(table->fd, &info) < 0 ||
        (size_t) info.st_size != tail_at(wanted) + sizeof(struct tail))
        return 0;
    r = map_file(table, wanted);
    if (r < 0)
        return r;
    return can_be_adopted(table, wanted, boot);
}

static void unmap(struct memtable *table)
{
    if (table->map)
        (void) munmap(table->map, table->file_bytes);
    table->map = NULL;
    closep(&table->fd);
    table->fd = -1;
}

static int fill_new(struct memtable *table, const struct header *wanted, sd_id128_t boot)
{
    int r;

    /* a store into a page that the disk has no room for would end us */
    r = -posix_fallocate(table->fd, 0, (off_t) (tail_at(wanted) + sizeof(struct tail)));
    if (r >= 0)
        r = map_file(table, wanted);
    if (r >= 0)
        r = fill(table->fd, wanted->hash_at, 0xff, wanted->hash_bytes);
    if (r < 0)
        return r;
    *table->header = *wanted;
    if (getrandom(&table->header->seed, sizeof(table->header->seed), GRND_NONBLOCK) < 0)
        table->header->seed = (uint32_t) getpid(); /* before the pool is ready */
    *table->tail = (struct tail) { .magic = MEMFILE_TAIL_MAGIC, .boot = boot };
    table->is_new = true;
    set_status(table, STATUS_ALIVE);
    return 0;
}

/* Made aside and put in place whole, so that readers see the old file, none, or the new one. The
 * folder may be somebody else's: nothing is done by a name but to make, move and remove it. */
static int create(struct memtable *table, const struct memtable_place *place, const char *name,
                  const struct header *wanted, sd_id128_t boot)
{
    CLEANUP(freep) char *aside = NULL;
    int r;

    if (asprintf(&aside, ".%s.new", name) < 0) {
        aside = NULL;
        return -ENOMEM;
    }
    (void) unlinkat(place->folder_fd, aside, 0); /* of a life that ended here */
    table->fd = openat(place->folder_fd, aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                       0600);
    if (table->fd < 0)
        return -errno;
    r = fill_new(table, wanted, boot);
    /* the mode while it is still our own: to change that of another's takes one more capability */
    if (r >= 0 && (fchmod(table->fd, 0644) < 0 || fchown(table->fd, place->uid, place->gid) < 0 ||
                   renameat(place->folder_fd, aside, place->folder_fd, name) < 0))
        r = -errno;
    if (r < 0) {
        (void) unlinkat(place->folder_fd, aside, 0); /* nobody has seen it */
        unmap(table);
    }
    return r;
}

int memtable_open(const struct memtable_place *place, const char *name,
                  const struct memtable_kind *kind, uint32_t n_slots, struct memtable **ret)
{
    const struct header wanted = header_for(n_slots);
    struct memtable *table;
    sd_id128_t boot;
    int r;

    if (sd_id128_get_boot(&boot) < 0)
        boot = SD_ID128_NULL; /* no life of ours can be followed by another */
    table = calloc(1, sizeof(*table));
    if (!table)
        return -ENOMEM;
    table->kind = *kind;
    table->fd = -1;
    table->n_slots = n_slots;

    r = adopt(table, place, name, &wanted, boot);
    if (r <= 0) {
        unmap(table);
        r = memfile_discard(place->folder_fd, name);
        if (r >= 0)
            r = create(table, place, name, &wanted, boot);
    }
    if (r < 0) {
        memtable_close(table);
        return r;
    }
    show_writer(table->fd);
    *ret = table;
    return 0;
}

struct memtable *memtable_close(struct memtable *table)
{
    if (!table)
        return NULL;
    unmap(table);
    free(table);
    return NULL;
}

int memtable_check(struct memtable *table, uint64_t now_usec)
{
    struct stat info;

    if (now_usec >= table->check_usec) {
        if (fstat(table->fd, &info) < 0 || info.st_nlink != 1 || (size_t) info.st_size != table->file_bytes)
            return -ESTALE;
        table->check_usec = now_usec + CHECK_USEC;
    }
    return table->header->status == STATUS_ALIVE ? 0 : -ESTALE;
}

void memtable_clear(struct memtable *table)
{
    int r;

    r = wipe(table);
    if (r < 0) {
        log_warning_errno(r, "cannot clear a memory cache: %m; clients leave it");
        recycle(table);
    }
}

void memtable_set_mark(struct memtable *table, uint64_t mark)
{
    if (table->tail->mark == mark && !table->is_new)
        return;
    if (!table->is_new)
        memtable_clear(table);
    table->is_new = false;
    table->tail->mark = mark;
}

void memtable_keep(struct memtable *table, uint64_t mark)
{
    table->tail->mark = mark;
}

int memtable_store(struct memtable *table, const struct memtable_record *record, uint64_t now)
{
    int r;

    /* the clock was set back: what was stored would live too long */
    if (now < table->tail->stored_at)
        memtable_clear(table);
    table->tail->stored_at = now;

    begin_change(table);
    r = store(table, record);
    if (r == -EUCLEAN) {
        log_warning("a memory cache was damaged and is cleared");
        memtable_clear(table);
        return r;
    }
    end_change(table);
    return r;
}

static void forget(struct memtable *table, const char *key, bool is_key2)
{
    uint32_t slot;
    int r;

    begin_change(table);
    while ((r = find(table, key, is_key2, &slot)) > 0) {
        r = drop_record(table, slot);
        if (r < 0)
            break;
    }
    if (r < 0) {
        log_warning("a memory cache was damaged and is cleared");
        memtable_clear(table);
        return;
    }
    end_change(table);
}

void memtable_forget(struct memtable *table, const char *key1)
{
    forget(table, key1, false);
}

void memtable_forget_by_key2(struct memtable *table, const char *key2)
{
    forget(table, key2, true);
}
