/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/test-files.h"
#include "lib/services.h"
#include "test/fixture.h"

#define DOMAIN "[domain/x]\nid_provider = ldap\n"

static const char *const engine_names[] = { [ENGINE_2_8] = "2.8", [ENGINE_2_10] = "2.10" };

/* What the engine does with the configuration in the folder, as `expect` has it: names in alphabetical order, or
 * "refused". */
static void answer(struct folder *folder, enum engine engine, char *ret, size_t bytes)
{
    static const enum responder_id sorted[] = { AUTOFS, IFP, NSS, PAC, PAM, SSH, SUDO };
    CLEANUP(freep) char *why = NULL;
    struct services services;
    int r;

    ret[0] = '\0';
    r = folder_load(folder, engine);
    if (r > 0)
        r = services_read(folder->config, &services, &why);
    if (r <= 0) {
        /* No configuration at all is none to start with; anything else has a reason. */
        if (!folder->why && !why && folder->config)
            fail_msg("refused without a reason");
        (void) snprintf(ret, bytes, "refused");
        return;
    }
    for (size_t i = 0; i < RESPONDERS; i++)
        if (services.why[sorted[i]] != NOT_THE_MONITORS)
            (void) snprintf(ret + strlen(ret), bytes - strlen(ret), "%s%s", ret[0] ? " " : "",
                            responders[sorted[i]].name); /* fits */
}

static void is_answer(struct folder *folder, const char *wanted)
{
    char got[128];

    for (enum engine engine = ENGINE_2_8; engine <= ENGINE_2_10; engine++) {
        answer(folder, engine, got, sizeof(got));
        assert_string_equal(got, wanted);
    }
}

/* --- What the engine was seen to do ------------------------------------------------------------------------------ */

/* Returns how many answers differ from those seen. */
static int check_vector(const char *path, const char *name)
{
    CLEANUP(freep) char *expect = NULL;
    char line[256], engine_name[16], got[128];
    void *state = NULL;
    struct folder *folder;
    FILE *file;
    int wrong = 0, seen = 0;

    assert_int_equal(folder_setup(&state), 0);
    folder = state;
    copy_tree(path, folder->dir);

    assert_true(asprintf(&expect, "%s/expect", path) > 0);
    file = fopen(expect, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        char *wanted = strchr(line, ':');

        line[strcspn(line, "\n")] = '\0';
        assert_non_null(wanted);
        *wanted++ = '\0';
        wanted += strspn(wanted, " ");
        assert_true(snprintf(engine_name, sizeof(engine_name), "%s", line) > 0);

        for (enum engine engine = ENGINE_2_8; engine <= ENGINE_2_10; engine++) {
            if (strcmp(engine_name, engine_names[engine]) != 0)
                continue;
            seen++;
            answer(folder, engine, got, sizeof(got));
            if (strcmp(got, wanted) != 0) {
                print_error("%s, %s: got \"%s\", wanted \"%s\" (%s)\n", name, engine_name, got, wanted,
                            folder->why ? folder->why : "");
                wrong++;
            }
        }
    }
    (void) fclose(file);
    (void) folder_teardown(&state);
    assert_int_equal(seen, 2);
    return wrong;
}

static void all_that_was_seen_is_predicted(void **state)
{
    const char *data = getenv("TEST_DATA");
    CLEANUP(freep) char *dir_path = NULL;
    struct dirent *entry;
    DIR *dir;
    int n = 0, wrong = 0;

    (void) state;
    if (!data) {
        print_message("TEST_DATA is not set\n");
        skip();
    }
    assert_true(asprintf(&dir_path, "%s/services", data) > 0);
    dir = opendir(dir_path);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        CLEANUP(freep) char *path = NULL;

        if (entry->d_name[0] == '.')
            continue;
        assert_true(asprintf(&path, "%s/%s", dir_path, entry->d_name) > 0);
        wrong += check_vector(path, entry->d_name);
        n++;
    }
    (void) closedir(dir);
    print_message("%d configurations\n", n);
    assert_true(n > 200);
    assert_int_equal(wrong, 0);
}

