/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of status.c: what it prints, and its exit status. */

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "tools/status.h"
#include "tools/test-machine.h"

#define MASKED_REST "sssd-pam-priv.socket, sssd-ssh.socket, sssd-sudo.socket, sssd-autofs.socket, sssd-pac.socket"
#define NO_EFFECT "\n              enabling them has no effect: their paths have the owners above\n"
#define HEAD "sssd-ondemand " PACKAGE_VERSION " for SSSD " ENGINE_TEXT "\n"

static const char *status(bool json, int wanted)
{
    int got;
    const char *text = printed(status_print, json, &got);

    assert_int_equal(got, wanted);
    return text;
}

static void a_person_reads_a_table(void **state)
{
    (void) state;
    write_configuration(LINE("pam"));
    monitor_owns("pam", true);
    unit_is(MONITOR, "loaded", "active", "enabled", 12);
    unit_is("sss-pam.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sss-pam-private.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sss-autofs.socket", "loaded", "inactive", "disabled", 0);
    unit_is("sss-sudo.service", "loaded", "failed", "static", 0);
    assert_int_equal(unlink("programs/sssd_pac"), 0);
    assert_string_equal(
        status(false, STATUS_DEGRADED), HEAD
        "monitor: active, pid 12, enabled\n"
        "engine: sssd\n"
        "\n"
        "RESPONDER  OWNER    SOCKET     PROCESS  WHY                          CHANGE IT WITH\n"
        "nss        systemd  listening  -        not on a services line       systemctl disable --now "
        "sss-nss.socket\n"
        "pam        monitor  closed     -        listed in config/sssd.conf   sss_activation migrate\n"
        "ssh        systemd  listening  -        not on a services line       systemctl disable --now "
        "sss-ssh.socket\n"
        "sudo       systemd  listening  failed   sss-sudo.service has failed  systemctl status sss-sudo.service\n"
        "autofs     systemd  disabled   -        not on a services line       systemctl enable --now "
        "sss-autofs.socket\n"
        "pac        -        listening  -        not installed\n"
        "ifp        systemd  D-Bus      -        not on a services line\n"
        "\nmasked by us: sssd-nss.socket, sssd-pam.socket, " MASKED_REST NO_EFFECT);
}

static void the_distributions_sockets_are_named_if_the_generator_masks_them(void **state)
{
    (void) state;
    unit_is("sssd-nss.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sssd-pam.socket", "masked", "inactive", "masked", 0); /* an administrator did */
    assert_non_null(strstr(status(false, STATUS_OK), "\nmasked by us: " MASKED_REST NO_EFFECT));

    for (size_t i = 0; i < RESPONDERS; i++)
        for (size_t k = 0; k < UNITS_MAX && responders[i].vendor_sockets[k]; k++)
            unit_is(responders[i].vendor_sockets[k], "loaded", "inactive", "disabled", 0);
    assert_null(strstr(status(false, STATUS_OK), "masked"));
}

static void what_is_odd_stands_above_and_below(void **state)
{
    const char *text;

    (void) state;
    text = status(false, STATUS_OK);
    assert_non_null(strstr(text, "\nmonitor: inactive, disabled\nengine: sssd\nconfiguration: none\n\n"));

    write_configuration(LINE("nosuch"));
    administrator_stops();
    unit_is("sssd-nss.service", "loaded", "active", "indirect", 0);
    unit_is("sssd-ssh.socket", "loaded", "active", "enabled", 0);
    text = status(false, STATUS_DEGRADED);
    assert_non_null(strstr(text, "\nheld: stopped by an administrator; 'sss_activation release' ends that\n"
                                 "configuration: SSSD would not start with it: "));
    assert_non_null(strstr(text, "\nbeside ours: sssd-nss.service runs; 'sss_activation apply' ends that\n"
                                 "beside ours: sssd-ssh.socket listens; 'sss_activation apply' ends that\n"));
}

static void whoever_refuses_or_is_out_of_reach_stands_in_the_table(void **state)
{
    const char *text;

    (void) state;
    write_configuration(NO_LINE);
    unit_is("sss-nss.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sss-nss.service", "loaded", "failed", "static", 0);
    is_refused_since("nss", "it ended badly 3 times in a row: exit-code, status 127");
    unit_is("sss-retry@sss-nss.timer", "loaded", "active", "static", 0);
    unit_is("sss-sudo.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sss-retry@sss-sudo.timer", "loaded", "active", "static", 0);
    assert_int_equal(unlink("programs/sssd_sudo"), 0);
    assert_int_equal(unlink("pipes/ssh"), 0);
    unit_is(MONITOR, "masked", "inactive", "masked", 0);
    text = status(false, STATUS_DEGRADED);
    assert_non_null(strstr(text, "\nmonitor: inactive, masked\nengine: sssd\nnobody is served: sssd.service is masked\n\n"));
    assert_non_null(strstr(text, "\nnss        systemd  refusing     -        it ended badly 3 times in a row: exit-code, "
                                 "status 127  systemctl status sss-nss.service\n"));
    assert_non_null(strstr(text, "\nsudo       none     refusing     -        programs/sssd_sudo can't be run"));
    assert_non_null(strstr(text, "\nssh        systemd  unreachable  -        its path is gone, or somebody else's"));
    assert_null(strstr(text, "held"));
}

