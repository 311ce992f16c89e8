/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of check.c: what it prints and advises. (The configurations that others write: test-configurations.c.) */

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "test/own-engine.h"
#include "tools/check.h"
#include "tools/status.h"
#include "tools/test-machine.h"

static const char *check(bool json, int wanted_status)
{
    int status;
    const char *text = printed(check_print, json, &status);

    assert_int_equal(status, wanted_status);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
}

static void it_tells_what_there_is(void **state)
{
    (void) state;
    write_configuration("[sssd]\ndomains = d, e, f;g\nservices = nss, pam\n[domain/d]\nid_provider = ad\n[domain/e]\n"
                        "[domain/f;g]\nid_provider = ldap\n");
    assert_int_equal(mkdir("config/conf.d", 0755), 0);
    write_text("config/conf.d/10.conf", "[sssd]\nservices = nss\n");
    assert_int_equal(chmod("config/conf.d/10.conf", 0600), 0);
    write_text("config/conf.d/20.conf", "no option\n");
    assert_int_equal(chmod("config/conf.d/20.conf", 0600), 0);
    monitor_owns("nss", true);
    monitor_owns("pac", true);
    unit_is(MONITOR, "loaded", "active", "enabled", 1);

    const char *text = check(false, STATUS_OK);

    assert_has(text,
               "starts with this configuration.\n\nfiles      config/sssd.conf\n           config/conf.d/10.conf\n");
    assert_has(text, "\nremarks    ");
    assert_has(text, "20.conf");
    assert_has(text, "\ndomains    d (ad)\n           e (no id_provider: passed over)\n"
                     "           f;g (SSSD does not find such a name: passed over)\n");
    assert_has(text, "\nservices   nss  (config/conf.d/10.conf)\n"
                     "           another line in config/sssd.conf is overridden\n"
                     "monitor's  nss: listed\n"
                     "monitor's  pac: SSSD adds it for an AD or IPA domain\n"
                     "on demand  pam, ssh, sudo, autofs, ifp\n"
                     "monitor    stays: [domain/d] id_provider: ");
    assert_has(text, "\n\n- on a services line, and so always running: nss\n    sss_activation migrate\n");
}

static void an_empty_line_is_told_from_none(void **state)
{
    (void) state;
    write_configuration(LINE(""));
    assert_has(check(false, STATUS_OK), "\nservices   an empty line  (config/sssd.conf)\non demand  nss, ");
    write_configuration(NO_LINE);
    assert_has(check(false, STATUS_OK), "\nservices   no services line\non demand  nss, ");
}

static void the_verdict_is_the_exit_status(void **state)
{
    (void) state;
    assert_has(check(false, STATUS_OK), "There is no configuration");
    write_configuration(LINE("nosuch"));
    assert_has(check(false, STATUS_DEGRADED), "would not start with this configuration:\n  ");
    write_configuration(NO_LINE);
    assert_has(check(false, STATUS_OK), "starts with this configuration");
}

static void our_own_engine_is_asked_itself(void **state)
{
    (void) state;
    write_configuration("[sssd]\ndomains = d\n[domain/d]\nid_provider = ldif\n");
    own_is_configured();
    assert_has(check(false, STATUS_OK), "Our own engine starts with this configuration.\n");
    assert_has(check(false, STATUS_OK), "\nengine     own\n           sssd would not: [domain/d] id_provider: SSSD has no \"ldif\"\n");
    own_is_installed("#!/bin/sh\necho 'sssd.conf:4: it does not like that'\nexit 1\n");
    assert_has(check(false, STATUS_DEGRADED), "Our own engine would not start with this configuration:\n  sssd.conf:4: it does not like that\n");
}

static int check_as_nobody(void *userdata)
{
    bool json = *(bool *) userdata;
    char text[1024] = "";
    FILE *out;
    int status;

    drop_root();
    out = fmemopen(text, sizeof(text), "w");
    status = check_print(json, out);
    (void) fclose(out); /* what is missing then is seen below */
    return status == STATUS_UNKNOWN && strstr(text, json ? "\"unreadable\"" : "; run this as root\n") ? 0 : 1;
}

