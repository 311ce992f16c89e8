/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of sockets.c, with real ones. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "lib/sockets.h"
#include "test/fixture.h"

/* Above what the test program itself has open. */
#define FIRST 100

static void place(int fd, int index)
{
    assert_int_equal(dup2(fd, FIRST + index), FIRST + index);
    (void) close(fd); /* the copy holds it */
}

static void unplace(int n)
{
    for (int i = 0; i < n; i++)
        (void) close(FIRST + i); /* the row may have left it out */
}

static void name_and_absolute_path_are_a_want(void **state)
{
    static const struct {
        const char *label, *text, *name, *path;
    } rows[] = {
        { "plain", "nss=/run/nss", "nss", "/run/nss" },
        { "path with an equals sign", "a=/b=/c", "a", "/b=/c" },
        { "root", "a=/", "a", "/" },
        { "empty", "", NULL, NULL },
        { "no equals sign", "nss", NULL, NULL },
        { "path alone", "/run/nss", NULL, NULL },
        { "no name", "=/run/nss", NULL, NULL },
        { "no path", "nss=", NULL, NULL },
        { "relative path", "nss=run/nss", NULL, NULL },
        { "abstract", "nss=@run", NULL, NULL },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct socket_want want = { .name = "untouched" };
        char text[32];

        print_message("  %s\n", rows[i].label);
        (void) snprintf(text, sizeof(text), "%s", rows[i].text); /* fits */
        if (!rows[i].name) {
            assert_int_equal(socket_want_parse(text, &want), -EINVAL);
            assert_string_equal(want.name, "untouched");
            assert_string_equal(text, rows[i].text);
            continue;
        }
        assert_int_equal(socket_want_parse(text, &want), 0);
        assert_string_equal(want.name, rows[i].name);
        assert_string_equal(want.path, rows[i].path);
    }
}

static void sockets_are_found_by_name_in_the_order_of_the_wants(void **state)
{
    static const struct {
        const char *label, *names[3];
        int order[3];
    } rows[] = {
        { "as wanted", { "a", "b", "c" }, { 0, 1, 2 } },
        { "two swapped", { "b", "a", "c" }, { 1, 0, 2 } },
        { "turned round", { "c", "b", "a" }, { 2, 1, 0 } },
        { "rotated", { "b", "c", "a" }, { 2, 0, 1 } },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        const struct socket_want wants[] = { { "a", at("a") }, { "b", at("b") }, { "c", at("c") } };
        struct sockets sockets;
        char *why = NULL;

        print_message("  %s\n", rows[i].label);
        for (int k = 0; k < 3; k++)
            place(listener_at(at(rows[i].names[k])), k);

        assert_int_equal(sockets_check(wants, 3, FIRST, (char *const *) rows[i].names, 3, &sockets, &why), 0);
        assert_null(why);
        assert_int_equal(sockets.n, 3);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(sockets.fds[k], FIRST + rows[i].order[k]);
            (void) unlink(wants[k].path); /* for the next row */
        }
        unplace(3);
    }
}

static int make_listening(void)
{
    return listener_at(at("a"));
}

static int make_not_listening(void)
{
    return socket_at(at("a"), SOCK_STREAM, false);
}

static int make_datagram(void)
{
    return socket_at(at("a"), SOCK_DGRAM, false);
}

static int make_seqpacket(void)
{
    return socket_at(at("a"), SOCK_SEQPACKET, true);
}

/* Bound to the right path, as accept leaves it. */
static int make_connected(void)
{
    int listener = listener_at(at("a")), client = client_of(at("a")), taken = accept_now(listener);

    (void) close(listener); /* the accepted one is what is handed over */
    (void) close(client);
    return taken;
}

