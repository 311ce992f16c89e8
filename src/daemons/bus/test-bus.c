/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bus/bus.h"
#include "common/cleanup.h"
#include "common/clock.h"

#define SOMEBODY 65534

struct fixture {
    char folder[64];
    char path[96];
    sd_event *event;
    struct bus_server *server;
    sd_bus *accepted; /* the connection the listening side took last */
    struct bus_peer peer;
    unsigned n_accepted, n_calls, n_closed;
    bool refuses;
    int answered;
};

static int on_twice(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct fixture *f = userdata;
    uint32_t number;

    (void) error;
    f->n_calls++;
    if (sd_bus_message_read(message, "u", &number) < 0)
        return -EBADMSG;
    return sd_bus_reply_method_return(message, "u", 2 * number);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Twice", "u", "u", on_twice, 0),
    SD_BUS_VTABLE_END,
};

static int on_closed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct fixture *f = userdata;

    (void) message;
    (void) error;
    f->n_closed++;
    return 0;
}

static int on_connection(sd_bus *bus, const struct bus_peer *peer, void *userdata)
{
    struct fixture *f = userdata;

    if (f->refuses)
        return -EBUSY;
    f->n_accepted++;
    f->peer = *peer;
    sd_bus_unref(f->accepted);
    f->accepted = sd_bus_ref(bus);
    assert_return_code(sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_MONITOR, vtable, f), 0);
    return bus_watch_close(bus, on_closed, f);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    strcpy(f->folder, "/tmp/test-bus-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void) snprintf(f->path, sizeof(f->path), "%s/sbus", f->folder);
    assert_return_code(sd_event_new(&f->event), 0);
    assert_return_code(bus_listen(f->event, f->path, BUS_OURS_ALONE, on_connection, f, &f->server), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    bus_server_free(f->server);
    sd_bus_unref(f->accepted);
    sd_event_unref(f->event);
    (void) unlink(f->path);
    assert_return_code(rmdir(f->folder), errno);
    free(f);
    return 0;
}

/* Runs the loop until something is so, or fails after ten seconds. */
#define RUN_UNTIL(f, condition)                                       \
    do {                                                              \
        for (int turns_ = 0; !(condition); turns_++) {                \
            assert_true(turns_ < 1000);                               \
            assert_return_code(sd_event_run((f)->event, 10000), 0);   \
        }                                                             \
    } while (0)

static void run_for(struct fixture *f, int turns)
{
    while (turns-- > 0)
        assert_return_code(sd_event_run(f->event, 10000), 0);
}

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct fixture *f = userdata;
    uint32_t number = 0;

    (void) error;
    if (sd_bus_message_is_method_error(message, NULL))
        f->answered = -sd_bus_message_get_errno(message);
    else if (sd_bus_message_read(message, "u", &number) >= 0)
        f->answered = (int) number;
    return 0;
}

static void ask(struct fixture *f, sd_bus *bus, uint32_t number)
{
    f->answered = 0;
    assert_return_code(sd_bus_call_method_async(bus, NULL, NULL, BUS_PATH, BUS_MONITOR, "Twice", on_answer, f, "u", number), 0);
}

static void a_call_is_answered_and_its_sender_is_known(void **state)
{
    struct fixture *f = *state;
    sd_bus *bus = NULL;

    assert_return_code(bus_connect(f->event, f->path, getuid(), &bus), 0);
    ask(f, bus, 21); /* before it is connected: it waits for that */
    RUN_UNTIL(f, f->answered);
    assert_int_equal(f->answered, 42);
    assert_int_equal(f->peer.pid, getpid());
    assert_int_equal(f->peer.uid, getuid());
    sd_bus_flush_close_unref(bus);
    RUN_UNTIL(f, f->n_closed);
}

static void without_descriptors_it_pauses(void **state)
{
    struct fixture *f = *state;
    struct rlimit few, before;
    sd_bus *bus = NULL;
    uint64_t end_usec;
    unsigned rounds = 0;

    assert_return_code(bus_connect(f->event, f->path, getuid(), &bus), 0);
    assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
    few = before;
    few.rlim_cur = 3;
    assert_return_code(setrlimit(RLIMIT_NOFILE, &few), errno);
    for (end_usec = now_usec() + 350000; now_usec() < end_usec; rounds++)
        assert_true(sd_event_run(f->event, 10000) >= 0);
    assert_int_equal(f->n_accepted, 0);
    assert_true(rounds < 100);
    assert_return_code(setrlimit(RLIMIT_NOFILE, &before), errno);
    RUN_UNTIL(f, f->accepted);
    sd_bus_flush_close_unref(bus);
}

