/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of units.c, with a PID 1 of their own. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/state.h"
#include "tools/test-machine.h"
#include "tools/units.h"

static struct responder_units its[RESPONDERS];
static struct unit monitor;

static struct manager *ask(void)
{
    struct manager *manager;

    (void) unlink("questions"); /* of before */
    memset(its, 0, sizeof(its));
    monitor = (struct unit) { .load = "" };
    assert_int_equal(manager_open(&manager), 0);
    return manager;
}

static int read_all(void)
{
    struct manager *manager = ask();
    int r = units_read_all(manager, its, &monitor);

    (void) manager_free(manager);
    return r;
}

static int read_installed(void)
{
    struct manager *manager = ask();
    int r = units_read_installed(manager, its);

    (void) manager_free(manager);
    return r;
}

static void assert_unit(const struct unit *unit, const char *load, const char *active, const char *file, int main_pid)
{
    assert_string_equal(unit->load, load);
    assert_string_equal(unit->active, active);
    assert_string_equal(unit->file, file);
    assert_int_equal(unit->main_pid, main_pid);
}

static bool was_asked(const char *question)
{
    char line[128];

    (void) snprintf(line, sizeof(line), "\n%s\n", question); /* fits */
    return strstr(pid1_questions(), line) != NULL;
}

static void all_of_each_responder_and_the_monitor_is_read(void **state)
{
    (void) state;
    unit_is("sss-pam-private.socket", "not-found", "inactive", "", 0);
    unit_is("sss-ssh.service", "loaded", "active", "static", 12);
    unit_is("sssd-pam-priv.socket", "loaded", "failed", "disabled", 0);
    unit_is("sssd-pac.service", "loaded", "deactivating", "indirect", 13);
    unit_is("sssd-ifp.service", "loaded", "activating", "static", 14);
    unit_is(MONITOR, "loaded", "active", "enabled-runtime", 15);
    unit_has(MONITOR, "Job=restart");
    assert_int_equal(read_all(), 0);
    assert_unit(&its[NSS].sockets[0], "loaded", "active", "enabled", 0);
    assert_unit(&its[NSS].sockets[1], "", "", "", 0);
    assert_unit(&its[PAM].sockets[0], "loaded", "active", "enabled", 0);
    assert_unit(&its[PAM].sockets[1], "not-found", "inactive", "", 0);
    assert_unit(&its[PAM].vendor_sockets[0], "masked", "inactive", "masked-runtime", 0);
    assert_unit(&its[PAM].vendor_sockets[1], "loaded", "failed", "disabled", 0);
    assert_unit(&its[SSH].service, "loaded", "active", "static", 12);
    assert_unit(&its[PAC].vendor_service, "loaded", "deactivating", "indirect", 13);
    assert_unit(&its[IFP].service, "loaded", "activating", "static", 14);
    assert_unit(&its[IFP].vendor_service, "", "", "", 0);
    assert_unit(&its[IFP].sockets[0], "", "", "", 0);
    assert_unit(&monitor, "loaded", "active", "enabled-runtime", 15);
    assert_string_equal(monitor.job, "restart");
}

/* systemd remembers the last one. */
static void a_service_at_rest_has_no_process(void **state)
{
    (void) state;
    unit_is("sss-ssh.service", "loaded", "inactive", "static", 12);
    unit_is("sss-sudo.service", "loaded", "failed", "static", 13);
    assert_int_equal(read_all(), 0);
    assert_unit(&its[SSH].service, "loaded", "inactive", "static", 0);
    assert_unit(&its[SUDO].service, "loaded", "failed", "static", 0);
}

static void of_what_is_not_installed_nothing_is_asked(void **state)
{
    (void) state;
    for (size_t i = 0; i < RESPONDERS; i++)
        if (i != NSS && i != PAC)
            assert_int_equal(unlink(responders[i].program), 0);
    assert_int_equal(chmod(responders[PAC].program, 0644), 0);
    unit_is("sss-ssh.socket", "loaded", "inactive", "enabled", 0);
    assert_int_equal(read_installed(), 0);
    assert_string_equal(pid1_questions(), "sss-nss.socket sssd-nss.socket sss-nss.service sssd-nss.service\n");
    assert_unit(&its[NSS].sockets[0], "loaded", "active", "", 0);
    assert_unit(&its[SSH].sockets[0], "", "", "", 0);

    assert_int_equal(unlink(responders[NSS].program), 0);
    assert_int_equal(read_installed(), 0);
    assert_string_equal(pid1_questions(), "");
}

