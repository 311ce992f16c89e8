/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the whole launcher: as systemd starts it, with real sockets, clients and a small responder. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/responders.h"
#include "lib/manager.h"
#include "lib/sockets.h"
#include "lib/state.h"
#include "test/fixture.h"
#include "test/pid1.h"

#define STARTS "<6>test starts: a client came\n"
#define STARTS_COLD "<6>test starts: a client came, sssd.service was started for it\n"
#define REFUSES "<4>clients of test are told \"unavailable\" for now: "
#define NOT_SERVED 75

#define START "Start sssd.service fail\n"

static char launcher[PATH_MAX], self[PATH_MAX];
static struct state opened;
static int listeners[2]; /* at a and b */
static pid_t running;

/* How one launcher is started. */
struct start {
    const char *names;               /* LISTEN_FDNAMES, NULL: no LISTEN_* at all */
    int fds[SOCKETS_MAX];            /* 0 ends them */
    const char *n_text, *pid_text;   /* LISTEN_FDS and LISTEN_PID where they are not right */
    const char *args[12];            /* NULL: the two sockets and sssd_test */
    bool drops_root;                 /* as for a unit with User= */
};

static int launch_enter(void **state)
{
    running = 0;
    if (folder_enter(state) < 0 || state_create("state", &opened) < 0 || symlink(self, "sssd_test") < 0)
        return -1;
    pid1_starts();
    unit_has(MONITOR, "ActiveState=active");
    listeners[0] = listener_at(at("a"));
    listeners[1] = listener_at(at("b"));
    return 0;
}

static int launch_leave(void **state)
{
    if (running > 0) {
        (void) kill(running, SIGKILL); /* it has served its purpose, or the test failed */
        (void) exit_status_of(running);
    }
    (void) close(listeners[0]);
    (void) close(listeners[1]);
    state_done(&opened);
    return folder_leave(state);
}

#define WITH_SOCKETS(test) cmocka_unit_test_setup_teardown(test, launch_enter, launch_leave)

