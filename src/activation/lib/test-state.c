/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of state.c, with real files. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/state.h"
#include "test/state-fixture.h"

/* One byte more than the longest name that fits. */
#define LONG_NAME "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdef"

static int mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void creating_makes_all_of_it_readable_whatever_the_umask(void **state)
{
    mode_t before = umask(0077);
    struct state made;

    (void) state;
    assert_int_equal(state_create("state", &made), 0);
    assert_int_equal(state_set_monitor_owns(&made, "nss", true), 0);
    assert_int_equal(state_note_end(&made, "nss", true), 0);
    (void) umask(before);
    state_done(&made);

    assert_int_equal(mode_of("state"), 0755);
    assert_int_equal(mode_of("state/crashes"), 0755);
    assert_int_equal(mode_of("state/monitor"), 0755);
    assert_int_equal(mode_of("state/lock"), 0600); /* whoever can open it can hold it */
    assert_int_equal(mode_of("state/crashes/nss"), 0644);
}

static void creating_again_keeps_what_is_there(void **state)
{
    struct state again;

    (void) state;
    assert_int_equal(state_set(&opened, FLAG_HELD, true), 0);
    assert_int_equal(state_create("state", &again), 0);
    assert_true(state_has(&again, FLAG_HELD));
    state_done(&again);
    state_done(&again); /* twice does no harm */
    assert_int_equal(again.dir_fd, -1);
}

static void what_is_no_folder_is_neither_opened_nor_created(void **state)
{
    struct state made = { .dir_fd = 77 };

    (void) state;
    write_text("file", "");
    assert_int_equal(mkdir("elsewhere", 0755), 0);
    assert_int_equal(symlink("elsewhere", "link"), 0);

    assert_int_equal(state_open("missing", &made), -ENOENT);
    assert_int_equal(state_open("file", &made), -ENOTDIR);
    assert_true(state_open("link", &made) < 0);
    assert_int_equal(state_create("missing/state", &made), -ENOENT);
    assert_int_equal(state_create("file", &made), -ENOTDIR);
    assert_true(state_create("link", &made) < 0);
    assert_int_equal(made.dir_fd, 77);
    assert_false(file_exists("elsewhere/lock"));
}

static void a_folder_without_room_for_a_part_is_not_created(void **state)
{
    struct state made = { .dir_fd = 77 };

    (void) state;
    assert_int_equal(mkdir("state", 0755), 0);
    assert_int_equal(symlink("../target", "state/lock"), 0);
    assert_int_equal(state_create("state", &made), -ELOOP);
    assert_int_equal(made.dir_fd, 77);
    assert_false(file_exists("target"));
}

static void a_flag_is_set_and_cleared_any_number_of_times(void **state)
{
    static const enum flag flags[] = { FLAG_HELD, FLAG_RUNNING };

    (void) state;
    for (size_t i = 0; i < N_OF(flags); i++) {
        enum flag other = flags[1 - i];

        assert_false(state_has(&opened, flags[i]));
        assert_int_equal(state_set(&opened, flags[i], false), 0);
        assert_int_equal(state_set(&opened, flags[i], true), 0);
        assert_int_equal(state_set(&opened, flags[i], true), 0);
        assert_true(state_has(&opened, flags[i]));
        assert_false(state_has(&opened, other));
        assert_int_equal(state_set(&opened, flags[i], false), 0);
        assert_int_equal(state_set(&opened, flags[i], false), 0);
        assert_false(state_has(&opened, flags[i]));
    }
}

static void owners_are_kept_apart(void **state)
{
    (void) state;
    assert_false(state_has_owners(&opened));
    assert_false(state_monitor_owns(&opened, "nss"));

    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    assert_true(state_has_owners(&opened));
    assert_true(state_monitor_owns(&opened, "nss"));
    assert_false(state_monitor_owns(&opened, "pam"));

    assert_int_equal(state_set_monitor_owns(&opened, "nss", false), 0);
    assert_false(state_monitor_owns(&opened, "nss"));
    assert_true(state_has_owners(&opened)); /* the answer was: nobody */
}

