/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole process, in a child; the test is its monitor and its client. Its paths are below the folder it runs in. */

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "bus/bus.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "config/config.h"
#include "config/image.h"
#include "responder/responder.h"
#include "test/folder.h"
#include "test/handed.h"
#include "util/paths.h"
#include "util/stamp.h"

#define SOCKET_PATH "nss"
#define PART CONFIG_PARTS "/nss"
#define PATIENCE_USEC 10000000
#define RUNNING (-1)

enum { CMD_LOOPS = 0x11, CMD_USER, CMD_LIMIT, CMD_WAIT, CMD_CLEARED, CMD_OUTSIDE };

/* ---- the responder ---- */

static int n_cleared;

static int on_loops(struct request *request)
{
    const char *loops = getenv("_SSS_LOOPS");

    packet_put_text(request_out(request), loops ? loops : "unset");
    request_reply(request, 0);
    return 0;
}

static int on_user(struct request *request)
{
    packet_put_u32(request_out(request), geteuid());
    request_reply(request, 0);
    return 0;
}

static int on_limit(struct request *request)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    packet_put_u32(request_out(request), (uint32_t) limit.rlim_cur);
    request_reply(request, 0);
    return 0;
}

static int on_wait(struct request *request)
{
    (void) request;
    return 0;
}

/* What comes of looking at a folder that is no business of a responder, and of writing there. */
static int on_outside(struct request *request)
{
    int errors[2] = { 0 };

    for (size_t i = 0; i < 2; i++) {
        CLEANUP(closep) int fd = open(i == 0 ? ".." : "../left-by-a-test", (i == 0 ? O_RDONLY : O_WRONLY | O_CREAT) | O_CLOEXEC, 0600);

        errors[i] = fd < 0 ? errno : 0;
    }
    packet_put_u32(request_out(request), (uint32_t) (errors[0] == errors[1] ? errors[0] : -1));
    request_reply(request, 0);
    return 0;
}

static int on_cleared(struct request *request)
{
    packet_put_u32(request_out(request), (uint32_t) * (int *) request_state(request));
    request_reply(request, 0);
    return 0;
}

static int n_prepared;

/* The user is known by then, and root has not been given up yet. */
static int prepare(struct responder *responder)
{
    (void) responder;
    n_prepared++;
    return geteuid() == 0 ? 0 : -EPERM;
}

static int init(struct responder *responder, void **ret_state)
{
    if (geteuid() != responder_uid(responder) || getegid() != responder_gid(responder) || n_prepared != 1)
        return -EPERM;
    *ret_state = &n_cleared;
    return 0;
}

static void clear_memcache(void *state)
{
    ++*(int *) state;
}

static const struct command commands[] = {
    { CMD_LOOPS, "loops", 0, on_loops },     { CMD_USER, "user", 0, on_user },
    { CMD_LIMIT, "limit", 0, on_limit },     { CMD_WAIT, "wait", 0, on_wait },
    { CMD_CLEARED, "cleared", 0, on_cleared }, { CMD_OUTSIDE, "outside", 0, on_outside },
};

static const uint32_t versions[] = { 1, 0 };

static const struct listen_spec listens[] = { { "nss", SOCKET_PATH, 0666, 0 } };

static const struct responder_spec spec = {
    .name = "nss",
    .listens = listens,
    .n_listens = 1,
    .versions = versions,
    .commands = commands,
    .n_commands = sizeof(commands) / sizeof(commands[0]),
    .prepare = prepare,
    .init = init,
    .clear_memcache = clear_memcache,
};

/* ---- the monitor ---- */

struct fixture {
    struct folder folder;
    int before; /* the folder that the test was run in */
    sd_event *event;
    struct bus_server *server;
    sd_bus *bus; /* the responder's connection */
    char name[32];
    uint16_t version;
    char said[16]; /* what it says of itself besides */
    int n_registered;
    bool refuses;
    struct config *part; /* what it says of the configuration */
    pid_t pid;
    const char *services; /* of the next configuration; NULL: none */
};

