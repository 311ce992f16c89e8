/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the relay with real sockets: a listener whose path another one takes. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "relay/listeners.h"
#include "relay/relay.h"
#include "test/fixture.h"

static const struct relay_limits patient = {
    .path_msec = 50000,
    .connect_msec = 50000,
    .last_msec = 50,
    .pairs = 8,
    .pair = { .answer_msec = 50000, .idle_msec = 50000 },
};

static int listener;
static pid_t relay;

static int relay_enter(void **state)
{
    relay = 0;
    if (folder_enter(state) < 0)
        return -1;
    listener = listener_at(at("nss"));
    return 0;
}

static int relay_leave(void **state)
{
    if (relay > 0) {
        (void) kill(-relay, SIGKILL); /* the test failed */
        (void) exit_status_of(relay);
    }
    if (listener >= 0)
        (void) close(listener);
    return folder_leave(state);
}

#define WITH_LISTENER(test) cmocka_unit_test_setup_teardown(test, relay_enter, relay_leave)

/* The relay becomes the only one who holds the listener, as it is when systemd has closed its socket. */
static void start_relay(const struct relay_limits *limits)
{
    relay = fork();
    assert_true(relay >= 0);
    if (relay == 0) {
        (void) setpgid(0, 0); /* the same process is asked below */
        if (dup2(open("said", O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO) < 0)
            _exit(255);
        _exit(-relay_run(listener, limits));
    }
    (void) setpgid(relay, relay);
    (void) close(listener);
    listener = -1;
}

static void end_relay(int status)
{
    pid_t pid = relay;

    relay = 0;
    assert_int_equal(exit_status_of(pid), status);
}

static int take_path(void)
{
    assert_int_equal(unlink("nss"), 0);
    return listener_at(at("nss"));
}

static int accept_soon(int engine)
{
    struct pollfd polled = { .fd = engine, .events = POLLIN };

    assert_int_equal(poll(&polled, 1, 20000), 1);
    return accept4(engine, NULL, NULL, SOCK_CLOEXEC);
}

static void serve(int engine, const char *text)
{
    int client = accept_soon(engine);

    assert_true(client >= 0);
    assert_int_equal(write(client, text, strlen(text)), strlen(text));
    (void) close(client); /* all was said */
}

static void who_waits_and_who_comes_meanwhile_are_served_by_the_new_one(void **state)
{
    int before = client_of(at("nss")), meanwhile, engine;

    (void) state;
    start_relay(&patient);
    meanwhile = client_of(at("nss"));
    (void) poll(NULL, 0, 100);
    engine = take_path();
    for (int i = 0; i < 2; i++)
        serve(engine, "served");
    assert_true(is_served(before, "served"));
    assert_true(is_served(meanwhile, "served"));
    end_relay(0);
    assert_int_equal(accept_now(engine), -1);
    (void) close(engine);
}

static void nobody_to_relay_is_a_good_end(void **state)
{
    int engine;

    (void) state;
    start_relay(&patient);
    engine = take_path();
    end_relay(0);
    assert_string_equal(read_text("said"), "");
    (void) close(engine);
}

static void a_path_that_was_taken_before_is_seen(void **state)
{
    int client = client_of(at("nss")), engine = take_path();

    (void) state;
    start_relay(&patient);
    serve(engine, "served");
    assert_true(is_served(client, "served"));
    end_relay(0);
    (void) close(engine);
}

static void only_another_listener_on_the_same_path_takes_it(void **state)
{
    char *path = at("nss");
    int beside = listener_at(at("nss2")), inside = listener_at(at("nss 2")), other;

    (void) state;
    assert_int_equal(listeners_has_other(listener, path), 0);
    assert_int_equal(listeners_has_other(listener, at("nss2")), 1);
    assert_int_equal(listeners_has_other(inside, at("nss 2")), 0);

    /* Bound and not listening yet: a client would be refused there. */
    assert_int_equal(unlink("nss"), 0);
    other = socket_at(path, SOCK_STREAM, false);
    assert_int_equal(listeners_has_other(listener, path), 0);
    assert_int_equal(listen(other, 4), 0);
    assert_int_equal(listeners_has_other(listener, path), 1);
    (void) close(other);
    assert_int_equal(listeners_has_other(listener, path), 0);
    (void) close(beside);
    (void) close(inside);
}

static void a_path_that_nobody_takes_refuses_in_the_end(void **state)
{
    struct relay_limits limits = patient;
    int client = client_of(at("nss"));

    (void) state;
    limits.path_msec = 200;
    start_relay(&limits);
    assert_true(is_refused(client));
    end_relay(ETIMEDOUT);
}

static void an_engine_that_is_gone_again_refuses_in_the_end(void **state)
{
    struct relay_limits limits = patient;
    int client = client_of(at("nss")), engine = take_path();

    (void) state;
    limits.connect_msec = 300;
    assert_int_equal(chmod("nss", 0), 0);
    /* It stays in the list of listeners, full: nobody accepts, and its queue takes one. */
    assert_int_equal(listen(engine, 0), 0);
    assert_int_equal(chmod("nss", 0777), 0);
    (void) client_of(at("nss"));
    start_relay(&limits);
    assert_true(is_refused(client));
    end_relay(0);
    assert_non_null(strstr(read_text("said"), "cannot connect a client: "));
    (void) close(engine);
}

static void a_full_engine_is_waited_for(void **state)
{
    int client = client_of(at("nss")), engine = take_path(), first;

    (void) state;
    assert_int_equal(listen(engine, 0), 0);
    first = client_of(at("nss"));
    start_relay(&patient);
    (void) poll(NULL, 0, 200);
    serve(engine, "first");
    serve(engine, "served");
    assert_true(is_served(first, "first"));
    assert_true(is_served(client, "served"));
    end_relay(0);
    (void) close(engine);
}

static void who_has_left_the_queue_holds_nobody_up(void **state)
{
    int engine;

    (void) state;
    (void) close(client_of(at("nss")));
    start_relay(&patient);
    engine = take_path();
    (void) close(accept_soon(engine));
    end_relay(0);
    (void) close(engine);
}

/* More than there may be pairs: the others wait in the queue and none is lost. */
static void a_crowd_is_served_a_few_at_a_time(void **state)
{
    enum { CROWD = 3000, AT_A_TIME = 8 };
    pid_t crowd;
    int engine, served[AT_A_TIME], n = 0;

    (void) state;
    assert_int_equal(listen(listener, 4096), 0);
    (void) alarm(0);
    (void) alarm(300); /* sanitizers on a loaded machine */
    crowd = fork();
    assert_true(crowd >= 0);
    if (crowd == 0) {
        static int clients[CROWD];

        for (int i = 0; i < CROWD; i++)
            clients[i] = client_of(at("nss"));
        write_text("came", "");
        for (int i = 0; i < CROWD; i++)
            if (!is_served(clients[i], "served"))
                _exit(1);
        _exit(0);
    }
    wait_for_file("came");

    start_relay(&patient);
    engine = take_path();
    assert_int_equal(listen(engine, 4096), 0);
    /* As many as may be at a time come, and no more while none has ended. */
    while (n < AT_A_TIME)
        served[n++] = accept_soon(engine);
    (void) poll(NULL, 0, 200);
    assert_int_equal(accept_now(engine), -1);
    for (int i = 0; i < AT_A_TIME; i++) {
        assert_int_equal(write(served[i], "served", 6), 6);
        (void) close(served[i]);
    }
    for (; n < CROWD; n++)
        serve(engine, "served");
    assert_int_equal(exit_status_of(crowd), 0);
    end_relay(0);
    (void) close(engine);
}

/* How a client comes, and whom the engine has to see. */
struct who {
    uid_t uid;
    gid_t gid;
    gid_t groups[4];
    int n_groups;
};

static int come_as(void *userdata)
{
    const struct who *who = userdata;
    int client;

    if (setgroups((size_t) who->n_groups, who->groups) < 0 || setresgid(who->gid, who->gid, who->gid) < 0 ||
        setresuid(who->uid, who->uid, who->uid) < 0)
        return 2;
    client = client_of(at("nss"));
    return is_served(client, "served") ? 0 : 1;
}

static void an_engine_sees_the_clients_identity(void **state)
{
    static const struct who rows[] = {
        { .uid = 0, .gid = 0 },
        { .uid = 1000, .gid = 1000 },
        { .uid = 1000, .gid = 100, .groups = { 4, 27, 100 }, .n_groups = 3 },
        { .uid = 65534, .gid = 65534, .groups = { 65534 }, .n_groups = 1 },
        { .uid = 3000000000U, .gid = 3000000001U, .groups = { 3000000002U }, .n_groups = 1 },
        { .uid = 1000, .gid = 0 },
        { .uid = 0, .gid = 1000, .groups = { 5 }, .n_groups = 1 },
        { .uid = 1000, .gid = 1000, .groups = { 0 }, .n_groups = 1 },
    };

    (void) state;
    if (geteuid() != 0)
        skip(); /* nobody else can be several */
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct who who = rows[i];
        struct ucred seen;
        socklen_t bytes = sizeof(seen);
        gid_t groups[8];
        pid_t pid;
        int engine, client;

        print_message("  uid %u, gid %u, %d groups\n", who.uid, who.gid, who.n_groups);
        (void) unlink("nss"); /* of the row before */
        if (listener >= 0)
            (void) close(listener);
        listener = listener_at(at("nss"));
        assert_int_equal(chmod("nss", 0666), 0);
        (void) fflush(NULL);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(come_as(&who));

        struct pollfd polled = { .fd = listener, .events = POLLIN };
        assert_int_equal(poll(&polled, 1, 20000), 1);
        start_relay(&patient);
        engine = take_path();
        assert_int_equal(chmod("nss", 0666), 0);

        client = accept_soon(engine);
        assert_true(client >= 0);
        assert_int_equal(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &seen, &bytes), 0);
        assert_int_equal(seen.uid, who.uid);
        assert_int_equal(seen.gid, who.gid);
        bytes = sizeof(groups);
        assert_int_equal(getsockopt(client, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes), 0);
        assert_int_equal(bytes / sizeof(gid_t), who.n_groups);
        assert_memory_equal(groups, who.groups, bytes);

        /* And has its powers no more. */
        char path[64], status[4096];
        (void) snprintf(path, sizeof(path), "/proc/%d/status", (int) seen.pid);
        (void) snprintf(status, sizeof(status), "%s", read_text(path));
        if (who.uid != 0)
            assert_non_null(strstr(status, "CapEff:\t0000000000000000\nCapBnd"));
        if (who.uid != 0)
            assert_non_null(strstr(status, "CapPrm:\t0000000000000000\n"));

        assert_int_equal(write(client, "served", 6), 6);
        (void) close(client);
        assert_int_equal(exit_status_of(pid), 0);
        end_relay(0);
        (void) close(engine);
    }
}

