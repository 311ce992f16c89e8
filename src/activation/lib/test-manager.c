/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of manager.c, with a PID 1 that speaks the protocol, goes away and comes back. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "lib/manager.h"
#include "test/fixture.h"
#include "test/pid1.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define DBUS "org.freedesktop.DBus.Error"

#define LONG_MSEC 50000 /* when something ends it before */
#define AWAY_MSEC 200   /* a daemon-reexec */
#define PATIENCE_MSEC 2000

static struct manager *manager;

static int manager_enter(void **state)
{
    if (folder_enter(state) < 0)
        return -1;
    pid1_starts();
    unit_has("a.service", "ActiveState=inactive");
    unit_has("b.service", "ActiveState=active");
    return manager_open(&manager);
}

static int manager_leave(void **state)
{
    manager = manager_free(manager);
    return folder_leave(state);
}

#define WITH_MANAGER(test) cmocka_unit_test_setup_teardown(test, manager_enter, manager_leave)

static unsigned times_in(const char *text, const char *line)
{
    unsigned n = 0;

    while ((text = strstr(text, line))) {
        text += strlen(line);
        n++;
    }
    return n;
}

static void pid1_is_away(void)
{
    pid1_stops();
    (void) usleep(AWAY_MSEC * 1000);
    pid1_starts();
}

/* --- States ---------------------------------------------------------------------------------------------------- */

static void states_of_several_units_come_in_one_answer_in_the_order_asked(void **state)
{
    static const char *const units[] = { "b.service", "missing.service", "c.socket", "a.service" };
    struct unit found[N_OF(units)];

    (void) state;
    unit_has("b.service", "SubState=running");
    unit_has("b.service", "Job=restart");
    unit_has("c.socket", "LoadState=masked");
    unit_has("a.service", "ActiveState=failed");
    (void) memset(found, 'x', sizeof(found));
    assert_int_equal(manager_states(manager, units, N_OF(units), found), 0);

    assert_string_equal(found[0].load, "loaded");
    assert_string_equal(found[0].active, "active");
    assert_string_equal(found[0].sub, "running");
    assert_string_equal(found[0].job, "restart");
    assert_string_equal(found[1].load, "not-found");
    assert_string_equal(found[1].active, "inactive");
    assert_string_equal(found[1].sub, "dead");
    assert_string_equal(found[1].job, "");
    assert_string_equal(found[2].load, "masked");
    assert_string_equal(found[2].active, "inactive");
    assert_string_equal(found[3].load, "loaded");
    assert_string_equal(found[3].active, "failed");
    for (size_t i = 0; i < N_OF(units); i++) {
        assert_string_equal(found[i].file, "");
        assert_int_equal(found[i].main_pid, 0);
    }
    assert_string_equal(pid1_questions(), "b.service missing.service c.socket a.service\n");
}

static void of_no_unit_nobody_is_asked_and_of_too_many_neither(void **state)
{
    const char *units[MANAGER_UNITS_MAX + 1];
    struct unit found[MANAGER_UNITS_MAX + 1];

    (void) state;
    for (size_t i = 0; i < N_OF(units); i++)
        units[i] = i == MANAGER_UNITS_MAX - 1 ? "b.service" : "a.service";
    assert_int_equal(manager_states(manager, units, 0, found), 0);
    (void) memset(found, 'x', sizeof(found));
    assert_int_equal(manager_states(manager, units, N_OF(units), found), -E2BIG);
    assert_string_equal(found[MANAGER_UNITS_MAX].active, ""); /* known to be unknown */
    assert_string_equal(pid1_questions(), "");

    assert_int_equal(manager_states(manager, units, MANAGER_UNITS_MAX, found), 0);
    assert_string_equal(found[MANAGER_UNITS_MAX - 2].active, "inactive");
    assert_string_equal(found[MANAGER_UNITS_MAX - 1].active, "active");
}

