/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "config/config.h"
#include "config/image.h"
#include "config/options.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static struct config *sample(void)
{
    struct config_entry entries[] = {
        { "sssd", "services", "nss" },
        { "domain/Two", "entry_cache_timeout", " 2 min\t" },
        { "domain/one", "case_sensitive", "Preserving" },
        { "sssd", "domains", " one ,, Two,three , " },
        { "nss", "override_homedir", "/home/%u" },
        { "nss", "pwfield", "" },
        { "nss", "debug_level", "0x0270" },
        { "domain/one", "enumerate", "TRUE" },
        { "domain/one", "override_homedir", "/srv/%u" },
    };
    struct config *config = NULL;

    assert_int_equal(config_from_entries(entries, ARRAY_SIZE(entries), &config), 0);
    return config;
}

static void values_are_found_in_any_case_and_without_blanks(void **state)
{
    CLEANUP(config_freep) struct config *config = sample();

    (void) state;
    assert_string_equal(config_get(config, "SSSD", "Services"), "nss");
    assert_string_equal(config_get(config, "domain/TWO", "entry_cache_timeout"), "2 min");
    assert_null(config_get(config, "domain/one", "entry_cache_timeout"));
    assert_null(config_get(config, "domain/none", "enumerate"));
    assert_null(config_get(config, "nss", "pwfield")); /* an empty one is none */
}

static void defaults_come_from_the_table(void **state)
{
    CLEANUP(config_freep) struct config *config = sample();

    (void) state;
    assert_string_equal(config_text(config, "nss", "pwfield"), "*");
    assert_string_equal(config_text(config, "nss", "override_shell"), "");
    assert_int_equal(config_usec(config, "nss", "entry_negative_timeout"), 15000000);
    assert_int_equal(config_u32(config, "domain/one", "min_id"), 1);
    assert_int_equal(config_u32(config, "nss", "debug_level"), 0x270);
    assert_true(config_bool(config, "domain/one", "enumerate"));
    assert_false(config_bool(config, "domain/Two", "enumerate"));
}

static void one_option_can_decide_for_another(void **state)
{
    CLEANUP(config_freep) struct config *config = sample();

    (void) state;
    assert_int_equal(config_usec(config, "domain/Two", "entry_cache_user_timeout"), 120000000);
    assert_int_equal(config_usec(config, "domain/one", "entry_cache_user_timeout"), 5400000000);
    assert_string_equal(config_text(config, "domain/one", "override_homedir"), "/srv/%u");
    assert_string_equal(config_text(config, "domain/Two", "override_homedir"), "/home/%u");
    assert_string_equal(config_text(config, "domain/Two", "full_name_format"), "%1$s@%2$s");
}

static void lists_have_no_blanks_and_no_empty_items(void **state)
{
    CLEANUP(config_freep) struct config *config = sample();
    CLEANUP(freep) char **domains = config_list(config, "sssd", "domains");
    CLEANUP(freep) char **filtered = config_list(config, "nss", "filter_users");
    CLEANUP(freep) char **vetoed = config_list(config, "nss", "vetoed_shells");

    (void) state;
    assert_string_equal(domains[0], "one");
    assert_string_equal(domains[1], "Two");
    assert_string_equal(domains[2], "three");
    assert_null(domains[3]);
    assert_string_equal(filtered[0], "root");
    assert_null(filtered[1]);
    assert_null(vetoed[0]);
}

/* Every default has to pass the check that an administrator's value has to. */
static void defaults_are_allowed_values(void **state)
{
    (void) state;
    for (size_t i = 0; option_at(i); i++) {
        const struct option *option = option_at(i);
        CLEANUP(freep) char *why = NULL;

        assert_true((option->fallback == NULL) != (option->from == NULL));
        if (option->fallback && option->fallback[0] && option_check(option, option->fallback, &why) < 0)
            fail_msg("[%s] %s: %s", option->section ? option->section : "*", option->key, why);
    }
}

