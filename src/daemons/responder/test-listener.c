/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "responder/connection.h"
#include "test/folder.h"
#include "test/loop.h"

#define CMD_PING 0x11

static int on_ping(struct request *request)
{
    packet_put_u32(request_out(request), 1);
    request_reply(request, 0);
    return 0;
}

static const struct command commands[] = { { CMD_PING, "ping", 0, on_ping } };
static const uint32_t versions[] = { 1, 0 };
static const struct listen_spec listens[] = { { "test", "s", 0666, 0 } };
static const struct responder_spec spec = {
    .name = "test",
    .listens = listens,
    .n_listens = 1,
    .versions = versions,
    .commands = commands,
    .n_commands = 1,
};

struct fixture {
    struct folder folder;
    struct responder responder;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    folder_begin(&f->folder);
    f->responder.spec = &spec;
    f->responder.client_idle_usec = 60000000;
    assert_true(sd_event_new(&f->responder.event) >= 0);
    assert_int_equal(clients_init(&f->responder, 2000), 0);
    listeners_init(&f->responder);
    assert_int_equal(listener_bind(folder_file(&f->folder, "s"), 0666, &f->responder.listen_fds[0]), 0);
    assert_true(listeners_start(&f->responder) >= 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    clients_done(&f->responder);
    listeners_done(&f->responder);
    sd_event_unref(f->responder.event);
    folder_remove(&f->folder);
    free(f);
    return 0;
}

static int dial(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    strcpy(address.sun_path, path);
    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0) {
        int r = -errno;

        (void) close(fd); /* never connected */
        return r;
    }
    return fd;
}

/* So many connections for us, be we root or not. */
static void limit_to(struct fixture *f, size_t n)
{
    f->responder.quota.total[QUOTA_CONNECTIONS] = geteuid() == 0 ? n : 2 * n;
}

static int dial_in(const struct fixture *f)
{
    int fd = dial(folder_file(&f->folder, "s"));

    assert_true(fd >= 0);
    return fd;
}

static bool is_answered(struct fixture *f, int fd)
{
    static const uint32_t ping[4] = { 16, CMD_PING, 0, 0 };
    uint8_t reply[64];

    if (send(fd, ping, sizeof(ping), MSG_NOSIGNAL) < 0)
        return false;
    loop_settle(f->responder.event);
    return recv(fd, reply, sizeof(reply), 0) == 20;
}

static bool is_closed(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);

    return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* ---- the socket ---- */

static void the_socket_has_its_mode_whatever_the_umask(void **state)
{
    static const mode_t modes[] = { 0666, 0600, 0660 };
    struct folder *folder = *state;
    mode_t mask = umask(0077);

    for (size_t i = 0; i < 3; i++) {
        struct stat st;
        int fd;

        assert_int_equal(listener_bind(folder_file(folder, "s"), modes[i], &fd), 0);
        assert_int_equal(stat(folder_file(folder, "s"), &st), 0);
        assert_true(S_ISSOCK(st.st_mode));
        assert_int_equal(st.st_mode & 07777, modes[i]);
        close(fd);
    }
    assert_int_equal(umask(mask), 0077);
}

static void a_leftover_is_replaced(void **state)
{
    struct folder *folder = *state;
    int fd, client;

    assert_int_equal(listener_bind(folder_file(folder, "s"), 0666, &fd), 0);
    close(fd);
    assert_int_equal(dial(folder_file(folder, "s")), -ECONNREFUSED);
    assert_int_equal(listener_bind(folder_file(folder, "s"), 0666, &fd), 0);
    client = dial(folder_file(folder, "s"));
    assert_true(client >= 0);
    close(client);
    close(fd);
}

static void one_that_answers_is_left_alone(void **state)
{
    struct folder *folder = *state;
    int fd, second = -1, client;

    assert_int_equal(listener_bind(folder_file(folder, "s"), 0666, &fd), 0);
    assert_int_equal(listener_bind(folder_file(folder, "s"), 0666, &second), -EADDRINUSE);
    assert_int_equal(second, -1);
    client = dial(folder_file(folder, "s"));
    assert_true(client >= 0);
    close(client);
    close(fd);
}