static void only_what_matters_to_a_start_is_asked_for(void **state)
{
    (void) state;
    unit_is("sss-nss.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sss-ssh.socket", "loaded", "failed", "disabled", 0);
    unit_is("sss-sudo.service", "loaded", "active", "static", 12);
    unit_is("sssd-autofs.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sssd-pac.service", "loaded", "active", "indirect", 13);
    unit_is("sssd-pam.service", "loaded", "inactive", "indirect", 14);
    assert_int_equal(read_installed(), 0);

    /* Which of our closed sockets are enabled, */
    assert_unit(&its[NSS].sockets[0], "loaded", "inactive", "enabled", 0);
    assert_unit(&its[SSH].sockets[0], "loaded", "failed", "disabled", 0);
    assert_true(was_asked("sss-nss.socket UnitFileState"));
    assert_false(was_asked("sss-sudo.socket UnitFileState"));
    assert_unit(&its[AUTOFS].vendor_sockets[0], "loaded", "inactive", "", 0);
    /* and who serves for the distribution's. */
    assert_unit(&its[SUDO].service, "loaded", "active", "", 0);
    assert_unit(&its[PAC].vendor_service, "loaded", "active", "", 13);
    assert_unit(&its[PAM].vendor_service, "loaded", "inactive", "", 0);
}

static void a_pid_1_that_cannot_be_asked_is_an_error(void **state)
{
    struct manager *manager = ask();

    (void) state;
    pid1_stops();
    assert_int_equal(units_read_all(manager, its, &monitor), -ENOTCONN);
    assert_int_equal(units_read_installed(manager, its), -ENOTCONN);
    (void) manager_free(manager);
}

static bool are_stopped(void)
{
    struct state opened;
    bool stopped;

    assert_int_equal(read_all(), 0);
    assert_int_equal(state_open("state", &opened), 0);
    stopped = units_are_stopped(&opened, its, &monitor);
    state_done(&opened);
    return stopped;
}

static void an_administrators_stop_is_known_by_the_sockets(void **state)
{
    static const struct {
        const char *label, *unit, *line, *monitors, *not_installed;
        bool stopped;
    } rows[] = {
        { "all are closed", NULL, NULL, NULL, NULL, true },
        { "the monitor failed", MONITOR, "ActiveState=failed", NULL, NULL, true },
        { "it is masked besides", MONITOR, "LoadState=masked", NULL, NULL, true },
        { "the monitor runs", MONITOR, "ActiveState=active", NULL, NULL, false },
        { "it is on its way out", MONITOR, "ActiveState=deactivating", NULL, NULL, false },
        { "it is about to start", MONITOR, "Job=start", NULL, NULL, false },
        { "a socket is open", "sss-sudo.socket", "ActiveState=active", NULL, NULL, false },
        { "one of the two of pam", "sss-pam-private.socket", "ActiveState=active", NULL, NULL, false },
        { "a socket failed", "sss-sudo.socket", "ActiveState=failed", NULL, NULL, true },
        { "open, but nobody can run for it", "sss-sudo.socket", "ActiveState=active", NULL, "sudo", true },
        { "open, and the monitor's", "sss-sudo.socket", "ActiveState=active", "sudo", NULL, true },
        { "the distribution's is open", "sssd-sudo.socket", "ActiveState=active", NULL, NULL, true },
    };

    (void) state;
    assert_false(are_stopped());
    for (size_t i = 0; i < N_OF(rows); i++) {
        char program[64] = "";

        print_message("  %s\n", rows[i].label);
        administrator_stops();
        if (rows[i].unit)
            unit_has(rows[i].unit, rows[i].line);
        if (rows[i].monitors)
            monitor_owns(rows[i].monitors, true);
        if (rows[i].not_installed) {
            (void) snprintf(program, sizeof(program), "programs/sssd_%s", rows[i].not_installed); /* fits */
            assert_int_equal(chmod(program, 0644), 0);
        }
        assert_int_equal(are_stopped(), rows[i].stopped);
        if (rows[i].monitors)
            monitor_owns(rows[i].monitors, false);
        if (rows[i].not_installed)
            assert_int_equal(chmod(program, 0755), 0);
    }
}

/* Nothing of it could be told from a monitor at rest. */
static void where_no_socket_would_be_open_nobody_has_stopped_it(void **state)
{
    static const struct {
        const char *label, *file;
        bool monitors;
    } rows[] = {
        { "all are the monitor's", "enabled", true },
        { "all are disabled", "disabled", false },
        { "all are masked", "masked", false },
    };

    (void) state;
    for (size_t row = 0; row < N_OF(rows); row++) {
        print_message("  %s\n", rows[row].label);
        for (size_t i = 0; i < RESPONDERS; i++) {
            monitor_owns(responders[i].name, rows[row].monitors);
            for (size_t k = 0; k < UNITS_MAX && responders[i].sockets[k]; k++)
                unit_is(responders[i].sockets[k], "loaded", "inactive", rows[row].file, 0);
        }
        assert_false(are_stopped());
    }
    unit_is("sss-ssh.socket", "loaded", "inactive", "enabled-runtime", 0);
    assert_true(are_stopped());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MACHINE(all_of_each_responder_and_the_monitor_is_read),
        IN_MACHINE(a_service_at_rest_has_no_process),
        IN_MACHINE(of_what_is_not_installed_nothing_is_asked),
        IN_MACHINE(only_what_matters_to_a_start_is_asked_for),
        IN_MACHINE(a_pid_1_that_cannot_be_asked_is_an_error),
        IN_MACHINE(an_administrators_stop_is_known_by_the_sockets),
        IN_MACHINE(where_no_socket_would_be_open_nobody_has_stopped_it),
    };

    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
