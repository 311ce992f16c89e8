/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "responder/quota.h"

#define TOTAL 1600 /* 1500 for all, 100 root's */

static int setup(void **state)
{
    struct quota *quota = calloc(1, sizeof(*quota));

    assert_non_null(quota);
    for (size_t i = 0; i < QUOTA_KINDS; i++)
        quota->total[i] = TOTAL;
    *state = quota;
    return 0;
}

static int teardown(void **state)
{
    struct quota *quota = *state;

    while (quota->first) {
        struct quota_user *user = quota->first;

        for (size_t i = 0; i < QUOTA_KINDS; i++)
            quota_release(quota, user, i, user->used[i]);
        quota_user_put(quota, user);
    }
    for (size_t i = 0; i < QUOTA_KINDS; i++) {
        assert_int_equal(quota->used[i], 0);
        assert_int_equal(quota->roots_used[i], 0);
        assert_int_equal(quota->n_holders[i], 0);
    }
    quota_done(quota);
    free(quota);
    return 0;
}

/* As much as it may have. */
static size_t fill(struct quota *quota, uid_t uid, enum quota_kind kind)
{
    struct quota_user *user = quota_user(quota, uid);

    assert_non_null(user);
    while (quota_allows(quota, user, kind))
        quota_charge(quota, user, kind, 1);
    return user->used[kind];
}

static struct quota_user *take(struct quota *quota, uid_t uid, size_t n)
{
    struct quota_user *user = quota_user(quota, uid);

    assert_non_null(user);
    quota_charge(quota, user, QUOTA_CONNECTIONS, n);
    return user;
}

static void shares_shrink_with_the_number_of_users(void **state)
{
    static const size_t shares[] = { 750, 250, 125, 75, 50 };
    struct quota *quota = *state;

    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        assert_int_equal(fill(quota, 1000 + (uid_t) i, QUOTA_CONNECTIONS), shares[i]);
}

static void there_is_something_for_the_next_one_as_long_as_there_is_any(void **state)
{
    struct quota *quota = *state;
    size_t n = 0;

    for (uid_t uid = 1000; uid < 1000 + 3 * TOTAL; uid++) {
        size_t used = fill(quota, uid, QUOTA_CONNECTIONS);

        if (used == 0)
            break;
        n++;
    }
    assert_in_range(n, 30, 50);
    assert_int_equal(quota->used[QUOTA_CONNECTIONS], 1500);
}

static void the_last_part_is_roots(void **state)
{
    struct quota *quota = *state;

    for (uid_t uid = 1000; uid < 1000 + TOTAL; uid++)
        fill(quota, uid, QUOTA_BYTES);
    assert_int_equal(fill(quota, 0, QUOTA_BYTES), 100);
    assert_false(quota_is_exceeded(quota, QUOTA_BYTES));
}

static void root_has_no_share_but_all_and_its_part_first(void **state)
{
    struct quota *quota = *state;
    struct quota_user *root = take(quota, 0, 100);

    assert_int_equal(fill(quota, 1000, QUOTA_CONNECTIONS), 750);
    assert_int_equal(fill(quota, 0, QUOTA_CONNECTIONS), 850);
    assert_false(quota_allows(quota, root, QUOTA_CONNECTIONS));
    assert_int_equal(fill(quota, 1001, QUOTA_CONNECTIONS), 0);
}

static void who_gives_back_may_take_again(void **state)
{
    struct quota *quota = *state;
    struct quota_user *one = quota_user(quota, 1000), *two = quota_user(quota, 1001);

    assert_int_equal(fill(quota, 1000, QUOTA_REQUESTS), 750);
    assert_int_equal(fill(quota, 1001, QUOTA_REQUESTS), 250);
    assert_false(quota_allows(quota, two, QUOTA_REQUESTS));
    quota_release(quota, one, QUOTA_REQUESTS, 300);
    assert_true(quota_allows(quota, two, QUOTA_REQUESTS));
    assert_int_equal(fill(quota, 1001, QUOTA_REQUESTS), 350);
    quota_release(quota, one, QUOTA_REQUESTS, 450); /* and counts no more */
    assert_int_equal(fill(quota, 1001, QUOTA_REQUESTS), 750);
}

static void what_is_there_is_charged_above_any_limit(void **state)
{
    struct quota *quota = *state;
    struct quota_user *user = quota_user(quota, 1000);

    quota_charge(quota, user, QUOTA_BYTES, TOTAL);
    assert_false(quota_is_exceeded(quota, QUOTA_BYTES));
    quota_charge(quota, user, QUOTA_BYTES, 10 * TOTAL);
    assert_true(quota_is_exceeded(quota, QUOTA_BYTES));
    assert_false(quota_allows(quota, user, QUOTA_BYTES));
    assert_false(quota_allows(quota, quota_user(quota, 0), QUOTA_BYTES));
    quota_release(quota, user, QUOTA_BYTES, 11 * TOTAL);
    assert_true(quota_allows(quota, user, QUOTA_BYTES));
}

