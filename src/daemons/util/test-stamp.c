/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "test/folder.h"
#include "util/stamp.h"

static int check(const struct folder *folder)
{
    return stamp_check(&(struct stamp_places) {
        folder_file(folder, "own"), folder_file(folder, "own/cache"), folder_file(folder, "db") });
}

static bool is_there(const struct folder *folder)
{
    return stamp_is_there(&(struct stamp_places) {
        folder_file(folder, "own"), folder_file(folder, "own/cache"), folder_file(folder, "db") });
}

static int setup(void **state)
{
    assert_int_equal(folder_setup(state), 0);
    assert_int_equal(mkdir(folder_file(*state, "own"), 0755), 0);
    assert_int_equal(mkdir(folder_file(*state, "own/cache"), 0750), 0);
    assert_int_equal(mkdir(folder_file(*state, "db"), 0700), 0);
    return 0;
}

/* The one file whose name begins so; "" if there is none, and none if there are several. */
static void only_one(const struct folder *folder, const char *in, const char *prefix, char ret[256])
{
    CLEANUP(closedirp) DIR *dir = opendir(folder_file(folder, in));
    const struct dirent *entry;

    assert_non_null(dir);
    ret[0] = '\0';
    while ((entry = readdir(dir))) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        assert_string_equal(ret, "");
        (void) snprintf(ret, 256, "%s", entry->d_name);
    }
}

static void fill_cache(const struct folder *folder)
{
    folder_write(folder, "own/cache/cache_one.mdb", "old");
    folder_write(folder, "own/cache/cache_one.mdb-lock", "old");
}

static bool has_cache(const struct folder *folder)
{
    return access(folder_file(folder, "own/cache/cache_one.mdb"), F_OK) == 0 ||
           access(folder_file(folder, "own/cache/cache_one.mdb-lock"), F_OK) == 0;
}

static void a_first_start_begins_and_the_next_goes_on(void **state)
{
    const struct folder *folder = *state;
    char first[256], second[256];
    struct stat st;

    assert_false(is_there(folder));
    assert_int_equal(check(folder), 1);
    assert_true(is_there(folder));
    only_one(folder, "db", STAMP_PREFIX, first);
    assert_true(strlen(first) > strlen(STAMP_PREFIX));
    assert_int_equal(stat(folder_file(folder, "db"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);

    fill_cache(folder);
    folder_write(folder, "db/cache_example.com.ldb", "SSSD's");
    assert_int_equal(check(folder), 0);
    only_one(folder, "db", STAMP_PREFIX, second);
    assert_string_equal(second, first);
    assert_true(has_cache(folder));
}

static void the_recipe_for_sssds_cache_clears_ours(void **state)
{
    const struct folder *folder = *state;
    char first[256], second[256], command[512];

    assert_int_equal(check(folder), 1);
    only_one(folder, "db", STAMP_PREFIX, first);
    fill_cache(folder);
    (void) snprintf(command, sizeof(command), "rm -f %s/*", folder_file(folder, "db"));
    assert_int_equal(system(command), 0);

    assert_false(is_there(folder));
    assert_true(has_cache(folder)); /* who only looks changes nothing */
    assert_int_equal(check(folder), 1);
    assert_false(has_cache(folder));
    only_one(folder, "db", STAMP_PREFIX, second);
    assert_string_not_equal(second, first);
    assert_int_equal(check(folder), 0);
}

static void a_stamp_of_another_cache_does_not_count(void **state)
{
    const struct folder *folder = *state;
    char stamp[256];

    assert_int_equal(check(folder), 1);
    fill_cache(folder);
    folder_write(folder, "own/cache-number",
                 "12\n"); /* of a state that was restored from elsewhere */
    assert_int_equal(check(folder), 1);
    assert_false(has_cache(folder));
    only_one(folder, "db", STAMP_PREFIX, stamp); /* and older ones do not pile up */

    folder_write(folder, "own/cache-number", "twelve\n");
    assert_int_equal(check(folder), 1);
    assert_int_equal(unlink(folder_file(folder, "own/cache-number")), 0);
    assert_int_equal(check(folder), 1);
    assert_int_equal(check(folder), 0);
}

static void without_sssds_folder_each_start_begins_anew(void **state)
{
    const struct folder *folder = *state;

    assert_int_equal(rmdir(folder_file(folder, "db")), 0);
    assert_int_equal(check(folder), 1);
    fill_cache(folder);
    assert_int_equal(check(folder), 1);
    assert_false(has_cache(folder));
    assert_int_equal(access(folder_file(folder, "db"), F_OK), -1); /* it is not ours to make */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_first_start_begins_and_the_next_goes_on),
        TEST(the_recipe_for_sssds_cache_clears_ours),
        TEST(a_stamp_of_another_cache_does_not_count),
        TEST(without_sssds_folder_each_start_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