static void a_link_in_place_of_a_file_is_not_followed(void **state)
{
    (void) state;
    write_text("target", "2\n");
    assert_int_equal(symlink("../target", "state/held"), 0);
    assert_int_equal(symlink("../new", "state/running"), 0);
    assert_int_equal(mkdir("state/monitor", 0755), 0);
    assert_int_equal(symlink("../../new", "state/monitor/nss"), 0);
    assert_int_equal(symlink("../../target", "state/crashes/nss"), 0);
    assert_int_equal(unlink("state/lock"), 0);
    assert_int_equal(symlink("../target", "state/lock"), 0);

    assert_int_equal(state_set(&opened, FLAG_HELD, true), -ELOOP);
    assert_int_equal(state_set(&opened, FLAG_RUNNING, true), -ELOOP);
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), -ELOOP);
    assert_int_equal(state_crashes(&opened, "nss"), 0);
    assert_int_equal(state_note_end(&opened, "nss", true), -ELOOP);
    assert_int_equal(state_lock_shared(&opened), -ELOOP);
    assert_int_equal(state_lock_exclusive(&opened), -ELOOP);

    /* Clearing removes the link and not what it leads to. */
    assert_int_equal(state_set(&opened, FLAG_HELD, false), 0);
    assert_int_equal(state_note_end(&opened, "nss", false), 0);
    assert_false(file_exists("state/crashes/nss"));
    assert_string_equal(read_text("target"), "2\n");
    assert_false(file_exists("new"));
}

static void a_name_of_no_responder_touches_nothing(void **state)
{
    static const struct {
        const char *label, *name;
    } rows[] = {
        { "parent's file", "../x" },
        { "parent", ".." },
        { "itself", "." },
        { "hidden", ".x" },
        { "empty", "" },
        { "in a folder", "a/x" },
        { "absolute", "/x" },
        { "a byte too long", LONG_NAME },
        { "very long", LONG_NAME LONG_NAME LONG_NAME LONG_NAME LONG_NAME },
    };

    (void) state;
    write_text("state/x", "2\n");
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        assert_int_equal(state_set_monitor_owns(&opened, rows[i].name, true), -EINVAL);
        assert_int_equal(state_set_monitor_owns(&opened, rows[i].name, false), -EINVAL);
        assert_false(state_monitor_owns(&opened, rows[i].name));
        assert_int_equal(state_crashes(&opened, rows[i].name), 0);
        assert_int_equal(state_note_end(&opened, rows[i].name, true), -EINVAL);
        assert_int_equal(state_note_end(&opened, rows[i].name, false), -EINVAL);
    }
    assert_string_equal(read_text("state/x"), "2\n");
    assert_false(state_has_owners(&opened));
}

static void the_longest_name_that_fits_is_a_name(void **state)
{
    char name[] = LONG_NAME;

    (void) state;
    name[strlen(name) - 1] = '\0';
    assert_int_equal(state_set_monitor_owns(&opened, name, true), 0);
    assert_true(state_monitor_owns(&opened, name));
    assert_int_equal(state_note_end(&opened, name, true), 0);
    assert_int_equal(state_crashes(&opened, name), 1);
}

static void an_unknown_responder_has_no_crashes(void **state)
{
    (void) state;
    assert_int_equal(state_crashes(&opened, "nss"), 0);
    assert_int_equal(state_note_end(&opened, "nss", false), 0);
    assert_false(file_exists("state/crashes/nss"));
}

static void crashes_are_counted_by_their_rules(void **state)
{
    static const struct {
        const char *label, *before;
        bool crashed;
        unsigned after;
    } rows[] = {
        { "the first", NULL, true, 1 },
        { "the second", "1\n", true, 2 },
        { "the third", "2\n", true, 3 },
        { "one more than the most", "3\n", true, 3 },
        { "a good end after one", "1\n", false, 0 },
        { "a good end after two", "2\n", false, 0 },
        { "the end of a refusal grants one trial", "3\n", false, 2 },
        { "a crash after nothing", "", true, 1 },
        { "a crash after words", "many\n", true, 1 },
        { "a good end after words", "many\n", false, 0 },
        { "a crash after a number with words", "1 or so", true, 2 },
        { "a crash after too many", "77\n", true, 3 },
        { "a good end after too many", "77\n", false, 2 },
        { "a crash after less than none", "-1\n", true, 1 },
        { "a crash after a number without end", "111111111111111111111111111", true, 3 },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        if (rows[i].before)
            write_text("state/crashes/nss", rows[i].before);
        assert_int_equal(state_note_end(&opened, "nss", rows[i].crashed), 0);
        assert_int_equal(state_crashes(&opened, "nss"), rows[i].after);
        assert_int_equal(state_crashes(&opened, "pam"), 0);
        assert_int_equal(file_exists("state/crashes/nss"), rows[i].after > 0);
    }
}

