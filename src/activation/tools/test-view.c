/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of view.c, with units from files and real state and configurations. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tools/test-machine.h"
#include "tools/view.h"

static struct view view;

static struct responder_view *read_of(enum responder_id id)
{
    assert_int_equal(view_read(&view), 0);
    return &view.responders[id];
}

static void a_socket_is_what_its_unit_is(void **state)
{
    static const struct {
        const char *load, *active, *file;
        enum view_socket socket;
        const char *word;
    } rows[] = {
        { "loaded", "active", "enabled", SOCKET_LISTENING, "listening" },
        { "loaded", "activating", "disabled", SOCKET_LISTENING, "listening" },
        { "loaded", "inactive", "enabled", SOCKET_CLOSED, "closed" },
        { "loaded", "inactive", "enabled-runtime", SOCKET_CLOSED, "closed" },
        { "loaded", "inactive", "disabled", SOCKET_DISABLED, "disabled" },
        { "loaded", "failed", "enabled", SOCKET_FAILED, "failed" },
        { "masked", "inactive", "masked", SOCKET_MASKED, "masked" },
        { "not-found", "inactive", "", SOCKET_ABSENT, "absent" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].word);
        unit_is("sss-ssh.socket", rows[i].load, rows[i].active, rows[i].file, 0);
        assert_int_equal(read_of(SSH)->socket, rows[i].socket);
        assert_string_equal(view_socket_word(view.responders[SSH].socket), rows[i].word);
        view_done(&view);
    }
    assert_int_equal(read_of(IFP)->socket, SOCKET_DBUS);
    assert_string_equal(view_socket_word(SOCKET_DBUS), "D-Bus");
    view_done(&view);
}

static void of_two_sockets_the_one_that_does_not_listen_counts(void **state)
{
    static const struct {
        const char *public_active, *private_load, *private_active;
        enum view_socket socket;
    } rows[] = {
        { "active", "loaded", "active", SOCKET_LISTENING },      { "active", "loaded", "failed", SOCKET_FAILED },
        { "active", "masked", "inactive", SOCKET_MASKED },       { "inactive", "loaded", "active", SOCKET_CLOSED },
        { "active", "not-found", "inactive", SOCKET_LISTENING }, { "failed", "not-found", "inactive", SOCKET_FAILED },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s and %s %s\n", rows[i].public_active, rows[i].private_load, rows[i].private_active);
        unit_is("sss-pam.socket", "loaded", rows[i].public_active, "enabled", 0);
        unit_is("sss-pam-private.socket", rows[i].private_load, rows[i].private_active, "enabled", 0);
        assert_int_equal(read_of(PAM)->socket, rows[i].socket);
        view_done(&view);
    }
}

