/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/test-files.h"
#include "lib/residency.h"

#define SAFE "[sssd]\ndomains = x\n[domain/x]\nid_provider = ldap\n"

static int ask(struct folder *folder, const char *text, char *why, size_t bytes)
{
    why[0] = '\0';
    assert_int_equal(folder_write(folder, "sssd.conf", text), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    return residency_may_leave(folder->config, why, bytes);
}

static void leaves(struct folder *folder, const char *text)
{
    char why[256];

    if (ask(folder, text, why, sizeof(why)) != 1)
        fail_msg("it stays: %s\nin:\n%s", why, text);
}

static void stays(struct folder *folder, const char *text, const char *words)
{
    char why[256];

    if (ask(folder, text, why, sizeof(why)) != 0)
        fail_msg("it leaves with:\n%s", text);
    if (!strstr(why, words))
        fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void configurations_without_work_let_it_leave(void **state)
{
    static const char *const texts[] = {
        SAFE,
        "[sssd]\ndomains = x\n[domain/x]\nid_provider = LDAP\nauth_provider = krb5\nkrb5_realm = X\n",
        "[sssd]\ndomains = x\n[domain/x]\nid_provider = proxy\nproxy_lib_name = files\nauth_provider = none\n",
        "[sssd]\ndomains = x\n[domain/x]\nid_provider = ldif\nldif_directory = /x\naccess_provider = simple\n",
        SAFE "chpass_provider = krb5\naccess_provider = permit\nsudo_provider = ldap\nautofs_provider = none\n"
             "session_provider = none\nselinux_provider = none\nsubdomains_provider = none\nhostid_provider = none\n",
        SAFE "enumerate = FALSE\nrefresh_expired_interval = 0\nldap_purge_cache_timeout = 0\n"
             "krb5_store_password_if_offline = false\nkrb5_renew_interval = 0\ndyndns_update = false\n",
        SAFE "ldap_uri = ldap://x\nldap_search_base = dc=x\nldap_tls_reqcert = demand\ncache_credentials = true\n"
             "ldap_user_ssh_public_key = k\nldap_default_authtok = secret\noffline_timeout = 1\ndebug_level = 9\n"
             "ldap_sudo_full_refresh_interval = 86400\nentry_cache_timeout = 60\nLDAP_URI = ldap://y\n",
        SAFE "enumerate =\n",                            /* empty is absent */
        SAFE "[domain/y]\nid_provider = ad\nfoo = bar\n", /* not turned on */
        SAFE "[domain/y]\nid_provider = ad\nenabled = false\n[domain/y/z]\na = b\n",
        SAFE "[nss]\nwhatever = 1\n[pam]\nx = y\n[kcm]\nx = y\n[prompting/password]\nx = y\n[certmap/x/y]\na = b\n",
        "[SSSD]\nDomains = X\ndebug_level = 9\nservices = nss\n[Domain/x]\nid_provider = ldap\n",
    };
    struct folder *folder = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        leaves(folder, texts[i]);
}

static void work_of_its_own_keeps_it(void **state)
{
    static const struct {
        const char *option, *words;
    } rows[] = {
        { "enumerate = true", "[domain/x] enumerate: all users" },
        { "enumerate = maybe", "enumerate" },
        { "ldap_enumeration_refresh_timeout = 10", "ldap_enumeration_refresh_timeout" },
        { "subdomain_enumerate = all", "subdomain_enumerate" },
        { "refresh_expired_interval = 60", "refresh_expired_interval" },
        { "ldap_purge_cache_timeout = 3600", "ldap_purge_cache_timeout" },
        { "krb5_store_password_if_offline = True", "krb5_store_password_if_offline" },
        { "krb5_renew_interval = 1h", "krb5_renew_interval" },
        { "krb5_renew_interval = 0h", "krb5_renew_interval" },
        { "dyndns_update = true", "dyndns_update" },
        { "dyndns_iface = eth0", "dyndns_iface" },
        { "auth_provider = ad", "auth_provider" },
        { "access_provider = ipa", "access_provider" },
        { "access_provider = ldap, simple", "access_provider" },
        { "chpass_provider = ad", "chpass_provider" },
        { "sudo_provider = ipa", "sudo_provider" },
        { "autofs_provider = ad", "autofs_provider" },
        { "subdomains_provider = ad", "subdomains_provider" },
        { "session_provider = ipa", "session_provider" },
        { "selinux_provider = ipa", "selinux_provider" },
        { "hostid_provider = ipa", "hostid_provider" },
        { "resolver_provider = ad", "resolver_provider" },
        { "ad_server = x", "ad_server" },
        { "ipa_hostname = x", "ipa_hostname" },
        { "subdomain_inherit = x", "subdomain_inherit" },
        { "id_provider = ad", "id_provider" },
        { "id_provider = ipa", "id_provider" },
        { "id_provider = files", "id_provider" },
        { "id_provider = *", "id_provider" },
        { "id_provider = ldap proxy", "id_provider" },
        { "option_of_next_year = 1", "[domain/x] option_of_next_year: not known" },
        { "[domain/x/y]\nuse_fully_qualified_names = false", "[domain/x/y]" },
        { "[domain/y]\nid_provider = ad\nenabled = true", "[domain/y] id_provider" },
        { "[sssd]\nenable_files_domain = true", "[sssd] enable_files_domain" },
        { "[sssd]\noption_of_next_year = 1", "[sssd] option_of_next_year" },
        { "[application/x]\ninherit_from = x", "[application/x]" },
        { "[section_of_next_year]\nx = y", "[section_of_next_year]" },
        { "[sssd]\ndomains = y", "no domain" },
        { "[sssd]\nservices = nss, foo", "\"foo\" is no responder" }, /* it would not start again */
        { "enabled = maybe", "enabled = maybe" },
    };
    struct folder *folder = *state;
    char text[512];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(snprintf(text, sizeof(text), SAFE "%s\n", rows[i].option) < (int) sizeof(text));
        stays(folder, text, rows[i].words);
    }
}

static void one_domain_with_work_is_enough(void **state)
{
    stays(*state, "[sssd]\ndomains = x, y\n[domain/x]\nid_provider = ldap\n[domain/y]\nid_provider = ipa\n",
          "[domain/y] id_provider");
}

static void a_snippet_may_keep_it_and_let_it_go(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_write(folder, "conf.d/10.conf", "[domain/x]\nenumerate = true\n"), 0);
    stays(folder, SAFE, "enumerate");
    assert_int_equal(folder_write(folder, "conf.d/20.conf", "[domain/x]\nenumerate = false\n"), 0);
    leaves(folder, SAFE);
}

