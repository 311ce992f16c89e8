/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the whole launcher: as systemd starts it, with real sockets, clients and a small responder. */

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

#include "lib/sockets.h"
#include "lib/state.h"
#include "test/fixture.h"

#define STARTS "<6>test starts: a client came\n"
#define NOT_SERVED 75

#define FAILS "case \"$*\" in *' start '*) exit 1 ;; esac;"

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
};

static int launch_enter(void **state)
{
    running = 0;
    if (folder_enter(state) < 0 || state_create("state", &opened) < 0 || symlink(self, "sssd_test") < 0)
        return -1;
    systemctl_answers("exit 9");
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
    (void) execv(launcher, (char *const *) argv); /* returns only on failure */
    abort();
}

static int launcher_ends(void)
{
    int status = exit_status_of(running);

    running = 0;
    return status;
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
    assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
    start_launcher(right_start());
    assert_true(is_served(early, "3"));
    assert_both_are_served();
    assert_string_equal(read_text("report"),
                        "./sssd_test|--socket-activated|two words|2|a:b|mine|3=a|4=b|");
    assert_string_equal(read_text("stderr"), STARTS);
    assert_string_equal(systemctl_calls(), "");
    stop_it();
}

static void a_swapped_hand_over_is_put_right_by_name(void **state)
{
    const struct start start = { .names = "b:a", .fds = { listeners[1], listeners[0] } };

    (void) state;
    assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
    start_launcher(&start);
    assert_both_are_served();
    assert_non_null(strstr(read_text("report"), "|2|a:b|mine|3=a|4=b|"));
    stop_it();
}

static void a_wrong_hand_over_ends_it_and_those_who_wait_are_told(void **state)
{
    int datagram, elsewhere, pipes[2];

    (void) state;
    assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
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
        assert_string_equal(systemctl_calls(), "");
    }
}

static void a_stopped_monitor_refuses_for_five_seconds(void **state)
{
    uint64_t started = msec_now(), quickest = UINT64_MAX, took;

    (void) state;
    assert_int_equal(state_set(&opened, FLAG_HELD, true), 0);
    start_launcher(right_start());
    assert_true(is_refused(client_of(at("a")))); /* this one may have waited for the start */
    for (int i = 0; i < 5; i++) {
        uint64_t before = msec_now();

        assert_true(is_refused(client_of(at(i % 2 ? "a" : "b"))));
        took = msec_now() - before;
        quickest = took < quickest ? took : quickest;
    }
    assert_true(quickest < 100);

    assert_int_equal(launcher_ends(), NOT_SERVED);
    took = msec_now() - started;
    assert_in_range(took, 4990, 30000);
    assert_string_equal(read_text("stderr"),
                        "<4>clients of test are told \"unavailable\" for now: sssd.service was stopped by an "
                        "administrator (systemctl start sssd.service ends that)\n");
    assert_string_equal(systemctl_calls(), "");
    assert_false(file_exists("report"));
}

static void who_comes_after_the_monitor_is_up_is_served(void **state)
{
    (void) state;
    for (int round = 0; round < 5; round++) {
        assert_int_equal(state_set(&opened, FLAG_RUNNING, false), 0);
        assert_int_equal(state_set(&opened, FLAG_HELD, true), 0);
        start_launcher(right_start());
        assert_true(is_refused(client_of(at("a"))));

        /* As sssd.service starts. */
        assert_int_equal(state_set(&opened, FLAG_HELD, false), 0);
        assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
        assert_both_are_served();
        stop_it();
    }
}

