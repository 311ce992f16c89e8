/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of processes.c, with real ones in control groups of the test's own making. */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/fixture.h"
#include "tools/processes.h"

#define GROUP "/system.slice/sssd.service"

/* In place of the real ones: the kernel tells whole paths, and the folder of a test is known when it runs. */
static char programs[RESPONDERS][PATH_MAX];
const struct responder responders[RESPONDERS] = {
    [NSS] = { .name = "nss", .program = programs[NSS] },    [PAM] = { .name = "pam", .program = programs[PAM] },
    [SSH] = { .name = "ssh", .program = programs[SSH] },    [SUDO] = { .name = "sudo", .program = programs[SUDO] },
    [AUTOFS] = { .name = "autofs", .program = programs[AUTOFS] }, [PAC] = { .name = "pac", .program = programs[PAC] },
    [IFP] = { .name = "ifp", .program = programs[IFP] },
};
const struct responder kcm = { .name = "kcm" };

static pid_t nss, pam;

/* A cat of the test's own that waits for words which never come. */
static pid_t start_program(const char *name)
{
    int ends[2], ready[2];
    char byte;
    pid_t pid;

    assert_true(pipe(ends) == 0 && pipe(ready) == 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
        (void) dup2(ends[0], STDIN_FILENO);
        (void) dup2(ready[1], STDOUT_FILENO);
        (void) execl(at(name), "cat", NULL); /* returns only on failure */
        _exit(1);
    }
    (void) close(ends[0]);
    (void) close(ready[1]);
    /* An answer is the proof that exec is behind it. */
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void) close(ready[0]);
    return pid; /* the other end stays open: it would end */
}

static int processes_enter(void **state)
{
    static const char *const names[RESPONDERS] = {
        [NSS] = "nss", [PAM] = "pam", [SSH] = "ssh", [SUDO] = "sudo", [AUTOFS] = "autofs", [PAC] = "pac", [IFP] = "ifp",
    };

    if (folder_enter(state) < 0 || system("cp /bin/cat nss && cp /bin/cat pam && mkdir -p cgroups" GROUP) != 0)
        return -1;
    for (size_t i = 0; i < RESPONDERS; i++)
        (void) snprintf(programs[i], PATH_MAX, "%s", at(names[i])); /* fits */
    nss = start_program("nss");
    pam = start_program("pam");
    return 0;
}

static int processes_leave(void **state)
{
    (void) kill(nss, SIGKILL); /* they are ours and still there */
    (void) kill(pam, SIGKILL);
    (void) exit_status_of(nss);
    (void) exit_status_of(pam);
    return folder_leave(state);
}

#define WITH_PROCESSES(test) cmocka_unit_test_setup_teardown(test, processes_enter, processes_leave)