static void place_descriptors(const struct start *start)
{
    int copies[SOCKETS_MAX], n = 0, log = open("stderr", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char text[16];

    if (log < 0 || dup2(log, STDERR_FILENO) < 0)
        abort();
    for (; n < SOCKETS_MAX && start->fds[n]; n++)
        copies[n] = fcntl(start->fds[n], F_DUPFD_CLOEXEC, 50);
    for (int i = 0; i < n; i++)
        if (dup2(copies[i], 3 + i) < 0)
            abort();

    if (!start->names)
        return;
    (void) snprintf(text, sizeof(text), "%d", n); /* fits */
    (void) setenv("LISTEN_FDS", start->n_text ? start->n_text : text, 1);
    (void) snprintf(text, sizeof(text), "%d", getpid()); /* fits */
    (void) setenv("LISTEN_PID", start->pid_text ? start->pid_text : text, 1);
    (void) setenv("LISTEN_FDNAMES", start->names, 1);
}

static void start_launcher(const struct start *start)
{
    char a[160], b[160];
    const char *argv[14] = { "launch", a, b, "./sssd_test", "--socket-activated", "two words" };

    (void) snprintf(a, sizeof(a), "--socket=a=%s", at("a")); /* fits */
    (void) snprintf(b, sizeof(b), "--socket=b=%s", at("b")); /* fits */
    if (start->args[0])
        (void) memcpy(argv + 1, start->args, sizeof(start->args));

    assert_int_equal(running, 0);
    (void) unlink("report"); /* of the one before */
    running = fork();
    assert_true(running >= 0);
    if (running > 0)
        return;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
    place_descriptors(start);
    if (start->drops_root)
        drop_root();
    (void) execv(start->drops_root ? "./launch" : launcher, (char *const *) argv); /* returns only on failure */
    abort();
}

static int launcher_ends(void)
{
    int status = exit_status_of(running);

    running = 0;
    return status;
}

static bool has_ended(void)
{
    siginfo_t info = { .si_pid = 0 };

    assert_int_equal(waitid(P_PID, (id_t) running, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid != 0;
}

static void stop_it(void)
{
    assert_int_equal(kill(running, SIGTERM), 0);
    (void) launcher_ends(); /* by the signal, or in a build that handles it otherwise */
}

static const struct start *right_start(void)
{
    static struct start start;

    start = (struct start) { .names = "a:b", .fds = { listeners[0], listeners[1] } };
    return &start;
}

/* The responder: says what it was given, then tells each client on which descriptor it came. */
static int serve(int argc, char **argv)
{
    struct pollfd polled[SOCKETS_MAX];
    FILE *out = fopen("report.new", "we");
    nfds_t n = (nfds_t) atoi(getenv("LISTEN_FDS"));

    for (int i = 0; i < argc; i++)
        (void) fprintf(out, "%s|", argv[i]);
    (void) fprintf(out, "%s|%s|%s|", getenv("LISTEN_FDS"), getenv("LISTEN_FDNAMES"),
                   atoi(getenv("LISTEN_PID")) == getpid() ? "mine" : "another's");
    for (int fd = 3; fd < 64; fd++) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t bytes = sizeof(address);

        if (fd == fileno(out) || fcntl(fd, F_GETFD) < 0)
            continue;
        if (getsockname(fd, (struct sockaddr *) &address, &bytes) < 0)
            (void) fprintf(out, "%d=?|", fd);
        else
            (void) fprintf(out, "%d=%s|", fd, strrchr(address.sun_path, '/') + 1);
    }
    if (fclose(out) != 0 || rename("report.new", "report") < 0)
        return 1;

    for (nfds_t i = 0; i < n; i++)
        polled[i] = (struct pollfd) { .fd = 3 + (int) i, .events = POLLIN };
    while (poll(polled, n, -1) > 0) {
        for (nfds_t i = 0; i < n; i++) {
            int client = polled[i].revents ? accept(polled[i].fd, NULL, NULL) : -1;

            if (client >= 0) {
                (void) dprintf(client, "%d", polled[i].fd); /* a client may have left */
                (void) close(client);
            }
        }
    }
    return 1;
}

static void assert_both_are_served(void)
{
    assert_true(is_served(client_of(at("b")), "4"));
    assert_true(is_served(client_of(at("a")), "3"));
}

static void beside_a_running_monitor_it_becomes_the_responder(void **state)
{
    int early = client_of(at("a"));

    (void) state;
    start_launcher(right_start());
    assert_true(is_served(early, "3"));
    assert_both_are_served();
    assert_string_equal(read_text("report"),
                        "./sssd_test|--socket-activated|two words|2|a:b|mine|3=a|4=b|");
    assert_string_equal(read_text("stderr"), STARTS);
    assert_string_equal(pid1_calls(), "");
    stop_it();
}

static void a_swapped_hand_over_is_put_right_by_name(void **state)
{
    const struct start start = { .names = "b:a", .fds = { listeners[1], listeners[0] } };

    (void) state;
    start_launcher(&start);
    assert_both_are_served();
    assert_non_null(strstr(read_text("report"), "|2|a:b|mine|3=a|4=b|"));
    stop_it();
}

static void a_wrong_hand_over_ends_it_and_those_who_wait_are_told(void **state)
{
    int datagram, elsewhere, pipes[2];

    (void) state;
    datagram = socket_at(at("datagram"), SOCK_DGRAM, false);
    elsewhere = listener_at(at("elsewhere"));
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);

    const struct {
        const char *label;
        struct start start;
        const char *says;
        bool not_ours; /* nobody's socket was handed over: who waits on one goes on waiting */
    } rows[] = {
        { "missing", { .names = "a", .fds = { listeners[0] } }, "was handed over 0 times instead of once", false },
        { "surplus", { .names = "a:b:c", .fds = { listeners[0], listeners[1], elsewhere } },
          "3 sockets were handed over, 2 belong here", false },
        { "named twice", { .names = "a:a", .fds = { listeners[0], listeners[1] } },
          "was handed over 2 times", false },
        { "swapped names", { .names = "b:a", .fds = { listeners[0], listeners[1] } },
          "is not bound to its path", false },
        { "unnamed", { .names = "unknown:unknown", .fds = { listeners[0], listeners[1] } }, "0 times", false },
        { "wrong path", { .names = "a:b", .fds = { listeners[0], elsewhere } }, "is not bound to its path", false },
        { "datagram", { .names = "a:b", .fds = { listeners[0], datagram } }, "is not a stream socket", false },
        { "a pipe", { .names = "a:b", .fds = { listeners[0], pipes[0] } }, "is not a socket", false },
        { "no number", { .names = "a:b", .fds = { listeners[0], listeners[1] }, .n_text = "two" },
          "cannot read which sockets were handed over: ", true },
    };

    for (size_t i = 0; i < N_OF(rows); i++) {
        int client = client_of(at("a")), taken;
        const char *said;

        print_message("  %s\n", rows[i].label);
        start_launcher(&rows[i].start);
        assert_int_equal(launcher_ends(), 78);
        said = read_text("stderr");
        assert_int_equal(strncmp(said, "<3>", 3), 0);
        assert_non_null(strstr(said, rows[i].says));
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
        assert_false(file_exists("report"));

        if (!rows[i].not_ours) {
            assert_true(is_refused(client));
            continue;
        }
        taken = accept_now(listeners[0]);
        assert_true(taken >= 0);
        assert_int_equal(write(taken, "alive", 5), 5);
        (void) close(taken);
        assert_true(is_served(client, "alive"));
    }
    (void) close(datagram);
    (void) close(elsewhere);
    (void) close(pipes[0]);
    (void) close(pipes[1]);
}

static void without_sockets_it_leaves_quietly(void **state)
{
    static const struct {
        const char *label;
        struct start start;
        bool owns;
    } rows[] = {
        { "they were closed", { 0 }, false },
        { "they are the monitor's", { 0 }, true },
        { "they are for another process", { .names = "a:b", .fds = { 3, 4 }, .pid_text = "1" }, false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        assert_int_equal(state_set_monitor_owns(&opened, "test", rows[i].owns), 0);
        start_launcher(&rows[i].start);
        assert_int_equal(launcher_ends(), NOT_SERVED);
        assert_string_equal(read_text("stderr"), "<6>no socket of test is open: nobody can ask it\n");
        assert_string_equal(pid1_questions(), "");
        assert_string_equal(pid1_calls(), "");
    }
}

/* --- What systemd tells, to root ------------------------------------------------------------------------------- */

/* Somebody else does, as the administrator or another launcher. All have been told of its end then. */
static void run_job(const char *verb)
{
    struct manager *manager = NULL;
    enum job_result result;

    assert_int_equal(manager_open(&manager), 0);
    assert_int_equal(manager_run(manager, verb, MONITOR, "replace", 50000, &result), 0);
    assert_int_equal(result, JOB_DONE);
    manager_free(manager);
}

static int run_in_child(void *verb)
{
    run_job(verb);
    return 0;
}

static void queue_job(const char *verb)
{
    struct manager *manager = NULL;

    assert_int_equal(manager_open(&manager), 0);
    assert_int_equal(manager_queue(manager, verb, MONITOR, "replace"), 0);
    manager_free(manager);
}

static void start_beside_a_masked_monitor(void)
{
    unit_has(MONITOR, "ActiveState=inactive");
    unit_has(MONITOR, "LoadState=masked");
    start_launcher(right_start());
}

static void a_monitor_that_cannot_be_used_refuses_as_long_as_clients_come(void **state)
{
    uint64_t last = 0, quickest = UINT64_MAX, took;

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    start_beside_a_masked_monitor();
    assert_true(is_refused(client_of(at("a")))); /* this one may have waited for the start */
    for (int i = 0; i < 5; i++) {
        uint64_t before = msec_now();

        assert_true(is_refused(client_of(at(i % 2 ? "a" : "b"))));
        last = msec_now();
        took = last - before;
        quickest = took < quickest ? took : quickest;
    }
    assert_true(quickest < 100);

    assert_int_equal(launcher_ends(), NOT_SERVED);
    assert_uint_in_range(msec_now() - last, QUIET_USEC / 1000 - 10, 30000);
    assert_string_equal(read_text("stderr"), REFUSES "sssd.service is masked\n");
    assert_string_equal(pid1_calls(), START); /* a client who comes again is no reason to try again */
    assert_false(file_exists("report"));
}

static void who_comes_after_the_monitor_is_up_is_served(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    for (int round = 0; round < 5; round++) {
        unit_has(MONITOR, "ActiveState=inactive");
        unit_has(MONITOR, "Job=stop");
        start_launcher(right_start());
        assert_true(is_refused(client_of(at("a"))));

        unit_has(MONITOR, "Job=");
        run_job("Start");
        assert_both_are_served();
        stop_it();
    }
}

static void it_does_not_take_a_client_to_see_that_the_monitor_is_up(void **state)
{
    static const struct {
        const char *label;
        bool is_back_up, job_ends;
    } rows[] = {
        { "a job has ended", false, true },
        { "PID 1 was away, and it is up", true, false },
        { "PID 1 was away, and it comes up then", false, true },
    };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        unit_has(MONITOR, "ActiveState=inactive");
        unit_has(MONITOR, "Job=stop");
        start_launcher(right_start());
        assert_true(is_refused(client_of(at("a"))));

        if (i > 0) {
            pid1_stops();
            (void) unlink("questions");
            unit_has(MONITOR, "Job=");
            if (rows[i].is_back_up)
                unit_has(MONITOR, "ActiveState=active");
            pid1_starts();
            wait_for_text("questions", MONITOR);
        }
        if (rows[i].job_ends) {
            unit_has(MONITOR, "Job=");
            run_job("Start");
        }
        wait_for_file("report");
        assert_both_are_served();
        stop_it();
    }
}

static void it_refuses_where_the_monitor_cannot_be_used(void **state)
{
    static const struct {
        const char *label, *line, *script, *file, *says, *calls;
    } rows[] = {
        { "does not start", "Job=", "has $2 ActiveState=failed; echo failed", NULL, "sssd.service did not start (see: ", START },
        { "start is skipped", "Job=", "echo skipped", NULL, "sssd.service was skipped ", START },
        { "start is taken back", "Job=", "echo canceled", NULL, "sssd.service did not start (see: ", START },
        { "masked", "LoadState=masked", NULL, NULL, "sssd.service is masked\n", START },
        { "down, to be stopped", "Job=stop", NULL, NULL, "sssd.service is being stopped\n", START },
        { "did not start a moment ago", "Job=", NULL, "state/failed", "sssd.service did not start a moment ago ", "" },
        { "the monitor's own", "ActiveState=active", NULL, "state/monitor/test", "the configuration gives it to the monitor ", "" },
    };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    assert_int_equal(state_set_monitor_owns(&opened, "test", false), 0); /* makes the folder */
    for (size_t i = 0; i < N_OF(rows); i++) {
        char says[256];

        print_message("  %s\n", rows[i].label);
        (void) unlink("calls"); /* these of the row before */
        (void) unlink("units/" MONITOR);
        (void) unlink("on-job");
        unit_has(MONITOR, rows[i].line);
        if (rows[i].script)
            jobs_do(rows[i].script);
        if (rows[i].file) {
            assert_int_equal(state_count_failure(&opened), 1);
            assert_int_equal(rename("state/failed", rows[i].file), 0);
        }

        start_launcher(right_start());
        assert_true(is_refused(client_of(at("b"))));
        (void) snprintf(says, sizeof(says), REFUSES "%s", rows[i].says); /* fits */
        wait_for_text("stderr", says); /* it refuses first */
        assert_ptr_equal(strstr(read_text("stderr"), says), read_text("stderr"));
        assert_true(is_refused(client_of(at("a"))));
        assert_string_equal(pid1_calls(), rows[i].calls);
        stop_it();
        assert_false(file_exists("report"));
        if (rows[i].file)
            assert_int_equal(unlink(rows[i].file), 0);
    }
}

/* Clients come all the time; it takes one of them to try. */
static void come_until_called(const char *calls)
{
    while (strcmp(pid1_calls(), calls) != 0) { /* folder_enter's guard ends this */
        (void) is_refused(client_of(at("a"))); /* or served in the end */
        sleep_msec(5);
    }
}

static void it_tries_again_when_it_is_time(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    start_beside_a_masked_monitor();
    come_until_called(START START); /* not by a failure */
    unit_has(MONITOR, "LoadState=loaded");
    come_until_called(START START START);
    wait_for_file("report");
    assert_both_are_served();
    stop_it();
}

static void after_a_failure_it_tries_again_when_something_was_changed(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    unit_has(MONITOR, "ActiveState=failed");
    assert_int_equal(state_count_failure(&opened), 1);
    start_launcher(right_start());
    for (int i = 0; i < 20; i++) { /* longer than it takes without a failure */
        assert_true(is_refused(client_of(at("a"))));
        sleep_msec(50);
    }
    assert_string_equal(pid1_calls(), "");
    assert_int_equal(mkdir("config", 0755), 0);
    come_until_called(START);
    wait_for_file("report");
    assert_both_are_served();
    stop_it();
}

static void clients_wait_while_the_monitor_starts(void **state)
{
    int client = client_of(at("a"));

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    unit_has(MONITOR, "ActiveState=inactive");
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("touch begun; read x <go; has $2 ActiveState=active");
    start_launcher(right_start());
    wait_for_file("begun");
    assert_int_equal(poll(&(struct pollfd) { .fd = client, .events = POLLIN }, 1, 50), 0);
    write_text("go", "x\n");
    assert_true(is_served(client, "3"));
    assert_string_equal(read_text("stderr"), STARTS_COLD);
    stop_it();
}

static void nobody_is_served_before_the_monitor_is_active(void **state)
{
    int client = client_of(at("a"));

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    unit_has(MONITOR, "ActiveState=activating");
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("read x <go; has $2 ActiveState=active; touch state/was-active");
    queue_job("Start");
    start_launcher(right_start());
    wait_for_text("calls", START); /* it has seen the state, and waits for the same job */
    assert_int_equal(poll(&(struct pollfd) { .fd = client, .events = POLLIN }, 1, 50), 0);
    assert_false(file_exists("report"));
    write_text("go", "x\n");
    assert_true(is_served(client, "3"));
    assert_true(file_exists("state/was-active"));
    stop_it();
}

static void nobody_is_served_by_news_of_a_monitor_that_is_not_active(void **state)
{
    static const struct {
        const char *label, *script;
    } rows[] = {
        { "starts again by itself", "has $2 ActiveState=activating" },
        { "is to be stopped at once", "has $2 ActiveState=active; has $2 Job=stop" },
        { "becomes the monitor's", "touch state/monitor/test; has $2 ActiveState=active" },
    };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        assert_int_equal(state_set_monitor_owns(&opened, "test", false), 0);
        unit_has(MONITOR, "ActiveState=inactive");
        unit_has(MONITOR, "Job=stop");
        start_launcher(right_start());
        assert_true(is_refused(client_of(at("a"))));

        unit_has(MONITOR, "Job=");
        jobs_do(rows[i].script);
        (void) unlink("questions");
        run_job("Start");
        wait_for_text("questions", MONITOR); /* it has looked */
        assert_true(is_refused(client_of(at("a"))));
        assert_false(file_exists("report"));
        stop_it();
    }
}

