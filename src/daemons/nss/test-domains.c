/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which domain a name means, and what clients are shown for it. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "config/config.h"
#include "config/image.h"
#include "nss/domains.h"

struct fixture {
    sd_event *event;
    struct config *config;
    struct domains *domains;
};

#define ONE "domain/one"
#define TWO "domain/two.example"

static void start(struct fixture *f, const struct config_entry *more, size_t n_more)
{
    struct config_entry entries[16] = {
        { "sssd", "domains", "one, two.example" },
        { ONE, "id_provider", "ldif" },
        { TWO, "id_provider", "ldif" },
    };

    if (n_more > 0)
        memcpy(entries + 3, more, n_more * sizeof(*more));
    assert_int_equal(config_from_entries(entries, 3 + n_more, &f->config), 0);
    assert_int_equal(sd_event_new(&f->event), 0);
    assert_int_equal(domains_new(f->event, f->config, "/nowhere", "/nowhere/", geteuid(), &f->domains), 0);
}

static void stop_domains(struct fixture *f)
{
    domains_free(f->domains);
    config_free(f->config);
    sd_event_unref(f->event);
}

struct row {
    const char *text;
    int r;
    const char *name;
    const char *domain; /* NULL: any */
};

static void check_names(const struct fixture *f, const struct row *rows, size_t n)
{
    char name[CACHE_NAME_BYTES_MAX + 1];

    for (size_t i = 0; i < n; i++) {
        const struct domain *domain = NULL;
        int r = domains_parse_name(f->domains, rows[i].text, name, &domain);

        if (r != rows[i].r)
            fail_msg("\"%s\": %i", rows[i].text, r);
        if (r <= 0)
            continue;
        assert_string_equal(name, rows[i].name);
        assert_string_equal(domain ? domain->name : "any", rows[i].domain ? rows[i].domain : "any");
    }
}

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static void a_name_says_its_domain(void **state)
{
    static const struct row rows[] = {
        { "jo", 1, "jo", NULL },
        { "jo@one", 1, "jo", "one" },
        { "jo@TWO.Example", 1, "jo", "two.example" },
        { "two.example\\jo", 1, "two.example\\jo", NULL }, /* as SSSD */
        { "jo@mail@one", 1, "jo@mail", "one" },
        { "jo@three", 0, NULL, NULL },
        { "jo@on", 0, NULL, NULL },
        { "jo@onet", 0, NULL, NULL },
        { "jo@", 0, NULL, NULL },
        { "@one", 1, "@one", NULL },
        { "one\\", 1, "one\\", NULL },
        { "", -EINVAL, NULL, NULL },
    };
    struct fixture f;

    (void) state;
    start(&f, NULL, 0);
    check_names(&f, rows, N(rows));
    stop_domains(&f);
}

static void a_name_too_long_for_any_entry_is_not_found(void **state)
{
    char text[CACHE_NAME_BYTES_MAX + 8], name[CACHE_NAME_BYTES_MAX + 1];
    const struct domain *domain;
    struct fixture f;

    (void) state;
    start(&f, NULL, 0);
    memset(text, 'a', sizeof(text));
    text[CACHE_NAME_BYTES_MAX + 1] = '\0';
    assert_int_equal(domains_parse_name(f.domains, text, name, &domain), 0);
    strcpy(text + CACHE_NAME_BYTES_MAX, "@one");
    assert_int_equal(domains_parse_name(f.domains, text, name, &domain), 1);
    assert_int_equal(strlen(name), CACHE_NAME_BYTES_MAX);
    stop_domains(&f);
}

static void the_default_domain_takes_names_without_one(void **state)
{
    static const struct config_entry more[] = { { "sssd", "default_domain_suffix", "two.example" } };
    static const struct row rows[] = {
        { "jo", 1, "jo", "two.example" },
        { "jo@one", 1, "jo", "one" },
    };
    char room[DOMAIN_NAME_ROOM];
    struct fixture f;

    (void) state;
    start(&f, more, N(more));
    check_names(&f, rows, N(rows));
    /* names are shown with their domains then */
    assert_string_equal(domain_output_name(&f.domains->all[0], "jo", room), "jo@one");
    assert_string_equal(domain_output_name(&f.domains->all[1], "jo", room), "jo@two.example");
    stop_domains(&f);
}

