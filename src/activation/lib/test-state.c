/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of state.c, with real files. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "lib/state.h"
#include "test/state-fixture.h"

/* One byte more than the longest name that fits beside "monitor/" and "refused/"; "ends/" has room for three more. */
#define LONG_NAME "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdef"

#define MINUTE_USEC 60000000
#define LONG_MSEC 50000 /* when something ends it before */

static uint64_t usec; /* how long ago the last failure was */

static int mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

/* The clock of the notes. */
static int64_t boot_usec(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* As if it had been written that long ago. */
static void write_note(const char *path, int64_t age_usec, const char *rest)
{
    char text[128];

    (void) snprintf(text, sizeof(text), "%" PRId64 "%s", boot_usec() - age_usec, rest); /* fits */
    write_text(path, text);
}

static void creating_makes_all_of_it_readable_whatever_the_umask(void **state)
{
    mode_t before = umask(0077);
    struct state made;

    (void) state;
    assert_int_equal(state_create("state", &made), 0);
    assert_int_equal(state_set_monitor_owns(&made, "nss", true), 0);
    assert_int_equal(state_count_bad_end(&made, "nss"), 1);
    assert_int_equal(state_count_failure(&made), 1);
    assert_int_equal(state_set_refusal(&made, "nss", "so"), 0);
    (void) umask(before);
    state_done(&made);

    assert_int_equal(mode_of("state"), 0755);
    assert_int_equal(mode_of("state/ends"), 0755);
    assert_int_equal(mode_of("state/refused"), 0755);
    assert_int_equal(mode_of("state/monitor"), 0755);
    assert_int_equal(mode_of("state/lock"), 0600); /* whoever can open it can hold it */
    assert_int_equal(mode_of("state/monitor/nss"), 0644);
    assert_int_equal(mode_of("state/ends/nss"), 0644);
    assert_int_equal(mode_of("state/failed"), 0644);
    assert_int_equal(mode_of("state/refused/nss"), 0644);
}

static void creating_again_keeps_what_is_there(void **state)
{
    struct state again;
    char why[16];

    (void) state;
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
    assert_int_equal(state_count_failure(&opened), 1);
    assert_int_equal(state_set_refusal(&opened, "nss", "so"), 0);
    assert_int_equal(state_create("state", &again), 0);
    assert_true(state_monitor_owns(&again, "nss"));
    assert_int_equal(state_bad_ends(&again, "nss"), 1);
    assert_int_equal(state_failures(&again, &usec), 1);
    assert_true(state_refusal(&again, "nss", why, sizeof(why)));
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
    char why[16], note[64];

    (void) state;
    write_note("target", 0, " 2\n");
    (void) strcpy(note, read_text("target")); /* fits */
    assert_int_equal(mkdir("state/monitor", 0755), 0);
    assert_int_equal(symlink("../../new", "state/monitor/nss"), 0);
    assert_int_equal(symlink("../../target", "state/ends/nss"), 0);
    assert_int_equal(symlink("../target", "state/failed"), 0);
    assert_int_equal(symlink("../../target", "state/refused/nss"), 0);
    assert_int_equal(unlink("state/lock"), 0);
    assert_int_equal(symlink("../target", "state/lock"), 0);

    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), -ELOOP);
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_count_bad_end(&opened, "nss"), -ELOOP);
    assert_int_equal(state_failures(&opened, &usec), 0);
    assert_int_equal(state_count_failure(&opened), -ELOOP);
    assert_false(state_refusal(&opened, "nss", why, sizeof(why)));
    assert_int_equal(state_set_refusal(&opened, "nss", "so"), -ELOOP);
    assert_int_equal(state_lock_shared(&opened, LONG_MSEC), -ELOOP);
    assert_int_equal(state_lock_exclusive(&opened, LONG_MSEC), -ELOOP);

    /* Clearing removes the link and not what it leads to. */
    assert_int_equal(state_set_monitor_owns(&opened, "nss", false), 0);
    assert_int_equal(state_forget_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_forget_failures(&opened), 0);
    assert_int_equal(state_set_refusal(&opened, "nss", NULL), 0);
    assert_false(file_exists("state/monitor/nss"));
    assert_false(file_exists("state/ends/nss"));
    assert_false(file_exists("state/failed"));
    assert_false(file_exists("state/refused/nss"));
    assert_string_equal(read_text("target"), note);
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
        { "very long", LONG_NAME LONG_NAME LONG_NAME LONG_NAME LONG_NAME },
    };

    char note[64];

    (void) state;
    write_note("state/x", 0, " 2\n");
    (void) strcpy(note, read_text("state/x")); /* fits */
    for (size_t i = 0; i < N_OF(rows); i++) {
        char why[16];

        print_message("  %s\n", rows[i].label);
        assert_int_equal(state_set_monitor_owns(&opened, rows[i].name, true), -EINVAL);
        assert_int_equal(state_set_monitor_owns(&opened, rows[i].name, false), -EINVAL);
        assert_false(state_monitor_owns(&opened, rows[i].name));
        assert_int_equal(state_bad_ends(&opened, rows[i].name), 0);
        assert_int_equal(state_count_bad_end(&opened, rows[i].name), -EINVAL);
        assert_int_equal(state_forget_bad_ends(&opened, rows[i].name), -EINVAL);
        assert_false(state_refusal(&opened, rows[i].name, why, sizeof(why)));
        assert_int_equal(state_set_refusal(&opened, rows[i].name, "so"), -EINVAL);
        assert_int_equal(state_set_refusal(&opened, rows[i].name, NULL), -EINVAL);
    }
    assert_string_equal(read_text("state/x"), note);
    assert_false(state_has_owners(&opened));
}