static void no_option_is_in_the_table_twice(void **state)
{
    (void) state;
    for (size_t i = 0; option_at(i); i++) {
        const char *section = option_at(i)->section ? option_at(i)->section : "nss";

        assert_ptr_equal(option_find(strcmp(section, "domain") == 0 ? "domain/x" : section, option_at(i)->key), option_at(i));
    }
}

static void a_slip_of_the_pen_is_recognized(void **state)
{
    (void) state;
    assert_string_equal(option_nearest("domain/x", "ldif_file"), "ldif_files");
    assert_string_equal(option_nearest("sssd", "service"), "services");
    assert_string_equal(option_nearest("nss", "Entry_Negative_Timout"), "entry_negative_timeout");
    assert_null(option_nearest("nss", "xyzzy"));
    assert_null(option_nearest("nosuch", "services"));
    assert_string_equal(option_home("id_provider"), "domain");
    assert_string_equal(option_nearest_section("ssd"), "sssd");
    assert_null(option_nearest_section("autofs"));
}

/* --- Snapshots ------------------------------------------------------------------------------------------------- */

struct folder {
    char path[64];
    char snapshot[80];
};

static int folder_make(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));

    assert_non_null(folder);
    strcpy(folder->path, "/tmp/test-config-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    (void) snprintf(folder->snapshot, sizeof(folder->snapshot), "%s/config", folder->path);
    *state = folder;
    return 0;
}

static int folder_remove(void **state)
{
    struct folder *folder = *state;

    (void) unlink(folder->snapshot);
    assert_int_equal(rmdir(folder->path), 0); /* nothing else was left there */
    free(folder);
    return 0;
}

static void a_snapshot_reads_as_it_was_written(void **state)
{
    struct folder *folder = *state;
    CLEANUP(config_freep) struct config *config = sample();
    CLEANUP(config_freep) struct config *copy = NULL;
    size_t bytes, copy_bytes;
    const void *image = config_image(config, &bytes), *copy_image;
    struct stat st;

    assert_int_equal(config_read_snapshot(folder->snapshot, &copy), -ENOENT);
    for (int i = 0; i < 2; i++) /* the second one replaces the first */
        assert_int_equal(config_write_snapshot(config, folder->snapshot, getgid()), 0);
    assert_int_equal(stat(folder->snapshot, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);

    assert_int_equal(config_read_snapshot(folder->snapshot, &copy), 0);
    copy_image = config_image(copy, &copy_bytes);
    assert_int_equal(copy_bytes, bytes);
    assert_memory_equal(copy_image, image, bytes);
    assert_string_equal(config_get(copy, "domain/one", "override_homedir"), "/srv/%u");
}

static void a_snapshot_that_cannot_be_replaced_leaves_nothing(void **state)
{
    struct folder *folder = *state;
    CLEANUP(config_freep) struct config *config = sample();

    assert_int_equal(mkdir(folder->snapshot, 0700), 0);
    assert_int_equal(config_write_snapshot(config, folder->snapshot, getgid()), -EISDIR);
    assert_int_equal(rmdir(folder->snapshot), 0);
}

static void change(const char *command, const char *folder)
{
    CLEANUP(freep) char *whole = NULL;

    assert_true(asprintf(&whole, "cd %s && %s", folder, command) > 0);
    assert_int_equal(system(whole), 0);
}

static void whatever_changes_a_file_changes_the_stamp(void **state)
{
    static const char *const changes[] = {
        "echo '[sssd]' > sssd.conf",
        "echo '[sssd]' > new && touch -r sssd.conf new && mv new sssd.conf", /* the same, but another file */
        "touch -d '1 minute ago' sssd.conf",
        "chmod 666 sssd.conf",
        "mkdir conf.d",
        "echo > conf.d/a.conf",
        "touch -d '1 minute ago' conf.d/a.conf",
        "mv conf.d/a.conf conf.d/b.conf",
        "rm conf.d/b.conf",
        "rm -r conf.d",
        "rm sssd.conf",
    };
    struct folder *folder = *state;
    CLEANUP(config_freep) struct config *config = sample();

    assert_false(config_is_of(config, folder->path, "sssd.conf")); /* it has no stamp */
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        CLEANUP(config_freep) struct config *part = NULL;
        CLEANUP(freep) char *stamp = NULL;

        assert_int_equal(config_stamp(folder->path, "sssd.conf", &stamp), 0);
        assert_int_equal(config_part(config, "nss", stamp, &part), 0);
        assert_true(config_is_of(part, folder->path, "sssd.conf"));
        change(changes[i], folder->path);
        if (config_is_of(part, folder->path, "sssd.conf"))
            fail_msg("%s", changes[i]);
    }
}

