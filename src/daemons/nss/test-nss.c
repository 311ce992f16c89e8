/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The responder as its clients see it: what it answers, when it asks its backend, and what it leaves in the memory cache. */

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/layout.h"
#include "cache/writer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/test-cmocka.h"
#include "nss/dataprovider.h"
#include "nss/domains.h"
#include "nss/listings.h"
#include "nss/lookup.h"
#include "nss/memcache.h"
#include "nss/test-fixture.h"
#include "wire/commands.h"

#define TEXT(text) text, sizeof(text) - 1
#define SECOND 1000000ULL
#define NOTHING "\0\0\0\0\0\0\0\0"

/* Requests and what they are to be answered, byte for byte, but for the headers. */
static const struct vector {
    const char *what;
    uint32_t command;
    const char *body;
    size_t body_bytes;
    uint32_t status;
    const char *reply;
    size_t reply_bytes;
} vectors[] = {
    /* clang-format off */
    { "user by name", 0x11, TEXT("nobodyx\000"), 0, TEXT("\000\000\000\000\000\000\000\000") },
    { "user by name", 0x11, TEXT("alice\000"), 0, TEXT("\001\000\000\000\000\000\000\000\021'\000\000\021'\000\000alice\000*\000Alice Example\000/home/alice\000/bin/bash\000") },
    { "user by id", 0x12, TEXT("\022'\000\000"), 0, TEXT("\001\000\000\000\000\000\000\000\022'\000\000\021'\000\000bob\000*\000\000/home/bob\000/bin/sh\000") },
    { "users start", 0x13, TEXT(""), 0, TEXT("") },
    { "users next", 0x14, TEXT("\000\001\000\000"), 0, TEXT("\002\000\000\000\000\000\000\000\021'\000\000\021'\000\000alice\000*\000Alice Example\000/home/alice\000/bin/bash\000\022'\000\000\021'\000\000bob\000*\000\000/home/bob\000/bin/sh\000") },
    { "users next", 0x14, TEXT("\000\001\000\000"), 0, TEXT("\000\000\000\000\000\000\000\000") },
    { "users end", 0x15, TEXT(""), 0, TEXT("") },
    { "group by name", 0x21, TEXT("devs\000"), 0, TEXT("\001\000\000\000\000\000\000\000 N\000\000\002\000\000\000devs\000*\000alice\000bob\000") },
    { "group by id", 0x22, TEXT("!N\000\000"), 0, TEXT("\001\000\000\000\000\000\000\000!N\000\000\001\000\000\000ops\000*\000alice\000") },
    { "groups start", 0x23, TEXT(""), 0, TEXT("") },
    { "groups next", 0x24, TEXT("\000\001\000\000"), 0, TEXT("\002\000\000\000\000\000\000\000 N\000\000\002\000\000\000devs\000*\000alice\000bob\000!N\000\000\001\000\000\000ops\000*\000alice\000") },
    { "groups end", 0x25, TEXT(""), 0, TEXT("") },
    { "groups of user", 0x26, TEXT("alice\000"), 0, TEXT("\003\000\000\000\000\000\000\000 N\000\000!N\000\000\021'\000\000") },
    { "user by name, flags", 0x19, TEXT("alice\000\001\000\000\000"), 0, TEXT("\001\000\000\000\000\000\000\000\021'\000\000\021'\000\000alice\000*\000Alice Example\000/home/alice\000/bin/bash\000") },
    { "user by id, flags", 0x1a, TEXT("\021'\000\000\001\000\000\000"), 0, TEXT("\001\000\000\000\000\000\000\000\021'\000\000\021'\000\000alice\000*\000Alice Example\000/home/alice\000/bin/bash\000") },
    { "group by name, flags", 0x29, TEXT("devs\000\002\000\000\000"), 0, TEXT("\001\000\000\000\000\000\000\000 N\000\000\002\000\000\000devs\000*\000alice\000bob\000") },
    { "group by id, flags", 0x2a, TEXT(" N\000\000\000\000\000\000"), 0, TEXT("\001\000\000\000\000\000\000\000 N\000\000\002\000\000\000devs\000*\000alice\000bob\000") },
    { "groups of user, flags", 0x2e, TEXT("alice\000\000\000\000\000"), 0, TEXT("\003\000\000\000\000\000\000\000 N\000\000!N\000\000\021'\000\000") },
    { "groups of user, without its primary one", 0x26, TEXT("bob\000"), 0, TEXT("\001\000\000\000\000\000\000\000 N\000\000") },
    { "netgroup", 0x61, TEXT("ng1\000"), 0, TEXT("\003\000\000\000\000\000\000\000\001\000\000\000host1\000alice\000example.com\000\001\000\000\000\000bob\000\000") },
    { "netgroup", 0x61, TEXT("ng2\000"), 0, TEXT("\002\000\000\000\000\000\000\000\002\000\000\000ng1\000") },
    { "netgroup", 0x61, TEXT("ngempty\000"), 0, TEXT("\001\000\000\000\000\000\000\000") },
    { "service by name", 0xa1, TEXT("http2\000tcp\000"), 0, TEXT("\001\000\000\000\000\000\000\000\037\220\000\000\002\000\000\000http2\000tcp\000webalt\000w3\000") },
    { "service by name", 0xa1, TEXT("dnsx\000\000"), 0, TEXT("\001\000\000\000\000\000\000\000\024\264\000\000\000\000\000\000dnsx\000udp\000") },
    { "service by port", 0xa2, TEXT("\037\220\000\000\000\000\000\000\000"), 0, TEXT("\001\000\000\000\000\000\000\000\037\220\000\000\002\000\000\000http2\000tcp\000webalt\000w3\000") },
    { "services start", 0xa3, TEXT(""), 0, TEXT("") },
    { "services next", 0xa4, TEXT("\000\001\000\000"), 0, TEXT("\002\000\000\000\000\000\000\000\037\220\000\000\002\000\000\000http2\000tcp\000webalt\000w3\000\024\264\000\000\000\000\000\000dnsx\000udp\000") },
    { "services end", 0xa5, TEXT(""), 0, TEXT("") },
    { "user by name", 0x11, TEXT("carol"), 22, TEXT("") },
    { "a list without a start", 0x14, TEXT("\001\000\000\000"), 0, TEXT("\002\000\000\000\000\000\000\000\021'\000\000\021'\000\000alice\000*\000Alice Example\000/home/alice\000/bin/bash\000\022'\000\000\021'\000\000bob\000*\000\000/home/bob\000/bin/sh\000") },
    { "its end", 0x15, TEXT("ignored"), 0, TEXT("") },
    { "a name with its domain", 0x21, TEXT("ops@example.com\000"), 0, TEXT("\001\000\000\000\000\000\000\000!N\000\000\001\000\000\000ops\000*\000alice\000") },
    { "the domain in another case", 0x21, TEXT("ops@EXAMPLE.com\000"), 0, TEXT("\001\000\000\000\000\000\000\000!N\000\000\001\000\000\000ops\000*\000alice\000") },
    { "the domain before the name", 0x21, TEXT("example.com\\ops\000"), 0, TEXT(NOTHING) },
    { "a name with another domain", 0x21, TEXT("ops@example.org\000"), 0, TEXT(NOTHING) },
    { "a name in another case", 0x21, TEXT("OPS\000"), 0, TEXT(NOTHING) },
    { "bytes behind a name", 0x21, TEXT("ops\000rest\000"), 0, TEXT("\001\000\000\000\000\000\000\000!N\000\000\001\000\000\000ops\000*\000alice\000") },
    { "root", 0x11, TEXT("root\000"), 0, TEXT(NOTHING) },
    { "root's id", 0x12, TEXT("\000\000\000\000"), 0, TEXT(NOTHING) },
    { "root's group", 0x22, TEXT("\000\000\000\000"), 0, TEXT(NOTHING) },
    { "no such netgroup", 0x61, TEXT("ng3\000"), 0, TEXT(NOTHING) },
    { "no such protocol", 0xa1, TEXT("http2\000udp\000"), 0, TEXT(NOTHING) },
    { "an alias", 0xa1, TEXT("w3\000\000"), 0, TEXT(NOTHING) },

    { "an empty name", 0x11, TEXT("\000"), 22, TEXT("") },
    { "no name", 0x11, TEXT(""), 22, TEXT("") },
    { "no UTF-8", 0x11, TEXT("al\377ice\000"), 22, TEXT("") },
    { "no zero behind the rest", 0x11, TEXT("alice\000x"), 22, TEXT("") },
    { "half an id", 0x12, TEXT("\021'\000"), 22, TEXT("") },
    { "more than an id", 0x12, TEXT("\021'\000\000\000"), 22, TEXT("") },
    { "flags that contradict", 0x19, TEXT("alice\000\003\000\000\000"), 22, TEXT("") },
    { "flags that are not there", 0x19, TEXT("alice\000"), 22, TEXT("") },
    { "flags that come late", 0x19, TEXT("alice\000\000\001\000\000\000"), 22, TEXT("") },

    { "host", 0x52, TEXT("node1\000"), 0, TEXT(NOTHING) },
    { "host by address", 0x53, TEXT("\002\000\000\000\004\000\000\000\300\000\002\012"), 0, TEXT(NOTHING) },
    { "host of an unknown family", 0x53, TEXT("\003\000\000\000\004\000\000\000\300\000\002\012"), 22, TEXT("") },
    { "host with a short address", 0x53, TEXT("\002\000\000\000\004\000\000\000\300\000\002"), 22, TEXT("") },
    { "hosts start", 0x54, TEXT(""), 0, TEXT("") },
    { "hosts next", 0x55, TEXT("\000\001\000\000"), 0, TEXT(NOTHING) },
    { "hosts end", 0x56, TEXT(""), 0, TEXT("") },
    { "network", 0x71, TEXT("lan1\000"), 0, TEXT(NOTHING) },
    { "network by address", 0x72, TEXT("\002\000\000\000\004\000\000\000\300\000\002\000"), 0, TEXT(NOTHING) },
    { "network that is none", 0x72, TEXT("\012\000\000\000\020\000\000\0000123456789abcdef"), 22, TEXT("") },

    { "SID of a user", 0x111, TEXT("alice@example.com\000"), 22, TEXT("") },
    { "SID of a group", 0x111, TEXT("devs\000"), 22, TEXT("") },
    { "SID of nobody", 0x111, TEXT("nobodyx\000"), 0, TEXT(NOTHING) },
    { "SID by id", 0x112, TEXT("\021'\000\000"), 22, TEXT("") },
    { "SID by nobody's id", 0x112, TEXT("\021\047\001\000"), 0, TEXT(NOTHING) },
    { "SID of a user by a group's name", 0x11c, TEXT("devs\000"), 0, TEXT(NOTHING) },
    { "name by SID", 0x113, TEXT("S-1-5-21-1-2-3-1001\000"), 0, TEXT(NOTHING) },
    { "id by SID", 0x114, TEXT("S-1-5-21-1-2-3-1001\000"), 0, TEXT(NOTHING) },
    { "name by a well-known SID", 0x113, TEXT("S-1-5-32-544\000"), 0, TEXT("\001\000\000\000\000\000\000\000\002\000\000\000Administrators@BUILTIN\000") },
    { "id by a well-known SID", 0x114, TEXT("S-1-5-32-544\000"), 22, TEXT("") },
    { "name by what is no SID", 0x113, TEXT("S-1-5-\000"), 22, TEXT("") },
    { "origin of a user", 0x115, TEXT("alice\000"), 0, TEXT("\001\000\000\000\000\000\000\000\001\000\000\000") },
    { "origin of a group", 0x115, TEXT("devs\000"), 0, TEXT("\001\000\000\000\000\000\000\000\002\000\000\000") },
    { "origin of nobody", 0x11b, TEXT("alice\000"), 0, TEXT(NOTHING) },
    { "name by certificate", 0x116, TEXT("MIIB\000"), 0, TEXT(NOTHING) },
    { "name by what is no certificate", 0x117, TEXT("QUJD\000"), 22, TEXT("") },
    { "subordinate ids", 0x130, TEXT("alice\000"), 0, TEXT(NOTHING) },
    /* clang-format on */
};

