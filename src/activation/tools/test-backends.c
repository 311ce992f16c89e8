/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of backends.c, against servers that speak D-Bus as the engine does, or don't. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "lib/services.h"
#include "lib/state.h"
#include "test/own-engine.h"
#include "tools/backends.h"

#define STRANGER 65534
#define PATIENCE_MSEC 1000

/* What a back end does when it is asked; the rest of the engine's bus is the same in all. */
enum answer {
    ONLINE,
    OFFLINE,
    ERROR,
    NOTHING_IN_IT,
    A_TEXT,
    NEVER,
    UNKNOWN_NAME,
    NO_HELLO,
};

struct server {
    const char *path;
    enum answer answer;
    bool greeted;
};

static pid_t servers[4];
static size_t n_servers;

static void note(const char *text)
{
    FILE *file = fopen("asked", "ae");

    if (!file || fprintf(file, "%s\n", text) < 0 || fclose(file) != 0)
        _exit(1);
}

static int on_online(struct server *server, sd_bus_message *message)
{
    CLEANUP(freep) char *call = NULL;
    const char *domain = "";

    if (sd_bus_message_read(message, "s", &domain) < 0 ||
        asprintf(&call, "%s %s %s %s %s", server->path, sd_bus_message_get_destination(message),
                 sd_bus_message_get_path(message), sd_bus_message_get_interface(message), domain) < 0)
        _exit(1);
    note(call);

    switch (server->answer) {
    case ONLINE:
    case OFFLINE:
        return sd_bus_reply_method_return(message, "b", server->answer == ONLINE);
    case ERROR:
        return sd_bus_reply_method_errorf(message, "sbus.Error.Errno", "1432158245: Domain not found");
    case NOTHING_IN_IT:
        return sd_bus_reply_method_return(message, "");
    case A_TEXT:
        return sd_bus_reply_method_return(message, "s", "true");
    case UNKNOWN_NAME:
        return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_SERVICE_UNKNOWN, "no such name");
    default:
        return 1;
    }
}

static int on_refresh(struct server *server, sd_bus_message *message)
{
    const char *kind, *name;
    char call[128];
    uint32_t id;

    if (sd_bus_message_read(message, "ssu", &kind, &name, &id) < 0)
        _exit(1);
    (void) snprintf(call, sizeof(call), "%s refresh %s \"%s\" %u", server->path, kind, name, id); /* fits */
    note(call);
    return sd_bus_reply_method_return(message, "b", server->answer == ONLINE);
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct server *server = userdata;

    (void) error;
    if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus", "Hello")) {
        /* As the engine does: before the answer. */
        if (sd_bus_emit_signal(sd_bus_message_get_bus(message), "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "NameOwnerChanged", "sss", ":1.5", "", ":1.5") < 0)
            _exit(1);
        server->greeted = true;
        if (server->answer == NO_HELLO)
            return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_ACCESS_DENIED, "no");
        return sd_bus_reply_method_return(message, "s", ":1.5");
    }
    if (!server->greeted)
        return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_ACCESS_DENIED, "Connection did not call Hello");
    if (sd_bus_message_is_method_call(message, "sssd.dataprovider", "Refresh"))
        return on_refresh(server, message);
    if (sd_bus_message_is_method_call(message, "sssd.DataProvider.Backend", "IsOnline"))
        return on_online(server, message);
    return 0;
}

static void serve_one(struct server *server, int fd)
{
    sd_bus *bus = NULL;
    sd_id128_t id;
    int r;

    server->greeted = false;
    if (sd_id128_randomize(&id) < 0 || sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
        sd_bus_set_server(bus, 1, id) < 0 || sd_bus_add_filter(bus, NULL, on_message, server) < 0 ||
        sd_bus_start(bus) < 0)
        _exit(1);
    do {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
    } while (r >= 0);
    (void) sd_bus_close_unref(bus); /* NULL, as ever */
}

