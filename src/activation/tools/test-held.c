/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of held.c, with real sockets. */

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "test/fixture.h"
#include "tools/held.h"

/* What connect() says to somebody who does not wait. */
static int told_at(const char *path)
{
    CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path); /* fits */
    return connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ? errno : 0;
}

static void who_comes_is_told_to_try_again_until_another_has_bound_the_path(void **state)
{
    int before = listener_at("a"), waits = client_of("a"), after;
    struct held held;

    (void) state;
    assert_int_equal(chmod("a", 0640), 0);
    assert_int_equal(path_hold(at("a"), &held), 0);
    assert_int_equal(told_at("a"), EAGAIN);
    assert_int_equal(told_at("a"), EAGAIN);
    (void) close(accept_now(before)); /* who waited before waits there */
    assert_true(is_refused(waits));
    (void) close(before);
    assert_int_equal(told_at("a"), EAGAIN);

    assert_int_equal(unlink("a"), 0); /* as who binds it anew does */
    after = listener_at("a");
    assert_int_equal(told_at("a"), 0);
    path_release(&held);
    assert_int_equal(told_at("a"), 0);
    assert_false(file_exists("a.held"));
    (void) close(after);
}

static void it_has_the_owner_and_mode_of_before(void **state)
{
    struct held held;
    struct stat st;

    (void) state;
    (void) close(listener_at("a"));
    assert_int_equal(chmod("a", 0640), 0);
    if (geteuid() == 0)
        assert_int_equal(chown("a", 7, 8), 0);
    assert_int_equal(path_hold(at("a"), &held), 0);
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_uid, geteuid() == 0 ? 7 : geteuid());
    assert_int_equal(st.st_gid, geteuid() == 0 ? 8 : getegid());
    path_release(&held);
}

static void where_nobody_has_bound_it_the_one_of_before_has_it_again(void **state)
{
    int before = listener_at(at("a"));
    struct held held;

    (void) state;
    write_text("a.held", "of one that was killed\n");
    assert_int_equal(path_hold(at("a"), &held), 0);
    assert_int_equal(told_at("a"), EAGAIN);
    path_release(&held);
    assert_int_equal(told_at("a"), 0);
    assert_false(file_exists("a.held"));
    (void) close(before);
}

static void no_link_is_followed(void **state)
{
    struct held held;

    (void) state;
    assert_int_equal(mkdir("folder", 0755), 0);
    (void) close(listener_at(at("folder/a")));
    assert_int_equal(symlink("folder", "link"), 0);
    assert_int_equal(path_hold(at("link/a"), &held), -ELOOP);
}

static void what_is_no_socket_is_left_alone(void **state)
{
    struct held held;

    (void) state;
    write_text("file", "text\n");
    (void) close(listener_at("a"));
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(path_hold(at("file"), &held), -ENOTSOCK);
    assert_int_equal(path_hold(at("link"), &held), -ENOTSOCK);
    assert_int_equal(path_hold(at("missing"), &held), -ENOTSOCK);
    assert_string_equal(read_text("file"), "text\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(who_comes_is_told_to_try_again_until_another_has_bound_the_path),
        IN_FOLDER(it_has_the_owner_and_mode_of_before),
        IN_FOLDER(where_nobody_has_bound_it_the_one_of_before_has_it_again),
        IN_FOLDER(no_link_is_followed),
        IN_FOLDER(what_is_no_socket_is_left_alone),
    };

    return cmocka_run_group_tests_name("held", tests, NULL, NULL);
}