static int make_inet(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static int make_file(void)
{
    return open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int make_nothing(void)
{
    return -1;
}

static int make_elsewhere(void)
{
    return listener_at(at("elsewhere"));
}

static int make_longer(void)
{
    return listener_at(at("aa"));
}

static int make_relative(void)
{
    return listener_at("a");
}

/* The path that is wanted, but as the name of no file: anybody may bind that. */
static int make_abstract(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    (void) strcpy(address.sun_path + 1, at("a")); /* fits */
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void what_is_not_wholly_right_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *label;
        size_t n_wants;
        int (*make[2])(void);
        const char *names[2];
        int n;
        const char *named, *why;
    } rows[] = {
        { "none handed over", 1, { NULL }, { NULL }, 0, "a", "was handed over 0 times instead of once" },
        { "another name", 1, { make_listening }, { "b" }, 1, "a", "was handed over 0 times" },
        { "a longer name", 1, { make_listening }, { "aa" }, 1, "a", "was handed over 0 times" },
        { "missing", 2, { make_listening }, { "a" }, 1, "b", "was handed over 0 times" },
        { "surplus", 1, { make_listening, make_elsewhere }, { "a", "b" }, 2, NULL,
          "2 sockets were handed over, 1 belong here" },
        { "named twice", 1, { make_listening, make_elsewhere }, { "a", "a" }, 2, "a", "was handed over 2 times" },
        { "right one last", 1, { make_elsewhere, make_listening }, { "a", "a" }, 2, "a", "was handed over 2 times" },
        { "not listening", 1, { make_not_listening }, { "a" }, 1, "a", "is not listening" },
        { "datagram", 1, { make_datagram }, { "a" }, 1, "a", "is not a stream socket" },
        { "seqpacket", 1, { make_seqpacket }, { "a" }, 1, "a", "is not a stream socket" },
        { "connected", 1, { make_connected }, { "a" }, 1, "a", "is not listening" },
        { "internet", 1, { make_inet }, { "a" }, 1, "a", "is not a Unix socket" },
        { "a file", 1, { make_file }, { "a" }, 1, "a", "is not a socket" },
        { "nothing open", 1, { make_nothing }, { "a" }, 1, "a", "is not a socket" },
        { "another path", 1, { make_elsewhere }, { "a" }, 1, "a", "is not bound to its path" },
        { "a longer path", 1, { make_longer }, { "a" }, 1, "a", "is not bound to its path" },
        { "a relative path", 1, { make_relative }, { "a" }, 1, "a", "is not bound to its path" },
        { "abstract", 1, { make_abstract }, { "a" }, 1, "a", "is not bound to its path" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        const struct socket_want wants[] = { { "a", at("a") }, { "b", at("b") } };
        struct sockets sockets = { .n = 77 };
        CLEANUP(freep) char *why = NULL;
        char expected[200] = "";

        print_message("  %s\n", rows[i].label);
        for (int k = 0; k < rows[i].n; k++) {
            int fd = rows[i].make[k]();

            if (fd >= 0)
                place(fd, k);
        }
        if (rows[i].named)
            (void) snprintf(expected, sizeof(expected), "socket %s (%s) ", rows[i].named, at(rows[i].named));
        (void) strcat(expected, rows[i].why); /* fits */

        assert_int_equal(sockets_check(wants, rows[i].n_wants, FIRST, (char *const *) rows[i].names, rows[i].n,
                                       &sockets, &why),
                         -EINVAL);
        assert_int_equal(sockets.n, 77);
        assert_non_null(why);
        assert_int_equal(strncmp(why, expected, strlen(expected)), 0);

        unplace(rows[i].n);
        (void) unlink("a"); /* for the next row, where there are any */
        (void) unlink("aa");
        (void) unlink("elsewhere");
    }
}

static void nothing_or_too_much_wanted_is_our_mistake(void **state)
{
    const struct socket_want wants[SOCKETS_MAX + 1] = { { "a", "/a" } };
    struct sockets sockets = { .n = 77 };
    char *why = NULL;

    (void) state;
    assert_int_equal(sockets_check(wants, 0, FIRST, NULL, 0, &sockets, &why), -EINVAL);
    assert_int_equal(sockets_check(wants, SOCKETS_MAX + 1, FIRST, NULL, 0, &sockets, &why), -EINVAL);
    assert_int_equal(sockets.n, 77);
    assert_null(why);
}

/* Arranges sockets that are at given places and becomes this program again, which reports what it was given. */
struct arrangement {
    const char *label;
    int at[SOCKETS_MAX];
    size_t n;
};

static const char *const names[SOCKETS_MAX] = { "a", "b", "c", "d" };

static int arrange_and_exec(void *userdata)
{
    const struct arrangement *row = userdata;
    struct socket_want wants[SOCKETS_MAX];
    struct sockets sockets = { .n = row->n };

    for (size_t i = 0; i < row->n; i++) {
        wants[i] = (struct socket_want) { names[i], at(names[i]) };
        place(listener_at(wants[i].path), (int) i);
    }
    for (size_t i = 0; i < row->n; i++) {
        /* Close-on-exec, as sd_listen_fds leaves them. */
        if (dup3(FIRST + (int) i, row->at[i], O_CLOEXEC) < 0 || close(FIRST + (int) i) < 0)
            return 1;
        sockets.fds[i] = row->at[i];
    }

    if (sockets_arrange(wants, &sockets) < 0)
        return 2;
    for (size_t i = 0; i < row->n; i++)
        if (sockets.fds[i] != 3 + (int) i)
            return 3;
    (void) execl("/proc/self/exe", "test-sockets", "report", NULL); /* returns only on failure */
    return 4;
}

static int report(void)
{
    FILE *out = fopen("report", "we");

    (void) fprintf(out, "%s %s", getenv("LISTEN_FDS"), getenv("LISTEN_FDNAMES"));
    for (int fd = 3; fd < 200; fd++) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t bytes = sizeof(address);

        if (getsockname(fd, (struct sockaddr *) &address, &bytes) == 0)
            (void) fprintf(out, " %d=%s", fd, strrchr(address.sun_path, '/') + 1);
    }
    return fclose(out) == 0 ? 0 : 1;
}

static void the_next_program_gets_the_sockets_from_3_on_in_order(void **state)
{
    static const struct arrangement rows[] = {
        { "one, at its place", { 3 }, 1 },
        { "one, elsewhere", { 9 }, 1 },
        { "two, at their places", { 3, 4 }, 2 },
        { "two, swapped", { 4, 3 }, 2 },
        { "two, one at the other's place", { 4, 5 }, 2 },
        { "two, the last at the first's place", { 5, 3 }, 2 },
        { "two, just above", { 6, 5 }, 2 },
        { "four, turned round", { 6, 5, 4, 3 }, 4 },
        { "four, rotated", { 4, 5, 6, 3 }, 4 },
    };
    static const char *const expected[] = {
        "", "1 a 3=a", "2 a:b 3=a 4=b", "", "4 a:b:c:d 3=a 4=b 5=c 6=d",
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct arrangement row = rows[i];

        print_message("  %s\n", row.label);
        assert_int_equal(in_child(arrange_and_exec, &row), 0);
        assert_string_equal(read_text("report"), expected[row.n]);
        for (size_t k = 0; k < row.n; k++)
            assert_int_equal(unlink(names[k]), 0);
        assert_int_equal(unlink("report"), 0);
    }
}

/* As systemd does it, in a child of its own. */
static int take(void *userdata)
{
    const char *name = userdata;
    const struct socket_want want = { "a", at("a") };
    CLEANUP(freep) char *why = NULL;
    char pid[24];
    int r, fd;

    (void) snprintf(pid, sizeof(pid), "%ld", (long) getpid());
    if (name && (dup2(listener_at(want.path), 3) < 0 || setenv("LISTEN_PID", pid, 1) < 0 ||
                 setenv("LISTEN_FDS", "1", 1) < 0 || setenv("LISTEN_FDNAMES", name, 1) < 0))
        return 99;
    r = sockets_take(&want, 1, &fd, &why);
    if (r < 0)
        return why ? 50 : 98;
    if (r > 0 && (fd != 3 || !(fcntl(3, F_GETFL) & O_NONBLOCK) || getenv("LISTEN_FDS")))
        return 97;
    return r;
}

static void what_is_handed_over_is_taken_or_said_to_be_wrong(void **state)
{
    (void) state;
    assert_int_equal(in_child(take, (char *) "a"), 1);
    assert_int_equal(unlink("a"), 0);
    assert_int_equal(in_child(take, (char *) "b"), 50);
    assert_int_equal(in_child(take, NULL), 0);
}

static void one_that_is_missing_is_named(void **state)
{
    char *why = NULL;
    int fd = -1;

    (void) state;
    assert_int_equal(sockets_take_one("a", "/a", &fd, &why), 0);
    assert_string_equal(why, "socket a (/a) was not handed over");
    assert_int_equal(fd, -1);
    free(why);
}

static void who_waits_is_refused_and_counted(void **state)
{
    int listener = listener_at(at("a")), clients[3];

    (void) state;
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(sockets_refuse(listener), 0);
    for (size_t i = 0; i < 3; i++)
        clients[i] = client_of(at("a"));
    assert_int_equal(sockets_refuse(listener), 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(is_refused(clients[i]));
    (void) close(listener);
}

static void a_descriptor_that_is_not_open_cannot_be_arranged(void **state)
{
    const struct socket_want want = { "a", "/a" };
    struct sockets sockets = { .fds = { FIRST }, .n = 1 };

    (void) state;
    assert_int_equal(sockets_arrange(&want, &sockets), -EBADF);
}

static int arrange_below_limit(void *userdata)
{
    const struct socket_want want = { "a", at("a") };
    struct sockets sockets = { .fds = { listener_at(want.path) }, .n = 1 };
    struct rlimit limit, before;
    int r;

    (void) userdata;
    if (getrlimit(RLIMIT_NOFILE, &before) < 0)
        return 1;
    limit = (struct rlimit) { .rlim_cur = 4, .rlim_max = before.rlim_max };
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1;
    r = sockets_arrange(&want, &sockets);
    return setrlimit(RLIMIT_NOFILE, &before) < 0 ? 1 : -r;
}

static void sockets_for_which_there_is_no_room_cannot_be_arranged(void **state)
{
    (void) state;
    assert_int_equal(in_child(arrange_below_limit, NULL), EINVAL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_and_absolute_path_are_a_want),
        IN_FOLDER(sockets_are_found_by_name_in_the_order_of_the_wants),
        IN_FOLDER(what_is_not_wholly_right_is_refused_with_its_reason),
        cmocka_unit_test(nothing_or_too_much_wanted_is_our_mistake),
        IN_FOLDER(the_next_program_gets_the_sockets_from_3_on_in_order),
        IN_FOLDER(what_is_handed_over_is_taken_or_said_to_be_wrong),
        cmocka_unit_test(one_that_is_missing_is_named),
        IN_FOLDER(who_waits_is_refused_and_counted),
        cmocka_unit_test(a_descriptor_that_is_not_open_cannot_be_arranged),
        IN_FOLDER(sockets_for_which_there_is_no_room_cannot_be_arranged),
    };

    if (argc > 1 && strcmp(argv[1], "report") == 0)
        return report();
    return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