static void one_whose_queue_is_full_only_holds_the_path(void **state)
{
    struct folder *folder = *state;
    int held, waits, fd, client;

    assert_int_equal(listener_bind(folder_file(folder, "s"), 0666, &held), 0);
    assert_int_equal(listen(held, 0), 0);
    waits = dial(folder_file(folder, "s"));
    assert_int_equal(dial(folder_file(folder, "s")), -EAGAIN);
    assert_int_equal(listener_bind(folder_file(folder, "s"), 0666, &fd), 0);
    client = dial(folder_file(folder, "s"));
    assert_true(client >= 0);
    close(client);
    close(waits);
    close(held);
    close(fd);
}

static void what_is_no_socket_is_left_alone(void **state)
{
    CLEANUP(freep) char *text = NULL;
    struct folder *folder = *state;
    int fd = -1;

    folder_write(folder, "file", "precious\n");
    assert_int_equal(listener_bind(folder_file(folder, "file"), 0666, &fd), -EEXIST);
    text = folder_read(folder, "file");
    assert_string_equal(text, "precious\n");
    assert_int_equal(symlink("nowhere", folder_file(folder, "link")), 0);
    assert_int_equal(listener_bind(folder_file(folder, "link"), 0666, &fd), -EEXIST);
    assert_int_equal(fd, -1);
}

static void a_path_that_does_not_fit_or_has_no_folder_is_refused(void **state)
{
    struct folder *folder = *state;
    char name[120];
    int fd = -1;

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(listener_bind(folder_file(folder, name), 0666, &fd), -ENAMETOOLONG);
    assert_int_equal(listener_bind(folder_file(folder, "no/s"), 0666, &fd), -ENOENT);
    assert_int_equal(fd, -1);
}

/* ---- accepting ---- */

static void a_storm_of_clients_fits_into_the_queue(void **state)
{
    enum { N = 900 };
    struct fixture *f = *state;
    int fds[N];

    for (int i = 0; i < N; i++)
        fds[i] = dial_in(f); /* non-blocking: a full queue would refuse it */
    loop_settle(f->responder.event);
    assert_int_equal(f->responder.n_clients, N);
    for (int i = 0; i < N; i++) {
        assert_true(is_answered(f, fds[i]));
        close(fds[i]);
    }
    loop_settle(f->responder.event);
    assert_int_equal(f->responder.n_clients, 0);
}

static void clients_are_known_by_their_sockets_uid(void **state)
{
    struct fixture *f = *state;
    int fd = dial_in(f);

    loop_settle(f->responder.event);
    assert_int_equal(client_uid(responder_first_client(&f->responder)), geteuid());
    close(fd);
}

static void who_comes_after_the_stop_waits_in_the_queue(void **state)
{
    struct fixture *f = *state;
    int before = dial_in(f), after;

    loop_settle(f->responder.event);
    responder_stop_accepting(&f->responder);
    after = dial_in(f);
    assert_true(is_answered(f, before));
    assert_false(is_answered(f, after));
    assert_int_equal(f->responder.n_clients, 1);

    assert_true(listeners_start(&f->responder) >= 0); /* the next instance */
    loop_settle(f->responder.event);
    assert_int_equal(f->responder.n_clients, 2);
    close(before);
    close(after);
}

static void with_too_many_the_longest_idle_is_closed(void **state)
{
    struct fixture *f = *state;
    int fds[3], fourth;

    limit_to(f, 3);
    for (int i = 0; i < 3; i++) {
        fds[i] = dial_in(f);
        assert_true(is_answered(f, fds[i]));
    }
    assert_true(is_answered(f, fds[0])); /* so that the second is the oldest */
    fourth = dial_in(f);
    assert_true(is_answered(f, fourth));
    assert_true(is_closed(fds[1]));
    assert_true(is_answered(f, fds[0]));
    assert_true(is_answered(f, fds[2]));
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(fourth);
}