static void a_domain_is_spelled_as_its_section(void **state)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    CLEANUP(freep) char *why = NULL;
    struct folder *folder = *state;

    assert_int_equal(folder_write(folder, "sssd.conf",
                                  "[sssd]\ndomains = EXAMPLE, b\n[Domain/Example]\nid_provider = ldap\n"
                                  "[domain/B/trusted]\nx = y\n"), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_int_equal(domains_read(folder->config, &domains, &why), 1);
    assert_int_equal(domains.n, 2);
    assert_string_equal(domains.names[0], "Example");
    assert_string_equal(domains.names[1], "b");
}

/* --- What a domain is called -------------------------------------------------------------------------------------- */

enum name { TAKEN, REFUSED, PASSED_OVER };

/* Of a domain that stands beside another one. */
static enum name take_name(struct folder *folder, enum engine engine, const char *name)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    CLEANUP(freep) char *text = NULL;
    CLEANUP(freep) char *why = NULL;
    const char *passed_over;
    int r;

    assert_true(asprintf(&text, "[sssd]\ndomains = x, %s\n" DOMAIN "[domain/%s]\nid_provider = ldap\n", name,
                         name) > 0);
    assert_int_equal(folder_write(folder, "sssd.conf", text), 0);
    assert_int_equal(folder_load(folder, engine), 1);
    r = domains_read(folder->config, &domains, &why);
    if (r == 0 && !strstr(why, " cannot be a domain: "))
        fail_msg("%s: %s", name, why);
    if (r == 0)
        return REFUSED;
    assert_int_equal(r, 1);
    return domain_provider(folder->config, name, &passed_over) ? TAKEN : PASSED_OVER;
}

static void each_character_has_its_place(void **state)
{
    struct folder *folder = *state;

    /* Not here: "!" and a slash at the end, with which the file is refused; commas and blanks around, which are the
     * list's. */
    for (char c = ' '; c < 0x7f; c++) {
        const char names[][4] = { { 'x', c, 'y' }, { c, 'x', 'y' }, { 'x', 'y', c } };
        bool is_plain = isalnum(c) || strchr("-._*", c);

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            enum name on_2_8 = is_plain ? TAKEN : REFUSED, on_2_10 = c == ':' ? REFUSED : TAKEN;

            if (c == '!' || c == ',' || (c == ' ' && i > 0) || (c == '/' && i == 2))
                continue;
            if (c == ' ')
                on_2_10 = REFUSED;
            if (c == '\\')
                on_2_8 = on_2_10 = i == 2 ? PASSED_OVER : TAKEN;
            if (strchr("\"+;<=>/", c))
                on_2_8 = on_2_10 = PASSED_OVER;
            if (take_name(folder, ENGINE_2_8, names[i]) != on_2_8 ||
                take_name(folder, ENGINE_2_10, names[i]) != on_2_10)
                fail_msg("%s", names[i]);
        }
    }
}

static void quotes_and_backslashes_protect_what_ends_a_name(void **state)
{
    static const struct {
        const char *name;
        enum name on_2_8, on_2_10;
    } rows[] = {
        { "a\\;b", REFUSED, TAKEN },
        { "a\\\\;b", PASSED_OVER, PASSED_OVER },
        { "a\\\\\\", PASSED_OVER, PASSED_OVER },
        { "a\\\\", REFUSED, REFUSED },
        { "a\\ b", REFUSED, REFUSED },
        { "a\\/b", PASSED_OVER, PASSED_OVER },
        { "\"a;b\"", REFUSED, TAKEN },
        { "\"a\"b", REFUSED, TAKEN },
        { "\"\"", REFUSED, TAKEN },
        { "\"", PASSED_OVER, PASSED_OVER },
        { "\"a\"b\"", PASSED_OVER, PASSED_OVER },
        { "\"a\\\"", PASSED_OVER, PASSED_OVER },
        { "\"a/b\"", PASSED_OVER, PASSED_OVER },
    };
    struct folder *folder = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (take_name(folder, ENGINE_2_8, rows[i].name) != rows[i].on_2_8 ||
            take_name(folder, ENGINE_2_10, rows[i].name) != rows[i].on_2_10)
            fail_msg("%s", rows[i].name);
}