static void the_value_is_not_told(void **state)
{
    char why[256];

    assert_int_equal(ask(*state, SAFE "some_password = hunter2\n", why, sizeof(why)), 0);
    assert_null(strstr(why, "hunter2"));
}

static void a_small_buffer_is_enough(void **state)
{
    char why[8];

    assert_int_equal(ask(*state, SAFE "enumerate = true\n", why, sizeof(why)), 0);
    assert_string_equal(why, "[domain");
}

/* --- The table in docs/residency.md and in the man page ----------------------------------------------------------- */

#define COLUMNS 100

/* A row of the page. */
static void print_markdown(FILE *out, const struct residency_row *row, const char *verdict)
{
    (void) fprintf(out, "| `[%s]` | `%s` | %s | %s |\n", row->section, row->options, verdict, row->reason);
}

/* Words, each line of them after the macro, if there is one. */
static void print_words(FILE *out, const char *macro, const char *words)
{
    size_t column = 0;

    while (*words) {
        size_t bytes = strcspn(words, " ");

        if (column > 0 && column + 1 + bytes > COLUMNS) {
            (void) fputc('\n', out);
            column = 0;
        }
        column += (size_t) fprintf(out, "%s%.*s", column > 0 ? " " : macro, (int) bytes, words);
        words += bytes + strspn(words + bytes, " ");
    }
    (void) fputc('\n', out);
}

