/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members: who is in a group, directly and through the groups in it. */

#ifndef BACKEND_MEMBERS_H
#define BACKEND_MEMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "backend/directory.h"

struct members {
    struct directory *directory;
    struct index stranger_keys;
    LIST(const char *) strangers; /* their names */
    uint32_t *seen_users, *seen_groups, *seen_strangers; /* the look-up that met them last */
    uint32_t look_up;
    LIST(uint32_t) groups; /* of this look-up, nearest first */

    /* of the last look-up */
    char *names; /* one behind the other */
    size_t n_names, names_bytes, names_max;
    LIST(uint32_t) users;
};

/* Looks up whom the groups' members are, once for all: the directory must have all entries. */
int members_init(struct members *members, struct directory *directory);
void members_done(struct members *members);

/* Finds the names and users in a group; cycles end where they began. Returns 0 or a negative errno. */
int members_of(struct members *members, uint32_t group);

#endif