static void the_longest_name_that_fits_is_a_name(void **state)
{
    char name[] = LONG_NAME, of_ends[] = LONG_NAME "ghi";
    char why[8];

    (void) state;
    assert_int_equal(state_set_monitor_owns(&opened, name, true), -EINVAL);
    assert_int_equal(state_set_refusal(&opened, name, "so"), -EINVAL);
    assert_int_equal(state_count_bad_end(&opened, of_ends), -EINVAL);

    name[strlen(name) - 1] = '\0';
    of_ends[strlen(of_ends) - 1] = '\0';
    assert_int_equal(state_set_monitor_owns(&opened, name, true), 0);
    assert_true(state_monitor_owns(&opened, name));
    assert_int_equal(state_set_refusal(&opened, name, "so"), 0);
    assert_true(state_refusal(&opened, name, why, sizeof(why)));
    assert_int_equal(state_count_bad_end(&opened, of_ends), 1);
    assert_int_equal(state_bad_ends(&opened, of_ends), 1);
}

/* --- Notes ----------------------------------------------------------------------------------------------------- */

static void an_unknown_responder_has_no_bad_ends(void **state)
{
    (void) state;
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_forget_bad_ends(&opened, "nss"), 0);
    assert_false(file_exists("state/ends/nss"));
}

static void a_pardon_ends_the_row_and_is_used_up_by_one_end(void **state)
{
    (void) state;
    assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
    assert_int_equal(state_count_bad_end(&opened, "nss"), 2);
    assert_int_equal(state_pardon_bad_end(&opened, "nss"), 0);
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_count_bad_end(&opened, "nss"), 0);
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
}

static void bad_ends_are_counted_to_three(void **state)
{
    static const int counts[] = { 1, 2, 3, 3, 3 };

    (void) state;
    for (size_t i = 0; i < N_OF(counts); i++) {
        assert_int_equal(state_count_bad_end(&opened, "nss"), counts[i]);
        assert_int_equal(state_bad_ends(&opened, "nss"), counts[i]);
        assert_int_equal(state_bad_ends(&opened, "pam"), 0);
    }
    assert_int_equal(state_count_bad_end(&opened, "pam"), 1);
    assert_int_equal(state_forget_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_bad_ends(&opened, "pam"), 1);
    assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
}

static void a_row_goes_on_for_a_minute_after_its_last(void **state)
{
    static const struct {
        const char *label;
        int64_t age_usec;
        unsigned ends, one_more;
    } rows[] = {
        { "a moment ago", 1000, 2, 3 },
        { "most of a minute ago", MINUTE_USEC - 20000000, 2, 3 },
        { "a minute ago", MINUTE_USEC, 0, 1 },
        { "long ago", INT64_C(1000) * MINUTE_USEC, 0, 1 }, /* before the machine was up: a negative time */
        { "in time to come", -MINUTE_USEC, 0, 1 },         /* another kernel's: kexec keeps no clock */
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        write_note("state/ends/nss", rows[i].age_usec, " 2\n");
        assert_int_equal(state_bad_ends(&opened, "nss"), rows[i].ends);
        assert_int_equal(state_count_bad_end(&opened, "nss"), rows[i].one_more);
        assert_int_equal(state_bad_ends(&opened, "nss"), rows[i].one_more); /* of now */
    }
}

