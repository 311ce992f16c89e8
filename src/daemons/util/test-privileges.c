/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "test/folder.h"
#include "util/privileges.h"

static void a_user_is_found_in_the_file(void **state)
{
    uid_t uid = 7;
    gid_t gid = 7;

    folder_write(*state, "passwd",
                 "root:x:0:0:root:/root:/bin/sh\n# no user\nbroken line\nsssdx:x:1:1::/:/bin/sh\n"
                 "sssd:x:990:989:,,,:/var/lib/sss:/usr/sbin/nologin\nlast:x:5:6::/:");
    assert_int_equal(user_find_in(folder_file(*state, "passwd"), "sssd", &uid, &gid), 1);
    assert_int_equal(uid, 990);
    assert_int_equal(gid, 989);
    assert_int_equal(user_find_in(folder_file(*state, "passwd"), "last", &uid, &gid), 1);
    assert_int_equal(uid, 5);
    assert_int_equal(user_find_in(folder_file(*state, "passwd"), "sss", &uid, &gid), 0);
    assert_int_equal(uid, 5);
    assert_int_equal(user_find_in(folder_file(*state, "missing"), "sssd", &uid, &gid), -ENOENT);
}

static void root_is_in_etc_passwd(void **state)
{
    uid_t uid = 7;
    gid_t gid = 7;

    (void) state;
    assert_int_equal(user_find("root", &uid, &gid), 1);
    assert_int_equal(uid, 0);
}

/* Of /proc/self/status: the hexadecimal or decimal numbers behind that word. */
static int status_says(const char *word, const char *wanted)
{
    CLEANUP(fclosep) FILE *file = fopen("/proc/self/status", "re");
    char line[256];

    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, word, strlen(word)) == 0)
            return strcmp(line + strlen(word), wanted) == 0;
    }
    return 0;
}

/* In a child, because there is no way back. Returns 0, or the number of the check that failed. */
static int drop_and_look(void)
{
    const gid_t groups[] = { 0, 4 };

    if (setgroups(2, groups) < 0)
        return 1;
    if (privileges_drop(65534, 65533) != 0)
        return 2;
    if (!status_says("Uid:", "\t65534\t65534\t65534\t65534\n") ||
        !status_says("Gid:", "\t65533\t65533\t65533\t65533\n"))
        return 3;
    if (getgroups(0, NULL) != 0)
        return 4;
    if (!status_says("CapEff:", "\t0000000000000000\n") || !status_says("CapPrm:", "\t0000000000000000\n"))
        return 5;
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
        return 6;
    if (privileges_drop(65534, 65533) != 0) /* is that already */
        return 7;
    if (privileges_drop(1, 1) != -EPERM)
        return 8;
    return 0;
}

static void what_was_dropped_is_gone_for_good(void **state)
{
    int status;
    pid_t pid;

    (void) state;
    if (geteuid() != 0)
        skip();
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(drop_and_look());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void who_is_to_be_found_is_the_configurations_root_or_our_own(void **state)
{
    uid_t uid = 0;
    gid_t gid = 0;

    (void) state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(privileges_find_user("nobody", "sssd", &uid, &gid),
                     0); /* whatever else it says */
    assert_int_equal(uid, 65534);
    uid = 12; /* the command line's comes first */
    assert_int_equal(privileges_find_user("nobody", "root", &uid, &gid), 0);
    assert_int_equal(uid, 12);
    uid = 0;
    assert_int_equal(privileges_find_user("nobody", "root", &uid, &gid), 0);
    assert_int_equal(uid, 0);
    assert_int_equal(gid, getegid());
    assert_int_equal(privileges_find_user("nobody-has-this-name", "root", &uid, &gid), 0);
    assert_int_equal(privileges_find_user("nobody-has-this-name", "nobody", &uid, &gid), -ESRCH);
    assert_int_equal(privileges_find_user("root", "nobody", &uid, &gid),
                     -ESRCH); /* that is no user to drop to */
}

static void root_stays_root(void **state)
{
    uid_t before = geteuid();

    (void) state;
    assert_int_equal(privileges_drop(0, 0), 0);
    assert_int_equal(geteuid(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_user_is_found_in_the_file, folder_setup, folder_teardown),
        cmocka_unit_test(root_is_in_etc_passwd),
        cmocka_unit_test(what_was_dropped_is_gone_for_good),
        cmocka_unit_test(who_is_to_be_found_is_the_configurations_root_or_our_own),
        cmocka_unit_test(root_stays_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
