/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of hooks.c, with real flags and a script in place of systemctl. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/residency.h"
#include "lib/responders.h"
#include "lib/services.h"
#include "lib/state.h"
#include "test/state-fixture.h"
#include "tools/backends.h"
#include "tools/hooks.h"

#define DOMAIN "domains = d\n[domain/d]\nid_provider = ldap\n"
#define SSSD "[sssd]\n" DOMAIN
#define LINGER "--quiet --no-block restart sss-linger.timer\n"
#define KILL "kill --kill-who=main --signal=TERM sssd.service\n"

/* A systemctl for which units that match the shell's pattern are active, and all are enabled. */
#define UNITS(pattern, more)                                                                     \
    "look_at() { case $1 in " pattern ") is=active ;; *) is=inactive ;; esac; }\n"               \
    "case \"$*\" in\n"                                                                           \
    "is-active*) shift 2; for u; do look_at $u; echo $is; done ;;\n"                             \
    "show*) shift 3; for u; do look_at $u; echo ActiveState=$is; echo UnitFileState=enabled; echo; done ;;\n" \
    more "esac\n"
#define OPEN UNITS("sss-*.socket", "")

/* An answer that tests put together: the monitor is active and nobody enabled it. */
#define MAY_LEAVE "case \"$*\" in *is-enabled*) exit 1 ;; *ActiveState\\ --\\ sssd.service) echo active ;; esac;"

static bool resident; /* what the configuration says below */
static bool offline;  /* and the back ends */

/* In place of the real ones, which have tests of their own. */
int residency_may_leave(const struct config *config, char *why, size_t why_bytes)
{
    (void) config;
    (void) snprintf(why, why_bytes, "it has work"); /* a cut reason is still a reason */
    return !resident;
}

int backends_online(const struct domains *domains, char *why, size_t why_bytes)
{
    assert_int_equal(domains->n, 1);
    (void) snprintf(why, why_bytes, "domain %s is offline", domains->names[0]); /* likewise */
    return !offline;
}

static int hook_enter(void **state)
{
    char pid[16];

    resident = false;
    offline = false;
    if (state_enter(state) < 0 || mkdir("programs", 0755) < 0)
        return -1;
    for (size_t i = 0; i < RESPONDERS; i++) {
        write_text(responders[i].program, "");
        assert_int_equal(chmod(responders[i].program, 0755), 0);
    }
    (void) snprintf(pid, sizeof(pid), "%d", getpid()); /* fits */
    return setenv("MAINPID", pid, 1);                  /* the monitor's, with us in its control group */
}

#define IN_HOOKS(test) cmocka_unit_test_setup_teardown(test, hook_enter, state_leave)

struct hook {
    const char *name, *responder, *result, *status;
};

static int run_hook(void *userdata)
{
    const struct hook *hook = userdata;

    if (!freopen("said", "w", stderr))
        return 255;
    (void) unsetenv("SERVICE_RESULT");
    (void) unsetenv("EXIT_STATUS");
    if (hook->result)
        (void) setenv("SERVICE_RESULT", hook->result, 1);
    if (hook->status)
        (void) setenv("EXIT_STATUS", hook->status, 1);
    return hook_run(hook->name, hook->responder);
}

static int run(const char *name, const char *responder)
{
    struct hook hook = { .name = name, .responder = responder };

    return in_child(run_hook, &hook);
}

static bool said(const char *text)
{
    return strstr(read_text("said"), text) != NULL;
}

static void write_configuration(const char *text)
{
    if (geteuid() != 0)
        skip(); /* only root's is believed */
    (void) mkdir("config", 0700); /* a row before may have made it */
    write_text("config/sssd.conf", text);
    assert_int_equal(chmod("config/sssd.conf", 0600), 0);
}

