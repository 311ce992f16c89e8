/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of units.c, with a script in place of systemctl. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/units.h"
#include "test/fixture.h"

#define GOOD                                                                                    \
    "MainPID=12\nLoadState=loaded\nActiveState=active\nUnitFileState=static\n\n" \
    "LoadState=not-found\nActiveState=inactive\nUnitFileState=\n"

static int ask_by(int (*read)(const struct units *units), struct unit *homes, size_t n)
{
    static char names[32][16];
    struct units units = { .n = 0 };

    for (size_t i = 0; i < n; i++) {
        (void) snprintf(names[i], sizeof(names[i]), "u%zu.service", i); /* fits */
        units_add(&units, names[i], &homes[i]);
        units_add(&units, NULL, NULL); /* no unit */
    }
    return read(&units);
}

static int ask(struct unit *homes, size_t n)
{
    return ask_by(units_read, homes, n);
}

/* What it says is in a file of its own, so that it arrives byte by byte as written. */
static int read_said(const char *text, struct unit *homes, size_t n)
{
    write_text("said", text);
    return ask(homes, n);
}

static void units_are_read_in_the_order_asked(void **state)
{
    struct unit units[2] = { 0 };

    (void) state;
    systemctl_answers("cat said");
    assert_int_equal(read_said(GOOD, units, 2), 0);
    assert_string_equal(systemctl_calls(),
                        "show --property=LoadState,ActiveState,UnitFileState,MainPID -- "
                        "u0.service u1.service\n");
    assert_string_equal(units[0].load, "loaded");
    assert_string_equal(units[0].active, "active");
    assert_string_equal(units[0].file, "static");
    assert_int_equal(units[0].main_pid, 12);
    assert_string_equal(units[1].load, "not-found");
    assert_string_equal(units[1].active, "inactive");
    assert_string_equal(units[1].file, "");
    assert_int_equal(units[1].main_pid, 0);
}

static void every_truncation_is_read_as_far_as_it_goes(void **state)
{
    (void) state;
    systemctl_answers("cat said");
    for (size_t bytes = 0; bytes < strlen(GOOD); bytes++) {
        struct unit units[3] = { { .load = "" }, { .load = "" }, { .load = "untouched" } };
        char text[] = GOOD;

        text[bytes] = '\0';
        assert_int_equal(read_said(text, units, 2), 0);
        assert_int_equal(strncmp("loaded", units[0].load, strlen(units[0].load)), 0);
        assert_int_equal(strncmp("active", units[0].active, strlen(units[0].active)), 0);
        assert_int_equal(strncmp("not-found", units[1].load, strlen(units[1].load)), 0);
        assert_int_equal(strncmp("inactive", units[1].active, strlen(units[1].active)), 0);
        assert_string_equal(units[2].load, "untouched");
    }
}

static void odd_lines_do_not_matter(void **state)
{
    static const struct {
        const char *label, *text, *first, *second;
        int pid;
    } rows[] = {
        { "nothing", "", "", "", 0 },
        { "unknown properties", "Load=x\nLoadStates=x\nActiveState=a\nactivestate=x\n=x\n", "a", "", 0 },
        { "no equals sign", "ActiveState\nMainPID\nActiveState=a\n", "a", "", 0 },
        { "a value with one", "ActiveState=a=b\n", "a=b", "", 0 },
        { "the last of two", "ActiveState=a\nActiveState=b\n", "b", "", 0 },
        { "only the second", "\nActiveState=b\n", "", "b", 0 },
        { "more than asked for", "ActiveState=a\n\nActiveState=b\n\nActiveState=c\n", "a", "b", 0 },
        { "a long value", "ActiveState=abcdefghijklmnopqrstuvwxyz\n", "abcdefghijklmnopqrstuvw", "", 0 },
        { "no number", "MainPID=many\n", "", "", 0 },
        { "a number and more", "MainPID=7x\n", "", "", 7 },
        { "no newline at the end", "MainPID=7\nActiveState=a", "a", "", 7 },
    };

    (void) state;
    systemctl_answers("cat said");
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct unit units[2] = { 0 };

        print_message("  %s\n", rows[i].label);
        assert_int_equal(read_said(rows[i].text, units, 2), 0);
        assert_string_equal(units[0].active, rows[i].first);
        assert_string_equal(units[1].active, rows[i].second);
        assert_int_equal(units[0].main_pid, rows[i].pid);
    }
}

static void more_output_than_units_can_have_is_cut(void **state)
{
    struct unit units[2] = { 0 };

    (void) state;
    systemctl_answers("echo ActiveState=a; i=0; while [ $i -lt 500 ]; do echo Other=text; i=$((i + 1)); done;"
                      "echo ActiveState=b");
    assert_int_equal(ask(units, 2), 0);
    assert_string_equal(units[0].active, "a");
}