static void a_name_may_have_so_many_letters_and_no_more(void **state)
{
    static const struct {
        enum engine engine;
        char letter;
        size_t most;
    } rows[] = {
        { ENGINE_2_8, 'a', 56 },
        { ENGINE_2_8, '-', 56 },
        { ENGINE_2_10, 'a', 240 },
        { ENGINE_2_10, '-', 81 }, /* counts three times */
        { ENGINE_OWN, 'a', 64 },
    };
    struct folder *folder = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[256] = "";

        memset(name, rows[i].letter, rows[i].most);
        assert_int_equal(take_name(folder, rows[i].engine, name), TAKEN);
        name[rows[i].most] = rows[i].letter;
        assert_int_equal(take_name(folder, rows[i].engine, name), REFUSED);
    }
}

static void why_a_domain_is_passed_over_is_told(void **state)
{
    static const struct {
        const char *name, *provider, *why;
    } rows[] = {
        { "x", "ldap", NULL },
        { "y", NULL, "no id_provider" },
        { "a", "ldap", NULL },
        { "b", NULL, "not enabled" },
        { "c", NULL, "no id_provider" },
        { "d;e", NULL, "SSSD does not find such a name" },
    };
    struct folder *folder = *state;

    assert_int_equal(folder_write(folder, "sssd.conf",
                                  "[sssd]\ndomains = x, y, a, b, c, d;e\n" DOMAIN "[domain/y]\n"
                                  "[application/a]\ninherit_from = x\n"
                                  "[application/b]\ninherit_from = x\nenabled = false\n"
                                  "[application/c]\ninherit_from = z\nid_provider = ldap\n"
                                  "[domain/d;e]\nid_provider = ldap\n"), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why, *provider = domain_provider(folder->config, rows[i].name, &why);

        if (rows[i].provider)
            assert_string_equal(provider, rows[i].provider);
        else
            assert_null(provider);
        if (rows[i].why)
            assert_string_equal(why, rows[i].why);
    }
}

/* --- What is too long for a file ---------------------------------------------------------------------------------- */

/* A configuration whose line is BEFORE, then n times REPEATED, then AFTER. */
static void write_long(struct folder *folder, const char *before, const char *repeated, size_t n, const char *after)
{
    CLEANUP(freep) char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);

    assert_non_null(file);
    (void) fputs(before, file);
    for (size_t i = 0; i < n; i++)
        (void) fputs(repeated, file);
    (void) fputs(after, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(folder_write_bytes(folder, "sssd.conf", text, bytes), 0);
}

static void no_length_is_too_long(void **state)
{
    struct folder *folder = *state;

    write_long(folder, "[sssd]\ndomains = x\nservices = nss", ",", 20000, "pam\n" DOMAIN);
    is_answer(folder, "nss pam");
    write_long(folder, "[sssd]\ndomains = x\nservices = nss,", " ", 70000, "pam\n" DOMAIN);
    is_answer(folder, "nss pam");
    write_long(folder, "[sssd]\ndomains = x\nservices = nss,pam,ssh,sudo,autofs,pac,ifp", ", ,", 30000, "\n" DOMAIN);
    is_answer(folder, "autofs ifp nss pac pam ssh sudo");
    write_long(folder, "#", "x", 100000, "\n[sssd]\ndomains = x\nservices = nss, pam\n" DOMAIN);
    is_answer(folder, "nss pam");
    write_long(folder, "[sssd]\ndomains = x\nservices = nss, ", "a", 5000, "\n" DOMAIN);
    is_answer(folder, "refused");
    write_long(folder, "[sssd]\ndomains = x\nservices = nss", ",nss", 40, "\n" DOMAIN);
    is_answer(folder, "refused");
}

static void more_domains_than_anybody_has_are_an_error(void **state)
{
    struct folder *folder = *state;
    CLEANUP(freep) char *why = NULL;
    struct services services;

    write_long(folder, "[sssd]\ndomains = x", ",y", 5000, "\n" DOMAIN);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_int_equal(services_read(folder->config, &services, &why), -E2BIG);
}

/* --- What it says ------------------------------------------------------------------------------------------------ */