static void write_list(const char *path, const int *pids, size_t n)
{
    char text[128] = "";

    for (size_t i = 0; i < n; i++)
        (void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d\n", pids[i]); /* fits */
    write_text(path, text);
}

static void assert_found(const char *group, int wanted_nss, int wanted_pam)
{
    int pids[RESPONDERS];

    memset(pids, 0xff, sizeof(pids));
    assert_int_equal(processes_of_responders(group, pids), 0);
    for (size_t i = 0; i < RESPONDERS; i++)
        assert_int_equal(pids[i], i == NSS ? wanted_nss : i == PAM ? wanted_pam : 0);
}

static void responders_are_found_by_program_in_their_control_group(void **state)
{
    (void) state;
    write_list("cgroups" GROUP "/cgroup.procs", (int[]) { 1, nss, getpid(), INT_MAX }, 4);
    assert_found(GROUP, nss, 0); /* pam runs elsewhere */
    write_list("cgroups" GROUP "/cgroup.procs", (int[]) { pam, nss }, 2);
    assert_found(GROUP, nss, pam);
    write_text("cgroups" GROUP "/cgroup.procs", "");
    assert_found(GROUP, 0, 0);
}

static void the_group_is_found_in_each_hierarchy(void **state)
{
    static const char *const hierarchies[] = { "cgroups", "cgroups/unified", "cgroups/systemd" };

    (void) state;
    for (size_t i = 0; i < N_OF(hierarchies); i++) {
        char text[128];

        print_message("  %s\n", hierarchies[i]);
        (void) snprintf(text, sizeof(text), "mkdir -p %s%s", hierarchies[i], GROUP); /* these fit */
        assert_int_equal(system(text), 0);
        (void) snprintf(text, sizeof(text), "%s%s/cgroup.procs", hierarchies[i], GROUP);
        write_list(text, &nss, 1);
        assert_found(GROUP, nss, 0);
        assert_int_equal(unlink(text), 0);
    }
}

static void those_of_our_own_engine_are_found_too(void **state)
{
    int pids[2] = { nss };

    (void) state;
    assert_int_equal(system("mkdir own && cp /bin/cat own/sssd_pam"), 0);
    pids[1] = start_program(ENGINE_DIR "/sssd_pam");
    write_list("cgroups" GROUP "/cgroup.procs", pids, 2);
    assert_found(GROUP, nss, pids[1]);
    assert_int_equal(kill(pids[1], SIGKILL), 0);
    (void) exit_status_of(pids[1]);
}

static void who_does_not_run_has_nobody(void **state)
{
    static const char *const groups[] = { "", "system.slice/sssd.service" };

    (void) state;
    write_list("cgroups" GROUP "/cgroup.procs", &nss, 1);
    write_list("cgroups/cgroup.procs", &nss, 1); /* the root's is not that of a unit without one */
    for (size_t i = 0; i < N_OF(groups); i++) {
        print_message("  \"%s\"\n", groups[i]);
        assert_found(groups[i], 0, 0);
    }
}

/* It does not mean that nobody is in it. */
static void a_group_that_is_not_found_is_an_error(void **state)
{
    int pids[RESPONDERS];

    (void) state;
    write_list("cgroups" GROUP "/cgroup.procs", &nss, 1);
    assert_int_equal(processes_of_responders("/system.slice/other.service", pids), -ENOENT);
}

static void a_list_that_cannot_be_read_is_an_error(void **state)
{
    int pids[RESPONDERS];

    (void) state;
    assert_int_equal(mkdir("cgroups" GROUP "/cgroup.procs", 0755), 0);
    assert_int_equal(processes_of_responders(GROUP, pids), -EIO);
}

static void a_program_that_was_replaced_is_still_found(void **state)
{
    (void) state;
    write_list("cgroups" GROUP "/cgroup.procs", (int[]) { nss, pam }, 2);
    assert_int_equal(unlink("nss"), 0);
    assert_found(GROUP, nss, pam);
    assert_int_equal(system("cp /bin/cat nss"), 0);
    assert_found(GROUP, nss, pam);
}

/* The name alone is not enough, nor is a part of it. */
static void another_program_is_no_responder(void **state)
{
    static const char *const others[] = { "nss2", "ns", "other/nss" };

    (void) state;
    assert_int_equal(mkdir("other", 0755), 0);
    for (size_t i = 0; i < N_OF(others); i++) {
        char text[64];
        pid_t pid;

        print_message("  %s\n", others[i]);
        (void) snprintf(text, sizeof(text), "cp /bin/cat %s", others[i]); /* fits */
        assert_int_equal(system(text), 0);
        pid = start_program(others[i]);
        write_list("cgroups" GROUP "/cgroup.procs", &pid, 1);
        assert_found(GROUP, 0, 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        (void) exit_status_of(pid);
    }
}

static int look_as_nobody(void *userdata)
{
    int pids[RESPONDERS];

    (void) userdata;
    drop_root();
    return processes_of_responders(GROUP, pids) == 0 && pids[NSS] == 0 ? 0 : 1;
}

static void who_may_not_see_it_sees_nobody(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip(); /* it is its own process */
    write_list("cgroups" GROUP "/cgroup.procs", &nss, 1);
    assert_int_equal(in_child(look_as_nobody, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PROCESSES(responders_are_found_by_program_in_their_control_group),
        WITH_PROCESSES(the_group_is_found_in_each_hierarchy),
        WITH_PROCESSES(those_of_our_own_engine_are_found_too),
        WITH_PROCESSES(who_does_not_run_has_nobody),
        WITH_PROCESSES(a_group_that_is_not_found_is_an_error),
        WITH_PROCESSES(a_list_that_cannot_be_read_is_an_error),
        WITH_PROCESSES(a_program_that_was_replaced_is_still_found),
        WITH_PROCESSES(another_program_is_no_responder),
        WITH_PROCESSES(who_may_not_see_it_sees_nobody),
    };

    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