static int setup(void **state)
{
    static struct fixture f;

    fixture_start(&f, (const char *const[]){ "domain/" FIXTURE_DOMAIN "|enumerate|true", NULL });
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_stop(*state);
    return 0;
}

static uint32_t status_of(struct fixture *f, const char *name)
{
    const uint8_t *reply;
    size_t bytes;

    return fixture_ask(f, CMD_USER_BY_NAME, name, strlen(name) + 1, &reply, &bytes);
}

static void requests_are_answered_as_clients_know_it(void **state)
{
    struct fixture *f = *state;
    const uint8_t *reply;
    uint32_t status;
    size_t bytes, i;

    for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *vector = &vectors[i];

        status = fixture_ask(f, vector->command, vector->body, vector->body_bytes, &reply, &bytes);
        if (status != vector->status || bytes != vector->reply_bytes || memcmp(reply, vector->reply, bytes) != 0)
            fail_msg("%s (%zu): status %u, %zu bytes", vector->what, i, status, bytes);
    }
}

static void a_service_request_without_its_protocol_costs_the_connection(void **state)
{
    struct fixture *f = *state;
    uint32_t status;
    size_t bytes;

    fixture_send(f, CMD_SERVICE_BY_NAME, "http2", 6);
    assert_null(fixture_receive(f, SECOND, &status, &bytes));
}