static int on_register(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    struct fixture *f = userdata;
    const char *name, *besides = "";
    const void *image;
    sd_bus_message *reply;
    size_t bytes;

    assert_true(sd_bus_message_read(message, "sq", &name, &f->version) >= 0);
    (void) sd_bus_message_read(message, "s", &besides);       /* fails where there is nothing */
    (void) snprintf(f->name, sizeof(f->name), "%s", name);    /* one that is cut is seen */
    (void) snprintf(f->said, sizeof(f->said), "%s", besides); /* likewise */
    f->n_registered++;
    if (f->refuses)
        return sd_bus_error_set(ret_error, SD_BUS_ERROR_ACCESS_DENIED, "there is one already");
    image = config_image(f->part, &bytes);
    assert_true(sd_bus_message_new_method_return(message, &reply) >= 0);
    assert_true(sd_bus_message_append(reply, "q", BUS_VERSION) >= 0);
    assert_true(sd_bus_message_append_array(reply, 'y', image, bytes) >= 0);
    assert_true(sd_bus_message_append(reply, "u", 0) >= 0);
    assert_true(sd_bus_send(NULL, reply, NULL) >= 0);
    sd_bus_message_unref(reply);
    return 1;
}

static const sd_bus_vtable monitor_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("RegisterService", BUS_REGISTER_TAKES, BUS_REGISTER_GIVES, on_register, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static int on_connection(sd_bus *bus, const struct bus_peer *peer, void *userdata)
{
    struct fixture *f = userdata;

    (void) peer;
    sd_bus_unref(f->bus);
    f->bus = sd_bus_ref(bus);
    return sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_MONITOR, monitor_vtable, f);
}

static void start_monitor(struct fixture *f)
{
    assert_int_equal(bus_listen(f->event, MONITOR_BUS, BUS_OURS_ALONE, on_connection, f, &f->server), 0);
}

static void stop_monitor(struct fixture *f)
{
    f->server = bus_server_free(f->server);
    f->bus = sd_bus_close_unref(f->bus);
}

static void write_config_with(struct fixture *f, const char *user, const char *key, const char *value)
{
    CLEANUP(freep) char *stamp = NULL;
    struct config_entry entries[] = {
        { "nss", "debug_level", "9" },
        { "nss", "fd_limit", "300" },
        { "nss", key, value },
        { "sssd", "services", f->services ? f->services : "" },
        { "sssd", "user", user },
        { CONFIG_STAMP, CONFIG_STAMP, "" },
    };
    const size_t n = sizeof(entries) / sizeof(entries[0]);

    assert_int_equal(config_stamp(SSS_CONFDIR, "sssd.conf", &stamp), 0);
    entries[n - 1].value = stamp;
    config_freep(&f->part);
    assert_int_equal(config_from_entries(entries, n, &f->part), 0);
    assert_int_equal(config_write_snapshot(f->part, PART, (gid_t) -1), 0);
}

static void write_config(struct fixture *f, const char *user)
{
    write_config_with(f, user, "client_idle_timeout", "60");
}

static int handed = -1; /* what whoever starts the responder hands over */

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->before >= 0);
    folder_begin(&f->folder);
    assert_int_equal(chdir(f->folder.path), 0);
    assert_int_equal(mkdir(PIPES_DIR, 0755), 0);
    assert_int_equal(mkdir(CONFIG_PARTS, 0755), 0);
    assert_int_equal(mkdir(STAMP_DIR, 0755), 0);
    assert_int_equal(mkdir(CACHE_DIR, 0755), 0);
    assert_true(stamp_check(STAMP_PLACES) >= 0);
    assert_true(sd_event_new(&f->event) >= 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    if (f->pid > 0) {
        (void) kill(f->pid, SIGKILL);        /* a test that failed has left it */
        (void) waitpid(f->pid, NULL, 0);
    }
    stop_monitor(f);
    closep(&handed);
    handed = -1;
    sd_event_unref(f->event);
    assert_int_equal(fchdir(f->before), 0);
    assert_int_equal(close(f->before), 0);
    folder_remove(&f->folder);
    config_freep(&f->part);
    free(f);
    return 0;
}

