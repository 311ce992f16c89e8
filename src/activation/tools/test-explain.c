/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of explain.c, with a client library that answers, ends or hangs. With SSSD's: scenario administrator. */

#include <stdio.h>
#include <string.h>

#include "tools/explain.h"
#include "tools/test-machine.h"

#define LIBRARY "libnss_answers.so"

static const char *asked;

static int print_explain(bool json, FILE *out)
{
    (void) json;
    return explain_user(asked, out);
}

static const char *explain(const char *user, int wanted)
{
    const char *text;
    int got;

    asked = user;
    text = printed(print_explain, false, &got);
    assert_int_equal(got, wanted);
    return text;
}

static int explain_enter(void **state)
{
    char from[256];
    ssize_t n = readlink("/proc/self/exe", from, sizeof(from) - 32);

    if (n < 0 || machine_enter(state) < 0)
        return -1;
    from[n] = '\0';
    (void) strcpy(strrchr(from, '/') + 1, "nss-answers.so"); /* fits */
    return symlink(from, LIBRARY);
}

#define WITH_LIBRARY(test) cmocka_unit_test_setup_teardown(test, explain_enter, machine_leave)

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
}

static void who_answers_is_told_beside_the_answer(void **state)
{
    const char *text;

    (void) state;
    write_configuration(NO_LINE);
    unit_is("sss-nss.service", "loaded", "active", "static", getpid());
    unit_is(MONITOR, "loaded", "active", "enabled", 12);
    text = explain("alice", EXPLAIN_FOUND);
    assert_has(text, "alice: uid 10001, gid 20001, answered in "); /* not by the memory cache */
    assert_has(text, "socket   pipes/nss, systemd's sss-nss.socket, listening: not on a services line\n");
    assert_has(text, ", was there already\nmonitor  pid 12, was there already\nagain    ");
}

static void the_monitors_responder_has_no_socket_of_systemds(void **state)
{
    (void) state;
    write_configuration(LINE("nss"));
    monitor_owns("nss", true);
    assert_has(explain("alice", EXPLAIN_FOUND), "socket   pipes/nss, the monitor's: listed in config/sssd.conf\n");
}

static void nobody_of_that_name_and_nobody_there_are_two_things(void **state)
{
    const char *text;

    (void) state;
    text = explain("nosuch", EXPLAIN_NOT_FOUND);
    assert_has(text, "nosuch: SSSD knows no such user, answered in ");
    assert_null(strstr(text, "again"));
    write_configuration(NO_LINE);
    administrator_stops();
    text = explain("down", EXPLAIN_UNAVAILABLE);
    assert_has(text, "down: unavailable, told so in ");
    assert_has(text, "\nprocess  none: held by an administrator\nmonitor  inactive\n");
}

static void a_path_that_is_gone_is_told_beside_the_answer(void **state)
{
    (void) state;
    write_configuration(NO_LINE);
    assert_int_equal(unlink("pipes/nss"), 0);
    assert_has(explain("down", EXPLAIN_UNAVAILABLE),
               "socket   pipes/nss, systemd's sss-nss.socket, unreachable: its path is gone, or somebody else's\n");
}

static void a_look_up_that_breaks_off_or_hangs_is_told(void **state)
{
    (void) state;
    assert_has(explain("dies", EXPLAIN_UNKNOWN), "dies: the look-up broke off\nsocket ");
    assert_has(explain("hangs", EXPLAIN_UNAVAILABLE), "hangs: no answer within a minute\nsocket ");
}

static void without_the_library_or_systemd_it_says_so(void **state)
{
    (void) state;
    assert_int_equal(unlink(LIBRARY), 0);
    assert_string_equal(explain("alice", EXPLAIN_UNAVAILABLE), "");
    pid1_stops();
    assert_string_equal(explain("alice", EXPLAIN_UNKNOWN), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LIBRARY(who_answers_is_told_beside_the_answer),
        WITH_LIBRARY(the_monitors_responder_has_no_socket_of_systemds),
        WITH_LIBRARY(nobody_of_that_name_and_nobody_there_are_two_things),
        WITH_LIBRARY(a_path_that_is_gone_is_told_beside_the_answer),
        WITH_LIBRARY(a_look_up_that_breaks_off_or_hangs_is_told),
        WITH_LIBRARY(without_the_library_or_systemd_it_says_so),
    };

    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