static void what_is_no_note_is_none(void **state)
{
    static const struct {
        const char *label, *rest;
        unsigned one_more;
    } rows[] = {
        { "nothing", NULL, 1 },
        { "words", "many\n", 1 },
        { "a note of before", "2\n", 1 },
        { "a number without end", "111111111111111111111111111111111111111111111111111111111111111111111111111111 2\n", 1 },
        { "less than none", "-1 2\n", 1 },
        { "a zero byte's place", "\n", 1 },
    };
    static char huge[1 << 20];

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        write_text("state/ends/nss", rows[i].rest ? rows[i].rest : "");
        write_text("state/failed", rows[i].rest ? rows[i].rest : "");
        assert_int_equal(state_bad_ends(&opened, "nss"), 0);
        assert_int_equal(state_failures(&opened, &usec), 0);
        assert_int_equal(state_count_bad_end(&opened, "nss"), rows[i].one_more);
    }

    print_message("  a megabyte\n");
    (void) memset(huge, ' ', sizeof(huge) - 1);
    write_text("state/ends/nss", huge);
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    (void) memset(huge, '1', sizeof(huge) - 1);
    write_text("state/ends/nss", huge);
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
    assert_true(strlen(read_text("state/ends/nss")) < 64); /* nothing of it is left */
}

static void a_note_of_more_than_the_most_counts_as_the_most(void **state)
{
    static const char *const rests[] = { " 3\n", " 77\n", " 4294967295\n", " 2 or so\n", " 3" };
    static const unsigned counts[] = { 3, 3, 3, 3, 3 };

    (void) state;
    for (size_t i = 0; i < N_OF(rests); i++) {
        print_message("  %s\n", rests[i]);
        write_note("state/ends/nss", 1000, rests[i]);
        assert_int_equal(state_count_bad_end(&opened, "nss"), counts[i]);
        assert_int_equal(state_bad_ends(&opened, "nss"), counts[i]);
    }
}

/* The number is one digit: what is cut in it is cut away. */
static void each_truncation_of_a_note_is_none(void **state)
{
    char note[64];

    (void) state;
    assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
    (void) strcpy(note, read_text("state/ends/nss")); /* fits */
    assert_int_equal(note[strlen(note) - 1], '\n');
    for (size_t n = strlen(note) - 1; n-- > 0;) {
        note[n] = '\0';
        write_text("state/ends/nss", note);
        assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    }
}

static void a_folder_in_place_of_a_note_is_none(void **state)
{
    char why[16];

    (void) state;
    assert_int_equal(mkdir("state/ends/nss", 0755), 0);
    assert_int_equal(mkdir("state/failed", 0755), 0);
    assert_int_equal(mkdir("state/refused/nss", 0755), 0);
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_count_bad_end(&opened, "nss"), -EISDIR);
    assert_int_equal(state_forget_bad_ends(&opened, "nss"), -EISDIR);
    assert_int_equal(state_failures(&opened, &usec), 0);
    assert_int_equal(state_count_failure(&opened), -EISDIR);
    assert_int_equal(state_forget_failures(&opened), -EISDIR);
    assert_false(state_refusal(&opened, "nss", why, sizeof(why)));
    assert_int_equal(state_set_refusal(&opened, "nss", "so"), -EISDIR);
    assert_int_equal(state_set_refusal(&opened, "nss", NULL), -EISDIR);
}

static int write_with_no_room(void *userdata)
{
    struct rlimit none = { 0 }, before;
    int ends, failure, refusal;

    (void) userdata;
    (void) signal(SIGXFSZ, SIG_IGN); /* then it is EFBIG */
    if (getrlimit(RLIMIT_FSIZE, &before) < 0)
        return 1;
    none.rlim_max = before.rlim_max;
    if (setrlimit(RLIMIT_FSIZE, &none) < 0)
        return 1;
    ends = state_count_bad_end(&opened, "nss");
    failure = state_count_failure(&opened);
    refusal = state_set_refusal(&opened, "nss", "so");
    if (setrlimit(RLIMIT_FSIZE, &before) < 0)
        return 1;
    return ends == -EFBIG && failure == -EFBIG && refusal == -EFBIG ? 0 : 2;
}

