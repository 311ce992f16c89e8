/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Table: lines of cells, each column as wide as its widest cell. */

#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include <stdio.h>

#define TABLE_COLUMNS_MAX 6
#define TABLE_LINES_MAX 32

struct table {
    const char *cells[TABLE_LINES_MAX][TABLE_COLUMNS_MAX];
    size_t lines, columns;
};

/* Adds a line of as many cells as there are columns, which must outlive the table. Lines past TABLE_LINES_MAX are left
 * out. */
void table_add(struct table *table, const char *const *cells);
void table_print(const struct table *table, FILE *out);

#define TABLE_ADD(table, ...) table_add((table), (const char *const[]) { __VA_ARGS__ })

#endif
