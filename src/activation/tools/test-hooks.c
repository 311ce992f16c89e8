/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of hooks.c and of what it uses to move sockets and to drain: with a real state, real processes and a small PID 1. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/responders.h"
#include "lib/residency.h"
#include "lib/services.h"
#include "lib/state.h"
#include "test/pid1.h"
#include "test/own-engine.h"
#include "test/state-fixture.h"
#include "tools/backends.h"
#include "tools/hooks.h"
#include "tools/narrow.h"
#include "tools/processes.h"
#include "tools/switch.h"

#define DOMAIN "domains = d\n[domain/d]\nid_provider = ldap\n"
#define SSSD "[sssd]\n" DOMAIN
#define LINGER "Restart sss-linger.timer replace\n"
#define LINGER_ON "Start sss-linger.timer replace\n"
#define OPEN(name) "Start sss-" name ".socket replace\n"
#define CLOSE(name) "Stop sss-" name ".socket replace\n"
#define REOPEN(name) "Restart sss-" name ".socket replace\n"
#define RESET(unit) "ResetFailed " unit ".service\n"
#define LEAVE "Stop sssd.service ignore-dependencies\n"
#define NO_PID1 "Transport endpoint is not connected\n"

static bool resident;             /* what the configuration says below */
static bool offline;              /* and the back ends */
static bool pid1_goes;            /* just when they are asked */
static int running[RESPONDERS];   /* the pids of what the monitor runs */
static int running_errno;         /* why that can't be told */
static int narrow_errno;          /* why a queue stays as it is */
static int listeners[RESPONDERS][UNITS_MAX];

/* For good: where its socket is, too, it would be waited for. */
static void pid1_leaves(void)
{
    pid1_stops();
    (void) unlink("manager");
}

/* In place of the real ones, which have tests of their own. */
int residency_may_leave(const struct conf *config, char *why, size_t why_bytes)
{
    (void) config;
    (void) snprintf(why, why_bytes, "it has work"); /* a cut reason is still a reason */
    return !resident;
}

int backends_online(const struct domains *domains, char *why, size_t why_bytes)
{
    assert_int_equal(domains->n, 1);
    (void) snprintf(why, why_bytes, "domain %s is offline", domains->names[0]); /* likewise */
    if (pid1_goes)
        pid1_leaves();
    return !offline;
}

int switch_back(const struct state *of, struct manager *manager)
{
    assert_true(of && manager);
    write_text("went-back", "");
    return 0;
}

int processes_of_monitor(struct manager *manager, int ret_pids[RESPONDERS])
{
    assert_non_null(manager);
    (void) memcpy(ret_pids, running, sizeof(running));
    if (pid1_goes)
        pid1_leaves();
    return -running_errno;
}

int set_queues(const char *const *paths, size_t n, int backlog)
{
    FILE *file = fopen(backlog == 0 ? "narrowed" : "widened", "ae");

    for (size_t i = 0; file && i < n; i++)
        (void) fprintf(file, "%s\n", paths[i]); /* the test sees what is missing */
    if (file)
        (void) fclose(file); /* likewise */
    return -narrow_errno;
}

static void all_sockets_have(const char *line)
{
    for (size_t i = 0; i < RESPONDERS; i++)
        for (size_t k = 0; k < UNITS_MAX && responders[i].sockets[k]; k++)
            unit_has(responders[i].sockets[k], line);
}

/* Each responder is installed, its sockets are enabled, open and where clients look for them; nothing runs. */
static int hook_enter(void **state)
{
    resident = false;
    offline = false;
    pid1_goes = false;
    running_errno = 0;
    narrow_errno = 0;
    memset(running, 0, sizeof(running));
    if (state_enter(state) < 0 || mkdir("programs", 0755) < 0 || mkdir("pipes", 0755) < 0 ||
        mkdir("pipes/private", 0755) < 0 || mkdir("sss", 0755) < 0 || mkdir("sss/pipes", 0755) < 0 ||
        mkdir("sss/pubconf", 0755) < 0 || mkdir("sss/db", 0700) < 0)
        return -1;
    for (size_t i = 0; i < RESPONDERS; i++) {
        write_text(responders[i].program, "");
        assert_int_equal(chmod(responders[i].program, 0755), 0);
        unit_has(responders[i].service, "ActiveState=inactive");
        if (responders[i].retry_timer)
            unit_has(responders[i].retry_timer, "ActiveState=inactive");
        for (size_t k = 0; k < UNITS_MAX && responders[i].sockets[k]; k++)
            listeners[i][k] = listener_at(responders[i].paths[k]);
    }
    all_sockets_have("ActiveState=active");
    all_sockets_have("UnitFileState=enabled");
    unit_has("sss-linger.timer", "ActiveState=inactive");
    unit_has("sss-stop.service", "ActiveState=inactive");
    unit_has(MONITOR_RETRY_TIMER, "ActiveState=inactive");
    unit_has("sss-ended@sssd.service", "ActiveState=inactive");
    unit_has(MONITOR, "UnitFileState=disabled");
    pid1_starts();
    return unsetenv("MAINPID");
}

static int hook_leave(void **state)
{
    for (size_t i = 0; i < RESPONDERS; i++)
        for (size_t k = 0; k < UNITS_MAX && responders[i].sockets[k]; k++)
            (void) close(listeners[i][k]); /* a test may have done so */
    return state_leave(state);
}

#define IN_HOOKS(test) cmocka_unit_test_setup_teardown(test, hook_enter, hook_leave)

struct hook {
    const char *name, *argument;
    const char *result, *status; /* what systemd says of the unit's end */
};

static void say(const char *variable, const char *value)
{
    if (value)
        (void) setenv(variable, value, 1);
    else
        (void) unsetenv(variable);
}

static int run_hook(void *userdata)
{
    const struct hook *hook = userdata;
    bool is_anothers = strcmp(hook->name, "failed") == 0;

    if (!freopen("said", "w", stderr))
        return 255;
    say("SERVICE_RESULT", is_anothers ? NULL : hook->result);
    say("EXIT_STATUS", is_anothers ? NULL : hook->status);
    say("MONITOR_SERVICE_RESULT", is_anothers ? hook->result : NULL);
    say("MONITOR_EXIT_STATUS", is_anothers ? hook->status : NULL);
    return hook_run(hook->name, hook->argument);
}

static int run(const char *name, const char *argument)
{
    struct hook hook = { .name = name, .argument = argument };

    return in_child(run_hook, &hook);
}

/* Beside the test. The hook's copy of that descriptor is closed. */
static pid_t start(const char *name, int fd)
{
    struct hook hook = { .name = name };
    pid_t pid;

    (void) fflush(NULL); /* or the child would write it again */
    pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
    if (fd >= 0)
        (void) close(fd);
    exit(run_hook(&hook));
}

static bool said(const char *text)
{
    return strstr(read_text("said"), text) != NULL;
}

static bool told(const char *text)
{
    return strstr(pid1_calls(), text) != NULL;
}

static bool asked(const char *text)
{
    return strstr(pid1_questions(), text) != NULL;
}

static unsigned failures(void)
{
    uint64_t usec;

    return state_failures(&opened, &usec);
}

/* Of the row before. */
static void forget_calls(void)
{
    (void) unlink("calls");
    (void) unlink("questions");
}

static void write_configuration(const char *text)
{
    if (geteuid() != 0)
        skip(); /* only root's is believed */
    (void) mkdir("config", 0700); /* a row before may have made it */
    write_text("config/sssd.conf", text);
    assert_int_equal(chmod("config/sssd.conf", 0600), 0);
}

static void has_number(const char *unit, const char *property, long long number)
{
    char line[96];

    (void) snprintf(line, sizeof(line), "%s=%lld", property, number); /* fits */
    unit_has(unit, line);
}

/* Its main process lived so long; negative: systemd does not know. */
static void lived(const char *service, long long usec)
{
    /* Its sandbox took half a second, which does not count. */
    has_number(service, "ExecMainStartTimestampMonotonic", usec < 0 ? 0 : 500000);
    has_number(service, "ActiveEnterTimestampMonotonic", usec < 0 ? 0 : 1000000);
    has_number(service, "ExecMainExitTimestampMonotonic", usec < 0 ? 0 : 1000000 + usec);
}

static void set_main_pid(pid_t pid)
{
    char number[16];

    (void) snprintf(number, sizeof(number), "%d", (int) pid); /* fits */
    (void) setenv("MAINPID", number, 1);
}

/* Ends by itself after that time, or never. */
static pid_t start_process(int msec)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
    (void) poll(NULL, 0, msec);
    _exit(0);
}

static bool has_ended(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == pid;
}

static void end(pid_t pid)
{
    assert_return_code(kill(pid, SIGKILL), errno);
    assert_int_equal(exit_status_of(pid), 256 + SIGKILL);
}

/* --- Starting -------------------------------------------------------------------------------------------------- */

static void a_start_opens_and_closes_nothing_yet(void **state)
{
    (void) state;
    write_configuration("[sssd]\nservices = nss, pam\n" DOMAIN);
    assert_int_equal(state_set_monitor_owns(&opened, "ssh", true), 0);
    unit_has("sss-ssh.socket", "ActiveState=inactive");
    assert_int_equal(run("starting", NULL), 0);
    assert_string_equal(pid1_calls(), OPEN("ssh"));
    assert_string_equal(read_text("said"), "<6>nss is the monitor's from now on\n"
                                           "<6>pam is the monitor's from now on\n"
                                           "<6>ssh is systemd's from now on\n");

    /* One that does not open keeps nothing from being handed over. */
    forget_calls();
    assert_int_equal(state_set_monitor_owns(&opened, "nss", false), 0);
    unit_has("sss-ssh.socket", "ActiveState=inactive");
    jobs_do("echo failed");
    assert_int_equal(run("starting", NULL), EXIT_FAILURE);
    assert_true(said("<4>Start sss-ssh.socket: it failed\n"));
    assert_string_equal(pid1_calls(), OPEN("ssh"));
    assert_true(said("<6>nss is the monitor's from now on\n"));
    assert_false(said("pam is the monitor's")); /* it was before */
}