static void what_cannot_be_written_is_said(void **state)
{
    (void) state;
    assert_int_equal(in_child(write_with_no_room, NULL), 0);
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_failures(&opened, &usec), 0);
}

static void failures_are_counted_until_they_are_forgotten(void **state)
{
    static const struct {
        const char *label, *rest;
        int64_t age_usec;
        unsigned failures, one_more;
    } rows[] = {
        { "young", " 1\n", 1000, 1, 2 },
        { "old", " 3\n", 31000000, 3, 4 },
        { "of another kernel", " 3\n", -60000000, 0, 1 },
        { "more than anybody counts", " 2147483647\n", 1000, INT_MAX, INT_MAX },
    };

    (void) state;
    assert_int_equal(state_failures(&opened, &usec), 0);
    assert_int_equal(state_forget_failures(&opened), 0);
    assert_int_equal(state_begin_failures(&opened), 1);
    assert_int_equal(state_failures(&opened, &usec), 0);
    for (int i = 1; i < 7; i++) {
        assert_int_equal(state_begin_failures(&opened), 0); /* there is one */
        assert_int_equal(state_count_failure(&opened), i);
        assert_int_equal(state_failures(&opened, &usec), i);
        assert_true(usec < MINUTE_USEC);
    }
    assert_int_equal(state_forget_failures(&opened), 0);
    assert_int_equal(state_failures(&opened, &usec), 0);

    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        write_note("state/failed", rows[i].age_usec, rows[i].rest);
        assert_int_equal(state_failures(&opened, &usec), rows[i].failures);
        assert_int_equal(usec >= (uint64_t) rows[i].age_usec, rows[i].failures > 0);
        assert_int_equal(state_count_failure(&opened), rows[i].one_more);
        assert_int_equal(state_failures(&opened, &usec), rows[i].one_more);
        assert_true(usec < MINUTE_USEC); /* anew */
    }
}

static void half_a_restart_is_noted_and_forgotten(void **state)
{
    (void) state;
    assert_false(state_is_restarting(&opened));
    for (int again = 0; again < 2; again++) {
        assert_int_equal(state_set_restarting(&opened, true), 0);
        assert_true(state_is_restarting(&opened));
    }
    for (int again = 0; again < 2; again++) {
        assert_int_equal(state_set_restarting(&opened, false), 0);
        assert_false(state_is_restarting(&opened));
    }
}

/* --- Refusals -------------------------------------------------------------------------------------------------- */

static void a_refusal_stands_until_it_is_taken_back(void **state)
{
    char why[64] = "untouched";

    (void) state;
    assert_false(state_refusal(&opened, "pam", why, sizeof(why)));
    assert_int_equal(state_set_refusal(&opened, "pam", NULL), 0);

    assert_int_equal(state_set_refusal(&opened, "pam", "the first reason, and a long one"), 0);
    assert_int_equal(state_set_refusal(&opened, "pam", "sssd.service is masked"), 0);
    assert_true(state_refusal(&opened, "pam", why, sizeof(why)));
    assert_string_equal(why, "sssd.service is masked");
    assert_true(state_refusal(&opened, "pam", why, 5));
    assert_string_equal(why, "sssd");
    assert_false(state_refusal(&opened, "nss", why, sizeof(why)));

    assert_int_equal(state_set_refusal(&opened, "pam", NULL), 0);
    assert_int_equal(state_set_refusal(&opened, "pam", NULL), 0);
    assert_false(state_refusal(&opened, "pam", why, sizeof(why)));
    assert_false(file_exists("state/refused/pam"));
}

static void a_refusal_without_words_is_one(void **state)
{
    char why[8] = "before";

    (void) state;
    assert_int_equal(state_set_refusal(&opened, "pam", ""), 0);
    assert_true(state_refusal(&opened, "pam", why, sizeof(why)));
    assert_string_equal(why, "");
}

