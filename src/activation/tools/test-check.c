/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of check.c: what it prints and advises. (The configurations that others write: test-configurations.c.) */

#include <jansson.h>
#include <stdio.h>
#include <string.h>

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
        { "problem", "sss_activation apply" },           /* ssh is closed */
        { "hint", "systemctl enable --now sss-autofs.socket" },
        { "hint", "sss_activation migrate" },
    };
    json_t *json, *advice;

    (void) state;
    write_configuration(LINE("nss"));
    set_flag(FLAG_HELD, true);
    unit_is(MONITOR, "masked", "inactive", "masked", 0);
    unit_is("sss-ssh.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sss-autofs.socket", "loaded", "inactive", "disabled", 0);

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

static void without_systemd_it_judges_the_files_alone(void **state)
{
    (void) state;
    write_configuration(LINE("nss"));
    assert_int_equal(unlink("systemctl"), 0);
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
        IN_MACHINE(others_are_told_to_be_root),
        IN_MACHINE(the_most_urgent_advice_comes_first),
        IN_MACHINE(a_monitor_that_might_leave_and_is_enabled_is_a_hint),
        IN_MACHINE(without_systemd_it_judges_the_files_alone),
        IN_MACHINE(a_files_name_of_any_bytes_is_told),
    };

    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