/* An item of the man page. */
static void print_troff(FILE *out, const struct residency_row *row, const char *verdict)
{
    CLEANUP(freep) char *names = NULL;
    CLEANUP(freep) char *text = NULL;

    assert_true(asprintf(&names, "[%s] %s", row->section, row->options) > 0);
    assert_true(asprintf(&text, "%s: %s", verdict, row->reason) > 0);
    (void) fputs(".IP \\(bu 3\n", out);
    print_words(out, ".B ", names);
    (void) fputs(".br\n", out);
    print_words(out, "", text);
}

typedef void print_fn(FILE *out, const struct residency_row *row, const char *verdict);

static int print_table(FILE *out, print_fn *print)
{
    for (size_t i = 0; i < n_residency_rows; i++) {
        const char *harmless = residency_rows[i].harmless;
        char verdict[128];

        if (!harmless)
            (void) snprintf(verdict, sizeof(verdict), "stays"); /* these fit */
        else if (strcmp(harmless, "*") == 0)
            (void) snprintf(verdict, sizeof(verdict), "may leave");
        else if (strcmp(harmless, "+(0)") == 0)
            (void) snprintf(verdict, sizeof(verdict), "stays unless 0");
        else
            (void) snprintf(verdict, sizeof(verdict), "stays unless %s%s",
                            strcmp(harmless, "false") == 0 ? "" : "one of ", harmless);
        print(out, &residency_rows[i], verdict);
    }
    return 0;
}

/* The whole table must stand there, row after row. */
static void check_page(const char *name, print_fn *print)
{
    const char *data = getenv("TEST_DATA"), *mark;
    CLEANUP(freep) char *path = NULL;
    CLEANUP(freep) char *text = NULL;
    CLEANUP(freep) char *wanted = NULL;
    size_t bytes = 0;
    FILE *file, *out;

    if (!data)
        skip();
    assert_true(asprintf(&path, "%s/../../docs/%s", data, name) > 0);
    file = fopen(path, "re");
    assert_non_null(file);
    assert_true(getdelim(&text, &bytes, '\0', file) > 0);
    (void) fclose(file);

    out = open_memstream(&wanted, &bytes);
    assert_non_null(out);
    assert_int_equal(print_table(out, print), 0);
    assert_int_equal(fclose(out), 0);

    mark = strstr(text, wanted);
    if (!mark)
        fail_msg("docs/%s has another table than the code; test-residency --markdown and --troff print the code's", name);
    /* And nothing more. */
    mark += strlen(wanted);
    assert_true(*mark != '|' && strncmp(mark, ".IP", 3) != 0);
}

static void the_page_has_the_table(void **state)
{
    (void) state;
    check_page("residency.md", print_markdown);
}

static void the_man_page_has_the_table(void **state)
{
    (void) state;
    check_page("man/sssd-ondemand.7", print_troff);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(configurations_without_work_let_it_leave),
        TEST(work_of_its_own_keeps_it),
        TEST(one_domain_with_work_is_enough),
        TEST(a_snippet_may_keep_it_and_let_it_go),
        TEST(the_value_is_not_told),
        TEST(a_small_buffer_is_enough),
        cmocka_unit_test(the_page_has_the_table),
        cmocka_unit_test(the_man_page_has_the_table),
    };

    /* For whoever changes the table: what goes into the pages. */
    if (argc == 2 && strcmp(argv[1], "--markdown") == 0)
        return print_table(stdout, print_markdown);
    if (argc == 2 && strcmp(argv[1], "--troff") == 0)
        return print_table(stdout, print_troff);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