static void all_refusals_are_forgotten_at_once(void **state)
{
    static const char *const names[] = { "nss", "pam", "ssh", "sudo", "autofs", "pac", "ifp" };
    char why[8];

    (void) state;
    assert_int_equal(state_forget_refusals(&opened), 0);
    for (size_t i = 0; i < N_OF(names); i++)
        assert_int_equal(state_set_refusal(&opened, names[i], "so"), 0);
    assert_int_equal(state_forget_refusals(&opened), 0);
    for (size_t i = 0; i < N_OF(names); i++)
        assert_false(state_refusal(&opened, names[i], why, sizeof(why)));

    /* One that can't be forgotten does not keep the others. */
    assert_int_equal(mkdir("state/refused/nss", 0755), 0);
    assert_int_equal(mkdir("state/refused/ssh", 0755), 0);
    assert_int_equal(state_set_refusal(&opened, "pam", "so"), 0);
    assert_int_equal(state_set_refusal(&opened, "ifp", "so"), 0);
    assert_int_equal(state_forget_refusals(&opened), -EISDIR);
    assert_false(state_refusal(&opened, "pam", why, sizeof(why)));
    assert_false(state_refusal(&opened, "ifp", why, sizeof(why)));
}

/* --- Rights and the lock --------------------------------------------------------------------------------------- */

static int use_without_right(void *userdata)
{
    struct state made;
    char why[16];

    (void) userdata;
    drop_root();
    if (state_set_monitor_owns(&opened, "nss", true) != -EACCES || state_count_bad_end(&opened, "nss") != -EACCES ||
        state_forget_bad_ends(&opened, "nss") != -EACCES)
        return 1;
    if (state_count_failure(&opened) != -EACCES || state_forget_failures(&opened) != -EACCES ||
        state_set_restarting(&opened, true) != -EACCES)
        return 2;
    if (state_set_refusal(&opened, "nss", NULL) != -EACCES || state_forget_refusals(&opened) != -EACCES)
        return 3;
    if (state_create("new", &made) != -EACCES)
        return 4;
    if (state_create("state", &made) != -EACCES)
        return 5;
    if (!state_monitor_owns(&opened, "nss") || state_bad_ends(&opened, "nss") != 1 ||
        state_failures(&opened, &usec) != 1 || !state_refusal(&opened, "nss", why, sizeof(why)))
        return 6;
    if (state_lock_shared(&opened, LONG_MSEC) != -EACCES || state_lock_exclusive(&opened, LONG_MSEC) != -EACCES)
        return 7;
    return 0;
}

static void who_may_not_write_may_read_and_not_lock(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip(); /* another user is needed */
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
    assert_int_equal(state_count_failure(&opened), 1);
    assert_int_equal(state_set_refusal(&opened, "nss", "so"), 0);
    assert_int_equal(in_child(use_without_right, NULL), 0);
}

static void without_a_lock_file_nothing_is_locked(void **state)
{
    (void) state;
    assert_int_equal(unlink("state/lock"), 0);
    assert_int_equal(state_lock_shared(&opened, LONG_MSEC), -ENOENT);
    assert_int_equal(state_lock_exclusive(&opened, LONG_MSEC), -ENOENT);
}

