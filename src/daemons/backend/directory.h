/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directory: the entries of a domain's source in memory, on their way into the cache. Lives in the import alone. */

#ifndef BACKEND_DIRECTORY_H
#define BACKEND_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/index.h"

/* What the configuration says about entries. */
struct rules {
    uint32_t min_id, max_id; /* max_id 0: no limit */
    bool ignore_case;        /* names are the same in any case */
    bool lower_names;        /* and are shown in lower case */
    unsigned nesting_level;  /* how far groups are followed into groups */
};

/* A part of one of the directory's lists. */
struct range {
    uint32_t first, n;
};

struct user {
    const char *name, *gecos, *home, *shell;
    uint32_t uid, gid;
    struct range aliases; /* of texts */
};

struct group {
    const char *name;
    uint32_t gid;
    struct range aliases; /* of texts */
    struct range members;
};

enum member_kind {
    MEMBER_BY_NAME, /* not looked up yet: a user's name */
    MEMBER_BY_DN,   /* not looked up yet: of a user or a group */
    MEMBER_USER,
    MEMBER_GROUP,
    MEMBER_STRANGER, /* a name without an entry */
    MEMBER_NOBODY,   /* a DN without an entry */
};

struct member {
    enum member_kind kind;
    uint32_t number; /* of the user, group or stranger; before that, the bytes of text */
    const char *text;
};

struct netgroup {
    const char *name;
    struct range aliases;   /* of texts */
    struct range triples;   /* of texts, three for each */
    struct range netgroups; /* of texts */
};

struct service {
    const char *name;
    uint16_t port;
    struct range aliases, protocols; /* of texts */
};

#define LIST(type)       \
    struct {             \
        type *at;        \
        size_t n, n_max; \
    }

struct directory {
    struct rules rules;
    LIST(struct user) users;
    LIST(struct group) groups;
    LIST(struct netgroup) netgroups;
    LIST(struct service) services;
    LIST(struct member) members;
    LIST(const char *) texts;

    struct index user_names, group_names, netgroup_names, service_names;
    struct index dns;  /* -> number * 2, + 1 if it is of a group */
    struct index kept; /* texts that are not in the file as they are shown */
    size_t n_skipped;
};

void directory_done(struct directory *directory);

/* Makes room for one more element of *list. Returns 0, -ENOMEM, or -E2BIG when numbers no longer count them. */
int list_grow(void *list_at, size_t *n_max, size_t n, size_t element_bytes);

#define LIST_ADD(list, element)                                                                   \
    ({                                                                                            \
        int added_ = list_grow(&(list)->at, &(list)->n_max, (list)->n, sizeof(*(list)->at));      \
        if (added_ == 0)                                                                          \
            (list)->at[(list)->n++] = (element);                                                  \
        added_;                                                                                   \
    })

/* The key of a name under the rules, as cache_key(). */
int directory_key(const struct directory *directory, const char *name, char *ret);
/* The name as it is shown. Returns 0, -EINVAL or -ENOMEM. */
int directory_shown_name(struct directory *directory, const char *name, const char **ret);

#endif
