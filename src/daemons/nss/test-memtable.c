/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What readers find in a memory table at any moment: the reader here shares nothing with the writer but the file. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/test-cmocka.h"
#include "nss/memtable.h"
#include "util/memfile.h"

#define TEXT(text) text, sizeof(text) - 1
#define SEED 0x12345678U
#define FOREVER 4102444800ULL /* 2100 */
#define FILE_BYTES_MAX 65536

static const struct memtable_kind users = { 0, SIZE_MAX };
static char dir[64], path[80];

/* ---- a reader, as the clients' library has one ---- */

struct file {
    uint8_t bytes[FILE_BYTES_MAX];
    size_t used;
};

static uint32_t u32_at(const struct file *file, size_t at)
{
    uint32_t value;

    assert_true(at + sizeof(value) <= file->used);
    memcpy(&value, file->bytes + at, sizeof(value));
    return value;
}

static void read_file(const char *name, struct file *file)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    assert_true(fd >= 0);
    n = read(fd, file->bytes, sizeof(file->bytes));
    assert_uint_in_range(n, 56, sizeof(file->bytes) - 1);
    file->used = (size_t) n;
    assert_int_equal(close(fd), 0);
}

static bool is_valid(uint32_t b1, uint32_t b2)
{
    return b1 >> 24 == 0xf0 && b1 == b2;
}

/* Does a client use the file? */
static bool is_alive(const struct file *file)
{
    return is_valid(u32_at(file, 0), u32_at(file, 48)) && u32_at(file, 4) == 1 && u32_at(file, 8) == 1 && u32_at(file, 12) != 2;
}

/* The strings of a user, or NULL. A chain without an end fails the test. */
static const char *find_user(const struct file *file, const char *key, bool is_id)
{
    uint32_t data_bytes = u32_at(file, 20), hash_bytes = u32_at(file, 28), data_at = u32_at(file, 32), hash_at = u32_at(file, 40);
    uint32_t bucket = memtable_hash(u32_at(file, 16), key) % (hash_bytes / 4);
    uint32_t slot = u32_at(file, hash_at + bucket * 4), steps = 0;

    if (!is_alive(file))
        return NULL;
    while (slot < data_bytes / 40) {
        size_t at = data_at + (size_t) slot * 40;
        uint32_t len = u32_at(file, at + 4), name_at, strings;

        assert_true(++steps <= data_bytes / 40);
        if (!is_valid(u32_at(file, at), u32_at(file, at + 36)))
            return NULL;
        if (len < 56 || len > data_bytes - slot * 40)
            return NULL;
        name_at = u32_at(file, at + 40);
        strings = u32_at(file, at + 52);
        assert_int_equal(name_at, 16);
        assert_int_equal(strings, len - 56);
        if (is_id ? u32_at(file, at + 28) == bucket && u32_at(file, at + 44) == (uint32_t) atoi(key)
                  : u32_at(file, at + 24) == bucket && strcmp((const char *) file->bytes + at + 56, key) == 0)
            return (const char *) file->bytes + at + 56;
        if (u32_at(file, at + 24) == bucket)
            slot = u32_at(file, at + 16);
        else if (u32_at(file, at + 28) == bucket)
            slot = u32_at(file, at + 20);
        else
            break;
    }
    return NULL;
}

static bool finds(const char *key, bool is_id)
{
    static struct file file;

    read_file(path, &file);
    return find_user(&file, key, is_id) != NULL;
}

/* ---- the writer ---- */

static struct memtable *open_in(const char *folder, uint32_t n_slots, uint64_t mark,
                                bool is_sole_writer)
{
    int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const struct memtable_place place = { folder_fd, geteuid(), getegid(), is_sole_writer };
    struct memtable *table;

    assert_true(folder_fd >= 0);
    assert_int_equal(memtable_open(&place, "passwd", &users, n_slots, &table), 0);
    assert_int_equal(close(folder_fd), 0);
    memtable_set_mark(table, mark);
    return table;
}

static struct memtable *open_table(uint32_t n_slots, uint64_t mark)
{
    return open_in(dir, n_slots, mark, true);
}

