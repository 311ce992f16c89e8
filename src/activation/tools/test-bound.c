/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of bound.c, with a small PID 1. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/responders.h"
#include "lib/manager.h"
#include "test/fixture.h"
#include "test/pid1.h"
#include "tools/bound.h"

static struct manager *manager;

static int bound_enter(void **state)
{
    if (folder_enter(state) < 0)
        return -1;
    pid1_starts();
    unit_has("up.service", "ActiveState=active");
    unit_has("up-too.service", "ActiveState=active");
    unit_has("comes.service", "ActiveState=activating");
    unit_has("goes.service", "ActiveState=deactivating");
    unit_has("down.service", "ActiveState=inactive");
    unit_has("failed.service", "ActiveState=failed");
    return manager_open(&manager);
}

static int bound_leave(void **state)
{
    manager = manager_free(manager);
    return folder_leave(state);
}

#define WITH_UNITS(test) cmocka_unit_test_setup_teardown(test, bound_enter, bound_leave)

static void who_is_up_keeps_the_monitor(void **state)
{
    static const struct {
        const char *line, *unit;
    } rows[] = {
        { "BoundBy=up.service", "up.service" },
        { "RequiredBy=up.service", "up.service" },
        { "RequisiteOf=up.service", "up.service" },
        { "BoundBy=comes.service", "comes.service" },
        { "BoundBy=goes.service", "goes.service" },
        { "BoundBy=down.service", NULL },
        { "RequiredBy=failed.service", NULL },
        { "RequisiteOf=nowhere.service", NULL },
        { "BoundBy=", NULL },
        { "BoundBy=down.service failed.service up-too.service up.service", "up-too.service" },
        { "WantedBy=up.service", NULL },
        { "PartOf=up.service", NULL },
    };

    (void) state;
    unit_has(MONITOR, "ActiveState=active");
    for (size_t i = 0; i < N_OF(rows); i++) {
        char unit[64] = "untouched", none[32];

        print_message("  %s\n", rows[i].line);
        unit_has(MONITOR, rows[i].line);
        assert_int_equal(monitor_is_bound(manager, unit, sizeof(unit)), rows[i].unit ? 1 : 0);
        assert_string_equal(unit, rows[i].unit ? rows[i].unit : "untouched");
        (void) snprintf(none, sizeof(none), "%.*s", (int) strcspn(rows[i].line, "=") + 1, rows[i].line); /* fits */
        unit_has(MONITOR, none);
    }
}

static void a_second_property_counts_where_the_first_has_nobody(void **state)
{
    char unit[64];

    (void) state;
    unit_has(MONITOR, "BoundBy=down.service");
    unit_has(MONITOR, "RequiredBy=down.service");
    unit_has(MONITOR, "RequisiteOf=failed.service up.service");
    assert_int_equal(monitor_is_bound(manager, unit, sizeof(unit)), 1);
    assert_string_equal(unit, "up.service");
}

static void names_and_conditions_are_cut_to_what_fits(void **state)
{
    char text[6];

    (void) state;
    unit_has(MONITOR, "BoundBy=up.service");
    unit_has(MONITOR, "ConditionTimestamp=1");
    unit_has(MONITOR, "Conditions=ConditionHost 0 0 x -1");
    assert_int_equal(monitor_is_bound(manager, text, sizeof(text)), 1);
    assert_string_equal(text, "up.se");
    assert_int_equal(monitor_was_skipped(manager, text, sizeof(text)), 1);
    assert_string_equal(text, "Condi");
}

static void a_condition_that_was_not_met_is_told(void **state)
{
    static const struct {
        const char *label, *checked, *met, *conditions, *told;
    } rows[] = {
        { "never started", "0", "no", "ConditionHost 0 0 x -1", NULL },
        { "never started, and systemd says so", "0", "yes", "", NULL },
        { "met", "1", "yes", "ConditionHost 0 0 x 1", NULL },
        { "met, in spite of an older one", "1", "yes", "ConditionHost 0 0 x -1", NULL },
        { "not met", "1", "no", "ConditionHost 0 0 x -1", "ConditionHost=x" },
        { "negated", "1", "no", "ConditionPathExists 0 1 /there -1", "ConditionPathExists=!/there" },
        { "the one of three", "1", "no", "ConditionHost 0 0 x 1;ConditionPathExists 0 0 /there -1;ConditionUser 0 0 y 0",
          "ConditionPathExists=/there" },
        /* One of them has to be met, so each alone is no reason. */
        { "triggers", "1", "no", "ConditionHost 1 0 x -1;ConditionHost 1 0 y -1", NULL },
        { "a trigger beside it", "1", "no", "ConditionHost 0 0 x -1;ConditionHost 1 0 y -1", "ConditionHost=x" },
        { "nobody says which", "1", "no", "", NULL },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        char condition[64] = "untouched", line[160];

        print_message("  %s\n", rows[i].label);
        (void) snprintf(line, sizeof(line), "ConditionTimestamp=%s", rows[i].checked); /* these fit */
        unit_has(MONITOR, line);
        (void) snprintf(line, sizeof(line), "ConditionResult=%s", rows[i].met);
        unit_has(MONITOR, line);
        (void) snprintf(line, sizeof(line), "Conditions=%s", rows[i].conditions);
        unit_has(MONITOR, line);
        assert_int_equal(monitor_was_skipped(manager, condition, sizeof(condition)), rows[i].told ? 1 : 0);
        assert_string_equal(condition, rows[i].told ? rows[i].told : "untouched");
    }
}

static void who_cannot_be_asked_has_said_neither(void **state)
{
    char text[64] = "untouched";

    (void) state;
    unit_has(MONITOR, "BoundBy=up.service");
    unit_has(MONITOR, "ConditionTimestamp=1");
    pid1_stops();
    assert_int_equal(monitor_is_bound(manager, text, sizeof(text)), -ENOTCONN);
    assert_int_equal(monitor_was_skipped(manager, text, sizeof(text)), -ENOTCONN);
    assert_string_equal(text, "untouched");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_UNITS(who_is_up_keeps_the_monitor),
        WITH_UNITS(a_second_property_counts_where_the_first_has_nobody),
        WITH_UNITS(names_and_conditions_are_cut_to_what_fits),
        WITH_UNITS(a_condition_that_was_not_met_is_told),
        WITH_UNITS(who_cannot_be_asked_has_said_neither),
    };

    return cmocka_run_group_tests_name("bound", tests, NULL, NULL);
}