static void only_an_administrators_stop_holds(void **state)
{
    static const struct {
        const char *label, *answers;
        bool held;
    } rows[] = {
        { "stop", "echo '  117 sssd.service stop running'", true },
        { "stop among others",
          "echo '1 a.service stop waiting\n2 sssd.service stop running\n3 b.socket start waiting'", true },
        { "restart", "echo '117 sssd.service restart running'", false },
        { "start", "echo '117 sssd.service start waiting'", false },
        { "no job", "", false },
        { "no job, in words", "echo 'No jobs running.'", false },
        { "stop of another", "echo '117 sssd-kcm.service stop running'", false },
        { "stop of a longer name", "echo '117 sssd.service.d stop running'", false },
        { "odd lines",
          "echo; echo sssd.service; echo 'x sssd.service stop running'; echo '5 sssd.service'", false },
        { "systemctl fails", "echo '117 sssd.service stop running'; exit 1", false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        char answers[256];

        print_message("  %s\n", rows[i].label);
        (void) snprintf(answers, sizeof(answers), "case \"$*\" in list-jobs*) ;; *) exit 0 ;; esac\n%s",
                        rows[i].answers); /* fits */
        systemctl_answers(answers);
        assert_int_equal(state_set(&opened, FLAG_HELD, false), 0);
        assert_int_equal(run("stopping", NULL), 0);
        assert_int_equal(state_has(&opened, FLAG_HELD), rows[i].held);
        assert_int_equal(said("stopped by an administrator"), rows[i].held);
    }
}

/* Launchers wait from the flags on; a responder that a client has just started has no job that would end it. */
static void a_stop_waits_for_the_responders(void **state)
{
    static const char *const types[] = { "stop", "restart" };
    char answers[512];
    uint64_t started;
    pid_t pid;

    (void) state;
    for (size_t i = 0; i < N_OF(types); i++) {
        print_message("  %s\n", types[i]);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            (void) usleep(300000);
            _exit(0);
        }
        (void) snprintf(answers, sizeof(answers),
                        "case \"$*\" in list-jobs*) echo '1 sssd.service %s running' ;;\n"
                        "show*) [ -e state/leaving ] && [ ! -e state/running ] && echo ActiveState=active && echo MainPID=%d ;;"
                        "esac",
                        types[i], pid); /* fits */
        systemctl_answers(answers);
        (void) unlink("calls");
        assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
        started = msec_now();
        assert_int_equal(run("stopping", NULL), 0);
        assert_true(msec_now() - started >= 250);
        assert_true(state_has(&opened, FLAG_LEAVING));
        assert_false(state_has(&opened, FLAG_RUNNING));
        assert_non_null(strstr(systemctl_calls(), i == 0 ? "--quiet --no-block stop sss-nss.service\n"
                                                         : "--quiet --no-block try-restart sss-nss.service\n"));
        assert_int_equal(exit_status_of(pid), 0);
    }
}

/* The next one's launcher: it waits for the monitor, and the monitor would wait for it. */
static void a_restart_does_not_wait_for_who_is_starting(void **state)
{
    char answers[256];
    int status;
    pid_t pid;

    (void) state;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void) pause();
        _exit(0);
    }
    (void) snprintf(answers, sizeof(answers),
                    "case \"$*\" in list-jobs*) echo '1 sssd.service restart running' ;;\n"
                    "show*) echo ActiveState=activating && echo MainPID=%d ;; esac",
                    pid); /* fits */
    systemctl_answers(answers);
    assert_int_equal(run("stopping", NULL), 0);
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    assert_return_code(kill(pid, SIGKILL), errno);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void a_missing_systemctl_does_not_hold(void **state)
{
    (void) state;
    assert_int_equal(run("stopping", NULL), 0);
    assert_false(state_has(&opened, FLAG_HELD));
}

static void a_restart_opens_what_the_monitor_will_not_have(void **state)
{
    (void) state;
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    assert_int_equal(state_set_monitor_owns(&opened, "pam", true), 0);
    write_configuration("[sssd]\nservices = pam\n" DOMAIN);
    systemctl_answers(UNITS("none", "list-jobs*) echo '1 sssd.service restart running' ;;\n"));
    assert_int_equal(run("stopping", NULL), 0);
    assert_false(state_monitor_owns(&opened, "nss"));
    assert_true(state_monitor_owns(&opened, "pam"));
    assert_non_null(strstr(systemctl_calls(), "\nstart sss-nss.socket sss-ssh.socket "));
    assert_null(strstr(systemctl_calls(), "start sss-pam"));
    assert_true(said("<6>nss is systemd's from now on\n"));
    assert_false(said("ssh is")); /* it was before */
}