/* Each further question is time that a first client waits. */
static void a_start_asks_no_more_than_it_has_to(void **state)
{
    static const struct {
        const char *label, *services;
        const char *unit, *line; /* other than at first */
        const char *more;        /* the only question beside those for states */
    } rows[] = {
        { "all is open", "", MONITOR, "ActiveState=activating", NULL },
        { "a responder serves", "", "sss-nss.service", "ActiveState=active", NULL },
        { "one is closed", "", "sss-nss.socket", "ActiveState=inactive", "sss-nss.socket UnitFileState\n" },
        { "one is open that is to be closed later", "services = nss\n", "sss-nss.socket", "ActiveState=active", NULL },
        { "a socket of the vendor's is open", "", "sssd-ssh.socket", "ActiveState=active", NULL },
        { "a service of the vendor's runs", "", "sssd-nss.service", "ActiveState=active", "sssd-nss.service MainPID\n" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        char text[128];
        const char *questions;

        print_message("  %s\n", rows[i].label);
        forget_calls();
        all_sockets_have("ActiveState=active");
        unit_has("sss-nss.service", "ActiveState=inactive");
        unit_has(rows[i].unit, rows[i].line);
        (void) snprintf(text, sizeof(text), "[sssd]\n%s" DOMAIN, rows[i].services); /* fits */
        write_configuration(text);
        assert_int_equal(run("starting", NULL), 0);

        questions = pid1_questions();
        assert_int_equal(strncmp(questions, "sss-nss.socket sssd-nss.socket ", 31), 0);
        if (rows[i].more)
            assert_non_null(strstr(questions, rows[i].more));
        else
            assert_null(strstr(questions, " MainPID\n"));
        if (!rows[i].more || !strstr(rows[i].more, "UnitFileState"))
            assert_null(strstr(questions, " UnitFileState\n"));
    }
}

static void a_start_gives_each_responder_a_fresh_start_and_reads_the_configuration(void **state)
{
    char why[64];

    (void) state;
    write_configuration("[sssd]\nservices = nss\n" DOMAIN);
    assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
    assert_int_equal(state_count_bad_end(&opened, "pam"), 1);
    assert_int_equal(state_set_refusal(&opened, "pam", "it ended badly"), 0);
    assert_int_equal(state_set_restarting(&opened, true), 0);
    /* Not where they may have ended with a monitor that came to nothing. */
    assert_int_equal(state_count_failure(&opened), 1);
    assert_int_equal(run("starting", NULL), 0);
    assert_int_equal(state_bad_ends(&opened, "nss"), 1);
    assert_int_equal(state_forget_failures(&opened), 0);

    assert_int_equal(run("starting", NULL), 0);
    assert_false(state_is_restarting(&opened));
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    assert_int_equal(state_bad_ends(&opened, "pam"), 0);
    assert_false(state_refusal(&opened, "pam", why, sizeof(why)));
    assert_true(state_monitor_owns(&opened, "nss"));
    assert_false(state_monitor_owns(&opened, "pam"));

    assert_int_equal(mkdir("state/ends/nss", 0755), 0);
    assert_int_equal(mkdir("state/refused/nss", 0755), 0);
    assert_int_equal(run("starting", NULL), 0); /* these alone do not keep the monitor down */
    assert_true(said("<4>cannot forget bad ends: Is a directory\n"));
    assert_true(said("<4>cannot forget refusals: Is a directory\n"));
}

static void a_configuration_that_cannot_be_read_moves_no_socket(void **state)
{
    static const char *const hooks[] = { "starting", "boot" };

    (void) state;
    write_configuration("[sssd\n");
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    all_sockets_have("ActiveState=inactive");
    for (size_t i = 0; i < N_OF(hooks); i++) {
        print_message("  %s\n", hooks[i]);
        assert_int_equal(run(hooks[i], NULL), 0);
        assert_true(said(": sockets stay whose they are\n"));
        assert_true(state_monitor_owns(&opened, "nss"));
        assert_false(state_monitor_owns(&opened, "pam"));
        assert_string_equal(pid1_calls(), "");
    }
}

/* Of the others systemd would have to look for units that nobody needs. */
static void units_of_responders_that_are_not_installed_are_left_alone(void **state)
{
    (void) state;
    write_configuration(SSSD);
    all_sockets_have("ActiveState=inactive");
    for (size_t i = 0; i < RESPONDERS; i++)
        if (i != NSS && i != SSH)
            assert_int_equal(unlink(responders[i].program), 0);
    assert_int_equal(run("starting", NULL), 0);
    assert_string_equal(pid1_calls(), OPEN("nss") OPEN("ssh"));
    assert_false(asked("pam"));
}

static void only_enabled_sockets_are_opened(void **state)
{
    (void) state;
    write_configuration("[sssd]\nservices = nss\n" DOMAIN);
    all_sockets_have("ActiveState=inactive");
    unit_has("sss-pam-private.socket", "UnitFileState=disabled");
    unit_has("sss-ssh.socket", "UnitFileState=enabled-runtime");
    unit_has("sss-autofs.socket", "UnitFileState=masked");
    unit_has("sss-pac.socket", "UnitFileState=");
    assert_int_equal(run("starting", NULL), 0);
    assert_string_equal(pid1_calls(), OPEN("pam") OPEN("ssh") OPEN("sudo"));
}

/* systemd opens no socket of a service that is active. */
static void who_runs_beside_a_closed_socket_leaves_before_it_is_opened(void **state)
{
    (void) state;
    write_configuration(SSSD);
    unit_has("sss-nss.socket", "ActiveState=inactive");
    unit_has("sss-nss.service", "ActiveState=active");
    unit_has("sss-pam.service", "ActiveState=active"); /* as its socket is */
    assert_int_equal(run("starting", NULL), 0);
    assert_string_equal(pid1_calls(), "Stop sss-nss.service replace\n" OPEN("nss"));
}

static void no_path(void)
{
    assert_int_equal(unlink("pipes/nss"), 0);
}

static void a_file(void)
{
    no_path();
    write_text("pipes/nss", "");
}

static void nobody_listens(void)
{
    no_path();
    (void) close(listener_at("pipes/nss")); /* bound it stays */
}

static void another_type(void)
{
    no_path();
    (void) close(socket_at("pipes/nss", SOCK_DGRAM, false)); /* bound it stays */
}

static void as_it_is(void)
{
}

static void sockets_that_no_client_reaches_are_opened_anew(void **state)
{
    static const struct {
        const char *label;
        void (*change)(void);
        const char *active, *services, *calls;
    } rows[] = {
        { "reached", as_it_is, "active", "", "" },
        { "its path was deleted", no_path, "active", "", REOPEN("nss") },
        { "a file is there", a_file, "active", "", REOPEN("nss") },
        { "a socket of another type is there", another_type, "active", "", REOPEN("nss") },
        { "nobody listens there", nobody_listens, "active", "", REOPEN("nss") },
        { "deleted and closed", no_path, "inactive", "", OPEN("nss") },
        { "deleted, and opening already", no_path, "activating", "", "" },
        { "deleted, and the monitor's from now on", no_path, "active", "services = nss\n", "" },
    };

    for (size_t i = 0; i < N_OF(rows); i++) {
        char text[128];

        print_message("  %s\n", rows[i].label);
        if (i > 0)
            assert_true(hook_leave(state) == 0 && hook_enter(state) == 0);
        rows[i].change();
        (void) snprintf(text, sizeof(text), "ActiveState=%s", rows[i].active); /* these fit */
        unit_has("sss-nss.socket", text);
        (void) snprintf(text, sizeof(text), "[sssd]\n%s" DOMAIN, rows[i].services);
        write_configuration(text);
        assert_int_equal(run("starting", NULL), 0);
        assert_string_equal(pid1_calls(), rows[i].calls);
    }
}

static void the_second_socket_is_looked_at_too(void **state)
{
    (void) state;
    write_configuration(SSSD);
    assert_int_equal(unlink("pipes/private/pam"), 0);
    assert_int_equal(run("starting", NULL), 0);
    assert_string_equal(pid1_calls(), REOPEN("pam-private"));

    unit_has("sss-pam-private.socket", "ActiveState=active");
    jobs_do("echo failed");
    assert_int_equal(run("starting", NULL), EXIT_FAILURE);
    assert_true(said("<4>Restart sss-pam-private.socket: it failed\n"));
}

static void the_distributions_units_leave_where_ours_have_taken_over(void **state)
{
    static const struct {
        const char *label, *ours, *file, *jobs, *calls;
    } rows[] = {
        { "ours is open", "active", "enabled", NULL,
          "Stop sssd-ssh.socket replace\nStop sssd-ssh.service replace\n" },
        { "ours is opened", "inactive", "enabled", NULL,
          OPEN("ssh") "Stop sssd-ssh.socket replace\nStop sssd-ssh.service replace\n" },
        { "ours is closed as somebody wants it", "inactive", "disabled", NULL,
          "Stop sssd-ssh.socket replace\nStop sssd-ssh.service replace\n" },
        { "ours does not open: theirs still answer", "inactive", "enabled", "[ $1 = Stop ] || echo failed", OPEN("ssh") },
    };

    (void) state;
    write_configuration(SSSD);
    for (size_t i = 0; i < N_OF(rows); i++) {
        char line[64];

        print_message("  %s\n", rows[i].label);
        forget_calls();
        unit_has("sssd-ssh.socket", "ActiveState=active");
        unit_has("sssd-ssh.service", "ActiveState=active");
        (void) snprintf(line, sizeof(line), "ActiveState=%s", rows[i].ours); /* these fit */
        unit_has("sss-ssh.socket", line);
        (void) snprintf(line, sizeof(line), "UnitFileState=%s", rows[i].file);
        unit_has("sss-ssh.socket", line);
        if (rows[i].jobs)
            jobs_do(rows[i].jobs);
        assert_int_equal(run("starting", NULL), rows[i].jobs ? EXIT_FAILURE : 0);
        assert_string_equal(pid1_calls(), rows[i].calls);
    }
}

/* --- Without PID 1 --------------------------------------------------------------------------------------------- */

/* Whoever knows only half of it would close what serves, or open a second listener. */
static void a_hook_that_cannot_ask_changes_nothing_and_says_so(void **state)
{
    static const struct hook rows[] = {
        { .name = "starting" },
        { .name = "started" },
        { .name = "stopping" },
        { .name = "stopped" },
        { .name = "linger" },
        { .name = "ended", .argument = "nss", .result = "success", .status = "0" },
        { .name = "failed", .argument = "sss-nss", .result = "signal", .status = "SEGV" },
        { .name = "failed", .argument = "sssd", .result = "signal", .status = "SEGV" },
        { .name = "retry", .argument = "sss-nss" },
        { .name = "finishing", .argument = "nss" },
    };

    (void) state;
    write_configuration("[sssd]\nservices = pam\n" DOMAIN);
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    assert_int_equal(state_count_failure(&opened), 1);
    assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
    pid1_leaves();
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct hook hook = rows[i];

        print_message("  %s\n", hook.name);
        assert_int_equal(in_child(run_hook, &hook), EXIT_FAILURE);
        assert_string_equal(read_text("said"), "<4>cannot ask systemd: " NO_PID1);
        assert_true(state_monitor_owns(&opened, "nss"));
        assert_false(state_monitor_owns(&opened, "pam"));
        assert_int_equal(failures(), 1);
        assert_int_equal(state_bad_ends(&opened, "nss"), 1);
    }
}

/* The script's parent is a shell, whose parent it is. */
static void a_pid1_that_goes_meanwhile_is_said(void **state)
{
    (void) state;
    write_configuration(SSSD);
    unit_has("sss-nss.socket", "ActiveState=inactive");
    jobs_do("rm manager; kill -9 $(cut -d' ' -f4 /proc/$PPID/stat)");
    assert_int_equal(run("starting", NULL), EXIT_FAILURE);
    assert_true(said("<4>Start sss-nss.socket: systemd could not be asked\n"));
    assert_string_equal(pid1_calls(), OPEN("nss"));

    pid1_stops(); /* its rest */
    (void) unlink("on-job");
    pid1_starts();
    forget_calls();
    pid1_goes = true;
    running[NSS] = getpid();
    assert_int_equal(run("started", NULL), EXIT_FAILURE);
    assert_true(said("<3>cannot ask systemd for its sockets: " NO_PID1));
    assert_string_equal(pid1_calls(), "");
}

static void what_is_not_told_is_not_acted_upon(void **state)
{
    static const struct {
        const char *label, *errors, *says;
        int status;
    } rows[] = {
        { "which are open", "List sss-nss.socket org.freedesktop.DBus.Error.Failed\n",
          "<3>cannot ask systemd for its sockets: Input/output error\n", EXIT_FAILURE },
        { "whether it is enabled", "Get sss-nss.socket org.freedesktop.DBus.Error.Failed\n", "", 0 },
    };

    (void) state;
    write_configuration(SSSD);
    unit_has("sss-nss.socket", "ActiveState=inactive");
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        write_text("errors", rows[i].errors);
        assert_int_equal(run("starting", NULL), rows[i].status);
        assert_string_equal(read_text("said"), rows[i].says);
        assert_string_equal(pid1_calls(), "");
    }
}

/* A soft reboot leaves the state of before. */
static void a_boot_reads_the_configuration_and_asks_nobody(void **state)
{
    (void) state;
    pid1_leaves();
    write_configuration("[sssd]\nservices = nss\n" DOMAIN);
    assert_int_equal(state_set_restarting(&opened, true), 0);
    assert_int_equal(run("boot", NULL), 0);
    assert_false(state_is_restarting(&opened));
    assert_true(state_monitor_owns(&opened, "nss"));
    assert_false(state_monitor_owns(&opened, "pam"));
    assert_string_equal(read_text("said"), "");
}

/* --- Started --------------------------------------------------------------------------------------------------- */

#define NO_PAUSE "Kill sss-pause.service all 15\n"

/* It may still come to nothing. */
static void a_started_monitor_refuses_nobody(void **state)
{
    char why[64];

    (void) state;
    assert_int_equal(state_count_failure(&opened), 1);
    assert_int_equal(state_set_refusal(&opened, "nss", "it is masked"), 0);
    assert_int_equal(run("started", NULL), 0);
    assert_int_equal(failures(), 1);
    assert_false(state_refusal(&opened, "nss", why, sizeof(why)));
    assert_string_equal(pid1_calls(), NO_PAUSE);
    assert_string_equal(read_text("said"), "");

    assert_int_equal(mkdir("state/refused/ssh", 0755), 0);
    assert_int_equal(run("started", NULL), 0); /* it is up all the same */
    assert_string_equal(read_text("said"), "<4>cannot note that the monitor has started: Is a directory\n");
}

static void what_the_monitor_does_not_run_is_not_left_to_it(void **state)
{
    (void) state;
    unit_has("sss-nss.socket", "ActiveState=inactive");
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    assert_int_equal(run("started", NULL), 0);
    assert_false(state_monitor_owns(&opened, "nss"));
    assert_true(said("<4>nss: the monitor does not run it, other than the configuration seemed to say\n"));
    assert_true(said("<6>nss is systemd's from now on\n"));
    assert_string_equal(pid1_calls(), OPEN("nss"));
}

static void what_the_monitor_runs_is_its_own(void **state)
{
    (void) state;
    running[PAM] = getpid();
    running[SSH] = getpid();
    running[IFP] = getpid();
    assert_int_equal(state_set_monitor_owns(&opened, "ssh", true), 0);
    assert_int_equal(state_set_monitor_owns(&opened, "ifp", true), 0);
    unit_has("sss-pam-private.socket", "ActiveState=inactive");
    assert_int_equal(run("started", NULL), 0);
    assert_true(state_monitor_owns(&opened, "pam"));
    assert_true(state_monitor_owns(&opened, "ssh"));
    assert_string_equal(read_text("said"), "<4>pam: the monitor runs it, other than the configuration seemed to say\n"
                                           "<6>pam is the monitor's from now on\n");
    assert_string_equal(pid1_calls(), CLOSE("pam") CLOSE("ssh"));

    /* Closing waits for this even where all is as the configuration said. */
    forget_calls();
    unit_has("sss-ssh.socket", "ActiveState=active");
    assert_int_equal(run("started", NULL), 0);
    assert_string_equal(pid1_calls(), CLOSE("ssh"));
    assert_string_equal(read_text("said"), "");
}

