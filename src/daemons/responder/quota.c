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
    user->previous = quota->last;
    *(user->previous ? &user->previous->next : &quota->first) = user;
    quota->last = user;
}

static void list_remove(struct quota *quota, struct quota_user *user)
{
    *(user->previous ? &user->previous->next : &quota->first) = user->next;
    *(user->next ? &user->next->previous : &quota->last) = user->previous;
}

/* ---- heaps: to find the one that has most is not slow if somebody comes as many users ---- */

static bool has_more(const struct quota_user *a, const struct quota_user *b, enum quota_kind kind)
{
    if (a->used[kind] != b->used[kind] || kind != QUOTA_CONNECTIONS)
        return a->used[kind] > b->used[kind];
    return a->came < b->came;
}

static void put_at(struct quota *quota, enum quota_kind kind, size_t at, struct quota_user *user)
{
    quota->heaps[kind][at] = user;
    user->at[kind] = at;
}

/* To its place, wherever it stands. */
static void sift(struct quota *quota, enum quota_kind kind, struct quota_user *user)
{
    struct quota_user **heap = quota->heaps[kind];
    size_t at = user->at[kind], child;

    for (; at > 0 && has_more(user, heap[(at - 1) / 2], kind); at = (at - 1) / 2)
        put_at(quota, kind, at, heap[(at - 1) / 2]);
    for (; (child = 2 * at + 1) < quota->n_in_heaps; at = child) {
        if (child + 1 < quota->n_in_heaps && has_more(heap[child + 1], heap[child], kind))
            child++;
        if (!has_more(heap[child], user, kind))
            break;
        put_at(quota, kind, at, heap[child]);
    }
    put_at(quota, kind, at, user);
}

static bool heaps_add(struct quota *quota, struct quota_user *user)
{
    size_t room = quota->heap_room ? 2 * quota->heap_room : 16;

    if (quota->n_in_heaps == quota->heap_room) {
        for (size_t i = 0; i < QUOTA_KINDS; i++) {
            struct quota_user **heap = reallocarray(quota->heaps[i], room, sizeof(heap[0]));

            if (!heap)
                return false; /* those before it have more room than is known of */
            quota->heaps[i] = heap;
        }
        quota->heap_room = room;
    }
    for (size_t i = 0; i < QUOTA_KINDS; i++)
        put_at(quota, i, quota->n_in_heaps, user);
    quota->n_in_heaps++;
    return true;
}

static void heaps_remove(struct quota *quota, struct quota_user *user)
{
    quota->n_in_heaps--;
    for (size_t i = 0; i < QUOTA_KINDS; i++) {
        struct quota_user *last = quota->heaps[i][quota->n_in_heaps];

        if (last == user)
            continue;
        put_at(quota, i, user->at[i], last);
        sift(quota, i, last);
    }
}

/* ---- their lives ---- */

struct quota_user *quota_user(struct quota *quota, uid_t uid)
{
    struct quota_user **bucket = &quota->buckets[uid % QUOTA_BUCKETS];
    struct quota_user *user = quota_find(quota, uid);

    if (user)
        return user;
    user = calloc(1, sizeof(*user));
    if (!user)
        return NULL;
    user->uid = uid;
    user->came = quota->n_came;
    if (uid != ROOT && !heaps_add(quota, user)) {
        free(user);
        return NULL;
    }
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
    if (user->uid != ROOT)
        heaps_remove(quota, user);
    free(user);
}

void quota_done(struct quota *quota)
{
    assert(!quota->first);
    for (size_t i = 0; i < QUOTA_KINDS; i++)
        free(quota->heaps[i]);
    *quota = (struct quota) { 0 };
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

    return less(quota->total[kind] - roots,
                quota->used[kind] + less(quota->roots_used[kind], roots));
}

bool quota_is_exceeded(const struct quota *quota, enum quota_kind kind)
{
    return quota->used[kind] + quota->roots_used[kind] > quota->total[kind];
}

bool quota_allows(const struct quota *quota, const struct quota_user *user, enum quota_kind kind)
{
    size_t used = user->used[kind], left = free_for_all(quota, kind), few = quota->total[kind] / 64;

    if (user->uid == ROOT)
        return quota->used[kind] + quota->roots_used[kind] < quota->total[kind];
    if (used == 0 || used < (few < QUOTA_FEW ? few : QUOTA_FEW))
        return left > 0;
    return used < (left + used) / (quota->n_holders[kind] + 1);
}

static void change(struct quota *quota, struct quota_user *user, enum quota_kind kind, size_t used)
{
    bool is_root = user->uid == ROOT;
    size_t *all = is_root ? &quota->roots_used[kind] : &quota->used[kind];

    *all = *all - user->used[kind] + used;
    quota->n_holders[kind] += !is_root && used > 0;
    quota->n_holders[kind] -= !is_root && user->used[kind] > 0;
    user->used[kind] = used;
    if (!is_root)
        sift(quota, kind, user);
}

void quota_charge(struct quota *quota, struct quota_user *user, enum quota_kind kind, size_t n)
{
    if (kind == QUOTA_CONNECTIONS)
        user->came = ++quota->n_came;
    change(quota, user, kind, user->used[kind] + n);
}

void quota_release(struct quota *quota, struct quota_user *user, enum quota_kind kind, size_t n)
{
    assert(n <= user->used[kind]);
    change(quota, user, kind, user->used[kind] - n);
}

struct quota_user *quota_most(const struct quota *quota, enum quota_kind kind)
{
    struct quota_user *most = quota->n_in_heaps > 0 ? quota->heaps[kind][0] : NULL;

    return most && most->used[kind] > 0 ? most : NULL;
}