static void a_part_is_what_a_service_uses(void **state)
{
    static const struct {
        const char *service, *section, *key, *value;
    } rows[] = {
        { "nss", "sssd", "domains", "one ,, Two,three ," },
        { "nss", "sssd", "services", "nss" },
        { "domain/one", "sssd", "services", NULL },
        { "nss", "domain/one", "enumerate", "TRUE" },
        { "nss", "nss", "debug_level", "0x0270" },
        { "domain/one", "domain/one", "case_sensitive", "Preserving" },
        { "domain/one", "domain/one", "enumerate", NULL },
        { "domain/one", "domain/Two", "entry_cache_timeout", NULL },
        { "domain/one", "nss", "debug_level", NULL },
        { "domain/one", "sssd", "domains", "one ,, Two,three ," },
    };
    CLEANUP(config_freep) struct config *config = sample();

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(config_freep) struct config *part = NULL, *stamped = NULL;
        const char *value;

        assert_int_equal(config_part(config, rows[i].service, NULL, &part), 0);
        value = config_get(part, rows[i].section, rows[i].key);
        if (!value != !rows[i].value || (value && strcmp(value, rows[i].value) != 0))
            fail_msg("%s: [%s] %s is %s", rows[i].service, rows[i].section, rows[i].key, value);
        assert_int_equal(config_part(config, rows[i].service, "a stamp", &stamped), 0);
        assert_true(config_is_same(part, stamped));
        assert_int_equal(config_is_same(part, config), strcmp(rows[i].service, "nss") == 0); /* which uses all of this one */
    }
}

static void a_damaged_snapshot_is_refused(void **state)
{
    CLEANUP(config_freep) struct config *config = sample();
    CLEANUP(config_freep) struct config *copy = NULL;
    size_t bytes;
    const char *image = config_image(config, &bytes);
    CLEANUP(freep) char *damaged = malloc(bytes);

    (void) state;
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(config_from_image(image, i, &copy), -EBADMSG);
    for (size_t i = 0; i < bytes; i++) {
        memcpy(damaged, image, bytes);
        damaged[i] ^= 0x20;
        assert_int_equal(config_from_image(damaged, bytes, &copy), -EBADMSG);
    }
    assert_null(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_in_any_case_and_without_blanks),
        cmocka_unit_test(defaults_come_from_the_table),
        cmocka_unit_test(one_option_can_decide_for_another),
        cmocka_unit_test(lists_have_no_blanks_and_no_empty_items),
        cmocka_unit_test(defaults_are_allowed_values),
        cmocka_unit_test(no_option_is_in_the_table_twice),
        cmocka_unit_test(a_slip_of_the_pen_is_recognized),
        cmocka_unit_test_setup_teardown(a_snapshot_reads_as_it_was_written, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_snapshot_that_cannot_be_replaced_leaves_nothing, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(whatever_changes_a_file_changes_the_stamp, folder_make, folder_remove),
        cmocka_unit_test(a_part_is_what_a_service_uses),
        cmocka_unit_test(a_damaged_snapshot_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