static void others_are_told_to_be_root(void **state)
{
    bool text = false, json = true;

    (void) state;
    write_configuration(NO_LINE);
    assert_int_equal(in_child(check_as_nobody, &text), 0);
    assert_int_equal(in_child(check_as_nobody, &json), 0);
}

static void the_most_urgent_advice_comes_first(void **state)
{
    static const char *const wanted[][2] = {
        { "problem", "sss_activation release" },
        { "problem", "systemctl unmask sssd.service" },
        { "problem", "systemctl restart sssd.service" }, /* nss */
        { "problem", "sss_activation apply" },           /* pam is closed */
        { "problem", "sss_activation apply" },           /* ssh, */
        { "problem", "sss_activation apply" },           /* and sudo */
        { "hint", "systemctl enable --now sss-autofs.socket" },
        { "hint", "systemctl edit sss-ssh.socket" },
        { "hint", "sss_activation migrate" },
    };
    json_t *json, *advice;

    (void) state;
    write_configuration(LINE("nss"));
    assert_int_equal(unlink("programs/sssd_pac"), 0);
    administrator_stops();
    unit_is(MONITOR, "masked", "inactive", "masked", 0);
    unit_is("sss-autofs.socket", "loaded", "inactive", "disabled", 0);
    assert_int_equal(mkdir("etc", 0755), 0);
    write_text("etc/sssd-ssh.socket", "");

    json = json_loads(check(true, STATUS_OK), 0, NULL);
    advice = json_object_get(json, "advice");
    assert_int_equal(json_array_size(advice), N_OF(wanted));
    for (size_t i = 0; i < N_OF(wanted); i++) {
        json_t *one = json_array_get(advice, i);

        assert_string_equal(json_string_value(json_object_get(one, "level")), wanted[i][0]);
        assert_string_equal(json_string_value(json_object_get(one, "command")), wanted[i][1]);
        assert_true(json_string_value(json_object_get(one, "text"))[0]);
    }
    json_decref(json);
}

static void a_monitor_that_might_leave_and_is_enabled_is_a_hint(void **state)
{
    (void) state;
    write_configuration(NO_LINE);
    unit_is(MONITOR, "loaded", "active", "enabled", 1);
    assert_has(check(false, STATUS_OK), "\n    systemctl disable sssd.service\n");
    unit_is(MONITOR, "loaded", "inactive", "disabled", 0);
    assert_has(check(false, STATUS_OK), "\nmonitor    leaves when nobody has needed it for its linger time");
    assert_null(strstr(check(false, STATUS_OK), "    systemctl disable"));
}

static void overrides_of_units_that_have_no_effect_are_named(void **state)
{
    const char *text;

    (void) state;
    write_configuration(NO_LINE);
    assert_int_equal(mkdir("etc", 0755), 0);
    assert_int_equal(mkdir("etc/sssd-nss.service.d", 0755), 0);
    write_text("etc/sssd-nss.service.d/10-limits.conf", "");
    assert_int_equal(mkdir("run", 0755), 0);
    write_text("run/sssd-pam-priv.socket", "");
    text = check(false, STATUS_OK);
    assert_has(text, "\n- etc/sssd-nss.service.d/10-limits.conf has no effect: "
                     "sss-nss.service has taken the place of its unit\n"
                     "    systemctl edit sss-nss.service\n");
    assert_has(text, "\n- run/sssd-pam-priv.socket has no effect: sss-pam-private.socket has taken the place of its unit\n"
                     "    systemctl edit sss-pam-private.socket\n");
}

static void many_overrides_leave_room_for_other_advice(void **state)
{
    const char *text;
    unsigned n = 0;

    (void) state;
    write_configuration(LINE("nss"));
    assert_int_equal(mkdir("etc", 0755), 0);
    assert_int_equal(mkdir("etc/sssd-nss.service.d", 0755), 0);
    for (unsigned i = 0; i < 100; i++) {
        char path[64];

        (void) snprintf(path, sizeof(path), "etc/sssd-nss.service.d/%u.conf", i); /* fits */
        write_text(path, "");
    }
    text = check(false, STATUS_OK);
    for (const char *at = text; (at = strstr(at, " has no effect: ")); at++)
        n++;
    assert_true(n >= 16);
    assert_has(text, "\n    sss_activation migrate\n");
}