/* ---- running it ---- */

/* options end with NULL. */
static pid_t start(const char *const *options)
{
    char *argv[8] = { (char *) "sssd_nss" };
    int argc = 1, fd, r;
    pid_t pid;

    while (options && *options)
        argv[argc++] = (char *) *options++;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void) signal(SIGSEGV, SIG_DFL); /* else cmocka would go on with the next test here, too */
        (void) signal(SIGABRT, SIG_DFL);
        fd = open("stderr", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
            _exit(99);
        if (handed >= 0)
            handed_over(handed, spec.name);
        r = responder_run(argc, argv, &spec);
        (void) fflush(NULL); /* what it has told is looked at */
        _exit(r);
    }
    return pid;
}

/* Its exit code while the monitor runs; RUNNING if it has not ended in time. */
static int end_of(struct fixture *f, pid_t pid, uint64_t patience_usec)
{
    const uint64_t end = now_usec() + patience_usec;
    int status;

    for (;;) {
        pid_t ended = waitpid(pid, &status, WNOHANG);

        assert_true(ended >= 0);
        if (ended == pid) {
            f->pid = f->pid == pid ? 0 : f->pid;
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        if (now_usec() >= end)
            return RUNNING;
        assert_true(sd_event_run(f->event, 10000) >= 0);
    }
}

static void wait_registered(struct fixture *f, int n)
{
    const uint64_t end = now_usec() + PATIENCE_USEC;

    while (f->n_registered < n && now_usec() < end)
        assert_int_equal(end_of(f, f->pid, 10000), RUNNING);
    assert_int_equal(f->n_registered, n);
}

static void start_registered(struct fixture *f, const char *const *options)
{
    f->pid = start(options);
    wait_registered(f, 1);
}

static int dial(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET_PATH };
    const struct timeval patience = { .tv_sec = PATIENCE_USEC / 1000000 };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    return fd;
}

static void ask(int fd, uint32_t command)
{
    const uint32_t request[4] = { 16, command, 0, 0 };

    assert_int_equal(send(fd, request, sizeof(request), MSG_NOSIGNAL), sizeof(request));
}

struct reply {
    uint32_t bytes, command, status, reserved;
    union {
        uint32_t number;
        char text[64];
    };
};

static struct reply get(int fd)
{
    struct reply reply = { 0 };

    assert_int_equal(recv(fd, &reply, 16, MSG_WAITALL), 16);
    assert_true(reply.bytes >= 16 && reply.bytes < sizeof(reply));
    if (reply.bytes > 16)
        assert_int_equal(recv(fd, reply.text, reply.bytes - 16, MSG_WAITALL), (ssize_t) reply.bytes - 16);
    return reply;
}

static struct reply answer(uint32_t command)
{
    int fd = dial();
    struct reply reply;

    ask(fd, command);
    reply = get(fd);
    assert_int_equal(close(fd), 0);
    return reply;
}

static void check_told(const char *words)
{
    struct folder here = { "." };
    CLEANUP(freep) char *told = folder_read(&here, "stderr");

    if (!strstr(told, words))
        fail_msg("\"%s\" is not in:\n%s", words, told);
}

/* ---- tests ---- */