static void a_start_lets_relays_hold_what_it_closes(void **state)
{
    const char *relays, *stop;

    (void) state;
    write_configuration("[sssd]\nservices = nss, pam\n" DOMAIN);
    systemctl_answers(OPEN);
    assert_int_equal(run("starting", NULL), 0);
    relays = strstr(systemctl_calls(), "\nrestart sss-handover@nss.service sss-handover@pam.service "
                                       "sss-handover@pam-private.service\n");
    stop = strstr(systemctl_calls(), "\nstop sss-nss.socket sss-pam.socket sss-pam-private.socket\n");
    assert_non_null(relays);
    assert_non_null(stop);
    assert_true(relays < stop);
    assert_true(said("<6>nss is the monitor's from now on\n"));
    assert_true(said("<6>pam is the monitor's from now on\n"));
    assert_false(said("ssh"));

    /* Without relays the sockets close all the same, or there would be two owners. */
    (void) unlink("calls");
    assert_int_equal(state_set_monitor_owns(&opened, "nss", false), 0);
    systemctl_answers(OPEN "case \"$*\" in 'restart sss-handover@'*) exit 1 ;; esac");
    assert_int_equal(run("starting", NULL), 0);
    assert_true(said("<4>systemctl restart sss-handover@nss.service ...: failed"));
    assert_non_null(strstr(systemctl_calls(), "\nstop sss-nss.socket "));
    assert_true(said("<6>nss is the monitor's from now on\n"));
    assert_false(said("pam is the monitor's")); /* it was before */
}

/* The longer question takes systemd a good part of what a first client waits for. */
static void a_start_asks_no_more_than_it_has_to(void **state)
{
    static const struct {
        const char *label, *services, *answers;
        const char *asked; /* about which the longer question is */
    } rows[] = {
        { "all is open", "", OPEN, NULL },
        { "a responder serves", "", UNITS("sss-*.socket|sss-nss.service", ""), NULL },
        { "one is closed", "", UNITS("sss-[!n]*.socket", ""), "sss-nss.socket" },
        { "one is open that is to be closed", "services = nss\n", OPEN, NULL },
        { "a socket of the vendor's is open", "", UNITS("sss-*.socket|sssd-ssh.socket", ""), NULL },
        { "a service of the vendor's runs", "", UNITS("sss-*.socket|sssd-nss.service", ""), "sssd-nss.service" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        char text[128];

        print_message("  %s\n", rows[i].label);
        (void) unlink("calls"); /* of the row before */
        (void) snprintf(text, sizeof(text), "[sssd]\n%s" DOMAIN, rows[i].services); /* these fit */
        write_configuration(text);
        systemctl_answers(rows[i].answers);
        assert_int_equal(run("starting", NULL), 0);
        assert_int_equal(strncmp(systemctl_calls(), "is-active -- ", 13), 0);
        if (!rows[i].asked) {
            assert_null(strstr(systemctl_calls(), "\nshow "));
            continue;
        }
        (void) snprintf(text, sizeof(text), "MainPID -- %s\n", rows[i].asked);
        assert_non_null(strstr(systemctl_calls(), text));
    }
}

/* Whoever knows only half of it would close what serves, or open a second listener. */
static void a_start_that_gets_no_answer_moves_no_socket(void **state)
{
    static const struct {
        const char *label, *answers;
        bool is_failure;
    } rows[] = {
        { "nothing", "exit 1", true },
        { "too few", "case $1 in is-active) echo inactive ;; show) echo UnitFileState=enabled ;; esac", true },
        { "only the states", "case $1 in is-active) for u; do echo inactive; done ;; show) exit 1 ;; esac", true },
        { "nothing, as in a chroot", "", false },
        { "one that has been opened meanwhile",
          "case $1 in is-active) for u; do echo inactive; done ;;\n"
          "show) for u; do echo ActiveState=active; echo UnitFileState=enabled; echo; done ;; esac", false },
    };

    (void) state;
    write_configuration(SSSD);
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        (void) unlink("calls"); /* of the row before */
        systemctl_answers(rows[i].answers);
        assert_int_equal(run("starting", NULL), rows[i].is_failure ? EXIT_FAILURE : 0);
        assert_int_equal(said("<3>cannot ask systemd for its sockets: "), rows[i].is_failure);
        assert_null(strstr(systemctl_calls(), "\nst")); /* start, stop */
    }
}

