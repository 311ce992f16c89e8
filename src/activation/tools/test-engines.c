/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of engines.c, with a script in the place of our own monitor. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "test/own-engine.h"
#include "tools/engines.h"
#include "tools/test-machine.h"

#define LDIF "[sssd]\ndomains = d\n[domain/d]\nid_provider = ldif\n"

/* Notes how it was called, and does what is in ./answer. */
static const char script[] = "#!/bin/sh\necho \"$@\" > asked\n. ./answer\n";

static void own_answers(const char *answer)
{
    own_is_installed(script);
    write_text("answer", answer);
}

static void own_is_asked_by_its_check_config(void **state)
{
    static const struct {
        const char *answer, *says;
        int takes;
    } rows[] = {
        { "exit 0", NULL, 1 },
        { "echo all is well; exit 0", NULL, 1 },
        { "echo 'a:1: no'; echo 'a:2: neither' >&2; exit 1", "a:1: no\na:2: neither", 0 },
        { "exit 1", "own/sssd --check-config ended without a word", 0 },
        { "echo half; kill -9 $$", "half", 0 },
        { "exec sleep 20", NULL, -ETIMEDOUT },
    };

    (void) state;
    write_configuration(LDIF);
    for (size_t i = 0; i < N_OF(rows); i++) {
        CLEANUP(freep) char *says = NULL;

        print_message("  %s\n", rows[i].answer);
        own_answers(rows[i].answer);
        assert_int_equal(engine_takes(true, &says), rows[i].takes);
        assert_string_equal(read_text("asked"), "--check-config\n");
        assert_string_equal(says ? says : "", rows[i].says ? rows[i].says : "");
    }
}

static void who_says_more_than_anybody_reads_is_cut(void **state)
{
    CLEANUP(freep) char *says = NULL;

    (void) state;
    write_configuration(LDIF);
    own_answers("while echo 0123456789012345678901234567890; do :; done; exit 1");
    assert_int_equal(engine_takes(true, &says), 0);
    assert_true(strlen(says) > 16000 && strlen(says) < 16384);
}

static void without_a_configuration_there_is_nothing_to_refuse(void **state)
{
    CLEANUP(freep) char *says = NULL;

    (void) state;
    if (geteuid() != 0)
        skip();
    own_answers("exit 1");
    assert_int_equal(mkdir("config", 0755), 0);
    assert_int_equal(engine_takes(true, &says), 1);
    assert_int_equal(engine_takes(false, &says), 1);
    assert_null(says);
}

static void without_its_program_it_can_not_be_told(void **state)
{
    CLEANUP(freep) char *says = NULL;

    (void) state;
    write_configuration(LDIF);
    assert_int_equal(engine_takes(true, &says), -ENOENT);
}

static void sssd_takes_no_ldif_and_what_it_would_not_start_with(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        { NO_LINE, NULL },
        { LDIF, "[domain/d] id_provider: SSSD has no \"ldif\"" },
        { "[sssd]\ndomains = d\n[domain/d]\nid_provider = LDIF\n", "[domain/d] id_provider: SSSD has no \"ldif\"" },
        { NO_LINE "auth_provider = ldif\n", "[domain/d] auth_provider: SSSD has no \"ldif\"" },
        { NO_LINE "[domain/e]\nid_provider = ldif\n", NULL }, /* not turned on */
        { "[sssd]\nservices = nonsense\ndomains = d\n" LDAP_DOMAIN, "nonsense" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        CLEANUP(freep) char *says = NULL;

        print_message("  %s\n", rows[i].text);
        write_configuration(rows[i].text);
        assert_int_equal(engine_takes(false, &says), rows[i].says ? 0 : 1);
        assert_true(rows[i].says ? says && strstr(says, rows[i].says) : !says);
    }
}

static void a_file_that_others_may_read_is_refused_not_unknown(void **state)
{
    CLEANUP(freep) char *says = NULL;

    (void) state;
    write_configuration(NO_LINE);
    assert_int_equal(chmod("config/sssd.conf", 0666), 0);
    assert_int_equal(engine_takes(false, &says), 0);
    assert_non_null(strstr(says, "config/sssd.conf"));
}

