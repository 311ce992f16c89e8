/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of table.c. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fixture.h"
#include "tools/table.h"

static void assert_printed(const struct table *table, const char *wanted)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    table_print(table, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, wanted);
    free(text);
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    struct table table = { .columns = 3 };

    (void) state;
    TABLE_ADD(&table, "A", "BB", "C");
    TABLE_ADD(&table, "long", "b", "c");
    TABLE_ADD(&table, "a", "longer", "the last one");
    assert_printed(&table, "A     BB      C\n"
                           "long  b       c\n"
                           "a     longer  the last one\n");
}

static void no_line_ends_with_blanks(void **state)
{
    struct table table = { .columns = 3 };

    (void) state;
    TABLE_ADD(&table, "A", "B", "C");
    TABLE_ADD(&table, "a", "b", "");
    TABLE_ADD(&table, "a", "", "");
    TABLE_ADD(&table, "", "", "c");
    TABLE_ADD(&table, "", "", "");
    assert_printed(&table, "A  B  C\na  b\na\n      c\n\n");
}

static void lines_past_the_last_are_left_out(void **state)
{
    struct table table = { .columns = 1 };
    char wanted[2 * TABLE_LINES_MAX + 1] = "";

    (void) state;
    for (size_t i = 0; i < TABLE_LINES_MAX + 5; i++)
        TABLE_ADD(&table, i < TABLE_LINES_MAX ? "a" : "b");
    for (size_t i = 0; i < TABLE_LINES_MAX; i++)
        (void) strcat(wanted, "a\n"); /* fits */
    assert_printed(&table, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(no_line_ends_with_blanks),
        cmocka_unit_test(lines_past_the_last_are_left_out),
    };

    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