static void a_monitor_that_has_stopped_has_no_relays(void **state)
{
    (void) state;
    systemctl_answers("");
    assert_int_equal(run("stopped", NULL), 0);
    assert_non_null(strstr(systemctl_calls(), "\n--quiet stop sss-handover@*.service\n"));

    (void) unlink("calls");
    systemctl_answers("case \"$*\" in list-jobs*) echo '1 sssd.service restart running' ;; esac");
    assert_int_equal(run("stopped", NULL), 0);
    assert_non_null(strstr(systemctl_calls(), "\n--quiet stop sss-handover@*.service\n"));
}

static void a_responders_own_crashes_are_counted(void **state)
{
    static const struct {
        struct hook hook;
        int crashes;
    } rows[] = {
        { { .result = NULL, .status = NULL }, 0 },
        { { .result = "success", .status = "0" }, 0 },
        { { .result = "success", .status = "TERM" }, 0 },
        { { .result = "exit-code", .status = "1" }, 1 },
        { { .result = "exit-code", .status = NULL }, 1 },
        { { .result = "exit-code", .status = "78" }, 0 },
        { { .result = "signal", .status = "SEGV" }, 1 },
        { { .result = "core-dump", .status = "ABRT" }, 1 },
        { { .result = "signal", .status = "KILL" }, 0 },
        { { .result = "signal", .status = "TERM" }, 0 },
        { { .result = "watchdog", .status = "ABRT" }, 1 },
        { { .result = "timeout", .status = "KILL" }, 0 },
        { { .result = "oom-kill", .status = "KILL" }, 0 },
        { { .result = "oom-kill", .status = "9" }, 0 },
        { { .result = NULL, .status = "SEGV" }, 0 },
    };

    (void) state;
    systemctl_answers("");
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct hook hook = rows[i].hook;

        print_message("  %s %s\n", hook.result ? hook.result : "unset", hook.status ? hook.status : "unset");
        hook.name = "ended";
        hook.responder = "nss";
        (void) unlink("calls"); /* of the row before */
        (void) unlink("state/crashes/nss");
        assert_int_equal(in_child(run_hook, &hook), 0);
        assert_int_equal(state_crashes(&opened, "nss"), rows[i].crashes);
        assert_int_equal(strncmp(systemctl_calls(), LINGER, strlen(LINGER)), 0);
    }
}