static void kinds_are_apart(void **state)
{
    struct quota *quota = *state;

    assert_int_equal(fill(quota, 1000, QUOTA_CONNECTIONS), 750);
    assert_int_equal(fill(quota, 1001, QUOTA_BYTES), 750);
    assert_int_equal(fill(quota, 1000, QUOTA_BYTES), 250);
}

static void who_has_most_is_found_but_never_root(void **state)
{
    struct quota *quota = *state;

    assert_null(quota_most(quota, QUOTA_CONNECTIONS));
    take(quota, 0, 100);
    assert_null(quota_most(quota, QUOTA_CONNECTIONS));
    take(quota, 1000, 3);
    take(quota, 1001, 5);
    take(quota, 1002, 4);
    assert_int_equal(quota_most(quota, QUOTA_CONNECTIONS)->uid, 1001);
}

static void of_equals_the_one_that_came_first_has_most(void **state)
{
    struct quota *quota = *state;

    take(quota, 1000, 2);
    take(quota, 1001, 2);
    assert_int_equal(quota_most(quota, QUOTA_CONNECTIONS)->uid, 1000);
    quota_release(quota, quota_user(quota, 1000), QUOTA_CONNECTIONS, 1);
    take(quota, 1000, 1);
    assert_int_equal(quota_most(quota, QUOTA_CONNECTIONS)->uid, 1001);
}

static void everybody_may_have_a_few(void **state)
{
    struct quota *quota = *state;

    for (uid_t uid = 1000; uid < 1300; uid++)
        take(quota, uid, 4);
    assert_int_equal(fill(quota, 2000, QUOTA_CONNECTIONS), 4);
    assert_int_equal(fill(quota, 1000, QUOTA_CONNECTIONS), 4);
    quota->total[QUOTA_CONNECTIONS] = 1290; /* of which root has 80 */
    assert_int_equal(fill(quota, 2001, QUOTA_CONNECTIONS), 4);
    assert_int_equal(fill(quota, 2002, QUOTA_CONNECTIONS), 2);
    assert_int_equal(fill(quota, 2003, QUOTA_CONNECTIONS), 0);
}

/* Against a look at all of them. */
static void who_has_most_is_right_after_any_change(void **state)
{
    enum { N = 60 };
    struct quota *quota = *state;
    unsigned seed = 1;

    for (int i = 0; i < 20000; i++) {
        enum quota_kind kind = (unsigned) rand_r(&seed) % QUOTA_KINDS;
        struct quota_user *user = quota_user(quota, 1000 + (uid_t) (rand_r(&seed) % N));
        size_t most = 0;

        assert_non_null(user);
        if (rand_r(&seed) % 2)
            quota_charge(quota, user, kind, (size_t) (rand_r(&seed) % 5));
        else
            quota_release(quota, user, kind, user->used[kind] / (size_t) (1 + rand_r(&seed) % 3));
        quota_user_put(quota, user);

        for (user = quota->first; user; user = user->next)
            most = user->used[kind] > most ? user->used[kind] : most;
        user = quota_most(quota, kind);
        assert_int_equal(user ? user->used[kind] : 0, most);
    }
}

/* Many share a bucket, and leave in another order than they came in. */
static void users_are_found_until_they_have_nothing(void **state)
{
    struct quota *quota = *state;
    struct quota_user *users[1000];

    for (uid_t i = 0; i < 1000; i++)
        users[i] = take(quota, 5 * i, 1);
    for (uid_t i = 0; i < 1000; i++)
        assert_ptr_equal(quota_find(quota, 5 * i), users[i]);
    assert_null(quota_find(quota, 3));
    for (uid_t i = 0; i < 1000; i++) {
        uid_t at = i * 7 % 1000;

        quota_user_put(quota, users[at]); /* it has something */
        assert_ptr_equal(quota_find(quota, 5 * at), users[at]);
        quota_release(quota, users[at], QUOTA_CONNECTIONS, 1);
        quota_user_put(quota, users[at]);
        assert_null(quota_find(quota, 5 * at));
    }
    assert_null(quota->first);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shares_shrink_with_the_number_of_users),
        TEST(there_is_something_for_the_next_one_as_long_as_there_is_any),
        TEST(the_last_part_is_roots),
        TEST(root_has_no_share_but_all_and_its_part_first),
        TEST(who_gives_back_may_take_again),
        TEST(what_is_there_is_charged_above_any_limit),
        TEST(kinds_are_apart),
        TEST(who_has_most_is_found_but_never_root),
        TEST(of_equals_the_one_that_came_first_has_most),
        TEST(everybody_may_have_a_few),
        TEST(who_has_most_is_right_after_any_change),
        TEST(users_are_found_until_they_have_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
