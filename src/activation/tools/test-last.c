/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of last.c, with memory caches in the test's folder. */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/fixture.h"
#include "tools/last.h"

#define OURS 4242

struct header {
    uint32_t b1, major, minor, status, rest[8], b2, padding;
};

static const char *const names[] = { "passwd", "group", "initgroups", "sid" };

/* As a client has it: mapped, and kept. */
static const volatile struct header *put_cache(const char *name, uint32_t barrier)
{
    const struct header header = { .b1 = barrier, .major = 1, .minor = 1, .status = 1, .b2 = barrier };
    char path[64];
    void *mapped;
    int fd;

    (void) snprintf(path, sizeof(path), "sss/mc/%s", name); /* fits */
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, &header, sizeof(header)), sizeof(header));
    if (geteuid() == 0)
        assert_int_equal(fchown(fd, OURS, OURS), 0);
    mapped = mmap(NULL, sizeof(header), PROT_READ, MAP_SHARED, fd, 0);
    assert_true(mapped != MAP_FAILED);
    (void) close(fd);
    return mapped;
}

static int last_enter(void **state)
{
    return folder_enter(state) < 0 || mkdir("sss", 0755) < 0 || mkdir("sss/mc", 0755) < 0 ? -1 : 0;
}

#define IN_SSS(test) cmocka_unit_test_setup_teardown(test, last_enter, folder_leave)

static void after_our_own_each_is_recycled_and_gone(void **state)
{
    const volatile struct header *mapped[N_OF(names)];
    char path[64];

    (void) state;
    for (size_t i = 0; i < N_OF(names); i++)
        mapped[i] = put_cache(names[i], 0xf0ffffff); /* the next one wraps around */
    write_text("sss/mc/other", "it is nobody's memory cache");
    assert_int_equal(last_note(true), 0);
    assert_int_equal(last_make_way_for_sssd(), 0);
    for (size_t i = 0; i < N_OF(names); i++) {
        assert_int_equal(mapped[i]->status, 2);
        assert_int_equal(mapped[i]->b1, 0xf0000000);
        assert_int_equal(mapped[i]->b2, 0xf0000000);
        (void) snprintf(path, sizeof(path), "sss/mc/%s", names[i]);
        assert_false(file_exists(path));
    }
    assert_true(file_exists("sss/mc/other"));
    assert_string_equal(read_text("data/last"), "sssd\n");
}

static void sssds_own_stay(void **state)
{
    const volatile struct header *mapped = put_cache("passwd", 0xf0000001);

    (void) state;
    assert_int_equal(last_note(false), 0);
    assert_int_equal(last_make_way_for_sssd(), 0);
    assert_int_equal(mapped->status, 1);
    assert_true(file_exists("sss/mc/passwd"));
}

static void where_nobody_has_noted_it_the_owner_says_it(void **state)
{
    static const struct {
        const char *passwd;
        bool ours;
    } rows[] = {
        { "root:x:0:0::/:/bin/sh\nsssd-ondemand:x:4242:4242::/:/bin/sh\n", true },
        { "sssd-ondemand:x:4243:4243::/:/bin/sh\nother:x:4242:4242::/:/bin/sh\n", false },
        { "", false },
    };

    (void) state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < N_OF(rows); i++) {
        const volatile struct header *mapped = put_cache("passwd", 0xf0000001);

        write_text("passwd", rows[i].passwd);
        (void) unlink("data/last"); /* of the row before */
        assert_int_equal(last_make_way_for_sssd(), 0);
        assert_int_equal(mapped->status, rows[i].ours ? 2 : 1);
        assert_string_equal(read_text("data/last"), "sssd\n");
        (void) unlink("sss/mc/passwd");
    }
}

static void what_else_is_there_is_not_written_to(void **state)
{
    (void) state;
    assert_int_equal(last_note(true), 0);
    (void) put_cache("elsewhere", 0xf0000001);
    assert_int_equal(rename("sss/mc/elsewhere", "elsewhere"), 0);
    assert_int_equal(symlink("../../elsewhere", "sss/mc/passwd"), 0);
    assert_int_equal(link("elsewhere", "sss/mc/group"), 0);
    assert_int_equal(mkfifo("sss/mc/sid", 0600), 0);
    write_text("sss/mc/initgroups", "short");
    (void) last_make_way_for_sssd(); /* the link is a failure, which is said */
    assert_int_equal(system("cmp -s -n 4 -i 12 elsewhere /dev/zero"), 256); /* alive is no zero ... */
    assert_int_equal(system("printf '\\1\\0\\0\\0' | cmp -s -n 4 -i 12:0 elsewhere -"), 0); /* ... and still there */
    assert_int_equal(system("test -z \"$(ls sss/mc)\""), 0);
}

static void without_memory_caches_there_is_nothing_to_do(void **state)
{
    (void) state;
    assert_int_equal(last_note(true), 0);
    assert_int_equal(last_make_way_for_sssd(), 0);
    assert_int_equal(rmdir("sss/mc"), 0);
    assert_int_equal(last_make_way_for_sssd(), 0);
    assert_string_equal(read_text("data/last"), "sssd\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SSS(after_our_own_each_is_recycled_and_gone),
        IN_SSS(sssds_own_stay),
        IN_SSS(where_nobody_has_noted_it_the_owner_says_it),
        IN_SSS(what_else_is_there_is_not_written_to),
        IN_SSS(without_memory_caches_there_is_nothing_to_do),
    };

    return cmocka_run_group_tests_name("last", tests, NULL, NULL);
}
