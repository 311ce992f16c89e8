/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of engine.c. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/engine.h"
#include "test/own-engine.h"
#include "test/state-fixture.h"

/* tests/check-generator has the same rows: both must read it alike. */
static void own_is_one_word_and_all_else_is_sssd(void **state)
{
    static const struct {
        const char *text;
        bool own;
    } rows[] = {
        { "own", true },
        { "own\n", true },
        { "\n  own \t\n\n", true },
        { "sssd\n", false },
        { "", false },
        { "\n", false },
        { "Own\n", false },
        { "owner\n", false },
        { "own sssd\n", false },
        { "own\nsssd\n", false },
        { "# own\n", false },
        { "ooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooown\n", false },
    };

    (void) state;
    assert_false(engine_is_own());
    own_is_installed("");
    assert_false(engine_is_own());
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  \"%s\"\n", rows[i].text);
        write_text(ENGINE_FILE, rows[i].text);
        assert_int_equal(engine_is_own(), rows[i].own);
    }
}

static void without_its_programs_it_is_not_own(void **state)
{
    static const char *const programs[] = { "sssd", "sssd_be", "sssd_nss" };
    const char *missing = NULL;
    char path[64];

    (void) state;
    own_is_configured();
    assert_true(engine_has_programs(&missing));
    for (size_t i = 0; i < N_OF(programs); i++) {
        (void) snprintf(path, sizeof(path), ENGINE_DIR "/%s", programs[i]);
        assert_int_equal(unlink(path), 0);
        assert_false(engine_is_own());
        assert_false(engine_has_programs(&missing));
        assert_string_equal(missing, path);
        write_text(path, "");
        assert_int_equal(chmod(path, 0755), 0);
        assert_true(engine_is_own());
    }
}

static void the_word_of_before_counts_in_another_boot(void **state)
{
    (void) state;
    own_is_configured();
    write_text(ENGINE_TRY, "sssd\n");
    assert_false(engine_is_own());
    write_text("state/trying", "");
    assert_true(engine_is_own());

    write_text(ENGINE_FILE, "sssd\n");
    write_text(ENGINE_TRY, "own\n");
    assert_false(engine_is_own());
    assert_int_equal(unlink("state/trying"), 0);
    assert_true(engine_is_own());
}

/* A process with this program; it ends with the test. */
static pid_t run(const char *program)
{
    pid_t pid = fork();
    char path[64], name[32] = "";

    assert_true(pid >= 0);
    if (pid == 0) {
        (void) alarm(60);
        (void) execl(program, program, "60", NULL);
        _exit(127);
    }
    (void) snprintf(path, sizeof(path), "/proc/%d/comm", pid);
    while (strncmp(name, "test-", 5) == 0 || !name[0]) /* until it is another */
        (void) snprintf(name, sizeof(name), "%s", read_text(path));
    return pid;
}

static void end(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    (void) exit_status_of(pid);
}

static void what_runs_is_seen_by_its_program(void **state)
{
    char command[256];
    pid_t pid;

    (void) state;
    assert_int_equal(mkdir(ENGINE_DIR, 0755), 0);
    (void) snprintf(command, sizeof(command), "cp $(command -v sleep) %s", ENGINE_MONITOR);
    assert_int_equal(system(command), 0);

    assert_int_equal(engine_of_process(0), RUNS_NOTHING);
    assert_int_equal(engine_of_process(getpid()), RUNS_SSSD);
    pid = run(ENGINE_MONITOR);
    assert_int_equal(engine_of_process(pid), RUNS_OWN);
    /* An upgrade has put another file in its place. */
    assert_int_equal(unlink(ENGINE_MONITOR), 0);
    write_text(ENGINE_MONITOR, "");
    assert_int_equal(engine_of_process(pid), RUNS_OWN);
    end(pid);
    assert_int_equal(engine_of_process(pid), RUNS_UNKNOWN);
}

static int asks_as_somebody_else(void *userdata)
{
    drop_root();
    return engine_of_process(*(pid_t *) userdata) == RUNS_SSSD ? 0 : 1;
}

static void others_than_root_see_it_by_the_command_line(void **state)
{
    pid_t pid = getpid();

    (void) state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(asks_as_somebody_else, &pid), 0);
}

static void each_engine_has_its_own_programs(void **state)
{
    char program[PATH_MAX];

    (void) state;
    engine_program(&responders[NSS], false, program);
    assert_string_equal(program, responders[NSS].program);
    engine_program(&responders[NSS], true, program);
    assert_string_equal(program, ENGINE_DIR "/sssd_nss");
    engine_program(&kcm, true, program);
    assert_string_equal(program, kcm.program);

    own_is_configured();
    assert_true(engine_has(&responders[NSS]));
    assert_false(engine_has(&responders[PAM]));
    assert_false(engine_has_of(false, &responders[NSS])); /* the distribution's is nowhere here */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STATE(own_is_one_word_and_all_else_is_sssd),
        IN_STATE(without_its_programs_it_is_not_own),
        IN_STATE(the_word_of_before_counts_in_another_boot),
        IN_STATE(what_runs_is_seen_by_its_program),
        IN_STATE(others_than_root_see_it_by_the_command_line),
        IN_STATE(each_engine_has_its_own_programs),
    };

    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