static void an_end_tells_its_reason(void **state)
{
    static const struct {
        const char *jobs;
        struct hook hook;
        const char *says;
    } rows[] = {
        { "", { .result = "success", .status = "0" }, "<6>nss has left: nobody needed it\n" },
        { "", { .result = NULL, .status = NULL }, "<6>nss has left: nobody needed it\n" },
        { "", { .result = "signal", .status = "SEGV" }, "<6>nss has left: signal, status SEGV\n" },
        { "", { .result = "oom-kill", .status = NULL }, "<6>nss has left: oom-kill, status unknown\n" },
        { "stop", { .result = "success", .status = "0" }, "<6>nss has left: it was stopped\n" },
        { "restart", { .result = "signal", .status = "KILL" }, "<6>nss has left: it is restarted\n" },
        { "", { .result = "success", .status = "75" }, "" },
        { "stop", { .result = "success", .status = "75" }, "" },
        { "", { .result = "exit-code", .status = "78" }, "" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct hook hook = rows[i].hook;
        char answer[128];

        print_message("  %s: %s", hook.result ? hook.result : "unset", rows[i].says[0] ? rows[i].says : "nothing\n");
        (void) snprintf(answer, sizeof(answer), "case \"$*\" in list-jobs*) echo ' 1 sss-nss.service %s running' ;; esac",
                        rows[i].jobs); /* fits */
        systemctl_answers(rows[i].jobs[0] ? answer : "");
        hook.name = "ended";
        hook.responder = "nss";
        assert_int_equal(in_child(run_hook, &hook), 0);
        assert_string_equal(read_text("said"), rows[i].says);
    }
}

static void an_end_of_no_responder_is_refused(void **state)
{
    (void) state;
    systemctl_answers("");
    assert_int_equal(run("ended", "none"), EXIT_FAILURE);
    assert_true(said("no such hook: ended none"));
    assert_int_equal(run("ended", "../nss"), EXIT_FAILURE);
    assert_int_equal(run("ended", NULL), EXIT_FAILURE);
    assert_true(said("no such hook: ended\n"));
    assert_string_equal(systemctl_calls(), "");
}

static void an_end_that_cannot_be_counted_is_said(void **state)
{
    (void) state;
    systemctl_answers("exit 1");
    assert_int_equal(mkdir("state/crashes/nss", 0755), 0);
    assert_int_equal(run("ended", "nss"), EXIT_FAILURE);
    assert_true(said("<4>cannot start the linger timer: "));
    assert_true(said("<4>cannot count crashes: Is a directory"));
}

static void a_started_monitor_runs_until_it_has_stopped(void **state)
{
    (void) state;
    systemctl_answers("");
    assert_int_equal(run("started", NULL), 0);
    assert_true(state_has(&opened, FLAG_RUNNING));
    assert_string_equal(systemctl_calls(), LINGER);
    assert_int_equal(run("stopped", NULL), 0);
    assert_false(state_has(&opened, FLAG_RUNNING));

    systemctl_answers("exit 1");
    assert_int_equal(run("started", NULL), 0); /* it is up all the same */
    assert_true(state_has(&opened, FLAG_RUNNING));
    assert_true(said("<4>cannot start the linger timer: "));
}

static void a_flag_that_cannot_be_written_is_said(void **state)
{
    (void) state;
    systemctl_answers("case \"$*\" in list-jobs*) echo '1 sssd.service stop running' ;; esac");
    assert_int_equal(symlink("x", "state/running"), 0);
    assert_int_equal(run("started", NULL), 0); /* it is up all the same */
    assert_true(said("<4>cannot note that the monitor runs: "));
    assert_int_equal(symlink("x", "state/held"), 0);
    assert_int_equal(run("stopping", NULL), EXIT_FAILURE);
    assert_true(said("<4>cannot hold: "));
    (void) unlink("state/running");
    assert_int_equal(mkdir("state/running", 0755), 0);
    assert_int_equal(run("stopped", NULL), EXIT_FAILURE);
    assert_true(said("<4>cannot note that the monitor is gone: "));
}

static void a_start_ends_the_hold_and_reads_the_configuration(void **state)
{
    (void) state;
    systemctl_answers("");
    write_configuration("[sssd]\nservices = nss\n" DOMAIN);
    assert_int_equal(state_set(&opened, FLAG_HELD, true), 0);
    assert_int_equal(state_note_end(&opened, "nss", true), 0);
    assert_int_equal(run("starting", NULL), 0);
    assert_int_equal(state_crashes(&opened, "nss"), 0);
    assert_false(state_has(&opened, FLAG_HELD));
    assert_true(state_monitor_owns(&opened, "nss"));
    assert_false(state_monitor_owns(&opened, "pam"));

    assert_int_equal(mkdir("state/held", 0755), 0);
    assert_int_equal(run("starting", NULL), 0); /* this alone does not keep the monitor down */
    assert_true(said("<4>cannot release the hold: "));
}

static void what_the_monitor_does_not_run_is_not_left_to_it(void **state)
{
    (void) state;
    systemctl_answers(UNITS("sss-[!n]*.socket", ""));
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    assert_int_equal(run("started", NULL), 0);
    assert_false(state_monitor_owns(&opened, "nss"));
    assert_true(said("<4>nss: the monitor does not run it, other than the configuration seemed to say"));
    assert_non_null(strstr(systemctl_calls(), "\nstart sss-nss.socket\n"));
    assert_true(state_has(&opened, FLAG_RUNNING));
}

/* Where nobody says which process it is, the flags stay as the configuration made them. */
static void without_its_process_nothing_is_said_of_the_monitor(void **state)
{
    (void) state;
    systemctl_answers("");
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    (void) unsetenv("MAINPID");
    assert_int_equal(run("started", NULL), EXIT_FAILURE);
    assert_true(said("<4>cannot find out in which control group the monitor is: "));
    assert_true(state_monitor_owns(&opened, "nss"));
    assert_true(state_has(&opened, FLAG_RUNNING));
}

/* Of the others systemd would have to look for units that nobody needs. */
static void units_of_responders_that_are_not_installed_are_left_alone(void **state)
{
    (void) state;
    write_configuration("[sssd]\n" DOMAIN);
    systemctl_answers(UNITS("none", ""));
    for (size_t i = 0; i < RESPONDERS; i++)
        if (i != NSS && i != SSH)
            assert_int_equal(unlink(responders[i].program), 0);
    assert_int_equal(run("starting", NULL), 0);
    assert_non_null(strstr(systemctl_calls(), "\nstart sss-nss.socket sss-ssh.socket\n"));
    assert_null(strstr(systemctl_calls(), "pam"));
}

static void a_responder_is_drained_if_there_is_one(void **state)
{
    static const struct {
        const char *label, *pid;
        int status;
    } rows[] = {
        { "unset", NULL, 0 }, { "empty", "", 0 },         { "no number", "x", 0 },
        { "zero", "0", 0 },   { "gone", "2147483647", 0 },
    };

    (void) state;
    (void) unsetenv("MAINPID");
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        if (rows[i].pid)
            (void) setenv("MAINPID", rows[i].pid, 1);
        assert_int_equal(run("draining", NULL), rows[i].status);
        assert_false(said("<4>"));
    }

}