static void an_administrators_stop_wins(void **state)
{
    static const struct {
        const char *active;
    } rows[] = { { "active" }, { "deactivating" }, { "inactive" } };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("touch begun; read x <go; has $2 ActiveState=inactive; touch over");
    for (size_t i = 0; i < N_OF(rows); i++) {
        char line[64];
        uint64_t before;

        print_message("  %s\n", rows[i].active);
        (void) unlink("begun"); /* these of the row before */
        (void) unlink("over");
        (void) unlink("calls");
        (void) snprintf(line, sizeof(line), "ActiveState=%s", rows[i].active); /* fits */
        unit_has(MONITOR, line);
        queue_job("Stop");
        wait_for_file("begun");

        /* Who comes in its window is refused, and not left waiting for its end. */
        before = msec_now();
        start_launcher(right_start());
        assert_true(is_refused(client_of(at("a"))));
        assert_uint_in_range(msec_now() - before, 0, 3000);
        assert_false(file_exists("over"));
        wait_for_text("stderr", REFUSES "sssd.service is being stopped\n");

        write_text("go", "x\n");
        wait_for_file("over");
        assert_true(is_refused(client_of(at("b"))));
        assert_string_equal(pid1_calls(), "Stop sssd.service replace\n" START); /* in mode fail, and only that once */
        assert_non_null(strstr(read_text("units/" MONITOR), "ActiveState=inactive\n"));
        assert_false(file_exists("report"));
        stop_it();
    }
}

