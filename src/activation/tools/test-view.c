/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of view.c, with a PID 1 of their own, real sockets, state and configurations. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/own-engine.h"
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
        assert_string_equal(view_socket_words[view.responders[SSH].socket], rows[i].word);
        view_done(&view);
    }
    assert_int_equal(read_of(IFP)->socket, SOCKET_DBUS);
    assert_string_equal(view_socket_words[SOCKET_DBUS], "D-Bus");
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

        print_message("  %s\n", rows[i].label);
        write_configuration(rows[i].configuration);
        monitor_owns(responder->name, rows[i].monitors);
        unit_is(MONITOR, "loaded", rows[i].monitor_runs ? "active" : "inactive", "disabled", 0);
        if (rows[i].socket_active)
            unit_is(responder->sockets[0], "loaded", rows[i].socket_active, rows[i].socket_file, 0);
        if (rows[i].service_active)
            unit_is(responder->service, "loaded", rows[i].service_active, "static", 0);

        (void) read_of(rows[i].id);
        assert_string_equal(view_why_words[view.responders[rows[i].id].why], rows[i].why);
        assert_string_equal(view.responders[rows[i].id].reason, rows[i].reason);
        assert_string_equal(view.responders[rows[i].id].change, rows[i].change);
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
    (void) state;
    write_configuration(NO_LINE);
    unit_is("sss-pam.socket", "masked", "inactive", "masked", 0);
    unit_is("sss-pam-private.socket", "masked", "inactive", "masked", 0);
    assert_string_equal(read_of(PAM)->change, "systemctl unmask sss-pam.socket sss-pam-private.socket");
    view_done(&view);
}

/* Its sockets stay closed by their conditions. */
static void without_a_configuration_nobody_is_bad(void **state)
{
    (void) state;
    administrator_stops();
    (void) read_of(NSS);
    assert_int_equal(view.configuration.verdict, CONFIGURATION_NONE);
    assert_false(view.degraded);
    assert_string_equal(view.responders[NSS].reason, "no configuration, nobody to ask");
    view_done(&view);
}

static void what_is_not_installed_is_nobodys(void **state)
{
    (void) state;
    assert_int_equal(unlink("programs/sssd_autofs"), 0);
    unit_is("sss-autofs.service", "loaded", "failed", "static", 0);
    (void) read_of(AUTOFS);
    assert_string_equal(view_owner_word(&view.responders[AUTOFS]), "none");
    assert_string_equal(view_why_words[view.responders[AUTOFS].why], "not-installed");
    assert_string_equal(view.responders[AUTOFS].reason, "not installed");
    assert_string_equal(view.responders[AUTOFS].change, "");
    assert_false(view.degraded);
    view_done(&view);
}

static void what_an_administrator_stopped_is_held_and_degraded(void **state)
{
    static const struct {
        const char *label, *unit, *line;
        bool held;
    } rows[] = {
        { "stopped", MONITOR, "ActiveState=inactive", true },
        { "failed, and its sockets are closed", MONITOR, "ActiveState=failed", true },
        { "started", MONITOR, "ActiveState=active", false },
        { "about to start", MONITOR, "Job=start", false },
        { "one socket listens", "sss-ssh.socket", "ActiveState=active", false },
        { "one opens again by itself", "sss-retry@sss-ssh.timer", "ActiveState=active", false },
        { "one was switched off before", "sss-ssh.socket", "UnitFileState=disabled", true },
    };

    (void) state;
    write_configuration(NO_LINE);
    assert_false((read_of(NSS), view.held || view.degraded));
    view_done(&view);
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        administrator_stops();
        unit_has(rows[i].unit, rows[i].line);
        (void) read_of(NSS);
        assert_int_equal(view.held, rows[i].held);
        assert_true(view.degraded); /* else for a socket that is closed */
        view_done(&view);
        (void) unlink("units/sss-retry@sss-ssh.timer"); /* of some rows */
    }
}

