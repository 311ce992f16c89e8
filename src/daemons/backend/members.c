/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members: who is in a group, directly and through the groups in it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/dn.h"
#include "backend/members.h"
#include "cache/cache.h"

static int find_stranger(struct members *members, const char *key, struct member *member)
{
    const char *shown;
    int r;

    r = index_add(&members->stranger_keys, key, strlen(key), (uint32_t) members->strangers.n, &member->number, NULL);
    if (r < 0)
        return r;
    member->kind = MEMBER_STRANGER;
    if (r == 0)
        return 0;

    member->number = (uint32_t) members->strangers.n;
    r = directory_shown_name(members->directory, member->text, &shown);
    return r < 0 ? r : LIST_ADD(&members->strangers, shown);
}

/* Whether it is the user's own name, and not one of its others: a group that means one of those gives no rights, as in SSSD. */
static bool is_own_name(const struct directory *directory, uint32_t user, const char *key)
{
    char own[CACHE_NAME_BYTES_MAX + 1];

    return directory_key(directory, directory->users.at[user].name, own) == 0 && strcmp(own, key) == 0;
}

static int find_by_name(struct members *members, struct member *member)
{
    const struct directory *directory = members->directory;
    char key[CACHE_NAME_BYTES_MAX + 1];
    uint32_t user;

    if (directory_key(directory, member->text, key) < 0) {
        member->kind = MEMBER_NOBODY;
        return 0;
    }
    if (!index_find(&directory->user_names, key, strlen(key), &user) || !is_own_name(directory, user, key))
        return find_stranger(members, key, member);
    member->kind = MEMBER_USER;
    member->number = user;
    return 0;
}

static void find_by_dn(struct members *members, struct member *member)
{
    char dn[DN_BYTES_MAX];
    int bytes = dn_canonical(member->text, member->number, dn);
    uint32_t number;

    member->kind = MEMBER_NOBODY;
    if (bytes < 0 || !index_find(&members->directory->dns, dn, (size_t) bytes, &number))
        return;
    member->kind = number % 2 == 0 ? MEMBER_USER : MEMBER_GROUP;
    member->number = number / 2;
}

int members_init(struct members *members, struct directory *directory)
{
    int r = 0;

    *members = (struct members){ .directory = directory };
    for (size_t i = 0; i < directory->members.n && r == 0; i++) {
        struct member *member = &directory->members.at[i];

        if (member->kind == MEMBER_BY_NAME)
            r = find_by_name(members, member);
        else
            find_by_dn(members, member);
    }
    if (r == 0) {
        members->seen_users = calloc(directory->users.n + 1, sizeof(uint32_t));
        members->seen_groups = calloc(directory->groups.n + 1, sizeof(uint32_t));
        members->seen_strangers = calloc(members->strangers.n + 1, sizeof(uint32_t));
        if (!members->seen_users || !members->seen_groups || !members->seen_strangers)
            r = -ENOMEM;
    }
    if (r < 0)
        members_done(members);
    return r;
}

void members_done(struct members *members)
{
    index_done(&members->stranger_keys);
    free(members->strangers.at);
    free(members->seen_users);
    free(members->seen_groups);
    free(members->seen_strangers);
    free(members->groups.at);
    free(members->names);
    free(members->users.at);
    *members = (struct members){ 0 };
}

static int add_name(struct members *members, const char *name)
{
    size_t bytes = strlen(name) + 1;

    if (members->names_max - members->names_bytes < bytes) {
        size_t max = members->names_max * 2 + bytes + 4096;
        char *larger = realloc(members->names, max);

        if (!larger)
            return -ENOMEM;
        members->names = larger;
        members->names_max = max;
    }
    memcpy(members->names + members->names_bytes, name, bytes);
    members->names_bytes += bytes;
    members->n_names++;
    return 0;
}

/* Whether this look-up meets it for the first time. */
static bool is_new(const struct members *members, uint32_t *seen, uint32_t number)
{
    if (seen[number] == members->look_up)
        return false;
    seen[number] = members->look_up;
    return true;
}

static int add_member(struct members *members, const struct member *member, bool follows_groups)
{
    const struct user *user;
    int r;

    switch (member->kind) {
    case MEMBER_USER:
        if (!is_new(members, members->seen_users, member->number))
            return 0;
        user = &members->directory->users.at[member->number];
        r = LIST_ADD(&members->users, member->number);
        return r < 0 ? r : add_name(members, user->name);
    case MEMBER_STRANGER:
        if (!is_new(members, members->seen_strangers, member->number))
            return 0;
        return add_name(members, members->strangers.at[member->number]);
    case MEMBER_GROUP:
        if (!follows_groups || !is_new(members, members->seen_groups, member->number))
            return 0;
        return LIST_ADD(&members->groups, member->number);
    default:
        return 0;
    }
}

int members_of(struct members *members, uint32_t group)
{
    const struct directory *directory = members->directory;
    size_t done = 0;
    int r;

    members->look_up++;
    members->n_names = members->names_bytes = 0;
    members->users.n = members->groups.n = 0;
    members->seen_groups[group] = members->look_up;

    r = LIST_ADD(&members->groups, group);
    for (unsigned level = 0; r == 0 && done < members->groups.n; level++) {
        /* All of one level before the next: a group that is near and far counts as near. */
        for (size_t end = members->groups.n; r == 0 && done < end; done++) {
            const struct group *at = &directory->groups.at[members->groups.at[done]];

            for (uint32_t i = 0; r == 0 && i < at->members.n; i++)
                r = add_member(members, &directory->members.at[at->members.first + i],
                               level < directory->rules.nesting_level);
        }
    }
    return r;
}