/* Where nobody says what it runs, the flags stay as the configuration made them. */
static void without_its_processes_nothing_is_said_of_the_monitor(void **state)
{
    (void) state;
    running_errno = EIO;
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    assert_int_equal(state_count_failure(&opened), 1);
    assert_int_equal(run("started", NULL), EXIT_FAILURE);
    assert_true(said("<4>cannot find out what the monitor runs: Input/output error\n"));
    assert_true(state_monitor_owns(&opened, "nss"));
    assert_int_equal(failures(), 1);
    assert_string_equal(pid1_calls(), NO_PAUSE);
}

/* --- Stopping -------------------------------------------------------------------------------------------------- */

static void is_stopped_by(const char *job)
{
    unit_with_job(MONITOR, "deactivating", job);
}

static void serves_as(const char *service, const char *active, const char *job, pid_t pid)
{
    unit_with_job(service, active, job);
    has_number(service, "MainPID", pid);
}

static void a_stop_waits_for_the_responders(void **state)
{
    static const struct {
        const char *label, *monitors_job, *active, *job;
    } rows[] = {
        { "stop", "stop", "deactivating", "stop" },
        { "stop that waits for its turn", "stop", "active", "stop" },
        { "restart", "restart", "deactivating", "restart" },
    };

    (void) state;
    write_configuration(SSSD);
    for (size_t i = 0; i < N_OF(rows); i++) {
        pid_t pids[2] = { start_process(50), start_process(150) };

        print_message("  %s\n", rows[i].label);
        is_stopped_by(rows[i].monitors_job);
        serves_as("sss-nss.service", rows[i].active, rows[i].job, pids[0]);
        serves_as("sss-pac.service", rows[i].active, rows[i].job, pids[1]);
        assert_int_equal(run("stopping", NULL), 0);
        assert_true(has_ended(pids[0]));
        assert_true(has_ended(pids[1]));
        assert_false(told(".service")); /* the jobs are there */
    }
}

/* Between two questions its restart goes on: then the number is that of a launcher, which waits for the monitor's end. */
static void a_stop_does_not_wait_for_who_has_come_since(void **state)
{
    pid_t launcher = start_process(-1);
    uint64_t before = now_usec();

    (void) state;
    write_configuration(SSSD);
    is_stopped_by("restart");
    serves_as("sss-nss.service", "active", "", launcher);
    assert_int_equal(mkdir("next", 0755), 0);
    assert_int_equal(rename("units/sss-nss.service", "next/sss-nss.service"), 0);
    serves_as("sss-nss.service", "active", "restart", 1);
    assert_int_equal(run("stopping", NULL), 0);
    assert_true(now_usec() - before < RESPONDERS_USEC);
    assert_false(has_ended(launcher));
    end(launcher);
}

#define CLOSE_ALL CLOSE("nss") CLOSE("pam") CLOSE("pam-private") CLOSE("ssh") CLOSE("sudo") CLOSE("autofs") CLOSE("pac")

/* They go with it anyway, but whoever typed the stop finds them closed. */
static void a_stop_closes_the_sockets_after_the_responders(void **state)
{
    static const struct {
        const char *label, *first, *then;
        bool closes;
    } rows[] = {
        { "stop", "stop", "stop", true },
        { "restart", "restart", "restart", false },
        { "a restart that has become a stop", "restart", "stop", true },
        { "a stop that has become a restart", "stop", "restart", false },
    };

    (void) state;
    write_configuration(SSSD);
    for (size_t i = 0; i < N_OF(rows); i++) {
        pid_t pid = start_process(-1), hook;

        print_message("  %s\n", rows[i].label);
        forget_calls();
        all_sockets_have("ActiveState=active");
        is_stopped_by(rows[i].first);
        serves_as("sss-nss.service", "deactivating", "stop", pid);
        hook = start("stopping", -1);
        wait_for_text("questions", "sss-nss.service MainPID\n");
        is_stopped_by(rows[i].then);
        assert_string_equal(pid1_calls(), "");
        end(pid);
        assert_int_equal(exit_status_of(hook), 0);
        assert_string_equal(pid1_calls(), rows[i].closes ? CLOSE_ALL : "");
        assert_int_equal(said("<6>sssd.service is stopped, and its sockets with it, until it is started again\n"),
                         strcmp(rows[i].first, "stop") == 0);
    }
}

static void a_stop_closes_only_what_is_open(void **state)
{
    (void) state;
    is_stopped_by("stop");
    all_sockets_have("ActiveState=inactive");
    unit_has("sss-ssh.socket", "ActiveState=active");
    unit_has("sss-sudo.socket", "ActiveState=activating");
    jobs_do("echo failed");
    assert_int_equal(run("stopping", NULL), EXIT_FAILURE);
    assert_string_equal(pid1_calls(), CLOSE("ssh") CLOSE("sudo"));
    assert_true(said("<4>Stop sss-ssh.socket ...: it failed\n"));
}

/* A job of its own, for which it has the lock: sockets stay open for whom it is started again. */
static void who_leaves_by_linger_closes_nothing_and_waits_for_nobody(void **state)
{
    pid_t pid = start_process(-1);
    int lock;

    (void) state;
    write_configuration(SSSD);
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    is_stopped_by("stop");
    serves_as("sss-pam.service", "deactivating", "stop", pid);
    lock = state_lock_exclusive(&opened, 0);
    assert_true(lock >= 0);
    assert_int_equal(run("stopping", NULL), 0);
    assert_false(asked("MainPID"));
    assert_string_equal(pid1_calls(), "");
    assert_string_equal(read_text("said"), "");
    assert_true(state_monitor_owns(&opened, "nss"));
    (void) close(lock);

    end(pid);
    lock = state_lock_shared(&opened, 0); /* a launcher's */
    assert_int_equal(run("stopping", NULL), 0);
    assert_string_equal(pid1_calls(), CLOSE_ALL);
    (void) close(lock);
}

static void a_stop_does_not_wait_for_who_does_not_leave(void **state)
{
    static const struct {
        const char *label, *monitors_job, *active, *job;
    } rows[] = {
        { "the monitor ends by itself", "", "deactivating", "stop" },
        { "the monitor does not start", "start", "deactivating", "stop" },
        { "who has started since", "stop", "active", "" },
        /* The next one's launcher: it waits for the monitor, and the monitor would wait for it. */
        { "who is starting", "restart", "activating", "start" },
        { "who is to start", "restart", "inactive", "start" },
    };

    (void) state;
    write_configuration(SSSD);
    for (size_t i = 0; i < N_OF(rows); i++) {
        pid_t pid = start_process(-1);

        print_message("  %s\n", rows[i].label);
        forget_calls();
        is_stopped_by(rows[i].monitors_job);
        serves_as("sss-nss.service", rows[i].active, rows[i].job, pid);
        assert_int_equal(run("stopping", NULL), 0);
        assert_false(asked("MainPID"));
        assert_false(has_ended(pid));
        end(pid);
    }
}

static void who_does_not_end_is_not_waited_for_for_ever(void **state)
{
    pid_t pid = start_process(-1);

    (void) state;
    is_stopped_by("stop");
    serves_as("sss-nss.service", "deactivating", "stop", pid);
    assert_int_equal(run("stopping", NULL), 0);
    assert_false(has_ended(pid));
    end(pid);
}

static void a_restart_opens_what_the_monitor_will_not_have(void **state)
{
    static const struct {
        const char *job;
        bool releases;
    } rows[] = { { "stop", false }, { "", false }, { "restart", true } };

    (void) state;
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    assert_int_equal(state_set_monitor_owns(&opened, "pam", true), 0);
    all_sockets_have("ActiveState=inactive");
    write_configuration("[sssd]\nservices = pam\n" DOMAIN);
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  job: %s\n", rows[i].job);
        is_stopped_by(rows[i].job);
        assert_int_equal(run("stopping", NULL), 0);
        assert_int_equal(state_monitor_owns(&opened, "nss"), !rows[i].releases);
        assert_true(state_monitor_owns(&opened, "pam"));
        assert_int_equal(told(OPEN("nss") OPEN("ssh")), rows[i].releases);
        assert_false(told("pam"));
        assert_int_equal(said("<6>nss is systemd's from now on\n"), rows[i].releases);
        assert_false(said("ssh is")); /* it was before */
    }
}

/* Serves one client after another, each as slowly as told, when the file is there. */
static pid_t start_engine(int listener, const char *file, int msec)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
    for (;;) {
        int client;

        wait_for_file(file);
        client = accept(listener, NULL, NULL);
        (void) poll(NULL, 0, msec);
        (void) !write(client, "served", 6); /* the test sees it */
        (void) close(client);
    }
}

static bool is_served_already(int client)
{
    struct pollfd polled = { .fd = client, .events = POLLIN };

    return poll(&polled, 1, 0) == 1 && is_served(client, "served");
}

/* Who waits in a queue of ours when the monitor's responder binds the path is lost; others come again. */
static void a_restart_narrows_the_queues_that_the_monitor_will_have(void **state)
{
    static const struct {
        const char *label, *job, *services;
        bool owns_pam, is_refused;
        const char *narrowed;
    } rows[] = {
        { "restart", "restart", "pam, ssh", false, false, "pipes/pam\npipes/private/pam\npipes/ssh\n" },
        { "restart, where some are its own", "restart", "pam, ssh", true, false, "pipes/ssh\n" },
        { "restart, without new ones", "restart", "pam", true, false, "" },
        { "restart, in a container", "restart", "ssh", false, true, "pipes/ssh\n" },
        { "stop", "stop", "pam, ssh", false, false, "" },
        { "by itself", "", "pam, ssh", false, false, "" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        char text[128];

        print_message("  %s\n", rows[i].label);
        (void) unlink("narrowed");
        assert_int_equal(state_set_narrowed(&opened, false), 0);
        narrow_errno = rows[i].is_refused ? EPERM : 0;
        (void) snprintf(text, sizeof(text), "[sssd]\nservices = %s\n" DOMAIN, rows[i].services); /* fits */
        write_configuration(text);
        assert_int_equal(state_set_monitor_owns(&opened, "pam", rows[i].owns_pam), 0);
        is_stopped_by(rows[i].job);
        assert_int_equal(run("stopping", NULL), 0);
        assert_string_equal(read_text("narrowed"), rows[i].narrowed);
        assert_int_equal(said("will be refused: Operation not permitted\n"), rows[i].is_refused);
    }
}

/* The configuration was changed once more, or did not come into force. */
static void a_start_widens_what_stays(void **state)
{
    (void) state;
    write_configuration("[sssd]\nservices = nss\n" DOMAIN);
    assert_int_equal(run("starting", NULL), 0);
    assert_string_equal(read_text("widened"), ""); /* nothing was narrowed */
    assert_int_equal(state_set_narrowed(&opened, true), 0);
    assert_int_equal(run("starting", NULL), 0);
    assert_string_equal(read_text("widened"), "pipes/pam\npipes/private/pam\npipes/ssh\npipes/sudo\npipes/autofs\npipes/pac\n");
    assert_false(state_has_narrowed(&opened));
}

static void who_is_released_serves_whom_it_has(void **state)
{
    int clients[2] = { client_of("pipes/nss"), client_of("pipes/nss") };

    (void) state;
    assert_int_equal(state_set_monitor_owns(&opened, "nss", true), 0);
    write_configuration(SSSD);
    is_stopped_by("restart");
    running[NSS] = start_engine(listeners[NSS][0], ".", 100);
    assert_int_equal(run("stopping", NULL), 0);
    assert_true(is_served_already(clients[0]));
    assert_true(is_served_already(clients[1]));
    end(running[NSS]);
}

/* --- Stopped --------------------------------------------------------------------------------------------------- */

/* Whatever was about to open sockets has ended, so a stop closes them once more. */
static void a_stop_opens_nothing(void **state)
{
    static const struct {
        const char *label, *job, *restarts; /* and sss-stop.service with it */
        bool lingers, closes;
    } rows[] = {
        { "stop", "stop", "", false, true },
        { "restart", "restart", "Start sss-stop.service ignore-dependencies\n", false, false },
        { "of hook linger", "stop", "", true, false },
    };

    (void) state;
    has_number(MONITOR, "InactiveExitTimestampMonotonic", 100); /* and was not up */
    for (size_t i = 0; i < N_OF(rows); i++) {
        int lock = rows[i].lingers ? state_lock_exclusive(&opened, 0) : -1;

        print_message("  %s\n", rows[i].label);
        forget_calls();
        is_stopped_by(rows[i].job);
        all_sockets_have("ActiveState=inactive");
        assert_int_equal(run("stopped", NULL), 0);
        assert_string_equal(pid1_calls(), rows[i].restarts);
        assert_int_equal(state_is_restarting(&opened), rows[i].restarts[0] != '\0');
        forget_calls();
        all_sockets_have("ActiveState=active");
        assert_int_equal(run("stopped", NULL), 0);
        assert_string_equal(pid1_calls(), rows[i].closes ? CLOSE_ALL : rows[i].restarts);
        assert_int_equal(failures(), 0);
        if (lock >= 0)
            (void) close(lock);
    }
}

/* Of the start of sss-stop.service its own part of that stop dies. */
static void a_stop_in_the_middle_of_another_end_closes(void **state)
{
    static const struct {
        const char *label, *job, *then;
        bool lingers, closes;
    } rows[] = {
        { "of an end by itself", "", "stop", false, true },
        { "of a restart", "restart", "stop", false, true },
        { "the other way round", "", "restart", false, false },
        { "of hook linger", "", "stop", true, false },
    };

    (void) state;
    assert_int_equal(mkdir("next", 0755), 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        int lock = rows[i].lingers ? state_lock_exclusive(&opened, 0) : -1;

        print_message("  %s\n", rows[i].label);
        forget_calls();
        all_sockets_have("ActiveState=active");
        is_stopped_by(rows[i].then);
        assert_int_equal(rename("units/" MONITOR, "next/" MONITOR), 0);
        is_stopped_by(rows[i].job);
        has_number(MONITOR, "ActiveEnterTimestampMonotonic", 100);
        unit_has("sss-stop.service", "ActiveState=active");
        assert_int_equal(run("stopped", NULL), 0);
        assert_int_equal(told("Stop sss-nss.socket replace\n"), rows[i].closes);
        assert_int_equal(told("Stop sss-pac.socket replace\n"), rows[i].closes);
        if (lock >= 0)
            (void) close(lock);
    }
}

/* As long as its unit beside it has that job. */
static void a_stop_that_has_not_yet_reached_its_unit_is_no_linger(void **state)
{
    static const struct {
        const char *job;
        bool closes;
    } rows[] = { { "stop", true }, { "", false }, { "start", false } };

    (void) state;
    is_stopped_by("stop");
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].job);
        forget_calls();
        all_sockets_have("ActiveState=active");
        unit_with_job("sss-stop.service", "active", rows[i].job);
        assert_int_equal(run("stopped", NULL), 0);
        assert_string_equal(pid1_calls(), rows[i].closes ? CLOSE_ALL : "");
    }
}

