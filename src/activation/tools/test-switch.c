/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of switch.c, with a PID 1 of their own, whose reload takes the word as our generator does. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "lib/manager.h"
#include "test/own-engine.h"
#include "tools/switch.h"
#include "tools/test-machine.h"
#include "tools/trial.h"

/* Processes that are the monitors of either engine. */
static pid_t monitors[2];
enum { SSSDS, OURS };

static pid_t start_monitor(const char *program)
{
    char path[64], name[32] = "";
    pid_t pid;

    (void) fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void) alarm(120);
        (void) execl(program, program, "120", NULL);
        _exit(127);
    }
    (void) snprintf(path, sizeof(path), "/proc/%d/comm", pid);
    while (strncmp(name, "test-", 5) == 0 || !name[0]) /* until it is another */
        (void) snprintf(name, sizeof(name), "%s", read_text(path));
    return pid;
}

/* own-script: what our own says to --check-config; it never runs as that. */
static void own_says(const char *script)
{
    write_text("answer", script);
}

static int switch_enter(void **state)
{
    char text[512];

    if (geteuid() != 0) { /* only root's configuration is believed */
        *state = NULL;
        return machine_enter(state);
    }
    if (machine_enter(state) < 0)
        return -1;
    /* Two of the same kind, in their engines' folders. */
    assert_int_equal(mkdir(ENGINE_DIR, 0755), 0);
    assert_int_equal(system("cp \"$(command -v sleep)\" programs/sssd && cp \"$(command -v sleep)\" " ENGINE_DIR "/as-monitor"), 0);
    monitors[SSSDS] = start_monitor("programs/sssd");
    monitors[OURS] = start_monitor(ENGINE_DIR "/as-monitor");
    own_is_installed("#!/bin/sh\n. ./answer\n");
    own_says("exit 0");
    unit_is(MONITOR_SOCKET, "not-found", "inactive", "", 0);
    unit_is(TRIAL_TIMER, "loaded", "inactive", "static", 0);
    unit_is("sssd-ifp.service", "loaded", "inactive", "static", 0);
    write_configuration(NO_LINE);

    write_text("on-reload", "#!/bin/sh\n"
                            "if [ \"$(cat " ENGINE_FILE " 2>/dev/null)\" = own ]; then\n"
                            "    [ -e deaf ] || : > generated\n"
                            "    printf 'LoadState=loaded\\nActiveState=active\\n' > units/" MONITOR_SOCKET "\n"
                            "else rm -f generated; fi\n");
    assert_int_equal(chmod("on-reload", 0755), 0);
    /* sssd.service becomes what systemd was told; it does not where ./broken-OWN says so. */
    (void) snprintf(text, sizeof(text),
                    "echo \"$1 $2 own=$([ -e generated ] && echo yes)\" >> done\n"
                    "case $1 in Stop) has $2 ActiveState=inactive; exit;; esac\n"
                    "has $2 ActiveState=active\n"
                    "[ $2 = sssd.service ] || exit 0\n"
                    "if [ -e generated ]; then has $2 MainPID=%d; word=own; else has $2 MainPID=%d; word=sssd; fi\n"
                    "if [ -e broken-$word ]; then has $2 ActiveState=failed; has $2 MainPID=0; echo failed; fi\n",
                    monitors[OURS], monitors[SSSDS]);
    jobs_do(text);
    return 0;
}

static int switch_leave(void **state)
{
    for (size_t i = 0; i < N_OF(monitors) && monitors[i] > 0; i++) {
        (void) kill(monitors[i], SIGKILL);
        (void) exit_status_of(monitors[i]);
        monitors[i] = 0;
    }
    return machine_leave(state);
}

#define IN_SWITCH(test) cmocka_unit_test_setup_teardown(test, switch_enter, switch_leave)
#define NEEDS_ROOT()    \
    do {                \
        if (geteuid())  \
            skip();     \
    } while (0)

static void sssd_runs(void)
{
    unit_is(MONITOR, "loaded", "active", "enabled", monitors[SSSDS]);
    (void) unlink(ENGINE_FILE);
    (void) unlink("generated");
}

static void own_runs(void)
{
    unit_is(MONITOR, "loaded", "active", "enabled", monitors[OURS]);
    unit_is(MONITOR_SOCKET, "loaded", "active", "", 0);
    write_text(ENGINE_FILE, "own\n");
    write_text("generated", "");
}