static void what_keeps_the_monitor_from_serving_is_degraded_and_named(void **state)
{
    static const struct {
        const char *label, *lines[4], *trouble;
    } rows[] = {
        { "at rest", { NULL }, "" },
        { "masked", { "LoadState=masked" }, "sssd.service is masked" },
        { "there is none", { "LoadState=not-found" }, "sssd.service is not-found" },
        { "failed", { "ActiveState=failed" }, "sssd.service has failed (see: systemctl status sssd.service)" },
        { "skipped",
          { "ConditionTimestamp=7", "ConditionResult=no", "Conditions=ConditionHost 0 0 elsewhere -1" },
          "sssd.service was skipped at its last start: ConditionHost=elsewhere" },
        { "skipped by the second, which is negated",
          { "ConditionTimestamp=7", "ConditionResult=no",
            "Conditions=ConditionPathExists 0 0 /there 1;ConditionPathExists 0 1 /not-there -1" },
          "sssd.service was skipped at its last start: ConditionPathExists=!/not-there" },
        { "skipped by the first of two",
          { "ConditionTimestamp=7", "ConditionResult=no",
            "Conditions=ConditionHost 0 0 elsewhere -1;ConditionPathExists 0 0 /there 1" },
          "sssd.service was skipped at its last start: ConditionHost=elsewhere" },
        { "failed before, skipped since",
          { "ActiveState=failed", "ConditionTimestamp=7", "ConditionResult=no", "Conditions=ConditionHost 0 0 elsewhere -1" },
          "sssd.service was skipped at its last start: ConditionHost=elsewhere" },
        { "no condition was in its way",
          { "ConditionTimestamp=7", "ConditionResult=yes", "Conditions=ConditionHost 0 0 here 1" }, "" },
        { "never started", { "ConditionTimestamp=0", "ConditionResult=no", "Conditions=ConditionHost 0 0 elsewhere 0" }, "" },
        { "skipped, and it runs",
          { "ActiveState=active", "ConditionTimestamp=7", "ConditionResult=no", "Conditions=ConditionHost 0 0 elsewhere -1" },
          "" },
    };

    (void) state;
    write_configuration(NO_LINE);
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        unit_is(MONITOR, "loaded", "inactive", "disabled", 0);
        for (size_t k = 0; k < N_OF(rows[i].lines) && rows[i].lines[k]; k++)
            unit_has(MONITOR, rows[i].lines[k]);
        (void) read_of(NSS);
        assert_string_equal(view.trouble, rows[i].trouble);
        assert_int_equal(view.degraded, rows[i].trouble[0] != '\0');
        view_done(&view);
    }
}

static void a_monitor_that_was_skipped_for_want_of_a_configuration_is_no_trouble(void **state)
{
    (void) state;
    unit_has(MONITOR, "ConditionTimestamp=7");
    unit_has(MONITOR, "ConditionResult=no");
    unit_has(MONITOR, "Conditions=ConditionPathExists 1 0 /etc/sssd/sssd.conf -1;ConditionHost 0 0 elsewhere -1");
    (void) read_of(NSS);
    assert_string_equal(view.trouble, "");
    assert_false(view.degraded);
    view_done(&view);
    unit_has(MONITOR, "ActiveState=failed"); /* of before it was taken away */
    (void) read_of(NSS);
    assert_string_equal(view.trouble, "");
    view_done(&view);
}

static void a_socket_whose_path_is_gone_is_unreachable(void **state)
{
    static const struct {
        const char *label, *path, *service;
        enum responder_id id;
        int becomes; /* -1: nothing, 0: a file, else a socket of that type */
    } rows[] = {
        { "deleted", "pipes/ssh", "inactive", SSH, -1 },
        { "a file", "pipes/sudo", "inactive", SUDO, 0 },
        { "a socket of datagrams", "pipes/autofs", "inactive", AUTOFS, SOCK_DGRAM },
        { "deleted while it runs", "pipes/nss", "active", NSS, -1 },
        { "the second of two", "pipes/private/pam", "inactive", PAM, -1 },
    };

    (void) state;
    write_configuration(NO_LINE);
    unit_is(MONITOR, "loaded", "active", "disabled", 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        const struct responder_view *responder;
        int fd = -1;

        print_message("  %s\n", rows[i].label);
        responder = read_of(rows[i].id);
        assert_int_equal(responder->socket, SOCKET_LISTENING);
        assert_false(responder->bad);
        view_done(&view);

        assert_int_equal(unlink(rows[i].path), 0);
        if (rows[i].becomes > 0)
            fd = socket_at(rows[i].path, rows[i].becomes, false);
        else if (rows[i].becomes == 0)
            write_text(rows[i].path, "");
        unit_is(responders[rows[i].id].service, "loaded", rows[i].service, "static", 0);
        responder = read_of(rows[i].id);
        assert_string_equal(view_socket_words[responder->socket], "unreachable");
        assert_true(responder->bad && view.degraded);
        assert_string_equal(responder->reason, "its path is gone, or somebody else's");
        assert_string_equal(responder->change, "sss_activation apply");
        view_done(&view);
        if (fd >= 0)
            (void) close(fd); /* nobody came */
    }
}

