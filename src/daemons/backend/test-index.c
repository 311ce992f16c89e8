/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/index.h"

static void the_first_keeps_its_place(void **state)
{
    struct index index = { 0 };
    const char *kept, *again;
    uint32_t number = 0;

    (void) state;
    assert_int_equal(index_find(&index, "a", 1, &number), 0);
    assert_int_equal(index_add(&index, "a", 1, 7, NULL, &kept), 1);
    assert_int_equal(index_add(&index, "a", 1, 8, &number, &again), 0);
    assert_int_equal(number, 7);
    assert_ptr_equal(kept, again);
    assert_int_equal(index_add(&index, "", 0, 9, NULL, NULL), 1);
    assert_int_equal(index_find(&index, "", 0, &number), 1);
    assert_int_equal(number, 9);
    assert_int_equal(index_add(&index, "a\0b", 3, 10, NULL, NULL), 1); /* all bytes count */
    assert_int_equal(index_find(&index, "a\0b", 3, &number), 1);
    assert_int_equal(number, 10);
    index_done(&index);
}

static void texts_stay_where_they_are_while_it_grows(void **state)
{
    struct index index = { 0 };
    const char *texts[20000];
    char key[32], *large;
    uint32_t number;

    (void) state;
    for (uint32_t i = 0; i < 20000; i++) {
        int bytes = snprintf(key, sizeof(key), "key %u", i);

        assert_int_equal(index_add(&index, key, (size_t) bytes, i, NULL, &texts[i]), 1);
    }
    for (uint32_t i = 0; i < 20000; i++) {
        int bytes = snprintf(key, sizeof(key), "key %u", i);

        assert_string_equal(texts[i], key);
        assert_int_equal(index_find(&index, key, (size_t) bytes, &number), 1);
        assert_int_equal(number, i);
    }

    large = calloc(1, 200000); /* more than a chunk */
    assert_non_null(large);
    assert_int_equal(index_add(&index, large, 200000, 5, NULL, NULL), 1);
    assert_int_equal(index_find(&index, large, 200000, &number), 1);
    free(large);
    index_done(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_keeps_its_place),
        cmocka_unit_test(texts_stay_where_they_are_while_it_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
