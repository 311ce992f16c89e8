/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of monitor.c, with real files and a PID 1 that speaks the protocol. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/responders.h"
#include "launch/monitor.h"
#include "lib/manager.h"
#include "test/pid1.h"
#include "test/state-fixture.h"

#define START "Start sssd.service fail\n"
#define SYSTEMD "org.freedesktop.systemd1"

static struct manager *manager;

static int monitor_enter(void **state)
{
    if (state_enter(state) < 0)
        return -1;
    pid1_starts();
    return manager_open(&manager);
}

static int monitor_leave(void **state)
{
    manager = manager_free(manager);
    return state_leave(state);
}

#define BESIDE_PID1(test) cmocka_unit_test_setup_teardown(test, monitor_enter, monitor_leave)

/* How things are before a row; what is not named is down and without a job. */
struct machine {
    const char *active, *load, *job;
    bool owns, is_not_there;
    int failed_msec; /* ago; 0: it has not */
    const char *sub;
};

static void set_line(const char *key, const char *value)
{
    char line[64];

    (void) snprintf(line, sizeof(line), "%s=%s", key, value); /* fits */
    unit_has(MONITOR, line);
}

static void set_machine(const struct machine *machine)
{
    struct timespec now;
    char note[64];

    set_line("ActiveState", machine->active ? machine->active : "inactive");
    set_line("LoadState", machine->load ? machine->load : "loaded");
    set_line("SubState", machine->sub ? machine->sub : "dead");
    set_line("Job", machine->job ? machine->job : "");
    if (machine->is_not_there)
        assert_int_equal(unlink("units/" MONITOR), 0);
    assert_int_equal(state_set_monitor_owns(&opened, "test", machine->owns), 0);

    assert_int_equal(state_forget_failures(&opened), 0);
    if (machine->failed_msec > 0) {
        assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
        (void) snprintf(note, sizeof(note), "%lld 1\n",
                        (long long) now.tv_sec * 1000000 + now.tv_nsec / 1000 - machine->failed_msec * 1000LL); /* fits */
        write_text("state/failed", note);
    }
    (void) unlink("calls"); /* of the row before */
    (void) unlink("questions");
}