/* A process with a listening socket as systemd hands it over, which accepts so many and then waits. */
static pid_t start_responder(int listener, int accepts)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
    if (dup2(listener, 3) < 0)
        _exit(1);
    while (accepts-- > 0)
        (void) accept(3, NULL, NULL);
    write_text("ready", "");
    for (;;)
        (void) pause();
}

/* Our child; the signal is sent before the hook ends, and takes a moment to arrive. */
static void wait_for_halt(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid); /* folder_enter's guard ends this */
    assert_true(WIFSTOPPED(status));
}

/* One that is starting may not lose its descriptors: it would hang. */
static void who_has_no_client_is_halted_and_nothing_more(void **state)
{
    static const struct {
        const char *label;
        int waiting, accepts;
        bool drained;
    } rows[] = {
        { "nobody came", 0, 0, false },
        { "two wait", 2, 0, false },
        { "one was accepted", 1, 1, true },
        { "one was accepted, one waits", 2, 1, true },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        int listener = listener_at(at("nss")), clients[2] = { -1, -1 };
        struct rlimit limit;
        char number[16];
        pid_t pid;

        print_message("  %s\n", rows[i].label);
        for (int k = 0; k < rows[i].waiting; k++)
            clients[k] = client_of(at("nss"));
        pid = start_responder(listener, rows[i].accepts);
        wait_for_file("ready");
        (void) snprintf(number, sizeof(number), "%d", pid); /* fits */
        (void) setenv("MAINPID", number, 1);
        assert_int_equal(run("draining", NULL), 0);
        (void) unsetenv("MAINPID");
        wait_for_halt(pid);
        assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), 0);
        assert_int_equal(limit.rlim_cur == 0, rows[i].drained);

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(exit_status_of(pid), 256 + SIGKILL);
        for (int k = 0; k < 2; k++)
            if (clients[k] >= 0)
                (void) close(clients[k]);
        (void) close(listener);
        (void) unlink("nss");
        (void) unlink("ready");
    }
}

