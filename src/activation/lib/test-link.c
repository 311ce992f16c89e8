/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of link.c, on a real loop and with real clients. Its second takes a tenth of one here. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "lib/event.h"
#include "lib/link.h"
#include "test/fixture.h"

#define SECOND UINT64_C(100000)
#define TRIES_MAX 32

struct monitor {
    sd_event *event;
    struct link *link;
    unsigned tries;
    uint64_t tried_usec[TRIES_MAX];
    int r;                /* of a try */
    unsigned good_at;     /* the try that leads to a registration; 0: none */
    uint64_t ends_in_usec; /* one that leads to nothing; 0: never */
    sd_event_source *timer;
};

static int on_outcome(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct monitor *monitor = userdata;

    (void) source;
    (void) usec;
    if (monitor->good_at && monitor->tries >= monitor->good_at)
        link_is_good(monitor->link);
    else if (monitor->ends_in_usec)
        link_has_ended(monitor->link);
    return 0;
}

static int try(void *userdata)
{
    struct monitor *monitor = userdata;

    assert_true(monitor->tries < TRIES_MAX);
    monitor->tried_usec[monitor->tries++] = now_usec();
    monitor->timer = sd_event_source_disable_unref(monitor->timer);
    if (monitor->r == 0)
        assert_true(sd_event_add_time_relative(monitor->event, &monitor->timer, CLOCK_MONOTONIC, monitor->ends_in_usec, 1,
                                               on_outcome, monitor) >= 0);
    return monitor->r;
}

static void begin(struct monitor *monitor)
{
    assert_int_equal(mkdir("config", 0700), 0);
    assert_true(sd_event_new(&monitor->event) >= 0);
    assert_int_equal(link_new(monitor->event, try, monitor, &monitor->link), 0);
}

static void end(struct monitor *monitor)
{
    monitor->link = link_free(monitor->link);
    sd_event_source_disable_unref(monitor->timer);
    sd_event_unref(monitor->event);
}

static void run_until(struct monitor *monitor, unsigned tries)
{
    while (monitor->tries < tries) /* folder_enter's guard ends this */
        assert_true(sd_event_run(monitor->event, SECOND) >= 0);
}

static int queue_at(const char *path)
{
    int listener = listener_at(path);

    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    return listener;
}

static bool is_answered(int client)
{
    struct pollfd polled = { .fd = client, .events = POLLIN };

    return poll(&polled, 1, 0) == 1;
}

/* ---- the pauses ---- */

static void pauses_grow_while_nobody_registers_us(void **state)
{
    static const struct {
        const char *label;
        int r;
        uint64_t ends_in_usec;
    } rows[] = { { "refused at once", -ECONNREFUSED, 0 }, { "ended later", 0, 1 } };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct monitor monitor = { .r = rows[i].r, .ends_in_usec = rows[i].ends_in_usec };
        uint64_t pause = SECOND / 10;

        print_message("  %s\n", rows[i].label);
        begin(&monitor);
        assert_int_equal(monitor.tries, 1); /* at once */
        run_until(&monitor, 6);
        for (unsigned k = 1; k < 6; k++, pause *= 2)
            assert_true(monitor.tried_usec[k] - monitor.tried_usec[k - 1] >= pause);
        end(&monitor);
        assert_int_equal(rmdir("config"), 0);
    }
}

static void a_connection_that_lasts_is_left_alone(void **state)
{
    struct monitor monitor = { .good_at = 1 };

    (void) state;
    begin(&monitor);
    for (int i = 0; i < 5; i++)
        assert_true(sd_event_run(monitor.event, SECOND / 5) >= 0);
    assert_int_equal(monitor.tries, 1);
    end(&monitor);
}

static void an_end_is_told_once(void **state)
{
    struct monitor monitor = { .ends_in_usec = 0 };

    (void) state;
    begin(&monitor);
    link_has_ended(monitor.link);
    link_has_ended(monitor.link);
    run_until(&monitor, 2);
    assert_true(monitor.tried_usec[1] - monitor.tried_usec[0] >= SECOND / 10);
    end(&monitor);
}

/* A monitor that crashes soon after each registration would be started ten times a second. */
static void a_short_life_does_not_end_the_row(void **state)
{
    struct monitor monitor = { .good_at = 1 };

    (void) state;
    begin(&monitor);
    for (unsigned i = 1; i <= 4; i++) {
        run_until(&monitor, i);
        while (sd_event_run(monitor.event, 1000) > 0)
            ; /* it registers */
        link_has_ended(monitor.link);
    }
    run_until(&monitor, 5);
    assert_true(monitor.tried_usec[4] - monitor.tried_usec[3] >= 8 * SECOND / 10);
    end(&monitor);
}

static void a_long_life_ends_it(void **state)
{
    struct monitor monitor = { .r = -ECONNREFUSED };
    uint64_t ended_usec;

    (void) state;
    begin(&monitor);
    run_until(&monitor, 7);
    monitor.r = 0;
    monitor.good_at = 1;
    run_until(&monitor, 8);
    for (uint64_t end_usec = now_usec() + 61 * SECOND; now_usec() < end_usec;)
        assert_true(sd_event_run(monitor.event, usec_until(end_usec)) >= 0);
    ended_usec = now_usec();
    link_has_ended(monitor.link);
    run_until(&monitor, 9);
    assert_true(monitor.tried_usec[8] - ended_usec < 12 * SECOND); /* it would have been 12.8 */
    end(&monitor);
}

/* ---- waiting ---- */