/* What comes up instead of D-Bus. */
static void serve_bytes(int fd, const char *bytes)
{
    char line[256];

    if (!bytes)
        return; /* end of file at once */
    if (bytes[0] && send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) < 0)
        return;
    while (recv(fd, line, sizeof(line), 0) > 0)
        ;
}

struct plan {
    const char *path;
    enum answer answer;
    bool speaks_bytes;
    const char *bytes;
    uid_t uid; /* who listens */
};

static void serve(const struct plan *plan, int listener)
{
    struct server server = { .path = plan->path, .answer = plan->answer };

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
    if ((plan->uid && setresuid(plan->uid, plan->uid, plan->uid) < 0) || listen(listener, 8) < 0)
        _exit(1);
    write_text("ready", "");

    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
            _exit(1);
        if (plan->speaks_bytes) {
            serve_bytes(fd, plan->bytes);
            (void) close(fd);
        } else {
            serve_one(&server, fd);
        }
    }
}

static int socket_bound_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) < (int) sizeof(address.sun_path));
    assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
    return fd;
}

static void start(const struct plan *plan)
{
    int listener = socket_bound_to(plan->path);
    pid_t pid;

    assert_int_equal(chmod(".", 0777), 0); /* so that a stranger can say that it is ready */
    assert_true(n_servers < N_OF(servers));
    (void) fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        serve(plan, listener);
    servers[n_servers++] = pid;
    (void) close(listener);
    wait_for_file("ready");
    (void) unlink("ready"); /* for the next one */
}

static void stop_servers(void)
{
    while (n_servers > 0) {
        (void) kill(servers[--n_servers], SIGKILL);
        (void) exit_status_of(servers[n_servers]);
    }
}

static int enter(void **state)
{
    return folder_enter(state) < 0 || mkdir("private", 0750) < 0 ? -1 : 0;
}

static int leave(void **state)
{
    stop_servers();
    return folder_leave(state);
}

#define BESIDE_BACKENDS(test) cmocka_unit_test_setup_teardown(test, enter, leave)

static char why[256];

static int ask(char *first, char *second)
{
    char *names[] = { first, second };
    struct domains domains = { .names = names, .n = second ? 2 : 1 };

    why[0] = '\0';
    return backends_online(&domains, why, sizeof(why));
}

static void no_domain_is_no_reason_to_stay(void **state)
{
    struct domains none = { .names = NULL };

    (void) state;
    assert_int_equal(backends_online(&none, why, sizeof(why)), 1);
}