static void a_client_may_not_go_where_it_could_not_go_itself(void **state)
{
    struct relay_limits limits = patient;
    struct who who = { .uid = 1000, .gid = 1000 };
    pid_t pid;
    int engine;

    (void) state;
    if (geteuid() != 0)
        skip();
    limits.connect_msec = 200;
    assert_int_equal(chmod("nss", 0666), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(come_as(&who));
    struct pollfd polled = { .fd = listener, .events = POLLIN };
    assert_int_equal(poll(&polled, 1, 20000), 1);

    start_relay(&limits);
    engine = take_path();
    assert_int_equal(chmod("nss", 0600), 0);
    assert_int_equal(exit_status_of(pid), 1);
    assert_int_equal(accept_now(engine), -1);
    end_relay(0);
    (void) close(engine);
}

static void what_is_no_path_is_refused(void **state)
{
    int ends[2];

    (void) state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    (void) close(ends[1]);
    assert_int_equal(relay_run(ends[0], &patient), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LISTENER(who_waits_and_who_comes_meanwhile_are_served_by_the_new_one),
        WITH_LISTENER(nobody_to_relay_is_a_good_end),
        WITH_LISTENER(a_path_that_was_taken_before_is_seen),
        WITH_LISTENER(only_another_listener_on_the_same_path_takes_it),
        WITH_LISTENER(a_path_that_nobody_takes_refuses_in_the_end),
        WITH_LISTENER(an_engine_that_is_gone_again_refuses_in_the_end),
        WITH_LISTENER(a_full_engine_is_waited_for),
        WITH_LISTENER(who_has_left_the_queue_holds_nobody_up),
        WITH_LISTENER(a_crowd_is_served_a_few_at_a_time),
        WITH_LISTENER(an_engine_sees_the_clients_identity),
        WITH_LISTENER(a_client_may_not_go_where_it_could_not_go_itself),
        WITH_LISTENER(what_is_no_path_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
