/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of monitor.c, with real flags and a script in place of systemctl. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launch/monitor.h"
#include "test/state-fixture.h"

#define START "--quiet --job-mode=fail start sssd.service\n"
#define IS_ACTIVE "--quiet is-active sssd.service\n"
#define IS_ENABLED "--quiet is-enabled sssd.service\n"
#define RESET "reset-failed sssd.service\n"

/* Answers that tests put together. */
#define START_SETS_FLAG "case \"$*\" in *' start '*) touch state/running ;; esac;"
#define START_FAILS "case \"$*\" in *' start '*) exit 1 ;; esac;"
#define IS_NOT(what) "case \"$*\" in *is-" what "*) exit 3 ;; esac;"

struct flags {
    bool held, running, owns;
    int crashes;
};

static void set_flags(const struct flags *flags)
{
    char number[16];

    assert_int_equal(state_set(&opened, FLAG_HELD, flags->held), 0);
    assert_int_equal(state_set(&opened, FLAG_RUNNING, flags->running), 0);
    assert_int_equal(state_set_monitor_owns(&opened, "test", flags->owns), 0);
    (void) snprintf(number, sizeof(number), "%d\n", flags->crashes); /* fits */
    write_text("state/crashes/test", number);
    (void) unlink("calls"); /* of the row before */
}

static void a_responder_may_run_beside_a_running_monitor_only(void **state)
{
    static const struct {
        const char *label;
        struct flags flags;
        bool ready;
    } rows[] = {
        { "running", { .running = true }, true },
        { "down", { 0 }, false },
        { "held", { .running = true, .held = true }, false },
        { "the monitor's", { .running = true, .owns = true }, false },
        { "two crashes", { .running = true, .crashes = 2 }, true },
        { "three crashes", { .running = true, .crashes = 3 }, false },
    };

    (void) state;
    systemctl_answers("");
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        set_flags(&rows[i].flags);
        assert_int_equal(monitor_is_ready(&opened, "test"), rows[i].ready);
        assert_string_equal(systemctl_calls(), "");
    }
}

static void the_monitor_is_started_only_where_that_helps(void **state)
{
    static const struct {
        const char *label;
        struct flags flags;
        const char *answers;
        enum monitor_verdict verdict;
        const char *calls, *why;
    } rows[] = {
        { "runs", { .running = true }, "exit 9", MONITOR_READY, "", "" },
        { "held", { .held = true }, "exit 9", MONITOR_REFUSED, "", "sssd.service was stopped by an administrator" },
        { "held, though it runs", { .held = true, .running = true }, "exit 9", MONITOR_REFUSED, "",
          "sssd.service was stopped by an administrator" },
        { "three crashes", { .running = true, .crashes = 3 }, "exit 9", MONITOR_REFUSED, "", "it ended badly 3 times in a row" },
        { "the monitor's", { .running = true, .owns = true }, "exit 9", MONITOR_REFUSED, "", "the configuration gives it to" },
        { "down, starts", { 0 }, START_SETS_FLAG, MONITOR_READY, START, "" },
        { "down, starts with no room for the flag", { 0 }, "", MONITOR_READY, START IS_ACTIVE, "" },
        { "down, start is skipped", { 0 }, IS_NOT("active"), MONITOR_REFUSED, START IS_ACTIVE, "sssd.service was skipped" },
        { "one crash, still runs", { .running = true, .crashes = 1 }, "", MONITOR_READY, START, "" },
        { "one crash, down", { .crashes = 1 }, START_SETS_FLAG, MONITOR_READY, START, "" },
        { "one crash, does not start", { .running = true, .crashes = 1 }, START_FAILS, MONITOR_START_FAILED, START,
          "sssd.service did not start" },
        { "becomes the monitor's by its start", { 0 }, "touch state/monitor/test;" START_SETS_FLAG, MONITOR_REFUSED, START,
          "the configuration gives it to the monitor" },
        { "does not start", { 0 }, START_FAILS, MONITOR_START_FAILED, START,
          "sssd.service did not start (see: systemctl status sssd.service)" },
    };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root starts it */
    for (size_t i = 0; i < N_OF(rows); i++) {
        char why[256] = "";

        print_message("  %s\n", rows[i].label);
        systemctl_answers(rows[i].answers);
        set_flags(&rows[i].flags);
        assert_int_equal(monitor_ensure(&opened, "test", why, sizeof(why)), rows[i].verdict);
        assert_string_equal(systemctl_calls(), rows[i].calls);
        assert_int_equal(strncmp(why, rows[i].why, strlen(rows[i].why)), 0);
        assert_int_equal(why[0] == '\0', rows[i].verdict == MONITOR_READY);
    }
}