static void the_listening_side_can_call_too(void **state)
{
    struct fixture *f = *state;
    sd_bus *bus = NULL;

    assert_return_code(bus_connect(f->event, f->path, getuid(), &bus), 0);
    assert_return_code(sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_MONITOR, vtable, f), 0);
    RUN_UNTIL(f, f->accepted);
    ask(f, f->accepted, 4);
    RUN_UNTIL(f, f->answered);
    assert_int_equal(f->answered, 8);
    sd_bus_flush_close_unref(bus);
}

static void the_connecting_side_learns_of_a_close(void **state)
{
    struct fixture *f = *state;
    sd_bus *bus = NULL;

    f->refuses = true;
    assert_return_code(bus_connect(f->event, f->path, getuid(), &bus), 0);
    assert_return_code(bus_watch_close(bus, on_closed, f), 0);
    ask(f, bus, 1);
    RUN_UNTIL(f, f->n_closed);
    assert_int_equal(f->n_closed, 1);
    assert_true(f->answered < 0); /* a call that nobody answers any more ends too */
    assert_int_equal(f->n_accepted, 0);
    sd_bus_unref(bus);
}

static void a_leftover_socket_is_replaced_and_nobody_is_there_is_told(void **state)
{
    struct fixture *f = *state;
    sd_bus *bus = NULL;
    char absent[128];

    (void) snprintf(absent, sizeof(absent), "%s/absent", f->folder);
    assert_int_equal(bus_connect(f->event, absent, getuid(), &bus), -ENOENT);
    f->server = bus_server_free(f->server);
    assert_int_equal(bus_connect(f->event, f->path, getuid(), &bus), -ECONNREFUSED);
    assert_return_code(bus_listen(f->event, f->path, BUS_OURS_ALONE, on_connection, f, &f->server), 0);
    assert_return_code(bus_connect(f->event, f->path, getuid(), &bus), 0);
    sd_bus_unref(bus);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    struct bus_server *server = NULL;
    sd_bus *bus = NULL;
    char path[sizeof(((struct sockaddr_un *) NULL)->sun_path) + 1];

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(bus_connect(f->event, path, getuid(), &bus), -ENAMETOOLONG);
    assert_int_equal(bus_listen(f->event, path, BUS_OURS_ALONE, on_connection, f, &server), -ENAMETOOLONG);
}

static int plain_connection(const struct fixture *f)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void) snprintf(name.sun_path, sizeof(name.sun_path), "%s", f->path);
    assert_return_code(fd, errno);
    assert_return_code(connect(fd, (struct sockaddr *) &name, sizeof(name)), errno);
    return fd;
}

/* Of those who connect and never say a word, only so many are kept. */
static void the_silent_do_not_keep_others_out(void **state)
{
    struct fixture *f = *state;
    sd_bus *bus = NULL;
    int fds[100];

    for (size_t i = 0; i < 100; i++) {
        fds[i] = plain_connection(f);
        run_for(f, 1);
    }
    assert_return_code(bus_connect(f->event, f->path, getuid(), &bus), 0);
    ask(f, bus, 5);
    RUN_UNTIL(f, f->answered);
    assert_int_equal(f->answered, 10);
    assert_int_equal(f->n_accepted, 1);

    /* The first ones were closed, the last ones were not. */
    assert_int_equal(recv(fds[0], &(char) { 0 }, 1, MSG_DONTWAIT), 0);
    assert_int_equal(recv(fds[99], &(char) { 0 }, 1, MSG_DONTWAIT), -1);
    for (size_t i = 0; i < 100; i++)
        (void) close(fds[i]);
    sd_bus_unref(bus);
}

static void noise_costs_only_its_sender(void **state)
{
    struct fixture *f = *state;
    sd_bus *bus = NULL;
    int fd = plain_connection(f);
    char byte;

    assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
    assert_return_code(bus_connect(f->event, f->path, getuid(), &bus), 0);
    ask(f, bus, 5);
    RUN_UNTIL(f, f->answered);
    assert_int_equal(f->answered, 10);
    RUN_UNTIL(f, recv(fd, &byte, 1, MSG_DONTWAIT) == 0);
    assert_int_equal(f->n_accepted, 1);
    (void) close(fd);
    sd_bus_unref(bus);
}

