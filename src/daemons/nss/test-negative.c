/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the negative memory keeps, and for how long. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/test-cmocka.h"
#include "nss/negative.h"

static const struct negative_key jo = { "one", 7, "user", "jo", "", 0 };

static void what_is_remembered_is_known_until_its_time(void **state)
{
    struct negative *negative;

    (void) state;
    assert_int_equal(negative_new(1000, &negative), 0);
    assert_false(negative_knows(negative, &jo, 5000));
    negative_remember(negative, &jo, 5000);
    assert_true(negative_knows(negative, &jo, 5999));
    assert_false(negative_knows(negative, &jo, 6000));
    negative_free(negative);
}

static void another_question_is_not_known(void **state)
{
    static const struct negative_key others[] = {
        { "two", 7, "user", "jo", "", 0 }, { "one", 8, "user", "jo", "", 0 },    { "one", 7, "group", "jo", "", 0 },
        { "one", 7, "user", "j", "", 0 },  { "one", 7, "user", "jo", "tcp", 0 }, { "one", 7, "user", "jo", "", 1 },
    };
    struct negative *negative;

    (void) state;
    assert_int_equal(negative_new(1000, &negative), 0);
    negative_remember(negative, &jo, 0);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(negative_knows(negative, &others[i], 0));
    negative_free(negative);
}

static void it_does_not_grow(void **state)
{
    struct negative *negative;
    struct negative_key key = jo;
    unsigned known = 0;
    char name[16];

    (void) state;
    assert_int_equal(negative_new(1000, &negative), 0);
    key.name = name;
    for (unsigned i = 0; i < 10 * NEGATIVE_SLOTS; i++) {
        (void) snprintf(name, sizeof(name), "u%u", i);
        negative_remember(negative, &key, 0);
        assert_true(negative_knows(negative, &key, 0));
    }
    for (unsigned i = 0; i < 10 * NEGATIVE_SLOTS; i++) {
        (void) snprintf(name, sizeof(name), "u%u", i);
        known += negative_knows(negative, &key, 0);
    }
    assert_uint_in_range(known, NEGATIVE_SLOTS / 2, NEGATIVE_SLOTS);
    negative_free(negative);
}

static void without_a_life_nothing_is_remembered(void **state)
{
    struct negative *negative;

    (void) state;
    assert_int_equal(negative_new(0, &negative), 0);
    negative_remember(negative, &jo, 0);
    assert_false(negative_knows(negative, &jo, 0));
    negative_free(negative);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_remembered_is_known_until_its_time),
        cmocka_unit_test(another_question_is_not_known),
        cmocka_unit_test(it_does_not_grow),
        cmocka_unit_test(without_a_life_nothing_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