static void a_unit_is_up_from_its_start_to_its_end(void **state)
{
    static const struct {
        const char *active;
        bool up;
    } rows[] = {
        { "active", true },       { "reloading", true }, { "activating", true },
        { "deactivating", true }, { "inactive", false }, { "failed", false },
        { "", false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct unit unit = { .load = "loaded" };

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
        { "enabled", true },  { "enabled-runtime", true }, { "disabled", false },
        { "static", false }, { "masked", false },         { "", false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct unit unit = { .load = "loaded" };

        print_message("  %s\n", rows[i].file);
        unit_has("a.service", "UnitFileState=");
        if (rows[i].file[0]) {
            CLEANUP(freep) char *line = NULL;

            assert_true(asprintf(&line, "UnitFileState=%s", rows[i].file) > 0);
            unit_has("a.service", line);
        }
        assert_int_equal(manager_read_file(manager, "a.service", &unit), 0);
        assert_string_equal(unit.file, rows[i].file);
        assert_int_equal(unit_is_enabled(&unit), rows[i].enabled);
    }
}

/* --- Properties ------------------------------------------------------------------------------------------------ */

static void a_property_is_read_by_its_type(void **state)
{
    static const struct {
        const char *label, *interface, *property, *line;
        uint64_t number;
    } rows[] = {
        { "true", "Unit", "ConditionResult", "ConditionResult=yes", 1 },
        { "false", "Unit", "ConditionResult", "ConditionResult=no", 0 },
        { "32 bits", "Service", "MainPID", "MainPID=4294967295", 4294967295 },
        { "32 bits with a sign", "Service", "ExecMainStatus", "ExecMainStatus=78", 78 },
        { "64 bits", "Unit", "ActiveEnterTimestamp", "ActiveEnterTimestamp=18446744073709551615", UINT64_MAX },
        { "nothing", "Unit", "ActiveEnterTimestamp", "ActiveEnterTimestamp=", 0 },
    };
    char text[64];

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        uint64_t number = 99;

        print_message("  %s\n", rows[i].label);
        unit_has("a.service", rows[i].line);
        assert_int_equal(manager_number(manager, "a.service", rows[i].interface, rows[i].property, &number), 0);
        assert_true(number == rows[i].number);
        (void) strcpy(text, "untouched"); /* fits */
        assert_true(manager_text(manager, "a.service", rows[i].interface, rows[i].property, text, sizeof(text)) < 0);
        assert_string_equal(text, ""); /* a number is no text */
    }
}

static void a_text_is_cut_to_its_room_and_is_no_number(void **state)
{
    char text[8] = "";
    uint64_t number = 99;

    (void) state;
    unit_has("a.service", "Description=as long as it is");
    assert_int_equal(manager_text(manager, "a.service", "Unit", "Description", text, sizeof(text)), 0);
    assert_string_equal(text, "as long");
    assert_int_equal(manager_number(manager, "a.service", "Unit", "Description", &number), -EBADMSG);
    assert_true(number == 0);
    assert_string_equal(pid1_questions(), "a.service Description\na.service Description\n");
}

static void other_types_are_the_askers_to_read(void **state)
{
    sd_bus_message *reply = NULL;
    CLEANUP(freep) char **bound = NULL;
    const char *type, *parameter;
    int trigger, negate, result;
    uint64_t number = 99;

    (void) state;
    unit_has("a.service", "BoundBy=x.service y.socket");
    unit_has("a.service", "Conditions=ConditionPathExists 0 1 /there 1;ConditionUser 1 0 root -1");
    assert_int_equal(manager_property(manager, "a.service", "Unit", "BoundBy", &reply), 0);
    assert_int_equal(sd_bus_message_read_strv(reply, &bound), 1);
    assert_string_equal(bound[0], "x.service");
    assert_string_equal(bound[1], "y.socket");
    assert_null(bound[2]);
    free(bound[0]);
    free(bound[1]);
    reply = sd_bus_message_unref(reply);

    assert_int_equal(manager_property(manager, "a.service", "Unit", "Conditions", &reply), 0);
    assert_int_equal(sd_bus_message_enter_container(reply, 'a', "(sbbsi)"), 1);
    assert_int_equal(sd_bus_message_read(reply, "(sbbsi)", &type, &trigger, &negate, &parameter, &result), 1);
    assert_string_equal(type, "ConditionPathExists");
    assert_string_equal(parameter, "/there");
    assert_int_equal(trigger << 2 | negate << 1 | result, 3);
    assert_int_equal(sd_bus_message_read(reply, "(sbbsi)", &type, &trigger, &negate, &parameter, &result), 1);
    assert_string_equal(type, "ConditionUser");
    assert_int_equal(result, -1);
    reply = sd_bus_message_unref(reply);

    assert_int_equal(manager_number(manager, "a.service", "Unit", "BoundBy", &number), -EBADMSG);
    assert_true(number == 0);
}

static void a_unit_of_any_name_is_asked_by_its_path(void **state)
{
    char text[16];

    (void) state;
    unit_has("sss-retry@sss-nss.timer", "Description=it");
    assert_int_equal(manager_text(manager, "sss-retry@sss-nss.timer", "Unit", "Description", text, sizeof(text)), 0);
    assert_string_equal(text, "it");
}

static void what_the_state_does_not_have_is_read_where_it_can_be_told(void **state)
{
    struct unit unit = { .file = "before", .main_pid = 77 };

    (void) state;
    unit_has("b.service", "UnitFileState=disabled");
    unit_has("b.service", "MainPID=4711");
    assert_int_equal(manager_read_file(manager, "b.service", &unit), 0);
    assert_string_equal(unit.file, "disabled");
    assert_int_equal(manager_read_main_pid(manager, "b.service", &unit), 0);
    assert_int_equal(unit.main_pid, 4711);

    write_text("errors", "Get b.service " DBUS ".UnknownProperty\n");
    assert_int_equal(manager_read_file(manager, "b.service", &unit), 0);
    assert_string_equal(unit.file, "");
    assert_int_equal(manager_read_main_pid(manager, "b.service", &unit), 0);
    assert_int_equal(unit.main_pid, 0);

    write_text("errors", "Get b.service " DBUS ".NoReply\n");
    assert_int_equal(manager_read_file(manager, "b.service", &unit), -ETIMEDOUT);
    assert_int_equal(manager_read_main_pid(manager, "b.service", &unit), -ETIMEDOUT);
}

/* --- Errors ---------------------------------------------------------------------------------------------------- */

static void a_refusal_is_an_errno_of_its_own(void **state)
{
    static const struct {
        const char *error;
        int errors;
    } rows[] = {
        { SYSTEMD ".TransactionIsDestructive", EDEADLK },
        { SYSTEMD ".TransactionJobsConflicting", EDEADLK },
        { SYSTEMD ".UnitMasked", ERFKILL },
        { SYSTEMD ".NoSuchUnit", ENOENT },
        { SYSTEMD ".OnlyByDependency", EIO },
        { DBUS ".NoReply", ETIMEDOUT },
        { DBUS ".Timeout", ETIMEDOUT },
        { DBUS ".AccessDenied", EIO },
        /* Said by who is there: nothing to connect to again. */
        { DBUS ".Disconnected", EIO },
        { "System.Error.ECONNRESET", EIO },
        { "System.Error.ENOTCONN", EIO },
        { "System.Error.EAGAIN", EIO },
    };
    char text[16], line[512];

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        const char *error = rows[i].error;
        enum job_result result = 77;
        struct unit unit = { .active = "before" };

        print_message("  %s\n", error);
        (void) unlink("calls"); /* of the row before */
        (void) snprintf(line, sizeof(line),
                        "Start a.service %s\nResetFailed a.service %s\nKill a.service %s\nGet a.service %s\nList a.service %s\n",
                        error, error, error, error, error); /* fits */
        write_text("errors", line);
        assert_int_equal(manager_queue(manager, "Start", "a.service", "fail"), -rows[i].errors);
        assert_int_equal(manager_run(manager, "Start", "a.service", "fail", LONG_MSEC, &result), -rows[i].errors);
        assert_int_equal(result, 77);
        assert_int_equal(manager_reset_failed(manager, "a.service"), -rows[i].errors);
        assert_int_equal(manager_kill(manager, "a.service", SIGTERM), -rows[i].errors);
        assert_int_equal(manager_text(manager, "a.service", "Unit", "Description", text, sizeof(text)), -rows[i].errors);
        assert_int_equal(manager_state(manager, "a.service", &unit), -rows[i].errors);
        assert_string_equal(unit.active, "");
        assert_string_equal(pid1_calls(), "Start a.service fail\nStart a.service fail\nResetFailed a.service\n"
                                          "Kill a.service all 15\n"); /* each once */
    }
}