static void what_is_fresh_is_answered_without_asking(void **state)
{
    struct fixture *f = *state;

    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_true(fixture_finds(f, CMD_GROUP_BY_NAME, "devs"));
    assert_true(fixture_finds(f, CMD_GROUPS_OF_USER, "bob"));
    assert_int_equal(f->n_asked, 0);
}

static void who_is_unknown_is_asked_for_once(void **state)
{
    struct fixture *f = *state;

    assert_false(fixture_finds(f, CMD_USER_BY_NAME, "carol"));
    assert_int_equal(f->n_asked, 1);
    assert_false(fixture_finds(f, CMD_USER_BY_NAME, "carol"));
    assert_int_equal(f->n_asked, 1);
    /* another question is another one */
    assert_false(fixture_finds(f, CMD_GROUP_BY_NAME, "carol"));
    assert_int_equal(f->n_asked, 2);
}

static void bring_carol(struct fixture *f)
{
    fixture_write(f, true, 600, 0);
}

static void who_comes_with_the_answer_is_found(void **state)
{
    struct fixture *f = *state;

    f->on_ask = bring_carol;
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "carol"));
}

static void a_home_in_the_directory_may_be_a_template(void **state)
{
    static const char carol[] = "\001\0\0\0\0\0\0\0\023'\0\0\021'\0\0carol\0*\0\0/example.com/carol%/%x%\0/bin/sh";
    struct fixture *f = *state;
    const uint8_t *reply;
    size_t bytes;

    fixture_write(f, true, 600, 0);
    assert_int_equal(fixture_ask(f, CMD_USER_BY_NAME, TEXT("carol\0"), &reply, &bytes), 0);
    assert_int_equal(bytes, sizeof(carol));
    assert_memory_equal(reply, carol, bytes);
}

static void a_changed_directory_ends_the_negative_memory(void **state)
{
    struct fixture *f = *state;

    assert_false(fixture_finds(f, CMD_USER_BY_NAME, "carol"));
    fixture_write(f, true, 600, 0);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "carol"));
    assert_int_equal(f->n_asked, 1);
}

static void what_is_outdated_is_asked_for(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, false, 0, 0);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(f->n_asked, 1);
}

/* The domain's own time, that of its entries apart. */
static void set_state(struct fixture *f, const struct cache_state *state)
{
    struct cache_writer *writer = NULL;

    assert_int_equal(cache_writer_open(f->cache_dir, FIXTURE_DOMAIN, &writer), 0);
    assert_int_equal(cache_writer_set_state(writer, state), 0);
    cache_writer_close(writer);
}

static void what_was_set_in_the_future_is_past(void **state)
{
    const uint64_t now = (uint64_t) time(NULL);
    struct fixture *f = *state;

    fixture_write(f, false, 0, 0);
    set_state(f, &(struct cache_state){ .updated = now + 100, .good_until = { now + 600 } });
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(f->n_asked, 1);
    set_state(f, &(struct cache_state){ .updated = now, .good_until = { now + 600 } });
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(f->n_asked, 1);
    assert_true(fixture_finds(f, CMD_GROUP_BY_NAME, "devs")); /* another kind */
    assert_int_equal(f->n_asked, 2);
    fixture_write(f, false, 0, 1000); /* offline for 60 s */
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(f->n_asked, 3);
}

/* As long as the backend has said, whatever the general timeout is. */
static void an_entry_is_fresh_for_its_own_time(void **state)
{
    struct fixture f;

    (void) state;
    fixture_start(&f, (const char *const[]){ "domain/" FIXTURE_DOMAIN "|entry_cache_timeout|60",
                                             "domain/" FIXTURE_DOMAIN "|entry_cache_user_timeout|5400", NULL });
    fixture_write(&f, false, 5400, 0);
    assert_true(fixture_finds(&f, CMD_USER_BY_NAME, "alice"));
    set_state(&f, &(struct cache_state){ .updated = 1 }); /* the source has nothing to say about all of them */
    assert_true(fixture_finds(&f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(f.n_asked, 0);
    fixture_stop(&f);
}

static void offline_nobody_is_asked(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, false, 0, 30);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(status_of(f, "carol"), EHOSTDOWN);
    assert_int_equal(f->n_asked, 0);
}

static void a_silent_backend_delays_what_is_known_only_once(void **state)
{
    struct fixture *f = *state;
    uint64_t start = now_usec();

    f->is_silent = true;
    fixture_write(f, false, 0, 0);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_uint_in_range(now_usec() - start, LOOKUP_SILENT_USEC - 1000, LOOKUP_SILENT_USEC + SECOND);
    start = now_usec();
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "bob"));
    assert_uint_in_range(now_usec() - start, 0, SECOND / 2);
}

static void who_is_unknown_waits_for_the_backend(void **state)
{
    struct fixture *f = *state;
    uint32_t status;
    size_t bytes;

    f->is_silent = true;
    fixture_send(f, CMD_USER_BY_NAME, TEXT("carol\0"));
    assert_null(fixture_receive(f, 4 * SECOND, &status, &bytes));
    fixture_write(f, true, 600, 0);
    fixture_backend_answer(f);
    assert_non_null(fixture_receive(f, SECOND, &status, &bytes));
    assert_true(bytes > 8);
}

