/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of trial.c. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/engine.h"
#include "lib/manager.h"
#include "test/own-engine.h"
#include "test/pid1.h"
#include "test/state-fixture.h"
#include "tools/trial.h"

static struct manager *manager;

static int trial_enter(void **state)
{
    if (state_enter(state) < 0)
        return -1;
    pid1_starts();
    unit_has(TRIAL_TIMER, "ActiveState=inactive");
    own_is_configured();
    return manager_open(&manager);
}

static int trial_leave(void **state)
{
    manager = manager_free(manager);
    return state_leave(state);
}

#define IN_TRIAL(test) cmocka_unit_test_setup_teardown(test, trial_enter, trial_leave)

static void it_is_a_word_a_mark_and_a_timer(void **state)
{
    (void) state;
    assert_false(trial_is_on());
    assert_int_equal(trial_begin("sssd", 15), 0);
    assert_true(trial_is_on());
    assert_true(engine_is_own());
    assert_string_equal(read_text(ENGINE_TRY), "sssd\n");
    assert_non_null(strstr(read_text("runtime/sss-engine-back.timer.d/minutes.conf"), "\nOnActiveSec=\nOnActiveSec=15min\n"));
    assert_int_equal(trial_start_timer(manager), 0);
    assert_string_equal(pid1_calls(), "Restart sss-engine-back.timer replace\n");
}

static void a_second_one_goes_back_as_far_as_the_first(void **state)
{
    (void) state;
    assert_int_equal(trial_begin("sssd", 15), 0);
    assert_int_equal(trial_begin("own", 30), 0);
    assert_string_equal(read_text(ENGINE_TRY), "sssd\n");
    assert_non_null(strstr(read_text("runtime/sss-engine-back.timer.d/minutes.conf"), "OnActiveSec=30min\n"));
}

static void its_end_leaves_nothing(void **state)
{
    (void) state;
    assert_int_equal(trial_begin("sssd", 15), 0);
    assert_int_equal(trial_end(manager), 0);
    assert_false(trial_is_on());
    assert_true(engine_is_own());
    assert_false(file_exists(ENGINE_TRY));
    assert_false(file_exists("state/trying"));
    assert_false(file_exists("runtime/sss-engine-back.timer.d"));
    assert_true(access("runtime/timers.target.wants/sss-engine-back.timer", F_OK) < 0);
    assert_string_equal(pid1_calls(), "Stop sss-engine-back.timer replace\n");
    assert_int_equal(trial_end(manager), 0); /* nor a second one */
}

static void a_boot_puts_the_word_of_before_in_its_place(void **state)
{
    (void) state;
    assert_int_equal(trial_begin("sssd", 15), 0);
    assert_int_equal(trial_end_by_boot(), 0); /* a soft reboot: /run is still there */
    assert_true(engine_is_own());

    assert_int_equal(unlink("state/trying"), 0);
    assert_false(engine_is_own()); /* before anything was written */
    assert_int_equal(trial_end_by_boot(), 1);
    assert_false(engine_is_own());
    assert_string_equal(read_text(ENGINE_FILE), "sssd\n");
    assert_false(file_exists(ENGINE_TRY));
    assert_int_equal(trial_end_by_boot(), 0);
}

static void a_timer_that_does_not_start_is_a_failure(void **state)
{
    (void) state;
    jobs_do("echo failed\n");
    assert_int_equal(trial_begin("sssd", 15), 0);
    assert_true(trial_start_timer(manager) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TRIAL(it_is_a_word_a_mark_and_a_timer),
        IN_TRIAL(a_second_one_goes_back_as_far_as_the_first),
        IN_TRIAL(its_end_leaves_nothing),
        IN_TRIAL(a_boot_puts_the_word_of_before_in_its_place),
        IN_TRIAL(a_timer_that_does_not_start_is_a_failure),
    };

    return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
