/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of providers.c, with modules in the test's folder. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "lib/config.h"
#include "test/fixture.h"
#include "tools/providers.h"

#define LDAP "[domain/one]\nid_provider = ldap\n"
#define FILES "[domain/two]\nid_provider = files\n"

/* An SSSD with these providers. */
static void put_modules(const char *const *names, size_t n)
{
    assert_int_equal(system("rm -rf modules"), 0); /* of the one before */
    assert_int_equal(mkdir("modules", 0755), 0);
    for (size_t i = 0; i < n; i++) {
        char path[64];

        (void) snprintf(path, sizeof(path), "modules/libsss_%s.so", names[i]); /* fits */
        write_text(path, "");
    }
}

/* "" where all are there. */
static const char *asked(enum engine engine, const char *text)
{
    struct conf_policy policy = conf_policies[engine];
    static char says[512];
    CLEANUP(conf_freep) struct conf *config = NULL;
    CLEANUP(freep) char *why = NULL;
    int r;

    (void) mkdir("config", 0755); /* it may be there */
    write_text("config/sssd.conf", text);
    assert_int_equal(chmod("config/sssd.conf", 0600), 0);
    policy.uid = geteuid(); /* a package is built by an ordinary user */
    policy.gid = getegid();
    assert_int_equal(conf_read("config", "sssd.conf", &policy, NULL, NULL, &config, &why), 1);

    r = providers_are_there(config, &why);
    assert_true(r == 1 || (r == 0 && why));
    (void) snprintf(says, sizeof(says), "%s", r == 1 ? "" : why);
    return says;
}

static void a_provider_that_this_sssd_has_not_is_told(void **state)
{
    static const char *const old[] = { "simple", "ldap", "files" }, *const newest[] = { "simple", "ldap", "idp" };
    static const struct {
        const char *text, *now;
    } rows[] = {
        { "[sssd]\ndomains = one\n" LDAP FILES, "" },
        { "[sssd]\ndomains = two\n" LDAP FILES, "[domain/two] id_provider: this SSSD has no \"files\"" },
        { "[sssd]\ndomains = one, two\n" LDAP FILES, "[domain/two] id_provider: this SSSD has no \"files\"" },
        { "[sssd]\ndomains = one, two\n" LDAP FILES "enabled = false\n", "" },
        { "[sssd]\nenable_files_domain = true\n", "[sssd] enable_files_domain: this SSSD has no files provider" },
        { "[sssd]\nenable_files_domain = true\ndomains = one\n" LDAP, "" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        put_modules(old, N_OF(old));
        assert_string_equal(asked(ENGINE_2_10, rows[i].text), "");
        put_modules(newest, N_OF(newest));
        if (rows[i].now[0])
            assert_non_null(strstr(asked(ENGINE_2_10, rows[i].text), rows[i].now));
        else
            assert_string_equal(asked(ENGINE_2_10, rows[i].text), "");
    }
}

static void where_no_sssd_is_nothing_is_said(void **state)
{
    static const char *const others[] = { "ldap" };

    (void) state;
    assert_string_equal(asked(ENGINE_2_10, "[sssd]\ndomains = two\n" FILES), "");
    put_modules(others, N_OF(others));
    assert_string_equal(asked(ENGINE_2_10, "[sssd]\ndomains = two\n" FILES), "");
}

static void our_own_daemons_have_no_modules(void **state)
{
    static const char *const newest[] = { "simple", "ldap" };

    (void) state;
    put_modules(newest, N_OF(newest));
    assert_string_equal(asked(ENGINE_OWN, "[sssd]\ndomains = one\n[domain/one]\nid_provider = ldif\n"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_provider_that_this_sssd_has_not_is_told),
        IN_FOLDER(where_no_sssd_is_nothing_is_said),
        IN_FOLDER(our_own_daemons_have_no_modules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