/* --- The lock -------------------------------------------------------------------------------------------------- */

/* It has the file open; until it is the launcher, it has ours. */
static void wait_until_it_waits_for_the_lock(void)
{
    char command[128];

    (void) snprintf(command, sizeof(command), "grep -qa -e --socket= /proc/%d/cmdline && ls -l /proc/%d/fd | grep -q 'state/lock$'",
                    running, running); /* fits */
    while (system(command) != 0)
        (void) usleep(1000); /* folder_enter's guard ends this */
}

static void it_waits_for_who_sends_the_monitor_away(void **state)
{
    static const struct {
        const char *label;
        bool waits_on; /* longer than for a lock that is held while nothing leaves */
    } rows[] = { { "a moment", false }, { "seconds", true } };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root may lock */
    assert_int_equal(mkfifo("go", 0600), 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        int lock, client = client_of(at("a"));
        pid_t hook;

        print_message("  %s\n", rows[i].label);
        (void) unlink("calls"); /* these of the row before */
        (void) unlink("begun");
        (void) unlink("on-job");
        run_job("Restart");
        jobs_do("[ $1 = Start ] || { touch begun; read x <go; }; has $2 ActiveState=$([ $1 = Start ] || echo in)active");

        /* As the linger hook does it. */
        lock = state_lock_exclusive(&opened, 0);
        assert_true(lock >= 0);
        hook = start_child(run_in_child, "Stop");
        wait_for_file("begun");
        (void) unlink("questions");
        start_launcher(right_start());
        wait_until_it_waits_for_the_lock();
        if (rows[i].waits_on)
            wait_for_text("questions", MONITOR); /* it has asked who leaves */
        assert_int_equal(poll(&(struct pollfd) { .fd = client, .events = POLLIN }, 1, 50), 0);
        assert_string_equal(pid1_calls(), "Restart sssd.service replace\nStop sssd.service replace\n");
        write_text("go", "x\n");
        assert_int_equal(exit_status_of(hook), 0);
        assert_int_equal(close(lock), 0);

        assert_true(is_served(client, "3"));
        assert_string_equal(pid1_calls(), "Restart sssd.service replace\nStop sssd.service replace\n" START);
        assert_string_equal(read_text("stderr"), STARTS_COLD);
        stop_it();
    }
}

