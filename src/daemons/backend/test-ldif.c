/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/ldif.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void init(struct ldif *ldif, const char *text, size_t bytes)
{
    char *copy = malloc(bytes + 1); /* exactly: what reads behind it is caught */

    assert_non_null(copy);
    memcpy(copy, text, bytes);
    ldif_init(ldif, copy, bytes);
}

static const char *value_of(const struct ldif_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->n_attributes; i++)
        if (strcmp(entry->attributes[i].name, name) == 0)
            return entry->attributes[i].value;
    return NULL;
}

static void entries_are_read_in_all_their_forms(void **state)
{
    static const char text[] = "\xef\xbb\xbfversion: 1\n"
                               "# a comment\n that goes on\n"
                               "dn: uid=a,dc=x\n"
                               "cn: one \n"
                               "folded: ab\n cd\n  ef\n"
                               "plain:no blank\n"
                               "empty:\n"
                               "base:: w6TDtg==\n"
                               "# between\n"
                               "folded64:: YW\n Jj\n"
                               "\n\n\n"
                               "dn:: dWlkPWI=\r\n"
                               "cn: two\r\n"
                               "long: x\r\n y\r\n"
                               "\r\n"
                               "dn: uid=c\n"
                               "cn;lang-de: drei"; /* and no end of the line */
    struct ldif_entry entry;
    struct ldif ldif;

    (void) state;
    init(&ldif, text, sizeof(text) - 1);
    assert_int_equal(ldif_next(&ldif, &entry), 1);
    assert_string_equal(entry.dn, "uid=a,dc=x");
    assert_int_equal(entry.line, 4);
    assert_int_equal(entry.n_attributes, 6);
    assert_string_equal(value_of(&entry, "cn"), "one ");
    assert_string_equal(value_of(&entry, "folded"), "abcd ef");
    assert_string_equal(value_of(&entry, "plain"), "no blank");
    assert_string_equal(value_of(&entry, "empty"), "");
    assert_string_equal(value_of(&entry, "base"), "äö");
    assert_string_equal(value_of(&entry, "folded64"), "abc");

    assert_int_equal(ldif_next(&ldif, &entry), 1);
    assert_string_equal(entry.dn, "uid=b");
    assert_string_equal(value_of(&entry, "cn"), "two");
    assert_string_equal(value_of(&entry, "long"), "xy");
    assert_int_equal(ldif_next(&ldif, &entry), 1);
    assert_string_equal(value_of(&entry, "cn;lang-de"), "drei");
    assert_int_equal(ldif_next(&ldif, &entry), 0);
    assert_int_equal(ldif_next(&ldif, &entry), 0);
    ldif_done(&ldif);
}

static void what_is_broken_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text;
        unsigned long line;
    } rows[] = {
        { "dn: a=b\nno colon\n", 2 },
        { "dn: a=b\n: no name\n", 2 },
        { "dn: a=b\nbad name: x\n", 2 },
        { "dn: a=b\ncn:: a\n", 2 },
        { "dn: a=b\ncn:: ab=c\n", 2 },
        { "dn: a=b\ncn:: a===\n", 2 },
        { "dn: a=b\ncn:: ====\n", 2 },
        { "dn: a=b\ncn:: YW J\n", 2 },
        { "dn: a=b\n\n\ndn: c=d\nuserPassword:< file:///etc/shadow\n", 5 },
        { "dn: a=b\nuserPassword:<file:///etc/shadow\n", 2 },
        { "dn:< file:///etc/shadow\n", 1 },
        { "include: file:///etc/shadow\n", 1 },
        { "cn: without dn\n", 1 },
        { "dn: a=b\ncn: x\ndn: c=d\n", 3 },
        { "dn: a=b\nchangetype: delete\n", 2 },
        { "dn: a=b\ncontrol: 1.2.3\n", 2 },
        { "version: 2\n", 1 },
        { "\nversion: 1\n", 2 },
        { " continued\n", 1 },
        { "dn: a=b\n\n continued\n", 3 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct ldif_entry entry;
        struct ldif ldif;
        int r;

        init(&ldif, rows[i].text, strlen(rows[i].text));
        while ((r = ldif_next(&ldif, &entry)) > 0)
            continue;
        assert_int_equal(r, -EBADMSG);
        assert_int_equal(ldif.bad_line, rows[i].line);
        assert_non_null(ldif.why);
        ldif_done(&ldif);
    }
}

static void base64_is_what_it_says(void **state)
{
    static const struct {
        const char *text, *value;
        size_t bytes;
    } rows[] = {
        { "", "", 0 },
        { "AA==", "\0", 1 },
        { "AAEC", "\0\1\2", 3 },
        { "/+7d", "\xff\xee\xdd", 3 },
        { "YWJjZA==", "abcd", 4 },
        { "YWJjZGU=", "abcde", 5 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct ldif_entry entry;
        struct ldif ldif;
        char text[64] = "dn: a=b\nv:: ";

        strcat(text, rows[i].text);
        init(&ldif, text, strlen(text));
        assert_int_equal(ldif_next(&ldif, &entry), 1);
        assert_int_equal(entry.attributes[0].bytes, rows[i].bytes);
        assert_memory_equal(entry.attributes[0].value, rows[i].value, rows[i].bytes + 1); /* with a zero behind it */
        ldif_done(&ldif);
    }
}

static void a_line_may_be_huge(void **state)
{
    size_t bytes = 32 * 1024 * 1024;
    char *text = malloc(bytes + 64);
    struct ldif_entry entry;
    struct ldif ldif;
    size_t at;

    (void) state;
    assert_non_null(text);
    at = (size_t) (stpcpy(text, "dn: a=b\nv: ") - text);
    memset(text + at, 'x', bytes);
    for (size_t i = at + 60; i + 2 < bytes; i += 62) /* in as many pieces as there can be */
        memcpy(text + i, "\n ", 2);
    ldif_init(&ldif, text, at + bytes);
    assert_int_equal(ldif_next(&ldif, &entry), 1);
    assert_true(entry.attributes[0].bytes > bytes / 62 * 59);
    assert_int_equal(strspn(entry.attributes[0].value, "x"), entry.attributes[0].bytes);
    assert_int_equal(ldif_next(&ldif, &entry), 0);
    ldif_done(&ldif);
}

static void every_truncation_is_read_or_refused(void **state)
{
    static const char text[] = "version: 1\n\ndn:: YT1i\ncn: x\n y\nb:: YWJj\n# c\n\ndn: c=d\r\nv: 1\r\n 2\r\n";

    (void) state;
    for (size_t n = 0; n < sizeof(text); n++) {
        struct ldif_entry entry;
        struct ldif ldif;
        int r;

        init(&ldif, text, n);
        while ((r = ldif_next(&ldif, &entry)) > 0)
            for (size_t i = 0; i < entry.n_attributes; i++)
                assert_int_equal(entry.attributes[i].value[entry.attributes[i].bytes], 0);
        assert_true(r == 0 || r == -EBADMSG);
        ldif_done(&ldif);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_read_in_all_their_forms),
        cmocka_unit_test(what_is_broken_is_refused_with_its_line),
        cmocka_unit_test(base64_is_what_it_says),
        cmocka_unit_test(a_line_may_be_huge),
        cmocka_unit_test(every_truncation_is_read_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