static void it_registers_and_answers(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    write_config(f, "root");
    start_monitor(f);
    start_registered(f, NULL);
    assert_string_equal(f->name, "nss");
    assert_int_equal(f->version, BUS_VERSION);
    assert_int_equal(stat(SOCKET_PATH, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0666);
    assert_string_equal(answer(CMD_LOOPS).text, "NO");
    assert_int_equal(answer(CMD_LIMIT).number, 300);
    assert_int_equal(answer(CMD_USER).number, 0);
}

static void it_becomes_our_own_user_whatever_the_configuration_says(void **state)
{
    struct fixture *f = *state;

    write_config(f, "nobody");
    start_monitor(f);
    start_registered(f, NULL);
    assert_int_equal(answer(CMD_USER).number, 65534); /* SSS_USER of this test */
}

static void the_command_lines_user_comes_first(void **state)
{
    struct fixture *f = *state;

    write_config(f, "nobody");
    start_monitor(f);
    start_registered(f, (const char *const[]) { "--uid", "12", "--gid", "13", NULL });
    assert_int_equal(answer(CMD_USER).number, 12);
}

static void the_monitors_calls_are_served(void **state)
{
    struct fixture *f = *state;
    CLEANUP(freep) char *text = NULL;
    struct stat st;
    static const char *const calls[] = { "RotateLogs", "ClearMemcache" };

    write_config(f, "nobody");
    start_monitor(f);
    start_registered(f, (const char *const[]) { "--logger=files", NULL });
    assert_int_equal(stat("sssd_nss.log", &st), 0);
    assert_int_equal(st.st_uid, 0); /* it was opened before root was given up */
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(truncate("sssd_nss.log", 0), 0); /* as logrotate does, after it has copied it */
    for (size_t i = 0; i < 2; i++) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        if (sd_bus_call_method(f->bus, NULL, BUS_PATH, BUS_SERVICE, calls[i], &error, NULL, NULL) < 0)
            fail_msg("%s: %s", calls[i], error.message);
    }
    assert_int_equal(answer(CMD_CLEARED).number, 1);
    assert_int_equal(kill(f->pid, SIGTERM), 0);
    assert_int_equal(end_of(f, f->pid, PATIENCE_USEC), 0);
    text = folder_read(&f->folder, "sssd_nss.log");
    assert_non_null(strstr(text, "info: leaving on signal 15\n"));
    assert_null(strstr(text, "cannot open log file"));
    assert_null(strstr(text, "opened anew"));
}

static void sigterm_ends_it_and_who_waits_is_told_to_ask_again(void **state)
{
    static const int signals[] = { SIGTERM, SIGINT };
    struct fixture *f = *state;

    write_config(f, "root");
    start_monitor(f);
    for (size_t i = 0; i < 2; i++) {
        int fd;

        f->n_registered = 0;
        start_registered(f, NULL);
        fd = dial();
        ask(fd, CMD_WAIT);
        assert_int_equal(answer(CMD_USER).status, 0); /* so the other one has been read */
        assert_int_equal(kill(f->pid, signals[i]), 0);
        assert_int_equal(get(fd).status, EPIPE);
        assert_int_equal(end_of(f, f->pid, PATIENCE_USEC), 0);
        assert_int_equal(close(fd), 0);
    }
}

/* As root, too: permissions would keep the service's user away in any case. */
static void files_of_others_are_closed_to_it(void **state)
{
    struct fixture *f = *state;

    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
        skip();
    write_config(f, "root");
    start_monitor(f);
    start_registered(f, NULL);
    assert_int_equal(answer(CMD_OUTSIDE).number, EACCES);
}

static void sighup_does_not_end_it(void **state)
{
    struct fixture *f = *state;

    write_config(f, "root");
    start_monitor(f);
    start_registered(f, NULL);
    assert_int_equal(kill(f->pid, SIGHUP), 0);
    assert_int_equal(end_of(f, f->pid, 200000), RUNNING);
    assert_int_equal(answer(CMD_USER).status, 0);
}

static void it_leaves_when_the_monitor_has_gone(void **state)
{
    struct fixture *f = *state;

    write_config(f, "root");
    start_monitor(f);
    start_registered(f, NULL);
    assert_int_equal(end_of(f, f->pid, 200000), RUNNING);
    stop_monitor(f);
    assert_int_equal(end_of(f, f->pid, PATIENCE_USEC), 0);
    check_told("the monitor has gone");
}