static void what_systemd_refuses_of_its_own_is_told_likewise(void **state)
{
    (void) state;
    unit_has("masked.service", "LoadState=masked");
    unit_has("leaving.service", "Job=stop");
    assert_int_equal(manager_queue(manager, "Start", "missing.service", "replace"), -ENOENT);
    assert_int_equal(manager_queue(manager, "Start", "masked.service", "replace"), -ERFKILL);
    assert_int_equal(manager_queue(manager, "Start", "leaving.service", "fail"), -EDEADLK);
    assert_int_equal(manager_queue(manager, "Start", "leaving.service", "replace"), 0);
}

static void who_does_not_answer_is_not_waited_for_for_ever(void **state)
{
    struct unit unit;

    (void) state;
    write_text("errors", "List a.service silence\n");
    assert_int_equal(manager_state(manager, "a.service", &unit), -ETIMEDOUT);
    assert_int_equal(manager_state(manager, "b.service", &unit), 0); /* whoever was late once is asked again */
    assert_string_equal(unit.active, "active");
}

/* --- The connection -------------------------------------------------------------------------------------------- */

static void hang_up_on_everyone(int listener)
{
    while (1)
        (void) close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}

static void who_is_not_there_is_told_apart_after_two_seconds(void **state)
{
    static const struct {
        const char *label;
        bool file, listens;
    } rows[] = {
        { "nobody listens", true, false },
        { "nothing is there", false, false },
        { "somebody hangs up", true, true },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct manager *none = (struct manager *) &none;
        uint64_t before;
        pid_t pid = -1;

        print_message("  %s\n", rows[i].label);
        (void) unlink("manager"); /* of the row before */
        if (rows[i].file) {
            int listener = listener_at("manager");

            if (rows[i].listens && (pid = fork()) == 0) {
                (void) alarm(60);
                hang_up_on_everyone(listener);
            }
            (void) close(listener);
        }

        before = msec_now();
        assert_int_equal(manager_open(&none), -ENOTCONN);
        assert_uint_in_range(msec_now() - before, PATIENCE_MSEC - 10, 30000);
        assert_ptr_equal(none, &none);
        if (pid > 0) {
            assert_int_equal(kill(pid, SIGKILL), 0);
            (void) exit_status_of(pid);
        }
    }
}