static void as_many_as_fit_are_asked_for_at_once(void **state)
{
    struct unit units[UNITS_READ_MAX + 1] = { 0 };

    (void) state;
    systemctl_answers("shift 3; for u; do printf 'ActiveState=%s\\n\\n' \"$u\"; done");
    assert_int_equal(ask(units, UNITS_READ_MAX + 1), -E2BIG);
    assert_string_equal(systemctl_calls(), "");
    assert_int_equal(ask(units, UNITS_READ_MAX), 0);
    assert_string_equal(units[0].active, "u0.service");
    assert_string_equal(units[UNITS_READ_MAX - 1].active, "u27.service");
}

static void a_systemctl_that_fails_is_an_error(void **state)
{
    struct unit unit = { 0 };

    (void) state;
    assert_int_equal(ask(&unit, 1), -ENOENT);
    assert_int_equal(ask_by(units_read_active, &unit, 1), -ENOENT);
    systemctl_answers("echo ActiveState=a; exit 1");
    assert_int_equal(ask(&unit, 1), -EIO);
    assert_string_equal(unit.active, "");
}

static void the_shorter_question_is_answered_a_line_a_unit(void **state)
{
    static const struct {
        const char *label, *answers, *first, *second;
        int r;
    } rows[] = {
        { "both", "echo active; echo inactive", "active", "inactive", 0 },
        { "neither is active", "echo failed; echo inactive; exit 3", "failed", "inactive", 0 },
        { "more than asked for", "echo active; echo failed; echo inactive", "active", "failed", 0 },
        { "a long word", "echo abcdefghijklmnopqrstuvwxyz; echo failed", "abcdefghijklmnopqrstuvw", "failed", 0 },
        { "one is missing", "echo active; exit 4", "active", "", -EIO },
        { "the first is missing", "echo; echo active", "", "", -EIO },
        { "nothing", "exit 1", "", "", -EIO },
        { "nothing, as in a chroot", "", "", "", 0 },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct unit units[2] = { { .load = "kept" } };

        print_message("  %s\n", rows[i].label);
        (void) unlink("calls"); /* of the row before */
        systemctl_answers(rows[i].answers);
        assert_int_equal(ask_by(units_read_active, units, 2), rows[i].r);
        assert_string_equal(systemctl_calls(), "is-active -- u0.service u1.service\n");
        assert_string_equal(units[0].active, rows[i].first);
        assert_string_equal(units[1].active, rows[i].second);
        assert_string_equal(units[0].load, "kept");
    }
}

static void as_many_as_fit_are_asked_the_shorter_question(void **state)
{
    struct unit units[UNITS_READ_MAX + 1] = { 0 };

    (void) state;
    systemctl_answers("shift 2; for u; do echo \"$u\"; done");
    assert_int_equal(ask_by(units_read_active, units, UNITS_READ_MAX + 1), -E2BIG);
    assert_string_equal(systemctl_calls(), "");
    assert_int_equal(ask_by(units_read_active, units, UNITS_READ_MAX), 0);
    assert_string_equal(units[UNITS_READ_MAX - 1].active, "u27.service");
}

static void a_unit_is_up_from_its_start_to_its_end(void **state)
{
    static const struct {
        const char *active;
        bool up;
    } rows[] = {
        { "active", true },      { "activating", true }, { "deactivating", true }, { "reloading", true },
        { "maintenance", true }, { "inactive", false },  { "failed", false },      { "", false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct unit unit = { 0 };

        print_message("  %s\n", rows[i].active);
        (void) strcpy(unit.active, rows[i].active); /* fits */
        assert_int_equal(unit_is_up(&unit), rows[i].up);
    }
}

static void a_unit_is_enabled_for_good_or_until_the_next_boot(void **state)
{
    static const struct {
        const char *file;
        bool enabled;
    } rows[] = {
        { "enabled", true }, { "enabled-runtime", true }, { "disabled", false }, { "static", false },
        { "masked", false }, { "indirect", false },       { "", false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct unit unit = { 0 };

        print_message("  %s\n", rows[i].file);
        (void) strcpy(unit.file, rows[i].file); /* fits */
        assert_int_equal(unit_is_enabled(&unit), rows[i].enabled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(units_are_read_in_the_order_asked),
        IN_FOLDER(every_truncation_is_read_as_far_as_it_goes),
        IN_FOLDER(odd_lines_do_not_matter),
        IN_FOLDER(more_output_than_units_can_have_is_cut),
        IN_FOLDER(as_many_as_fit_are_asked_for_at_once),
        IN_FOLDER(a_systemctl_that_fails_is_an_error),
        IN_FOLDER(the_shorter_question_is_answered_a_line_a_unit),
        IN_FOLDER(as_many_as_fit_are_asked_the_shorter_question),
        cmocka_unit_test(a_unit_is_up_from_its_start_to_its_end),
        cmocka_unit_test(a_unit_is_enabled_for_good_or_until_the_next_boot),
    };

    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
