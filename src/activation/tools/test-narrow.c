/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of narrow.c, which looks at this process's own descriptors. */

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define OWNER_PID getpid()
#include "tools/narrow.c"

#include "test/fixture.h"

/* Connects without waiting: a descriptor, or a negative errno. */
static int come(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path); /* fits */
    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0)
        return fd;
    (void) close(fd); /* was not connected */
    return -errno;
}

static void narrow(const char *const *paths, size_t n)
{
    int r = set_queues(paths, n, 0);

    if (r == -EPERM)
        skip(); /* a container that does not allow it */
    assert_int_equal(r, 0);
}

static void a_narrow_queue_holds_one_and_the_others_are_to_come_again(void **state)
{
    int listener = listener_at("a"), first;

    (void) state;
    narrow((const char *const[]) { "a" }, 1);
    first = come("a");
    assert_true(first >= 0);
    assert_int_equal(come("a"), -EAGAIN);

    /* Widened again, it has room. */
    (void) listener;
    assert_int_equal(set_queues((const char *const[]) { "a" }, 1, 16), 0);
    assert_true(come("a") >= 0);
}

static void who_was_in_the_queue_stays(void **state)
{
    int listener = listener_at("a"), client = client_of("a"), accepted;

    (void) state;
    narrow((const char *const[]) { "a" }, 1);
    accepted = accept_now(listener);
    assert_true(accepted >= 0);
    assert_int_equal(write(accepted, "x", 1), 1);
    (void) close(accepted); /* the client reads what was said */
    assert_true(is_served(client, "x"));
}

static void other_sockets_keep_their_queues(void **state)
{
    static const char *const rows[] = { "ab", "A", "", "b" };

    (void) state;
    (void) listener_at("a");
    (void) socket_at("c", SOCK_STREAM, false);
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i]);
        narrow(&rows[i], 1);
        assert_true(come("a") >= 0);
        assert_true(come("a") >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_narrow_queue_holds_one_and_the_others_are_to_come_again),
        IN_FOLDER(who_was_in_the_queue_stays),
        IN_FOLDER(other_sockets_keep_their_queues),
    };

    return cmocka_run_group_tests_name("narrow", tests, NULL, NULL);
}