static void what_is_bound_to_the_monitor_keeps_it(void **state)
{
    (void) state;
    write_configuration(NO_LINE);
    unit_is("backup.service", "loaded", "active", "enabled", 1);
    unit_has(MONITOR, "BoundBy=backup.service");
    assert_has(check(false, STATUS_OK), "\nmonitor    stays: backup.service is bound to it\n");
    unit_is("backup.service", "loaded", "inactive", "enabled", 0);
    assert_has(check(false, STATUS_OK), "\nmonitor    leaves when nobody has needed it for its linger time");
}

static void what_keeps_the_monitor_from_serving_is_a_problem(void **state)
{
    static const struct {
        const char *label, *line, *advice;
    } rows[] = {
        { "masked", "LoadState=masked", "\n! nobody is served: sssd.service is masked\n    systemctl unmask sssd.service\n" },
        { "failed", "ActiveState=failed",
          "\n! nobody is served: sssd.service has failed (see: systemctl status sssd.service)\n"
          "    systemctl status sssd.service\n" },
        { "skipped", "Conditions=ConditionHost 0 0 elsewhere -1",
          "\n! nobody is served: sssd.service was skipped at its last start: ConditionHost=elsewhere\n"
          "    systemctl status sssd.service\n" },
    };

    (void) state;
    write_configuration(NO_LINE);
    assert_null(strstr(check(false, STATUS_OK), "nobody is served"));
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        unit_is(MONITOR, "loaded", "inactive", "disabled", 0);
        unit_has(MONITOR, rows[i].line);
        if (strncmp(rows[i].line, "Conditions=", strlen("Conditions=")) == 0) {
            unit_has(MONITOR, "ConditionTimestamp=7");
            unit_has(MONITOR, "ConditionResult=no");
        }
        assert_has(check(false, STATUS_OK), rows[i].advice);
    }
}

static void without_systemd_it_judges_the_files_alone(void **state)
{
    (void) state;
    write_configuration(LINE("nss"));
    pid1_stops();
    assert_has(check(false, STATUS_OK), "\nmonitor's  nss: listed\n");
    assert_null(strstr(check(false, STATUS_OK), "sss_activation migrate"));
}

static void a_files_name_of_any_bytes_is_told(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkdir("config", 0755), 0);
    assert_int_equal(mkdir("config/conf.d", 0755), 0);
    write_text("config/conf.d/latin-\xe4.conf", LINE("nss"));
    assert_int_equal(chmod("config/conf.d/latin-\xe4.conf", 0600), 0);
    assert_has(check(true, STATUS_OK), "\"services_file\": \"config/conf.d/latin-?.conf\"");
    assert_has(check(true, STATUS_OK), "\"files\": [\n      \"config/conf.d/latin-?.conf\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MACHINE(it_tells_what_there_is),
        IN_MACHINE(an_empty_line_is_told_from_none),
        IN_MACHINE(the_verdict_is_the_exit_status),
        IN_MACHINE(our_own_engine_is_asked_itself),
        IN_MACHINE(others_are_told_to_be_root),
        IN_MACHINE(the_most_urgent_advice_comes_first),
        IN_MACHINE(a_monitor_that_might_leave_and_is_enabled_is_a_hint),
        IN_MACHINE(overrides_of_units_that_have_no_effect_are_named),
        IN_MACHINE(many_overrides_leave_room_for_other_advice),
        IN_MACHINE(what_is_bound_to_the_monitor_keeps_it),
        IN_MACHINE(what_keeps_the_monitor_from_serving_is_a_problem),
        IN_MACHINE(without_systemd_it_judges_the_files_alone),
        IN_MACHINE(a_files_name_of_any_bytes_is_told),
    };

    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