static void a_failure_is_forgotten_where_nobody_enabled_the_monitor(void **state)
{
    static const struct {
        const char *label, *answers, *calls;
    } rows[] = {
        { "enabled", "", IS_ENABLED },
        { "not enabled", IS_NOT("enabled"), IS_ENABLED RESET },
    };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root forgets */
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        (void) unlink("calls"); /* of the row before */
        systemctl_answers(rows[i].answers);
        monitor_forget_failure();
        assert_string_equal(systemctl_calls(), rows[i].calls);
    }
}

static void a_missing_systemctl_is_a_start_that_failed(void **state)
{
    char why[256];

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root starts it */
    assert_int_equal(monitor_ensure(&opened, "test", why, sizeof(why)), MONITOR_START_FAILED);
    assert_non_null(strstr(why, "sssd.service did not start"));
}

static void a_reason_is_cut_to_its_room(void **state)
{
    static const struct {
        const char *label;
        struct flags flags;
    } rows[] = {
        { "held", { .held = true } },
        { "crashes", { .crashes = 3 } },
        { "start failed", { 0 } },
        { "the monitor's", { .running = true, .owns = true } },
    };

    (void) state;
    systemctl_answers("exit 1");
    for (size_t i = 0; i < N_OF(rows); i++) {
        char why[8];

        print_message("  %s\n", rows[i].label);
        set_flags(&rows[i].flags);
        assert_int_equal(monitor_ensure(&opened, "test", why, sizeof(why)) == MONITOR_READY, 0);
        assert_int_equal(strlen(why), sizeof(why) - 1);
    }
}

static int ensure_without_root(void *userdata)
{
    char why[256] = "";
    int r;

    drop_root();
    r = monitor_ensure(&opened, "test", why, sizeof(why));
    return r << 1 | (strcmp(why, userdata) != 0);
}

static void who_is_not_root_reads_what_its_unit_did(void **state)
{
    static const struct {
        const char *label;
        struct flags flags;
        enum monitor_verdict verdict;
        const char *why;
    } rows[] = {
        { "runs", { .running = true }, MONITOR_READY, "" },
        { "runs, one crash", { .running = true, .crashes = 1 }, MONITOR_READY, "" },
        { "down", { 0 }, MONITOR_REFUSED, "sssd.service is not running" },
        { "down, one crash", { .crashes = 1 }, MONITOR_REFUSED, "sssd.service is not running" },
        { "three crashes", { .running = true, .crashes = 3 }, MONITOR_REFUSED, "it ended badly 3 times in a row" },
    };

    (void) state;
    systemctl_answers("");
    write_text("calls", "");
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        set_flags(&rows[i].flags);
        assert_int_equal(in_child(ensure_without_root, (void *) rows[i].why), rows[i].verdict << 1);
        assert_string_equal(systemctl_calls(), "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STATE(a_responder_may_run_beside_a_running_monitor_only),
        IN_STATE(the_monitor_is_started_only_where_that_helps),
        IN_STATE(a_failure_is_forgotten_where_nobody_enabled_the_monitor),
        IN_STATE(a_missing_systemctl_is_a_start_that_failed),
        IN_STATE(a_reason_is_cut_to_its_room),
        IN_STATE(who_is_not_root_reads_what_its_unit_did),
    };

    return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