static void it_refuses_where_the_monitor_cannot_be_used(void **state)
{
    static const struct {
        const char *label, *answers, *file, *content, *says, *called, *not_called;
    } rows[] = {
        { "does not start, not enabled", FAILS "exit 1", NULL, NULL, "did not start",
          "reset-failed sssd.service\n", "is-active" },
        { "does not start, enabled", FAILS "exit 0", NULL, NULL, "did not start",
          "--quiet is-enabled sssd.service\n", "reset-failed" },
        { "start is skipped", "case \"$*\" in *is-active*) exit 3 ;; esac", NULL, NULL, "was skipped",
          "is-active", "reset-failed" },
        { "three crashes", "", "state/crashes/test", "3\n", "it ended badly 3 times in a row", "", "start" },
        { "the monitor's own", "", "state/monitor/test", "", "the configuration gives it to the monitor", "", "x" },
    };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root starts the monitor */
    assert_int_equal(state_set_monitor_owns(&opened, "test", false), 0); /* makes the folder */
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        (void) unlink("calls"); /* of the row before */
        systemctl_answers(rows[i].answers);
        if (rows[i].file)
            write_text(rows[i].file, rows[i].content);

        start_launcher(right_start());
        assert_true(is_refused(client_of(at("b"))));
        while (!strstr(read_text("stderr"), rows[i].says) || !strstr(systemctl_calls(), rows[i].called))
            (void) usleep(1000); /* it refuses first; the fixture's guard ends this */
        assert_int_equal(strncmp(read_text("stderr"), "<4>", 3), 0);
        assert_null(strstr(systemctl_calls(), rows[i].not_called));
        stop_it();
        assert_false(file_exists("report"));
        if (rows[i].file)
            assert_int_equal(unlink(rows[i].file), 0);
    }
}

static void clients_of_a_closed_socket_are_left_to_the_relay(void **state)
{
    int client = client_of(at("a"));

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root starts the monitor */
    assert_int_equal(state_set_monitor_owns(&opened, "test", true), 0);
    systemctl_answers("case \"$*\" in *ActiveState*) echo inactive ;; esac");
    start_launcher(right_start());
    assert_int_equal(launcher_ends(), NOT_SERVED);
    assert_string_equal(read_text("stderr"), "");
    assert_non_null(strstr(systemctl_calls(), "show --value --property ActiveState -- sss-a.socket\n"
                                              "show --value --property ActiveState -- sss-b.socket\n"));
    assert_true(accept_now(listeners[0]) >= 0);
    (void) close(client);

    /* Half of it is not enough. */
    client = client_of(at("a"));
    systemctl_answers("case \"$*\" in *sss-a.socket) echo inactive ;; *sss-b.socket) echo active ;; esac");
    start_launcher(right_start());
    assert_true(is_refused(client));
    stop_it();
}

static void clients_wait_while_the_monitor_starts(void **state)
{
    int client = client_of(at("a"));

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root starts the monitor */
    assert_int_equal(mkfifo("go", 0600), 0);
    systemctl_answers("case \"$*\" in *' start '*) touch begun; read x <go; touch state/running ;; esac");
    start_launcher(right_start());
    wait_for_file("begun");
    assert_int_equal(poll(&(struct pollfd) { .fd = client, .events = POLLIN }, 1, 50), 0);
    write_text("go", "x\n");
    assert_true(is_served(client, "3"));
    stop_it();
}

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
    int lock, client = client_of(at("a"));

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root starts the monitor */
    systemctl_answers("case \"$*\" in *' start '*) touch state/running ;; esac");
    assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
    lock = state_lock_exclusive(&opened);
    assert_true(lock >= 0);
    start_launcher(right_start());
    wait_until_it_waits_for_the_lock();

    /* As the linger hook does it. */
    assert_int_equal(state_set(&opened, FLAG_RUNNING, false), 0);
    assert_int_equal(close(lock), 0);
    assert_true(is_served(client, "3"));
    assert_string_equal(systemctl_calls(), "--quiet --job-mode=fail start sssd.service\n");
    stop_it();
}

static void without_a_state_folder_it_serves(void **state)
{
    (void) state;
    assert_int_equal(rename("state", "gone"), 0);
    start_launcher(right_start());
    assert_both_are_served();
    assert_string_equal(read_text("stderr"), "<4>cannot open state: No such file or directory\n" STARTS);
    assert_string_equal(systemctl_calls(), "");
    stop_it();
}

static void without_a_lock_file_it_serves(void **state)
{
    (void) state;
    assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
    assert_int_equal(unlink("state/lock"), 0);
    start_launcher(right_start());
    assert_both_are_served();
    assert_string_equal(read_text("stderr"), "<4>cannot lock state: No such file or directory\n" STARTS);
    stop_it();
}