static void a_responder_may_run_beside_an_active_monitor_only(void **state)
{
    static const struct {
        const char *label;
        struct machine machine;
        bool ready;
    } rows[] = {
        { "active", { .active = "active" }, true },
        { "active, to be reloaded", { .active = "active", .job = "reload" }, true },
        { "active, to be verified", { .active = "active", .job = "verify-active" }, true },
        { "active, to be stopped", { .active = "active", .job = "stop" }, false },
        { "active, to be restarted", { .active = "active", .job = "restart" }, false },
        { "active, to be restarted where it runs", { .active = "active", .job = "try-restart" }, false },
        { "active, the monitor's", { .active = "active", .owns = true }, false },
        { "on its way there", { .active = "activating", .job = "start" }, false },
        { "on its way there by itself", { .active = "activating" }, false },
        { "on its way out", { .active = "deactivating", .job = "stop" }, false },
        { "on its way out by itself", { .active = "deactivating" }, false },
        { "down", { .active = "inactive" }, false },
        { "failed", { .active = "failed" }, false },
        { "failed a moment ago, and is up", { .active = "active", .failed_msec = 10 }, true },
        { "not there", { .is_not_there = true }, false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        set_machine(&rows[i].machine);
        assert_int_equal(monitor_is_ready(manager, &opened, "test"), rows[i].ready);
        assert_string_equal(pid1_calls(), "");
        assert_string_equal(pid1_questions(), MONITOR "\n");
    }
}

static void the_monitor_leaves_by_a_stop_only(void **state)
{
    static const struct {
        const char *label;
        struct machine machine;
        bool leaves;
    } rows[] = {
        { "to be stopped", { .active = "active", .job = "stop" }, true },
        { "is being stopped", { .active = "deactivating", .job = "stop" }, true },
        { "by itself", { .active = "deactivating" }, false },
        { "is restarted", { .active = "deactivating", .job = "restart" }, false },
        { "runs", { .active = "active" }, false },
        { "starts", { .active = "activating", .job = "start" }, false },
        { "not there", { .is_not_there = true }, false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        set_machine(&rows[i].machine);
        assert_int_equal(monitor_is_leaving(manager), rows[i].leaves);
        assert_string_equal(pid1_calls(), "");
    }
}

static void the_monitor_is_started_only_where_that_helps(void **state)
{
    static const struct {
        const char *label;
        struct machine machine;
        const char *errors, *script; /* NULL: jobs do what they are called */
        bool may, cold;
        const char *calls, *why;
    } rows[] = {
        { "runs", { .active = "active" }, "", NULL, true, false, "", "" },
        { "is reloaded", { .active = "active", .job = "reload" }, "", NULL, true, false, "", "" },
        { "the monitor's", { .active = "active", .owns = true }, "", NULL, false, false, "",
          "the configuration gives it to the monitor" },
        { "down, starts", { 0 }, "", NULL, true, true, START, "" },
        { "failed, starts", { .active = "failed" }, "", NULL, true, true, START, "" },
        { "is restarted", { .active = "active", .job = "restart" }, "", "has $2 Job=", true, true, START, "" },
        { "restarts by itself", { .active = "activating" }, "", NULL, true, true, START, "" },
        { "leaves by itself", { .active = "deactivating" }, "", NULL, true, true, START, "" },
        { "down, is skipped", { 0 }, "", "echo skipped", false, false, START, "sssd.service was skipped by a condition" },
        { "does not start", { 0 }, "", "has $2 ActiveState=failed; echo failed", false, false, START,
          "sssd.service did not start (see: systemctl status sssd.service)" },
        { "its start is taken back", { 0 }, "", "echo canceled", false, false, START, "sssd.service did not start" },
        { "what it needs does not start", { 0 }, "", "echo dependency", false, false, START, "sssd.service did not start" },
        { "masked", { .load = "masked" }, "", NULL, false, false, START, "sssd.service is masked" },
        { "not there", { .is_not_there = true }, "", NULL, false, false, START, "there is no sssd.service" },
        { "systemd does not want to", { 0 }, "Start sssd.service org.freedesktop.DBus.Error.AccessDenied\n", NULL, false, false,
          START, "sssd.service could not be started" },
        { "systemd does not answer", { 0 }, "Start sssd.service org.freedesktop.DBus.Error.NoReply\n", NULL, false, false, START,
          "sssd.service takes long to start" },
        { "to be stopped", { .active = "active", .job = "stop" }, "", NULL, false, false, START, "sssd.service is being stopped" },
        { "is being stopped", { .active = "deactivating", .job = "stop" }, "", NULL, false, false, START,
          "sssd.service is being stopped" },
        { "down, to be stopped", { .job = "stop" }, "", NULL, false, false, START, "sssd.service is being stopped" },
        { "down, to be stopped with another",
          { 0 },
          "Start sssd.service " SYSTEMD ".TransactionIsDestructive\n",
          NULL,
          false,
          false,
          START,
          "sssd.service is being stopped" },
        { "did not start a moment ago", { .active = "failed", .failed_msec = 10 }, "", NULL, false, false, "",
          "sssd.service did not start a moment ago (see: systemctl status sssd.service)" },
        { "was skipped a moment ago", { .failed_msec = 10 }, "", NULL, false, false, "",
          "sssd.service did not start a moment ago" },
        { "did not start, and is up", { .active = "active", .failed_msec = 10 }, "", NULL, true, false, "", "" },
        { "did not start, and starts", { .active = "activating", .failed_msec = 10 }, "", NULL, true, true, START, "" },
        { "did not start, and waits for its restart", { .active = "activating", .sub = "auto-restart", .failed_msec = 10 }, "",
          NULL, false, false, "", "sssd.service did not start a moment ago" },
        { "waits for its restart", { .active = "activating", .sub = "auto-restart" }, "", NULL, true, true, START, "" },
        { "did not start a while ago", { .active = "failed", .failed_msec = 5000 }, "", NULL, true, true, START, "" },
        { "becomes the monitor's by its start", { 0 }, "", "touch state/monitor/test; has $2 ActiveState=active", false, true,
          START, "the configuration gives it to the monitor" },
        { "is no longer the monitor's by its start", { .owns = true }, "", "rm state/monitor/test; has $2 ActiveState=active", true,
          true, START, "" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        char why[256] = "";
        bool cold = !rows[i].cold;

        print_message("  %s\n", rows[i].label);
        set_machine(&rows[i].machine);
        write_text("errors", rows[i].errors);
        (void) unlink("on-job"); /* of the row before */
        if (rows[i].script)
            jobs_do(rows[i].script);
        assert_int_equal(monitor_ensure(manager, &opened, "test", &cold, why, sizeof(why)), rows[i].may);
        assert_int_equal(cold, rows[i].cold);
        assert_string_equal(pid1_calls(), rows[i].calls);
        assert_int_equal(strncmp(why, rows[i].why, strlen(rows[i].why)), 0);
        assert_int_equal(why[0] == '\0', rows[i].may);
    }
}

static int ensure_in_child(void *userdata)
{
    struct manager *own = NULL;
    char why[256] = "";
    bool may, cold;

    (void) userdata;
    if (manager_open(&own) < 0)
        return 2;
    may = monitor_ensure(own, &opened, "test", &cold, why, sizeof(why));
    manager_free(own);
    if (!may)
        write_text("why", why);
    return may ? 0 : 1;
}

static void wait_for_call(const char *calls)
{
    while (strcmp(pid1_calls(), calls) != 0)
        (void) usleep(1000); /* folder_enter's guard ends this */
}

static void a_start_that_another_began_is_waited_for(void **state)
{
    static const char *const states[] = { "inactive", "activating", "failed" };
    int status;

    (void) state;
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("read x <go; has $2 ActiveState=active");
    for (size_t i = 0; i < N_OF(states); i++) {
        pid_t pid;

        print_message("  %s\n", states[i]);
        set_machine(&(struct machine) { .active = states[i] });
        assert_int_equal(manager_queue(manager, "Start", MONITOR, "replace"), 0);
        pid = start_child(ensure_in_child, NULL);
        wait_for_call("Start sssd.service replace\n" START);
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        write_text("go", "x\n");
        assert_int_equal(exit_status_of(pid), 0);
    }
}

static void a_stop_that_another_began_is_not_waited_for(void **state)
{
    struct unit unit;

    (void) state;
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("touch begun; read x <go; has $2 ActiveState=inactive; touch over");
    set_machine(&(struct machine) { .active = "active" });
    assert_int_equal(manager_queue(manager, "Stop", MONITOR, "replace"), 0);
    wait_for_file("begun");
    assert_int_equal(in_child(ensure_in_child, NULL), 1);
    assert_string_equal(read_text("why"), "sssd.service is being stopped");
    assert_int_equal(manager_state(manager, MONITOR, &unit), 0);
    assert_string_equal(unit.job, "stop"); /* still, and nothing took it back */
    write_text("go", "x\n");
    wait_for_file("over");
    assert_string_equal(pid1_calls(), "Stop sssd.service replace\n" START);
}

static void whoever_starts_late_is_given_up_but_not_whoever_restarts(void **state)
{
    static const struct {
        const char *label;
        struct machine machine;
        bool may;
        const char *why;
    } rows[] = {
        { "restarts", { .active = "active", .job = "restart" }, true, "" },
        { "leaves before its restart", { .active = "deactivating", .job = "restart" }, true, "" },
        { "starts", { 0 }, false, "sssd.service takes long to start" },
    };

    (void) state;
    /* Longer than a start may take, and much less than a restart may. */
    jobs_do("sleep 4.3; has $2 Job=; has $2 ActiveState=active");
    for (size_t i = 0; i < N_OF(rows); i++) {
        uint64_t before = msec_now(), took;

        print_message("  %s\n", rows[i].label);
        set_machine(&rows[i].machine);
        (void) unlink("why"); /* of the row before */
        assert_int_equal(in_child(ensure_in_child, NULL), rows[i].may ? 0 : 1);
        took = msec_now() - before;
        assert_uint_in_range(took, rows[i].may ? 4290 : 3990, 30000);
        assert_string_equal(read_text("why"), rows[i].why);
    }
}

static void that_nobody_can_be_asked_does_not_mean_no(void **state)
{
    char why[256] = "";
    bool cold = true;

    (void) state;
    set_machine(&(struct machine) { .active = "inactive" });
    pid1_stops();
    assert_true(monitor_ensure(manager, &opened, "test", &cold, why, sizeof(why)));
    assert_false(cold);
    assert_string_equal(why, "");
    assert_false(monitor_is_leaving(manager));
    assert_false(monitor_is_ready(manager, &opened, "test")); /* nor does it mean that it is up */
}

static void a_reason_is_cut_to_its_room(void **state)
{
    static const struct {
        const char *label;
        struct machine machine;
    } rows[] = {
        { "masked", { .load = "masked" } },
        { "stopped", { .job = "stop" } },
        { "start failed", { 0 } },
        { "failed a moment ago", { .failed_msec = 10 } },
        { "the monitor's", { .active = "active", .owns = true } },
    };

    (void) state;
    jobs_do("echo failed");
    for (size_t i = 0; i < N_OF(rows); i++) {
        char why[8];
        bool cold;

        print_message("  %s\n", rows[i].label);
        set_machine(&rows[i].machine);
        assert_false(monitor_ensure(manager, &opened, "test", &cold, why, sizeof(why)));
        assert_int_equal(strlen(why), sizeof(why) - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BESIDE_PID1(a_responder_may_run_beside_an_active_monitor_only),
        BESIDE_PID1(the_monitor_leaves_by_a_stop_only),
        BESIDE_PID1(the_monitor_is_started_only_where_that_helps),
        BESIDE_PID1(a_start_that_another_began_is_waited_for),
        BESIDE_PID1(a_stop_that_another_began_is_not_waited_for),
        BESIDE_PID1(whoever_starts_late_is_given_up_but_not_whoever_restarts),
        BESIDE_PID1(that_nobody_can_be_asked_does_not_mean_no),
        BESIDE_PID1(a_reason_is_cut_to_its_room),
    };

    return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
