/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of folders.c, below the folder `sss`. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/fixture.h"
#include "tools/folders.h"

#define OTHER 65534

static int folders_enter(void **state)
{
    return folder_enter(state) < 0 || mkdir("sss", 0755) < 0 || mkdir("sss/pipes", 0755) < 0 ||
                   mkdir("sss/pubconf", 0755) < 0 || mkdir("sss/db", 0700) < 0
               ? -1
               : 0;
}

static void is(const char *path, mode_t mode, uid_t owner)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 07777, mode);
    assert_int_equal(st.st_uid, owner);
}

static void what_is_missing_is_made_and_what_is_there_stays(void **state)
{
    (void) state;
    assert_int_equal(mkdir("sss/pubconf/krb5.include.d", 0711), 0);
    assert_int_equal(folders_make(), 0);
    is("sss/pipes/private", 0750, geteuid());
    is("sss/pubconf/krb5.include.d", 0711, geteuid());
    assert_int_equal(folders_make(), 0);
}

static void they_belong_to_whom_the_folder_does_that_they_are_in(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown("sss", OTHER, OTHER), 0);
    assert_int_equal(chown("sss/pubconf", OTHER, OTHER), 0);
    assert_int_equal(folders_make(), 0);
    is("sss/pipes/private", 0750, 0);
    is("sss/pubconf/krb5.include.d", 0755, OTHER);
}

static void put_program(const char *text)
{
    write_text("tmpfiles", text);
    assert_int_equal(chmod("tmpfiles", 0755), 0);
}

static void what_somebody_has_deleted_is_made_by_tmpfiles_d(void **state)
{
    (void) state;
    assert_int_equal(system("rm -r sss"), 0);
    put_program("#!/bin/sh\n[ \"$*\" = \"--create --prefix=sss\" ] && mkdir -p sss/db sss/pipes sss/pubconf\n");
    assert_int_equal(folders_make(), 0);
    is("sss/pipes/private", 0750, geteuid());
    assert_int_equal(rmdir("sss/db"), 0);
    put_program("#!/bin/sh\nexit 1\n");
    assert_int_equal(folders_make(), -EIO);
}

static void no_link_is_followed(void **state)
{
    (void) state;
    assert_int_equal(mkdir("elsewhere", 0755), 0);
    assert_int_equal(rmdir("sss/pipes"), 0);
    assert_int_equal(symlink("../elsewhere", "sss/pipes"), 0);
    assert_true(folders_make() < 0);
    assert_false(file_exists("elsewhere/private"));
    is("sss/pubconf/krb5.include.d", 0755, geteuid());
}

static void without_sssd_there_is_nothing_to_make(void **state)
{
    (void) state;
    assert_int_equal(rename("sss", "gone"), 0);
    assert_int_equal(folders_make(), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_missing_is_made_and_what_is_there_stays, folders_enter, folder_leave),
        cmocka_unit_test_setup_teardown(they_belong_to_whom_the_folder_does_that_they_are_in, folders_enter, folder_leave),
        cmocka_unit_test_setup_teardown(what_somebody_has_deleted_is_made_by_tmpfiles_d, folders_enter, folder_leave),
        cmocka_unit_test_setup_teardown(no_link_is_followed, folders_enter, folder_leave),
        cmocka_unit_test_setup_teardown(without_sssd_there_is_nothing_to_make, folders_enter, folder_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