static void a_back_end_says_whether_it_is_online(void **state)
{
    static const struct {
        const char *label;
        enum answer answer;
        int online;
        const char *why;
    } rows[] = {
        { "online", ONLINE, 1, "" },
        { "offline", OFFLINE, 0, "domain d is offline" },
        { "an error", ERROR, 0, "the back end of domain d cannot be asked whether it is online: " },
        { "an answer with nothing in it", NOTHING_IN_IT, 0, "the back end of domain d cannot be asked" },
        { "a text", A_TEXT, 0, "the back end of domain d cannot be asked" },
        { "no such name on the bus", UNKNOWN_NAME, 0, "domain d has no back end that runs" },
        { "refuses us", NO_HELLO, 0, "the back end of domain d cannot be asked whether it is online: Permission" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct plan plan = { .path = "private/sbus-dp_d", .answer = rows[i].answer };

        print_message("  %s\n", rows[i].label);
        start(&plan);
        assert_int_equal(ask("d", NULL), rows[i].online);
        if (strncmp(why, rows[i].why, strlen(rows[i].why)) != 0 || (why[0] == '\0') != (rows[i].why[0] == '\0'))
            fail_msg("it says: %s", why);
        stop_servers();
        assert_int_equal(unlink("private/sbus-dp_d"), 0);
    }
}

static void it_is_asked_as_infopipe_asks(void **state)
{
    struct plan plan = { .path = "private/sbus-dp_My-Dom_1.test", .answer = ONLINE };

    (void) state;
    start(&plan);
    assert_int_equal(ask("My-Dom_1.test", NULL), 1);
    assert_string_equal(read_text("asked"), "private/sbus-dp_My-Dom_1.test sssd.domain_My_2dDom_5f1_2etest /sssd "
                                            "sssd.DataProvider.Backend My-Dom_1.test\n");
}

static void one_bus_serves_all_back_ends_of_a_newer_engine(void **state)
{
    struct plan plan = { .path = "private/sbus-master", .answer = ONLINE };

    (void) state;
    start(&plan);
    assert_int_equal(ask("a", "b"), 1);
    assert_string_equal(read_text("asked"),
                        "private/sbus-master sssd.domain_a /sssd sssd.DataProvider.Backend a\n"
                        "private/sbus-master sssd.domain_b /sssd sssd.DataProvider.Backend b\n");

    /* A socket that an older engine left behind changes nothing. */
    (void) close(socket_bound_to("private/sbus-dp_a"));
    assert_int_equal(ask("a", "b"), 1);
}

static void one_that_is_offline_is_enough(void **state)
{
    struct plan online = { .path = "private/sbus-dp_a", .answer = ONLINE };
    struct plan offline = { .path = "private/sbus-dp_b", .answer = OFFLINE };

    (void) state;
    start(&online);
    start(&offline);
    assert_int_equal(ask("a", NULL), 1);
    assert_int_equal(ask("a", "b"), 0);
    assert_string_equal(why, "domain b is offline");
}

#define OWN_SOCKET STATE_DIR "/backend-My-Dom_1.test.socket"

static void our_own_are_asked_where_root_has_bound_them(void **state)
{
    struct plan plan = { .path = OWN_SOCKET, .answer = ONLINE, .uid = geteuid() == 0 ? STRANGER : 0 };

    (void) state;
    own_is_configured();
    assert_int_equal(mkdir(STATE_DIR, 0755), 0);
    assert_int_equal(ask("My-Dom_1.test", NULL), 0);
    assert_string_equal(why, "domain My-Dom_1.test has no back end that runs");
    start(&plan); /* it has given up its rights before it listens */
    assert_int_equal(ask("My-Dom_1.test", NULL), 1);
    assert_string_equal(read_text("asked"), OWN_SOCKET " sssd.domain_My_2dDom_5f1_2etest /sssd sssd.DataProvider.Backend "
                                            "My-Dom_1.test\n");

    assert_int_equal(chmod(STATE_DIR, 0775), 0); /* anybody's may be in there */
    assert_int_equal(ask("My-Dom_1.test", NULL), 0);
    assert_non_null(strstr(why, "cannot be asked"));
}

static void our_own_are_told_to_look(void **state)
{
    static const struct {
        enum answer answer;
        const char *why;
    } rows[] = { { ONLINE, "" }, { OFFLINE, "domain My-Dom_1.test is offline" } };
    char *names[] = { (char *) "My-Dom_1.test" };
    struct domains domains = { .names = names, .n = 1 };

    (void) state;
    own_is_configured();
    assert_int_equal(mkdir(STATE_DIR, 0755), 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct plan plan = { .path = OWN_SOCKET, .answer = rows[i].answer };

        (void) unlink("asked"); /* of the row before */
        start(&plan);
        why[0] = '\0';
        assert_int_equal(backends_refresh(&domains, why, sizeof(why)), rows[i].answer == ONLINE);
        assert_string_equal(why, rows[i].why);
        assert_string_equal(read_text("asked"), OWN_SOCKET " refresh user \"\" 0\n");
        stop_servers();
        assert_int_equal(unlink(OWN_SOCKET), 0);
    }
}

static void a_link_to_the_socket_is_followed(void **state)
{
    struct plan plan = { .path = "private/sbus-dp_d.117", .answer = ONLINE };

    (void) state;
    start(&plan);
    assert_int_equal(symlink(at("private/sbus-dp_d.117"), "private/sbus-dp_d"), 0); /* as the engine has it */
    assert_int_equal(ask("d", NULL), 1);
}

static void where_nobody_listens_nobody_is_online(void **state)
{
    (void) state;
    assert_int_equal(ask("d", NULL), 0);
    assert_string_equal(why, "domain d has no back end that runs");
    (void) close(socket_bound_to("private/sbus-dp_d")); /* left by one that was killed */
    assert_int_equal(ask("d", NULL), 0);
    assert_string_equal(why, "domain d has no back end that runs");
    write_text("private/sbus-master", "");
    assert_int_equal(ask("d", NULL), 0);
    assert_string_equal(why, "domain d has no back end that runs");
    assert_int_equal(rename("private", "elsewhere"), 0);
    assert_int_equal(ask("d", NULL), 0);
    assert_string_equal(why, "domain d has no back end that runs");
    write_text("private", "");
    assert_int_equal(ask("d", NULL), 0);
    assert_non_null(strstr(why, "cannot be asked whether it is online: Not a directory"));
}

static void a_name_leads_nowhere_else(void **state)
{
    struct plan plan = { .path = "sbus-dp_d", .answer = ONLINE };
    char name[256];

    (void) state;
    start(&plan);
    assert_int_equal(mkdir("private/sbus-dp_x", 0700), 0);
    assert_int_equal(ask("x/../../sbus-dp_d", NULL), 0);
    assert_non_null(strstr(why, "cannot be asked"));
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(ask(name, NULL), 0);
    assert_non_null(strstr(why, "cannot be asked"));
    assert_false(file_exists("asked"));
}

static void whoever_does_not_answer_is_not_waited_for(void **state)
{
    static const struct {
        const char *label;
        struct plan plan;
        bool hangs;
    } rows[] = {
        { "never", { .answer = NEVER }, true },
        { "accepts and is silent", { .speaks_bytes = true, .bytes = "" }, true },
        { "half a greeting", { .speaks_bytes = true, .bytes = "OK 0123" }, true },
        { "closes", { .speaks_bytes = true, .bytes = NULL }, false },
        { "rejects", { .speaks_bytes = true, .bytes = "REJECTED\r\n" }, true },
        { "garbage", { .speaks_bytes = true, .bytes = "\x01\x02 garbage\r\n\r\nHTTP/1.1 400\r\n" }, false },
        { "a greeting, then garbage",
          { .speaks_bytes = true, .bytes = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n"
                                           "garbage that is long enough to be the head of a message" }, false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct plan plan = rows[i].plan;
        uint64_t since, took;

        print_message("  %s\n", rows[i].label);
        plan.path = "private/sbus-dp_d";
        start(&plan);
        since = msec_now();
        assert_int_equal(ask("d", NULL), 0);
        took = msec_now() - since;
        if (!strstr(why, rows[i].hangs ? "does not answer" : "cannot be asked"))
            fail_msg("it says: %s", why);
        assert_true(took < 2 * PATIENCE_MSEC);
        assert_true(!rows[i].hangs || took >= PATIENCE_MSEC - 10);
        stop_servers();
        assert_int_equal(unlink("private/sbus-dp_d"), 0);
    }
}

static void a_full_queue_is_not_waited_for(void **state)
{
    int listener = socket_bound_to("private/sbus-dp_d"), clients[2];
    uint64_t since;

    (void) state;
    assert_int_equal(listen(listener, 0), 0);
    for (size_t i = 0; i < N_OF(clients); i++) {
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "private/sbus-dp_d" };

        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void) connect(clients[i], (const struct sockaddr *) &address, sizeof(address)); /* the second finds it full */
    }
    since = msec_now();
    assert_int_equal(ask("d", NULL), 0);
    assert_string_equal(why, "the back end of domain d does not answer");
    assert_true(msec_now() - since < PATIENCE_MSEC);
    for (size_t i = 0; i < N_OF(clients); i++)
        (void) close(clients[i]);
    (void) close(listener);
}