static void who_refuses_to_tell_of_jobs_is_not_asked_further(void **state)
{
    struct manager *none = NULL;

    (void) state;
    pid1_starts();
    write_text("errors", "Subscribe - " DBUS ".AccessDenied\n");
    assert_int_equal(manager_open(&none), -ENOTCONN);
    assert_null(none);
    assert_null(manager_free(none)); /* does no harm */
}

static int open_when_it_is_there(void *userdata)
{
    struct manager *late = NULL;
    struct unit unit;
    int r;

    (void) userdata;
    write_text("begun", "");
    r = manager_open(&late);
    if (r < 0)
        return -r;
    r = manager_state(late, "b.service", &unit);
    manager_free(late);
    return r < 0 ? -r : strcmp(unit.active, "active") == 0 ? 0 : 255;
}

static void connecting_waits_for_one_that_is_away(void **state)
{
    pid_t pid;

    (void) state;
    unit_has("b.service", "ActiveState=active");
    (void) close(listener_at("manager"));
    pid = start_child(open_when_it_is_there, NULL);
    wait_for_file("begun");
    (void) usleep(AWAY_MSEC * 1000);
    pid1_starts();
    assert_int_equal(exit_status_of(pid), 0);
}

static int ask_for_the_state(void *userdata)
{
    struct manager *own = NULL;
    struct unit unit;
    int r = manager_open(&own);

    (void) userdata;
    if (r == 0)
        r = manager_state(own, "b.service", &unit);
    manager_free(own);
    return r < 0 ? -r : strcmp(unit.active, "active") == 0 ? 0 : 255;
}

static int ask_for_a_text(void *userdata)
{
    struct manager *own = NULL;
    char text[16] = "";
    int r = manager_open(&own);

    (void) userdata;
    if (r == 0)
        r = manager_text(own, "b.service", "Unit", "Description", text, sizeof(text));
    manager_free(own);
    return r < 0 ? -r : strcmp(text, "it") == 0 ? 0 : 255;
}

static int queue_a_job(void *userdata)
{
    struct manager *own = NULL;
    int r = manager_open(&own);

    (void) userdata;
    if (r == 0)
        r = manager_queue(own, "Start", "a.service", "fail");
    manager_free(own);
    return -r;
}

static void a_question_is_asked_again_when_it_is_back(void **state)
{
    static const struct {
        const char *label, *errors, *asked_in, *words;
        int (*ask)(void *userdata);
    } rows[] = {
        { "a state", "List b.service silence\n", "questions", "b.service\n", ask_for_the_state },
        { "a property", "Get b.service silence\n", "questions", "b.service Description\n", ask_for_a_text },
        { "a job", "Start a.service silence\n", "calls", "Start a.service fail\n", queue_a_job },
    };

    (void) state;
    unit_has("b.service", "Description=it");
    for (size_t i = 0; i < N_OF(rows); i++) {
        pid_t pid;

        print_message("  %s\n", rows[i].label);
        write_text("errors", rows[i].errors);
        pid = start_child(rows[i].ask, NULL);
        wait_for_text(rows[i].asked_in, rows[i].words);
        assert_int_equal(unlink("errors"), 0);
        pid1_is_away();
        assert_int_equal(exit_status_of(pid), 0);
        assert_int_equal(times_in(read_text(rows[i].asked_in), rows[i].words), 2);
    }
}

