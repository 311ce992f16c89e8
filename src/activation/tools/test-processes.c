/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of processes.c, with a real one. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/processes.h"
#include "test/fixture.h"

static pid_t found;

/* A cat of the test's own that waits for words which never come, in this program's control group. */
static int process_enter(void **state)
{
    int ends[2], ready[2];
    char byte;

    if (folder_enter(state) < 0 || system("cp /bin/cat sssd_test") != 0)
        return -1;
    if (pipe(ends) < 0 || pipe(ready) < 0)
        return -1;
    found = fork();
    if (found < 0)
        return -1;
    if (found == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
        (void) dup2(ends[0], STDIN_FILENO);
        (void) dup2(ready[1], STDOUT_FILENO);
        (void) execl(at("sssd_test"), "cat", NULL); /* returns only on failure */
        _exit(1);
    }
    (void) close(ends[0]);
    (void) close(ready[1]);
    /* An answer is the proof that exec is behind it. */
    return write(ends[1], "x", 1) == 1 && read(ready[0], &byte, 1) == 1 ? 0 : -1;
}

static int process_leave(void **state)
{
    (void) kill(found, SIGKILL); /* it is ours and still there */
    (void) exit_status_of(found);
    return folder_leave(state);
}

#define WITH_PROCESS(test) cmocka_unit_test_setup_teardown(test, process_enter, process_leave)

/* The one that we and so the process are in. */
static const char *own_group(void)
{
    static char group[PATH_MAX];

    assert_int_equal(process_control_group(found, group, sizeof(group)), 0);
    assert_int_equal(group[0], '/');
    return group;
}

static void a_control_group_is_what_the_kernel_says(void **state)
{
    char wanted[PATH_MAX], small[4] = "abc";

    (void) state;
    (void) snprintf(wanted, sizeof(wanted), ":%s\n", own_group()); /* fits, or is not found */
    assert_non_null(strstr(read_text("/proc/self/cgroup"), wanted));
    assert_int_equal(process_control_group(0, wanted, sizeof(wanted)), -ENOENT);
    assert_int_equal(process_control_group(found, small, 1), -ENAMETOOLONG);
}

static void a_process_is_found_by_program_and_control_group(void **state)
{
    const char *group = own_group();
    char longer[PATH_MAX + 8];

    (void) state;
    (void) snprintf(longer, sizeof(longer), "%s/x", at("sssd_test")); /* fits */
    assert_int_equal(process_find(at("sssd_test"), group), found);
    assert_int_equal(process_find(at("sssd_tes"), group), 0);
    assert_int_equal(process_find(longer, group), 0);
    assert_int_equal(process_find("sssd_test", group), 0);
    assert_int_equal(process_find(at("sssd_test"), "/sssd.service"), 0);

    (void) memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(process_find(at("sssd_test"), longer), 0);
}

static void a_program_that_was_replaced_is_still_found(void **state)
{
    (void) state;
    assert_int_equal(unlink("sssd_test"), 0);
    assert_int_equal(process_find(at("sssd_test"), own_group()), found);
    assert_int_equal(system("cp /bin/cat sssd_test"), 0);
    assert_int_equal(process_find(at("sssd_test"), own_group()), found);
}

static void a_program_that_nobody_runs_is_not_found(void **state)
{
    (void) state;
    assert_int_equal(process_find("/usr/libexec/sssd/sssd_none", "/sssd.service"), 0);
}

static int find_without_proc(void *userdata)
{
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

    (void) userdata;
    if (root < 0 || chroot(".") < 0)
        return 255;
    r = process_find("/sssd_test", "/sssd.service");
    if (fchdir(root) < 0 || chroot(".") < 0) /* sanitizers look into /proc as we leave */
        return 255;
    return r < 0 ? -r : 255;
}

static void without_proc_nothing_is_known(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip(); /* a root of its own is needed */
    assert_int_equal(in_child(find_without_proc, NULL), ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PROCESS(a_control_group_is_what_the_kernel_says),
        WITH_PROCESS(a_process_is_found_by_program_and_control_group),
        WITH_PROCESS(a_program_that_was_replaced_is_still_found),
        cmocka_unit_test(a_program_that_nobody_runs_is_not_found),
        IN_FOLDER(without_proc_nothing_is_known),
    };

    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