static void only_roots_and_sssds_sockets_are_trusted(void **state)
{
    static const struct {
        const char *label;
        mode_t mode;
        uid_t owner, listener;
        int online;
    } rows[] = {
        { "root's", 0750, 0, 0, 1 },
        { "SSSD's user, as the folder's owner", 0750, STRANGER, STRANGER, 1 },
        { "root's, in the folder of SSSD's user", 0750, STRANGER, 0, 1 },
        { "a stranger's", 0750, 0, STRANGER, 0 },
        { "a stranger's, in another's folder", 0750, STRANGER - 1, STRANGER, 0 },
        { "in a folder that its group may write to", 0770, 0, 0, 0 },
        { "in a folder that all may write to", 0757, 0, 0, 0 },
    };

    (void) state;
    if (geteuid() != 0)
        skip(); /* there is no stranger */
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct plan plan = { .path = "private/sbus-dp_d", .answer = ONLINE, .uid = rows[i].listener };

        print_message("  %s\n", rows[i].label);
        assert_int_equal(chown("private", rows[i].owner, (gid_t) -1), 0);
        assert_int_equal(chmod("private", rows[i].mode), 0);
        start(&plan);
        (void) unlink("asked"); /* of the row before */
        assert_int_equal(ask("d", NULL), rows[i].online);
        assert_int_equal(file_exists("asked"), rows[i].online);
        if (!rows[i].online)
            assert_string_equal(why, "the back end of domain d cannot be asked whether it is online: "
                                     "Operation not permitted");
        stop_servers();
        assert_int_equal(unlink("private/sbus-dp_d"), 0);
    }
}