static void locks_are_shared_or_exclusive_and_not_inherited(void **state)
{
    static const struct {
        const char *label;
        int (*take)(const struct state *, int);
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
        held = rows[i].take(&opened, 0);
        assert_true(held >= 0);
        assert_int_equal(fcntl(held, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        other = open("state/lock", O_RDONLY | O_CLOEXEC);
        assert_int_equal(flock(other, rows[i].other | LOCK_NB) < 0 ? errno : 0, rows[i].errors);
        assert_int_equal(close(held), 0);
        assert_int_equal(flock(other, rows[i].other | LOCK_NB), 0);
        assert_int_equal(close(other), 0);
    }
}

static void a_lock_is_waited_for_no_longer_than_said(void **state)
{
    static const struct {
        const char *label;
        int (*take)(const struct state *, int);
        int held, msec;
    } rows[] = {
        { "shared, not at all", state_lock_shared, LOCK_EX, 0 },
        { "shared, for a while", state_lock_shared, LOCK_EX, 100 },
        { "exclusive beside exclusive", state_lock_exclusive, LOCK_EX, 100 },
        { "exclusive beside shared", state_lock_exclusive, LOCK_SH, 100 },
        { "a second and more", state_lock_exclusive, LOCK_SH, 1100 },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        int held = open("state/lock", O_RDONLY | O_CLOEXEC);
        uint64_t before;

        print_message("  %s\n", rows[i].label);
        assert_int_equal(flock(held, rows[i].held), 0);
        before = msec_now();
        assert_int_equal(rows[i].take(&opened, rows[i].msec), -ETIMEDOUT);
        assert_uint_in_range(msec_now() - before, rows[i].msec, rows[i].msec + 20000);

        /* Nothing of the one who gave up is left. */
        assert_int_equal(close(held), 0);
        held = open("state/lock", O_RDONLY | O_CLOEXEC);
        assert_int_equal(flock(held, LOCK_EX | LOCK_NB), 0);
        assert_int_equal(close(held), 0);
    }
}

static void on_earlier_alarm(int signal_number)
{
    (void) signal_number;
}

static void waiting_leaves_neither_alarm_nor_handler(void **state)
{
    const struct sigaction action = { .sa_handler = on_earlier_alarm };
    struct sigaction before, after;
    struct itimerval timer;
    int held;

    (void) state;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    held = open("state/lock", O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(held, LOCK_EX), 0);
    assert_int_equal(state_lock_shared(&opened, 20), -ETIMEDOUT);
    assert_int_equal(sigaction(SIGALRM, &before, &after), 0);
    assert_ptr_equal(after.sa_handler, on_earlier_alarm);
    assert_int_equal(getitimer(ITIMER_REAL, &timer), 0);
    assert_int_equal(timer.it_value.tv_sec | timer.it_value.tv_usec, 0);
    (void) close(held);
}

/* Says through the pipe that it is about to wait, and that it has it. */
static int lock_and_say(void *userdata)
{
    int lock;

    if (write(*(int *) userdata, "w", 1) != 1)
        return 1;
    lock = state_lock_exclusive(&opened, LONG_MSEC);
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
        held[i] = state_lock_shared(&opened, 0);

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
        if (state_lock_shared(&opened, 0) < 0 || write(from[1], "l", 1) != 1)
            _exit(1);
        if (dup2(to[0], STDIN_FILENO) < 0 || dup2(from[1], STDOUT_FILENO) < 0)
            _exit(1);
        (void) execl("/bin/cat", "cat", NULL); /* returns only on failure */
        _exit(1);
    }

    assert_int_equal(read(from[0], &byte, 1), 1);
    lock = state_lock_exclusive(&opened, LONG_MSEC); /* waits for nothing but the exec */
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
        IN_STATE(owners_are_kept_apart),
        IN_STATE(a_link_in_place_of_a_file_is_not_followed),
        IN_STATE(a_name_of_no_responder_touches_nothing),
        IN_STATE(the_longest_name_that_fits_is_a_name),
        IN_STATE(an_unknown_responder_has_no_bad_ends),
        IN_STATE(bad_ends_are_counted_to_three),
        IN_STATE(a_pardon_ends_the_row_and_is_used_up_by_one_end),
        IN_STATE(a_row_goes_on_for_a_minute_after_its_last),
        IN_STATE(what_is_no_note_is_none),
        IN_STATE(a_note_of_more_than_the_most_counts_as_the_most),
        IN_STATE(each_truncation_of_a_note_is_none),
        IN_STATE(a_folder_in_place_of_a_note_is_none),
        IN_STATE(what_cannot_be_written_is_said),
        IN_STATE(failures_are_counted_until_they_are_forgotten),
        IN_STATE(half_a_restart_is_noted_and_forgotten),
        IN_STATE(a_refusal_stands_until_it_is_taken_back),
        IN_STATE(a_refusal_without_words_is_one),
        IN_STATE(all_refusals_are_forgotten_at_once),
        IN_STATE(who_may_not_write_may_read_and_not_lock),
        IN_STATE(without_a_lock_file_nothing_is_locked),
        IN_STATE(locks_are_shared_or_exclusive_and_not_inherited),
        IN_STATE(a_lock_is_waited_for_no_longer_than_said),
        IN_STATE(waiting_leaves_neither_alarm_nor_handler),
        IN_STATE(an_exclusive_lock_waits_until_the_shared_ones_are_gone),
        IN_STATE(exec_lets_a_lock_go),
    };

    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