static void who_is_unknown_does_not_wait_for_a_backend_that_stands_still(void **state)
{
    struct fixture *f = *state;
    uint64_t start = now_usec();

    f->is_stopped = true;
    assert_int_equal(status_of(f, "carol"), EHOSTDOWN);
    assert_uint_in_range(now_usec() - start, DATAPROVIDER_TAKEN_USEC - 1000, DATAPROVIDER_TAKEN_USEC + SECOND);
    /* it was waited for; the others are told at once, and who is known is answered as before */
    start = now_usec();
    assert_int_equal(status_of(f, "dave"), EHOSTDOWN);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_uint_in_range(now_usec() - start, 0, SECOND / 2);
    assert_int_equal(f->n_asked, 1);

    /* it goes on */
    f->is_stopped = false;
    fixture_backend_take(f);
    fixture_run(f, SECOND / 10);
    assert_false(fixture_finds(f, CMD_USER_BY_NAME, "dave"));
    assert_int_equal(f->n_asked, 2);
}

static void nobody_waits_longer_than_the_source_may_take(void **state)
{
    struct fixture *f = *state;
    uint64_t start = now_usec();

    f->is_silent = true;
    f->patience_usec = SECOND;
    assert_int_equal(status_of(f, "carol"), EHOSTDOWN);
    assert_uint_in_range(now_usec() - start, SECOND - 1000, 2 * SECOND);
    /* it lives */
    f->is_silent = false;
    assert_false(fixture_finds(f, CMD_USER_BY_NAME, "dave"));
}

static void who_is_unknown_where_nobody_listens_is_not_said_to_be_nowhere(void **state)
{
    struct fixture *f = *state;
    uint64_t start = now_usec();

    fixture_backend_stop(f);
    assert_int_equal(status_of(f, "carol"), EHOSTDOWN);
    assert_uint_in_range(now_usec() - start, DATAPROVIDER_TAKEN_USEC - 1000, DATAPROVIDER_TAKEN_USEC + SECOND);
    start = now_usec();
    assert_int_equal(status_of(f, "dave"), EHOSTDOWN);
    assert_uint_in_range(now_usec() - start, 0, SECOND / 2);
}

static void who_is_unknown_to_an_offline_source_is_not_said_to_be_nowhere(void **state)
{
    struct fixture *f = *state;

    f->online = 0;
    assert_int_equal(status_of(f, "carol"), EHOSTDOWN);
}

static void a_miss_in_a_complete_cache_is_an_answer(void **state)
{
    struct fixture *f = *state;

    f->is_complete = true;
    fixture_write(f, false, 600, 0);
    /* Only a backend that is there sees what changes. */
    assert_false(fixture_finds(f, CMD_USER_BY_NAME, "erin"));
    assert_int_equal(f->n_asked, 1);
    assert_false(fixture_finds(f, CMD_USER_BY_NAME, "dave"));
    assert_false(fixture_finds(f, CMD_GROUP_BY_NAME, "carol"));
    assert_false(fixture_finds(f, CMD_GROUPS_OF_USER, "carol"));
    assert_false(fixture_finds(f, CMD_NETGROUP, "carol"));
    assert_int_equal(f->n_asked, 1);

    /* It sees a change. */
    f->is_complete = false;
    fixture_write(f, false, 600, 0);
    f->on_ask = bring_carol;
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "carol"));
    assert_int_equal(f->n_asked, 2);
}

static void a_miss_in_a_complete_cache_is_one_without_its_backend_too(void **state)
{
    struct fixture *f = *state;

    f->is_complete = true;
    fixture_write(f, false, 600, 0);
    fixture_backend_stop(f);
    assert_false(fixture_finds(f, CMD_USER_BY_NAME, "carol"));
}

static void a_backend_that_comes_back_is_asked_again(void **state)
{
    struct fixture *f = *state;
    uint64_t start;
    uint32_t status;
    size_t bytes;

    f->is_silent = true;
    fixture_send(f, CMD_USER_BY_NAME, TEXT("carol\0"));
    assert_null(fixture_receive(f, SECOND / 10, &status, &bytes));
    assert_int_equal(f->n_asked, 1);
    fixture_backend_stop(f);
    assert_null(fixture_receive(f, 2 * SECOND, &status, &bytes));

    f->is_silent = false;
    f->on_ask = bring_carol;
    fixture_backend_start(f);
    start = now_usec();
    assert_non_null(fixture_receive(f, 5 * SECOND, &status, &bytes));
    assert_true(bytes > 8);
    assert_uint_in_range(now_usec() - start, 0, SECOND);
    assert_int_equal(f->n_asked, 2);
}

static void a_client_that_goes_away_takes_its_question_along(void **state)
{
    struct fixture *f = *state;

    f->is_silent = true;
    fixture_send(f, CMD_USER_BY_NAME, TEXT("carol\0"));
    fixture_run(f, SECOND / 10);
    (void) close(f->client);
    f->client = -1;
    fixture_run(f, SECOND / 10);
    assert_null(f->responder.clients);
    fixture_backend_answer(f);
    fixture_run(f, SECOND / 10);
}

/* A file of the memory cache as its clients get it. */
static size_t find_in_file(const struct fixture *f, const char *name, const void *bytes, size_t n)
{
    static uint8_t content[2 * 1024 * 1024];
    char path[128];
    FILE *file;
    size_t used;

    (void) snprintf(path, sizeof(path), "%s/%s", f->memcache_dir, name);
    file = fopen(path, "re");
    assert_non_null(file);
    used = fread(content, 1, sizeof(content), file);
    assert_int_equal(fclose(file), 0);
    return memmem(content, used, bytes, n) != NULL;
}

/* Is a bucket of its hash table in use? The table is four bytes a slot, at the end, before what is ours. */
static bool is_empty_file(const struct fixture *f, const char *name)
{
    static uint8_t all_free[26216 * 4];

    memset(all_free, 0xff, sizeof(all_free));
    return find_in_file(f, name, all_free, sizeof(all_free));
}

static void what_was_answered_is_in_the_memory_cache(void **state)
{
    struct fixture *f = *state;

    assert_true(is_empty_file(f, "passwd"));
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_true(fixture_finds(f, CMD_GROUP_BY_NAME, "devs"));
    assert_true(fixture_finds(f, CMD_GROUPS_OF_USER, "alice"));
    assert_true(find_in_file(f, "passwd", TEXT("\021'\000\000\021'\000\000\054\000\000\000alice\0*\0Alice Example\0/home/alice\0/bin/bash\0")));
    assert_true(find_in_file(f, "group", TEXT(" N\000\000\002\000\000\000\021\000\000\000devs\0*\0alice\0bob\0")));
    assert_true(find_in_file(f, "initgroups", TEXT("\003\000\000\000 N\000\000!N\000\000\021'\000\000alice@example.com\0alice\0")));
    assert_false(is_empty_file(f, "passwd"));
}

