/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directory: the entries of a domain's source in memory, on their way into the cache. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/directory.h"
#include "cache/cache.h"

void directory_done(struct directory *directory)
{
    free(directory->users.at);
    free(directory->groups.at);
    free(directory->netgroups.at);
    free(directory->services.at);
    free(directory->members.at);
    free(directory->texts.at);
    index_done(&directory->user_names);
    index_done(&directory->group_names);
    index_done(&directory->netgroup_names);
    index_done(&directory->service_names);
    index_done(&directory->dns);
    index_done(&directory->kept);
}

int list_grow(void *list_at, size_t *n_max, size_t n, size_t element_bytes)
{
    size_t max = *n_max ? *n_max * 2 : 64;
    void *at, *larger;

    if (n < *n_max)
        return 0;
    if (n > INT32_MAX / 2) /* numbers of DNs have a bit for the kind */
        return -E2BIG;

    memcpy(&at, list_at, sizeof(at));
    larger = reallocarray(at, max, element_bytes);
    if (!larger)
        return -ENOMEM;
    memcpy(list_at, &larger, sizeof(larger));
    *n_max = max;
    return 0;
}

int directory_key(const struct directory *directory, const char *name, char *ret)
{
    return cache_key(name, directory->rules.ignore_case, ret);
}

int directory_shown_name(struct directory *directory, const char *name, const char **ret)
{
    char lower[CACHE_NAME_BYTES_MAX + 1];
    int r;

    if (!directory->rules.lower_names) {
        *ret = name;
        return 0;
    }
    r = cache_key(name, true, lower);
    if (r < 0)
        return r;
    r = index_add(&directory->kept, lower, strlen(lower), 0, NULL, ret);
    return r < 0 ? r : 0;
}
