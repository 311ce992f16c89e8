/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quota: who may have how much of what clients can make grow. It knows users and amounts, but no
 * connection.
 *
 * A user may have a share of what is free, which shrinks with the number of those who have some: of
 * T, the first may have a half, the second then a sixth, the third a twelfth, the one that comes
 * n-th 1/n(n+1). So there is always something for the next one, and whoever becomes many users
 * gains little. Everybody may have a few, as long as there are any. The last part is root's. */

#ifndef RESPONDER_QUOTA_H
#define RESPONDER_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct client;

enum quota_kind {
    QUOTA_CONNECTIONS,
    QUOTA_BYTES,    /* of memory for what clients have not read, or not sent whole */
    QUOTA_REQUESTS, /* that wait for somebody else, e.g. a back end */
    QUOTA_KINDS
};

#define QUOTA_ROOTS_PART 16 /* one of so many */
#define QUOTA_FEW 4         /* or less, of less than 64 times so many */
#define QUOTA_BUCKETS 256

struct quota_user {
    uid_t uid;
    size_t used[QUOTA_KINDS];
    struct quota_user *next_in_bucket;
    struct quota_user *next, *previous;
    size_t at[QUOTA_KINDS]; /* in the heaps */
    uint64_t came;          /* with its last connection */

    /* Of others, who need it here: its connections in the order of their last activity, and how
     * many of them wait. */
    struct client *oldest, *newest;
    size_t n_waiting;
};

struct quota {
    size_t total[QUOTA_KINDS];
    size_t used[QUOTA_KINDS]; /* by all but root */
    size_t roots_used[QUOTA_KINDS];
    size_t n_holders[QUOTA_KINDS]; /* users other than root that have some */
    struct quota_user *first, *last;
    struct quota_user **heaps[QUOTA_KINDS]; /* all but root, who has most first */
    size_t n_in_heaps, heap_room;
    uint64_t n_came;
    struct quota_user *buckets[QUOTA_BUCKETS];
};

/* When no user is left. */
void quota_done(struct quota *quota);

/* NULL: it has nothing. */
struct quota_user *quota_find(const struct quota *quota, uid_t uid);
/* Makes one if there is none; NULL: no memory. Something has to be charged to it then. */
struct quota_user *quota_user(struct quota *quota, uid_t uid);
/* Frees one that has nothing. */
void quota_user_put(struct quota *quota, struct quota_user *user);

/* May it have one more? */
bool quota_allows(const struct quota *quota, const struct quota_user *user, enum quota_kind kind);
/* Is there more of it than there may be, in all? */
bool quota_is_exceeded(const struct quota *quota, enum quota_kind kind);

/* Charges in any case: what is already there has to be counted. */
void quota_charge(struct quota *quota, struct quota_user *user, enum quota_kind kind, size_t n);
void quota_release(struct quota *quota, struct quota_user *user, enum quota_kind kind, size_t n);

/* Who has most, root aside; of equals the one whose last connection is the oldest. NULL: nobody has
 * any. */
struct quota_user *quota_most(const struct quota *quota, enum quota_kind kind);

#endif