static void who_waits_is_served_when_it_is_good(void **state)
{
    struct monitor monitor = { .good_at = 1, .ends_in_usec = SECOND };
    int listener = queue_at(at("a")), client = client_of(at("a"));

    (void) state;
    begin(&monitor);
    assert_int_equal(link_wait(monitor.link, "nss", &listener, 1), 0);
    assert_false(is_answered(client));
    (void) close(accept_now(listener));
    (void) close(client);
    end(&monitor);
}

static void who_waits_is_refused_when_the_try_comes_to_nothing(void **state)
{
    struct monitor monitor = { .good_at = 3, .ends_in_usec = SECOND / 10 };
    int listener = queue_at(at("a")), client = client_of(at("a"));

    (void) state;
    begin(&monitor);
    assert_int_equal(link_wait(monitor.link, "nss", &listener, 1), 0);
    assert_int_equal(monitor.tries, 3);
    assert_true(is_refused(client));
    end(&monitor);
}

static int come_later(void *userdata)
{
    (void) userdata;
    (void) usleep(2 * SECOND); /* in a pause: the third is 0.4 s, the fourth 0.8 s */
    return is_refused(client_of(at("a"))) ? 0 : 1;
}

/* Not to be overtaken by the test's own monitor: it never comes. */
static void who_comes_between_two_tries_is_refused_at_once(void **state)
{
    struct monitor monitor = { .r = -ECONNREFUSED, .good_at = TRIES_MAX };
    int listener = queue_at(at("a")), child = start_child(come_later, NULL);
    uint64_t begin_usec = now_usec();

    (void) state;
    begin(&monitor);
    assert_int_equal(link_wait(monitor.link, "nss", &listener, 1), -ETIME); /* nobody comes for a minute after that */
    assert_int_equal(exit_status_of(child), 0);
    assert_true(now_usec() - begin_usec >= 61 * SECOND);
    end(&monitor);
}

static void patience_ends(void **state)
{
    struct monitor monitor = { .good_at = 1, .ends_in_usec = 20 * SECOND };
    int listener = queue_at(at("a")), client = client_of(at("a"));

    (void) state;
    begin(&monitor);
    assert_int_equal(link_wait(monitor.link, "nss", &listener, 1), 0);
    assert_int_equal(monitor.tries, 1); /* the try went on */
    assert_true(is_refused(client));
    end(&monitor);
}

static int mend(void *userdata)
{
    (void) userdata;
    (void) usleep(20 * SECOND);
    write_text("config/sssd.conf", "[sssd]\n");
    return is_refused(client_of(at("a"))) ? 0 : 1;
}

static void a_changed_configuration_is_tried_at_once(void **state)
{
    struct monitor monitor = { .r = -ECONNREFUSED, .good_at = TRIES_MAX };
    int listener = queue_at(at("a")), child;

    (void) state;
    begin(&monitor);
    run_until(&monitor, 8); /* the next pause is 12.8, and the one after it 25.6 */
    child = start_child(mend, NULL);
    assert_int_equal(link_wait(monitor.link, "nss", &listener, 1), -ETIME);
    assert_int_equal(exit_status_of(child), 0);
    assert_true(monitor.tries >= 11);
    assert_true(monitor.tried_usec[10] - monitor.tried_usec[9] < 12 * SECOND); /* it would have been 12.8, or more */
    end(&monitor);
}

static int leave(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void) usec;
    (void) userdata;
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

static void who_is_told_to_leave_does_not_wait(void **state)
{
    struct monitor monitor = { .ends_in_usec = 0 };
    int listener = queue_at(at("a"));

    (void) state;
    begin(&monitor);
    assert_true(sd_event_add_time_relative(monitor.event, NULL, CLOCK_MONOTONIC, SECOND, 1, leave, NULL) >= 0);
    assert_int_equal(link_wait(monitor.link, "nss", &listener, 1), -ECANCELED);
    end(&monitor);
}

static int tell_of_client(void *userdata)
{
    const int *ends = userdata;

    if (dup2(ends[1], STDERR_FILENO) < 0)
        return 1;
    event_log_activated("nss", ends[0]);
    event_log_activated("nss", ends[0]); /* once */
    return 0;
}

static void the_first_client_is_told_of(void **state)
{
    int ends[2], told[2], both[2];
    char program[256] = "", line[1024] = "", expected[512];

    (void) state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(pipe(told), 0);
    assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
    both[0] = ends[0];
    both[1] = told[1];
    assert_int_equal(in_child(tell_of_client, both), 0);
    assert_true(read(told[0], line, sizeof(line) - 1) > 0);
    (void) snprintf(expected, sizeof(expected), "nss starts: a client came: uid %u, %s\n", getuid(), program);
    assert_non_null(strstr(line, expected));
    assert_null(strstr(strstr(line, expected) + strlen(expected), "starts"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(pauses_grow_while_nobody_registers_us),
        IN_FOLDER(a_connection_that_lasts_is_left_alone),
        IN_FOLDER(an_end_is_told_once),
        IN_FOLDER(a_short_life_does_not_end_the_row),
        IN_FOLDER(a_long_life_ends_it),
        IN_FOLDER(who_waits_is_served_when_it_is_good),
        IN_FOLDER(who_waits_is_refused_when_the_try_comes_to_nothing),
        IN_FOLDER(who_comes_between_two_tries_is_refused_at_once),
        IN_FOLDER(patience_ends),
        IN_FOLDER(a_changed_configuration_is_tried_at_once),
        IN_FOLDER(who_is_told_to_leave_does_not_wait),
        IN_FOLDER(the_first_client_is_told_of),
    };

    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