static void a_boot_reads_the_configuration_and_asks_nobody(void **state)
{
    (void) state;
    systemctl_answers("");
    write_configuration("[sssd]\nservices = nss\n" DOMAIN);
    assert_int_equal(run("boot", NULL), 0);
    assert_true(state_monitor_owns(&opened, "nss"));
    assert_string_equal(systemctl_calls(), "");
}

static void the_monitor_leaves_only_when_nobody_needs_it(void **state)
{
    static const struct {
        const char *label, *answers;
        const char *configuration;
        bool is_resident, is_offline;
        const char *owned;
        bool leaves, asks_again;
        const char *says;
    } rows[] = {
        { "nobody", MAY_LEAVE, SSSD, false, false, NULL, true, false,
          "nobody has needed sssd.service for its linger time" },
        { "enabled", "case \"$*\" in *ActiveState\\ --*) echo active ;; esac", SSSD, false, false, NULL, false, false,
          "" },
        { "enabled, offline", "case \"$*\" in *ActiveState\\ --*) echo active ;; esac", SSSD, false, true, NULL, false,
          false, "" },
        { "starting", "case \"$*\" in *is-enabled*) exit 1 ;; *ActiveState\\ --*) echo activating ;; esac", SSSD,
          false, false, NULL, false, false, "" },
        { "no configuration", MAY_LEAVE, NULL, false, false, NULL, false, false, "" },
        { "a broken configuration", MAY_LEAVE, "[sssd\n", false, false, NULL, false, false, "sssd.service stays: " },
        { "resident", MAY_LEAVE, SSSD, true, false, NULL, false, false, "sssd.service stays: it has work" },
        { "resident, offline", MAY_LEAVE, SSSD, true, true, NULL, false, false, "sssd.service stays: it has work" },
        { "offline", MAY_LEAVE, SSSD, false, true, NULL, false, true, "sssd.service stays: domain d is offline" },
        { "has a responder of its own", MAY_LEAVE, SSSD, false, false, "autofs", false, false, "" },
        { "a responder is up",
          MAY_LEAVE "case \"$*\" in show\\ --property=*) printf '\\n\\nActiveState=active\\n' ;; esac",
          SSSD, false, false, NULL, false, false, "" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        resident = rows[i].is_resident;
        offline = rows[i].is_offline;
        (void) unlink("calls"); /* of the row before */
        (void) unlink("config/sssd.conf");
        if (rows[i].configuration)
            write_configuration(rows[i].configuration);
        systemctl_answers(rows[i].answers);
        assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
        if (rows[i].owned)
            assert_int_equal(state_set_monitor_owns(&opened, rows[i].owned, true), 0);

        assert_int_equal(run("linger", NULL), 0);
        assert_int_equal(state_has(&opened, FLAG_RUNNING), !rows[i].leaves);
        assert_int_equal(strstr(systemctl_calls(), KILL) != NULL, rows[i].leaves);
        assert_int_equal(strstr(systemctl_calls(), LINGER) != NULL, rows[i].asks_again);
        assert_true(said(rows[i].says));
        assert_int_equal(read_text("said")[0] == '\0', rows[i].says[0] == '\0');
        if (rows[i].owned)
            assert_int_equal(state_set_monitor_owns(&opened, rows[i].owned, false), 0);
    }
}

static void a_monitor_that_cannot_be_sent_away_stays(void **state)
{
    static const struct {
        const char *label, *answers, *says;
    } rows[] = {
        { "the signal fails", MAY_LEAVE "case \"$*\" in kill*) exit 1 ;; esac",
          "<4>cannot send SIGTERM to the monitor: " },
        { "responders are unknown", MAY_LEAVE "case \"$*\" in show\\ --property=*) exit 1 ;; esac",
          "<4>cannot ask systemd for the responders: " },
    };

    (void) state;
    write_configuration(SSSD);
    assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        systemctl_answers(rows[i].answers);
        assert_int_equal(run("linger", NULL), EXIT_FAILURE);
        assert_true(state_has(&opened, FLAG_RUNNING));
        assert_true(said(rows[i].says));
    }

    systemctl_answers(MAY_LEAVE);
    assert_int_equal(state_set(&opened, FLAG_RUNNING, false), 0);
    assert_int_equal(mkdir("state/running", 0755), 0);
    assert_int_equal(run("linger", NULL), EXIT_FAILURE);
    assert_true(said("<4>cannot note that the monitor leaves: "));
    assert_null(strstr(systemctl_calls(), "kill --kill-who=main --signal=TERM sssd.service\nkill"));
}