#define EXPECT_STOP "Start sss-stop.service replace\n"

static void an_end_by_itself_leaves_the_sockets_as_they_are(void **state)
{
    (void) state;
    assert_int_equal(run("stopped", NULL), 0);
    assert_string_equal(pid1_calls(), EXPECT_STOP); /* which has ended with it */
    write_text("errors", "Start sss-stop.service org.freedesktop.systemd1.UnitMasked\n");
    assert_int_equal(run("stopped", NULL), EXIT_FAILURE);
    assert_true(said("<4>cannot start sss-stop.service: "));
}

/* Of sss-stop.service, which stops before the monitor: also of one at rest, and also when that is restarted. */
static void only_a_stop_closes(void **state)
{
    static const struct {
        const char *job, *active;
        bool restarting, closes;
    } rows[] = {
        { "Job=stop", "ActiveState=active", false, true },
        { "Job=stop", "ActiveState=inactive", false, true },
        { "Job=stop", "ActiveState=activating", false, true },
        { "Job=restart", "ActiveState=active", false, false },
        { "Job=start", "ActiveState=activating", false, false },
        { "Job=", "ActiveState=deactivating", false, false },
        { "Job=", "ActiveState=failed", false, false },
        /* After a restart's first half. */
        { "Job=restart", "ActiveState=inactive", true, false },
        { "Job=start", "ActiveState=inactive", true, false },
        { "Job=", "ActiveState=deactivating", true, false },
        { "Job=", "ActiveState=activating", true, false },
        { "Job=", "ActiveState=inactive", true, true },
        { "Job=", "ActiveState=failed", true, true },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s, %s\n", rows[i].job, rows[i].active);
        forget_calls();
        assert_int_equal(state_set_restarting(&opened, rows[i].restarting), 0);
        all_sockets_have("ActiveState=active");
        unit_has("sss-retry@sss-pam.timer", "ActiveState=active");
        unit_has(MONITOR, rows[i].job);
        unit_has(MONITOR, rows[i].active);
        assert_int_equal(run("closing", NULL), 0);
        assert_int_equal(told("Stop sss-nss.socket replace\n"), rows[i].closes);
        assert_int_equal(told("Stop sss-pac.socket replace\n"), rows[i].closes);
        assert_int_equal(told("Stop sss-retry@sss-pam.timer replace\n"), rows[i].closes);
        assert_int_equal(pid1_calls()[0] != '\0', rows[i].closes);
    }
}

#define MSEC(n) ((n) * 1000LL)
#define ENDED MSEC(1000000) /* since the host's start */

static void a_monitor_that_comes_to_nothing_is_counted(void **state)
{
    static const struct {
        const char *label, *job, *result;
        long long began, came_up; /* usec before its end; 0: never */
        unsigned failures;        /* one is there */
        const char *status;
    } rows[] = {
        { "the first start", "", "exit-code", MSEC(100), 0, 2, NULL },
        { "a later one", "", "exit-code", MSEC(100), MSEC(5000), 2, NULL },
        { "one whose job is there still", "start", "exit-code", MSEC(100), MSEC(5000), 2, NULL },
        { "one that is ended by hand", "", "success", MSEC(100), 0, 2, NULL },
        { "a crash at once", "", "signal", MSEC(100), MSEC(100), 2, NULL },
        { "a crash soon", "", "core-dump", MSEC(59000), MSEC(58000), 2, NULL },
        { "a kill before it was up", "", "signal", MSEC(5000), 0, 2, "KILL" },
        { "a kill at once", "", "signal", MSEC(5000), MSEC(20), 2, "KILL" },
        { "a kill soon", "", "signal", MSEC(5000), MSEC(100), 0, "KILL" },
        { "the end of memory soon", "", "oom-kill", MSEC(5000), MSEC(100), 0, "KILL" },
        { "the end of memory of another process of it", "", "oom-kill", MSEC(5000), MSEC(100), 0, "TERM" },
        { "a watchdog that had no patience", "", "watchdog", MSEC(5000), MSEC(20), 2, "ABRT" },
        { "a watchdog", "", "watchdog", MSEC(5000), MSEC(4000), 0, "ABRT" },
        { "a crash later", "", "core-dump", MSEC(62000), MSEC(61000), 0, NULL },
        { "an end by hand soon", "", "success", MSEC(59000), MSEC(58000), 0, NULL },
        { "a stop", "stop", "exit-code", MSEC(100), 0, 0, NULL },
        { "a restart", "restart", "exit-code", MSEC(100), 0, 0, NULL },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        const struct hook hook = { .name = "stopped", .result = rows[i].result, .status = rows[i].status };

        print_message("  %s\n", rows[i].label);
        assert_int_equal(state_forget_failures(&opened), 0);
        assert_int_equal(state_count_failure(&opened), 1);
        forget_calls();
        is_stopped_by(rows[i].job);
        has_number(MONITOR, "InactiveExitTimestampMonotonic", ENDED - rows[i].began);
        has_number(MONITOR, "ActiveEnterTimestampMonotonic", rows[i].came_up > 0 ? ENDED - rows[i].came_up : 0);
        has_number(MONITOR, "ExecMainExitTimestampMonotonic", ENDED);
        assert_int_equal(in_child(run_hook, (void *) &hook), 0);
        assert_int_equal(failures(), rows[i].failures);
        assert_false(told("sss-ended@sssd.service")); /* without a Restart= systemd starts that */
    }

    (void) unlink("state/failed"); /* the last row has none */
    assert_int_equal(mkdir("state/failed", 0755), 0);
    is_stopped_by("");
    has_number(MONITOR, "ActiveEnterTimestampMonotonic", 0);
    assert_int_equal(run("stopped", NULL), 0);
    assert_true(said("<4>cannot note that the monitor came to nothing: Is a directory\n"));
}

#define PAUSE "Start sss-pause.service replace-irreversibly\n"

static void after_the_first_crash_of_one_that_was_up_nobody_waits(void **state)
{
    const struct hook hook = { .name = "stopped", .result = "core-dump" };

    (void) state;
    unit_has(MONITOR, "Restart=on-failure");
    for (unsigned crashes = 1; crashes < 4; crashes++) {
        forget_calls();
        is_stopped_by("");
        has_number(MONITOR, "InactiveExitTimestampMonotonic", ENDED - MSEC(200));
        has_number(MONITOR, "ActiveEnterTimestampMonotonic", ENDED - MSEC(100));
        has_number(MONITOR, "ExecMainExitTimestampMonotonic", ENDED);
        assert_int_equal(in_child(run_hook, (void *) &hook), 0);
        assert_int_equal(failures(), crashes - 1);
        assert_int_equal(told("sss-ended@sssd.service"), crashes > 1); /* the first restart is its own */
        assert_int_equal(told(PAUSE), crashes > 1);                    /* InfoPipe may have been up */
    }
}

/* Each of its callers would start the monitor once more; until that is tried again, or is up, systemd refuses them. */
static void callers_of_infopipe_wait_for_the_next_try(void **state)
{
    const struct hook hook = { .name = "stopped", .result = "exit-code" };

    (void) state;
    has_number(MONITOR, "InactiveExitTimestampMonotonic", ENDED);
    has_number(MONITOR, "ActiveEnterTimestampMonotonic", 0);
    for (int calls = 0; calls < 2; calls++) {
        forget_calls();
        is_stopped_by("");
        unit_with_job("sssd-ifp.service", "inactive", calls ? "start" : "");
        assert_int_equal(in_child(run_hook, (void *) &hook), 0);
        assert_int_equal(told(PAUSE), calls);
    }
    assert_int_equal(failures(), 2);

    write_configuration(SSSD); /* that may be the repair */
    assert_int_equal(run("pausing", NULL), 0);

    forget_calls();
    assert_int_equal(run("started", NULL), 0);
    assert_true(told(NO_PAUSE));
    assert_int_equal(state_forget_failures(&opened), 0);
    forget_calls();
    assert_int_equal(run("started", NULL), 0);
    assert_false(told("Kill"));
}

static void who_would_be_restarted_each_second_is_followed_up(void **state)
{
    static const struct {
        const char *restart, *results; /* after which it is */
    } rows[] = {
        { "no", "" },
        { "on-success", "" },
        { "on-watchdog", "" }, /* 30 s, not each second */
        { "on-abort", "signal core-dump" },
        { "on-abnormal", "signal core-dump timeout watchdog oom-kill" },
        { "on-failure", "signal core-dump timeout watchdog oom-kill exit-code" },
        { "always", "signal core-dump timeout watchdog oom-kill exit-code success" },
    };
    static const char *const results[] = { "success", "exit-code", "signal", "core-dump", "timeout", "watchdog", "oom-kill" };

    (void) state;
    has_number(MONITOR, "InactiveExitTimestampMonotonic", 100); /* it was never up */
    for (size_t i = 0; i < N_OF(rows); i++)
        for (size_t k = 0; k < N_OF(results); k++) {
            const struct hook hook = { .name = "stopped", .result = results[k] };
            char line[64];

            print_message("  %s, %s\n", rows[i].restart, results[k]);
            forget_calls();
            (void) snprintf(line, sizeof(line), "Restart=%s", rows[i].restart); /* fits */
            unit_has(MONITOR, line);
            assert_int_equal(in_child(run_hook, (void *) &hook), 0);
            assert_int_equal(told("Start sss-ended@sssd.service replace\n"), strstr(rows[i].results, results[k]) != NULL);
        }
}

/* In its place comes a timer, for those who do not come by a socket. */
static void a_restart_each_second_is_undone(void **state)
{
    static const struct {
        const char *label, *active, *sub, *job, *file;
        bool owns, undone, retried;
    } rows[] = {
        { "it waits", "activating", "auto-restart", "", "disabled", false, true, false },
        { "it is not yet down", "deactivating", "stop-post", "", "disabled", false, true, false },
        { "it is enabled", "activating", "auto-restart", "", "enabled", false, true, true },
        { "it has responders", "activating", "auto-restart", "", "disabled", true, true, true },
        { "somebody has stopped it", "deactivating", "stop-post", "stop", "enabled", true, false, false },
        { "it starts", "activating", "start", "start", "enabled", true, false, false },
        { "it is up", "active", "running", "", "enabled", true, false, false },
    };
    char line[64];

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        forget_calls();
        unit_with_job(MONITOR, rows[i].active, rows[i].job);
        unit_has("sss-stop.service", "ActiveState=inactive");
        (void) snprintf(line, sizeof(line), "SubState=%s", rows[i].sub); /* these fit */
        unit_has(MONITOR, line);
        (void) snprintf(line, sizeof(line), "UnitFileState=%s", rows[i].file);
        unit_has(MONITOR, line);
        assert_int_equal(state_set_monitor_owns(&opened, "pam", rows[i].owns), 0);
        assert_int_equal(run("failed", "sssd"), 0);
        assert_string_equal(read_text("said"), "");
        (void) snprintf(line, sizeof(line), "%s", rows[i].retried ? "Start " MONITOR_RETRY_TIMER " replace\n" : "");
        assert_true(told(line));
        assert_int_equal(told(MONITOR_RETRY_TIMER), rows[i].retried);
        /* In this order: the hook of the one would take the other for an administrator's. */
        assert_int_equal(told("Start sss-stop.service ignore-dependencies\nStop sssd.service ignore-dependencies\n"), rows[i].undone);
        assert_int_equal(told("Stop"), rows[i].undone);
    }
}