static void nobody_starts_a_monitor_that_is_leaving_for_long(void **state)
{
    uint64_t before;
    int lock;

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root may lock */
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("touch begun; read x <go; has $2 ActiveState=inactive; touch over");
    lock = state_lock_exclusive(&opened, 0);
    assert_true(lock >= 0);
    queue_job("Stop");
    wait_for_file("begun");

    before = msec_now();
    start_launcher(right_start());
    assert_true(is_refused(client_of(at("a"))));
    assert_uint_in_range(msec_now() - before, 3990, 30000);
    wait_for_text("stderr", REFUSES);
    assert_string_equal(read_text("stderr"),
                        "<4>cannot lock state: Connection timed out\n" REFUSES "sssd.service is being stopped\n");
    assert_false(file_exists("report"));
    write_text("go", "x\n");
    wait_for_file("over");
    assert_non_null(strstr(read_text("units/" MONITOR), "ActiveState=inactive\n"));
    assert_string_equal(pid1_calls(), "Stop sssd.service replace\n" START); /* which was refused */
    (void) close(lock);
    stop_it();
}

static void by_who_holds_the_lock_while_nothing_leaves_nobody_is_kept(void **state)
{
    int lock;

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root may lock */
    unit_has(MONITOR, "ActiveState=inactive");
    lock = state_lock_exclusive(&opened, 0);
    assert_true(lock >= 0);
    start_launcher(right_start());
    assert_both_are_served();
    assert_string_equal(read_text("stderr"), "<4>cannot lock state: Connection timed out\n" STARTS_COLD);
    (void) close(lock);
    stop_it();
}

static void whoever_may_run_holds_the_lock_until_it_does(void **state)
{
    int lock, client = client_of(at("a"));

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root may lock */
    unit_has(MONITOR, "ActiveState=inactive");
    assert_int_equal(mkfifo("go", 0600), 0);
    jobs_do("touch begun; read x <go; has $2 ActiveState=active");
    start_launcher(right_start());
    wait_for_file("begun");
    assert_int_equal(state_lock_exclusive(&opened, 0), -ETIMEDOUT);
    write_text("go", "x\n");
    assert_true(is_served(client, "3"));
    lock = state_lock_exclusive(&opened, 0); /* the responder does not */
    assert_true(lock >= 0);
    (void) close(lock);
    stop_it();
}