static const char *text_of(json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "null";
}

static void a_program_reads_the_same(void **state)
{
    json_t *json, *pam, *ifp, *masked;

    (void) state;
    write_configuration(LINE("pam") "[nss]\nresponder_idle_timeout = 60\n");
    monitor_owns("pam", true);
    unit_is("sss-pam.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sss-pam-private.socket", "not-found", "inactive", "", 0);
    json = json_loads(status(true, STATUS_DEGRADED), 0, NULL);
    assert_string_equal(text_of(json, "status"), "degraded");
    assert_string_equal(text_of(json_object_get(json, "configuration"), "services_file"), "config/sssd.conf");
    assert_true(json_is_null(json_object_get(json_object_get(json, "monitor"), "pid")));

    for (size_t i = 0; i < RESPONDERS; i++)
        assert_string_equal(text_of(json_array_get(json_object_get(json, "responders"), i), "name"),
                            responders[i].name);
    pam = json_array_get(json_object_get(json, "responders"), PAM);
    assert_string_equal(text_of(pam, "owner"), "monitor");
    assert_string_equal(text_of(pam, "why"), "listed");
    assert_string_equal(text_of(pam, "socket"), "closed");
    assert_string_equal(text_of(pam, "change"), "sss_activation migrate");
    assert_string_equal(text_of(pam, "type"), "null");
    assert_true(json_is_true(json_object_get(pam, "bad")));
    assert_int_equal(json_array_size(json_object_get(pam, "sockets")), 1); /* the other does not exist */
    masked = json_array_get(json_object_get(pam, "vendor_sockets"), 1);
    assert_string_equal(text_of(masked, "unit"), "sssd-pam-priv.socket");
    assert_string_equal(text_of(masked, "enabled"), "masked-runtime");
    assert_int_equal(json_integer_value(json_object_get(pam, "idle_timeout_sec")), 300);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(json, "responders"), NSS),
                                                        "idle_timeout_sec")),
                     60);
    ifp = json_array_get(json_object_get(json, "responders"), IFP);
    assert_string_equal(text_of(ifp, "vendor_service_active"), "null");
    assert_string_equal(text_of(ifp, "change"), "null");
    json_decref(json);
}

static void a_program_reads_what_keeps_the_monitor_from_serving(void **state)
{
    json_t *json, *monitor, *nss;

    (void) state;
    write_configuration(NO_LINE);
    unit_is("sss-nss.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sss-retry@sss-nss.timer", "loaded", "active", "static", 0);
    assert_int_equal(unlink("pipes/ssh"), 0);
    unit_is(MONITOR, "loaded", "failed", "disabled", 0);
    json = json_loads(status(true, STATUS_DEGRADED), 0, NULL);
    monitor = json_object_get(json, "monitor");
    assert_string_equal(text_of(monitor, "trouble"), "sssd.service has failed (see: systemctl status sssd.service)");
    assert_true(json_is_false(json_object_get(monitor, "held")));
    nss = json_array_get(json_object_get(json, "responders"), NSS);
    assert_string_equal(text_of(nss, "socket"), "refusing");
    assert_string_equal(text_of(nss, "reason"), "it ended badly again and again");
    assert_true(json_is_true(json_object_get(nss, "bad")));
    assert_string_equal(text_of(json_array_get(json_object_get(json, "responders"), SSH), "socket"), "unreachable");
    json_decref(json);

    assert_int_equal(unlink("units/sss-retry@sss-nss.timer"), 0);
    administrator_stops();
    json = json_loads(status(true, STATUS_DEGRADED), 0, NULL);
    monitor = json_object_get(json, "monitor");
    assert_true(json_is_null(json_object_get(monitor, "trouble")));
    assert_true(json_is_true(json_object_get(monitor, "held")));
    json_decref(json);
}

static void what_cannot_be_read_is_unknown(void **state)
{
    (void) state;
    pid1_stops();
    assert_string_equal(status(false, STATUS_UNKNOWN), "");
    assert_string_equal(status(true, STATUS_UNKNOWN), "");
    pid1_starts();
    assert_non_null(strstr(status(false, STATUS_OK), HEAD));
    assert_int_equal(rename("state", "elsewhere"), 0);
    assert_string_equal(status(false, STATUS_UNKNOWN), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MACHINE(a_person_reads_a_table),
        IN_MACHINE(the_distributions_sockets_are_named_if_the_generator_masks_them),
        IN_MACHINE(what_is_odd_stands_above_and_below),
        IN_MACHINE(whoever_refuses_or_is_out_of_reach_stands_in_the_table),
        IN_MACHINE(a_program_reads_the_same),
        IN_MACHINE(a_program_reads_what_keeps_the_monitor_from_serving),
        IN_MACHINE(what_cannot_be_read_is_unknown),
    };

    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
