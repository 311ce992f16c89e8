/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/text.h"

static void numbers_are_read_whole_and_within_their_limit(void **state)
{
    static const struct {
        const char *text;
        int base;
        uint64_t max;
        int wanted;
        uint64_t number;
    } rows[] = {
        { "0", 10, 9, 0, 0 },
        { "10", 10, 10, 0, 10 },
        { "11", 10, 10, -ERANGE, 0 },
        { "010", 10, 10, 0, 10 },
        { "010", 0, 10, 0, 10 }, /* not eight */
        { "0x10", 0, 16, 0, 16 },
        { "0X1f", 0, 31, 0, 31 },
        { "0x10", 10, 16, -EINVAL, 0 },
        { "1f", 16, 31, 0, 31 },
        { "1f", 10, 31, -EINVAL, 0 },
        { "", 10, 9, -EINVAL, 0 },
        { " 1", 10, 9, -EINVAL, 0 },
        { "1 ", 10, 9, -EINVAL, 0 },
        { "-1", 10, UINT64_MAX, -EINVAL, 0 },
        { "+1", 10, 9, -EINVAL, 0 },
        { "18446744073709551615", 10, UINT64_MAX, 0, UINT64_MAX },
        { "18446744073709551616", 10, UINT64_MAX, -ERANGE, 0 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t number = 77;

        if (text_to_u64(rows[i].text, rows[i].base, rows[i].max, &number) != rows[i].wanted)
            fail_msg("\"%s\" in base %d", rows[i].text, rows[i].base);
        assert_true(number == (rows[i].wanted < 0 ? 77 : rows[i].number));
    }
}

static void times_have_units(void **state)
{
    static const struct {
        const char *text;
        int wanted;
        uint64_t usec;
    } rows[] = {
        { "0", 0, 0 },
        { "7", 0, 7000000 },
        { "50ms", 0, 50000 },
        { "3 s", 0, 3000000 },
        { "2min", 0, 120000000 },
        { "1h", 0, 3600000000 },
        { "010", 0, 10000000 },
        { "4294967295", 0, 4294967295000000 },
        { "4294967296", -EINVAL, 1 },
        { "4294967295h", -EINVAL, 1 },
        { "99999999999999999999", -EINVAL, 1 },
        { "", -EINVAL, 1 },
        { "-1", -EINVAL, 1 },
        { "1.5", -EINVAL, 1 },
        { "1 day", -EINVAL, 1 },
        { "s", -EINVAL, 1 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t usec = 1;

        if (text_to_usec(rows[i].text, &usec) != rows[i].wanted || usec != rows[i].usec)
            fail_msg("\"%s\": %llu us", rows[i].text, (unsigned long long) usec);
    }
}

static void a_list_has_its_items_and_no_more(void **state)
{
    char **items = text_list(" a b\t,, \r\f\v,c,");

    (void) state;
    assert_non_null(items);
    assert_string_equal(items[0], "a b");
    assert_string_equal(items[1], "c");
    assert_null(items[2]);
    free(items);
    items = text_list("");
    assert_null(items[0]);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_its_items_and_no_more),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(numbers_are_read_whole_and_within_their_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
