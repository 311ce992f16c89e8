/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of cache.c, with a PID 1 of their own, and a process in the place of the monitor that takes the flag away as responders do. */

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/services.h"
#include "test/own-engine.h"
#include "tools/backends.h"
#include "tools/cache.h"
#include "tools/test-machine.h"

#define FLAG "sss/mc/clear_mc_flag"
#define LDIF "[sssd]\ndomains = d\n[domain/d]\nid_provider = ldif\n"

static pid_t monitor;
static bool offline;

/* In the child that runs the command. */
int backends_refresh(const struct domains *domains, char *why, size_t why_bytes)
{
    FILE *file = fopen("refreshed", "ae");

    if (file && fprintf(file, "%s\n", domains->names[0]) > 0)
        (void) fclose(file); /* the test sees what is missing */
    (void) snprintf(why, why_bytes, "domain d is offline"); /* fits */
    return !offline;
}

static void on_hangup(int number)
{
    (void) number;
    (void) unlink(FLAG);
}

static void on_go_online(int number)
{
    (void) number;
    (void) mkdir("was-told-online", 0755);
}

static void start_monitor(bool minds)
{
    (void) fflush(NULL);
    monitor = fork();
    assert_true(monitor >= 0);
    if (monitor == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
        (void) signal(SIGHUP, minds ? on_hangup : SIG_IGN);
        (void) signal(SIGUSR2, on_go_online);
        write_text("ready", "");
        for (;;)
            (void) pause();
    }
    wait_for_file("ready");
    unit_is(MONITOR, "loaded", "active", "enabled", monitor);
    unit_is("sss-nss.service", "loaded", "active", "static", 77);
}

static void put_cache(void)
{
    const uint32_t header[14] = { 0xf0000001, 1, 1, 1, [12] = 0xf0000001 };
    FILE *file = fopen("sss/mc/passwd", "we");

    assert_true(file && fwrite(header, sizeof(header), 1, file) == 1);
    assert_int_equal(fclose(file), 0);
}

/* Of what clients map: 1 alive, 2 recycled, 0 gone. */
static uint32_t status_of_cache(void)
{
    uint32_t header[14] = { 0 };
    FILE *file = fopen("sss/mc/passwd", "re");

    if (!file)
        return 0;
    assert_int_equal(fread(header, sizeof(header), 1, file), 1);
    (void) fclose(file); /* was only read */
    return header[3];
}

static int cache_enter(void **state)
{
    if (machine_enter(state) < 0 || mkdir("sss", 0755) < 0 || mkdir("sss/mc", 0755) < 0)
        return -1;
    monitor = 0;
    offline = false;
    own_is_configured();
    unit_is(MONITOR_SOCKET, "loaded", "active", "", 0);
    unit_is("sss-stop.service", "loaded", "active", "static", 0);
    put_cache();
    return 0;
}

static int cache_leave(void **state)
{
    if (monitor > 0) {
        (void) kill(monitor, SIGKILL);
        (void) exit_status_of(monitor);
    }
    return machine_leave(state);
}

#define IN_CACHE(test) cmocka_unit_test_setup_teardown(test, cache_enter, cache_leave)

static int run_quietly(void *userdata)
{
    (void) unsetenv("JOURNAL_STREAM"); /* a person reads it */
    return freopen("said", "w", stdout) && dup2(STDOUT_FILENO, STDERR_FILENO) >= 0 ? cache_run(userdata) : 255;
}

static int ran(struct cache_options options)
{
    return in_child(run_quietly, &options);
}

#define RAN(...) ran((struct cache_options) { __VA_ARGS__ })

static bool said(const char *text)
{
    return strstr(read_text("said"), text) != NULL;
}

static void sssds_is_sss_caches(void **state)
{
    static const struct {
        struct cache_options options;
        const char *command;
    } rows[] = {
        { { .word = "expire" }, "sss_cache -E" },
        { { .word = "expire", .user = "jo" }, "sss_cache -u jo" },
        { { .word = "expire", .group = "staff" }, "sss_cache -g staff" },
        { { .word = "remove" }, "sss_cache -E" },
    };

    (void) state;
    write_text(ENGINE_FILE, "sssd\n");
    for (size_t i = 0; i < N_OF(rows); i++) {
        assert_int_equal(ran(rows[i].options), EXIT_FAILURE);
        assert_true(said("the engine is sssd") && said(rows[i].command));
    }
    assert_string_equal(pid1_calls(), "");
}

static void expire_has_back_ends_look_and_responders_forget(void **state)
{
    (void) state;
    write_configuration(LDIF);
    start_monitor(true);
    assert_int_equal(RAN(.word = "expire"), EXIT_SUCCESS);
    assert_string_equal(read_text("refreshed"), "d\n");
    wait_for_file("was-told-online");
    assert_false(file_exists(FLAG));
    assert_int_equal(status_of_cache(), 1); /* that is theirs to do */
    assert_string_equal(pid1_calls(), "");
    assert_true(said("all entries were compared"));

    assert_int_equal(RAN(.word = "expire", .user = "jo"), EXIT_SUCCESS);
    assert_true(said("all entries, since the sources are read whole"));
}