static void a_refusal_says_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "[sssd]\ndomains = x\nservices = nss, foo\n" DOMAIN, "/sssd.conf: services: \"foo\" is no responder" },
        { "[sssd]\ndomains = x\nservices = nss, NSS\n" DOMAIN, "/sssd.conf: services: \"NSS\" is no responder" },
        { "[sssd]\ndomains = x\nservices = nss, nss\n" DOMAIN, "/sssd.conf: services: nss is listed twice" },
        { "[sssd]\ndomains = x, X\n" DOMAIN, "X is listed twice" },
        { "[sssd]\ndomains = y\n" DOMAIN, "no domain" },
        { "[sssd]\ndomains = x\n" DOMAIN "[domain/]\na = b\n", "[domain/] has nothing after its slash" },
        { "[sssd]\ndomains = x\n" DOMAIN "[nss/]\na = b\n", "[nss/] has nothing after its slash" },
        { "[sssd]\ndomains = x\n" DOMAIN "[/x]\na = b\n", "[/x] has nothing before its slash" },
        { "[sssd]\ndomains = x\n" DOMAIN "enabled = yes\n", "[domain/x] enabled = yes: only true and false" },
        { "[sssd]\ndomains = x\n" DOMAIN "[domain/z]\nenabled = 1\n", "[domain/z] enabled = 1" },
        { "[sssd]\ndomains = a\n" DOMAIN "[application/a]\ninherit_from = x\nenabled = 1\n",
          "[application/a] enabled = 1" },
        { "[sssd]\ndomains = my x\n[domain/my x]\nid_provider = ldap\n",
          "\"my x\" cannot be a domain: ' ' is in its name" },
        { "[sssd]\ndomains = a:b\n[domain/a:b]\nid_provider = ldap\n",
          "\"a:b\" cannot be a domain: ':' is in its name" },
        { "[sssd]\ndomains = a\\\\b\n[domain/a\\\\b]\nid_provider = ldap\n", "two backslashes in a row" },
        { "[sssd]\ndomains = x;y\n[domain/x;y]\nid_provider = ldap\n", "no domain" },
        { "[sssd]\ndomains = x\nconfig_file_version = 1\n" DOMAIN, "config_file_version" },
    };
    struct folder *folder = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(freep) char *why = NULL;
        struct services services = { .file = "untouched" };

        assert_int_equal(folder_write(folder, "sssd.conf", rows[i].text), 0);
        assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
        assert_int_equal(services_read(folder->config, &services, &why), 0);
        assert_string_equal(services.file, "untouched");
        assert_non_null(why);
        if (!strstr(why, rows[i].words))
            fail_msg("\"%s\" does not say \"%s\"", why, rows[i].words);
    }
}

static void the_file_of_the_line_and_the_reason_are_told(void **state)
{
    struct folder *folder = *state;
    CLEANUP(freep) char *why = NULL;
    struct services services;

    assert_int_equal(folder_write(folder, "sssd.conf", "[sssd]\ndomains = x\n[domain/x]\nid_provider = ad\n"), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_int_equal(services_read(folder->config, &services, &why), 1);
    assert_null(services.file);
    assert_int_equal(services.why[PAC], IMPLIED);
    assert_int_equal(services.why[NSS], NOT_THE_MONITORS);

    assert_int_equal(folder_write(folder, "conf.d/10.conf", "[sssd]\nservices = nss, pac\n"), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_int_equal(services_read(folder->config, &services, &why), 1);
    assert_non_null(strstr(services.file, "/conf.d/10.conf"));
    assert_int_equal(services.why[PAC], LISTED);
    assert_int_equal(services.why[NSS], LISTED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_was_seen_is_predicted),
        TEST(a_domain_is_spelled_as_its_section),
        TEST(each_character_has_its_place),
        TEST(quotes_and_backslashes_protect_what_ends_a_name),
        TEST(a_name_may_have_so_many_letters_and_no_more),
        TEST(why_a_domain_is_passed_over_is_told),
        TEST(no_length_is_too_long),
        TEST(more_domains_than_anybody_has_are_an_error),
        TEST(a_refusal_says_what_is_wrong),
        TEST(the_file_of_the_line_and_the_reason_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
