/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monitor as a process, with services that do as they are told. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "config/config.h"
#include "test/handed.h"
#include "util/lock.h"
#include "util/memfile.h"

/* What the monitor takes for a second; see test-main.c. Long where no limit should pass, however busy the host is; short in
 * the tests of limits. */
#define LONG_SECOND "10000000"
#define SECOND UINT64_C(100000)

#define SOUND                                                   \
    "[sssd]\nservices = nss\ndomains = one, two\nuser = root\n" \
    "[domain/one]\nid_provider = ldif\n[domain/two]\nid_provider = ldif\n"

static char programs[512]; /* where this test was built */
static int handed = -1;     /* what whoever starts the monitor hands over */

struct fixture {
    char folder[64];
    pid_t monitor;
    int notify_fd;
};

static void put_as(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_return_code(chmod(name, mode), errno);
}

static void configure(const char *text)
{
    put_as("etc/sssd.conf", text, 0600);
}

static void let_limits_pass(void)
{
    CLEANUP(freep) char *usec = NULL;

    assert_true(asprintf(&usec, "%" PRIu64, SECOND) > 0);
    assert_return_code(setenv("SECOND_USEC", usec, 1), errno);
}

/* What the next lives of a service do; see test-child.c. */
static void let(const char *name, const char *deeds)
{
    CLEANUP(freep) char *path = NULL;

    assert_true(asprintf(&path, "does.%s", name) > 0);
    put_as(path, deeds, 0600);
}

static char *contents(const char *name)
{
    char *text = calloc(1, 65536);
    int fd = open(name, O_RDONLY);

    assert_non_null(text);
    if (fd >= 0) {
        assert_return_code(read(fd, text, 65535), errno);
        (void) close(fd);
    }
    return text;
}

static bool has(const char *name, const char *text)
{
    CLEANUP(freep) char *all = contents(name);

    return strstr(all, text) != NULL;
}

static unsigned count(const char *name, const char *text)
{
    CLEANUP(freep) char *all = contents(name);
    unsigned n = 0;

    for (const char *at = strstr(all, text); at; at = strstr(at + 1, text))
        n++;
    return n;
}

/* Each in its place behind the one before. */
static void assert_in_order(const char *name, const char *const *texts)
{
    CLEANUP(freep) char *all = contents(name);
    const char *at = all;

    for (; *texts; texts++) {
        at = strstr(at, *texts);
        if (!at)
            fail_msg("no \"%s\" in its place in:\n%s", *texts, all);
    }
}

#define WITHIN(seconds, condition)                                                         \
    do {                                                                                   \
        uint64_t end_ = now_usec() + (seconds) * UINT64_C(1000000);                        \
        while (!(condition)) {                                                             \
            if (now_usec() > end_) {                                                       \
                CLEANUP(freep) char *log_ = contents("stderr");                            \
                CLEANUP(freep) char *events_ = contents("events");                         \
                fail_msg("not within %d s: %s\n%s\n%s", seconds, #condition, log_, events_); \
            }                                                                              \
            (void) usleep(5000);                                                           \
        }                                                                                  \
    } while (0)

static void run_monitor(char *const argv[])
{
    CLEANUP(freep) char *program = NULL;
    int fd = open("stderr", O_WRONLY | O_CREAT | O_APPEND, 0600);

    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || asprintf(&program, "%s/sssd-for-tests", programs) < 0)
        _exit(98);
    if (handed >= 0)
        handed_over(handed, "monitor");
    (void) execv(program, argv);
    _exit(97);
}

static void start_with(struct fixture *f, const char *option, const char *other)
{
    char *argv[] = { (char *) "sssd", (char *) option, (char *) other, NULL };

    f->monitor = fork();
    assert_return_code(f->monitor, errno);
    if (f->monitor == 0)
        run_monitor(argv);
}

static void start(struct fixture *f)
{
    start_with(f, "-i", "-d4");
}