/* Buckets that are known beforehand. The table must be empty. */
static struct memtable *open_seeded(uint32_t n_slots)
{
    struct memtable *table = open_table(n_slots, 0);
    uint32_t seed = SEED;
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_int_equal(pwrite(fd, &seed, sizeof(seed), 16), sizeof(seed));
    assert_int_equal(close(fd), 0);
    return table;
}

static int store(struct memtable *table, const char *name, uint32_t uid, const char *rest, size_t rest_bytes)
{
    char strings[1024], id[16];
    size_t bytes = strlen(name) + 1;

    (void) snprintf(id, sizeof(id), "%u", uid);
    memcpy(strings, name, bytes);
    memcpy(strings + bytes, rest, rest_bytes);
    bytes += rest_bytes;
    const uint32_t head[] = { 16, uid, uid, (uint32_t) bytes };
    const struct memtable_record record = { name, id, FOREVER, head, sizeof(head), strings, bytes };

    return memtable_store(table, &record, 1000);
}

static int setup(void **state)
{
    (void) state;
    strcpy(dir, "/tmp/test-memtable-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void) snprintf(path, sizeof(path), "%s/passwd", dir);
    return 0;
}

static int teardown(void **state)
{
    char command[100];

    (void) state;
    (void) snprintf(command, sizeof(command), "rm -r %s", dir);
    return system(command);
}

/* ---- tests ---- */

static void keys_have_the_hashes_that_clients_compute(void **state)
{
    static const struct {
        const char *key;
        uint32_t seed_0, seed_1;
    } rows[] = {
        { "", 0x514e28b7, 0x59745785 },           { "a", 0x6f49d11a, 0xacb8be87 },
        { "ab", 0xb8079b46, 0x6754df30 },         { "abc", 0xa054b4da, 0xbed020b1 },
        { "alice", 0x1201616f, 0xe12493f2 },      { "10001", 0x7a419bb8, 0xf10ea484 },
        { "devs", 0x421b9c5e, 0x11ef0b54 },       { "20000", 0x4d4d177b, 0x03811193 },
        { "1-10001", 0xab7b910f, 0x956f0e58 },    { "alice@example.com", 0x2525ee2b, 0x9211c0f2 },
        { "S-1-5-21-1-2-3-1001", 0x11d93f41, 0x5a20a787 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(memtable_hash(0, rows[i].key), rows[i].seed_0);
        assert_int_equal(memtable_hash(SEED, rows[i].key), rows[i].seed_1);
    }
}

#define REST "*\0Alice Example\0/home/alice\0/bin/bash\0"

static void a_file_looks_as_clients_know_it(void **state)
{
    static const uint8_t header[] = "\x01\0\0\xf0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x78\x56\x34\x12\x40\x01\0\0\x01\0\0\0\x20\0\0\0"
                                    "\x38\0\0\0\x78\x01\0\0\x80\x01\0\0\0\0\0\0\x01\0\0\xf0\0\0\0";
    static const uint8_t record[] = "\x02\0\0\xf0\x64\0\0\0\0\x57\x86\xf4\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x02\0\0\0\x04\0\0\0"
                                    "\xff\xff\xff\xff\x02\0\0\xf0\x10\0\0\0\x11\x27\0\0\x11\x27\0\0\x2c\0\0\0"
                                    "alice\0*\0Alice Example\0/home/alice\0/bin/bash\0"
                                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    static const uint8_t buckets[] = "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    struct memtable *table = open_seeded(8);
    static struct file file;
    struct stat info;

    (void) state;
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    read_file(path, &file);
    assert_memory_equal(file.bytes, header, sizeof(header));
    assert_memory_equal(file.bytes + 0x38, record, sizeof(record) - 1);
    assert_memory_equal(file.bytes + 0x178, "\xe0\0\0\0\0\0\0", 8);
    assert_memory_equal(file.bytes + 0x180, buckets, sizeof(buckets) - 1);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0644);
    assert_string_equal(find_user(&file, "alice", false), "alice");
    assert_string_equal(find_user(&file, "10001", true), "alice");
    assert_null(find_user(&file, "bob", false));
    memtable_close(table);
}

static void a_new_table_writes_little(void **state)
{
    struct memtable *table = open_table(209712, 0);
    struct stat info;

    (void) state;
    assert_int_equal(stat(path, &info), 0);
    assert_uint_in_range(info.st_size, 9253600, 9253600 + 128);
    assert_uint_in_range(info.st_blocks * 512, 9253600, 2 * 9253600); /* the room is reserved */
    memtable_close(table);
}

static void many_records_share_few_buckets(void **state)
{
    struct memtable *table = open_seeded(128);
    char name[16], id[16];

    (void) state;
    for (uint32_t i = 0; i < 42; i++) {
        (void) snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(store(table, name, 1000 + i, TEXT("*\0\0/home\0/bin/sh\0")), 0);
    }
    for (uint32_t i = 0; i < 42; i++) {
        (void) snprintf(name, sizeof(name), "u%u", i);
        (void) snprintf(id, sizeof(id), "%u", 1000 + i);
        assert_true(finds(name, false));
        assert_true(finds(id, true));
    }
    for (uint32_t i = 0; i < 42; i += 2) {
        (void) snprintf(name, sizeof(name), "u%u", i);
        memtable_forget(table, name);
    }
    for (uint32_t i = 0; i < 42; i++) {
        (void) snprintf(name, sizeof(name), "u%u", i);
        (void) snprintf(id, sizeof(id), "%u", 1000 + i);
        assert_int_equal(finds(name, false), i % 2);
        assert_int_equal(finds(id, true), i % 2);
    }
    memtable_close(table);
}

static void a_full_table_drops_what_was_stored_first(void **state)
{
    struct memtable *table = open_seeded(16);
    static const char large[600] = "*";
    char name[16];

    (void) state;
    for (uint32_t i = 0; i < 1000; i++) {
        (void) snprintf(name, sizeof(name), "user%u", i);
        assert_int_equal(store(table, name, 1000 + i, "*\0\0\0\0" "12345678901234567890123456789", 5 + i % 25), 0);
        assert_true(finds(name, false));
        if (i >= 3) {
            (void) snprintf(name, sizeof(name), "user%u", i - 3);
            assert_true(finds(name, false));
            (void) snprintf(name, sizeof(name), "user%u", i >= 16 ? i - 16 : 2000);
            assert_false(finds(name, false));
        }
    }
    assert_int_equal(store(table, "large", 1, large, sizeof(large)), -E2BIG);
    memtable_close(table);
}

static void a_user_with_another_id_is_no_longer_found_by_the_old_one(void **state)
{
    struct memtable *table = open_seeded(16);

    (void) state;
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    assert_int_equal(store(table, "bob", 10002, TEXT(REST)), 0);
    assert_int_equal(store(table, "alice", 10003, TEXT(REST)), 0);
    assert_true(finds("alice", false));
    assert_true(finds("10003", true));
    assert_false(finds("10001", true));
    assert_true(finds("10002", true));
    memtable_close(table);
}

static void the_next_life_takes_the_file_over(void **state)
{
    struct memtable *table = open_table(64, 7);
    struct stat before, after;

    (void) state;
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    assert_int_equal(stat(path, &before), 0);
    memtable_close(table);
    table = open_table(64, 7);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_true(finds("alice", false));
    memtable_close(table);
}

static void another_mark_empties_the_file_in_place(void **state)
{
    struct memtable *table = open_table(64, 7);
    struct stat before, after;

    (void) state;
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    assert_int_equal(stat(path, &before), 0);
    memtable_close(table);
    table = open_table(64, 8);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_false(finds("alice", false));
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    assert_true(finds("10001", true));
    memtable_close(table);
}

static void change_byte(off_t at, uint8_t to)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_int_equal(pwrite(fd, &to, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

static void a_file_in_doubt_is_made_anew(void **state)
{
    /* of 64 slots: tables end at 56 + 2560 + 8 + 256 */
    static const struct {
        off_t at;
        uint8_t to;
    } rows[] = {
        { 4, 2 },         /* major version */
        { 12, 2 },        /* recycled */
        { 12, 0 },        /* being wiped */
        { 21, 0 },        /* of another size */
        { 48, 0 },        /* torn header */
        { 2880, 0 },      /* no tail of ours */
        { 2888, 0 },      /* of another boot: see below */
        { 2880 + 48, 1 }, /* its writer died in the midst of a change */
    };

    static struct file file;

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct memtable *table;
        struct stat before, after;
        int old;
        uint32_t status;

        (void) unlink(path);
        table = open_table(64, 7);
        assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
        memtable_close(table);
        if (rows[i].at == 2888)
            read_file(path, &file);
        change_byte(rows[i].at, rows[i].at == 2888 ? (uint8_t) ~file.bytes[2888] : rows[i].to);
        old = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(fstat(old, &before), 0);

        table = open_table(64, 7);
        assert_int_equal(stat(path, &after), 0);
        assert_int_not_equal(after.st_ino, before.st_ino);
        assert_false(finds("alice", false));
        /* whoever still has the old one is told */
        assert_int_equal(pread(old, &status, sizeof(status), 12), sizeof(status));
        assert_int_equal(status, 2);
        assert_int_equal(close(old), 0);
        assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
        assert_true(finds("alice", false));
        memtable_close(table);
    }
}

static void a_file_of_another_size_is_made_anew(void **state)
{
    struct memtable *table = open_table(64, 7);

    (void) state;
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    memtable_close(table);
    table = open_table(128, 7);
    assert_false(finds("alice", false));
    memtable_close(table);
    assert_int_equal(truncate(path, 100), 0);
    table = open_table(128, 7);
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    assert_true(finds("alice", false));
    memtable_close(table);
}

static void what_was_removed_or_cut_is_noticed(void **state)
{
    struct memtable *table = open_table(64, 7);

    (void) state;
    assert_int_equal(memtable_check(table, 0), 0);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(memtable_check(table, 999999), 0); /* that would cost each look-up */
    assert_int_equal(memtable_check(table, 1000000), -ESTALE);
    memtable_close(table);
    table = open_table(64, 7);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(memtable_check(table, 1), -ESTALE);
    memtable_close(table);
    table = open_table(64, 7);
    assert_int_equal(memtable_check(table, 1), 0);
    assert_int_equal(memfile_discard_others(dir, (uid_t) -1), 0);
    assert_int_equal(memtable_check(table, 2), -ESTALE); /* the file itself says it */
    memtable_close(table);
}

static void the_same_record_stored_again_changes_nothing_but_its_end(void **state)
{
    static struct file before, after;
    struct memtable *table = open_table(64, 7);
    struct memtable_record record = {
        .key1 = "alice",
        .key2 = "10001",
        .expire = FOREVER,
        .head = (const uint32_t[]){ 16, 10001, 10001, 6 },
        .head_bytes = 16,
        .body = "alice",
        .body_bytes = 6,
    };

    (void) state;
    assert_int_equal(memtable_store(table, &record, 1), 0);
    read_file(path, &before);
    assert_int_equal(memtable_store(table, &record, 1), 0);
    read_file(path, &after);
    assert_int_equal(after.used, before.used);
    assert_memory_equal(after.bytes, before.bytes, before.used);

    record.expire++;
    assert_int_equal(memtable_store(table, &record, 2), 0);
    read_file(path, &after);
    assert_int_equal(u32_at(&after, 56 + 8), (uint32_t) FOREVER + 1);
    assert_non_null(find_user(&after, "alice", false));
    memtable_close(table);
}

static void a_file_that_another_one_writes_is_replaced(void **state)
{
    struct memtable *older = open_table(64, 7), *table;
    struct stat before, after;

    (void) state;
    assert_int_equal(store(older, "alice", 10001, TEXT(REST)), 0);
    assert_int_equal(memtable_check(older, 1), 0);
    assert_int_equal(stat(path, &before), 0);
    table = open_in(dir, 64, 7, false);
    assert_int_equal(stat(path, &after), 0);
    assert_int_not_equal(after.st_ino, before.st_ino);
    assert_int_equal(memtable_check(older, 2), -ESTALE); /* it is told at once */
    assert_false(finds("alice", false));
    assert_int_equal(store(table, "bob", 10002, TEXT(REST)), 0);
    assert_true(finds("bob", false));
    memtable_close(older);
    memtable_close(table);
}

/* As the expiry tool tries. */
static bool can_be_locked(void)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
    int fd = open(path, O_RDWR | O_CLOEXEC), r;

    assert_true(fd >= 0);
    r = fcntl(fd, F_SETLK, &lock);
    assert_int_equal(close(fd), 0);
    return r == 0;
}

static void sssds_tools_see_that_it_is_written(void **state)
{
    struct memtable *table = open_table(64, 7);

    (void) state;
    assert_false(can_be_locked());
    memtable_close(table);
    assert_true(can_be_locked());
    table = open_table(64, 7); /* taken over */
    assert_false(can_be_locked());
    memtable_close(table);
}

static void a_damaged_table_is_emptied_in_place(void **state)
{
    struct memtable *table = open_seeded(8);
    struct stat before, after;

    (void) state;
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    assert_int_equal(stat(path, &before), 0);
    change_byte(0x180 + 8, 1); /* alice's bucket leads to the middle of her record */
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), -EUCLEAN);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(memtable_check(table, 1), 0);
    assert_false(finds("alice", false));
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    assert_true(finds("alice", false));
    memtable_close(table);
}