static void a_responder_that_does_not_mind_is_told(void **state)
{
    (void) state;
    write_configuration(LDIF);
    start_monitor(false);
    assert_int_equal(RAN(.word = "expire"), EXIT_FAILURE);
    assert_true(said("the memory caches were not cleared: sssd_nss does not answer"));
}

static void at_rest_nobody_has_them_and_the_next_sees_the_flag(void **state)
{
    (void) state;
    write_configuration(LDIF);
    assert_int_equal(RAN(.word = "expire"), EXIT_SUCCESS);
    assert_string_equal(pid1_calls(), "Start sssd.service replace\n"); /* back ends are the monitor's */
    assert_string_equal(read_text("refreshed"), "d\n");
    assert_int_equal(status_of_cache(), 2);
    assert_true(file_exists(FLAG));
}

static void a_source_that_is_away_is_a_failure_and_the_rest_is_done(void **state)
{
    (void) state;
    write_configuration(LDIF);
    start_monitor(true);
    offline = true;
    assert_int_equal(RAN(.word = "expire"), EXIT_FAILURE);
    assert_true(said("not all could be brought up to date: domain d is offline"));
    assert_false(file_exists(FLAG));
}

static void put_files(void)
{
    (void) mkdir("data", 0755); /* a row before may have made them */
    (void) mkdir("data/cache", 0755);
    write_text("data/cache/cache_d.mdb", "x");
    write_text("data/cache/cache_d.lock", "x");
    put_cache();
}

/* What is there when sssd.service starts, "" for nothing. */
static const char notes_files[] = "[ $1 = Stop ] && has $2 ActiveState=inactive && exit\n"
                                  "has $2 ActiveState=active\n[ $2 != sssd.service ] || ls data/cache > at-start\n";

static void remove_is_a_stop_an_empty_folder_and_a_start(void **state)
{
    (void) state;
    write_configuration(LDIF);
    put_files();
    unit_is(MONITOR, "loaded", "active", "enabled", 0);
    jobs_do(notes_files);
    assert_int_equal(RAN(.word = "remove"), EXIT_SUCCESS);
    assert_int_equal(strncmp(pid1_calls(), "Stop sssd.service replace\n", strlen("Stop sssd.service replace\n")), 0);
    assert_true(strlen(pid1_calls()) > 27 && strcmp(strrchr(pid1_calls(), 'S'), "Start sssd.service replace\n") == 0);
    assert_true(file_exists("at-start"));
    assert_string_equal(read_text("at-start"), "");
    assert_int_equal(status_of_cache(), 0);
    assert_true(said("the cache is empty"));
}

static void at_rest_only_the_sockets_open_again(void **state)
{
    (void) state;
    write_configuration(LDIF);
    put_files();
    assert_int_equal(RAN(.word = "remove"), EXIT_SUCCESS);
    assert_non_null(strstr(pid1_calls(), "Stop sssd.service replace\n"));
    assert_null(strstr(pid1_calls(), "Start sssd.service"));
    assert_non_null(strstr(pid1_calls(), "Start sss-nss.socket replace\n"));
    assert_non_null(strstr(pid1_calls(), "Start " MONITOR_SOCKET " replace\n"));
    assert_false(file_exists("data/cache/cache_d.mdb"));
}

static void an_administrators_stop_stands(void **state)
{
    (void) state;
    write_configuration(LDIF);
    put_files();
    administrator_stops();
    assert_int_equal(RAN(.word = "remove"), EXIT_SUCCESS);
    assert_string_equal(pid1_calls(), "");
    assert_false(file_exists("data/cache/cache_d.mdb"));
}

static void what_can_not_be_removed_is_told_and_it_starts_all_the_same(void **state)
{
    (void) state;
    write_configuration(LDIF);
    put_files();
    assert_int_equal(mkdir("data/cache/folder", 0755), 0);
    unit_is(MONITOR, "loaded", "active", "enabled", 0);
    assert_int_equal(RAN(.word = "remove"), EXIT_FAILURE);
    assert_true(said("cannot remove all of data/cache: "));
    assert_non_null(strstr(pid1_calls(), "Start sssd.service replace\n"));
    assert_false(file_exists("data/cache/cache_d.mdb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_CACHE(sssds_is_sss_caches),
        IN_CACHE(expire_has_back_ends_look_and_responders_forget),
        IN_CACHE(a_responder_that_does_not_mind_is_told),
        IN_CACHE(at_rest_nobody_has_them_and_the_next_sees_the_flag),
        IN_CACHE(a_source_that_is_away_is_a_failure_and_the_rest_is_done),
        IN_CACHE(remove_is_a_stop_an_empty_folder_and_a_start),
        IN_CACHE(at_rest_only_the_sockets_open_again),
        IN_CACHE(an_administrators_stop_stands),
        IN_CACHE(what_can_not_be_removed_is_told_and_it_starts_all_the_same),
    };

    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
