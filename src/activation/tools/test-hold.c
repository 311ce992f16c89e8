/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of hold.c, with real flags and a script in place of systemctl. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hold.h"
#include "tools/test-machine.h"

#define STOP "--quiet stop sssd.service\n"
#define START "--quiet start sssd.service\n"
#define BEGINS "responders stay away until 'sss_activation release'"

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

static void the_flag_is_there_before_the_stop(void **state)
{
    (void) state;
    systemctl_answers("test -e state/held && touch held-first");
    assert_int_equal(run(hold), EXIT_SUCCESS);
    assert_string_equal(systemctl_calls(), STOP);
    assert_true(file_exists("held-first"));
    assert_true(file_exists("state/held"));
    assert_true(said(BEGINS));
}

static void a_second_hold_begins_nothing(void **state)
{
    (void) state;
    systemctl_answers("exit 0");
    set_flag(FLAG_HELD, true);
    assert_int_equal(run(hold), EXIT_SUCCESS);
    assert_string_equal(systemctl_calls(), STOP); /* in case it was started meanwhile */
    assert_false(said(BEGINS));
}

static void a_stop_that_fails_is_said_and_holds(void **state)
{
    (void) state;
    systemctl_answers("exit 1");
    assert_int_equal(run(hold), EXIT_FAILURE);
    assert_true(file_exists("state/held"));
    assert_true(said("held, but sssd.service could not be stopped"));
}

static void a_release_is_a_start(void **state)
{
    (void) state;
    systemctl_answers("rm state/held"); /* as its hook does */
    set_flag(FLAG_HELD, true);
    assert_int_equal(run(release), EXIT_SUCCESS);
    assert_string_equal(systemctl_calls(), START);
    assert_false(file_exists("state/held"));
}

static void a_start_without_the_hook_is_a_release_too(void **state)
{
    (void) state;
    systemctl_answers("exit 0"); /* skipped by a condition */
    set_flag(FLAG_HELD, true);
    assert_int_equal(run(release), EXIT_SUCCESS);
    assert_false(file_exists("state/held"));
    assert_true(said("the hold ends"));
}

static void a_start_that_fails_is_said_and_holds_no_more(void **state)
{
    (void) state;
    systemctl_answers("exit 1"); /* masked */
    set_flag(FLAG_HELD, true);
    assert_int_equal(run(release), EXIT_FAILURE);
    assert_false(file_exists("state/held"));
    assert_true(said("released, but sssd.service did not start"));
}

static void nothing_held_is_nothing_to_release(void **state)
{
    (void) state;
    systemctl_answers("exit 0");
    assert_int_equal(run(release), EXIT_SUCCESS);
    assert_string_equal(systemctl_calls(), "");
    assert_true(said("nothing is held"));
}

static void without_a_place_for_the_flag_nothing_is_stopped(void **state)
{
    (void) state;
    systemctl_answers("exit 0");
    assert_int_equal(rename("state", "elsewhere"), 0);
    write_text("state", "no folder");
    assert_int_equal(run(hold), EXIT_FAILURE);
    assert_int_equal(run(release), EXIT_FAILURE);
    assert_string_equal(systemctl_calls(), "");
    assert_true(said("cannot make state: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MACHINE(the_flag_is_there_before_the_stop),
        IN_MACHINE(a_second_hold_begins_nothing),
        IN_MACHINE(a_stop_that_fails_is_said_and_holds),
        IN_MACHINE(a_release_is_a_start),
        IN_MACHINE(a_start_without_the_hook_is_a_release_too),
        IN_MACHINE(a_start_that_fails_is_said_and_holds_no_more),
        IN_MACHINE(nothing_held_is_nothing_to_release),
        IN_MACHINE(without_a_place_for_the_flag_nothing_is_stopped),
    };

    return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