static void while_its_sockets_are_closed_for_a_while_it_refuses(void **state)
{
    static const struct {
        const char *label, *service, *refusal;
        int mode; /* of its program; 0: it is not there */
        const char *owner, *reason;
    } rows[] = {
        { "it ended", "failed", "it ended badly 3 times in a row: exit-code, status 1", 0755, "systemd",
          "it ended badly 3 times in a row: exit-code, status 1" },
        { "reset since", "inactive", "it ended badly 3 times in a row: signal, status SEGV", 0755, "systemd",
          "it ended badly 3 times in a row: signal, status SEGV" },
        { "nobody knows", "failed", NULL, 0755, "systemd", "it ended badly again and again" },
        { "not executable", "failed", "it ended badly 3 times in a row: exit-code, status 1", 0644, "systemd",
          "programs/sssd_nss can't be run" },
        { "not there", "inactive", NULL, 0, "none", "programs/sssd_nss can't be run" },
    };

    (void) state;
    write_configuration(NO_LINE);
    unit_is("sss-nss.socket", "loaded", "inactive", "enabled", 0);
    unit_is("sss-retry@sss-nss.timer", "loaded", "active", "static", 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        const struct responder_view *nss;

        print_message("  %s\n", rows[i].label);
        unit_is("sss-nss.service", "loaded", rows[i].service, "static", 0);
        is_refused_since("nss", rows[i].refusal);
        assert_int_equal(rows[i].mode ? chmod("programs/sssd_nss", (mode_t) rows[i].mode) : unlink("programs/sssd_nss"), 0);

        nss = read_of(NSS);
        assert_string_equal(view_socket_words[nss->socket], "refusing");
        assert_true(nss->bad && view.degraded);
        assert_false(view.held);
        assert_string_equal(view_owner_word(nss), rows[i].owner);
        assert_string_equal(nss->reason, rows[i].reason);
        assert_string_equal(nss->change, "systemctl status sss-nss.service");
        assert_false(view.responders[SSH].bad);
        view_done(&view);
    }
}

static void sockets_that_are_open_again_do_not_refuse(void **state)
{
    (void) state;
    write_configuration(NO_LINE);
    is_refused_since("nss", "so");
    unit_is("sss-retry@sss-nss.timer", "loaded", "active", "static", 0);
    assert_int_equal(read_of(NSS)->socket, SOCKET_LISTENING); /* by hand */
    assert_string_equal(view.responders[NSS].trouble, "");
    assert_false(view.degraded);
    view_done(&view);
    unit_is("sss-retry@sss-nss.timer", "loaded", "inactive", "static", 0);
    unit_is("sss-nss.socket", "loaded", "inactive", "enabled", 0);
    assert_int_equal(read_of(NSS)->socket, SOCKET_CLOSED);
    assert_string_equal(view.responders[NSS].trouble, "");
    view_done(&view);
}

/* The launcher is known by its short name. */
static int launcher_starts(void)
{
    int ready[2], pid;
    char byte;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
        (void) prctl(PR_SET_NAME, "launch");
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            (void) pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void) close(ready[0]); /* it has said what it had to */
    (void) close(ready[1]);
    return pid;
}

static void launcher_ends(int pid)
{
    (void) kill(pid, SIGKILL); /* it is ours and still there */
    (void) exit_status_of(pid);
}

static void a_launcher_that_refuses_is_no_responder(void **state)
{
    int pid = launcher_starts();

    (void) state;
    unit_is("sss-nss.service", "loaded", "active", "static", pid);
    unit_is("sss-ssh.service", "loaded", "active", "static", getpid());
    (void) read_of(NSS);
    assert_int_equal(view.responders[NSS].pid, pid);
    assert_string_equal(view_type_word(&view.responders[NSS]), "refusing");
    assert_string_equal(view_type_word(&view.responders[SSH]), "socket");
    assert_string_equal(view_type_word(&view.responders[IFP]), "dbus");
    view_done(&view);
    launcher_ends(pid);
}