static void names_are_shown_as_the_settings_say(void **state)
{
    static const struct config_entry more[] = {
        { ONE, "full_name_format", "%2$s/%1$s%%x" },
        { ONE, "case_sensitive", "false" },
        { TWO, "case_sensitive", "Preserving" },
        { TWO, "use_fully_qualified_names", "true" },
    };
    char room[DOMAIN_NAME_ROOM];
    struct fixture f;

    (void) state;
    start(&f, more, N(more));
    assert_string_equal(domain_output_name(&f.domains->all[0], "Jo", room), "jo");
    assert_string_equal(domain_full_name(&f.domains->all[0], "Jo", room), "one/jo%x");
    assert_string_equal(domain_output_name(&f.domains->all[1], "Jo", room), "Jo@two.example");
    stop_domains(&f);
}

static void filters_hide_entries_of_their_domains(void **state)
{
    static const struct config_entry more[] = {
        { "nss", "filter_users", "jo, ann@one" },
        { TWO, "filter_users", "Bob" },
        { TWO, "case_sensitive", "false" },
    };
    const struct cache_user jo = { "jo", "", "", "", 5, 5, false }, ann = { "ann", "", "", "", 5, 5, false }, bob = { "BOB", "", "", "", 5, 5, false };
    const struct cache_user root = { "root", "", "", "", 5, 5, false }, zero = { "zoe", "", "", "", 0, 5, false }, zero_gid = { "zoe", "", "", "", 5, 0, false };
    struct domain *one, *two;
    struct fixture f;

    (void) state;
    start(&f, more, N(more));
    one = &f.domains->all[0];
    two = &f.domains->all[1];
    assert_false(domain_shows_user(one, &jo));
    assert_false(domain_shows_user(two, &jo));
    assert_false(domain_shows_user(one, &ann));
    assert_true(domain_shows_user(two, &ann));
    assert_true(domain_shows_user(one, &bob));
    assert_false(domain_shows_user(two, &bob));
    assert_false(domain_shows_member(two, "bob"));
    /* whatever the settings say */
    assert_false(domain_shows_user(one, &root));
    assert_false(domain_shows_user(one, &zero));
    assert_false(domain_shows_user(one, &zero_gid));
    stop_domains(&f);
}

static void ids_out_of_range_are_not_the_domains(void **state)
{
    static const struct config_entry more[] = { { ONE, "min_id", "1000" }, { ONE, "max_id", "2000" } };
    struct fixture f;

    (void) state;
    start(&f, more, N(more));
    assert_false(domain_has_id(&f.domains->all[0], 999));
    assert_true(domain_has_id(&f.domains->all[0], 1000));
    assert_true(domain_has_id(&f.domains->all[0], 2000));
    assert_false(domain_has_id(&f.domains->all[0], 2001));
    assert_true(domain_has_id(&f.domains->all[1], 1));
    assert_true(domain_has_id(&f.domains->all[1], UINT32_MAX - 1));
    assert_false(domain_has_id(&f.domains->all[1], 0));
    stop_domains(&f);
}

static void the_mark_follows_settings_and_generations(void **state)
{
    static const struct config_entry more[] = { { TWO, "pwfield", "x" } };
    struct fixture f, same, other;
    uint64_t mark;

    (void) state;
    start(&f, NULL, 0);
    start(&same, NULL, 0);
    start(&other, more, N(more));
    mark = domains_mark(f.domains);
    assert_int_equal(mark, domains_mark(same.domains));
    assert_int_not_equal(mark, domains_mark(other.domains));
    f.domains->all[1].state.generation = 1;
    assert_int_not_equal(mark, domains_mark(f.domains));
    stop_domains(&f);
    stop_domains(&same);
    stop_domains(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_says_its_domain),
        cmocka_unit_test(a_name_too_long_for_any_entry_is_not_found),
        cmocka_unit_test(the_default_domain_takes_names_without_one),
        cmocka_unit_test(names_are_shown_as_the_settings_say),
        cmocka_unit_test(filters_hide_entries_of_their_domains),
        cmocka_unit_test(ids_out_of_range_are_not_the_domains),
        cmocka_unit_test(the_mark_follows_settings_and_generations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
