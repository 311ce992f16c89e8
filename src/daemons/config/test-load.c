/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
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

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define SOUND "[sssd]\nservices = nss\ndomains = one\n[domain/one]\nid_provider = ldif\n"

#define FOREIGN_LETTERS "the name of an option or section has letters other than ASCII, '!' or a control character"

/* The test works in a folder of its own: names in it are the same in every run. */
static int setup(void **state)
{
    char *folder = strdup("/tmp/test-load-XXXXXX");

    assert_non_null(folder);
    assert_non_null(mkdtemp(folder));
    assert_return_code(chdir(folder), errno);
    assert_return_code(mkdir("conf.d", 0700), errno);
    *state = folder;
    return 0;
}

static int teardown(void **state)
{
    char *folder = *state;
    CLEANUP(freep) char *command = NULL;

    assert_return_code(chdir("/"), errno);
    assert_true(asprintf(&command, "rm -rf %s", folder) > 0);
    assert_int_equal(system(command), 0);
    free(folder);
    return 0;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_return_code(chmod(name, 0600), errno);
}

static int load(struct config **ret, char **ret_why)
{
    return config_load_from(".", "sssd.conf", getuid(), getgid(), ret, ret_why);
}

static void assert_refused(const char *text, int expected, const char *expected_why)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *why = NULL;

    put("sssd.conf", text);
    assert_int_equal(load(&config, &why), expected);
    assert_string_equal(why, expected_why);
    assert_null(config);
}

static void a_sound_configuration_is_read(void **state)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *why = NULL;

    (void) state;
    put("sssd.conf", "# mine\n[SSSD]\nServices =  nss \ndomains = one\ndescription =\n"
                     "[nss]\nfilter_users = root, jörg\n[domain/One]\nID_provider = LDIF\nenumerate = True\n");
    assert_int_equal(load(&config, &why), 0);
    assert_null(why);
    assert_null(config_remarks(config));
    assert_string_equal(config_get(config, "sssd", "services"), "nss");
    assert_string_equal(config_get(config, "sssd", "domains"), "one");
    assert_string_equal(config_get(config, "nss", "filter_users"), "root, jörg");
    assert_true(config_bool(config, "domain/one", "enumerate"));
}

static void every_fault_is_told_with_its_line(void **state)
{
    (void) state;
    assert_refused("[sssd]\n"
                   "service = nss\n"
                   "services = nss, pam\n"
                   "domains = one, two\n"
                   "enumerate = true\n"
                   "\n"
                   "[pam]\n"
                   "timeout = 5\n"
                   "[nss]\n"
                   "xyzzy = 1\n"
                   "memcache_timeout = soon\n"
                   "override_homedir = /home/%P\n"
                   "[domain/one]\n"
                   "id_provider = ad\n"
                   "min_id = 10\n"
                   "max_id = 9\n"
                   "full_name_format = %2$s\n"
                   "[domain/a/b]\n",
                   -EINVAL,
                   "./sssd.conf:2: [sssd] service: this build has no such option here; perhaps services\n"
                   "./sssd.conf:3: [sssd] services: this build does not have \"pam\"; allowed: nss\n"
                   "./sssd.conf:5: [sssd] enumerate: this build has no such option here; it belongs to [domain/NAME]\n"
                   "./sssd.conf:7: [pam]: this build has no such section; allowed: [sssd], [nss], [domain/NAME]\n"
                   "./sssd.conf:10: [nss] xyzzy: this build has no such option here; nor one with a name like that\n"
                   "./sssd.conf:11: [nss] memcache_timeout: \"soon\" is not such a time; allowed: 0 to 31622400 seconds, or a "
                   "number with ms, s, min or h\n"
                   "./sssd.conf:12: [nss] override_homedir: \"/home/%P\" is no template for a folder; allowed: text with %u "
                   "%U %d %f %l %o %h %H %%\n"
                   "./sssd.conf:14: [domain/one] id_provider: this build does not have \"ad\"; allowed: ldif\n"
                   "./sssd.conf:17: [domain/one] full_name_format: \"%2$s\" is no template for names; allowed: text with "
                   "%1$s (the name), %2$s (the domain), %%\n"
                   "./sssd.conf:18: [domain/a/b]: this cannot be a domain; allowed: " "up to 64 letters, digits, - . _, not - "
                   "or . first\n"
                   "./sssd.conf:16: [domain/one] max_id: is below min_id; allowed: 10 and up, or 0\n"
                   "./sssd.conf:4: [sssd] domains: \"two\" has no section [domain/two]");
}

