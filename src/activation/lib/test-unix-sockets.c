/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of unix-sockets.c, with real sockets and with lists as the kernel writes them. */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "lib/unix-sockets.h"
#include "test/fixture.h"

#define HEAD "Num       RefCount Protocol Flags    Type St Inode Path\n"
#define LINE(flags, inode, path) "ffff8881: 00000002 00000000 " flags " 0001 01 " inode " " path "\n"
#define LISTENER "00010000"
#define PLAIN "00000000"

/* --- The list -------------------------------------------------------------------------------------------------- */

struct noted {
    char text[1024];
    int stop_at; /* the one at which it returns 42; 0: none */
    int n;
};

static int note(const struct unix_socket *one, void *userdata)
{
    struct noted *noted = userdata;
    size_t used = strlen(noted->text);

    (void) snprintf(noted->text + used, sizeof(noted->text) - used, "%lu%s %s|", one->inode, one->listens ? " listens" : "",
                    one->path); /* those of the tests fit */
    return ++noted->n == noted->stop_at ? 42 : 0;
}

static void sockets_with_a_path_are_listed(void **state)
{
    static const struct {
        const char *label, *list, *noted;
    } rows[] = {
        { "a listener", HEAD LINE(LISTENER, "4711", "/run/a"), "4711 listens /run/a|" },
        { "an accepted one", HEAD LINE(PLAIN, "4712", "/run/a"), "4712 /run/a|" },
        { "one that waits to be accepted", HEAD LINE(PLAIN, "    0", "/run/a"), "0 /run/a|" },
        { "other flags", HEAD LINE("00010001", "1", "/a") LINE("00020000", "2", "/b"), "1 listens /a|2 /b|" },
        { "one without path", HEAD "ffff8881: 00000003 00000000 00000000 0001 03 4713\n" LINE(PLAIN, "1", "/a"), "1 /a|" },
        { "an abstract one", HEAD LINE(LISTENER, "1", "@/run/a"), "" },
        { "a relative one", HEAD LINE(LISTENER, "1", "run/a"), "" },
        { "spaces", HEAD LINE(LISTENER, "1", "/run/a b "), "1 listens /run/a b |" },
        { "a newline", HEAD LINE(LISTENER, "1", "/run/a\nb") LINE(PLAIN, "2", "/c"), "1 listens /run/a|2 /c|" },
        { "a line in a path", HEAD LINE(PLAIN, "1", "/run/a\n" LINE(LISTENER, "2", "/b")), "1 /run/a|2 listens /b|" },
        { "no newline at the end", HEAD "ffff8881: 00000002 00000000 00010000 0001 01 5 /a", "5 listens /a|" },
        { "cut lines", HEAD "ffff8881: 00000002\nffff8881: 00000002 00000000 00010000 0001 01\n\n /a\n/b\n", "" },
        { "nothing", "", "" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct noted noted = { .text = "" };

        print_message("  %s\n", rows[i].label);
        write_text("list", rows[i].list);
        assert_int_equal(unix_sockets_each("list", note, &noted), 0);
        assert_string_equal(noted.text, rows[i].noted);
    }
}

static void whoever_has_seen_enough_ends_it(void **state)
{
    struct noted noted = { .stop_at = 2 };

    (void) state;
    write_text("list", HEAD LINE(PLAIN, "1", "/a") LINE(PLAIN, "2", "/b") LINE(PLAIN, "3", "/c"));
    assert_int_equal(unix_sockets_each("list", note, &noted), 42);
    assert_string_equal(noted.text, "1 /a|2 /b|");
}

static void a_list_that_cannot_be_read_is_an_error(void **state)
{
    struct noted noted = { .text = "" };

    (void) state;
    assert_int_equal(unix_sockets_each("list", note, &noted), -ENOENT);
    assert_int_equal(mkdir("list", 0755), 0);
    assert_int_equal(unix_sockets_each("list", note, &noted), -EIO);
    assert_string_equal(noted.text, "");
}

struct sought {
    unsigned long inode;
    const char *path;
    int listening, other;
};

static int seek(const struct unix_socket *one, void *userdata)
{
    struct sought *sought = userdata;

    if (strcmp(one->path, sought->path) != 0)
        return 0;
    if (one->listens && one->inode == sought->inode)
        sought->listening++;
    else
        sought->other++;
    return 0;
}

static void the_kernels_list_has_ours(void **state)
{
    int listener = listener_at(at("a")), client, taken;
    struct sought sought = { .path = at("a") };
    struct stat st;

    (void) state;
    assert_int_equal(fstat(listener, &st), 0);
    sought.inode = st.st_ino;
    assert_int_equal(unix_sockets_each(UNIX_SOCKETS_OF_SYSTEMD, seek, &sought), 0);
    assert_int_equal(sought.listening, 1);
    assert_int_equal(sought.other, 0);

    client = client_of(at("a"));
    taken = accept_now(listener);
    assert_int_equal(unix_sockets_each(UNIX_SOCKETS_OF_SYSTEMD, seek, &sought), 0);
    assert_int_equal(sought.listening, 2);
    assert_int_equal(sought.other, 1); /* the accepted end */
    (void) close(taken);
    (void) close(client);
    (void) close(listener);
}

/* --- Whose it is ----------------------------------------------------------------------------------------------- */

static void a_listener_does_not_notice_the_question(void **state)
{
    int listener = listener_at(at("a")), client, taken;

    (void) state;
    assert_int_equal(unix_socket_is_systemds(at("a")), 1);
    assert_int_equal(accept_now(listener), -1);

    /* Clients of before are no listeners. */
    client = client_of(at("a"));
    taken = accept_now(listener);
    (void) close(client_of(at("a")));
    assert_int_equal(unix_socket_is_systemds(at("a")), 1);
    assert_true(accept_now(listener) >= 0); /* the one before the question */
    assert_int_equal(accept_now(listener), -1);
    (void) close(taken);
    (void) close(client);
    (void) close(listener);
}

static int with_nothing(void)
{
    return -1;
}

static int with_deleted(void)
{
    int listener = listener_at(at("a"));

    assert_int_equal(unlink("a"), 0);
    return listener;
}

static int with_plain_file(void)
{
    int listener = with_deleted();

    write_text("a", "");
    return listener;
}

static int with_folder(void)
{
    int listener = with_deleted();

    assert_int_equal(mkdir("a", 0755), 0);
    return listener;
}

static int with_dead_link(void)
{
    int listener = with_deleted();

    assert_int_equal(symlink("b", "a"), 0);
    return listener;
}

static int without_listener(void)
{
    (void) close(listener_at(at("a")));
    return -1;
}

static int with_datagram(void)
{
    return socket_at(at("a"), SOCK_DGRAM, false);
}

static int with_datagram_in_place(void)
{
    int listener = with_deleted();

    (void) close(listener); /* its path would be in the list else; here is nothing but the datagram socket */
    return with_datagram();
}

static void what_no_client_reaches_is_not_systemds(void **state)
{
    static const struct {
        const char *label;
        int (*make)(void);
    } rows[] = {
        { "nothing is there", with_nothing },
        { "the path was deleted", with_deleted },
        { "a plain file", with_plain_file },
        { "a folder", with_folder },
        { "a link to nothing", with_dead_link },
        { "a socket file without listener", without_listener },
        { "a datagram socket", with_datagram },
        { "a datagram socket where another was", with_datagram_in_place },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        CLEANUP(closep) int fd = rows[i].make();

        print_message("  %s\n", rows[i].label);
        assert_int_equal(unix_socket_is_systemds(at("a")), 0);
        (void) remove("a"); /* may not be there */
    }
}

static void a_link_leads_to_the_listener(void **state)
{
    CLEANUP(closep) int listener = listener_at(at("b"));

    (void) state;
    assert_int_equal(symlink("b", "a"), 0);
    assert_int_equal(unix_socket_is_systemds(at("a")), 1);
    assert_int_equal(accept_now(listener), -1);
}

static void one_that_was_bound_over_by_another_is_not_systemds(void **state)
{
    CLEANUP(closep) int old = listener_at(at("a"));
    CLEANUP(closep) int over = -1;
    CLEANUP(closep) int asker = -1;
    char byte;

    (void) state;
    assert_int_equal(unlink("a"), 0);
    over = listener_at(at("a"));
    assert_int_equal(unix_socket_is_systemds(at("a")), 0);

    /* The one that is reached sees a connection that says nothing. */
    asker = accept_now(over);
    assert_true(asker >= 0);
    assert_int_equal(read(asker, &byte, 1), 0);
    assert_int_equal(accept_now(over), -1);
    assert_int_equal(accept_now(old), -1);
}

static void a_full_queue_tells_nothing(void **state)
{
    CLEANUP(closep) int old = listener_at(at("a"));
    CLEANUP(closep) int over = -1;
    CLEANUP(closep) int client = -1;

    (void) state;
    assert_int_equal(unlink("a"), 0);
    over = socket_at(at("a"), SOCK_STREAM, false);
    assert_int_equal(listen(over, 0), 0);
    client = client_of(at("a"));
    assert_int_equal(unix_socket_is_systemds(at("a")), 1);
}

static int bind_over(void *userdata)
{
    (void) userdata;
    if (unlink("a") < 0)
        return 1;
    (void) listener_at(at("a"));
    _exit(unix_socket_is_systemds(at("a")) == 0 ? 0 : 2); /* with its listener */
}

/* The first process of its own PID namespace. */
static int ask_as_pid1(void)
{
    int old = listener_at(at("a")), over, r;

    if (unlink("a") < 0)
        return 1;
    over = listener_at(at("a"));
    if (getpid() != 1 || unix_socket_is_systemds(at("a")) != 1)
        return 2;
    (void) close(old);
    r = in_child(bind_over, NULL);
    (void) close(over);
    return r == 0 ? 0 : 10 + r;
}

#define NO_NAMESPACE 77

static int enter_namespace(void *userdata)
{
    pid_t pid;

    (void) userdata;
    if (unshare(CLONE_NEWPID) < 0)
        return NO_NAMESPACE;
    pid = fork();
    if (pid < 0)
        return 3;
    if (pid == 0) {
        (void) alarm(60); /* timers are not inherited */
        _exit(ask_as_pid1()); /* a leak sanitizer would look for itself in the other namespace's /proc */
    }
    _exit(exit_status_of(pid)); /* and can have no child there any more */
}

static void one_that_pid_1_bound_over_itself_is_systemds(void **state)
{
    int status = in_child(enter_namespace, NULL);

    (void) state;
    if (status == NO_NAMESPACE)
        skip(); /* only root may have one, and not everywhere */
    assert_int_equal(status, 0);
}

static int ask_without_right(void *userdata)
{
    int r;

    drop_root();
    r = unix_socket_is_systemds(userdata);
    return r < 0 ? -r : 200 + r;
}

static void who_may_not_connect_can_not_tell(void **state)
{
    static const struct {
        const char *label;
        mode_t socket, folder;
        int status;
    } rows[] = {
        { "anyone may", 0666, 0755, 201 },
        { "not to this socket", 0600, 0755, EACCES },
        { "not into its folder", 0666, 0700, EACCES },
    };

    (void) state;
    if (geteuid() != 0)
        skip(); /* another user is needed */
    assert_int_equal(mkdir("folder", 0755), 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        CLEANUP(closep) int listener = listener_at(at("folder/a"));

        print_message("  %s\n", rows[i].label);
        assert_int_equal(chmod("folder/a", rows[i].socket), 0);
        assert_int_equal(chmod("folder", rows[i].folder), 0);
        assert_int_equal(in_child(ask_without_right, at("folder/a")), rows[i].status);
        assert_int_equal(unix_socket_is_systemds(at("folder/a")), 1); /* root can */
        assert_int_equal(unlink("folder/a"), 0);
    }
}

static void a_path_that_no_socket_can_have_is_an_error(void **state)
{
    char path[sizeof(((struct sockaddr_un *) NULL)->sun_path) + 1] = "/";

    (void) state;
    (void) memset(path + 1, 'x', sizeof(path) - 2);
    assert_int_equal(unix_socket_is_systemds(path), -ENAMETOOLONG);
    path[sizeof(path) - 2] = '\0'; /* the longest that fits */
    assert_int_equal(unix_socket_is_systemds(path), 0);
}

static int ask_without_descriptors(void *userdata)
{
    struct rlimit limit, before;
    int r;

    if (getrlimit(RLIMIT_NOFILE, &before) < 0)
        return 255;
    limit = (struct rlimit) { .rlim_max = before.rlim_max };
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 255;
    r = unix_socket_is_systemds(userdata);
    return setrlimit(RLIMIT_NOFILE, &before) < 0 ? 255 : r < 0 ? -r : 200 + r;
}

static void without_descriptors_nobody_can_tell(void **state)
{
    CLEANUP(closep) int listener = listener_at(at("a"));

    (void) state;
    assert_int_equal(in_child(ask_without_descriptors, at("a")), EMFILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(sockets_with_a_path_are_listed),
        IN_FOLDER(whoever_has_seen_enough_ends_it),
        IN_FOLDER(a_list_that_cannot_be_read_is_an_error),
        IN_FOLDER(the_kernels_list_has_ours),
        IN_FOLDER(a_listener_does_not_notice_the_question),
        IN_FOLDER(what_no_client_reaches_is_not_systemds),
        IN_FOLDER(a_link_leads_to_the_listener),
        IN_FOLDER(one_that_was_bound_over_by_another_is_not_systemds),
        IN_FOLDER(a_full_queue_tells_nothing),
        IN_FOLDER(one_that_pid_1_bound_over_itself_is_systemds),
        IN_FOLDER(who_may_not_connect_can_not_tell),
        IN_FOLDER(a_path_that_no_socket_can_have_is_an_error),
        IN_FOLDER(without_descriptors_nobody_can_tell),
    };

    return cmocka_run_group_tests_name("unix-sockets", tests, NULL, NULL);
}
