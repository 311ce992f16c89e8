/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Table: lines of cells, each column as wide as its widest cell. */

#include <string.h>

#include "tools/table.h"

void table_add(struct table *table, const char *const *cells)
{
    if (table->lines < TABLE_LINES_MAX)
        memcpy(table->cells[table->lines++], cells, table->columns * sizeof(*cells));
}

void table_print(const struct table *table, FILE *out)
{
    int widths[TABLE_COLUMNS_MAX] = { 0 };

    for (size_t i = 0; i < table->lines; i++)
        for (size_t k = 0; k < table->columns; k++)
            if ((int) strlen(table->cells[i][k]) > widths[k])
                widths[k] = (int) strlen(table->cells[i][k]);

    for (size_t i = 0; i < table->lines; i++) {
        const char *const *cells = table->cells[i];
        size_t last = table->columns - 1;

        while (last > 0 && !cells[last][0])
            last--; /* no blanks at the end */
        for (size_t k = 0; k < last; k++)
            (void) fprintf(out, "%-*s  ", widths[k], cells[k]);
        (void) fprintf(out, "%s\n", cells[last]);
    }
}