static void a_small_buffer_is_enough(void **state)
{
    char name[] = "d", *names[] = { name };
    struct domains domains = { .names = names, .n = 1 };
    char small[8];

    (void) state;
    assert_int_equal(backends_online(&domains, small, sizeof(small)), 0);
    assert_string_equal(small, "domain ");
}

static int count_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void nothing_stays_open(void **state)
{
    struct plan good = { .path = "private/sbus-dp_a", .answer = ONLINE };
    struct plan bad = { .path = "private/sbus-dp_b", .speaks_bytes = true, .bytes = NULL };
    int before;

    (void) state;
    start(&good);
    start(&bad);
    before = count_descriptors();
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask("a", "b"), 0);
    assert_int_equal(count_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BESIDE_BACKENDS(no_domain_is_no_reason_to_stay),
        BESIDE_BACKENDS(a_back_end_says_whether_it_is_online),
        BESIDE_BACKENDS(it_is_asked_as_infopipe_asks),
        BESIDE_BACKENDS(one_bus_serves_all_back_ends_of_a_newer_engine),
        BESIDE_BACKENDS(one_that_is_offline_is_enough),
        BESIDE_BACKENDS(our_own_are_asked_where_root_has_bound_them),
        BESIDE_BACKENDS(our_own_are_told_to_look),
        BESIDE_BACKENDS(a_link_to_the_socket_is_followed),
        BESIDE_BACKENDS(where_nobody_listens_nobody_is_online),
        BESIDE_BACKENDS(a_name_leads_nowhere_else),
        BESIDE_BACKENDS(whoever_does_not_answer_is_not_waited_for),
        BESIDE_BACKENDS(a_full_queue_is_not_waited_for),
        BESIDE_BACKENDS(only_roots_and_sssds_sockets_are_trusted),
        BESIDE_BACKENDS(a_small_buffer_is_enough),
        BESIDE_BACKENDS(nothing_stays_open),
    };

    return cmocka_run_group_tests_name("backends", tests, NULL, NULL);
}