static int run_quietly(void *userdata)
{
    const struct switch_options *options = userdata;

    (void) unsetenv("JOURNAL_STREAM"); /* a person reads it */
    return freopen("said", "w", stdout) && dup2(STDOUT_FILENO, STDERR_FILENO) >= 0 ? switch_engine(options) : 255;
}

static int switched(struct switch_options options)
{
    return in_child(run_quietly, &options);
}

#define SWITCHED(...) switched((struct switch_options) { __VA_ARGS__ })

static bool said(const char *text)
{
    if (strstr(read_text("said"), text))
        return true;
    print_message("said: %s", read_text("said"));
    return false;
}

/* This before that among what PID 1 was told. */
static bool in_order(const char *one, const char *other)
{
    CLEANUP(freep) char *calls = strdup(pid1_calls());
    const char *a = strstr(calls, one), *b = strstr(calls, other);

    if (!a || !b || a > b)
        print_message("calls: %s", calls);
    return a && b && a < b;
}

static void to_own_is_a_word_a_reload_and_a_restart(void **state)
{
    struct stat st;

    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    assert_int_equal(SWITCHED(.word = "own"), EXIT_SUCCESS);
    assert_string_equal(read_text(ENGINE_FILE), "own\n");
    assert_int_equal(stat(ENGINE_FILE, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_true(said("own serves\n") && said("back: sss_activation engine sssd\n"));
    assert_true(in_order("Reload\n", "Restart sssd.service replace\n"));
    assert_string_equal(read_text("data/last"), "sssd\n"); /* what ran; the hook of the next start says the rest */
    assert_false(file_exists(ENGINE_TRY));
}

static void what_own_lacks_is_closed_before_and_what_it_has_stays(void **state)
{
    static const char *const closed[] = { "Stop sss-pam.socket replace\n", "Stop sss-pam-private.socket replace\n",
                                          "Stop sss-ssh.socket replace\n", "Stop sss-sudo.socket replace\n",
                                          "Stop sss-autofs.socket replace\n", "Stop sss-pac.socket replace\n",
                                          "Stop sssd-ifp.service replace\n" };

    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    unit_is("sssd-ifp.service", "loaded", "active", "static", 0);
    assert_int_equal(SWITCHED(.word = "own"), EXIT_SUCCESS);
    for (size_t i = 0; i < N_OF(closed); i++)
        assert_true(in_order(closed[i], "Restart sssd.service replace\n"));
    assert_true(in_order("Reload\n", "Stop sss-pam.socket")); /* or the restart of somebody else would open it again */
    assert_null(strstr(pid1_calls(), "sss-nss.socket"));
}

static void to_sssd_the_monitors_socket_closes(void **state)
{
    (void) state;
    NEEDS_ROOT();
    own_runs();
    assert_int_equal(SWITCHED(.word = "sssd"), EXIT_SUCCESS);
    assert_string_equal(read_text(ENGINE_FILE), "sssd\n");
    assert_true(said("sssd serves\n") && said("back: sss_activation engine own\n"));
    assert_true(in_order("Reload\n", "Stop " MONITOR_SOCKET " replace\n"));
    assert_true(in_order("Stop " MONITOR_SOCKET " replace\n", "Restart sssd.service replace\n"));
    assert_string_equal(read_text("data/last"), "own\n"); /* so its memory caches go in that start */
}

static void a_configuration_that_own_refuses_is_told_with_its_lines(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    own_says("echo 'sssd.conf:4: [domain/d] id_provider: this build does not have \"ldap\"'; exit 1");
    for (int force = 0; force < 2; force++) {
        assert_int_equal(SWITCHED(.word = "own", .force = force), EXIT_FAILURE);
        assert_true(said("refused: own does not take the configuration:\nsssd.conf:4: [domain/d] id_provider"));
    }
    assert_false(file_exists(ENGINE_FILE));
    assert_string_equal(pid1_calls(), "");
}

static void without_its_programs_or_under_selinux_own_is_refused(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    write_text("selinux-refuses", "");
    assert_int_equal(SWITCHED(.word = "own"), EXIT_FAILURE);
    assert_true(said("refused: SELinux enforces"));
    (void) unlink("selinux-refuses");
    assert_int_equal(unlink(ENGINE_DIR "/sssd_be"), 0);
    assert_int_equal(SWITCHED(.word = "own"), EXIT_FAILURE);
    assert_true(said("refused: own/sssd_be is not there: install sssd-ondemand-daemons"));
    assert_false(file_exists(ENGINE_FILE));
}

static void to_sssd_with_ldif_takes_force(void **state)
{
    (void) state;
    NEEDS_ROOT();
    own_runs();
    write_configuration("[sssd]\ndomains = d\n[domain/d]\nid_provider = ldif\n");
    assert_int_equal(SWITCHED(.word = "sssd"), EXIT_FAILURE);
    assert_true(said("refused: sssd does not take the configuration:\n[domain/d] id_provider: SSSD has no \"ldif\"\n(--force"));
    assert_string_equal(pid1_calls(), "");
    assert_int_equal(SWITCHED(.word = "sssd", .force = true), EXIT_SUCCESS);
    assert_string_equal(read_text(ENGINE_FILE), "sssd\n");
}

static void one_that_does_not_come_up_is_taken_back(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    write_text("broken-own", "");
    assert_int_equal(SWITCHED(.word = "own"), EXIT_FAILURE);
    assert_true(said("sssd.service did not start") && said("failed: sssd serves, as before\n"));
    assert_false(file_exists(ENGINE_FILE));
    assert_false(file_exists("generated"));
    assert_true(said("is being restarted"));

    own_runs();
    (void) unlink("calls");
    write_text("broken-sssd", "");
    (void) unlink("broken-own");
    assert_int_equal(SWITCHED(.word = "sssd"), EXIT_FAILURE);
    assert_true(said("failed: own serves, as before\n"));
    assert_string_equal(read_text(ENGINE_FILE), "own\n");
    assert_true(file_exists("generated"));
}

static void where_both_fail_that_is_said(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    write_text("broken-own", "");
    write_text("broken-sssd", "");
    assert_int_equal(SWITCHED(.word = "own"), EXIT_FAILURE);
    assert_true(said("failed, and the way back to sssd failed too: see sss_activation status\n"));
    assert_false(file_exists(ENGINE_FILE)); /* the word at least */
}

static void a_reload_that_fails_or_has_no_effect_is_taken_back(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    write_text("deaf", ""); /* the generator does not run */
    assert_int_equal(SWITCHED(.word = "own"), EXIT_FAILURE);
    assert_true(said("but not for engine own") && said("failed: sssd serves, as before\n"));
    assert_false(file_exists(ENGINE_FILE));
    (void) unlink("deaf");

    write_text("errors", "Reload - org.freedesktop.DBus.Error.AccessDenied\n");
    assert_int_equal(SWITCHED(.word = "own"), EXIT_FAILURE);
    assert_true(said("systemd cannot reload its units"));
    assert_false(file_exists(ENGINE_FILE));
}

static void a_socket_that_is_closed_is_told_of(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    assert_int_equal(SWITCHED(.word = "own"), EXIT_SUCCESS);
    assert_null(strstr(read_text("said"), "is not open"));
    assert_int_equal(SWITCHED(.word = "sssd"), EXIT_SUCCESS);
    unit_is("sss-nss.socket", "loaded", "inactive", "disabled", 0);
    assert_int_equal(SWITCHED(.word = "own"), EXIT_SUCCESS);
    assert_true(said("systemctl enable --now sss-nss.socket"));
}

static void a_dry_run_changes_nothing(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    assert_int_equal(SWITCHED(.word = "own", .dry = true, .minutes = 7), EXIT_SUCCESS);
    assert_true(said("engine would say own\n") && said("nobody would serve pam: our own engine has no such responder\n") &&
                said("sssd would come back after 7 min") && said("dry run: nothing was changed\n"));
    assert_null(strstr(read_text("said"), "serve nss"));
    assert_string_equal(pid1_calls(), "");
    assert_false(file_exists(ENGINE_FILE));
    own_says("exit 1");
    assert_int_equal(SWITCHED(.word = "own", .dry = true), EXIT_FAILURE);
}

static void what_is_there_already_is_left_alone(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    assert_int_equal(SWITCHED(.word = "sssd"), EXIT_SUCCESS);
    assert_true(said("nothing to do: the engine is sssd\n"));
    own_runs();
    assert_int_equal(SWITCHED(.word = "own"), EXIT_SUCCESS);
    assert_true(said("nothing to do: the engine is own\n"));
    assert_string_equal(pid1_calls(), "");
}

static void a_word_that_nobody_has_followed_is_followed(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    write_text(ENGINE_FILE, "own\n"); /* an editor's */
    assert_int_equal(SWITCHED(.word = "own"), EXIT_SUCCESS);
    assert_true(in_order("Reload\n", "Restart sssd.service replace\n"));
    (void) unlink("calls");
    own_runs();
    write_text(ENGINE_FILE, "nonsense\n");
    assert_int_equal(SWITCHED(.word = "sssd"), EXIT_SUCCESS);
    assert_string_equal(read_text(ENGINE_FILE), "sssd\n");
}

static void an_administrators_stop_stands(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    administrator_stops();
    assert_int_equal(SWITCHED(.word = "own"), EXIT_SUCCESS);
    assert_true(said("sssd.service was stopped, and stays so until: sss_activation release\n"));
    assert_string_equal(pid1_calls(), "Reload\n");
    assert_string_equal(read_text(ENGINE_FILE), "own\n");
}

static void one_that_is_masked_is_not_started(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    unit_is(MONITOR, "masked", "inactive", "masked", 0);
    assert_int_equal(SWITCHED(.word = "own"), EXIT_SUCCESS);
    assert_true(said("sssd.service is masked, and stays so\n"));
}

static void a_trial_is_noted_before_and_its_timer_runs_before_the_restart(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    assert_int_equal(SWITCHED(.word = "own", .minutes = 7), EXIT_SUCCESS);
    assert_true(said("sssd comes back in 7 min, and with a boot, unless you type: sss_activation engine --keep\n"));
    assert_string_equal(read_text(ENGINE_TRY), "sssd\n");
    assert_true(trial_is_on());
    assert_true(in_order("Reload\n", "Restart sss-engine-back.timer replace\n"));
    assert_true(in_order("Restart sss-engine-back.timer replace\n", "Restart sssd.service replace\n"));

    assert_int_equal(SWITCHED(.keep = true), EXIT_SUCCESS);
    assert_true(said("own stays\n"));
    assert_false(trial_is_on());
    assert_string_equal(read_text(ENGINE_FILE), "own\n");
    assert_int_equal(SWITCHED(.keep = true), EXIT_SUCCESS);
    assert_true(said("nothing to do: no engine is there for a trial\n"));
}

static void a_trial_without_its_timer_is_none(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    write_text("errors", "Restart sss-engine-back.timer org.freedesktop.systemd1.NoSuchUnit\n");
    assert_int_equal(SWITCHED(.word = "own", .minutes = 7), EXIT_FAILURE);
    assert_true(said("cannot start sss-engine-back.timer") && said("failed: sssd serves, as before\n"));
    assert_false(trial_is_on());
    assert_false(file_exists(ENGINE_FILE));
}

static void the_minutes_of_a_second_trial_count_and_the_engine_before_the_first(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    assert_int_equal(SWITCHED(.word = "own", .minutes = 7), EXIT_SUCCESS);
    (void) unlink("calls");
    assert_int_equal(SWITCHED(.word = "own", .minutes = 9, .dry = true), EXIT_SUCCESS);
    assert_string_equal(pid1_calls(), "");
    assert_int_equal(SWITCHED(.word = "own", .minutes = 9), EXIT_SUCCESS);
    assert_true(said("its trial ends in 9 min"));
    assert_string_equal(pid1_calls(), "Reload\nRestart sss-engine-back.timer replace\n");

    (void) unlink("calls");
    assert_int_equal(SWITCHED(.word = "sssd", .minutes = 11), EXIT_SUCCESS);
    assert_false(said("comes back"));
    assert_false(trial_is_on()); /* it has come back */
}

static void a_switch_for_good_ends_a_trial(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    assert_int_equal(SWITCHED(.word = "own", .minutes = 7), EXIT_SUCCESS);
    assert_int_equal(SWITCHED(.word = "sssd"), EXIT_SUCCESS);
    assert_false(trial_is_on());
    assert_false(file_exists(ENGINE_TRY));
}

static int go_back(void *userdata)
{
    CLEANUP(manager_freep) struct manager *manager = NULL;
    struct state opened;

    (void) userdata;
    (void) unsetenv("JOURNAL_STREAM");
    if (!freopen("said", "w", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0 || manager_open(&manager) < 0 ||
        state_open("state", &opened) < 0)
        return 255;
    return switch_back(&opened, manager) < 0;
}

static void when_its_time_is_over_the_word_of_before_comes_back(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    assert_int_equal(SWITCHED(.word = "own", .minutes = 7), EXIT_SUCCESS);
    (void) unlink("calls");
    assert_int_equal(in_child(go_back, NULL), 0);
    assert_true(said("the time of the trial is over: sssd comes back\n"));
    assert_string_equal(read_text(ENGINE_FILE), "sssd\n");
    assert_true(in_order("Reload\n", "Restart sssd.service replace\n"));
    assert_false(file_exists(ENGINE_TRY));
    (void) unlink("calls");
    assert_int_equal(in_child(go_back, NULL), 0); /* somebody was faster */
    assert_string_equal(pid1_calls(), "");
}

/* Whatever its start says: the engine of before is what was promised. */
static void it_comes_back_also_where_it_does_not_start(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    assert_int_equal(SWITCHED(.word = "own", .minutes = 7), EXIT_SUCCESS);
    write_text("broken-sssd", "");
    assert_int_equal(in_child(go_back, NULL), 0);
    assert_string_equal(read_text(ENGINE_FILE), "sssd\n");
    assert_false(trial_is_on());
}

static void without_a_word_it_prints_one(void **state)
{
    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    assert_int_equal(SWITCHED(.word = NULL), EXIT_SUCCESS);
    assert_string_equal(read_text("said"), "sssd\n");
    own_runs();
    assert_int_equal(SWITCHED(.word = NULL), EXIT_SUCCESS);
    assert_string_equal(read_text("said"), "own\n");
    (void) unlink(ENGINE_FILE);
    assert_int_equal(SWITCHED(.word = NULL), EXIT_SUCCESS);
    assert_string_equal(read_text("said"), "sssd\nuntil sssd.service is restarted, own runs\n");
}

static void two_at_once_are_one(void **state)
{
    int lock;

    (void) state;
    NEEDS_ROOT();
    sssd_runs();
    lock = open("state/migrate", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_int_equal(SWITCHED(.word = "own"), EXIT_FAILURE);
    assert_true(said("another engine, migrate or revert is at work"));
    (void) close(lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SWITCH(to_own_is_a_word_a_reload_and_a_restart),
        IN_SWITCH(what_own_lacks_is_closed_before_and_what_it_has_stays),
        IN_SWITCH(to_sssd_the_monitors_socket_closes),
        IN_SWITCH(a_configuration_that_own_refuses_is_told_with_its_lines),
        IN_SWITCH(without_its_programs_or_under_selinux_own_is_refused),
        IN_SWITCH(to_sssd_with_ldif_takes_force),
        IN_SWITCH(one_that_does_not_come_up_is_taken_back),
        IN_SWITCH(where_both_fail_that_is_said),
        IN_SWITCH(a_reload_that_fails_or_has_no_effect_is_taken_back),
        IN_SWITCH(a_socket_that_is_closed_is_told_of),
        IN_SWITCH(a_dry_run_changes_nothing),
        IN_SWITCH(what_is_there_already_is_left_alone),
        IN_SWITCH(a_word_that_nobody_has_followed_is_followed),
        IN_SWITCH(an_administrators_stop_stands),
        IN_SWITCH(one_that_is_masked_is_not_started),
        IN_SWITCH(a_trial_is_noted_before_and_its_timer_runs_before_the_restart),
        IN_SWITCH(a_trial_without_its_timer_is_none),
        IN_SWITCH(the_minutes_of_a_second_trial_count_and_the_engine_before_the_first),
        IN_SWITCH(a_switch_for_good_ends_a_trial),
        IN_SWITCH(when_its_time_is_over_the_word_of_before_comes_back),
        IN_SWITCH(it_comes_back_also_where_it_does_not_start),
        IN_SWITCH(without_a_word_it_prints_one),
        IN_SWITCH(two_at_once_are_one),
    };

    return cmocka_run_group_tests_name("switch", tests, NULL, NULL);
}
