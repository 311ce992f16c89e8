/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of check.c with the configurations that others write, tests/data/configurations, by the rules of one engine.
 *
 * Built once for each. */

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/responders.h"
#include "common/test-modes.h"
#include "lib/config.h"
#include "test/fixture.h"
#include "test/own-engine.h"
#include "tools/check.h"

#ifndef RULES
#error "RULES is the engine as the files name it"
#endif

static char expected[4096]; /* the file `expect` */

/* The value of "KEY ENGINE:", else of "KEY:"; "" if neither is there. Good for sixty more calls. */
static const char *wanted(const char *key)
{
    static char values[64][256];
    static unsigned turn;
    char *value = values[turn++ % N_OF(values)], names[2][64];

    (void) snprintf(names[0], sizeof(names[0]), "%s %s: ", key, RULES); /* these fit */
    (void) snprintf(names[1], sizeof(names[1]), "%s: ", key);
    for (size_t i = 0; i < N_OF(names); i++) {
        for (const char *line = expected; line; line = strchr(line, '\n')) {
            line += *line == '\n';
            if (strncmp(line, names[i], strlen(names[i])) == 0) {
                line += strlen(names[i]);
                (void) snprintf(value, 256, "%.*s", (int) strcspn(line, "\n"), line);
                return value;
            }
        }
    }
    value[0] = '\0';
    return value;
}

/* Is the word one of the list? */
static bool has_word(const char *list, const char *word)
{
    for (size_t n = strlen(word); *list; list += strcspn(list, " "), list += *list == ' ')
        if (strncmp(list, word, n) == 0 && (list[n] == ' ' || !list[n]))
            return true;
    return false;
}

/* Puts it into the folder `config`. */
static void take_configuration(const char *name)
{
    char from[512], mode_of[256], path[512];
    unsigned mode;

    (void) snprintf(from, sizeof(from), "%s/configurations/%s", getenv("TEST_DATA"), name);
    assert_int_equal(system("rm -rf config"), 0); /* of the one before */
    copy_tree(from, "config");
    (void) snprintf(expected, sizeof(expected), "%s", read_text("config/expect"));
    assert_true(expected[0]);

    if (sscanf(wanted("mode"), "%255s %o", mode_of, &mode) == 2) {
        (void) snprintf(path, sizeof(path), "config/%s", mode_of);
        assert_int_equal(chmod(path, mode), 0);
    }
}

static json_t *check_as_json(int *ret_status)
{
    CLEANUP(freep) char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    json_t *json;

    assert_non_null(out);
    *ret_status = check_print(true, out);
    assert_int_equal(fclose(out), 0);
    json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static const char *text_at(json_t *json, const char *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object ? json_object_get(json, object) : json, key));

    return text ? text : "";
}

/* "" for "", else below the folder. */
static void assert_file(const char *got, const char *file)
{
    if (file[0]) {
        assert_int_equal(strncmp(got, "config/", strlen("config/")), 0);
        got += strlen("config/");
    }
    assert_string_equal(got, file);
}

static void compare(json_t *json, int status)
{
    const char *verdict = wanted("verdict"), *stays = wanted("stays");
    bool ok = strcmp(verdict, "ok") == 0;
    json_t *services = json_object_get(json, "services"), *file;
    size_t i, overridden = 0;

    assert_string_equal(text_at(json, "configuration", "verdict"), verdict);
    assert_int_equal(status, atoi(wanted("check")));
    assert_non_null(strstr(text_at(json, "configuration", "says"), wanted("says")));
    assert_non_null(strstr(text_at(json, "configuration", "remarks"), wanted("remarks")));
    assert_int_equal(text_at(json, "configuration", "remarks")[0] != '\0', wanted("remarks")[0] != '\0');
    assert_file(text_at(json, "configuration", "services_file"), wanted("file"));

    assert_int_equal(json_object_size(services), ok ? RESPONDERS : 0);
    for (i = 0; ok && i < RESPONDERS; i++)
        assert_string_equal(text_at(services, NULL, responders[i].name),
                            has_word(wanted("listed"), responders[i].name)    ? "listed"
                            : has_word(wanted("implied"), responders[i].name) ? "implied"
                                                                              : "unlisted");

    json_array_foreach(json_object_get(json, "overridden_files"), i, file)
    {
        assert_true(has_word(wanted("overridden"), json_string_value(file) + strlen("config/")));
        overridden++;
    }
    assert_int_equal(overridden, wanted("overridden")[0] ? 1 + (strchr(wanted("overridden"), ' ') != NULL) : 0);

    assert_int_equal(json_is_true(json_object_get(json_object_get(json, "monitor"), "may_leave")),
                     strcmp(wanted("monitor"), "leaves") == 0);
    assert_int_equal(strncmp(text_at(json, "monitor", "stays_since"), stays, strlen(stays)), 0);
    assert_int_equal(text_at(json, "monitor", "stays_since")[0] != '\0', strcmp(wanted("monitor"), "stays") == 0);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
}

static void each_configuration_is_told_as_expected(void **state)
{
    struct dirent **entries;
    char path[512];
    int n;

    (void) state;
    if (geteuid() != 0)
        skip(); /* only root's files are believed */
    assert_non_null(getenv("TEST_DATA"));
    (void) snprintf(path, sizeof(path), "%s/configurations", getenv("TEST_DATA"));
    n = scandir(path, &entries, is_visible, alphasort);
    assert_true(n >= 20);

    for (int i = 0; i < n; i++) {
        json_t *json;
        int status;

        print_message("  %s\n", entries[i]->d_name);
        take_configuration(entries[i]->d_name);
        json = check_as_json(&status);
        compare(json, status);
        json_decref(json);
        free(entries[i]);
    }
    free(entries);
}

static unsigned fd_limit(const char *dir)
{
    CLEANUP(conf_freep) struct conf *conf = NULL;
    CLEANUP(freep) char *why = NULL;

    (void) dir; /* it is CONFIG_DIR */
    return config_load(NULL, NULL, &conf, &why) == 1 ? (unsigned) atoi(conf_get(conf, "nss", "fd_limit", NULL)) : 0;
}

static void owners_and_modes_are_those_of_the_engine_that_is_there(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip();
    assert_true(mkdir("config", 0755) == 0 && mkdir("config/conf.d", 0755) == 0);
    modes_run("config", SSSD_ENGINE, fd_limit);
    own_is_configured();
    modes_run("config", ENGINE_OWN, fd_limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(each_configuration_is_told_as_expected),
        IN_FOLDER(owners_and_modes_are_those_of_the_engine_that_is_there),
    };

    return cmocka_run_group_tests_name("configurations " RULES, tests, NULL, NULL);
}