static void a_fresh_start_forgets_all_crashes(void **state)
{
    (void) state;
    assert_int_equal(state_forget_crashes(&opened), 0);
    assert_int_equal(state_note_end(&opened, "nss", true), 0);
    assert_int_equal(state_note_end(&opened, "ifp", true), 0);
    assert_int_equal(state_forget_crashes(&opened), 0);
    assert_int_equal(state_crashes(&opened, "nss"), 0);
    assert_int_equal(state_crashes(&opened, "ifp"), 0);

    /* One that cannot be forgotten does not keep the others. */
    assert_int_equal(mkdir("state/crashes/nss", 0755), 0);
    assert_int_equal(mkdir("state/crashes/pam", 0755), 0);
    assert_int_equal(state_note_end(&opened, "ifp", true), 0);
    assert_int_equal(state_forget_crashes(&opened), -EISDIR);
    assert_int_equal(state_crashes(&opened, "ifp"), 0);
}

static void a_folder_in_place_of_a_count_is_none(void **state)
{
    (void) state;
    assert_int_equal(mkdir("state/crashes/nss", 0755), 0);
    assert_int_equal(state_crashes(&opened, "nss"), 0);
    assert_int_equal(state_note_end(&opened, "nss", true), -EISDIR);
    assert_int_equal(state_note_end(&opened, "nss", false), -EISDIR);
}

static int write_with_no_room(void *userdata)
{
    struct rlimit none = { 0 }, before;
    int r;

    (void) userdata;
    (void) signal(SIGXFSZ, SIG_IGN); /* then it is EFBIG */
    if (getrlimit(RLIMIT_FSIZE, &before) < 0)
        return 1;
    none.rlim_max = before.rlim_max;
    if (setrlimit(RLIMIT_FSIZE, &none) < 0)
        return 1;
    r = state_note_end(&opened, "nss", true);
    return setrlimit(RLIMIT_FSIZE, &before) < 0 ? 1 : -r;
}

static void a_count_that_cannot_be_written_is_said(void **state)
{
    (void) state;
    assert_int_equal(in_child(write_with_no_room, NULL), EFBIG);
    assert_int_equal(state_crashes(&opened, "nss"), 0);
}

static int use_without_right(void *userdata)
{
    struct state made;

    (void) userdata;
    drop_root();
    if (state_set(&opened, FLAG_RUNNING, true) != -EACCES || state_set(&opened, FLAG_HELD, false) != -EACCES)
        return 1;
    if (state_set_monitor_owns(&opened, "nss", true) != -EACCES || state_note_end(&opened, "nss", true) != -EACCES)
        return 2;
    if (state_create("new", &made) != -EACCES)
        return 3;
    if (state_create("state", &made) != -EACCES)
        return 4;
    if (!state_has(&opened, FLAG_HELD) || state_lock_shared(&opened) != -EACCES)
        return 5;
    return 0;
}

static void who_may_not_write_may_read_and_not_lock(void **state)
{
    (void) state;
    assert_int_equal(state_set(&opened, FLAG_HELD, true), 0);
    if (geteuid() != 0)
        skip(); /* another user is needed */
    assert_int_equal(in_child(use_without_right, NULL), 0);
}

static void without_a_lock_file_nothing_is_locked(void **state)
{
    (void) state;
    assert_int_equal(unlink("state/lock"), 0);
    assert_int_equal(state_lock_shared(&opened), -ENOENT);
    assert_int_equal(state_lock_exclusive(&opened), -ENOENT);
}