static void it_leaves_when_the_monitor_has_another_configuration(void **state)
{
    struct fixture *f = *state;

    write_config(f, "nobody");
    assert_int_equal(rename(PART, "older"), 0);
    write_config(f, "root");
    assert_int_equal(rename("older", PART), 0);
    start_monitor(f);
    f->pid = start(NULL);
    assert_int_equal(end_of(f, f->pid, PATIENCE_USEC), 0);
    check_told("the configuration has changed");
}

static void it_leaves_when_the_monitor_refuses_it(void **state)
{
    struct fixture *f = *state;

    write_config(f, "root");
    f->refuses = true;
    start_monitor(f);
    f->pid = start(NULL);
    assert_int_equal(end_of(f, f->pid, PATIENCE_USEC), 1);
    check_told("the monitor refuses this service: there is one already");
}

static void a_second_one_does_not_harm_the_first(void **state)
{
    struct fixture *f = *state;

    write_config(f, "root");
    start_monitor(f);
    start_registered(f, NULL);
    assert_int_equal(end_of(f, start(NULL), PATIENCE_USEC), 1);
    check_told("nss: another process answers there");
    assert_int_equal(answer(CMD_USER).status, 0);
}

static void without_a_configuration_it_says_so(void **state)
{
    struct fixture *f = *state;

    start_monitor(f);
    assert_int_equal(end_of(f, start(NULL), PATIENCE_USEC), 1);
    check_told("config/nss is missing: the monitor makes it");
}

static void without_a_monitor_it_says_so(void **state)
{
    struct fixture *f = *state;

    write_config(f, "root");
    assert_int_equal(end_of(f, start(NULL), PATIENCE_USEC), 1);
    check_told("cannot connect to the monitor at");
}

static void a_command_line_that_is_not_understood_is_refused(void **state)
{
    static const struct {
        const char *option;
        int exit_code;
        const char *told;
    } rows[] = {
        { "--frobnicate", 2, "Usage: " },
        { "--uid=x", 2, "--uid=x: not a number" },
        { "--gid=-1", 2, "--gid=-1: not a number" },
        { "--logger=syslog", 2, "--logger=syslog: not files, journald or stderr" },
        { "--debug-level=0x100000", 2, "not a number up to" },
        { "word", 2, "unexpected argument \"word\"" },
        { "--help", 0, "Usage: " },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const options[] = { rows[i].option, NULL };

        if (end_of(*state, start(options), PATIENCE_USEC) != rows[i].exit_code)
            fail_msg("%s", rows[i].option);
        check_told(rows[i].told);
    }
}

static void sssds_command_lines_are_understood(void **state)
{
    struct fixture *f = *state;

    write_config(f, "root");
    start_monitor(f);
    start_registered(f, (const char *const[]) { "--uid", "0", "--gid", "0", "--debug-to-files", "--debug-level=0x0270",
                                                NULL });
    assert_int_equal(answer(CMD_USER).status, 0);
    assert_int_equal(access("sssd_nss.log", F_OK), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_registers_and_answers),
        TEST(it_becomes_our_own_user_whatever_the_configuration_says),
        TEST(the_command_lines_user_comes_first),
        TEST(the_monitors_calls_are_served),
        TEST(sigterm_ends_it_and_who_waits_is_told_to_ask_again),
        TEST(files_of_others_are_closed_to_it),
        TEST(sighup_does_not_end_it),
        TEST(it_leaves_when_the_monitor_has_gone),
        TEST(it_leaves_when_the_monitor_has_another_configuration),
        TEST(it_leaves_when_the_monitor_refuses_it),
        TEST(a_second_one_does_not_harm_the_first),
        TEST(without_a_configuration_it_says_so),
        TEST(without_a_monitor_it_says_so),
        TEST(a_command_line_that_is_not_understood_is_refused),
        TEST(sssds_command_lines_are_understood),
    };

    if (geteuid() != 0)
        return 77; /* automake's word for a test that does not apply: it has privileges to give up */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