static void the_timer_starts_a_monitor_that_is_down_and_no_other(void **state)
{
    static const struct {
        const char *label, *active, *calls;
        int64_t failed_usec; /* ago */
    } rows[] = {
        { "down", "inactive", "Start sssd.service fail\n", 5000000 },
        { "failed", "failed", "Start sssd.service fail\n", 5000000 },
        { "a client has tried meanwhile", "failed", "", 1000000 },
        { "up", "active", "Stop sss-retry@sssd.timer replace\n", 5000000 },
        { "starts", "activating", "Stop sss-retry@sssd.timer replace\n", 5000000 },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct timespec now;
        char note[64];

        print_message("  %s\n", rows[i].label);
        forget_calls();
        unit_with_job(MONITOR, rows[i].active, "");
        assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
        (void) snprintf(note, sizeof(note), "%" PRId64 " 1\n",
                        (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000 - rows[i].failed_usec); /* fits */
        write_text("state/failed", note);
        assert_int_equal(run("retry", "sssd"), 0);
        assert_string_equal(pid1_calls(), rows[i].calls);
        if (strncmp(rows[i].calls, "Start", 5) == 0)
            wait_for_text("units/" MONITOR, "ActiveState=active"); /* else the job may end in the next row */
    }
}

/* Nobody typed the start of a monitor that nobody enabled, and who has stopped it has what he wanted. */
static void a_failure_that_hurts_nobody_is_forgotten(void **state)
{
    static const struct {
        const char *file, *stop_unit;
        bool is_reset;
    } rows[] = {
        { "disabled", "active", true },        { "static", "active", true },
        { "enabled", "active", false },        { "enabled-runtime", "active", false },
        { "enabled", "activating", false },    { "enabled", "inactive", true },
        { "enabled", "active", true }, /* without a configuration */
    };

    (void) state;
    assert_int_equal(mkdir("config", 0700), 0);
    write_text("config/sssd.conf", "[sssd]\n");
    for (size_t i = 0; i < N_OF(rows); i++) {
        char line[64];

        if (i == N_OF(rows) - 1)
            assert_int_equal(unlink("config/sssd.conf"), 0);

        print_message("  %s, %s\n", rows[i].file, rows[i].stop_unit);
        forget_calls();
        (void) snprintf(line, sizeof(line), "UnitFileState=%s", rows[i].file); /* fits */
        unit_has(MONITOR, line);
        unit_has(MONITOR, "ActiveState=failed");
        unit_with_job("sss-stop.service", rows[i].stop_unit, "");
        assert_int_equal(run("failed", "sssd"), 0);
        assert_int_equal(told(RESET("sssd")), rows[i].is_reset);
        assert_false(told(OPEN("nss"))); /* it may have been stopped */
    }
}

/* --- Draining -------------------------------------------------------------------------------------------------- */

static void a_responder_is_drained_if_there_is_one(void **state)
{
    static const struct {
        const char *label, *pid;
    } rows[] = {
        { "unset", NULL }, { "empty", "" }, { "no number", "x" }, { "zero", "0" }, { "gone", "2147483647" },
    };

    (void) state;
    pid1_leaves(); /* it is not asked */
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        if (rows[i].pid)
            (void) setenv("MAINPID", rows[i].pid, 1);
        assert_int_equal(run("draining", NULL), 0);
        assert_string_equal(read_text("said"), "");
    }
}

/* A process with a listening socket as systemd hands it over, and files of its own up to the number `last`, except `gap`. It
 * accepts so many and then waits. */
static pid_t start_responder(int listener, int last, int gap, int accepts)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
    if (dup2(listener, 3) < 0 || close_range(4, ~0U, 0) < 0)
        _exit(1);
    for (int fd = 4; fd <= last; fd++)
        (void) dup2(2, fd);
    while (accepts-- > 0)
        (void) accept(3, NULL, NULL);
    if (gap > 0)
        (void) close(gap);
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

static unsigned limit_of(pid_t pid)
{
    struct rlimit limit;

    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), 0);
    return (unsigned) limit.rlim_cur;
}

/* One that is starting may not lose its descriptors: it would hang. And with none at all poll() fails in libraries. */
static void who_has_no_client_is_halted_and_nothing_more(void **state)
{
    static const struct {
        const char *label;
        int waiting, accepts, last, gap;
        unsigned limit; /* 0: as before */
    } rows[] = {
        { "nobody came", 0, 0, 3, 0, 0 },
        { "two wait", 2, 0, 3, 0, 0 },
        { "one was accepted", 1, 1, 3, 0, 4 },
        { "one was accepted, one waits", 2, 1, 3, 0, 4 },
        { "two were accepted", 2, 2, 3, 0, 4 },
        { "it has files of its own", 1, 1, 9, 0, 10 },
        { "a gap in the numbers", 2, 1, 9, 7, 7 },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        int listener = listener_at(at("nss")), clients[2] = { -1, -1 };
        pid_t pid;

        print_message("  %s\n", rows[i].label);
        for (int k = 0; k < rows[i].waiting; k++)
            clients[k] = client_of(at("nss"));
        pid = start_responder(listener, rows[i].last, rows[i].gap, rows[i].accepts);
        wait_for_file("ready");
        set_main_pid(pid);
        assert_int_equal(run("draining", NULL), 0);
        wait_for_halt(pid);
        assert_int_equal(limit_of(pid), rows[i].limit > 0 ? rows[i].limit : limit_of(getpid()));

        end(pid);
        for (int k = 0; k < 2; k++)
            if (clients[k] >= 0)
                (void) close(clients[k]);
        (void) close(listener);
        (void) unlink("nss");
        (void) unlink("ready");
    }
}

/* Left halted there, it would take him when it is told to leave, since the signal that ends it lets it go on. */
static void who_is_about_to_take_a_client_takes_him_first(void **state)
{
    int listener = listener_at(at("nss")), client = client_of(at("nss"));
    pid_t pid = fork();

    (void) state;
    assert_true(pid >= 0);
    if (pid == 0) {
        struct pollfd polled = { .fd = 3, .events = POLLIN };

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
        if (dup2(listener, 3) < 0 || close_range(4, ~0U, 0) < 0 || poll(&polled, 1, -1) < 0)
            _exit(1);
        write_text("ready", "");
        (void) usleep(20000);
        (void) accept(3, NULL, NULL);
        for (;;)
            (void) pause();
    }
    wait_for_file("ready");
    set_main_pid(pid);
    assert_int_equal(run("draining", NULL), 0);
    wait_for_halt(pid);
    assert_int_equal(limit_of(pid), 4);

    end(pid);
    (void) close(client);
    (void) close(listener);
}

/* As an engine does: takes whom it can, greets each, and lets it go when it goes. */
static pid_t start_greeter(int listener)
{
    struct pollfd polled[64] = { { .fd = 3, .events = POLLIN } };
    nfds_t n = 1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
    if (dup2(listener, 3) < 0 || close_range(4, ~0U, 0) < 0)
        _exit(1);
    while (poll(polled, n, -1) > 0) {
        for (nfds_t i = 1; i < n; i++)
            if (polled[i].revents) {
                (void) close(polled[i].fd);
                polled[i--] = polled[--n];
            }
        if (polled[0].revents && n < N_OF(polled)) {
            int client = accept(3, NULL, NULL);

            if (client < 0)
                continue;
            (void) !write(client, "+", 1); /* the test sees it */
            polled[n++] = (struct pollfd) { .fd = client, .events = POLLIN };
        }
    }
    _exit(2); /* poll() fails where the limit is too small for it */
}

static void wait_until_greeted(int client)
{
    char byte;

    assert_int_equal(read(client, &byte, 1), 1);
}

static void wait_until_limited(pid_t pid)
{
    while (limit_of(pid) == limit_of(getpid()))
        (void) usleep(1000); /* folder_enter's guard ends this */
}

static void nobody_gets_in_while_it_drains(void **state)
{
    static const struct {
        const char *label;
        bool one_leaves;
    } rows[] = {
        { "who is there stays", false },
        { "who is there leaves", true },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        int listener = listener_at(at("nss")), there, waits, queued;
        pid_t greeter, hook;

        print_message("  %s\n", rows[i].label);
        there = client_of(at("nss"));
        greeter = start_greeter(listener);
        wait_until_greeted(there);
        set_main_pid(greeter);
        hook = start("draining", there);
        wait_until_limited(greeter);

        waits = client_of(at("nss"));
        if (rows[i].one_leaves)
            (void) close(there);
        assert_int_equal(exit_status_of(hook), 0);
        wait_for_halt(greeter);
        queued = accept_now(listener); /* as the next instance does */
        assert_true(queued >= 0);
        assert_int_equal(send(waits, "?", 1, MSG_NOSIGNAL), 1);

        end(greeter);
        (void) close(queued);
        (void) close(waits);
        if (!rows[i].one_leaves)
            (void) close(there);
        (void) close(listener);
        (void) unlink("nss");
    }
}

/* Takes one client and gives him back what he sends. Its other connection stays as it is. */
static pid_t start_echo(int listener, int other)
{
    int client;
    char byte;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
    if (dup2(listener, 3) < 0 || dup2(other, 4) < 0 || close_range(5, ~0U, 0) < 0)
        _exit(1);
    client = accept(3, NULL, NULL);
    while (read(client, &byte, 1) == 1 && send(client, &byte, 1, MSG_NOSIGNAL) == 1)
        ;
    (void) close(client);
    for (;;)
        (void) pause();
}

/* Ends with 0 when it could send no more, and whatever it had sent was answered. */
static pid_t start_asker(int client)
{
    char byte = '?';
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    while (send(client, &byte, 1, MSG_NOSIGNAL) == 1)
        if (read(client, &byte, 1) != 1)
            _exit(1);
    _exit(errno == EPIPE ? 0 : 2);
}

static void who_asks_without_a_pause_is_answered_to_the_end(void **state)
{
    int listener = listener_at(at("nss")), back_end = listener_at(at("other")), client = client_of(at("nss"));
    int other = client_of(at("other")), others_end = accept_now(back_end);
    pid_t echo = start_echo(listener, other), asker;
    char byte = '?';

    (void) state;
    /* Halted before it has taken him, it would never answer. */
    assert_int_equal(send(client, &byte, 1, MSG_NOSIGNAL), 1);
    assert_int_equal(read(client, &byte, 1), 1);
    asker = start_asker(client);
    (void) close(client);
    set_main_pid(echo);
    assert_int_equal(run("draining", NULL), 0);
    wait_for_halt(echo);
    assert_int_equal(exit_status_of(asker), 0);
    assert_int_equal(send(others_end, "?", 1, MSG_NOSIGNAL), 1);

    end(echo);
    (void) close(other);
    (void) close(others_end);
    (void) close(back_end);
    (void) close(listener);
}

/* A process of that number which answers as long as it is not halted. */
static pid_t start_stranger(pid_t number, int questions, int answers)
{
    pid_t set_tid[] = { number };
    struct clone_args arguments = {
        .exit_signal = SIGCHLD, .set_tid = (uint64_t) (uintptr_t) set_tid, .set_tid_size = 1
    };
    long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
    char byte;

    if (pid != 0)
        return (pid_t) pid;
    while (read(questions, &byte, 1) == 1 && write(answers, &byte, 1) == 1)
        ;
    _exit(0);
}

static void a_stranger_that_gets_the_number_is_let_be(void **state)
{
    int listener = listener_at(at("nss")), client = client_of(at("nss")), questions[2], answers[2];
    struct pollfd polled = { .events = POLLIN };
    pid_t responder, hook, stranger;

    (void) state;
    assert_int_equal(pipe2(questions, O_CLOEXEC), 0);
    assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
    responder = start_responder(listener, 3, 0, 1);
    wait_for_file("ready");
    set_main_pid(responder);
    hook = start("draining", -1);
    wait_until_limited(responder);
    end(responder);
    stranger = start_stranger(responder, questions[0], answers[1]);
    if (stranger < 0) {
        assert_true(errno == EPERM || errno == ENOSYS);
        assert_int_equal(exit_status_of(hook), 0);
        skip(); /* nobody may choose a number here */
    }
    assert_int_equal(stranger, responder);

    assert_int_equal(exit_status_of(hook), 0);
    assert_string_equal(read_text("said"), "");
    assert_int_equal(limit_of(stranger), limit_of(getpid()));
    assert_int_equal(write(questions[1], "?", 1), 1);
    polled.fd = answers[0];
    while (poll(&polled, 1, 1) == 0) /* halted, it would not answer */
        assert_int_equal(waitpid(stranger, NULL, WNOHANG | WUNTRACED), 0);

    end(stranger);
    for (int i = 0; i < 2; i++) {
        (void) close(questions[i]);
        (void) close(answers[i]);
    }
    (void) close(client);
    (void) close(listener);
}

static void the_distributions_responder_serves_whom_it_has_when_ours_is_open(void **state)
{
    int listener = listener_at(at("vendors")), client = client_of(at("vendors"));
    uint64_t before;
    pid_t pid;

    (void) state;
    pid = start_engine(listener, "go", 100);
    set_main_pid(pid);

    /* Here it can't finish, so nobody waits for that. */
    unit_has("sss-nss.socket", "ActiveState=inactive");
    before = msec_now();
    assert_int_equal(run("finishing", "nss"), 0);
    assert_int_equal(run("finishing", "ifp"), 0);
    assert_true(msec_now() - before < 2900);

    write_text("go", "");
    unit_has("sss-nss.socket", "ActiveState=active");
    assert_int_equal(run("finishing", "nss"), 0);
    assert_true(is_served_already(client));
    end(pid);
    (void) close(listener);

    (void) unsetenv("MAINPID");
    assert_int_equal(run("finishing", "nss"), 0);
}

