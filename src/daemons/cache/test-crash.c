/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a power cut leaves: every prefix of the writes to a cache, and those between two syncs in any part, open
 * as one of the states that were committed. And what a kill leaves, before and behind each of the calls.
 *
 * The writes are recorded by functions of this program, which LMDB, being a shared library, finds before the C
 * library's. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "cache/writer.h"
#include "common/cleanup.h"
#include "test/folder.h"

#define DOMAIN "d"
#define N_COMMITS 6

/* ---- the recording ---- */

struct record {
    enum { WRITE, TRUNCATE, SYNC, COMMITTED } kind;
    bool is_sync; /* a write that is on the disk when it returns */
    off_t offset;
    size_t bytes;
    char *data;
};

static struct {
    bool is_on;
    dev_t device; /* of the file */
    ino_t inode;
    char path[128];
    struct record *records;
    size_t n;
    unsigned kill_at; /* before or behind which call this process ends: two for each; 0: none */
} trace;

static bool is_recorded(int fd)
{
    struct stat ours, theirs;

    return (trace.is_on || trace.kill_at > 0) && fstat(fd, &ours) == 0 && stat(trace.path, &theirs) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/* Called before a call, and behind it. */
static void step(int fd)
{
    if (trace.kill_at > 0 && is_recorded(fd) && --trace.kill_at == 0)
        (void) raise(SIGKILL);
}

static void add(struct record record, const void *data)
{
    if (!trace.is_on)
        return;
    trace.records = realloc(trace.records, (trace.n + 1) * sizeof(*trace.records));
    assert_non_null(trace.records);
    if (record.bytes > 0 && data) {
        record.data = malloc(record.bytes);
        assert_non_null(record.data);
        memcpy(record.data, data, record.bytes);
    }
    trace.records[trace.n++] = record;
}

static bool writes_through(int fd)
{
    return (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
}

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    ssize_t n;

    step(fd);
    n = REAL(pwrite)(fd, data, bytes, offset);
    step(fd);
    if (n > 0 && is_recorded(fd))
        add((struct record){ WRITE, writes_through(fd), offset, (size_t) n, NULL }, data);
    return n;
}

ssize_t pwritev(int fd, const struct iovec *parts, int n_parts, off_t offset)
{
    ssize_t n;
    off_t at = offset;

    step(fd);
    n = REAL(pwritev)(fd, parts, n_parts, offset);
    step(fd);
    /* Each part for itself: a page is what the disk has or has not. */
    for (int i = 0; n > 0 && i < n_parts && is_recorded(fd); i++) {
        add((struct record){ WRITE, writes_through(fd), at, parts[i].iov_len, NULL }, parts[i].iov_base);
        at += (off_t) parts[i].iov_len;
    }
    return n;
}

ssize_t write(int fd, const void *data, size_t bytes)
{
    off_t offset = is_recorded(fd) ? lseek(fd, 0, SEEK_CUR) : -1;
    ssize_t n;

    step(fd);
    n = REAL(write)(fd, data, bytes);
    step(fd);
    if (n > 0 && offset >= 0)
        add((struct record){ WRITE, writes_through(fd), offset, (size_t) n, NULL }, data);
    return n;
}

ssize_t writev(int fd, const struct iovec *parts, int n_parts)
{
    off_t offset = is_recorded(fd) ? lseek(fd, 0, SEEK_CUR) : -1;
    ssize_t n;

    step(fd);
    n = REAL(writev)(fd, parts, n_parts);
    step(fd);
    for (int i = 0; n > 0 && offset >= 0 && i < n_parts; i++) {
        add((struct record){ WRITE, writes_through(fd), offset, parts[i].iov_len, NULL }, parts[i].iov_base);
        offset += (off_t) parts[i].iov_len;
    }
    return n;
}

int ftruncate(int fd, off_t bytes)
{
    int r;

    step(fd);
    r = REAL(ftruncate)(fd, bytes);
    step(fd);
    if (r == 0 && is_recorded(fd))
        add((struct record){ TRUNCATE, false, bytes, 0, NULL }, NULL);
    return r;
}

int fdatasync(int fd)
{
    int r;

    step(fd);
    r = REAL(fdatasync)(fd);
    step(fd);
    if (r == 0 && is_recorded(fd))
        add((struct record){ SYNC, false, 0, 0, NULL }, NULL);
    return r;
}

int fsync(int fd)
{
    int r;

    step(fd);
    r = REAL(fsync)(fd);
    step(fd);
    if (r == 0 && is_recorded(fd))
        add((struct record){ SYNC, false, 0, 0, NULL }, NULL);
    return r;
}

/* ---- states: in that of commit number n there are more or fewer users, whose texts say n ---- */

static uint32_t n_users(uint32_t number)
{
    return number * 3 % 7 * 40;
}

static void commit(struct cache_writer *writer, uint32_t number)
{
    struct cache_state state = { 0 };
    char name[32], text[32];

    (void) snprintf(state.source, sizeof(state.source), "%u", number);
    (void) snprintf(text, sizeof(text), "state %u", number);
    assert_int_equal(cache_writer_begin(writer), 0);
    for (uint32_t i = 0; i < n_users(number); i++) {
        struct cache_user user = {
            name, text, "/home/of/a/user/with/some/text", "/bin/sh", 1000 + number % 2 * 1000 + i, number, false
        };

        (void) snprintf(name, sizeof(name), "user%u", i);
        assert_int_equal(cache_put_user(writer, name, &user), 0);
    }
    assert_int_equal(cache_writer_commit(writer, &state), 0);
}

struct check {
    uint32_t number, n;
    char text[32];
};

static int on_user(const struct cache_user *user, void *userdata)
{
    struct check *check = userdata;

    assert_int_equal(user->gid, check->number);
    assert_string_equal(user->gecos, check->text);
    check->n++;
    return 0;
}

/* Returns the number of the state that is there, 0 if there is none yet. */
static uint32_t check_state(struct cache *cache)
{
    struct cache_state state;
    struct check check = { 0 };
    struct cache_user user;
    char name[32];

    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_read_state(cache, &state), 0);
    check.number = (uint32_t) strtoul(state.source, NULL, 10);
    assert_true((state.generation > 0) == (check.number > 0));
    (void) snprintf(check.text, sizeof(check.text), "state %u", check.number);
    assert_int_equal(cache_each_user(cache, 0, on_user, &check), 0);
    assert_int_equal(check.n, n_users(check.number));
    for (uint32_t i = 0; i < check.n; i++) {
        (void) snprintf(name, sizeof(name), "user%u", i);
        assert_int_equal(cache_user_by_name(cache, name, &user), 1);
    }
    cache_end(cache);
    return check.number;
}