static void one_that_stays_away_is_asked_when_it_is_back(void **state)
{
    struct unit unit;
    uint64_t before;

    (void) state;
    pid1_stops();
    before = msec_now();
    assert_int_equal(manager_state(manager, "b.service", &unit), -ENOTCONN);
    assert_uint_in_range(msec_now() - before, PATIENCE_MSEC - 10, 30000);
    assert_string_equal(unit.active, "");
    assert_int_equal(manager_read_file(manager, "b.service", &unit), -ENOTCONN);
    assert_int_equal(manager_read_main_pid(manager, "b.service", &unit), -ENOTCONN);
    assert_int_equal(manager_fd(manager), -1);

    pid1_starts();
    assert_int_equal(manager_state(manager, "b.service", &unit), 0);
    assert_string_equal(unit.active, "active");
}

/* --- Jobs ------------------------------------------------------------------------------------------------------ */

static void a_job_is_run_to_its_end(void **state)
{
    static const struct {
        const char *verb, *mode, *active, *calls;
    } rows[] = {
        { "Start", "fail", "active", "Start a.service fail\n" },
        { "Restart", "replace", "active", "Restart a.service replace\n" },
        { "Stop", "ignore-dependencies", "inactive", "Stop a.service ignore-dependencies\n" },
        { "TryRestart", "replace", "active", "TryRestart a.service replace\n" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        enum job_result result = 77;
        struct unit unit;

        print_message("  %s\n", rows[i].verb);
        (void) unlink("calls"); /* of the row before */
        assert_int_equal(manager_run(manager, rows[i].verb, "a.service", rows[i].mode, LONG_MSEC, &result), 0);
        assert_int_equal(result, JOB_DONE);
        assert_string_equal(pid1_calls(), rows[i].calls);
        assert_int_equal(manager_state(manager, "a.service", &unit), 0);
        assert_string_equal(unit.active, rows[i].active);
        assert_string_equal(unit.job, "");
    }
}

static void how_a_job_ends_is_told(void **state)
{
    static const struct {
        const char *said;
        enum job_result result;
    } rows[] = {
        { "done", JOB_DONE },       { "skipped", JOB_SKIPPED }, { "failed", JOB_FAILED },    { "canceled", JOB_FAILED },
        { "timeout", JOB_FAILED },  { "dependency", JOB_FAILED }, { "invalid", JOB_FAILED }, { "once", JOB_FAILED },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        CLEANUP(freep) char *script = NULL;
        enum job_result result = 77;

        print_message("  %s\n", rows[i].said);
        assert_true(asprintf(&script, "echo %s", rows[i].said) > 0);
        jobs_do(script);
        assert_int_equal(manager_run(manager, "Start", "a.service", "fail", LONG_MSEC, &result), 0);
        assert_int_equal(result, rows[i].result);
    }
}

static void a_job_that_is_only_queued_is_not_waited_for(void **state)
{
    struct unit unit;

    (void) state;
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("read x <go; has $2 ActiveState=active; touch over");
    assert_int_equal(manager_queue(manager, "Start", "a.service", "replace"), 0);
    assert_int_equal(manager_state(manager, "a.service", &unit), 0);
    assert_string_equal(unit.job, "start");
    assert_string_equal(unit.active, "inactive");
    write_text("go", "x\n");
    wait_for_file("over");
}

static void a_job_that_takes_too_long_goes_on_without_its_asker(void **state)
{
    enum job_result result = 77;
    uint64_t before = msec_now();

    (void) state;
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("[ $2 = b.service ] || read x <go; has $2 ActiveState=active; touch over");
    assert_int_equal(manager_run(manager, "Start", "a.service", "fail", 100, &result), -ETIMEDOUT);
    assert_uint_in_range(msec_now() - before, 100, 30000);
    assert_int_equal(result, 77);

    write_text("go", "x\n");
    wait_for_file("over");
    /* Its end is not taken for that of another. */
    jobs_do("echo skipped");
    assert_int_equal(manager_run(manager, "Restart", "b.service", "fail", LONG_MSEC, &result), 0);
    assert_int_equal(result, JOB_SKIPPED);
}

static void a_job_of_which_there_is_no_time_to_wait_is_queued_all_the_same(void **state)
{
    enum job_result result = 77;

    (void) state;
    jobs_do("has $2 ActiveState=active; touch over");
    assert_int_equal(manager_run(manager, "Start", "a.service", "fail", 0, &result), -ETIMEDOUT);
    wait_for_file("over");
}

static void jobs_run_side_by_side(void **state)
{
    static const char *const units[] = { "a.service", "b.service", "c.service" };

    (void) state;
    unit_has("c.service", "ActiveState=active");
    jobs_do("touch begun-$2; until [ -e begun-a.service ] && [ -e begun-b.service ] && [ -e begun-c.service ]; do :; done");
    assert_int_equal(manager_run_all(manager, "Stop", units, N_OF(units), "replace", LONG_MSEC), 0);
    assert_string_equal(pid1_calls(), "Stop a.service replace\nStop b.service replace\nStop c.service replace\n");
}

static void one_that_fails_does_not_keep_the_others(void **state)
{
    static const struct {
        const char *label, *errors, *script;
        int r;
        const char *ended;
    } rows[] = {
        { "none fails", "", "", 0, "abc" },
        { "one is skipped", "", "[ $2 != b.service ] || echo skipped", 0, "abc" },
        { "one ends in failure", "", "[ $2 != a.service ] || echo failed", -EIO, "abc" },
        { "the last ends in failure", "", "[ $2 != c.service ] || echo dependency", -EIO, "abc" },
        { "the first can't be queued", "Stop a.service " SYSTEMD ".UnitMasked\n", "", -ERFKILL, "bc" },
        { "the last can't be queued", "Stop c.service " SYSTEMD ".NoSuchUnit\n", "", -ENOENT, "ab" },
        { "two can't be queued", "Stop b.service " SYSTEMD ".TransactionIsDestructive\nStop a.service " SYSTEMD ".NoSuchUnit\n", "",
          -ENOENT, "c" },
        { "one can't be queued, one ends in failure", "Stop b.service " SYSTEMD ".UnitMasked\n",
          "[ $2 != a.service ] || echo failed", -ERFKILL, "ac" },
        { "none can be queued",
          "Stop a.service " DBUS ".AccessDenied\nStop b.service " SYSTEMD ".NoSuchUnit\n"
          "Stop c.service " SYSTEMD ".NoSuchUnit\n", "",
          -EIO, "" },
    };
    static const char *const units[] = { "a.service", "b.service", "c.service" };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        CLEANUP(freep) char *script = NULL;
        char ended[8] = "";

        print_message("  %s\n", rows[i].label);
        for (size_t u = 0; u < N_OF(units); u++)
            unit_has(units[u], "ActiveState=active");
        write_text("errors", rows[i].errors);
        assert_true(asprintf(&script, "has $2 ActiveState=inactive\n%s", rows[i].script) > 0);
        jobs_do(script);
        assert_int_equal(manager_run_all(manager, "Stop", units, N_OF(units), "replace", LONG_MSEC), rows[i].r);
        for (size_t u = 0; u < N_OF(units); u++) {
            struct unit unit;

            assert_int_equal(manager_state(manager, units[u], &unit), 0);
            if (!unit_is_up(&unit))
                ended[strlen(ended)] = units[u][0];
        }
        assert_string_equal(ended, rows[i].ended);
    }
}

