/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <stdlib.h>

#include "responder/quota.h"

#define ROOT 0

/* ---- users ---- */

struct quota_user *quota_find(const struct quota *quota, uid_t uid)
{
    struct quota_user *user = quota->buckets[uid % QUOTA_BUCKETS];

    while (user && user->uid != uid)
        user = user->next_in_bucket;
    return user;
}

static void list_append(struct quota *quota, struct quota_user *user)
{
    user->next = NULL;
    user->previous = quota->last;
    if (user->previous)
        user->previous->next = user;
    else
        quota->first = user;
    quota->last = user;
}

static void list_remove(struct quota *quota, struct quota_user *user)
{
    if (user->previous)
        user->previous->next = user->next;
    else
        quota->first = user->next;
    if (user->next)
        user->next->previous = user->previous;
    else
        quota->last = user->previous;
}

struct quota_user *quota_user(struct quota *quota, uid_t uid)
{
    struct quota_user *user = quota_find(quota, uid), **bucket = &quota->buckets[uid % QUOTA_BUCKETS];

    if (user)
        return user;
    user = calloc(1, sizeof(*user));
    if (!user)
        return NULL;
    user->uid = uid;
    user->next_in_bucket = *bucket;
    *bucket = user;
    list_append(quota, user);
    return user;
}

void quota_user_put(struct quota *quota, struct quota_user *user)
{
    struct quota_user **link = &quota->buckets[user->uid % QUOTA_BUCKETS];

    for (size_t i = 0; i < QUOTA_KINDS; i++) {
        if (user->used[i] > 0)
            return;
    }
    while (*link != user)
        link = &(*link)->next_in_bucket;
    *link = user->next_in_bucket;
    list_remove(quota, user);
    free(user);
}

/* ---- amounts ---- */

static size_t less(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

/* Of what is not root's. Root takes its own part first. */
static size_t free_for_all(const struct quota *quota, enum quota_kind kind)
{
    size_t roots = quota->total[kind] / QUOTA_ROOTS_PART;

    return less(quota->total[kind] - roots, quota->used[kind] + less(quota->roots_used[kind], roots));
}

bool quota_is_exceeded(const struct quota *quota, enum quota_kind kind)
{
    return quota->used[kind] + quota->roots_used[kind] > quota->total[kind];
}

bool quota_allows(const struct quota *quota, const struct quota_user *user, enum quota_kind kind)
{
    size_t used = user->used[kind], left = free_for_all(quota, kind), n_holders = quota->n_holders[kind];

    if (user->uid == ROOT)
        return quota->used[kind] + quota->roots_used[kind] < quota->total[kind];
    if (used == 0)
        return left > 0;
    return used < (left + used) / (n_holders + 1);
}

void quota_charge(struct quota *quota, struct quota_user *user, enum quota_kind kind, size_t n)
{
    bool is_root = user->uid == ROOT;

    quota->n_holders[kind] += !is_root && n > 0 && user->used[kind] == 0;
    *(is_root ? &quota->roots_used[kind] : &quota->used[kind]) += n;
    user->used[kind] += n;
    if (kind == QUOTA_CONNECTIONS) {
        list_remove(quota, user);
        list_append(quota, user);
    }
}

void quota_release(struct quota *quota, struct quota_user *user, enum quota_kind kind, size_t n)
{
    bool is_root = user->uid == ROOT;

    assert(n <= user->used[kind]);
    user->used[kind] -= n;
    *(is_root ? &quota->roots_used[kind] : &quota->used[kind]) -= n;
    quota->n_holders[kind] -= !is_root && n > 0 && user->used[kind] == 0;
}

struct quota_user *quota_most(const struct quota *quota, enum quota_kind kind)
{
    struct quota_user *most = NULL;

    for (struct quota_user *user = quota->first; user; user = user->next) {
        if (user->uid != ROOT && user->used[kind] > (most ? most->used[kind] : 0))
            most = user;
    }
    return most;
}