static void locks_are_shared_or_exclusive_and_not_inherited(void **state)
{
    static const struct {
        const char *label;
        int (*take)(const struct state *);
        int other, errors;
    } rows[] = {
        { "shared beside shared", state_lock_shared, LOCK_SH, 0 },
        { "exclusive beside shared", state_lock_shared, LOCK_EX, EWOULDBLOCK },
        { "shared beside exclusive", state_lock_exclusive, LOCK_SH, EWOULDBLOCK },
        { "exclusive beside exclusive", state_lock_exclusive, LOCK_EX, EWOULDBLOCK },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        int held, other;

        print_message("  %s\n", rows[i].label);
        held = rows[i].take(&opened);
        assert_true(held >= 0);
        assert_int_equal(fcntl(held, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        other = open("state/lock", O_RDONLY | O_CLOEXEC);
        assert_int_equal(flock(other, rows[i].other | LOCK_NB) < 0 ? errno : 0, rows[i].errors);
        assert_int_equal(close(held), 0);
        assert_int_equal(flock(other, rows[i].other | LOCK_NB), 0);
        assert_int_equal(close(other), 0);
    }
}

/* Locks as it is told to, though signals come meanwhile, and says so through the pipe. */
static int lock_and_say(void *userdata)
{
    int lock;

    interrupt_often();
    while (interruptions() == 0)
        (void) pause();
    if (write(*(int *) userdata, "w", 1) != 1) /* waits from now on, interrupted every 5 ms */
        return 1;
    lock = state_lock_exclusive(&opened);
    return lock >= 0 && write(*(int *) userdata, "l", 1) == 1 ? 0 : 2;
}

static void an_exclusive_lock_waits_until_the_shared_ones_are_gone(void **state)
{
    int ends[2], held[2];
    struct pollfd polled;
    char byte;
    pid_t pid;

    (void) state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    for (size_t i = 0; i < N_OF(held); i++)
        held[i] = state_lock_shared(&opened);

    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* The descriptors are copies and would hold the locks. */
        (void) close(held[0]);
        (void) close(held[1]);
        exit(lock_and_say(&ends[1]));
    }

    polled = (struct pollfd) { .fd = ends[0], .events = POLLIN };
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'w');
    assert_int_equal(poll(&polled, 1, 40), 0);
    (void) close(held[0]);
    assert_int_equal(poll(&polled, 1, 40), 0);
    (void) close(held[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'l');
    assert_int_equal(exit_status_of(pid), 0);
    (void) close(ends[0]);
    (void) close(ends[1]);
}

static void exec_lets_a_lock_go(void **state)
{
    int to[2], from[2], lock;
    char byte;
    pid_t pid;

    (void) state;
    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (state_lock_shared(&opened) < 0 || write(from[1], "l", 1) != 1)
            _exit(1);
        if (dup2(to[0], STDIN_FILENO) < 0 || dup2(from[1], STDOUT_FILENO) < 0)
            _exit(1);
        (void) execl("/bin/cat", "cat", NULL); /* returns only on failure */
        _exit(1);
    }

    assert_int_equal(read(from[0], &byte, 1), 1);
    lock = state_lock_exclusive(&opened); /* waits for nothing but the exec */
    assert_true(lock >= 0);
    assert_int_equal(write(to[1], "x", 1), 1);
    assert_int_equal(read(from[0], &byte, 1), 1); /* the process lives on */
    assert_int_equal(byte, 'x');

    (void) close(to[1]);
    assert_int_equal(exit_status_of(pid), 0);
    (void) close(to[0]);
    (void) close(from[0]);
    (void) close(from[1]);
    (void) close(lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(creating_makes_all_of_it_readable_whatever_the_umask),
        IN_STATE(creating_again_keeps_what_is_there),
        IN_FOLDER(what_is_no_folder_is_neither_opened_nor_created),
        IN_FOLDER(a_folder_without_room_for_a_part_is_not_created),
        IN_STATE(a_flag_is_set_and_cleared_any_number_of_times),
        IN_STATE(owners_are_kept_apart),
        IN_STATE(a_link_in_place_of_a_file_is_not_followed),
        IN_STATE(a_name_of_no_responder_touches_nothing),
        IN_STATE(the_longest_name_that_fits_is_a_name),
        IN_STATE(an_unknown_responder_has_no_crashes),
        IN_STATE(crashes_are_counted_by_their_rules),
        IN_STATE(a_fresh_start_forgets_all_crashes),
        IN_STATE(a_folder_in_place_of_a_count_is_none),
        IN_STATE(a_count_that_cannot_be_written_is_said),
        IN_STATE(who_may_not_write_may_read_and_not_lock),
        IN_STATE(without_a_lock_file_nothing_is_locked),
        IN_STATE(locks_are_shared_or_exclusive_and_not_inherited),
        IN_STATE(an_exclusive_lock_waits_until_the_shared_ones_are_gone),
        IN_STATE(exec_lets_a_lock_go),
    };

    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