static void no_jobs_are_done_and_too_many_are_not_begun(void **state)
{
    const char *units[MANAGER_UNITS_MAX + 1];

    (void) state;
    for (size_t i = 0; i < N_OF(units); i++)
        units[i] = "b.service";
    assert_int_equal(manager_run_all(manager, "Stop", units, 0, "replace", LONG_MSEC), 0);
    assert_int_equal(manager_run_all(manager, "Stop", units, N_OF(units), "replace", LONG_MSEC), -E2BIG);
    assert_string_equal(pid1_calls(), "");
    assert_int_equal(manager_run_all(manager, "Stop", units, MANAGER_UNITS_MAX, "replace", LONG_MSEC), 0);
    assert_int_equal(times_in(pid1_calls(), "Stop b.service replace\n"), MANAGER_UNITS_MAX);
}

static void jobs_of_which_one_takes_too_long_are_late(void **state)
{
    static const char *const units[] = { "a.service", "b.service" };

    (void) state;
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("[ $2 = a.service ] || read x <go");
    assert_int_equal(manager_run_all(manager, "Restart", units, N_OF(units), "replace", 100), -ETIMEDOUT);
    write_text("go", "x\n");
}

/* Returns 10 + how the job ended. */
static int run_a_job(void *verb)
{
    struct manager *own = NULL;
    enum job_result result = 77;
    int r = manager_open(&own);

    if (r == 0)
        r = manager_run(own, verb, "a.service", "fail", LONG_MSEC, &result);
    manager_free(own);
    return r < 0 ? -r : 10 + (int) result;
}