#define SOMEBODY 12345

/* In a folder in which it can make nothing: whoever can only read the files sees all that it does. */
static int work_as_somebody(struct memtable *table)
{
    if (setgid(SOMEBODY) < 0 || setuid(SOMEBODY) < 0)
        return 1;
    if (open(path, O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0)
        return 2;
    if (store(table, "alice", 10001, TEXT(REST)) < 0 || !finds("alice", false))
        return 3;
    memtable_set_mark(table, 9);
    if (finds("alice", false) || store(table, "bob", 10002, TEXT(REST)) < 0 || !finds("bob", false))
        return 4;
    return memtable_check(table, 1) < 0 ? 5 : 0;
}

static void root_makes_it_and_somebody_else_goes_on(void **state)
{
    struct memtable_place place = { open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), SOMEBODY, SOMEBODY,
                                    true };
    struct memtable *table;
    struct stat info;
    int status;
    pid_t child;

    (void) state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(memtable_open(&place, "passwd", &users, 64, &table), 0);
    memtable_set_mark(table, 7);
    child = fork();
    if (child == 0)
        _exit(work_as_somebody(table));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    memtable_close(table);

    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_uid, SOMEBODY);
    assert_int_equal(info.st_mode & 07777, 0644);
    assert_int_equal(memtable_open(&place, "passwd", &users, 64, &table), 0);
    memtable_set_mark(table, 9);
    assert_true(finds("bob", false)); /* the next life of that user */
    memtable_close(table);

    place.uid = SOMEBODY + 1; /* and nobody else's */
    assert_int_equal(memtable_open(&place, "passwd", &users, 64, &table), 0);
    memtable_set_mark(table, 9);
    assert_false(finds("bob", false));
    memtable_close(table);
    assert_int_equal(close(place.folder_fd), 0);
}