static void the_memory_cache_has_the_first_of_a_number(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, true, 600, 0);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "carol-too"));
    assert_true(is_empty_file(f, "passwd"));
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "carol"));
    assert_false(is_empty_file(f, "passwd"));
}

static void the_memory_cache_outlives_the_responder(void **state)
{
    struct fixture *f = *state;

    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    fixture_restart_nss(f);
    assert_false(is_empty_file(f, "passwd"));
}

/* ---- two domains, of which the second has a cache and no backend ---- */

#define SECOND_DOMAIN "second"

static void write_second(struct fixture *f, uint32_t uid)
{
    const struct cache_user dave = { "dave", "", "/home/dave", "/bin/sh", uid, 10001, false };
    const struct cache_state state = { .updated = 1 };
    const uint32_t lives[CACHE_N_KINDS] = { 600, 0, 0, 0 };
    struct cache_writer *writer = NULL;

    assert_int_equal(cache_writer_open(f->cache_dir, SECOND_DOMAIN, &writer), 0);
    cache_writer_set_lives(writer, lives);
    assert_int_equal(cache_writer_begin(writer), 0);
    assert_int_equal(cache_put_user(writer, "dave", &dave), 0);
    assert_int_equal(cache_writer_commit(writer, &state), 0);
    cache_writer_close(writer);
}

static int setup_two(void **state)
{
    static struct fixture f;

    fixture_start(&f, (const char *const[]){ "sssd|domains|" FIXTURE_DOMAIN ", " SECOND_DOMAIN,
                                             "domain/" SECOND_DOMAIN "|id_provider|ldif", NULL });
    write_second(&f, 10004);
    *state = &f;
    return 0;
}

static void clear_memcache(struct fixture *f)
{
    char command[200];

    (void) snprintf(command, sizeof(command), "rm %s/*", f->memcache_dir);
    assert_int_equal(system(command), 0);
    fixture_restart_nss(f);
}

static void the_memory_cache_forgets_what_has_changed(void **state)
{
    struct fixture *f = *state;

    /* nobody asks meanwhile */
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_true(fixture_finds(f, CMD_GROUPS_OF_USER, "alice"));
    assert_true(fixture_finds(f, CMD_GROUP_BY_NAME, "devs"));
    f->gecos_of_bob = "another";
    fixture_write(f, true, 600, 0); /* and carol comes */
    fixture_run(f, SECOND / 2);
    assert_false(is_empty_file(f, "passwd"));
    assert_false(is_empty_file(f, "group"));
    assert_false(is_empty_file(f, "initgroups"));

    fixture_restart_nss(f); /* the next one takes over what was kept */
    assert_false(is_empty_file(f, "passwd"));
    assert_true(fixture_finds(f, CMD_GROUPS_OF_USER, "bob"));

    clear_memcache(f);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "bob"));
    assert_true(fixture_finds(f, CMD_GROUPS_OF_USER, "bob"));
    f->gecos_of_bob = "yet another";
    fixture_write(f, true, 600, 0);
    fixture_run(f, SECOND / 2);
    assert_true(is_empty_file(f, "passwd"));
    assert_true(is_empty_file(f, "initgroups"));
}

static void the_memory_cache_does_not_outlive_a_change_that_nobody_saw(void **state)
{
    struct fixture *f = *state;

    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_false(is_empty_file(f, "passwd"));
    fixture_write(f, true, 600, 0);
    fixture_restart_nss(f);
    assert_true(is_empty_file(f, "passwd"));
}

/* Whoever is new in the first domain may have been found in the second. */
static void the_memory_cache_forgets_who_is_now_found_in_another_domain(void **state)
{
    struct fixture *f = *state;

    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "dave"));
    f->gecos_of_bob = "another";
    fixture_write(f, false, 600, 0);
    fixture_run(f, SECOND / 2);
    assert_false(is_empty_file(f, "passwd"));
    fixture_write(f, true, 600, 0);
    fixture_run(f, SECOND / 2);
    assert_true(is_empty_file(f, "passwd"));
}

static void the_memory_cache_forgets_the_gids_of_a_filtered_group(void **state)
{
    struct fixture f;

    (void) state;
    fixture_start(&f, (const char *const[]){ "nss|filter_groups|ops", NULL });
    assert_true(fixture_finds(&f, CMD_GROUPS_OF_USER, "alice"));
    f.member_of_ops = "bob";
    fixture_write(&f, false, 600, 0);
    fixture_run(&f, SECOND / 2);
    assert_true(is_empty_file(&f, "initgroups"));
    fixture_stop(&f);
}

static void the_memory_cache_does_not_outlive_the_file_it_was_made_from(void **state)
{
    struct fixture *f = *state;
    char command[200];

    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    (void) snprintf(command, sizeof(command), "rm %s/*", f->cache_dir);
    assert_int_equal(system(command), 0);
    fixture_write(f, false, 600, 0); /* the first commit of this file, too */
    fixture_restart_nss(f);
    assert_true(is_empty_file(f, "passwd"));
}

