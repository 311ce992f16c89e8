/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of pace.c, with real files and a PID 1 that speaks the protocol. */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "lib/manager.h"
#include "lib/pace.h"
#include "test/pid1.h"
#include "test/state-fixture.h"

#define SEC UINT64_C(1000000)
/* Between two looks at the clock. */
#define SLACK (SEC / 2)

static void failed(unsigned times, uint64_t usec_ago)
{
    struct timespec now;
    char note[64];

    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
    (void) snprintf(note, sizeof(note), "%" PRIu64 " %u\n",
                    (uint64_t) now.tv_sec * SEC + (uint64_t) now.tv_nsec / 1000 - usec_ago, times); /* fits */
    write_text("state/failed", note);
}

static void each_wait_is_longer_up_to_a_minute(void **state)
{
    static const struct {
        unsigned times;
        uint64_t sec;
    } rows[] = { { 1, 5 }, { 2, 15 }, { 3, 45 }, { 4, 60 }, { 5, 60 }, { 1000, 60 }, { 2147483647, 60 } };

    (void) state;
    assert_int_equal(pace_usec_left(&opened, NULL), 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        uint64_t left;

        print_message("  %u\n", rows[i].times);
        failed(rows[i].times, SEC);
        left = pace_usec_left(&opened, NULL);
        assert_true(left <= (rows[i].sec - 1) * SEC && left > (rows[i].sec - 1) * SEC - SLACK);
        failed(rows[i].times, rows[i].sec * SEC);
        assert_int_equal(pace_usec_left(&opened, NULL), 0);
    }
}

static void touch_now(const char *path)
{
    assert_int_equal(utimensat(AT_FDCWD, path, NULL, 0), 0); /* and so when it was changed */
}

static void a_change_of_the_configuration_ends_the_wait(void **state)
{
    static const char *const paths[] = { "config", "config/sssd.conf", "config/conf.d", "config/conf.d/a.conf" };

    (void) state;
    assert_int_equal(mkdir("config", 0755), 0);
    assert_int_equal(mkdir("config/conf.d", 0755), 0);
    write_text("config/sssd.conf", "");
    write_text("config/conf.d/a.conf", "");
    sleep_msec(60); /* file systems count in ticks of some ms */
    failed(2, 20000);
    assert_true(pace_usec_left(&opened, NULL) > 10 * SEC);
    for (size_t i = 0; i < N_OF(paths); i++) {
        print_message("  %s\n", paths[i]);
        failed(2, 20000);
        touch_now(paths[i]);
        assert_int_equal(pace_usec_left(&opened, NULL), 0);
        sleep_msec(60);
        failed(2, 20000); /* and it was of no use */
        assert_true(pace_usec_left(&opened, NULL) > 10 * SEC);
    }
}

static void a_reload_of_units_ends_the_wait(void **state)
{
    static const struct {
        const char *label;
        uint64_t reloaded_usec; /* ago; 0: never */
        bool ends;
    } rows[] = {
        { "never", 0, false },
        { "before", 3 * SEC, false },
        { "since", SEC, true },
    };
    struct manager *manager = NULL;

    (void) state;
    pid1_starts();
    assert_int_equal(manager_open(&manager), 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        char line[64] = "UnitsLoadTimestampMonotonic=0";

        print_message("  %s\n", rows[i].label);
        failed(2, 2 * SEC);
        if (rows[i].reloaded_usec > 0)
            (void) snprintf(line, sizeof(line), "UnitsLoadTimestampMonotonic=%" PRIu64, now_usec() - rows[i].reloaded_usec);
        unit_has("systemd", line);
        assert_int_equal(pace_usec_left(&opened, manager) == 0, rows[i].ends);
        assert_true(pace_usec_left(&opened, NULL) > 10 * SEC);
    }
    /* Nobody who can be asked is no change. */
    pid1_stops();
    assert_true(pace_usec_left(&opened, manager) > 5 * SEC);
    manager_free(manager);
}

static void a_change_of_units_or_configuration_is_seen_without_a_failure(void **state)
{
    (void) state;
    assert_false(pace_changed_within(NULL, 60 * SEC));
    assert_int_equal(mkdir("config", 0755), 0);
    assert_true(pace_changed_within(NULL, 60 * SEC));
    sleep_msec(60);
    assert_false(pace_changed_within(NULL, 20000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STATE(each_wait_is_longer_up_to_a_minute),
        IN_STATE(a_change_of_the_configuration_ends_the_wait),
        IN_STATE(a_reload_of_units_ends_the_wait),
        IN_STATE(a_change_of_units_or_configuration_is_seen_without_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