static void records_of_a_clock_that_was_set_back_are_dropped(void **state)
{
    struct memtable *table = open_table(64, 7);
    const uint32_t head[] = { 16, 5, 5, 8 };
    const struct memtable_record bob = { "bob", "5", 400, head, sizeof(head), "bob\0\0\0\0", 8 };

    (void) state;
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0); /* at 1000 */
    assert_int_equal(memtable_store(table, &bob, 100), 0);
    assert_false(finds("alice", false));
    assert_true(finds("bob", false));
    memtable_close(table);
}

/* ---- at every instruction of the writer ---- */

#define ALICE_2 "*\0Alice Changed\0/home/alice\0/bin/dash\0"
#define LONG "*\0A name that takes more slots than the one before, much more\0/home/alice\0/bin/bash\0"

static void work(struct memtable *table)
{
    (void) store(table, "alice", 10001, TEXT(ALICE_2));          /* in place */
    (void) store(table, "alice", 10001, TEXT(LONG));             /* elsewhere */
    (void) store(table, "alice", 10004, TEXT(REST));             /* with another id */
    (void) store(table, "dora", 10005, TEXT(LONG));              /* where no slot is free */
    memtable_forget(table, "alice");
}

/* Whatever is found is whole; what the writer does not touch stays. */
static void check_readers(const struct file *file)
{
    static const struct {
        const char *strings;
        size_t bytes;
    } whole[] = { { TEXT("alice\0" REST) }, { TEXT("alice\0" ALICE_2) }, { TEXT("alice\0" LONG) } };
    const char *const keys[] = { "alice", "10001", "10004" };

    for (size_t k = 0; k < 3; k++) {
        const char *found = find_user(file, keys[k], k > 0);
        bool is_whole = !found;

        for (size_t i = 0; i < 3 && !is_whole; i++)
            is_whole = memcmp(found, whole[i].strings, whole[i].bytes) == 0;
        assert_true(is_whole);
    }
    (void) find_user(file, "dora", false);
    (void) find_user(file, "carol", false);
}