/* ---- the replay ---- */

static void replay_record(int fd, const struct record *record)
{
    if (record->kind == WRITE)
        assert_int_equal(pwrite(fd, record->data, record->bytes, record->offset), record->bytes);
    else if (record->kind == TRUNCATE)
        assert_int_equal(ftruncate(fd, record->offset), 0);
}

/* The first n records, those in [from, n) only where is_there says so, then what a daemon does at its start.
 * Returns the state's number. */
static uint32_t replay(const struct folder *folder, size_t n, size_t from, uint64_t is_there)
{
    struct cache_writer *writer = NULL;
    struct cache *cache = NULL;
    uint32_t number = 0;
    int fd, r;

    (void) unlink(folder_file(folder, "cache_" DOMAIN ".mdb-lock"));
    fd = open(folder_file(folder, "cache_" DOMAIN ".mdb"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (size_t i = 0; i < n; i++)
        if (i < from || is_there >> (i - from) & 1)
            replay_record(fd, &trace.records[i]);
    assert_int_equal(close(fd), 0);

    r = cache_open(folder->path, DOMAIN, &cache);
    if (r == 1)
        number = check_state(cache);
    cache = cache_close(cache);

    /* A writer comes back whatever it finds, and goes on from what a reader saw. */
    assert_int_equal(cache_writer_open(folder->path, DOMAIN, &writer), 0);
    cache_writer_close(writer);
    assert_int_equal(cache_open(folder->path, DOMAIN, &cache), 1);
    assert_int_equal(check_state(cache), number);
    cache_close(cache);
    return number;
}

/* How many commits had returned before record n. */
static uint32_t committed_before(size_t n)
{
    uint32_t commits = 0;

    for (size_t i = 0; i < n; i++)
        commits += trace.records[i].kind == COMMITTED;
    return commits;
}

/* Where the writes begin that need not be on the disk when the first n records are done. */
static size_t synced_before(size_t n)
{
    while (n > 0 && trace.records[n - 1].kind != SYNC && !trace.records[n - 1].is_sync)
        n--;
    return n;
}

static void expect(const struct folder *folder, size_t n, size_t from, uint64_t is_there)
{
    uint32_t number = replay(folder, n, from, is_there), least = committed_before(n);

    /* What has returned stays; what has not is there whole or not at all. */
    assert_true(number == least || number == least + 1);
}

/* Otherwise a page that is taken and never written, because it is given back within the commit, may
 * lie behind its end: then the file looks as if it were cut off. */
static void assert_no_write_enlarges_the_file(void)
{
    off_t bytes = 2 * sysconf(_SC_PAGESIZE); /* LMDB's own, when it makes the file */

    for (size_t i = 0; i < trace.n; i++) {
        const struct record *record = &trace.records[i];

        if (record->kind == TRUNCATE)
            bytes = record->offset;
        else if (record->kind == WRITE)
            assert_true(record->offset + (off_t) record->bytes <= bytes);
    }
}

static void every_power_cut_leaves_a_committed_state(void **state)
{
    struct folder *folder = *state, replayed;
    struct cache_writer *writer = NULL;
    size_t n_syncs = 0, n_writes = 0, n_replays = 0;

    (void) snprintf(trace.path, sizeof(trace.path), "%s/cache_" DOMAIN ".mdb", folder->path);
    trace.kill_at = 0;
    trace.is_on = true;
    assert_int_equal(cache_writer_open(folder->path, DOMAIN, &writer), 0);
    for (uint32_t i = 1; i <= N_COMMITS; i++) {
        commit(writer, i);
        add((struct record){ COMMITTED, false, 0, 0, NULL }, NULL);
    }
    cache_writer_close(writer);
    trace.is_on = false;

    for (size_t i = 0; i < trace.n; i++) {
        n_syncs += trace.records[i].kind == SYNC || trace.records[i].is_sync;
        n_writes += trace.records[i].kind == WRITE;
    }
    assert_true(n_syncs >= 2 * N_COMMITS); /* the recording has seen them all */
    assert_true(n_writes > N_COMMITS * 5);
    assert_no_write_enlarges_the_file();

    folder_begin(&replayed);
    for (size_t n = 0; n <= trace.n; n++) {
        size_t from = synced_before(n), open = n - from;

        expect(&replayed, n, from, UINT64_MAX); /* all of them */
        n_replays++;
        assert_true(open < 64);
        for (size_t k = 0; k < open; k++) { /* one missing, one alone, the later ones alone */
            expect(&replayed, n, from, ~((uint64_t) 1 << k));
            expect(&replayed, n, from, (uint64_t) 1 << k);
            expect(&replayed, n, from, UINT64_MAX << k);
            n_replays += 3;
        }
    }
    folder_remove(&replayed);
    print_message("%zu writes, %zu syncs, %zu replays\n", n_writes, n_syncs, n_replays);

    for (size_t i = 0; i < trace.n; i++)
        free(trace.records[i].data);
    free(trace.records);
}

/* ---- kills ---- */

/* In a process of its own that ends at that step. Returns whether there was such a step. */
static bool is_killed(const struct folder *folder, unsigned at, uint32_t number)
{
    struct cache_writer *writer = NULL;
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        if (cache_writer_open(folder->path, DOMAIN, &writer) < 0)
            _exit(1);
        trace.kill_at = at;
        commit(writer, number);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

/* As one who comes now sees it. */
static uint32_t state_for_others(const struct folder *folder)
{
    struct cache *cache = NULL;
    uint32_t number = 0;
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(cache_open(folder->path, DOMAIN, &cache) == 1 ? (int) check_state(cache) : 255);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    number = (uint32_t) WEXITSTATUS(status);
    assert_int_not_equal(number, 255);
    return number;
}

static void every_kill_leaves_a_committed_state(void **state)
{
    struct folder *folder = *state;
    struct cache_writer *writer = NULL;
    struct cache *cache = NULL; /* of one who has it open all the time */
    unsigned n_kills = 0;

    (void) snprintf(trace.path, sizeof(trace.path), "%s/cache_" DOMAIN ".mdb", folder->path);
    assert_int_equal(cache_writer_open(folder->path, DOMAIN, &writer), 0);
    commit(writer, 1);
    cache_writer_close(writer);
    assert_int_equal(cache_open(folder->path, DOMAIN, &cache), 1);

    for (uint32_t i = 0, number = 1; i < N_COMMITS; i++) {
        unsigned at = 1;
        bool is_killed_here;

        do {
            is_killed_here = is_killed(folder, at++, number + 1);
            if (check_state(cache) != number) /* it had got that far */
                number++;
            assert_int_equal(check_state(cache), number);
            assert_int_equal(state_for_others(folder), number);
            n_kills += is_killed_here;
        } while (is_killed_here);
        assert_true(at > 6); /* before and behind three calls */
    }
    cache_close(cache);
    print_message("%u kills\n", n_kills);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kill_leaves_a_committed_state, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(every_power_cut_leaves_a_committed_state, folder_setup, folder_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
