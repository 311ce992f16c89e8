/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/dn.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void names_that_are_equal_have_one_text(void **state)
{
    static const struct {
        const char *dn, *canonical;
    } rows[] = {
        { "uid=alice,ou=people,dc=x", "uid=alice,ou=people,dc=x" },
        { " UID = Alice ,  OU=People;dc=X ", "uid=alice,ou=people,dc=x" },
        { "cn=a\\2Cb,dc=x", "cn=a\\,b,dc=x" },
        { "cn=a\\,b,dc=x", "cn=a\\,b,dc=x" },
        { "cn=a\\+b+uid=c,dc=x", "cn=a\\+b+uid=c,dc=x" },
        { "cn=a  b   c,dc=x", "cn=a b c,dc=x" },
        { "cn=trailing\\20,dc=x", "cn=trailing ,dc=x" },
        { "cn=\xc3\x84,dc=x", "cn=\xc3\xa4,dc=x" },
        { "cn=\\C3\\84,dc=x", "cn=\xc3\xa4,dc=x" },
        { "2.5.4.3=a=b,dc=x", "2.5.4.3=a=b,dc=x" },
    };
    char text[DN_BYTES_MAX];

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(dn_canonical(rows[i].dn, strlen(rows[i].dn), text), strlen(rows[i].canonical));
        assert_string_equal(text, rows[i].canonical);
    }
}

static void what_is_no_name_is_refused(void **state)
{
    static const char *const rows[] = { "",     "alice",  "=x",      "a=",     "a=b,",  ",a=b", "a=b,c",
                                        "a=\\", "a=\\00", "a=\"b\"", "a=\xff", "a b=c", "a= " };
    char text[DN_BYTES_MAX], large[2 * DN_BYTES_MAX];

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(dn_canonical(rows[i], strlen(rows[i]), text), -EINVAL);
    assert_int_equal(dn_canonical("a=b\0c", 5, text), -EINVAL);

    memset(large, 'x', sizeof(large));
    memcpy(large, "a=", 2);
    assert_int_equal(dn_canonical(large, sizeof(large), text), -EINVAL);
    memset(large, ',', sizeof(large)); /* each is escaped: it grows */
    for (size_t i = 0; i < sizeof(large); i += 2)
        large[i] = '\\';
    memcpy(large, "a=", 2);
    assert_int_equal(dn_canonical(large, DN_BYTES_MAX + 1000, text), -EINVAL);
}

static void the_first_part_is_found(void **state)
{
    static const char dn[] = "cn=x+UID=Al\\,ice , ou=people,uid=other";
    char text[DN_BYTES_MAX];

    (void) state;
    assert_int_equal(dn_first_value(dn, strlen(dn), "uid", text), 1);
    assert_string_equal(text, "Al,ice");
    assert_int_equal(dn_first_value(dn, strlen(dn), "cn", text), 1);
    assert_string_equal(text, "x");
    assert_int_equal(dn_first_value(dn, strlen(dn), "ou", text), 0);
    assert_int_equal(dn_first_value("x", 1, "ou", text), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_equal_have_one_text),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(the_first_part_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