/* --- Ends ------------------------------------------------------------------------------------------------------ */

#define SEC 1000000LL

static void an_end_tells_its_reason(void **state)
{
    static const struct {
        const char *label, *job;
        struct hook hook;
        long long life_usec;
        const char *options; /* of the responder */
        const char *says;
    } rows[] = {
        { "idle", "", { .result = "success", .status = "0" }, 300 * SEC, "",
          "<6>nss has left: nobody needed it\n" },
        { "sooner than that", "", { .result = "success", .status = "0" }, 300 * SEC - 1, "",
          "<6>nss has left: somebody told it to\n" },
        { "a signal that ends it", "", { .result = "success", .status = "TERM" }, SEC, "",
          "<6>nss has left: somebody told it to\n" },
        { "nobody knows how long", "", { .result = "success", .status = "0" }, -1, "",
          "<6>nss has left: somebody told it to\n" },
        { "idle as configured", "", { .result = "success", .status = "0" }, 60 * SEC, "responder_idle_timeout = 60",
          "<6>nss has left: nobody needed it\n" },
        { "sooner than configured", "", { .result = "success", .status = "0" }, 60 * SEC - 1, "responder_idle_timeout = 60",
          "<6>nss has left: somebody told it to\n" },
        { "not idle as configured yet", "", { .result = "success", .status = "0" }, 400 * SEC, "responder_idle_timeout = 500",
          "<6>nss has left: somebody told it to\n" },
        { "never idle", "", { .result = "success", .status = "0" }, 86400 * SEC, "responder_idle_timeout = 0",
          "<6>nss has left: somebody told it to\n" },
        { "another's time", "", { .result = "success", .status = "0" }, 300 * SEC, "[pam]\nresponder_idle_timeout = 500",
          "<6>nss has left: nobody needed it\n" },
        { "a crash", "", { .result = "signal", .status = "SEGV" }, 300 * SEC, "", "<6>nss has left: signal, status SEGV\n" },
        { "a failure", "", { .result = "exit-code", .status = "1" }, SEC, "", "<6>nss has left: exit-code, status 1\n" },
        { "stopped", "stop", { .result = "success", .status = "0" }, 300 * SEC, "", "<6>nss has left: it was stopped\n" },
        { "restarted", "restart", { .result = "signal", .status = "KILL" }, SEC, "", "<6>nss has left: it is restarted\n" },
        { "who was refused", "", { .result = "success", .status = "75" }, SEC, "", "" },
        { "who was refused, stopped", "stop", { .result = "success", .status = "75" }, SEC, "", "" },
        { "wrong sockets", "", { .result = "exit-code", .status = "78" }, SEC, "", "" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct hook hook = rows[i].hook;
        char text[256];

        print_message("  %s\n", rows[i].label);
        (void) snprintf(text, sizeof(text), SSSD "[nss]\n%s\n", rows[i].options); /* fits */
        write_configuration(text);
        serves_as("sss-nss.service", "deactivating", rows[i].job, 0);
        lived("sss-nss.service", rows[i].life_usec);
        hook.name = "ended";
        hook.argument = "nss";
        assert_int_equal(in_child(run_hook, &hook), 0);
        assert_string_equal(read_text("said"), rows[i].says);
    }
}

/* InfoPipe has a service that is not named as the others are. */
static void a_good_end_restarts_the_linger_time_and_ends_a_row(void **state)
{
    static const struct {
        struct hook hook;
        unsigned bad_ends;
        const char *calls;
    } rows[] = {
        { { .argument = "nss", .result = "success", .status = "0" }, 0, LINGER },
        { { .argument = "sss-nss", .result = "success", .status = "TERM" }, 0, LINGER },
        { { .argument = "nss", .result = "success", .status = "75" }, 2, LINGER_ON },
        { { .argument = "nss", .result = "signal", .status = "SEGV" }, 2, LINGER_ON },
        { { .argument = "nss", .result = "exit-code", .status = "78" }, 2, LINGER_ON },
        { { .argument = "ifp", .result = "success", .status = "0" }, 2, LINGER },
        { { .argument = "sssd-ifp", .result = "success", .status = "0" }, 2, LINGER },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct hook hook = rows[i].hook;

        print_message("  %s %s %s\n", hook.argument, hook.result, hook.status);
        forget_calls();
        assert_int_equal(state_forget_bad_ends(&opened, "nss"), 0);
        assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
        assert_int_equal(state_count_bad_end(&opened, "nss"), 2);
        hook.name = "ended";
        assert_int_equal(in_child(run_hook, &hook), 0);
        assert_int_equal(state_bad_ends(&opened, "nss"), rows[i].bad_ends);
        assert_string_equal(pid1_calls(), rows[i].calls);
    }
}

static void a_hook_of_no_responder_is_refused(void **state)
{
    static const char *const names[] = { "ended", "failed", "retry", "finishing", "linger" };
    static const char *const arguments[] = { "none", "../nss", "", "sssd", "sss-nss.service", "nss.socket" };

    (void) state;
    for (size_t i = 0; i < N_OF(names); i++)
        for (size_t k = 0; k < N_OF(arguments); k++) {
            char text[64];

            if ((strcmp(names[i], "failed") == 0 || strcmp(names[i], "retry") == 0) && strcmp(arguments[k], "sssd") == 0)
                continue; /* these are the monitor's */
            print_message("  %s %s\n", names[i], arguments[k]);
            assert_int_equal(run(names[i], arguments[k]), EXIT_FAILURE);
            (void) snprintf(text, sizeof(text), "<3>no such hook: %s %s\n", names[i], arguments[k]); /* fits */
            assert_string_equal(read_text("said"), text);
        }
    assert_int_equal(run("linger", "nss"), EXIT_FAILURE);
    assert_string_equal(read_text("said"), "<3>no such hook: linger nss\n");
    assert_int_equal(run("ended", NULL), EXIT_FAILURE);
    assert_string_equal(read_text("said"), "<3>no such hook: ended\n");
    assert_string_equal(pid1_calls(), "");
}

static void an_end_that_cannot_be_noted_is_said(void **state)
{
    struct hook hook = { .name = "ended", .argument = "nss", .result = "success", .status = "0" };

    (void) state;
    write_text("errors", "Restart sss-linger.timer org.freedesktop.systemd1.NoSuchUnit\n");
    assert_int_equal(mkdir("state/ends/nss", 0755), 0);
    assert_int_equal(in_child(run_hook, &hook), EXIT_FAILURE);
    assert_true(said("<4>cannot start the linger timer: No such file or directory\n"));
    assert_true(said("<4>cannot forget bad ends: Is a directory\n"));

    hook = (struct hook) { .name = "failed", .argument = "sss-nss", .result = "signal", .status = "SEGV" };
    assert_int_equal(in_child(run_hook, &hook), 0);
    assert_true(said("<4>cannot count bad ends: Is a directory\n"));
    assert_true(told(CLOSE("nss"))); /* else who waits would start it for ever */
}

/* --- Bad ends -------------------------------------------------------------------------------------------------- */

#define TIMER "sss-retry@sss-pam.timer"
#define CLOSED "Start " TIMER " replace\n" CLOSE("pam") CLOSE("pam-private")

static void three_bad_ends_in_a_row_close_the_sockets_for_a_while(void **state)
{
    struct hook bad = { .name = "failed", .argument = "sss-pam", .result = "core-dump", .status = "ABRT" };
    struct hook good = { .name = "ended", .argument = "pam", .result = "success", .status = "0" };
    char why[128];

    (void) state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(in_child(run_hook, &bad), 0);
        assert_string_equal(read_text("said"), "");
    }
    assert_string_equal(pid1_calls(), RESET("sss-pam") RESET("sss-pam"));

    assert_int_equal(in_child(run_hook, &good), 0); /* the row begins anew */
    forget_calls();
    for (int i = 0; i < 2; i++)
        assert_int_equal(in_child(run_hook, &bad), 0);
    assert_string_equal(pid1_calls(), RESET("sss-pam") RESET("sss-pam"));

    forget_calls();
    assert_int_equal(in_child(run_hook, &bad), 0);
    assert_string_equal(pid1_calls(), CLOSED);
    assert_string_equal(read_text("said"), "<4>clients of pam are told \"unavailable\" for now: "
                                           "it ended badly 3 times in a row: core-dump, status ABRT\n");
    assert_true(state_refusal(&opened, "pam", why, sizeof(why)));
    assert_string_equal(why, "it ended badly 3 times in a row: core-dump, status ABRT");
    assert_int_equal(state_bad_ends(&opened, "ssh"), 0);
}

/* Of another kernel's time, as after a soft reboot. */
/* Who waits in its socket would start it for ever; it needs no monitor, and has the distribution's units. */
static void a_kcm_that_ends_badly_is_refused_for_a_while_too(void **state)
{
    struct hook bad = { .name = "failed", .argument = "sssd-kcm", .result = "exit-code", .status = "1" };
    char why[128];

    (void) state;
    unit_has("sssd-kcm.service", "ActiveState=failed");
    unit_has("sssd-kcm.socket", "ActiveState=active");
    unit_has("sssd-kcm.socket", "UnitFileState=enabled");
    unit_has("sss-retry@sssd-kcm.timer", "ActiveState=inactive");
    for (int i = 1; i <= 3; i++) {
        forget_calls();
        assert_int_equal(in_child(run_hook, &bad), 0);
        assert_string_equal(pid1_calls(), i < 3 ? RESET("sssd-kcm")
                                                : "Start sss-retry@sssd-kcm.timer replace\nStop sssd-kcm.socket replace\n");
    }
    assert_true(state_refusal(&opened, "kcm", why, sizeof(why)));

    forget_calls();
    assert_int_equal(run("retry", "sssd-kcm"), 0);
    assert_true(told(RESET("sssd-kcm")));
    assert_false(state_refusal(&opened, "kcm", why, sizeof(why)));
}

static void bad_ends_of_long_ago_are_in_no_row(void **state)
{
    struct hook bad = { .name = "failed", .argument = "sss-pam", .result = "signal", .status = "SEGV" };

    (void) state;
    write_text("state/ends/pam", "18446744073709551615 2\n");
    assert_int_equal(in_child(run_hook, &bad), 0);
    assert_string_equal(pid1_calls(), RESET("sss-pam"));
    assert_int_equal(state_bad_ends(&opened, "pam"), 1);
}

static void a_kill_at_work_is_in_no_row(void **state)
{
    static const struct {
        struct hook hook;
        long long life_usec;
        bool is_third;
    } rows[] = {
        { { .result = "signal", .status = "KILL" }, 40000, false },
        { { .result = "signal", .status = "KILL" }, 39999, true },
        { { .result = "signal", .status = "KILL" }, 0, true },
        { { .result = "signal", .status = "KILL" }, -1, true },
        { { .result = "oom-kill", .status = "KILL" }, 40000, false },
        { { .result = "oom-kill", .status = "KILL" }, 39999, true },
        { { .result = "signal", .status = "SEGV" }, 300 * SEC, true },
        { { .result = "core-dump", .status = "ABRT" }, 300 * SEC, true },
        { { .result = "watchdog", .status = "ABRT" }, 300 * SEC, true },
        { { .result = "exit-code", .status = "1" }, 300 * SEC, true },
        { { .result = "exit-code", .status = "78" }, 0, true },
        { { .result = "resources", .status = NULL }, -1, true },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct hook hook = rows[i].hook;

        print_message("  %s %s after %lld us\n", hook.result, hook.status ? hook.status : "unset", rows[i].life_usec);
        unit_has("sss-pam.socket", "ActiveState=active");
        unit_has(TIMER, "ActiveState=inactive");
        assert_int_equal(state_forget_bad_ends(&opened, "pam"), 0);
        assert_int_equal(state_count_bad_end(&opened, "pam"), 1);
        assert_int_equal(state_count_bad_end(&opened, "pam"), 2);
        lived("sss-pam.service", rows[i].life_usec);
        hook.name = "ended";
        hook.argument = "pam";
        assert_int_equal(in_child(run_hook, &hook), 0);

        forget_calls();
        hook.name = "failed";
        hook.argument = "sss-pam";
        assert_int_equal(in_child(run_hook, &hook), 0);
        assert_int_equal(state_bad_ends(&opened, "pam"), rows[i].is_third ? 3 : 0);
        assert_string_equal(pid1_calls(), rows[i].is_third ? CLOSED : RESET("sss-pam"));
    }
}

/* As when its sockets are closed: nobody has been served. */
static void an_end_that_somebody_asked_for_ends_no_row(void **state)
{
    static const struct {
        const char *job;
        bool ends;
    } rows[] = { { "Job=stop", false }, { "Job=restart", false }, { "Job=", true } };
    struct hook hook = { .name = "ended", .argument = "pam", .result = "success", .status = "0" };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].job);
        forget_calls();
        unit_has(TIMER, "ActiveState=active");
        unit_has("sss-pam.service", rows[i].job);
        assert_int_equal(state_count_bad_end(&opened, "pam"), 1 + (int) i);
        assert_int_equal(in_child(run_hook, &hook), 0);
        assert_int_equal(state_bad_ends(&opened, "pam") == 0, rows[i].ends);
        assert_int_equal(told("Stop " TIMER " replace\n"), rows[i].ends);
    }
}