static void a_job_that_outlives_the_connection_is_waited_for(void **state)
{
    pid_t pid;

    (void) state;
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("touch begun; read x <go; has $2 ActiveState=active; echo skipped");
    pid = start_child(run_a_job, "Start");
    wait_for_file("begun");
    pid1_is_away();
    wait_for_text("questions", "a.service\n"); /* it has looked, and waits on */
    write_text("go", "x\n");
    assert_int_equal(exit_status_of(pid), 10 + JOB_SKIPPED); /* heard: by what it is now it would be done */
    assert_string_equal(pid1_calls(), "Start a.service fail\n");
}

static void a_job_that_ended_meanwhile_is_told_by_its_unit(void **state)
{
    static const struct {
        const char *label, *verb, *line;
        enum job_result result;
    } rows[] = {
        { "a start, active", "Start", "ActiveState=active", JOB_DONE },
        { "a start, failed", "Start", "ActiveState=failed", JOB_FAILED },
        { "a start, inactive", "Start", "ActiveState=inactive", JOB_SKIPPED },
        { "a stop, inactive", "Stop", "ActiveState=inactive", JOB_DONE },
        { "a stop, failed", "Stop", "ActiveState=failed", JOB_DONE },
    };

    (void) state;
    assert_int_equal(mkfifo("go", 0600), 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        CLEANUP(freep) char *script = NULL;
        pid_t pid;

        print_message("  %s\n", rows[i].label);
        (void) unlink("begun"); /* of the row before */
        unit_has("a.service", "ActiveState=deactivating");
        assert_true(asprintf(&script, "touch begun; read x <go; has $2 %s", rows[i].line) > 0);
        jobs_do(script);
        pid = start_child(run_a_job, (void *) rows[i].verb);
        wait_for_file("begun");
        pid1_stops();
        write_text("go", "x\n");
        while (!strstr(read_text("units/a.service"), rows[i].line))
            (void) usleep(1000); /* folder_enter's guard ends this */
        (void) usleep(AWAY_MSEC * 1000);
        pid1_starts();
        assert_int_equal(exit_status_of(pid), 10 + rows[i].result);
    }
}

static int run_interrupted(void *userdata)
{
    int r;

    (void) userdata;
    interrupt_often();
    r = run_a_job("Start");
    return interruptions() > 5 ? r : 255;
}

static void signals_do_not_disturb(void **state)
{
    (void) state;
    jobs_do("sleep 0.2");
    assert_int_equal(in_child(run_interrupted, NULL), 10 + JOB_DONE);
}

/* --- News ------------------------------------------------------------------------------------------------------ */

static void wait_until_readable(void)
{
    struct pollfd polled = { .fd = manager_fd(manager), .events = POLLIN };

    assert_true(polled.fd >= 0);
    while (poll(&polled, 1, LONG_MSEC) != 1)
        assert_int_equal(errno, EINTR);
}

static void the_end_of_anothers_job_is_news_once(void **state)
{
    struct manager *another = NULL;
    enum job_result result;

    (void) state;
    assert_int_equal(manager_open(&another), 0);
    assert_false(manager_has_news(manager, "a.service"));

    assert_int_equal(manager_run(another, "Start", "a.service", "fail", LONG_MSEC, &result), 0);
    wait_until_readable();
    assert_true(manager_has_news(manager, "a.service"));
    assert_false(manager_has_news(manager, "a.service"));

    assert_int_equal(manager_run(another, "Stop", "b.service", "fail", LONG_MSEC, &result), 0);
    wait_until_readable();
    assert_false(manager_has_news(manager, "a.service")); /* of another unit */
    assert_int_equal(poll(&(struct pollfd) { .fd = manager_fd(manager), .events = POLLIN }, 1, 0), 0); /* all was taken in */
    manager_free(another);
}