static void a_responder_that_cannot_be_run_is_said(void **state)
{
    (void) state;
    assert_int_equal(state_set(&opened, FLAG_RUNNING, true), 0);
    assert_int_equal(unlink("sssd_test"), 0);
    start_launcher(right_start());
    assert_int_equal(launcher_ends(), 1);
    assert_string_equal(read_text("stderr"), STARTS "<3>cannot run ./sssd_test: No such file or directory\n");
}

static void without_descriptors_it_fails_aloud(void **state)
{
    static const struct {
        const char *label;
        enum flag flag;
        const char *says;
    } rows[] = {
        { "to arrange the sockets", FLAG_RUNNING, "<3>cannot arrange the sockets of test: " },
        { "to refuse a client", FLAG_HELD, "<3>cannot refuse clients of test: " },
    };
    const struct rlimit limit = { 5, 5 }; /* its three streams and two sockets */

    (void) state;
    (void) setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* that would need some at the end */
    for (size_t i = 0; i < N_OF(rows); i++) {
        int client = client_of(at("a")), lock;

        print_message("  %s\n", rows[i].label);
        assert_int_equal(state_set(&opened, rows[i].flag, true), 0);
        lock = state_lock_exclusive(&opened);
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
        assert_string_equal(systemctl_calls(), "");
    }
}

static void start_monitor_starts_it_and_never_fails_the_unit(void **state)
{
    static const struct {
        const char *label, *answers;
        bool runs;
        const char *calls;
    } rows[] = {
        { "starts", "touch state/running", false, "--quiet --job-mode=fail start sssd.service\n" },
        { "runs", "exit 9", true, "" },
        { "does not start", "exit 1", false,
          "--quiet --job-mode=fail start sssd.service\n"
          "--quiet is-enabled sssd.service\n"
          "reset-failed sssd.service\n" },
    };
    static const struct start start = { .args = { "--start-monitor=test" } };

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root starts the monitor */
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        (void) unlink("calls"); /* of the row before */
        systemctl_answers(rows[i].answers);
        assert_int_equal(state_set(&opened, FLAG_RUNNING, rows[i].runs), 0);
        start_launcher(&start);
        assert_int_equal(launcher_ends(), 0);
        assert_string_equal(systemctl_calls(), rows[i].calls);
        assert_string_equal(read_text("stderr"), "");
    }

    assert_int_equal(rename("state", "gone"), 0);
    (void) unlink("calls");
    start_launcher(&start);
    assert_int_equal(launcher_ends(), 0);
    assert_string_equal(systemctl_calls(), "");
    assert_string_equal(read_text("stderr"), "<4>cannot open state: No such file or directory\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WITH_SOCKETS(beside_a_running_monitor_it_becomes_the_responder),
        WITH_SOCKETS(a_swapped_hand_over_is_put_right_by_name),
        WITH_SOCKETS(a_wrong_hand_over_ends_it_and_those_who_wait_are_told),
        WITH_SOCKETS(without_sockets_it_leaves_quietly),
        WITH_SOCKETS(a_stopped_monitor_refuses_for_five_seconds),
        WITH_SOCKETS(who_comes_after_the_monitor_is_up_is_served),
        WITH_SOCKETS(it_refuses_where_the_monitor_cannot_be_used),
        WITH_SOCKETS(clients_of_a_closed_socket_are_left_to_the_relay),
        WITH_SOCKETS(clients_wait_while_the_monitor_starts),
        WITH_SOCKETS(it_waits_for_who_sends_the_monitor_away),
        WITH_SOCKETS(without_a_state_folder_it_serves),
        WITH_SOCKETS(without_a_lock_file_it_serves),
        WITH_SOCKETS(a_responder_that_cannot_be_run_is_said),
        WITH_SOCKETS(without_descriptors_it_fails_aloud),
        WITH_SOCKETS(other_words_are_answered_with_the_usage),
        WITH_SOCKETS(start_monitor_starts_it_and_never_fails_the_unit),
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