static void the_monitor_does_not_leave_under_a_launcher(void **state)
{
    int lock;
    pid_t pid;

    (void) state;
    write_configuration(SSSD);
    systemctl_answers(MAY_LEAVE "case \"$*\" in *ActiveState\\ --*) touch asked ;; esac");
    assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
    lock = state_lock_shared(&opened);
    assert_true(lock >= 0);

    (void) fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct hook hook = { .name = "linger" };

        (void) close(lock); /* a copy would hold it, too */
        exit(run_hook(&hook));
    }
    wait_for_file("asked");
    (void) poll(NULL, 0, 50); /* now it would send it away */
    assert_true(state_has(&opened, FLAG_RUNNING));
    assert_null(strstr(systemctl_calls(), KILL));

    /* As the launcher's unit is up meanwhile. */
    systemctl_answers(MAY_LEAVE "echo ActiveState=activating");
    (void) close(lock);
    assert_int_equal(exit_status_of(pid), 0);
    assert_true(state_has(&opened, FLAG_RUNNING));
    assert_null(strstr(systemctl_calls(), KILL));
}

static void an_unknown_hook_is_refused(void **state)
{
    (void) state;
    assert_int_equal(run("startled", NULL), EXIT_FAILURE);
    assert_true(said("<3>no such hook: startled\n"));
    assert_int_equal(run("", NULL), EXIT_FAILURE);
}

static void a_folder_that_cannot_be_made_fails_the_hook(void **state)
{
    (void) state;
    write_text("state", "");
    assert_int_equal(run("started", NULL), EXIT_FAILURE);
    assert_true(said("<3>cannot make state: Not a directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOOKS(only_an_administrators_stop_holds),
        IN_HOOKS(a_stop_waits_for_the_responders),
        IN_HOOKS(a_restart_does_not_wait_for_who_is_starting),
        IN_HOOKS(a_missing_systemctl_does_not_hold),
        IN_HOOKS(a_restart_opens_what_the_monitor_will_not_have),
        IN_HOOKS(a_start_lets_relays_hold_what_it_closes),
        IN_HOOKS(a_start_asks_no_more_than_it_has_to),
        IN_HOOKS(a_start_that_gets_no_answer_moves_no_socket),
        IN_HOOKS(a_monitor_that_has_stopped_has_no_relays),
        IN_HOOKS(a_responders_own_crashes_are_counted),
        IN_HOOKS(an_end_tells_its_reason),
        IN_HOOKS(an_end_of_no_responder_is_refused),
        IN_HOOKS(an_end_that_cannot_be_counted_is_said),
        IN_HOOKS(a_started_monitor_runs_until_it_has_stopped),
        IN_HOOKS(a_flag_that_cannot_be_written_is_said),
        IN_HOOKS(a_start_ends_the_hold_and_reads_the_configuration),
        IN_HOOKS(what_the_monitor_does_not_run_is_not_left_to_it),
        IN_HOOKS(without_its_process_nothing_is_said_of_the_monitor),
        IN_HOOKS(units_of_responders_that_are_not_installed_are_left_alone),
        IN_HOOKS(a_responder_is_drained_if_there_is_one),
        IN_HOOKS(who_has_no_client_is_halted_and_nothing_more),
        IN_HOOKS(a_boot_reads_the_configuration_and_asks_nobody),
        IN_HOOKS(the_monitor_leaves_only_when_nobody_needs_it),
        IN_HOOKS(a_monitor_that_cannot_be_sent_away_stays),
        IN_HOOKS(the_monitor_does_not_leave_under_a_launcher),
        IN_HOOKS(an_unknown_hook_is_refused),
        IN_FOLDER(a_folder_that_cannot_be_made_fails_the_hook),
    };

    return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