static pid_t connect_as(const struct fixture *f, uid_t uid)
{
    pid_t pid = fork();

    assert_return_code(pid, errno);
    if (pid == 0) {
        sd_event *event = NULL;
        sd_bus *bus = NULL;
        int r = 0;

        if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 || sd_event_new(&event) < 0 ||
            bus_connect(event, f->path, 0, &bus) < 0)
            _exit(1);
        while (r >= 0 && sd_bus_is_open(bus) > 0 && sd_bus_is_ready(bus) <= 0)
            r = sd_event_run(event, UINT64_MAX);
        _exit(r < 0 || sd_bus_is_open(bus) <= 0 ? 2 : 0);
    }
    return pid;
}

static int end_of(struct fixture *f, pid_t pid)
{
    int status;

    for (int turns = 0; waitpid(pid, &status, WNOHANG) == 0; turns++) {
        assert_true(turns < 1000);
        assert_return_code(sd_event_run(f->event, 10000), 0);
    }
    return WEXITSTATUS(status);
}

static void only_root_and_who_was_named_may_connect(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    if (getuid() != 0)
        skip();
    assert_return_code(chmod(f->folder, 0755), errno);
    bus_server_free(f->server);
    assert_return_code(bus_listen(f->event, f->path, ((struct bus_access) { SOMEBODY, { SOMEBODY, SOMEBODY + 1 } }), on_connection, f, &f->server), 0);
    assert_return_code(stat(f->path, &st), errno);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(st.st_gid, SOMEBODY);
    assert_int_equal(st.st_mode & 07777, 0660);

    assert_int_equal(end_of(f, connect_as(f, SOMEBODY)), 0);
    RUN_UNTIL(f, f->n_accepted == 1);
    assert_int_equal(f->peer.uid, SOMEBODY);
    assert_int_equal(end_of(f, connect_as(f, 0)), 0);
    RUN_UNTIL(f, f->n_accepted == 2);

    assert_int_equal(end_of(f, connect_as(f, SOMEBODY - 1)), 1); /* the mode keeps it out */
    assert_return_code(chmod(f->path, 0666), errno);
    assert_int_not_equal(end_of(f, connect_as(f, SOMEBODY - 1)), 0); /* and if it did not */
    assert_int_equal(f->n_accepted, 2);
    assert_int_equal(end_of(f, connect_as(f, SOMEBODY + 1)), 0); /* the other one that was named */
    RUN_UNTIL(f, f->n_accepted == 3);
}

static void a_listener_of_somebody_else_is_not_trusted(void **state)
{
    struct fixture *f = *state;
    sd_bus *bus = NULL;
    int ready[2];
    char byte;
    pid_t pid;

    if (getuid() != 0)
        skip();
    assert_return_code(chown(f->folder, SOMEBODY, SOMEBODY), errno);
    f->server = bus_server_free(f->server);
    assert_return_code(pipe(ready), errno);
    pid = fork();
    assert_return_code(pid, errno);
    if (pid == 0) {
        sd_event *event = NULL; /* an event loop does not survive a fork */

        if (setresuid(SOMEBODY, SOMEBODY, SOMEBODY) < 0 || sd_event_new(&event) < 0 ||
            bus_listen(event, f->path, BUS_OURS_ALONE, on_connection, f, &f->server) < 0 ||
            write(ready[1], "x", 1) != 1)
            _exit(1);
        (void) close(ready[0]);
        (void) pause();
        _exit(0);
    }
    (void) close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(bus_connect(f->event, f->path, SOMEBODY - 1, &bus), -EPERM);
    assert_return_code(bus_connect(f->event, f->path, SOMEBODY, &bus), 0);
    sd_bus_unref(bus);
    (void) close(ready[0]);
    assert_return_code(kill(pid, SIGKILL), errno);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered_and_its_sender_is_known),
        TEST(without_descriptors_it_pauses),
        TEST(the_listening_side_can_call_too),
        TEST(the_connecting_side_learns_of_a_close),
        TEST(a_leftover_socket_is_replaced_and_nobody_is_there_is_told),
        TEST(a_path_that_is_too_long_is_refused),
        TEST(the_silent_do_not_keep_others_out),
        TEST(noise_costs_only_its_sender),
        TEST(only_root_and_who_was_named_may_connect),
        TEST(a_listener_of_somebody_else_is_not_trusted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