/* Each row is a machine of its own, seen through one responder. */
static void each_state_has_its_reason_and_its_command(void **state)
{
    static const struct {
        const char *label, *configuration;
        enum responder_id id;
        bool monitors, monitor_runs;
        const char *socket_active, *socket_file, *service_active; /* NULL: as at first */
        const char *why, *reason, *change;
        bool bad, degraded;
    } rows[] = {
        { "at rest", NO_LINE, NSS, false, false, NULL, NULL, NULL, "unlisted", "not on a services line",
          "systemctl disable --now sss-nss.socket", false, false },
        { "that runs", NO_LINE, NSS, false, true, NULL, NULL, "active", "unlisted", "not on a services line",
          "systemctl disable --now sss-nss.socket sss-nss.service", false, false },
        { "two sockets", NO_LINE, PAM, false, false, NULL, NULL, NULL, "unlisted", "not on a services line",
          "systemctl disable --now sss-pam.socket sss-pam-private.socket", false, false },
        { "switched off", NO_LINE, NSS, false, false, "inactive", "disabled", NULL, "unlisted",
          "not on a services line", "systemctl enable --now sss-nss.socket", false, false },
        { "switched off while it runs", NO_LINE, NSS, false, true, "inactive", "disabled", "active", "unlisted",
          "not on a services line", "systemctl stop sss-nss.service", false, false },
        { "closed by hand", NO_LINE, NSS, false, false, "inactive", "enabled", NULL, "unlisted",
          "not on a services line", "sss_activation apply", true, true },
        { "a socket that failed", NO_LINE, NSS, false, false, "failed", "enabled", NULL, "unlisted",
          "not on a services line", "systemctl status sss-nss.socket", true, true },
        { "a service that failed", NO_LINE, NSS, false, false, NULL, NULL, "failed", "unlisted",
          "sss-nss.service has failed", "systemctl status sss-nss.service", true, true },
        { "listed", LINE("nss"), NSS, true, true, "inactive", "enabled", NULL, "listed", "listed in config/sssd.conf",
          "sss_activation migrate", false, false },
        { "listed, and the monitor is down", LINE("nss"), NSS, true, false, "inactive", "enabled", NULL, "listed",
          "listed in config/sssd.conf", "sss_activation migrate", true, true },
        { "listed meanwhile", LINE("nss"), NSS, false, true, NULL, NULL, NULL, "changed",
          "not listed when sssd started; that has changed since", "systemctl restart sssd.service", false, false },
        { "no longer listed", NO_LINE, NSS, true, true, "inactive", "enabled", NULL, "changed",
          "listed when sssd started; that has changed since", "systemctl restart sssd.service", false, false },
        { "implied", "[sssd]\ndomains = d\n[domain/d]\nid_provider = ad\n", PAC, true, true, "inactive", "enabled",
          NULL, "implied", "SSSD adds it for an AD or IPA domain", "", false, false },
        { "refused", LINE("nosuch"), NSS, false, true, NULL, NULL, NULL, "unknown", "the configuration can't be read",
          "systemctl disable --now sss-nss.socket", false, true },
        { "the bus's", NO_LINE, IFP, false, false, NULL, NULL, NULL, "unlisted", "not on a services line", "", false,
          false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        const struct responder *responder = &responders[rows[i].id];
        char text[256];

        print_message("  %s\n", rows[i].label);
        write_configuration(rows[i].configuration);
        monitor_owns(responder->name, rows[i].monitors);
        unit_is(MONITOR, "loaded", rows[i].monitor_runs ? "active" : "inactive", "disabled", 0);
        if (rows[i].socket_active)
            unit_is(responder->sockets[0], "loaded", rows[i].socket_active, rows[i].socket_file, 0);
        if (rows[i].service_active)
            unit_is(responder->service, "loaded", rows[i].service_active, "static", 0);

        (void) read_of(rows[i].id);
        assert_string_equal(view_why_word(view.responders[rows[i].id].why), rows[i].why);
        view_reason(&view, &view.responders[rows[i].id], text, sizeof(text));
        assert_string_equal(text, rows[i].reason);
        view_change(&view.responders[rows[i].id], text, sizeof(text));
        assert_string_equal(text, rows[i].change);
        assert_int_equal(view.responders[rows[i].id].bad, rows[i].bad);
        assert_int_equal(view.degraded, rows[i].degraded);
        view_done(&view);

        monitor_owns(responder->name, false);
        if (responder->sockets[0])
            unit_is(responder->sockets[0], "loaded", "active", "enabled", 0);
        unit_is(responder->service, "loaded", "inactive", "static", 0);
    }
}

static void masked_ones_are_unmasked_together(void **state)
{
    char text[256];

    (void) state;
    write_configuration(NO_LINE);
    unit_is("sss-pam.socket", "masked", "inactive", "masked", 0);
    unit_is("sss-pam-private.socket", "masked", "inactive", "masked", 0);
    view_change(read_of(PAM), text, sizeof(text));
    assert_string_equal(text, "systemctl unmask sss-pam.socket sss-pam-private.socket");
    view_done(&view);
}

static void without_a_configuration_nobody_is_bad(void **state)
{
    char text[256];

    (void) state;
    unit_is("sss-nss.socket", "loaded", "inactive", "enabled", 0);
    (void) read_of(NSS);
    assert_int_equal(view.configuration.verdict, CONFIGURATION_NONE);
    assert_false(view.degraded);
    view_reason(&view, &view.responders[NSS], text, sizeof(text));
    assert_string_equal(text, "no configuration, nobody to ask");
    view_done(&view);
}

static void what_is_not_installed_is_nobodys(void **state)
{
    char text[64];

    (void) state;
    assert_int_equal(unlink("programs/sssd_autofs"), 0);
    unit_is("sss-autofs.service", "loaded", "failed", "static", 0);
    (void) read_of(AUTOFS);
    assert_string_equal(view_owner_word(&view.responders[AUTOFS]), "none");
    assert_string_equal(view_why_word(view.responders[AUTOFS].why), "not-installed");
    view_reason(&view, &view.responders[AUTOFS], text, sizeof(text));
    assert_string_equal(text, "not installed");
    view_change(&view.responders[AUTOFS], text, sizeof(text));
    assert_string_equal(text, "");
    assert_false(view.degraded);
    view_done(&view);
}

static void a_hold_and_a_failed_monitor_are_degraded(void **state)
{
    (void) state;
    assert_false((read_of(NSS), view.degraded));
    view_done(&view);
    set_flag(FLAG_HELD, true);
    assert_true((read_of(NSS), view.held && view.degraded));
    view_done(&view);
    set_flag(FLAG_HELD, false);
    unit_is(MONITOR, "loaded", "failed", "disabled", 0);
    assert_true((read_of(NSS), view.degraded));
    view_done(&view);
}

/* The launcher is known by its short name. */
static void a_launcher_that_refuses_is_no_responder(void **state)
{
    int ready[2], pid;
    char byte;

    (void) state;
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
        (void) prctl(PR_SET_NAME, "launch");
        (void) write(ready[1], "x", 1); /* else the test hangs, and is ended */
        for (;;)
            (void) pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    unit_is("sss-nss.service", "loaded", "active", "static", pid);
    unit_is("sss-ssh.service", "loaded", "active", "static", getpid());
    (void) read_of(NSS);
    assert_int_equal(view.responders[NSS].pid, pid);
    assert_string_equal(view_type_word(&view.responders[NSS]), "refusing");
    assert_string_equal(view_type_word(&view.responders[SSH]), "socket");
    assert_string_equal(view_type_word(&view.responders[IFP]), "dbus");
    view_done(&view);
    (void) kill(pid, SIGKILL); /* it is ours and still there */
    (void) exit_status_of(pid);
}

static void idle_timeouts_are_the_configurations(void **state)
{
    static const struct {
        const char *value;
        unsigned long sec;
    } rows[] = {
        { NULL, 300 }, { "0", 0 },     { "1", 60 },   { "59", 60 },   { "60", 60 },
        { "61", 61 },  { "900", 900 }, { "-1", 300 }, { "10s", 300 }, { "99999999999999999999", 300 },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct configuration_view configuration;
        char text[256];

        print_message("  %s\n", rows[i].value ? rows[i].value : "none");
        (void) snprintf(text, sizeof(text), NO_LINE "[nss]\n%s%s\n", rows[i].value ? "responder_idle_timeout = " : "",
                        rows[i].value ? rows[i].value : ""); /* fits */
        write_configuration(text);
        configuration_view_read(&configuration);
        assert_int_equal(configuration.verdict, CONFIGURATION_OK);
        assert_int_equal(configuration_view_idle_sec(&configuration, &responders[NSS]), rows[i].sec);
        assert_int_equal(configuration_view_idle_sec(&configuration, &responders[PAM]), 300);
        configuration_view_done(&configuration);
    }
}

static int read_as_nobody(void *userdata)
{
    struct configuration_view configuration;
    bool ok;

    (void) userdata;
    drop_root();
    configuration_view_read(&configuration);
    ok = configuration.verdict == CONFIGURATION_UNREADABLE && configuration.says &&
         strcmp(view_configuration_word(configuration.verdict), "unreadable") == 0;
    configuration_view_done(&configuration);
    return ok ? 0 : 1;
}

static void what_others_may_not_read_is_unreadable_not_refused(void **state)
{
    (void) state;
    write_configuration(NO_LINE);
    assert_int_equal(in_child(read_as_nobody, NULL), 0);
}

static void without_systemd_or_state_it_is_an_error(void **state)
{
    (void) state;
    assert_int_equal(unlink("systemctl"), 0);
    assert_int_equal(view_read(&view), -ENOENT);
    machine_systemctl("exit 0");
    assert_int_equal(rename("state", "elsewhere"), 0);
    assert_int_equal(view_read(&view), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MACHINE(a_socket_is_what_its_unit_is),
        IN_MACHINE(of_two_sockets_the_one_that_does_not_listen_counts),
        IN_MACHINE(each_state_has_its_reason_and_its_command),
        IN_MACHINE(masked_ones_are_unmasked_together),
        IN_MACHINE(without_a_configuration_nobody_is_bad),
        IN_MACHINE(what_is_not_installed_is_nobodys),
        IN_MACHINE(a_hold_and_a_failed_monitor_are_degraded),
        IN_MACHINE(a_launcher_that_refuses_is_no_responder),
        IN_MACHINE(idle_timeouts_are_the_configurations),
        IN_MACHINE(what_others_may_not_read_is_unreadable_not_refused),
        IN_MACHINE(without_systemd_or_state_it_is_an_error),
    };

    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
