/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "test/folder.h"
#include "util/confine.h"
#include "util/privileges.h"

/* In a child, because there is no way back. It ends with 0, or with the number of what was not as wanted. */
#define IN_A_CHILD(deeds)                                      \
    do {                                                       \
        int status_;                                           \
        pid_t pid_ = fork();                                   \
                                                               \
        assert_true(pid_ >= 0);                                \
        if (pid_ == 0)                                         \
            _exit(deeds);                                      \
        assert_int_equal(waitpid(pid_, &status_, 0), pid_);    \
        assert_true(WIFEXITED(status_));                       \
        assert_int_equal(WEXITSTATUS(status_), 0);             \
    } while (0)

static int setup(void **state)
{
    (void) folder_setup(state); /* cannot fail */
    assert_int_equal(mkdir(folder_file(*state, "ours"), 0755), 0);
    assert_int_equal(mkdir(folder_file(*state, "others"), 0755), 0);
    folder_write(*state, "ours/old", "old");
    folder_write(*state, "others/old", "old");
    folder_write(*state, "file", "old");
    return 0;
}

static void skip_without_landlock(void)
{
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
        skip();
}

/* 0, or the errno of opening it so. */
static int opened(const char *path, int flags)
{
    CLEANUP(closep) int fd = open(path, flags | O_CLOEXEC, 0600);

    return fd < 0 ? errno : 0;
}

static int write_ours(const struct folder *folder)
{
    const char *const writable[] = { folder_file(folder, "ours"), folder_file(folder, "file"),
                                     folder_file(folder, "missing"), NULL };

    if (confine(NULL, writable) != 0)
        return 1;
    if (opened(folder_file(folder, "ours/new"), O_WRONLY | O_CREAT) != 0 ||
        opened(folder_file(folder, "ours/old"), O_WRONLY | O_TRUNC) != 0 || opened(folder_file(folder, "file"), O_RDWR) != 0)
        return 2;
    if (rename(folder_file(folder, "ours/new"), folder_file(folder, "ours/old")) < 0 ||
        unlink(folder_file(folder, "ours/old")) < 0)
        return 3;
    if (opened(folder_file(folder, "others/old"), O_WRONLY) != EACCES ||
        opened(folder_file(folder, "others/new"), O_WRONLY | O_CREAT) != EACCES)
        return 4;
    if (unlink(folder_file(folder, "others/old")) == 0 || mkdir(folder_file(folder, "others/folder"), 0755) == 0 ||
        symlink("old", folder_file(folder, "others/link")) == 0)
        return 5;
    if (opened(folder_file(folder, "others/old"), O_RDONLY) != 0)
        return 6;
    return 0;
}

static void nothing_else_can_be_changed(void **state)
{
    skip_without_landlock();
    IN_A_CHILD(write_ours(*state));
}

static int read_ours(const struct folder *folder)
{
    const char *const readable[] = { "/usr", NULL };
    const char *const writable[] = { folder_file(folder, "ours"), NULL };
    CLEANUP(closep) int before = open(folder_file(folder, "others/old"), O_RDONLY | O_CLOEXEC);
    char byte;

    if (confine(readable, writable) != 0)
        return 1;
    if (opened(folder_file(folder, "ours/old"), O_RDONLY) != 0 || opened("/usr/bin", O_RDONLY | O_DIRECTORY) != 0)
        return 2;
    if (opened(folder_file(folder, "others/old"), O_RDONLY) != EACCES || opened("/", O_RDONLY | O_DIRECTORY) != EACCES)
        return 3;
    if (read(before, &byte, 1) != 1)
        return 4;
    if (execl("/usr/bin/true", "true", NULL) == 0 || errno != EACCES)
        return 5;
    return 0;
}

static void nothing_else_can_be_read_and_nothing_executed(void **state)
{
    skip_without_landlock();
    IN_A_CHILD(read_ours(*state));
}

static int confine_further(const struct folder *folder)
{
    const char *const first[] = { folder_file(folder, "ours"), NULL };
    const char *const second[] = { folder_file(folder, "others"), NULL };

    if (confine(NULL, first) != 0 || confine(NULL, second) != 0)
        return 1;
    return opened(folder_file(folder, "ours/old"), O_WRONLY) != EACCES ||
           opened(folder_file(folder, "others/old"), O_WRONLY) != EACCES;
}

static void nobody_confined_gains_anything_by_doing_it_again(void **state)
{
    skip_without_landlock();
    IN_A_CHILD(confine_further(*state));
}

static int confine_out_of_reach(const struct folder *folder)
{
    const char *const writable[] = { folder_file(folder, "closed/folder"), folder_file(folder, "file/folder"),
                                     folder_file(folder, "open"), NULL };

    if (privileges_drop(65534, 65534) != 0)
        return 1;
    if (confine(NULL, writable) != 0)
        return 2;
    if (opened(folder_file(folder, "open/new"), O_WRONLY | O_CREAT) != 0)
        return 3;
    return opened(folder_file(folder, "others/new"), O_WRONLY | O_CREAT) != EACCES;
}

/* A log's folder may be in one that the service's user may not enter: nobody is kept from logging in by that. */
static void what_is_out_of_reach_keeps_nobody_from_starting(void **state)
{
    skip_without_landlock();
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(((struct folder *) *state)->path, 0755), 0);
    assert_int_equal(mkdir(folder_file(*state, "open"), 0777), 0);
    assert_int_equal(chmod(folder_file(*state, "open"), 0777), 0);
    assert_int_equal(mkdir(folder_file(*state, "closed"), 0700), 0);
    assert_int_equal(mkdir(folder_file(*state, "closed/folder"), 0777), 0);
    IN_A_CHILD(confine_out_of_reach(*state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_else_can_be_changed, setup, folder_teardown),
        cmocka_unit_test_setup_teardown(nothing_else_can_be_read_and_nothing_executed, setup, folder_teardown),
        cmocka_unit_test_setup_teardown(what_is_out_of_reach_keeps_nobody_from_starting, setup, folder_teardown),
        cmocka_unit_test_setup_teardown(nobody_confined_gains_anything_by_doing_it_again, setup, folder_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