static void faults_of_one_option(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "[sssd]\nservices = nss\n", "./sssd.conf:1: [sssd] domains: no domain is turned on; allowed: names of sections "
                                      "[domain/NAME]" },
        { "[sssd]\ndomains = one\n[domain/one]\n", "./sssd.conf:3: [domain/one] id_provider: is missing; allowed: ldif" },
        { "[sssd]\ndomains = one, ONE\n[domain/one]\nid_provider = ldif\n",
          "./sssd.conf:2: [sssd] domains: \"ONE\" is there twice; allowed: each once" },
        { SOUND "enabled = maybe\n", "./sssd.conf:6: [domain/one] enabled: \"maybe\" is neither; allowed: true, false" },
        { SOUND "enabled = false\n", "./sssd.conf:3: [sssd] domains: no domain is turned on; allowed: names of sections "
                                     "[domain/NAME]" },
        { SOUND "override_shell = bash\n",
          "./sssd.conf:6: [domain/one] override_shell: \"bash\" is not a path; allowed: one that begins with /" },
        { SOUND "min_id = -1\n",
          "./sssd.conf:6: [domain/one] min_id: \"-1\" is not such a number; allowed: 0 to 4294967295" },
        { SOUND "[sssd]\nconfig_file_version = 1\n",
          "./sssd.conf:7: [sssd] config_file_version: \"1\" is not supported; allowed: 2" },
        { SOUND "[sssd]\nservices = NSS\n",
          "./sssd.conf:7: [sssd] services: this build does not have \"NSS\"; allowed: nss" },
        { SOUND "[sssd]\nservices = nss,nss\n",
          "./sssd.conf:7: [sssd] services: \"nss\" is there twice; allowed: each once" },
        { SOUND "[sssd]\nenable_files_domain = true\n",
          "./sssd.conf:7: [sssd] enable_files_domain: this build does not have \"true\"; allowed: false" },
        { SOUND "[sssd]\ndefault_domain_suffix = two\n",
          "./sssd.conf:7: [sssd] default_domain_suffix: \"two\" is none of the domains; allowed: one" },
        { SOUND "use_fully_qualified_names = false\n[sssd]\ndefault_domain_suffix = one\n",
          "./sssd.conf:6: [domain/one] use_fully_qualified_names: cannot be false while [sssd] has default_domain_suffix; "
          "allowed: true" },
        { SOUND "[nss]\nxyzzy_timeout_of_nobody = 300\n",
          "./sssd.conf:7: [nss] xyzzy_timeout_of_nobody: this build has no such option here; nor one with a name like that" },
        { SOUND "[nsss]\n", "./sssd.conf:6: [nsss]: this build has no such section; perhaps [nss]; allowed: [sssd], [nss], "
                            "[domain/NAME]" },
        { SOUND "[domain/]\n", "./sssd.conf:6: [domain/]: this cannot be a domain; allowed: up to 64 letters, digits, - . "
                               "_, not - or . first" },
        { SOUND "[sssd]\nconfig_file_version = \n", "./sssd.conf:7: [sssd] config_file_version: is empty; allowed: 2" },
        { "[sssd]\nservices = pam\n[domain/one]\nid_provider = ldif\n",
          "./sssd.conf:2: [sssd] services: this build does not have \"pam\"; allowed: nss\n"
          "./sssd.conf:1: [sssd] domains: no domain is turned on; allowed: names of sections [domain/NAME]" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_refused(rows[i].text, -EINVAL, rows[i].why);
}