static void of_too_many_unserved_ones_the_oldest_is_closed_after_a_while(void **state)
{
    struct fixture *f = *state;
    int one = dial_in(f), two = dial_in(f), third;

    limit_to(f, 2);
    loop_settle(f->responder.event);
    if (geteuid() != 0) {
        third = dial_in(f);
        loop_settle(f->responder.event);
        assert_true(is_closed(third)); /* they have just come */
        close(third);
    }
    for (struct client *client = f->responder.clients; client; client = client->next)
        client->last_usec -= 1000000;
    third = dial_in(f);
    loop_settle(f->responder.event);
    assert_int_equal(f->responder.n_clients, 2);
    assert_true(is_closed(one));
    assert_true(is_answered(f, two));
    assert_true(is_answered(f, third));
    close(one);
    close(two);
    close(third);
}

static void without_descriptors_it_waits_and_does_not_spin(void **state)
{
    struct fixture *f = *state;
    struct rlimit limit, low;
    int first = dial_in(f), fd;
    uint64_t n = 0;

    loop_settle(f->responder.event);
    assert_true(is_answered(f, first));
    fd = dial_in(f);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 3; /* nothing new fits below */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (uint64_t end = now_usec() + 300000, now = now_usec(); now < end; now = now_usec(), n++)
        assert_true(sd_event_run(f->responder.event, end - now) >= 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(n < 20);
    assert_int_equal(f->responder.n_clients, 1);
    loop_run_for(f->responder.event, 500000);
    assert_int_equal(f->responder.n_clients, 2);
    assert_true(is_answered(f, fd));
    close(first);
    close(fd);
}

/* As another user, n connections that are kept until the returned descriptor is closed. */
static pid_t dial_as(struct fixture *f, uid_t uid, int n, int *ret_fd)
{
    int fds[2], ready[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[1]);
        if (setuid(uid) < 0)
            _exit(1);
        for (int i = 0; i < n; i++)
            (void) dial_in(f);
        if (write(ready[1], "x", 1) != 1)
            _exit(2);
        _exit(read(fds[0], &byte, 1) == 0 ? 0 : 3); /* when it is closed */
    }
    close(fds[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *ret_fd = fds[1];
    return pid;
}

static void hang_up(struct fixture *f, pid_t pid, int fd)
{
    int status;

    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    loop_settle(f->responder.event);
}

static void a_user_with_too_many_loses_its_own_and_nobody_else(void **state)
{
    struct fixture *f = *state;
    int fd, mine[5];
    pid_t pid;

    if (geteuid() != 0)
        skip();
    f->responder.quota.total[QUOTA_CONNECTIONS] = 12;
    for (int i = 0; i < 2; i++) {
        mine[i] = dial_in(f);
        assert_true(is_answered(f, mine[i]));
    }
    pid = dial_as(f, 65534, 9, &fd);
    loop_settle(f->responder.event);
    assert_int_equal(client_count_of(&f->responder, 65534), 5);
    for (int i = 2; i < 5; i++)
        mine[i] = dial_in(f);
    for (int i = 0; i < 5; i++)
        assert_true(is_answered(f, mine[i]));
    assert_int_equal(client_count_of(&f->responder, 65534), 5);
    hang_up(f, pid, fd);
    assert_int_equal(client_count_of(&f->responder, 65534), 0);
    for (int i = 0; i < 5; i++)
        close(mine[i]);
}

/* As somebody who leaves the answers to his greetings unread does it, with subordinate users. */
static void many_users_that_hold_connections_shut_out_nobody(void **state)
{
    enum { N = 30 };
    struct fixture *f = *state;
    int fds[N], other_fd, mine[3];
    pid_t pids[N], other;

    if (geteuid() != 0)
        skip();
    f->responder.quota.total[QUOTA_CONNECTIONS] = 40;
    for (int i = 0; i < N; i++) {
        pids[i] = dial_as(f, 3000 + (uid_t) i, 40, &fds[i]);
        loop_settle(f->responder.event);
        assert_true(client_count_of(&f->responder, 3000 + (uid_t) i) > 0);
    }
    assert_true(f->responder.n_clients <= 40);

    for (int i = 0; i < 3; i++) {
        mine[i] = dial_in(f);
        assert_true(is_answered(f, mine[i]));
    }
    other = dial_as(f, 65534, 1, &other_fd);
    loop_settle(f->responder.event);
    assert_int_equal(client_count_of(&f->responder, 65534), 1);
    for (int i = 0; i < 3; i++) {
        assert_true(is_answered(f, mine[i]));
        close(mine[i]);
    }
    hang_up(f, other, other_fd);
    for (int i = N; i-- > 0;) /* each has the descriptors of those before it */
        hang_up(f, pids[i], fds[i]);
}

/* ---- several of them ---- */

static int on_which(struct request *request)
{
    packet_put_u32(request_out(request), request_listener(request));
    request_reply(request, 0);
    return 0;
}

static unsigned which(struct fixture *f, const char *name)
{
    static const uint32_t ping[4] = { 16, CMD_PING, 0, 0 };
    int fd = dial(folder_file(&f->folder, name));
    uint32_t reply[5];

    assert_true(fd >= 0);
    assert_int_equal(send(fd, ping, sizeof(ping), MSG_NOSIGNAL), sizeof(ping));
    loop_settle(f->responder.event);
    assert_int_equal(recv(fd, reply, sizeof(reply), 0), sizeof(reply));
    close(fd);
    return reply[4];
}

static void requests_know_by_which_socket_they_came(void **state)
{
    static const struct command which_commands[] = { { CMD_PING, "which", 0, on_which } };
    static struct listen_spec two[] = { { "public", NULL, 0666, 7 }, { "private", NULL, 0600, 9 } };
    static const struct responder_spec own = {
        .name = "test", .listens = two, .n_listens = 2, .versions = versions, .commands = which_commands, .n_commands = 1,
    };
    struct fixture *f = *state;
    CLEANUP(freep) char *public_path = strdup(folder_file(&f->folder, "public"));
    CLEANUP(freep) char *private_path = strdup(folder_file(&f->folder, "private"));
    struct stat st;

    listeners_done(&f->responder);
    two[0].path = public_path;
    two[1].path = private_path;
    f->responder.spec = &own;
    listeners_init(&f->responder);
    assert_int_equal(set_unix_socket(&f->responder), 0);
    assert_int_equal(listeners_start(&f->responder), 0);
    assert_int_equal(stat(private_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(which(f, "public"), 7);
    assert_int_equal(which(f, "private"), 9);
    assert_int_equal(which(f, "public"), 7);

    responder_stop_accepting(&f->responder);
    loop_settle(f->responder.event);
    close(dial(public_path));
    close(dial(private_path));
    loop_settle(f->responder.event);
    assert_int_equal(f->responder.n_clients, 0);
}

#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(the_socket_has_its_mode_whatever_the_umask),
        FOLDER_TEST(a_leftover_is_replaced),
        FOLDER_TEST(one_that_answers_is_left_alone),
        FOLDER_TEST(one_whose_queue_is_full_only_holds_the_path),
        FOLDER_TEST(what_is_no_socket_is_left_alone),
        FOLDER_TEST(a_path_that_does_not_fit_or_has_no_folder_is_refused),
        TEST(a_storm_of_clients_fits_into_the_queue),
        TEST(clients_are_known_by_their_sockets_uid),
        TEST(who_comes_after_the_stop_waits_in_the_queue),
        TEST(with_too_many_the_longest_idle_is_closed),
        TEST(of_too_many_unserved_ones_the_oldest_is_closed_after_a_while),
        TEST(without_descriptors_it_waits_and_does_not_spin),
        TEST(a_user_with_too_many_loses_its_own_and_nobody_else),
        TEST(many_users_that_hold_connections_shut_out_nobody),
        TEST(requests_know_by_which_socket_they_came),
    };
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 4096) {
        limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
        (void) setrlimit(RLIMIT_NOFILE, &limit); /* the storm tells when that was too little */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
