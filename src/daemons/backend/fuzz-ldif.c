/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever stands in an LDIF file is read, mapped and resolved, or refused. The first byte says under which rules. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/directory.h"
#include "backend/ldif.h"
#include "backend/mapping.h"
#include "backend/members.h"
#include "common/replay.h"

static void resolve(struct directory *directory)
{
    struct members members;

    if (members_init(&members, directory) < 0)
        abort();
    for (uint32_t i = 0; i < directory->groups.n; i++) {
        const char *at;

        if (members_of(&members, i) < 0)
            abort();
        at = members.names;
        for (size_t n = 0; n < members.n_names; n++)
            at += strlen(at) + 1;
        if (members.n_names > 0 && at != members.names + members.names_bytes)
            abort();
    }
    members_done(&members);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct directory directory = { .n_skipped = SIZE_MAX / 2 }; /* what is left out is not told any more */
    struct ldif_entry entry;
    struct ldif ldif;
    char *text;

    if (bytes == 0)
        return 0;
    directory.rules = (struct rules){
        .min_id = 1,
        .ignore_case = (data[0] & 1) != 0,
        .lower_names = (data[0] & 3) == 3,
        .nesting_level = data[0] >> 2,
    };
    text = malloc(bytes);
    if (!text)
        return 0;
    memcpy(text, data + 1, bytes - 1);

    ldif_init(&ldif, text, bytes - 1);
    while (ldif_next(&ldif, &entry) > 0)
        if (mapping_add(&directory, &entry, "file") < 0)
            abort();
    resolve(&directory);
    directory_done(&directory);
    ldif_done(&ldif);
    return 0;
}