static void a_text_that_libini_refuses_is_told_with_its_line(void **state)
{
    (void) state;
    assert_refused(SOUND "nonsense\n", -EBADMSG, "./sssd.conf:6: Equal sign is missing");
    assert_refused("", -EBADMSG, "./sssd.conf: is empty");
    assert_refused(SOUND "\xc3\xa4 = 1\n", -EILSEQ, "./sssd.conf:6: " FOREIGN_LETTERS);
    assert_refused(SOUND "[a=\xc3\xa4]\n", -EILSEQ, "./sssd.conf: " FOREIGN_LETTERS);
    assert_refused(SOUND "# \xff\n", -EILSEQ, "./sssd.conf:6: this is not UTF-8 text");
}

static void snippets_override_option_by_option(void **state)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *why = NULL;

    (void) state;
    put("sssd.conf", SOUND "min_id = 5\nmax_id = wrong\n");
    put("conf.d/10.conf", "[DOMAIN/one]\nMax_ID = 7\nentry_cache_timeout = 1\n");
    put("conf.d/9.conf", "[domain/one]\nentry_cache_timeout = 2\n");
    put("conf.d/.hidden.conf", "nonsense");
    put("conf.d/other.txt", "nonsense");
    put("conf.d/a.conf", "nonsense\n");
    put("conf.d/b.conf", "[sssd]\nservices = none\n");
    assert_return_code(chmod("conf.d/b.conf", 0644), errno);

    assert_int_equal(load(&config, &why), 0);
    assert_int_equal(config_u32(config, "domain/one", "min_id"), 5);
    assert_int_equal(config_u32(config, "domain/one", "max_id"), 7);
    assert_int_equal(config_usec(config, "domain/one", "entry_cache_timeout"), 2000000); /* 9 comes after 10 */
    assert_string_equal(config_remarks(config), "./conf.d/a.conf:1: Equal sign is missing\n"
                                                "./conf.d/b.conf: has mode 0644; allowed: 0600 or 0640");
}

static void a_fault_in_a_snippet_names_the_snippet(void **state)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *why = NULL;

    (void) state;
    put("sssd.conf", SOUND);
    put("conf.d/a.conf", "\n[nss]\n\nfd_limit = 1\n");
    assert_int_equal(load(&config, &why), -EINVAL);
    assert_string_equal(why, "./conf.d/a.conf:4: [nss] fd_limit: \"1\" is not such a number; allowed: 64 to 4294967295");
}

static void snippets_alone_will_do(void **state)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *why = NULL;

    (void) state;
    assert_int_equal(load(&config, &why), -ENOENT);
    assert_string_equal(why, "./sssd.conf: there is no configuration");
    why = (free(why), NULL);

    put("conf.d/a.conf", SOUND);
    assert_int_equal(load(&config, &why), 0);
}

static void domains_are_those_that_are_turned_on(void **state)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *why = NULL;

    (void) state;
    put("sssd.conf", "[sssd]\ndomains = c, off, a\n"
                     "[domain/off]\nenabled = False\nid_provider = ldif\n"
                     "[domain/Z]\nenabled = TRUE\nid_provider = ldif\n"
                     "[domain/y]\nenabled = true\nid_provider = ldif\n"
                     "[domain/a]\nid_provider = ldif\nenabled = true\n"
                     "[domain/never]\nmin_id = 3\n"
                     "[domain/C]\nid_provider = ldif\n");
    assert_int_equal(load(&config, &why), 0);
    assert_string_equal(config_get(config, "sssd", "domains"), "c, a, y, Z");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_sound_configuration_is_read),
        TEST(every_fault_is_told_with_its_line),
        TEST(faults_of_one_option),
        TEST(a_text_that_libini_refuses_is_told_with_its_line),
        TEST(snippets_override_option_by_option),
        TEST(a_fault_in_a_snippet_names_the_snippet),
        TEST(snippets_alone_will_do),
        TEST(domains_are_those_that_are_turned_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