static int asks_as_nobody(void *userdata)
{
    CLEANUP(freep) char *says = NULL;

    drop_root();
    return engine_takes(*(bool *) userdata, &says) == -EACCES ? 0 : 1;
}

static void others_than_root_are_not_told(void **state)
{
    bool own = true, sssd = false;

    (void) state;
    write_configuration(LDIF);
    own_answers("exit 0");
    assert_int_equal(chmod("config", 0700), 0);
    assert_int_equal(in_child(asks_as_nobody, &sssd), 0);
    assert_int_equal(in_child(asks_as_nobody, &own), 0);
}

/* What is printed, good until the next call. */
static const char *told(int main_pid)
{
    CLEANUP(engines_done) struct engines engines = { .says = NULL };
    FILE *out = fopen("printed", "we");

    assert_non_null(out);
    engines_read(main_pid, &engines);
    engines_print(&engines, out);
    assert_int_equal(fclose(out), 0);
    return read_text("printed");
}

static void what_is_told_follows_word_programs_and_process(void **state)
{
    (void) state;
    write_configuration(LDIF);
    assert_string_equal(told(0), "engine: sssd\n");
    write_text(ENGINE_FILE, "own\n");
    assert_string_equal(told(0), "engine: sssd, since own/sssd is not there\n");
    own_answers("exit 0");
    assert_string_equal(told(0), "engine: own\n        sssd would not take the configuration: [domain/d] id_provider: SSSD has "
                                 "no \"ldif\"\n");
    assert_non_null(strstr(told(getpid()), "engine: own; until sssd.service is restarted, sssd runs"));
    write_text(ENGINE_FILE, "nonsense\n");
    assert_non_null(strstr(told(getpid()), "engine: sssd, since engine says neither own nor sssd\n"));
    write_text(ENGINE_FILE, "sssd\n");
    assert_string_equal(told(0), "engine: sssd\n        own would take the configuration, too\n");
    write_text("answer", "echo no; exit 1");
    assert_string_equal(told(0), "engine: sssd\n        own would not take the configuration: no\n");
    write_text(ENGINE_FILE, "own\n");
    write_text(ENGINE_TRY, "");
    write_text("state/trying", "");
    assert_non_null(strstr(told(0), "for a trial: sssd comes back by itself unless you type 'sss_activation engine --keep'\n"));
}

static void programs_are_told_the_same(void **state)
{
    CLEANUP(engines_done) struct engines engines = { .says = NULL };
    CLEANUP(freep) char *text = NULL;
    json_t *json;

    (void) state;
    write_configuration(LDIF);
    own_is_configured();
    engines_read(getpid(), &engines);
    json = engines_to_json(&engines);
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    assert_string_equal(text, "{\"configured\":\"own\",\"word\":\"own\",\"running\":\"sssd\",\"back_to\":null,\"other\":{\"name\":"
                              "\"sssd\",\"installed\":true,\"takes_configuration\":false,\"says\":\"[domain/d] id_provider: SSSD has "
                              "no \\\"ldif\\\"\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MACHINE(own_is_asked_by_its_check_config),
        IN_MACHINE(who_says_more_than_anybody_reads_is_cut),
        IN_MACHINE(without_a_configuration_there_is_nothing_to_refuse),
        IN_MACHINE(without_its_program_it_can_not_be_told),
        IN_MACHINE(sssd_takes_no_ldif_and_what_it_would_not_start_with),
        IN_MACHINE(a_file_that_others_may_read_is_refused_not_unknown),
        IN_MACHINE(others_than_root_are_not_told),
        IN_MACHINE(what_is_told_follows_word_programs_and_process),
        IN_MACHINE(programs_are_told_the_same),
    };

    return cmocka_run_group_tests_name("engines", tests, NULL, NULL);
}