static ino_t inode_of(const struct fixture *f, const char *name)
{
    char path[128];
    struct stat st;

    (void) snprintf(path, sizeof(path), "%s/%s", f->memcache_dir, name);
    return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static void a_memory_cache_that_was_taken_away_comes_back_with_the_next_start(void **state)
{
    struct fixture *f = *state;
    char command[200];

    (void) snprintf(command, sizeof(command), "rm %s/*", f->memcache_dir);
    assert_int_equal(system(command), 0);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(inode_of(f, "passwd"), 0); /* who serves may be unable to make files there */
    fixture_restart_nss(f);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_false(is_empty_file(f, "passwd"));
}

static void the_tools_flag_clears_the_memory_cache_in_place(void **state)
{
    struct fixture *f = *state;
    ino_t before = inode_of(f, "passwd");
    char command[200];

    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    memcache_clear_if_flagged(f->nss->memcache);
    assert_false(is_empty_file(f, "passwd")); /* there is none */
    (void) snprintf(command, sizeof(command), "touch %s/clear_mc_flag", f->memcache_dir);
    assert_int_equal(system(command), 0);
    memcache_clear_if_flagged(f->nss->memcache);
    assert_true(is_empty_file(f, "passwd"));
    assert_int_equal(inode_of(f, "passwd"), before);

    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    /* nobody has removed it: the next start does */
    fixture_restart_nss(f);
    assert_int_equal(inode_of(f, "clear_mc_flag"), 0);
    assert_true(is_empty_file(f, "passwd"));
}

static struct memcache *open_memcache(const struct fixture *f)
{
    struct memcache *memcache;

    assert_int_equal(memcache_open(f->memcache_dir, f->memcache_lock, f->config, geteuid(),
                                   getegid(), &memcache),
                     0);
    return memcache;
}

static void two_responders_never_write_the_same_memory_cache(void **state)
{
    struct fixture *f = *state;
    struct memcache *second, *third, *fourth;
    ino_t inodes[4] = { inode_of(f, "passwd") };

    second = open_memcache(f);
    inodes[1] = inode_of(f, "passwd");
    assert_int_not_equal(inodes[1], inodes[0]);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice")); /* the first goes on without */
    assert_true(is_empty_file(f, "passwd"));

    f->nss = nss_free(f->nss); /* and its end does not open the second one's to others */
    third = open_memcache(f);
    inodes[2] = inode_of(f, "passwd");
    assert_int_not_equal(inodes[2], inodes[1]);
    memcache_free(second);
    memcache_free(third);

    fourth = open_memcache(f);
    assert_int_equal(inode_of(f, "passwd"), inodes[2]);
    memcache_free(fourth);
    fixture_restart_nss(f); /* for the teardown */
}

static void what_another_engine_has_left_is_not_for_clients(void **state)
{
    struct fixture *f = *state;
    char path[128];
    uint8_t header[56] = { 1, 0, 0, 0xf0, 1, 0, 0, 0, 1, 0, 0, 0, 1 };
    uint32_t status = 0;
    int fd;

    (void) snprintf(path, sizeof(path), "%s/sid", f->memcache_dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, header, sizeof(header)), sizeof(header));
    fixture_restart_nss(f);
    assert_int_equal(inode_of(f, "sid"), 0);
    assert_int_equal(pread(fd, &status, sizeof(status), 12), sizeof(status));
    assert_int_equal(status, 2); /* whoever has it still is told */
    assert_int_equal(close(fd), 0);
}

static void an_entry_declared_outdated_is_asked_for(void **state)
{
    struct fixture *f = *state;
    const uint8_t *reply;
    size_t bytes;

    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(fixture_ask(f, CMD_USER_BY_NAME_EX, TEXT("alice\0\002\0\0\0"), &reply, &bytes), 0);
    assert_true(bytes > 8);
    assert_true(is_empty_file(f, "passwd"));
    assert_int_equal(f->n_asked, 0);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(f->n_asked, 1);
    assert_int_equal(fixture_ask(f, CMD_USER_BY_NAME_EX, TEXT("alice\0\001\0\0\0"), &reply, &bytes), 0);
    assert_int_equal(f->n_asked, 2);
}

static void invalidate(struct fixture *f, const char *name_and_flags)
{
    const uint8_t *reply;
    size_t bytes;

    assert_int_equal(fixture_ask(f, CMD_USER_BY_NAME_EX, name_and_flags, strlen(name_and_flags) + 5, &reply, &bytes),
                     0);
}

static void an_entry_declared_outdated_costs_no_others(void **state)
{
    struct fixture *f = *state;

    invalidate(f, "alice\0\002\0\0\0");
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "bob"));
    assert_true(fixture_finds(f, CMD_GROUP_BY_NAME, "devs"));
    assert_true(fixture_finds(f, CMD_GROUPS_OF_USER, "bob"));
    assert_int_equal(f->n_asked, 0);
    assert_true(fixture_finds(f, CMD_GROUPS_OF_USER, "alice"));
    assert_int_equal(f->n_asked, 1);
}

static void an_entry_declared_outdated_is_asked_for_by_its_id_too(void **state)
{
    struct fixture *f = *state;
    const uint8_t *reply;
    size_t bytes;

    invalidate(f, "alice\0\002\0\0\0");
    assert_int_equal(fixture_ask(f, CMD_USER_BY_ID, TEXT("\021'\0\0"), &reply, &bytes), 0);
    assert_int_equal(f->n_asked, 1);
}

static void an_entry_declared_outdated_again_and_again_is_asked_for_once_a_second(void **state)
{
    struct fixture *f = *state;
    uint64_t start = now_usec();
    unsigned n;

    do {
        invalidate(f, "alice\0\002\0\0\0");
        assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
        n = (unsigned) ((now_usec() - start) / SECOND) + 1;
        assert_true(f->n_asked <= n);
    } while (now_usec() - start < 1200 * SECOND / 1000);
    assert_uint_in_range(f->n_asked, 2, n);
}

static void a_cache_that_was_replaced_is_read_anew(void **state)
{
    struct fixture *f = *state;
    char command[200];

    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    f->on_ask = bring_carol;
    (void) snprintf(command, sizeof(command), "rm %s/*", f->cache_dir);
    assert_int_equal(system(command), 0);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "carol"));
}

