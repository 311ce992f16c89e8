/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/memory-caches.h"
#include "test/folder.h"
#include "util/memfile.h"

#define ALIVE 1

/* A header, and what we put at the end. */
static void write_file(const struct folder *folder, const char *name, bool has_our_tail)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    CLEANUP(closep) int fd = open(folder_file(folder, name), flags, 0644);
    const uint64_t magic = MEMFILE_TAIL_MAGIC;
    const uint32_t status = ALIVE;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1000), 0);
    assert_int_equal(pwrite(fd, &status, sizeof(status), MEMORY_CACHE_STATUS_AT), sizeof(status));
    if (has_our_tail)
        assert_int_equal(pwrite(fd, &magic, sizeof(magic), 1000 - MEMFILE_TAIL_BYTES),
                         sizeof(magic));
}

static uint32_t status_of(int fd)
{
    uint32_t status = 0;

    assert_int_equal(pread(fd, &status, sizeof(status), MEMORY_CACHE_STATUS_AT), sizeof(status));
    return status;
}

static bool is_there(const struct folder *folder, const char *name)
{
    return access(folder_file(folder, name), F_OK) == 0;
}

static void what_another_engine_left_is_marked_and_goes(void **state)
{
    const struct folder *folder = *state;
    CLEANUP(closep) int fd = -1;

    write_file(folder, "passwd", false);
    write_file(folder, "sid", false);
    write_file(folder, "group", true);
    write_file(folder, "clear_mc_flag", false);
    fd = open(folder_file(folder, "passwd"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(memfile_discard_others(folder->path, geteuid()), 0);
    assert_false(is_there(folder, "passwd"));
    assert_false(is_there(folder, "sid"));
    assert_true(is_there(folder, "group"));         /* ours */
    assert_true(is_there(folder, "clear_mc_flag")); /* no file of that kind */
    assert_int_equal(status_of(fd), MEMORY_CACHE_RECYCLED);

    assert_int_equal(memfile_discard_others(folder->path, geteuid() + 1), 0);
    assert_false(is_there(folder, "group")); /* of an earlier user of ours */
}

static void on_demand_ours_go_too(void **state)
{
    const struct folder *folder = *state;

    write_file(folder, "group", true);
    assert_int_equal(memfile_discard_others(folder->path, (uid_t) -1), 0);
    assert_false(is_there(folder, "group"));
    assert_int_equal(memfile_discard_others(folder_file(folder, "missing"), (uid_t) -1), 0);
}

static void links_lead_nowhere(void **state)
{
    const struct folder *folder = *state;
    CLEANUP(closep) int secret = -1, target = -1;

    write_file(folder, "secret", false);
    write_file(folder, "target", true);
    secret = open(folder_file(folder, "secret"), O_RDONLY | O_CLOEXEC);
    target = open(folder_file(folder, "target"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(link(folder_file(folder, "secret"), folder_file(folder, "passwd")), 0);
    assert_int_equal(symlink("target", folder_file(folder, "group")), 0);
    assert_int_equal(memfile_discard_others(folder->path, geteuid()), 0);
    assert_false(is_there(folder, "passwd"));
    assert_int_equal(faccessat(AT_FDCWD, folder_file(folder, "group"), F_OK, AT_SYMLINK_NOFOLLOW),
                     -1);
    assert_int_equal(status_of(secret), ALIVE);
    assert_int_equal(status_of(target), ALIVE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_another_engine_left_is_marked_and_goes),
        TEST(on_demand_ours_go_too),
        TEST(links_lead_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
