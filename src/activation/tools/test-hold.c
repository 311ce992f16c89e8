/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of hold.c, with a PID 1 of their own. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/responders.h"
#include "test/fixture.h"
#include "test/pid1.h"
#include "tools/hold.h"

#define STOP "Stop sssd.service replace\n"
#define START "Start sssd.service replace\n"

static int run_quietly(void *userdata)
{
    int (*const *what)(void) = userdata;

    return freopen("said", "w", stderr) ? (*what)() : 255;
}

static int run(int (*what)(void))
{
    return in_child(run_quietly, &what);
}

static bool said(const char *text)
{
    return strstr(read_text("said"), text) != NULL;
}

static int hold_enter(void **state)
{
    if (folder_enter(state) < 0)
        return -1;
    pid1_starts();
    unit_has(MONITOR, "ActiveState=active");
    return 0;
}

static void a_hold_is_a_stop(void **state)
{
    (void) state;
    assert_int_equal(run(hold), EXIT_SUCCESS);
    assert_string_equal(pid1_calls(), STOP);
    assert_string_equal(read_text("said"), "");
}

static void a_second_hold_stops_what_was_started_meanwhile(void **state)
{
    (void) state;
    assert_int_equal(run(hold), EXIT_SUCCESS);
    assert_int_equal(run(hold), EXIT_SUCCESS);
    assert_string_equal(pid1_calls(), STOP STOP);
}

static void a_release_is_a_start_unless_the_monitor_is_there_to_stay(void **state)
{
    static const struct {
        const char *label, *active, *job, *calls, *said;
    } rows[] = {
        { "at rest", "inactive", "", START, "" },
        { "failed", "failed", "", START, "" },
        { "on its way out", "deactivating", "stop", START, "" },
        { "about to be stopped", "active", "stop", START, "" },
        { "on its way up", "activating", "start", START, "" },
        { "it runs", "active", "", "", "nothing is held" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        unit_with_job(MONITOR, rows[i].active, rows[i].job);
        assert_int_equal(run(release), EXIT_SUCCESS);
        assert_string_equal(pid1_calls(), rows[i].calls);
        assert_true(said(rows[i].said));
        assert_int_equal(read_text("said")[0] == '\0', rows[i].said[0] == '\0');
        (void) unlink("calls"); /* of this row */
    }
}

/* The pause is for one that does not wait to be seen. */
static void either_ends_when_the_job_has(void **state)
{
    static const struct {
        const char *label, *line;
        int (*what)(void);
    } rows[] = { { "hold", "ActiveState=active", hold }, { "release", "ActiveState=inactive", release } };

    (void) state;
    jobs_do("sleep 0.2; : >done");
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        unit_has(MONITOR, rows[i].line);
        assert_int_equal(run(rows[i].what), EXIT_SUCCESS);
        assert_true(file_exists("done"));
        assert_int_equal(unlink("done"), 0);
    }
}

static void what_fails_is_said(void **state)
{
    static const struct {
        const char *label, *job, *errors;
        int (*what)(void);
        int status;
        const char *words;
    } rows[] = {
        { "a stop that fails", "echo failed", "", hold, EXIT_FAILURE,
          "sssd.service could not be stopped: systemctl status sssd.service tells why" },
        { "a stop that is canceled", "echo canceled", "", hold, EXIT_FAILURE, "sssd.service could not be stopped" },
        { "a start that fails", "echo failed", "", release, EXIT_FAILURE,
          "sssd.service did not start: systemctl status sssd.service tells why" },
        { "a start that takes too long", "echo timeout", "", release, EXIT_FAILURE, "sssd.service did not start" },
        { "a start of a masked unit", "echo done", "Start sssd.service org.freedesktop.systemd1.UnitMasked\n", release,
          EXIT_FAILURE, "sssd.service did not start" },
        { "a start that a condition skips", "echo skipped", "", release, EXIT_SUCCESS, "" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        jobs_do(rows[i].job);
        write_text("errors", rows[i].errors);
        unit_has(MONITOR, rows[i].what == hold ? "ActiveState=active" : "ActiveState=inactive");
        assert_int_equal(run(rows[i].what), rows[i].status);
        assert_true(said(rows[i].words));
        assert_int_equal(read_text("said")[0] == '\0', rows[i].status == EXIT_SUCCESS);
    }
}

static void without_systemd_nothing_is_held(void **state)
{
    (void) state;
    pid1_stops();
    assert_int_equal(run(hold), EXIT_FAILURE);
    assert_true(said("sssd.service could not be stopped"));
    assert_int_equal(run(release), EXIT_FAILURE);
    assert_true(said("sssd.service did not start"));
}

#define WITH_MONITOR(test) cmocka_unit_test_setup_teardown(test, hold_enter, folder_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MONITOR(a_hold_is_a_stop),
        WITH_MONITOR(a_second_hold_stops_what_was_started_meanwhile),
        WITH_MONITOR(a_release_is_a_start_unless_the_monitor_is_there_to_stay),
        WITH_MONITOR(either_ends_when_the_job_has),
        WITH_MONITOR(what_fails_is_said),
        WITH_MONITOR(without_systemd_nothing_is_held),
    };

    return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