/* A writer that was killed here: the next one has a table that works. */
static void check_next_life(const struct file *file)
{
    char other[96], other_path[112];
    static struct file taken_over;
    struct memtable *table;
    int fd;

    (void) snprintf(other, sizeof(other), "%s/next", dir);
    (void) mkdir(other, 0700);
    (void) snprintf(other_path, sizeof(other_path), "%s/passwd", other);
    (void) unlink(other_path);
    fd = open(other_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, file->bytes, file->used), file->used);
    assert_int_equal(close(fd), 0);

    table = open_in(other, 16, 0, true);
    read_file(other_path, &taken_over);
    check_readers(&taken_over);
    assert_int_equal(store(table, "erin", 1, TEXT(REST)), 0);
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    read_file(other_path, &taken_over);
    assert_non_null(find_user(&taken_over, "erin", false));
    assert_non_null(find_user(&taken_over, "10001", true));
    memtable_close(table);
}

static void at_every_instruction_readers_find_what_is_whole(void **state)
{
    struct memtable *table = open_seeded(16);
    static struct file file, before;
    unsigned n_states = 0;
    int status;
    pid_t child;

    (void) state;
    assert_int_equal(store(table, "alice", 10001, TEXT(REST)), 0);
    assert_int_equal(store(table, "bob", 10002, TEXT(REST)), 0);
    assert_int_equal(store(table, "carol", 10003, TEXT(REST)), 0);
    child = fork();
    if (child == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test fail meanwhile */
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(77);
        (void) raise(SIGSTOP);
        work(table);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* nobody may trace here */

    while (WIFSTOPPED(status)) {
        assert_true(WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP);
        read_file(path, &file);
        if (file.used != before.used || memcmp(file.bytes, before.bytes, file.used) != 0) {
            n_states++;
            check_readers(&file);
            check_next_life(&file);
            before = file;
        }
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_uint_in_range(n_states, 100, 100000);
    read_file(path, &file);
    assert_null(find_user(&file, "alice", false));
    assert_non_null(find_user(&file, "dora", false));
    memtable_close(table);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_the_hashes_that_clients_compute),
        TEST(a_file_looks_as_clients_know_it),
        TEST(a_new_table_writes_little),
        TEST(many_records_share_few_buckets),
        TEST(a_full_table_drops_what_was_stored_first),
        TEST(a_user_with_another_id_is_no_longer_found_by_the_old_one),
        TEST(the_next_life_takes_the_file_over),
        TEST(another_mark_empties_the_file_in_place),
        TEST(a_file_in_doubt_is_made_anew),
        TEST(a_file_of_another_size_is_made_anew),
        TEST(what_was_removed_or_cut_is_noticed),
        TEST(the_same_record_stored_again_changes_nothing_but_its_end),
        TEST(a_file_that_another_one_writes_is_replaced),
        TEST(sssds_tools_see_that_it_is_written),
        TEST(a_damaged_table_is_emptied_in_place),
        TEST(root_makes_it_and_somebody_else_goes_on),
        TEST(records_of_a_clock_that_was_set_back_are_dropped),
        TEST(at_every_instruction_readers_find_what_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