static void a_launcher_refuses_unless_it_waits_for_a_monitor_that_starts(void **state)
{
    static const struct {
        const char *label, *lines[2], *reason; /* NULL: it waits */
    } rows[] = {
        { "the monitor can't be started", { NULL }, "the monitor can't be had, as the journal says" },
        { "failed", { "ActiveState=failed" }, "sssd.service has failed (see: systemctl status sssd.service)" },
        { "masked", { "LoadState=masked" }, "sssd.service is masked" },
        { "starting", { "ActiveState=activating" }, NULL },
        { "about to start", { "Job=start" }, NULL },
        { "between the halves of a restart", { "ActiveState=deactivating", "Job=restart" }, NULL },
    };
    int pid = launcher_starts();

    (void) state;
    write_configuration(NO_LINE);
    unit_is("sss-nss.service", "loaded", "active", "static", pid);
    for (size_t i = 0; i < N_OF(rows); i++) {
        const struct responder_view *nss;

        print_message("  %s\n", rows[i].label);
        unit_is(MONITOR, "loaded", "inactive", "disabled", 0);
        for (size_t k = 0; k < N_OF(rows[i].lines) && rows[i].lines[k]; k++)
            unit_has(MONITOR, rows[i].lines[k]);
        nss = read_of(NSS);
        assert_string_equal(view_type_word(nss), rows[i].reason ? "refusing" : "socket");
        assert_int_equal(nss->bad, rows[i].reason != NULL);
        assert_int_equal(view.degraded, rows[i].reason != NULL);
        assert_string_equal(nss->reason, rows[i].reason ? rows[i].reason : "not on a services line");
        view_done(&view);
    }
    launcher_ends(pid);
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
        assert_int_equal(responder_idle_sec(configuration.config, "nss"), rows[i].sec);
        assert_int_equal(responder_idle_sec(configuration.config, "pam"), 300);
        configuration_view_done(&configuration);
    }
}

static void our_own_daemons_take_shorter_ones_and_units(void **state)
{
    static const struct {
        const char *value;
        unsigned long sec;
    } rows[] = {
        { "0", 0 }, { "1", 1 }, { "61", 61 }, { "1500ms", 1 }, { "2s", 2 }, { "2min", 120 }, { "1h", 3600 }, { "-1", 300 },
    };

    (void) state;
    own_is_configured();
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct configuration_view configuration;
        char text[256];

        print_message("  %s\n", rows[i].value);
        (void) snprintf(text, sizeof(text), NO_LINE "[nss]\nresponder_idle_timeout = %s\n", rows[i].value); /* fits */
        write_configuration(text);
        configuration_view_read(&configuration);
        assert_int_equal(responder_idle_sec(configuration.config, "nss"), rows[i].sec);
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
         strcmp(view_configuration_words[configuration.verdict], "unreadable") == 0;
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
    pid1_stops();
    assert_int_equal(view_read(&view), -ENOTCONN);
    pid1_starts();
    assert_int_equal(view_read(&view), 0);
    view_done(&view);
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
        IN_MACHINE(what_an_administrator_stopped_is_held_and_degraded),
        IN_MACHINE(what_keeps_the_monitor_from_serving_is_degraded_and_named),
        IN_MACHINE(a_monitor_that_was_skipped_for_want_of_a_configuration_is_no_trouble),
        IN_MACHINE(a_socket_whose_path_is_gone_is_unreachable),
        IN_MACHINE(while_its_sockets_are_closed_for_a_while_it_refuses),
        IN_MACHINE(sockets_that_are_open_again_do_not_refuse),
        IN_MACHINE(a_launcher_that_refuses_is_no_responder),
        IN_MACHINE(a_launcher_refuses_unless_it_waits_for_a_monitor_that_starts),
        IN_MACHINE(idle_timeouts_are_the_configurations),
        IN_MACHINE(our_own_daemons_take_shorter_ones_and_units),
        IN_MACHINE(what_others_may_not_read_is_unreadable_not_refused),
        IN_MACHINE(without_systemd_or_state_it_is_an_error),
    };

    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
