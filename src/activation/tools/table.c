/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Table: lines of cells, each column as wide as its widest cell. */

#include <stdlib.h>
#include <string.h>

#include "tools/table.h"

void table_add(struct table *table, const char *const *cells)
{
    if (table->lines == TABLE_LINES_MAX)
        return;
    for (size_t k = 0; k < table->columns; k++)
        table->cells[table->lines][k] = strdup(cells[k]);
    table->lines++;
}

static const char *cell(const struct table *table, size_t line, size_t column)
{
    return table->cells[line][column] ? table->cells[line][column] : "";
}

void table_print(const struct table *table, FILE *out)
{
    int widths[TABLE_COLUMNS_MAX] = { 0 };

    for (size_t i = 0; i < table->lines; i++)
        for (size_t k = 0; k < table->columns; k++)
            if ((int) strlen(cell(table, i, k)) > widths[k])
                widths[k] = (int) strlen(cell(table, i, k));

    for (size_t i = 0; i < table->lines; i++) {
        size_t last = table->columns;

        while (last > 0 && !cell(table, i, last - 1)[0])
            last--; /* no blanks at the end */
        for (size_t k = 0; k < last; k++)
            (void) fprintf(out, "%-*s%s", k + 1 < last ? widths[k] : 0, cell(table, i, k), k + 1 < last ? "  " : "\n");
        if (last == 0)
            (void) fputc('\n', out);
    }
}

void table_done(struct table *table)
{
    for (size_t i = 0; i < table->lines; i++)
        for (size_t k = 0; k < table->columns; k++)
            free(table->cells[i][k]);
    table->lines = 0;
}