/* An administrator has to mend that. */
static void wrong_sockets_leave_the_service_failed(void **state)
{
    struct hook hook = { .name = "failed", .argument = "sss-pam", .result = "exit-code", .status = "78" };

    (void) state;
    assert_int_equal(in_child(run_hook, &hook), 0);
    assert_int_equal(in_child(run_hook, &hook), 0);
    assert_string_equal(pid1_calls(), "");
    assert_int_equal(in_child(run_hook, &hook), 0);
    assert_string_equal(pid1_calls(), CLOSED);
}

static void one_bad_end_closes_while_the_retry_timer_runs(void **state)
{
    struct hook hook = { .name = "failed", .argument = "sss-pam", .result = "signal", .status = "SEGV" };
    char why[128];

    (void) state;
    unit_has(TIMER, "ActiveState=active");
    assert_int_equal(in_child(run_hook, &hook), 0);
    assert_string_equal(pid1_calls(), CLOSED);
    assert_string_equal(read_text("said"), ""); /* it was, when it began */
    assert_true(state_refusal(&opened, "pam", why, sizeof(why)));

    assert_int_equal(mkdir("state/refused/ssh", 0755), 0);
    unit_has("sss-retry@sss-ssh.timer", "ActiveState=active");
    hook.argument = "sss-ssh";
    forget_calls();
    assert_int_equal(in_child(run_hook, &hook), 0); /* they are refused all the same */
    assert_string_equal(pid1_calls(), "Start sss-retry@sss-ssh.timer replace\n" CLOSE("ssh"));
    assert_string_equal(read_text("said"), "<4>cannot note why clients are refused: Is a directory\n");
}

/* Our own engine's monitor refuses it, and is about to close the socket. */
static void who_came_just_before_the_monitors_own_is_no_failure(void **state)
{
    (void) state;
    assert_int_equal(state_set_monitor_owns(&opened, "pam", true), 0);
    unit_has("sss-pam.socket", "ActiveState=inactive");
    assert_int_equal(run("failed", "sss-pam"), 0);
    assert_string_equal(pid1_calls(), RESET("sss-pam"));
}

static void who_has_no_open_socket_is_left_failed(void **state)
{
    struct hook hook = { .name = "failed", .argument = "sss-nss", .result = "signal", .status = "SEGV" };

    (void) state;
    unit_has("sss-nss.socket", "ActiveState=inactive");
    assert_int_equal(in_child(run_hook, &hook), 0);
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);

    hook.argument = "sssd-ifp"; /* who calls it is told by the bus */
    assert_int_equal(in_child(run_hook, &hook), 0);
    assert_int_equal(state_bad_ends(&opened, "ifp"), 0);
    assert_string_equal(pid1_calls(), "");
}

static void only_a_second_socket_may_be_missing(void **state)
{
    static const struct {
        const char *errors, *says;
        int status;
    } rows[] = {
        { "Stop sss-pam-private.socket org.freedesktop.systemd1.NoSuchUnit\n", "", 0 },
        { "Stop sss-pam.socket org.freedesktop.systemd1.NoSuchUnit\n",
          "<4>cannot close the sockets: No such file or directory\n", EXIT_FAILURE },
        { "Stop sss-pam-private.socket org.freedesktop.systemd1.TransactionIsDestructive\n",
          "<4>cannot close the sockets: Resource deadlock avoided\n", EXIT_FAILURE },
    };
    struct hook hook = { .name = "failed", .argument = "sss-pam", .result = "signal", .status = "SEGV" };

    (void) state;
    unit_has(TIMER, "ActiveState=active");
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s", rows[i].errors);
        unit_has("sss-pam.socket", "ActiveState=active");
        write_text("errors", rows[i].errors);
        assert_int_equal(in_child(run_hook, &hook), rows[i].status);
        assert_string_equal(read_text("said"), rows[i].says);
    }
}

static void a_retry_opens_what_was_closed(void **state)
{
    static const struct {
        const char *label, *file;
        bool is_monitors;
        const char *calls;
    } rows[] = {
        { "enabled", "enabled", false, RESET("sss-pam") OPEN("pam") OPEN("pam-private") },
        { "disabled meanwhile", "disabled", false, RESET("sss-pam") OPEN("pam-private") },
        { "the monitor's meanwhile", "enabled", true, RESET("sss-pam") },
    };

    (void) state;
    assert_int_equal(state_count_bad_end(&opened, "pam"), 1);
    for (size_t i = 0; i < N_OF(rows); i++) {
        char line[64];

        print_message("  %s\n", rows[i].label);
        forget_calls();
        unit_has("sss-pam.socket", "ActiveState=inactive");
        unit_has("sss-pam-private.socket", "ActiveState=inactive");
        (void) snprintf(line, sizeof(line), "UnitFileState=%s", rows[i].file); /* fits */
        unit_has("sss-pam.socket", line);
        assert_int_equal(state_set_monitor_owns(&opened, "pam", rows[i].is_monitors), 0);
        assert_int_equal(state_set_refusal(&opened, "pam", "it ended badly"), 0);
        assert_int_equal(run("retry", "sss-pam"), 0);
        assert_false(state_refusal(&opened, "pam", line, sizeof(line)));
        assert_string_equal(pid1_calls(), rows[i].calls);
        assert_int_equal(state_bad_ends(&opened, "pam"), 1);
    }
}

static void a_retry_stops_its_timer_where_sockets_stayed_open(void **state)
{
    (void) state;
    assert_int_equal(state_count_bad_end(&opened, "pam"), 1);
    unit_has(TIMER, "ActiveState=active");
    assert_int_equal(run("retry", "sss-pam"), 0);
    assert_string_equal(pid1_calls(), "Stop " TIMER " replace\n");
    assert_int_equal(state_bad_ends(&opened, "pam"), 0);

    forget_calls();
    assert_int_equal(run("retry", "sssd-ifp"), 0); /* has neither */
    assert_string_equal(pid1_calls(), "");
}

static void a_retry_that_does_not_open_is_said(void **state)
{
    (void) state;
    unit_has("sss-pam.socket", "ActiveState=inactive");
    write_text("errors", "ResetFailed sss-pam.service org.freedesktop.systemd1.NoSuchUnit\n"
                         "Start sss-pam.socket org.freedesktop.systemd1.NoSuchUnit\n");
    assert_int_equal(run("retry", "sss-pam"), EXIT_FAILURE);
    assert_string_equal(read_text("said"), "<4>cannot reset the service: No such file or directory\n"
                                           "<4>Start sss-pam.socket ...: there is no such unit\n");
}

/* --- The linger time ------------------------------------------------------------------------------------------- */

static void the_monitor_leaves_only_when_nobody_needs_it(void **state)
{
    static const struct {
        const char *label;
        const char *unit, *line; /* other than at rest; the old line follows */
        const char *before;
        const char *configuration;
        bool is_resident, is_offline;
        const char *owned;
        bool leaves, asks_again;
        const char *says;
    } rows[] = {
        { "nobody", MONITOR, "ActiveState=active", "ActiveState=active", SSSD, false, false, NULL, true, false,
          "<6>nobody has needed sssd.service for its linger time: it leaves\n" },
        { "enabled", MONITOR, "UnitFileState=enabled", "UnitFileState=disabled", SSSD, false, false, NULL, false, false, "" },
        { "enabled, offline", MONITOR, "UnitFileState=enabled", "UnitFileState=disabled", SSSD, false, true, NULL, false, false,
          "" },
        { "starting", MONITOR, "ActiveState=activating", "ActiveState=active", SSSD, false, false, NULL, false, false, "" },
        { "gone", MONITOR, "ActiveState=inactive", "ActiveState=active", SSSD, false, false, NULL, false, false, "" },
        { "no configuration", MONITOR, "ActiveState=active", "ActiveState=active", NULL, false, false, NULL, false, false, "" },
        { "a broken configuration", MONITOR, "ActiveState=active", "ActiveState=active", "[sssd\n", false, false, NULL, false,
          false, "<6>sssd.service stays: " },
        { "resident", MONITOR, "ActiveState=active", "ActiveState=active", SSSD, true, false, NULL, false, false,
          "<6>sssd.service stays: it has work\n" },
        { "resident, offline", MONITOR, "ActiveState=active", "ActiveState=active", SSSD, true, true, NULL, false, false,
          "<6>sssd.service stays: it has work\n" },
        { "offline", MONITOR, "ActiveState=active", "ActiveState=active", SSSD, false, true, NULL, false, true,
          "<6>sssd.service stays: domain d is offline\n" },
        { "has a responder of its own", MONITOR, "ActiveState=active", "ActiveState=active", SSSD, false, false, "autofs",
          false, false, "" },
        { "a responder is up", "sss-ssh.service", "ActiveState=active", "ActiveState=inactive", SSSD, false, false, NULL, false,
          false, "" },
        { "a responder leaves", "sss-ssh.service", "ActiveState=deactivating", "ActiveState=inactive", SSSD, false, false, NULL,
          false, false, "" },
        { "InfoPipe is up", "sssd-ifp.service", "ActiveState=active", "ActiveState=inactive", SSSD, false, false, NULL, false,
          false, "" },
        { "a responder has failed", "sss-ssh.service", "ActiveState=failed", "ActiveState=inactive", SSSD, false, false, NULL,
          true, false, "<6>nobody has needed sssd.service for its linger time: it leaves\n" },
        { "a unit is bound to it", MONITOR, "BoundBy=bound.service", "BoundBy=", SSSD, false, false, NULL, false, false,
          "<6>sssd.service stays: bound.service is bound to it\n" },
        { "a unit was bound to it", MONITOR, "RequiredBy=down.service", "RequiredBy=", SSSD, false, false, NULL, true, false,
          "<6>nobody has needed sssd.service for its linger time: it leaves\n" },
    };

    (void) state;
    unit_has("bound.service", "ActiveState=active");
    unit_has("down.service", "ActiveState=inactive");
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        resident = rows[i].is_resident;
        offline = rows[i].is_offline;
        forget_calls();
        (void) unlink("config/sssd.conf");
        if (rows[i].configuration)
            write_configuration(rows[i].configuration);
        unit_has(MONITOR, "ActiveState=active");
        unit_has(rows[i].unit, rows[i].line);
        if (rows[i].owned)
            assert_int_equal(state_set_monitor_owns(&opened, rows[i].owned, true), 0);

        assert_int_equal(run("linger", NULL), 0);
        assert_string_equal(pid1_calls(), rows[i].leaves ? LEAVE : rows[i].asks_again ? LINGER : "");
        assert_true(said(rows[i].says));
        assert_int_equal(read_text("said")[0] == '\0', rows[i].says[0] == '\0');
        unit_has(rows[i].unit, rows[i].before);
        if (rows[i].owned)
            assert_int_equal(state_set_monitor_owns(&opened, rows[i].owned, false), 0);
    }
}

static void a_monitor_that_cannot_be_sent_away_stays(void **state)
{
    (void) state;
    write_configuration(SSSD);
    unit_has(MONITOR, "ActiveState=active");
    write_text("errors", "Stop sssd.service org.freedesktop.systemd1.TransactionIsDestructive\n");
    assert_int_equal(run("linger", NULL), EXIT_FAILURE);
    assert_true(said("<4>cannot send the monitor away: Resource deadlock avoided\n"));
    assert_string_equal(pid1_calls(), LEAVE); /* and it is not killed */

    forget_calls();
    (void) unlink("errors");
    pid1_goes = true;
    assert_int_equal(run("linger", NULL), EXIT_FAILURE);
    assert_true(said("<4>cannot ask systemd for sssd.service: " NO_PID1));
    assert_string_equal(pid1_calls(), "");
}

/* Its Stop job ends as the kill has ended it. */
static void a_monitor_that_does_not_leave_is_killed(void **state)
{
    (void) state;
    write_configuration(SSSD);
    unit_has(MONITOR, "ActiveState=active");
    jobs_do("has sssd.service ActiveState=deactivating; while [ -e calls ] && ! grep -q ^Kill calls; do sleep 0.02; done");
    assert_int_equal(run("linger", NULL), 0);
    assert_string_equal(pid1_calls(), LEAVE "Kill sssd.service all 9\n" LEAVE); /* it waits for the end, too */
    assert_true(said("<4>sssd.service does not leave: it is killed\n"));
}

/* Launchers wait for the lock, and then start the next one. */
static void the_lock_is_held_until_the_monitor_has_gone(void **state)
{
    pid_t hook;
    int lock;

    (void) state;
    write_configuration(SSSD);
    unit_has(MONITOR, "ActiveState=active");
    jobs_do("while [ -e calls ] && ! [ -e go ]; do sleep 0.02; done");
    hook = start("linger", -1);
    wait_for_text("calls", LEAVE);
    assert_int_equal(state_lock_shared(&opened, 1), -ETIMEDOUT);
    write_text("go", "");
    assert_int_equal(exit_status_of(hook), 0);
    lock = state_lock_shared(&opened, 1);
    assert_true(lock >= 0);
    (void) close(lock);
}

static void wait_until_it_waits_for_the_lock(pid_t pid)
{
    char text[64];

    (void) snprintf(text, sizeof(text), "-> FLOCK  ADVISORY  WRITE %d ", (int) pid); /* fits */
    wait_for_text("/proc/locks", text);
}