static void whoever_refuses_holds_no_lock(void **state)
{
    int lock;

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root may lock */
    unit_has(MONITOR, "Job=stop");
    start_launcher(right_start());
    assert_true(is_refused(client_of(at("a"))));
    lock = state_lock_exclusive(&opened, 0);
    assert_true(lock >= 0);
    (void) close(lock);
    stop_it();
}

/* --- Without what it needs ------------------------------------------------------------------------------------- */

static void without_a_state_folder_it_serves(void **state)
{
    (void) state;
    assert_int_equal(rename("state", "gone"), 0);
    start_launcher(right_start());
    assert_both_are_served();
    assert_string_equal(read_text("stderr"),
                        "<4>cannot find out whether sssd.service runs: No such file or directory\n" STARTS);
    assert_string_equal(pid1_calls(), "");
    assert_string_equal(pid1_questions(), "");
    stop_it();
}

static void without_anyone_to_ask_it_serves(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip(); /* only root asks systemd */
    pid1_stops();
    start_launcher(right_start());
    assert_both_are_served();
    assert_string_equal(read_text("stderr"),
                        "<4>cannot find out whether sssd.service runs: Transport endpoint is not connected\n" STARTS);
    stop_it();
}

static void without_a_lock_file_it_serves(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip(); /* only root may lock */
    assert_int_equal(unlink("state/lock"), 0);
    start_launcher(right_start());
    assert_both_are_served();
    assert_string_equal(read_text("stderr"), "<4>cannot lock state: No such file or directory\n" STARTS);
    stop_it();
}

static void a_responder_that_cannot_be_run_is_said(void **state)
{
    (void) state;
    assert_int_equal(unlink("sssd_test"), 0);
    start_launcher(right_start());
    assert_int_equal(launcher_ends(), 1);
    assert_string_equal(read_text("stderr"), STARTS "<3>cannot run ./sssd_test: No such file or directory\n");
}

static void without_descriptors_it_fails_aloud(void **state)
{
    static const struct {
        const char *label, *line, *says;
    } rows[] = {
        { "to arrange the sockets", "Job=", "<3>cannot arrange the sockets of test: " },
        { "to refuse a client", "Job=stop", "<3>cannot refuse clients of test: " },
    };
    const struct rlimit limit = { 5, 5 }; /* its three streams and two sockets */

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root may lock */
    (void) setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* that would need some at the end */
    for (size_t i = 0; i < N_OF(rows); i++) {
        int client = client_of(at("a")), lock;

        print_message("  %s\n", rows[i].label);
        unit_has(MONITOR, rows[i].line);
        lock = state_lock_exclusive(&opened, 0);
        assert_true(lock >= 0);
        start_launcher(right_start());
        wait_until_it_waits_for_the_lock();
        assert_int_equal(prlimit(running, RLIMIT_NOFILE, &limit, NULL), 0);
        assert_int_equal(close(lock), 0);
        assert_int_equal(launcher_ends(), 1);
        assert_non_null(strstr(read_text("stderr"), rows[i].says));
        (void) close(client);
    }
    (void) unsetenv("ASAN_OPTIONS");
}

static void other_words_are_answered_with_the_usage(void **state)
{
    static const struct {
        const char *label, *args[12];
    } rows[] = {
        { "no program", { "--socket=a=/a" } },
        { "no socket", { "./sssd_test" } },
        { "nothing after the dashes", { "--socket=a=/a", "--" } },
        { "a socket that is none", { "--socket=a", "./sssd_test" } },
        { "a relative path", { "--socket=a=a", "./sssd_test" } },
        { "one socket too many",
          { "--socket=a=/a", "--socket=b=/b", "--socket=c=/c", "--socket=d=/d", "--socket=e=/e", "./sssd_test" } },
        { "no responder", { "--socket=a=/a", "/bin/true" } },
        { "no responder's name", { "--socket=a=/a", "/usr/sssd_/sssd_" } },
        { "the folder of a responder", { "--socket=a=/a", "/sssd_test/" } },
        { "a program without folder that is none", { "--socket=a=/a", "sssd" } },
        { "an unknown option", { "--wait", "--socket=a=/a", "./sssd_test" } },
        { "an option without value", { "--start-monitor" } },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct start start = *right_start();

        print_message("  %s\n", rows[i].label);
        (void) memcpy(start.args, rows[i].args, sizeof(start.args));
        start_launcher(&start);
        assert_int_equal(launcher_ends(), 2);
        assert_non_null(strstr(read_text("stderr"), "usage: launch --socket=NAME=/PATH"));
        assert_string_equal(pid1_calls(), "");
        assert_string_equal(pid1_questions(), "");
    }
}

/* --- Units with User= ------------------------------------------------------------------------------------------ */