static int exit_code_of(struct fixture *f)
{
    pid_t pid = f->monitor;
    int status = 0;

    WITHIN(60, waitpid(pid, &status, WNOHANG) == pid);
    f->monitor = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int stop_monitor(struct fixture *f)
{
    assert_return_code(kill(f->monitor, SIGTERM), errno);
    return exit_code_of(f);
}

/* What has come at the place of systemd's, up to that. */
static bool was_notified(const struct fixture *f, const char *text)
{
    char message[256] = "";
    ssize_t n;

    for (; !strstr(message, text); message[n] = '\0')
        if ((n = recv(f->notify_fd, message, sizeof(message) - 1, MSG_DONTWAIT)) < 0)
            return false;
    return true;
}

static pid_t pid_of(const char *name)
{
    CLEANUP(freep) char *log = contents("stderr");
    CLEANUP(freep) char *line = NULL;
    const char *last = NULL;

    assert_true(asprintf(&line, "\"%s\" is process ", name) > 0);
    for (const char *at = strstr(log, line); at; at = strstr(at + 1, line))
        last = at + strlen(line);
    return last ? (pid_t) strtol(last, NULL, 10) : 0;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    CLEANUP(freep) char *child = NULL;

    assert_non_null(f);
    strcpy(f->folder, "/tmp/test-monitor-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_return_code(chdir(f->folder), errno);
    assert_return_code(mkdir("etc", 0700), errno);
    assert_return_code(mkdir("libexec", 0700), errno);
    assert_true(asprintf(&child, "%s/child-for-tests", programs) > 0);
    assert_return_code(symlink(child, "libexec/sssd_be"), errno);
    assert_return_code(symlink(child, "libexec/sssd_nss"), errno);
    configure(SOUND);
    assert_return_code(setenv("SECOND_USEC", LONG_SECOND, 1), errno);

    f->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void) snprintf(name.sun_path, sizeof(name.sun_path), "%s/notify", f->folder);
    assert_return_code(bind(f->notify_fd, (struct sockaddr *) &name, sizeof(name)), errno);
    assert_return_code(setenv("NOTIFY_SOCKET", name.sun_path, 1), errno);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    CLEANUP(freep) char *command = NULL;

    if (f->monitor > 0) {
        (void) kill(f->monitor, SIGTERM);
        (void) waitpid(f->monitor, NULL, 0);
    }
    (void) close(f->notify_fd);
    closep(&handed);
    handed = -1;
    assert_return_code(chdir("/"), errno);
    assert_true(asprintf(&command, "rm -rf %s", f->folder) > 0);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* --- Start and stop -------------------------------------------------------------------------------------------- */

/* Scenario 5, as far as it goes without activation: no client is needed. */
static void it_is_ready_when_all_have_registered(void **state)
{
    struct fixture *f = *state;
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *expected = NULL;

    let("two", "silent register");
    start(f);
    WITHIN(60, has("events", "domain/one registered") && has("events", "nss registered") && has("events", "domain/two silent"));
    assert_false(was_notified(f, "READY=1")); /* the second domain's has not */

    assert_return_code(kill(pid_of("domain/two"), SIGKILL), errno);
    WITHIN(60, was_notified(f, "READY=1"));
    WITHIN(60, has("events", "domain/two registered")); /* the child hears of it after the monitor knows */

    assert_true(asprintf(&expected, "domain/one started: --domain one --uid %u --gid %u --logger=stderr --debug-level=4\n",
                         (unsigned) getuid(), (unsigned) getgid()) > 0);
    assert_true(has("events", expected));
    free(expected);
    assert_true(asprintf(&expected,
                         "nss started: --uid %u --gid %u --logger=stderr --debug-level=4\n",
                         (unsigned) getuid(), (unsigned) getgid()) > 0);
    assert_true(has("events", expected));
    assert_int_equal(config_read_snapshot("run/config/nss", &config), 0);
    assert_string_equal(config_get(config, "sssd", "domains"), "one, two");
    assert_int_equal(stop_monitor(f), 0);
}

static void responders_end_before_backends(void **state)
{
    struct fixture *f = *state;

    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(stop_monitor(f), 0);
    assert_true(was_notified(f, "STOPPING=1"));
    assert_in_order("stderr", (const char *[]) { "\"nss\" has stopped", "\"domain/", NULL });
    assert_int_equal(count("stderr", "has stopped"), 3);
    assert_int_equal(count("events", "ending"), 3);
    assert_int_equal(access("sssd.pid", F_OK), -1);
}

static void who_does_not_end_is_killed(void **state)
{
    struct fixture *f = *state;
    uint64_t begin;

    let("nss", "stubborn");
    let_limits_pass();
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    begin = now_usec();
    assert_int_equal(stop_monitor(f), 0);
    assert_true(now_usec() - begin >= 9 * SECOND);
    assert_true(has("stderr", "does not end: killing it"));
}

static void a_daemon_lets_its_starter_go_when_it_is_up(void **state)
{
    struct fixture *f = *state;
    CLEANUP(freep) char *text = NULL;
    pid_t pid;

    start_with(f, "-D", NULL);
    assert_int_equal(exit_code_of(f), 0);
    text = contents("sssd.pid");
    pid = (pid_t) strtol(text, NULL, 10);
    assert_true(pid > 0);
    assert_return_code(kill(pid, SIGTERM), errno);
    WITHIN(60, kill(pid, 0) < 0);
}

static void a_daemon_that_fails_tells_its_starter(void **state)
{
    struct fixture *f = *state;

    let("one", "fail");
    let("two", "fail");
    let_limits_pass();
    start_with(f, "-D", NULL);
    assert_int_equal(exit_code_of(f), 1);
    assert_true(has("log/sssd.log", "giving up"));
}

/* An end without a chance to say so leaves nobody behind. */
static void services_do_not_outlive_a_killed_monitor(void **state)
{
    struct fixture *f = *state;

    let("two", "silent"); /* and this one has no connection that could tell */
    start(f);
    WITHIN(60, has("events", "nss registered") && has("events", "domain/one registered") && has("events", "two started"));
    assert_return_code(kill(f->monitor, SIGKILL), errno);
    assert_int_equal(exit_code_of(f), -SIGKILL);
    WITHIN(60, kill(pid_of("nss"), 0) < 0 && kill(pid_of("domain/one"), 0) < 0 && kill(pid_of("domain/two"), 0) < 0);
}

/* --- Services that fail ---------------------------------------------------------------------------------------- */

/* Scenarios 30 and 31. */
static void who_ends_is_started_again_at_once(void **state)
{
    struct fixture *f = *state;
    pid_t nss, one;
    uint64_t begin;

    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    WITHIN(60, has("events", "domain/one registered")); /* as above */
    nss = pid_of("nss");
    one = pid_of("domain/one");
    begin = now_usec();
    assert_return_code(kill(one, SIGSTOP), errno);
    assert_return_code(kill(one, SIGKILL), errno);
    WITHIN(60, count("events", "domain/one registered") == 2);
    assert_true(now_usec() - begin < UINT64_C(20000000)); /* the second pause, the first that is one */
    assert_true(has("stderr", "was ended by signal 9"));
    assert_int_not_equal(pid_of("domain/one"), one);
    assert_int_equal(pid_of("nss"), nss); /* the others were left alone */
    assert_int_equal(stop_monitor(f), 0);
}

static void who_always_ends_is_tried_again_ever_less_often(void **state)
{
    struct fixture *f = *state;
    uint64_t begin = now_usec();

    let("one", "fail crash fail fail register");
    let_limits_pass();
    start(f);
    WITHIN(60, was_notified(f, "READY=1")); /* the others serve */
    assert_true(now_usec() - begin >= 6 * SECOND); /* 0, 2, 4 */
    assert_int_equal(count("events", "domain/one started"), 4);
    assert_true(has("stderr", "has failed with exit code 3"));
    assert_true(has("stderr", "\"domain/one\" has ended again without having run for 60 seconds: the next try is in 60 seconds"));
    WITHIN(600, has("events", "domain/one registered"));
    assert_true(now_usec() - begin >= 66 * SECOND);
    assert_int_equal(count("events", "domain/one started"), 5);
    assert_int_equal(count("events", "nss started"), 1);
    assert_int_equal(stop_monitor(f), 0);
}

static void with_no_backend_or_no_responder_it_gives_up(void **state)
{
    static const char *const broken[][2] = { { "one", "two" }, { "nss", "nss" } };
    struct fixture *f = *state;

    let_limits_pass();
    for (size_t i = 0; i < 2; i++) {
        let("one", "register");
        let("two", "register");
        let(broken[i][0], "fail");
        let(broken[i][1], "fail");
        start(f);
        assert_int_equal(exit_code_of(f), 1);
        assert_true(has("stderr", "nobody could be served: giving up"));
    }
}

static void who_has_been_stable_is_forgiven(void **state)
{
    struct fixture *f = *state;

    let("nss", "crash crash crash register");
    let_limits_pass();
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    (void) usleep(61 * SECOND);
    let("nss", "crash register");
    assert_return_code(kill(pid_of("nss"), SIGKILL), errno);
    WITHIN(60, count("events", "nss registered") == 2);
    assert_false(has("stderr", "giving up"));
    assert_int_equal(stop_monitor(f), 0);
}

static void who_does_not_register_is_killed_and_started_again(void **state)
{
    struct fixture *f = *state;

    configure(SOUND "timeout = 1\n"); /* of the second domain */
    let_limits_pass();
    let("two", "silent register");
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_true(has("stderr", "does not register: killing it")); /* the others do not wait for its next try */
    WITHIN(60, has("events", "domain/two registered"));
    assert_true(count("events", "domain/two started") >= 2);
    assert_int_equal(stop_monitor(f), 0);
}

static void a_program_that_is_missing_is_named(void **state)
{
    struct fixture *f = *state;

    assert_return_code(unlink("libexec/sssd_nss"), errno);
    let_limits_pass();
    start(f);
    assert_int_equal(exit_code_of(f), 1);
    assert_int_equal(count("stderr", "cannot start \"nss\": No such file or directory"), 4);
}

/* A process that is not the monitor's, as somebody else starts it. */
static pid_t come(const char *option)
{
    pid_t pid = fork();

    assert_return_code(pid, errno);
    if (pid == 0) {
        (void) execl("libexec/sssd_nss", "libexec/sssd_nss", option, NULL);
        _exit(97);
    }
    return pid;
}

static void go(pid_t pid, int number)
{
    assert_return_code(kill(pid, number), errno);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* --- Registration ---------------------------------------------------------------------------------------------- */

/* Scenarios 9 and 33. */
static void a_name_goes_to_its_own_process_alone(void **state)
{
    struct fixture *f = *state;

    let("one", "liar");
    let("two", "stranger");
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    WITHIN(60, has("events", "domain/one refused") && has("events", "domain/two refused"));
    assert_true(has("stderr", "the configuration has no service \"pam\""));
    assert_true(has("stderr", "was not started as \"nss\"") || has("stderr", "\"nss\" is registered already"));
    WITHIN(60, has("events", "nss registered")); /* as above */
    assert_int_equal(count("events", "nss registered"), 1);
    assert_int_equal(stop_monitor(f), 0);
}

static void whom_the_monitor_did_not_start_has_no_name(void **state)
{
    struct fixture *f = *state;
    pid_t stranger;

    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    WITHIN(60, has("events", "nss registered")); /* as above */
    stranger = come("--of=somebody");
    WITHIN(60, has("events", "nss refused"));
    go(stranger, SIGTERM);
    assert_int_equal(count("events", "nss registered"), 1);
    assert_int_equal(stop_monitor(f), 0);
}

/* How often it has come before is for whoever wants to know, and for itself. */
static void who_registers_is_told_its_part_and_how_often_it_has_come(void **state)
{
    struct fixture *f = *state;

    start(f);
    WITHIN(60, has("events", "nss registered: 0 restarts, domains one, two"));
    WITHIN(60, was_notified(f, "READY=1"));
    assert_true(has("run/services", "nss 0\n") && has("run/services", "domain/two 0\n"));
    assert_return_code(kill(pid_of("nss"), SIGKILL), errno);
    WITHIN(60, has("events", "nss registered: 1 restarts, domains one, two"));
    WITHIN(60, has("run/services", "nss 1\n"));
    assert_int_equal(stop_monitor(f), 0);
}

static void a_name_is_given_once(void **state)
{
    struct fixture *f = *state;

    let("nss", "twice");
    start(f);
    WITHIN(60, has("events", "nss refused") && was_notified(f, "READY=1"));
    assert_true(has("events", "nss refused: \"nss\" is registered already"));
    assert_true(has("events", "nss registered")); /* and the first one is not harmed */
    assert_int_equal(count("events", "nss started"), 1);
    assert_int_equal(stop_monitor(f), 0);
}

/* --- Signals --------------------------------------------------------------------------------------------------- */

static void signals_are_passed_on(void **state)
{
    struct fixture *f = *state;

    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_return_code(kill(f->monitor, SIGUSR1), errno);
    WITHIN(60, count("events", "GoOffline") == 2);
    assert_return_code(kill(f->monitor, SIGUSR2), errno);
    WITHIN(60, count("events", "ResetOffline") == 2);
    assert_return_code(kill(f->monitor, SIGHUP), errno);
    WITHIN(60, count("events", "RotateLogs") == 3 && count("events", "ClearMemcache") == 1);
    assert_true(has("events", "nss ClearMemcache"));
    assert_false(has("events", "nss GoOffline"));
    assert_int_equal(stop_monitor(f), 0);
}

/* Scenario 46. */
static void a_rotated_log_is_opened_anew(void **state)
{
    struct fixture *f = *state;

    start_with(f, "-i", "--logger=files");
    WITHIN(60, was_notified(f, "READY=1"));
    assert_return_code(rename("log/sssd.log", "log/sssd.log.1"), errno);
    assert_return_code(kill(f->monitor, SIGHUP), errno);
    WITHIN(60, access("log/sssd.log", F_OK) == 0);
    assert_true(has("events", "--logger=files"));
    assert_int_equal(stop_monitor(f), 0);
}

/* --- What others left behind ----------------------------------------------------------------------------------- */

/* Scenarios 36 and 46: whatever a crash left, and whatever somebody wrote into the file. */
static void leftovers_do_not_matter(void **state)
{
    struct fixture *f = *state;
    CLEANUP(freep) char *forged = NULL;
    CLEANUP(freep) char *text = NULL;

    assert_true(asprintf(&forged, "%ld\n and more of that", (long) getpid()) > 0);
    put_as("sssd.pid", forged, 0644);
    assert_int_equal(system("mkdir -p run && touch run/monitor.socket run/config"), 0);
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    text = contents("sssd.pid");
    assert_int_equal(strtol(text, NULL, 10), f->monitor);
    assert_null(strstr(text, "more"));
    assert_int_equal(stop_monitor(f), 0);
}

/* Everybody may read it, and so lock it. */
static void a_lock_on_the_pid_file_is_nobodys_concern(void **state)
{
    struct fixture *f = *state;
    int fd;

    put_as("sssd.pid", "1\n", 0644);
    fd = open("sssd.pid", O_RDONLY | O_CLOEXEC);
    assert_return_code(flock(fd, LOCK_EX), errno);
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(close(fd), 0);
    assert_int_equal(stop_monitor(f), 0);
}

static void there_is_only_one(void **state)
{
    struct fixture *f = *state;
    struct fixture other = { .notify_fd = f->notify_fd };
    CLEANUP(freep) char *line = NULL;

    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    start(&other);
    assert_int_equal(exit_code_of(&other), 1);
    assert_true(asprintf(&line, "another monitor is running, process %ld", (long) f->monitor) > 0);
    assert_true(has("stderr", line));
    assert_int_equal(count("events", "nss started"), 1);
    assert_int_equal(stop_monitor(f), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_return_code(stat(path, &st), errno);
    return st.st_mode & 07777;
}

/* Scenario 42. */
static void folders_are_made_and_links_not_followed(void **state)
{
    struct fixture *f = *state;

    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(mode_of("run"), 0755);
    assert_int_equal(mode_of("run/monitor.socket"), 0660);
    assert_int_equal(mode_of("own"), 0755);
    assert_int_equal(mode_of("own/cache"), 0750);
    assert_int_equal(mode_of("log"), 0750);
    assert_int_equal(mode_of("state/pipes"), 0755); /* where clients look */
    assert_int_equal(mode_of("state/mc"), 0755);
    assert_int_equal(access("state/pipes/private", F_OK), -1); /* SSSD's alone */
    assert_int_equal(access("state/db", F_OK), -1);
    assert_int_equal(stop_monitor(f), 0);

    assert_int_equal(system("rm -r own/cache && mkdir elsewhere && ln -s elsewhere/new own/cache"),
                     0);
    start(f);
    assert_int_equal(exit_code_of(f), 1);
    assert_true(has("stderr", "cannot make the folder"));
    assert_int_equal(access("elsewhere/new", F_OK), -1);
}

/* A domain's options of its source, be it a password, are not the responder's, nor another domain's. */
static void each_service_has_its_part_of_the_configuration(void **state)
{
    struct fixture *f = *state;
    CLEANUP(config_freep) struct config *nss = NULL;
    CLEANUP(config_freep) struct config *one = NULL;
    struct stat st;
    mode_t mask;

    configure(SOUND "ldif_files = /secret\nmin_id = 77\n[nss]\npwfield = x\n"); /* of the second domain */
    assert_int_equal(system("mkdir -p run/config && touch run/config/domain-gone"), 0);
    mask = umask(0077); /* as in its unit */
    start_with(f, "--genconf", NULL);
    (void) umask(mask);
    assert_int_equal(exit_code_of(f), 0);
    assert_return_code(stat("run/config", &st), errno);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_return_code(stat("run/config/nss", &st), errno);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(access("run/config/domain-gone", F_OK), -1);
    assert_int_equal(config_read_snapshot("run/config/nss", &nss), 0);
    assert_int_equal(config_read_snapshot("run/config/domain-one", &one), 0);
    assert_string_equal(config_get(nss, "nss", "pwfield"), "x");
    assert_int_equal(config_u32(nss, "domain/two", "min_id"), 77);
    assert_null(config_get(nss, "domain/two", "ldif_files"));
    assert_null(config_get(one, "sssd", "services"));
    assert_string_equal(config_get(one, "domain/one", "id_provider"), "ldif");
    assert_null(config_get(one, "domain/two", "min_id"));
    assert_null(config_get(one, "nss", "pwfield"));
    assert_true(config_is_of(nss, "etc", "sssd.conf"));
    configure(SOUND);
    assert_false(config_is_of(nss, "etc", "sssd.conf"));
}

static void folders_of_sssds_stay_as_they_are(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(system("mkdir -m 700 state && mkdir -m 711 state/pipes && mkdir -m 770 "
                            "state/db && mkdir -m 775 state/mc"),
                     0);
    assert_int_equal(system("test $(id -u) != 0 || chown -R 123:456 state"), 0);
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(stop_monitor(f), 0);
    assert_int_equal(
        system("test $(id -u) != 0 || test $(find state -type d -uid 123 -gid 456 | wc -l) = 4"),
        0);
    assert_int_equal(mode_of("state"), 0700);
    assert_int_equal(mode_of("state/pipes"), 0711);
    assert_int_equal(mode_of("state/db"), 0770);
    assert_int_equal(mode_of("state/mc"), 0775);
}

/* The recipe for SSSD's cache. */
static void whoever_clears_sssds_cache_clears_ours(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(system("mkdir -p -m 700 state/db"), 0);
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(stop_monitor(f), 0);
    assert_int_equal(system("touch own/cache/cache_one.mdb state/mc/passwd"), 0);
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(access("own/cache/cache_one.mdb", F_OK), 0);
    assert_int_equal(access("state/mc/passwd", F_OK), -1); /* not one of ours */
    assert_int_equal(stop_monitor(f), 0);

    assert_int_equal(system("rm -f state/db/*"), 0);
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(access("own/cache/cache_one.mdb", F_OK), -1);
    assert_int_equal(stop_monitor(f), 0);
}

static void put_memory_cache(const char *name)
{
    CLEANUP(closep) int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    const uint64_t magic = MEMFILE_TAIL_MAGIC;

    assert_return_code(ftruncate(fd, 1000), errno);
    assert_int_equal(pwrite(fd, &magic, sizeof(magic), 1000 - MEMFILE_TAIL_BYTES), sizeof(magic));
}

/* What clients read of our own goes with the cache, but not from under a responder, which could
 * make it no more. */
static void memory_caches_go_with_the_cache_unless_somebody_writes_them(void **state)
{
    struct fixture *f = *state;
    int lock_fd;

    assert_int_equal(system("mkdir -p -m 755 state/db state/mc own"), 0);
    put_memory_cache("state/mc/passwd");
    assert_int_equal(lock_take("own/mc.lock", &lock_fd), 1);
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(access("state/mc/passwd", F_OK), 0);
    assert_int_equal(stop_monitor(f), 0);
    assert_return_code(close(lock_fd), errno);

    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(access("state/mc/passwd", F_OK), 0); /* the same cache */
    assert_int_equal(stop_monitor(f), 0);
    assert_int_equal(system("rm -f state/db/*"), 0);
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(access("state/mc/passwd", F_OK), -1);
    assert_int_equal(stop_monitor(f), 0);
}

/* The expiry tool waits until its flag has gone. */
static void the_memory_caches_flag_goes_when_it_is_cleared(void **state)
{
    struct fixture *f = *state;

    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_int_equal(system("touch state/mc/clear_mc_flag state/mc/passwd"), 0);
    assert_return_code(kill(f->monitor, SIGHUP), errno);
    WITHIN(60, access("state/mc/clear_mc_flag", F_OK) < 0);
    assert_true(has("events", "nss ClearMemcache"));
    assert_int_equal(access("state/mc/passwd", F_OK),
                     0); /* the responder has cleared it in place */
    assert_int_equal(stop_monitor(f), 0);
}

static void all_others_become_our_own_users_whatever_the_configuration_says(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    if (getuid() != 0)
        skip();
    configure(
        "[sssd]\nservices = nss\ndomains = one\nuser = sssd\n[domain/one]\nid_provider = ldif\n");
    start(f);
    WITHIN(60, was_notified(f, "READY=1"));
    assert_true(has("events", "nss started: --uid 65534 --gid"));
    assert_true(has("events", "domain/one started: --domain one --uid 65534 --gid"));
    assert_return_code(stat("own/cache", &st), errno);
    assert_int_equal(st.st_uid, 65534);
    assert_return_code(stat("run/monitor.socket", &st), errno);
    assert_int_equal(st.st_uid, 0);
    assert_int_not_equal(st.st_gid, 0);
    assert_int_equal(stop_monitor(f), 0);
}

static void without_its_users_it_does_not_run(void **state)
{
    struct fixture *f = *state;

    if (getuid() != 0)
        skip();
    configure(
        "[sssd]\nservices = nss\ndomains = one\nuser = sssd\n[domain/one]\nid_provider = ldif\n");
    assert_return_code(setenv("BACKEND_USER", "nobody-has-this-name", 1), errno);
    start(f);
    assert_return_code(unsetenv("BACKEND_USER"), errno);
    assert_int_equal(exit_code_of(f), 1);
    assert_true(has("stderr", "there is no user \"nobody-has-this-name\" in /etc/passwd to become: "
                              "refusing to run as root"));
    assert_int_equal(access("events", F_OK), -1);
    assert_int_equal(access("own", F_OK), -1);
}

/* --- The configuration ----------------------------------------------------------------------------------------- */

/* Scenario 47: nothing of a broken one is taken. */
static void a_broken_configuration_changes_nothing(void **state)
{
    struct fixture *f = *state;
    CLEANUP(config_freep) struct config *config = NULL;

    start_with(f, "--genconf", NULL);
    assert_int_equal(exit_code_of(f), 0);
    configure("[sssd]\nservices = pam\ndomains = one\n[domain/one]\nid_provider = ad\n");
    start(f);
    assert_int_equal(exit_code_of(f), 4);
    assert_true(has("stderr", "etc/sssd.conf:2: [sssd] services: this build does not have \"pam\"; allowed: nss\n"));
    assert_true(has("stderr", "etc/sssd.conf:5: [domain/one] id_provider: this build does not have \"ad\"; allowed: ldif\n"));
    start_with(f, "-s", "nss");
    assert_int_equal(exit_code_of(f), 4);
    assert_int_equal(config_read_snapshot("run/config/nss", &config), 0);
    assert_string_equal(config_get(config, "sssd", "domains"), "one, two");
    assert_int_equal(access("events", F_OK), -1); /* nobody was started */
}

static void a_configuration_can_be_checked_without_effect(void **state)
{
    struct fixture *f = *state;

    start_with(f, "--check-config", NULL);
    assert_int_equal(exit_code_of(f), 0);
    assert_int_equal(system("mkdir -m 700 other && printf '[sssd]\\n[ad]\\n' > other/sssd.conf && chmod 600 other/sssd.conf"), 0);
    start_with(f, "--check-config=other", NULL);
    assert_int_equal(exit_code_of(f), 1);
    assert_true(has("stderr", "other/sssd.conf:2: [ad]: this build has no such section"));
    assert_int_equal(access("run", F_OK), -1);
    assert_int_equal(access("state", F_OK), -1);
    assert_int_equal(access("sssd.pid", F_OK), -1);
}

static void whether_services_have_to_be_listed(void **state)
{
    struct fixture *f = *state;

    configure("[sssd]\ndomains = one\nuser = nosuch\n[domain/one]\nid_provider = ldif\n");
    start(f);
    assert_int_equal(exit_code_of(f), 4);
    assert_true(has("stderr", "[sssd] services: is missing; allowed: nss"));
}

static void another_file_can_be_named(void **state)
{
    struct fixture *f = *state;
    CLEANUP(config_freep) struct config *config = NULL;

    put_as("mine.conf", SOUND "min_id = 77\n", 0600);
    start_with(f, "-g", "--config=mine.conf");
    assert_int_equal(exit_code_of(f), 0);
    assert_int_equal(config_read_snapshot("run/config/nss", &config), 0);
    assert_int_equal(config_u32(config, "domain/two", "min_id"), 77);
}

static void a_wrong_command_line_is_refused(void **state)
{
    struct fixture *f = *state;

    start_with(f, "-i", "-D");
    assert_int_equal(exit_code_of(f), 2);
    start_with(f, "--logger=printer", NULL);
    assert_int_equal(exit_code_of(f), 2);
    assert_true(has("stderr", "allowed: files, journald, stderr"));
    start_with(f, "--nosuch", NULL);
    assert_int_equal(exit_code_of(f), 2);
    start_with(f, "word", NULL);
    assert_int_equal(exit_code_of(f), 2);
    assert_int_equal(access("run", F_OK), -1);
}

static int find_programs(void **state)
{
    ssize_t n = readlink("/proc/self/exe", programs, sizeof(programs) - 1);

    (void) state;
    assert_true(n > 0);
    programs[n] = '\0';
    *strrchr(programs, '/') = '\0';
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_is_ready_when_all_have_registered),
        TEST(responders_end_before_backends),
        TEST(who_does_not_end_is_killed),
        TEST(a_daemon_lets_its_starter_go_when_it_is_up),
        TEST(a_daemon_that_fails_tells_its_starter),
        TEST(services_do_not_outlive_a_killed_monitor),
        TEST(who_ends_is_started_again_at_once),
        TEST(who_always_ends_is_tried_again_ever_less_often),
        TEST(with_no_backend_or_no_responder_it_gives_up),
        TEST(who_has_been_stable_is_forgiven),
        TEST(who_does_not_register_is_killed_and_started_again),
        TEST(a_program_that_is_missing_is_named),
        TEST(a_name_goes_to_its_own_process_alone),
        TEST(whom_the_monitor_did_not_start_has_no_name),
        TEST(who_registers_is_told_its_part_and_how_often_it_has_come),
        TEST(a_name_is_given_once),
        TEST(signals_are_passed_on),
        TEST(a_rotated_log_is_opened_anew),
        TEST(leftovers_do_not_matter),
        TEST(a_lock_on_the_pid_file_is_nobodys_concern),
        TEST(there_is_only_one),
        TEST(folders_are_made_and_links_not_followed),
        TEST(each_service_has_its_part_of_the_configuration),
        TEST(folders_of_sssds_stay_as_they_are),
        TEST(whoever_clears_sssds_cache_clears_ours),
        TEST(memory_caches_go_with_the_cache_unless_somebody_writes_them),
        TEST(the_memory_caches_flag_goes_when_it_is_cleared),
        TEST(all_others_become_our_own_users_whatever_the_configuration_says),
        TEST(without_its_users_it_does_not_run),
        TEST(a_broken_configuration_changes_nothing),
        TEST(a_configuration_can_be_checked_without_effect),
        TEST(whether_services_have_to_be_listed),
        TEST(another_file_can_be_named),
        TEST(a_wrong_command_line_is_refused),
    };

    return cmocka_run_group_tests(tests, find_programs, NULL);
}
