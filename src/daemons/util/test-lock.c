/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "test/folder.h"
#include "util/lock.h"

static void one_at_a_time_holds_the_lock(void **state)
{
    const struct folder *folder = *state;
    const char *path = folder_file(folder, "lock");
    CLEANUP(closep) int first = -1, third = -1;
    int second = -1;
    struct stat st;

    assert_int_equal(lock_take(path, &first), 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(lock_take(path, &second), 0);
    assert_int_equal(unlink(path), 0); /* who may do that is whoever comes next */
    assert_int_equal(lock_take(path, &second), 1);
    assert_int_equal(close(second), 0);
    assert_int_equal(lock_take(path, &third), 1);
    assert_int_equal(lock_take(folder_file(folder, "missing/lock"), &second), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_at_a_time_holds_the_lock, folder_setup, folder_teardown),
    };

    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
