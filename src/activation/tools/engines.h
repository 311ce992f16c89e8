/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Engines: which of the two is configured, which runs, and whether the other would take the configuration. */

#ifndef TOOLS_ENGINES_H
#define TOOLS_ENGINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/engine.h"

/* Would the engine start with the machine's configuration? Our own is asked (`sssd --check-config`); of the distribution's SSSD it
 * is what we know of it. Without a configuration there is nothing to refuse. Returns 1; 0 with why, lines which are the caller's to
 * free; or a negative errno where it can't be told: -EACCES by this user, -ENOENT without its program. */
int engine_takes(bool own, char **ret_why);

struct engines {
    bool own;                     /* configured, and there; else SSSD */
    char word[ENGINE_WORD_BYTES]; /* that counts, "" for none */
    const char *missing;          /* the word is own, and this is not there */
    enum engine_runs runs;
    char back[ENGINE_WORD_BYTES]; /* a trial: the word of before; else "" */
    bool has_other;               /* the other is installed */
    int takes;                    /* what engine_takes() says of the other */
    char *says;
};

/* main_pid is that of sssd.service, 0 for none. */
void engines_read(int main_pid, struct engines *ret);
void engines_done(struct engines *engines);

void engines_print(const struct engines *engines, FILE *out);
json_t *engines_to_json(const struct engines *engines);

#endif