static void news_are_not_lost_in_a_question(void **state)
{
    struct manager *another = NULL;
    enum job_result result;
    struct unit unit;

    (void) state;
    assert_int_equal(manager_open(&another), 0);
    assert_int_equal(manager_run(another, "Start", "a.service", "fail", LONG_MSEC, &result), 0);
    assert_int_equal(manager_state(manager, "a.service", &unit), 0); /* the answer comes after them */
    assert_true(manager_has_news(manager, "a.service"));
    manager_free(another);
}

static void news_of_one_unit_are_kept_from_those_of_others(void **state)
{
    struct manager *another = NULL;
    enum job_result result;
    struct unit unit;

    (void) state;
    assert_int_equal(manager_open(&another), 0);
    assert_int_equal(manager_run(another, "Start", "a.service", "fail", LONG_MSEC, &result), 0);
    assert_int_equal(manager_run(another, "Stop", "b.service", "fail", LONG_MSEC, &result), 0);
    assert_int_equal(manager_state(manager, "a.service", &unit), 0);
    assert_true(manager_has_news(manager, "a.service"));
    manager_free(another);
}

static void another_connection_is_news_of_each_unit(void **state)
{
    struct unit unit;

    (void) state;
    pid1_stops();
    wait_until_readable();
    assert_true(manager_has_news(manager, "a.service"));
    assert_int_equal(manager_fd(manager), -1);
    assert_false(manager_has_news(manager, "a.service"));

    pid1_starts();
    assert_int_equal(manager_state(manager, "a.service", &unit), 0);
    assert_true(manager_fd(manager) >= 0);

    /* One that came and went within a question, too. */
    pid1_is_away();
    assert_int_equal(manager_state(manager, "a.service", &unit), 0);
    assert_true(manager_has_news(manager, "b.service"));
    assert_false(manager_has_news(manager, "b.service"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MANAGER(states_of_several_units_come_in_one_answer_in_the_order_asked),
        WITH_MANAGER(of_no_unit_nobody_is_asked_and_of_too_many_neither),
        cmocka_unit_test(a_unit_is_up_from_its_start_to_its_end),
        WITH_MANAGER(a_unit_is_enabled_for_good_or_until_the_next_boot),
        WITH_MANAGER(a_property_is_read_by_its_type),
        WITH_MANAGER(a_text_is_cut_to_its_room_and_is_no_number),
        WITH_MANAGER(other_types_are_the_askers_to_read),
        WITH_MANAGER(a_unit_of_any_name_is_asked_by_its_path),
        WITH_MANAGER(what_the_state_does_not_have_is_read_where_it_can_be_told),
        WITH_MANAGER(a_refusal_is_an_errno_of_its_own),
        WITH_MANAGER(what_systemd_refuses_of_its_own_is_told_likewise),
        WITH_MANAGER(who_does_not_answer_is_not_waited_for_for_ever),
        IN_FOLDER(who_is_not_there_is_told_apart_after_two_seconds),
        IN_FOLDER(who_refuses_to_tell_of_jobs_is_not_asked_further),
        IN_FOLDER(connecting_waits_for_one_that_is_away),
        WITH_MANAGER(a_question_is_asked_again_when_it_is_back),
        WITH_MANAGER(one_that_stays_away_is_asked_when_it_is_back),
        WITH_MANAGER(a_job_is_run_to_its_end),
        WITH_MANAGER(how_a_job_ends_is_told),
        WITH_MANAGER(a_job_that_is_only_queued_is_not_waited_for),
        WITH_MANAGER(a_job_that_takes_too_long_goes_on_without_its_asker),
        WITH_MANAGER(a_job_of_which_there_is_no_time_to_wait_is_queued_all_the_same),
        WITH_MANAGER(jobs_run_side_by_side),
        WITH_MANAGER(one_that_fails_does_not_keep_the_others),
        WITH_MANAGER(no_jobs_are_done_and_too_many_are_not_begun),
        WITH_MANAGER(jobs_of_which_one_takes_too_long_are_late),
        WITH_MANAGER(a_job_that_outlives_the_connection_is_waited_for),
        WITH_MANAGER(a_job_that_ended_meanwhile_is_told_by_its_unit),
        WITH_MANAGER(signals_do_not_disturb),
        WITH_MANAGER(the_end_of_anothers_job_is_news_once),
        WITH_MANAGER(news_are_not_lost_in_a_question),
        WITH_MANAGER(news_of_one_unit_are_kept_from_those_of_others),
        WITH_MANAGER(another_connection_is_news_of_each_unit),
    };

    return cmocka_run_group_tests_name("manager", tests, NULL, NULL);
}