static void start_monitor_starts_it_and_never_fails_the_unit(void **state)
{
    static const struct {
        const char *label, *line, *script, *calls, *refusal; /* "" none */
    } rows[] = {
        { "starts", "ActiveState=inactive", "has $2 ActiveState=active", START, "" },
        { "does not start", "ActiveState=inactive", "echo failed", START,
          "sssd.service did not start (see: systemctl status sssd.service)" },
        { "runs", "ActiveState=active", "", "", "" }, /* takes back the refusal of before */
        { "to be stopped", "Job=stop", "", START, "sssd.service is being stopped" },
    };
    static const struct start start = { .args = { "--start-monitor=test" } };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root starts the monitor */
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        (void) unlink("calls"); /* of the row before */
        unit_has(MONITOR, rows[i].line);
        jobs_do(rows[i].script);
        start_launcher(&start);
        assert_int_equal(launcher_ends(), 0);
        assert_string_equal(pid1_calls(), rows[i].calls);
        assert_string_equal(read_text("stderr"), "");
        assert_string_equal(read_text("state/refused/test"), rows[i].refusal);
        assert_int_equal(file_exists("state/refused/test"), rows[i].refusal[0] != '\0');
    }
}

static void start_monitor_waits_for_who_sends_the_monitor_away(void **state)
{
    static const struct start start = { .args = { "--start-monitor=test" } };
    uint64_t before = msec_now();
    int lock;

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root may lock */
    unit_has(MONITOR, "Job=stop");
    lock = state_lock_exclusive(&opened, 0);
    assert_true(lock >= 0);
    start_launcher(&start);
    assert_int_equal(launcher_ends(), 0);
    assert_uint_in_range(msec_now() - before, 3990, 30000);
    assert_string_equal(pid1_calls(), START); /* which was refused */
    assert_string_equal(read_text("state/refused/test"), "sssd.service is being stopped");
    (void) close(lock);
}

static void what_start_monitor_cannot_find_out_is_said(void **state)
{
    static const struct start start = { .args = { "--start-monitor=test" } };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root starts the monitor */
    pid1_stops();
    start_launcher(&start);
    assert_int_equal(launcher_ends(), 0);
    assert_string_equal(read_text("stderr"),
                        "<4>cannot find out whether test may run: Transport endpoint is not connected\n");
    assert_false(file_exists("state/refused/test"));

    pid1_starts();
    assert_int_equal(rename("state", "gone"), 0);
    start_launcher(&start);
    assert_int_equal(launcher_ends(), 0);
    assert_string_equal(pid1_calls(), "");
    assert_string_equal(read_text("stderr"),
                        "<4>cannot find out whether test may run: No such file or directory\n");
}

static void copy_program(const char *from, const char *to)
{
    char command[2 * PATH_MAX];

    (void) unlink(to); /* a link, or not there */
    (void) snprintf(command, sizeof(command), "cp '%s' '%s'", from, to); /* fits */
    assert_int_equal(system(command), 0);
}

/* The programs are where anyone may run them, and what they say may be written there. */
static const struct start *start_without_root(void)
{
    static struct start start;

    copy_program(launcher, "launch");
    copy_program(self, "sssd_test");
    assert_int_equal(chmod(".", 0777), 0);
    start = *right_start();
    start.drops_root = true;
    return &start;
}

static void who_is_not_root_does_as_its_unit_found(void **state)
{
    const struct start *start = start_without_root();

    (void) state;
    unit_has(MONITOR, "ActiveState=inactive"); /* it does not ask */
    start_launcher(start);
    assert_both_are_served();
    assert_string_equal(read_text("stderr"), STARTS);
    stop_it();

    assert_int_equal(state_set_refusal(&opened, "test", "sssd.service is masked"), 0);
    start_launcher(start);
    assert_true(is_refused(client_of(at("a"))));
    assert_true(is_refused(client_of(at("b"))));
    wait_for_text("stderr", REFUSES "sssd.service is masked\n");
    assert_false(file_exists("report"));

    /* Another reason is no end of it. */
    assert_int_equal(state_set_refusal(&opened, "test", "sssd.service is being stopped"), 0);
    assert_true(is_refused(client_of(at("a"))));
    stop_it();
    assert_false(file_exists("report"));

    assert_string_equal(pid1_questions(), "");
    assert_string_equal(pid1_calls(), "");
}

static void who_is_not_root_leaves_when_nobody_comes(void **state)
{
    const struct start *start = start_without_root();
    uint64_t before = msec_now();

    (void) state;
    assert_int_equal(state_set_refusal(&opened, "test", "so"), 0);
    start_launcher(start);
    assert_int_equal(launcher_ends(), NOT_SERVED);
    assert_uint_in_range(msec_now() - before, QUIET_USEC / 1000 - 10, 30000);
    assert_string_equal(read_text("stderr"), REFUSES "so\n");
}

/* Its ExecStartPre= tries, for the client that waits. */
static void who_is_not_root_leaves_when_it_is_time_to_try(void **state)
{
    const struct start *start = start_without_root();
    int client = -1;

    (void) state;
    assert_int_equal(state_set_refusal(&opened, "test", "so"), 0);
    start_launcher(start);
    assert_true(is_refused(client_of(at("a"))));
    while (!has_ended()) { /* folder_enter's guard ends this */
        if (client >= 0)
            (void) close(client);
        client = client_of(at("a"));
        sleep_msec(20);
    }
    assert_int_equal(launcher_ends(), NOT_SERVED);
    (void) close(accept_now(listeners[0])); /* the last one, at least, waits */
    (void) close(client);
}

