/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Residency: may the monitor leave when nobody needs it? Only where the configuration is known to have no work of
 * its own to do meanwhile. */

#ifndef LIB_RESIDENCY_H
#define LIB_RESIDENCY_H

#include <stddef.h>

struct conf;

/* Returns 1 if the monitor may leave, else 0 with the reason it stays, as a sentence, in why. */
int residency_may_leave(const struct conf *config, char *why, size_t why_bytes);

/* The table behind that, as docs/residency.md shows it. */
struct residency_row {
    const char *section;  /* a pattern; domain/NAME stands for each domain that is turned on */
    const char *options;  /* names or patterns, a blank between them */
    const char *harmless; /* values that are no work of its own, likewise; NULL: whatever it is, the monitor stays */
    const char *reason;
};

extern const struct residency_row residency_rows[];
extern const size_t n_residency_rows;

#endif