/* As its users see it: the record's texts have no ends. */
static void damage_alice(struct fixture *f)
{
    const uint64_t number = NUMBER(10001, 0);
    MDB_val key = { sizeof(number), (void *) &number }, value = { 12, (void *) "twelve bytes" };
    char path[128];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    (void) snprintf(path, sizeof(path), "%s/cache_" FIXTURE_DOMAIN ".mdb", f->cache_dir);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, N_TABLES), 0);
    assert_int_equal(mdb_env_set_mapsize(env, CACHE_MAP_BYTES), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table_names[TABLE_USERS], 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void cut_off(struct fixture *f)
{
    char path[128];

    (void) snprintf(path, sizeof(path), "%s/cache_" FIXTURE_DOMAIN ".mdb", f->cache_dir);
    assert_int_equal(truncate(path, 3L * sysconf(_SC_PAGESIZE)), 0);
    fixture_restart_nss(f); /* what has a file open is ended by the kernel when that is cut off */
}

/* Lines with that text, of those that were logged since. */
static size_t lines_with(const struct fixture *f, const char *text)
{
    char path[128], line[512];
    size_t n = 0;
    FILE *file;

    (void) snprintf(path, sizeof(path), "%s/log", f->dir);
    file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        n += strstr(line, text) != NULL;
    assert_int_equal(fclose(file), 0);
    return n;
}

static int log_to_file(const struct fixture *f)
{
    int old = dup(STDERR_FILENO), fd;
    char path[128];

    (void) snprintf(path, sizeof(path), "%s/log", f->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(old >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(fd), 0);
    return old;
}

static void log_as_before(int old)
{
    assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(old), 0);
}

static void check_damaged_cache(struct fixture *f, void (*damage)(struct fixture *f), bool is_all_lost)
{
    int old = log_to_file(f);
    unsigned i;

    damage(f);
    for (i = 0; i < 5; i++) {
        assert_int_equal(status_of(f, "alice"), EHOSTDOWN); /* nobody knows whether she is there */
        fixture_connect(f);
        assert_true(fixture_finds(f, CMD_USER_BY_NAME, "dave"));
        if (!is_all_lost)
            assert_true(fixture_finds(f, CMD_USER_BY_NAME, "bob"));
    }
    assert_uint_in_range(f->n_asked, 1, 30);
    assert_int_equal(lines_with(f, "cannot be read"), 1);
    assert_int_equal(lines_with(f, "can be read again"), 0);
    log_as_before(old);
}

static void a_damaged_record_costs_its_domain_alone(void **state)
{
    check_damaged_cache(*state, damage_alice, false);
}

static void a_damaged_file_costs_its_domain_alone(void **state)
{
    check_damaged_cache(*state, cut_off, true);
}

static void make_anew(struct fixture *f)
{
    char command[200];

    (void) snprintf(command, sizeof(command), "rm %s/cache_" FIXTURE_DOMAIN "*", f->cache_dir);
    assert_int_equal(system(command), 0);
    fixture_write(f, false, 600, 0);
}

static void whoever_meets_damage_waits_for_the_new_cache(void **state)
{
    struct fixture *f = *state;
    int old = log_to_file(f);

    f->on_ask = make_anew;
    damage_alice(f);
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(f->n_asked, 1);
    assert_string_equal(f->asked_kind, "cache");
    assert_true(fixture_finds(f, CMD_USER_BY_NAME, "alice"));
    assert_int_equal(f->n_asked, 1);
    assert_int_equal(lines_with(f, "cannot be read"), 1);
    assert_int_equal(lines_with(f, "can be read again"), 1);
    log_as_before(old);
}

static void clients_are_shown_what_the_settings_say(void **state)
{
    static const char *const settings[] = {
        "domain/" FIXTURE_DOMAIN "|use_fully_qualified_names|true",
        "domain/" FIXTURE_DOMAIN "|case_sensitive|false",
        "domain/" FIXTURE_DOMAIN "|override_homedir|%H/%d/%l/%u/%U%%%f%o",
        "domain/" FIXTURE_DOMAIN "|override_gid|77",
        "nss|pwfield|x",
        "nss|allowed_shells|/bin/zsh, /bin/bash",
        "nss|shell_fallback|/bin/dash",
        "nss|filter_users|bob@" FIXTURE_DOMAIN ", carol@example.org",
        NULL,
    };
    static const char alice[] = "\001\0\0\0\0\0\0\0\021'\0\0M\0\0\0alice@example.com\0x\0Alice Example\0"
                                "/home/example.com/a/alice/10001%alice@example.com/home/alice\0/bin/dash";
    static const char dnsx[] = "\001\0\0\0\0\0\0\0\024\264\0\0\0\0\0\0dnsx\0udp";
    static const char devs[] = "\001\0\0\0\0\0\0\0 N\0\0\001\0\0\0devs@example.com\0x\0alice@example.com";
    struct fixture f;
    const uint8_t *reply;
    size_t bytes;

    (void) state;
    fixture_start(&f, settings);
    assert_int_equal(fixture_ask(&f, CMD_USER_BY_NAME, TEXT("ALICE@example.com\0"), &reply, &bytes), 0);
    assert_int_equal(bytes, sizeof(alice));
    assert_memory_equal(reply, alice, bytes);
    assert_int_equal(fixture_ask(&f, CMD_GROUP_BY_NAME, TEXT("Devs@example.com\0"), &reply, &bytes), 0);
    assert_int_equal(bytes, sizeof(devs));
    assert_memory_equal(reply, devs, bytes);
    assert_int_equal(fixture_ask(&f, CMD_SERVICE_BY_NAME, TEXT("DNSx\0UDP\0"), &reply, &bytes), 0);
    assert_int_equal(bytes, sizeof(dnsx));
    assert_memory_equal(reply, dnsx, bytes);
    assert_int_equal(fixture_ask(&f, CMD_SERVICE_BY_PORT, TEXT("\024\264\0\0\0\0\0\0UDP\0"), &reply, &bytes), 0);
    assert_int_equal(bytes, sizeof(dnsx));
    assert_int_equal(f.n_asked, 0);
    assert_false(fixture_finds(&f, CMD_USER_BY_NAME, "alice"));
    assert_false(fixture_finds(&f, CMD_USER_BY_NAME, "bob@example.com"));
    assert_int_equal(f.n_asked, 0);
    fixture_stop(&f);
}

static void a_filtered_group_gives_no_rights(void **state)
{
    static const char alice[] = "\002\0\0\0\0\0\0\0 N\0\0\021'\0"; /* without ops */
    struct fixture f;
    const uint8_t *reply;
    size_t bytes;

    (void) state;
    fixture_start(&f, (const char *const[]){ "nss|filter_groups|other, ops", NULL });
    assert_int_equal(fixture_ask(&f, CMD_GROUPS_OF_USER, TEXT("alice\0"), &reply, &bytes), 0);
    assert_int_equal(bytes, sizeof(alice));
    assert_memory_equal(reply, alice, bytes);
    fixture_stop(&f);
}

static void a_domain_that_does_not_enumerate_lists_nothing(void **state)
{
    struct fixture f;
    const uint8_t *reply;
    size_t bytes;

    (void) state;
    fixture_start(&f, NULL);
    assert_int_equal(fixture_ask(&f, CMD_USERS_NEXT, TEXT("\0\001\0\0"), &reply, &bytes), 0);
    assert_int_equal(bytes, 8);
    assert_memory_equal(reply, NOTHING, 8);
    fixture_stop(&f);
}

static void a_connection_counts_as_enumerating_up_to_the_end(void **state)
{
    struct fixture *f = *state;
    const uint8_t *reply;
    size_t bytes;

    assert_int_equal(fixture_ask(f, CMD_USERS_START, NULL, 0, &reply, &bytes), 0);
    assert_true(client_is_enumerating(f->responder.clients));
    assert_int_equal(fixture_ask(f, CMD_USERS_NEXT, TEXT("\0\001\0\0"), &reply, &bytes), 0);
    assert_true(client_is_enumerating(f->responder.clients));
    assert_int_equal(fixture_ask(f, CMD_USERS_NEXT, TEXT("\0\001\0\0"), &reply, &bytes), 0);
    assert_false(client_is_enumerating(f->responder.clients));
    assert_int_equal(fixture_ask(f, CMD_USERS_START, NULL, 0, &reply, &bytes), 0);
    assert_int_equal(fixture_ask(f, CMD_USERS_END, NULL, 0, &reply, &bytes), 0);
    assert_false(client_is_enumerating(f->responder.clients));
}

/* Until the directory changes, and however many ask. */
static void a_large_listing_is_made_once(void **state)
{
    enum { N = 400 };
    struct fixture *f = *state;
    CLEANUP(cache_writer_closep) struct cache_writer *writer = NULL;
    const struct cache_state fresh = { .good_until = { 0 } };
    uint64_t generation;
    const uint8_t *reply;
    uint32_t n;
    size_t bytes;

    assert_int_equal(cache_writer_open(f->cache_dir, FIXTURE_DOMAIN, &writer), 0);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(cache_writer_begin(writer), 0);
        for (unsigned i = 0; i < N + round; i++) {
            char name[32];
            const struct cache_user user = { name, "Somebody with quite a long name", "/home/somebody", "/bin/sh", 30000 + i, 1, false };

            (void) snprintf(name, sizeof(name), "user%u", i);
            assert_int_equal(cache_put_user(writer, name, &user), 0);
        }
        assert_int_equal(cache_writer_commit(writer, &fresh), 0);

        for (int client = 0; client < 3; client++) {
            fixture_connect(f);
            assert_int_equal(fixture_ask(f, CMD_USERS_START, NULL, 0, &reply, &bytes), 0);
            assert_int_equal(fixture_ask(f, CMD_USERS_NEXT, TEXT("\0\001\0\0"), &reply, &bytes), 0);
            memcpy(&n, reply, sizeof(n));
            assert_int_equal(n, N + round);
            generation = f->nss->domains->all[0].state.generation;
            assert_true(listings_has(f->nss->listings, 0, LISTING_USERS, generation));
            assert_int_equal(fixture_ask(f, CMD_USERS_NEXT, TEXT("\0\001\0\0"), &reply, &bytes), 0);
            assert_int_equal(bytes, 8);
        }
    }
    assert_int_equal(fixture_ask(f, CMD_GROUPS_START, NULL, 0, &reply, &bytes), 0);
    assert_false(listings_has(f->nss->listings, 0, LISTING_GROUPS, generation));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_TWO(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_are_answered_as_clients_know_it),
        TEST(a_service_request_without_its_protocol_costs_the_connection),
        TEST(what_is_fresh_is_answered_without_asking),
        TEST(who_is_unknown_is_asked_for_once),
        TEST(who_comes_with_the_answer_is_found),
        TEST(a_home_in_the_directory_may_be_a_template),
        TEST(a_changed_directory_ends_the_negative_memory),
        TEST(what_is_outdated_is_asked_for),
        TEST(what_was_set_in_the_future_is_past),
        TEST(offline_nobody_is_asked),
        TEST(a_silent_backend_delays_what_is_known_only_once),
        TEST(who_is_unknown_waits_for_the_backend),
        TEST(who_is_unknown_does_not_wait_for_a_backend_that_stands_still),
        TEST(nobody_waits_longer_than_the_source_may_take),
        TEST(who_is_unknown_where_nobody_listens_is_not_said_to_be_nowhere),
        TEST(who_is_unknown_to_an_offline_source_is_not_said_to_be_nowhere),
        TEST(a_miss_in_a_complete_cache_is_an_answer),
        TEST(a_miss_in_a_complete_cache_is_one_without_its_backend_too),
        TEST(a_backend_that_comes_back_is_asked_again),
        TEST(a_client_that_goes_away_takes_its_question_along),
        TEST(what_was_answered_is_in_the_memory_cache),
        TEST(the_memory_cache_has_the_first_of_a_number),
        TEST(the_memory_cache_outlives_the_responder),
        TEST(the_memory_cache_forgets_what_has_changed),
        TEST(the_memory_cache_does_not_outlive_a_change_that_nobody_saw),
        TEST_TWO(the_memory_cache_forgets_who_is_now_found_in_another_domain),
        cmocka_unit_test(the_memory_cache_forgets_the_gids_of_a_filtered_group),
        TEST(the_memory_cache_does_not_outlive_the_file_it_was_made_from),
        TEST(a_memory_cache_that_was_taken_away_comes_back_with_the_next_start),
        TEST(the_tools_flag_clears_the_memory_cache_in_place),
        TEST(two_responders_never_write_the_same_memory_cache),
        TEST(what_another_engine_has_left_is_not_for_clients),
        TEST(an_entry_declared_outdated_is_asked_for),
        TEST(an_entry_declared_outdated_costs_no_others),
        TEST(an_entry_declared_outdated_is_asked_for_by_its_id_too),
        TEST(an_entry_declared_outdated_again_and_again_is_asked_for_once_a_second),
        TEST(a_cache_that_was_replaced_is_read_anew),
        TEST(a_connection_counts_as_enumerating_up_to_the_end),
        TEST_TWO(a_damaged_record_costs_its_domain_alone),
        TEST_TWO(a_damaged_file_costs_its_domain_alone),
        TEST_TWO(whoever_meets_damage_waits_for_the_new_cache),
        TEST(a_large_listing_is_made_once),
        cmocka_unit_test(clients_are_shown_what_the_settings_say),
        cmocka_unit_test(an_entry_is_fresh_for_its_own_time),
        cmocka_unit_test(a_filtered_group_gives_no_rights),
        cmocka_unit_test(a_domain_that_does_not_enumerate_lists_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