static void the_monitor_does_not_leave_under_a_launcher(void **state)
{
    pid_t hook;
    int lock;

    (void) state;
    write_configuration(SSSD);
    unit_has(MONITOR, "ActiveState=active");
    lock = state_lock_shared(&opened, 1000);
    assert_true(lock >= 0);
    hook = start("linger", lock);
    wait_until_it_waits_for_the_lock(hook);
    assert_string_equal(pid1_calls(), "");

    /* As the launcher's unit is up meanwhile. */
    unit_has("sss-nss.service", "ActiveState=activating");
    (void) close(lock);
    assert_int_equal(exit_status_of(hook), 0);
    assert_string_equal(pid1_calls(), "");
    assert_string_equal(read_text("said"), "");
}

static void a_launcher_that_does_not_end_keeps_the_monitor(void **state)
{
    pid_t hook;
    int lock;

    (void) state;
    write_configuration(SSSD);
    unit_has(MONITOR, "ActiveState=active");
    lock = state_lock_shared(&opened, 1000);
    assert_true(lock >= 0);
    hook = start("linger", lock);
    assert_int_equal(exit_status_of(hook), EXIT_FAILURE);
    assert_string_equal(read_text("said"), "<4>cannot lock state: Connection timed out\n");
    assert_string_equal(pid1_calls(), "");
    (void) close(lock);
}

/* --- Two engines ----------------------------------------------------------------------------------------------- */

/* A process of our own engine; ends with the test. */
static pid_t start_own(const char *program)
{
    char path[64], command[320], name[32] = "";
    pid_t pid;

    (void) snprintf(path, sizeof(path), ENGINE_DIR "/%s", program); /* these fit */
    (void) snprintf(command, sizeof(command), "cp \"$(command -v sleep)\" %s.new && mv %s.new %s", path, path, path);
    assert_int_equal(system(command), 0);
    (void) fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
        (void) execl(path, program, "120", NULL);
        _exit(127);
    }
    (void) snprintf(path, sizeof(path), "/proc/%d/comm", pid);
    while (strncmp(name, "test-", 5) == 0 || !name[0]) /* until it is another */
        (void) snprintf(name, sizeof(name), "%s", read_text(path));
    return pid;
}

static void before_sssd_the_memory_caches_of_our_own_go(void **state)
{
    (void) state;
    write_configuration("[sssd]\n" DOMAIN);
    assert_int_equal(mkdir("sss/mc", 0755) == 0 && mkdir("data", 0755) == 0, 1);
    for (int own = 1; own >= 0; own--) {
        write_text("sss/mc/passwd", "a memory cache");
        write_text("data/last", "own\n");
        if (own)
            own_is_configured();
        else
            write_text(ENGINE_FILE, "sssd\n");
        assert_int_equal(run("starting", NULL), 0);
        assert_int_equal(file_exists("sss/mc/passwd"), own);
        assert_string_equal(read_text("data/last"), own ? "own\n" : "sssd\n");
    }
    write_text("sss/mc/passwd", "SSSD's own");
    assert_int_equal(run("starting", NULL), 0);
    assert_true(file_exists("sss/mc/passwd"));
}

static void what_has_started_is_noted(void **state)
{
    pid_t pid;

    (void) state;
    write_configuration("[sssd]\n" DOMAIN);
    set_main_pid(getpid());
    assert_int_equal(run("started", NULL), 0);
    assert_string_equal(read_text("data/last"), "sssd\n");

    own_is_configured();
    pid = start_own("sssd");
    set_main_pid(pid);
    assert_int_equal(run("started", NULL), 0);
    assert_string_equal(read_text("data/last"), "own\n");
    end(pid);
}

/* Nothing of ours stands before its start. */
static void after_the_start_of_our_own_all_is_done_that_is_done_before_sssds(void **state)
{
    pid_t pid;

    (void) state;
    write_configuration("[sssd]\n" DOMAIN);
    own_is_configured();
    pid = start_own("sssd");
    set_main_pid(pid);
    unit_has("sss-nss.socket", "ActiveState=inactive");
    unit_has("sss-pam.socket", "ActiveState=inactive"); /* it has none */
    assert_int_equal(state_set_refusal(&opened, "nss", "it was broken"), 0);
    assert_int_equal(state_count_bad_end(&opened, "nss"), 1);
    assert_int_equal(state_set_restarting(&opened, true), 0);
    assert_int_equal(run("started", NULL), 0);
    assert_string_equal(pid1_calls(), OPEN("nss"));
    assert_int_equal(state_bad_ends(&opened, "nss"), 0);
    assert_false(state_is_restarting(&opened));
    assert_false(file_exists("state/refused/nss"));
    end(pid);
}

static void our_own_responder_finishes_by_itself(void **state)
{
    char path[32];
    pid_t pid;

    (void) state;
    own_is_configured();
    pid = start_own("sssd_nss");
    set_main_pid(pid);
    assert_int_equal(run("draining", NULL), 0);
    (void) snprintf(path, sizeof(path), "/proc/%d/stat", pid); /* fits */
    assert_null(strstr(read_text(path), ") T ")); /* not halted */
    end(pid);
}

static void a_stop_closes_the_monitors_own_socket_too(void **state)
{
    (void) state;
    own_is_configured();
    unit_has(MONITOR_SOCKET, "ActiveState=active");
    unit_with_job(MONITOR, "active", "stop");
    assert_int_equal(run("closing", NULL), 0);
    assert_true(told("Stop " MONITOR_SOCKET " ignore-dependencies\n") && told("Stop sss-nss.socket replace\n"));

    /* A restart closes neither. */
    forget_calls();
    unit_has(MONITOR_SOCKET, "ActiveState=active");
    unit_with_job(MONITOR, "active", "restart");
    assert_int_equal(run("closing", NULL), 0);
    assert_string_equal(pid1_calls(), "");
}

static void a_boot_ends_a_trial(void **state)
{
    (void) state;
    own_is_configured();
    write_text(ENGINE_TRY, "sssd\n");
    write_text("state/trying", "");
    assert_int_equal(run("boot", NULL), 0); /* a soft reboot */
    assert_string_equal(read_text(ENGINE_FILE), "own\n");
    assert_int_equal(unlink("state/trying"), 0);
    assert_int_equal(run("boot", NULL), 0);
    assert_string_equal(read_text(ENGINE_FILE), "sssd\n");
    assert_true(said("<6>the trial of an engine ended with its boot\n"));
}

static void the_time_of_a_trial_goes_back(void **state)
{
    (void) state;
    assert_int_equal(run("back", NULL), 0);
    assert_true(file_exists("went-back"));
}

/* --- By name --------------------------------------------------------------------------------------------------- */

static void an_unknown_hook_is_refused(void **state)
{
    (void) state;
    assert_int_equal(run("startled", NULL), EXIT_FAILURE);
    assert_string_equal(read_text("said"), "<3>no such hook: startled\n");
    assert_int_equal(run("", NULL), EXIT_FAILURE);
    assert_string_equal(read_text("said"), "<3>no such hook: \n");
}

static void a_folder_that_cannot_be_made_fails_the_hook(void **state)
{
    (void) state;
    write_text("state", "");
    assert_int_equal(run("started", NULL), EXIT_FAILURE);
    assert_string_equal(read_text("said"), "<3>cannot make state: Not a directory\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOOKS(a_start_opens_and_closes_nothing_yet),
        IN_HOOKS(a_start_asks_no_more_than_it_has_to),
        IN_HOOKS(a_start_gives_each_responder_a_fresh_start_and_reads_the_configuration),
        IN_HOOKS(a_configuration_that_cannot_be_read_moves_no_socket),
        IN_HOOKS(units_of_responders_that_are_not_installed_are_left_alone),
        IN_HOOKS(only_enabled_sockets_are_opened),
        IN_HOOKS(who_runs_beside_a_closed_socket_leaves_before_it_is_opened),
        IN_HOOKS(sockets_that_no_client_reaches_are_opened_anew),
        IN_HOOKS(the_second_socket_is_looked_at_too),
        IN_HOOKS(the_distributions_units_leave_where_ours_have_taken_over),
        IN_HOOKS(a_hook_that_cannot_ask_changes_nothing_and_says_so),
        IN_HOOKS(a_pid1_that_goes_meanwhile_is_said),
        IN_HOOKS(what_is_not_told_is_not_acted_upon),
        IN_HOOKS(a_boot_reads_the_configuration_and_asks_nobody),
        IN_HOOKS(a_started_monitor_refuses_nobody),
        IN_HOOKS(what_the_monitor_does_not_run_is_not_left_to_it),
        IN_HOOKS(what_the_monitor_runs_is_its_own),
        IN_HOOKS(without_its_processes_nothing_is_said_of_the_monitor),
        IN_HOOKS(a_stop_waits_for_the_responders),
        IN_HOOKS(a_stop_does_not_wait_for_who_has_come_since),
        IN_HOOKS(a_stop_closes_the_sockets_after_the_responders),
        IN_HOOKS(a_stop_closes_only_what_is_open),
        IN_HOOKS(who_leaves_by_linger_closes_nothing_and_waits_for_nobody),
        IN_HOOKS(a_stop_does_not_wait_for_who_does_not_leave),
        IN_HOOKS(who_does_not_end_is_not_waited_for_for_ever),
        IN_HOOKS(a_restart_opens_what_the_monitor_will_not_have),
        IN_HOOKS(a_restart_narrows_the_queues_that_the_monitor_will_have),
        IN_HOOKS(a_start_widens_what_stays),
        IN_HOOKS(who_is_released_serves_whom_it_has),
        IN_HOOKS(a_stop_opens_nothing),
        IN_HOOKS(a_stop_in_the_middle_of_another_end_closes),
        IN_HOOKS(a_stop_that_has_not_yet_reached_its_unit_is_no_linger),
        IN_HOOKS(an_end_by_itself_leaves_the_sockets_as_they_are),
        IN_HOOKS(only_a_stop_closes),
        IN_HOOKS(a_monitor_that_comes_to_nothing_is_counted),
        IN_HOOKS(after_the_first_crash_of_one_that_was_up_nobody_waits),
        IN_HOOKS(callers_of_infopipe_wait_for_the_next_try),
        IN_HOOKS(who_would_be_restarted_each_second_is_followed_up),
        IN_HOOKS(a_restart_each_second_is_undone),
        IN_HOOKS(the_timer_starts_a_monitor_that_is_down_and_no_other),
        IN_HOOKS(a_failure_that_hurts_nobody_is_forgotten),
        IN_HOOKS(a_responder_is_drained_if_there_is_one),
        IN_HOOKS(who_has_no_client_is_halted_and_nothing_more),
        IN_HOOKS(who_is_about_to_take_a_client_takes_him_first),
        IN_HOOKS(nobody_gets_in_while_it_drains),
        IN_HOOKS(who_asks_without_a_pause_is_answered_to_the_end),
        IN_HOOKS(a_stranger_that_gets_the_number_is_let_be),
        IN_HOOKS(the_distributions_responder_serves_whom_it_has_when_ours_is_open),
        IN_HOOKS(an_end_tells_its_reason),
        IN_HOOKS(a_good_end_restarts_the_linger_time_and_ends_a_row),
        IN_HOOKS(a_hook_of_no_responder_is_refused),
        IN_HOOKS(an_end_that_cannot_be_noted_is_said),
        IN_HOOKS(three_bad_ends_in_a_row_close_the_sockets_for_a_while),
        IN_HOOKS(a_kcm_that_ends_badly_is_refused_for_a_while_too),
        IN_HOOKS(bad_ends_of_long_ago_are_in_no_row),
        IN_HOOKS(a_kill_at_work_is_in_no_row),
        IN_HOOKS(an_end_that_somebody_asked_for_ends_no_row),
        IN_HOOKS(wrong_sockets_leave_the_service_failed),
        IN_HOOKS(one_bad_end_closes_while_the_retry_timer_runs),
        IN_HOOKS(who_came_just_before_the_monitors_own_is_no_failure),
        IN_HOOKS(who_has_no_open_socket_is_left_failed),
        IN_HOOKS(only_a_second_socket_may_be_missing),
        IN_HOOKS(a_retry_opens_what_was_closed),
        IN_HOOKS(a_retry_stops_its_timer_where_sockets_stayed_open),
        IN_HOOKS(a_retry_that_does_not_open_is_said),
        IN_HOOKS(the_monitor_leaves_only_when_nobody_needs_it),
        IN_HOOKS(a_monitor_that_cannot_be_sent_away_stays),
        IN_HOOKS(a_monitor_that_does_not_leave_is_killed),
        IN_HOOKS(the_lock_is_held_until_the_monitor_has_gone),
        IN_HOOKS(the_monitor_does_not_leave_under_a_launcher),
        IN_HOOKS(a_launcher_that_does_not_end_keeps_the_monitor),
        IN_HOOKS(before_sssd_the_memory_caches_of_our_own_go),
        IN_HOOKS(what_has_started_is_noted),
        IN_HOOKS(after_the_start_of_our_own_all_is_done_that_is_done_before_sssds),
        IN_HOOKS(our_own_responder_finishes_by_itself),
        IN_HOOKS(a_stop_closes_the_monitors_own_socket_too),
        IN_HOOKS(a_boot_ends_a_trial),
        IN_HOOKS(the_time_of_a_trial_goes_back),
        IN_HOOKS(an_unknown_hook_is_refused),
        IN_FOLDER(a_folder_that_cannot_be_made_fails_the_hook),
    };

    return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