static void wait_until_it_sleeps(void)
{
    char path[64], name[32], what;

    (void) snprintf(path, sizeof(path), "/proc/%d/stat", running); /* fits */
    do
        assert_int_equal(sscanf(read_text(path), "%*d (%31[^)]) %c", name, &what), 2);
    while (what != 'S'); /* folder_enter's guard ends this */
}

static void who_comes_after_a_refusal_was_taken_back_is_served(void **state)
{
    const struct start *start = start_without_root();

    (void) state;
    for (int round = 0; round < 5; round++) {
        assert_int_equal(state_set_refusal(&opened, "test", "so"), 0);
        start_launcher(start);
        assert_true(is_refused(client_of(at("a"))));

        if (round == 0) {
            wait_for_text("stderr", REFUSES);
            assert_true(is_refused(client_of(at("a"))));
            wait_until_it_sleeps();
        }

        /* As sssd.service starts. */
        assert_int_equal(state_set_refusal(&opened, "test", NULL), 0);
        if (round == 0)
            wait_for_file("report"); /* it takes no client to see that */
        assert_both_are_served();
        stop_it();
    }
}

static void another_responders_refusal_is_none(void **state)
{
    const struct start *start = start_without_root();

    (void) state;
    assert_int_equal(state_set_refusal(&opened, "nss", "so"), 0);
    start_launcher(start);
    assert_both_are_served();
    stop_it();

    /* Nor is its end. */
    assert_int_equal(state_set_refusal(&opened, "test", "so"), 0);
    start_launcher(start);
    assert_true(is_refused(client_of(at("a"))));
    assert_int_equal(state_forget_refusals(&opened), 0);
    assert_false(file_exists("state/refused/nss"));
    assert_true(is_refused(client_of(at("a"))));
    assert_false(file_exists("report"));
    stop_it();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WITH_SOCKETS(beside_a_running_monitor_it_becomes_the_responder),
        WITH_SOCKETS(a_swapped_hand_over_is_put_right_by_name),
        WITH_SOCKETS(a_wrong_hand_over_ends_it_and_those_who_wait_are_told),
        WITH_SOCKETS(without_sockets_it_leaves_quietly),
        WITH_SOCKETS(a_monitor_that_cannot_be_used_refuses_as_long_as_clients_come),
        WITH_SOCKETS(who_comes_after_the_monitor_is_up_is_served),
        WITH_SOCKETS(it_does_not_take_a_client_to_see_that_the_monitor_is_up),
        WITH_SOCKETS(it_refuses_where_the_monitor_cannot_be_used),
        WITH_SOCKETS(it_tries_again_when_it_is_time),
        WITH_SOCKETS(after_a_failure_it_tries_again_when_something_was_changed),
        WITH_SOCKETS(clients_wait_while_the_monitor_starts),
        WITH_SOCKETS(nobody_is_served_before_the_monitor_is_active),
        WITH_SOCKETS(nobody_is_served_by_news_of_a_monitor_that_is_not_active),
        WITH_SOCKETS(an_administrators_stop_wins),
        WITH_SOCKETS(it_waits_for_who_sends_the_monitor_away),
        WITH_SOCKETS(nobody_starts_a_monitor_that_is_leaving_for_long),
        WITH_SOCKETS(by_who_holds_the_lock_while_nothing_leaves_nobody_is_kept),
        WITH_SOCKETS(whoever_may_run_holds_the_lock_until_it_does),
        WITH_SOCKETS(whoever_refuses_holds_no_lock),
        WITH_SOCKETS(without_a_state_folder_it_serves),
        WITH_SOCKETS(without_anyone_to_ask_it_serves),
        WITH_SOCKETS(without_a_lock_file_it_serves),
        WITH_SOCKETS(a_responder_that_cannot_be_run_is_said),
        WITH_SOCKETS(without_descriptors_it_fails_aloud),
        WITH_SOCKETS(other_words_are_answered_with_the_usage),
        WITH_SOCKETS(start_monitor_starts_it_and_never_fails_the_unit),
        WITH_SOCKETS(start_monitor_waits_for_who_sends_the_monitor_away),
        WITH_SOCKETS(what_start_monitor_cannot_find_out_is_said),
        WITH_SOCKETS(who_is_not_root_does_as_its_unit_found),
        WITH_SOCKETS(who_is_not_root_leaves_when_nobody_comes),
        WITH_SOCKETS(who_is_not_root_leaves_when_it_is_time_to_try),
        WITH_SOCKETS(who_comes_after_a_refusal_was_taken_back_is_served),
        WITH_SOCKETS(another_responders_refusal_is_none),
    };
    ssize_t n;

    if (strcmp(argv[0], "./sssd_test") == 0)
        return serve(argc, argv);

    n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0)
        return EXIT_FAILURE;
    (void) snprintf(launcher, sizeof(launcher), "%.*s/launch-for-tests", (int) (strrchr(self, '/') - self), self);
    return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
