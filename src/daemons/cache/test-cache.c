/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "cache/layout.h"
#include "cache/utf8.h"
#include "cache/writer.h"
#include "common/cleanup.h"
#include "test/folder.h"

#define DOMAIN "d"
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static struct cache_writer *open_writer(const struct folder *folder)
{
    struct cache_writer *writer = NULL;

    assert_int_equal(cache_writer_open(folder->path, DOMAIN, &writer), 0);
    return writer;
}

static struct cache *open_cache(const struct folder *folder)
{
    struct cache *cache = NULL;

    assert_int_equal(cache_open(folder->path, DOMAIN, &cache), 1);
    return cache;
}

static void put_user(struct cache_writer *writer, const char *name, uint32_t uid)
{
    struct cache_user user = { name, "Gecos", "/home", "/bin/sh", uid, 100, false };

    assert_int_equal(cache_put_user(writer, name, &user), 0);
}

static void put_sample(struct cache_writer *writer)
{
    struct cache_group group = { "devs", 200, 2, "alice\0bob", 10, false };
    struct cache_netgroup netgroup = { "ng", 1, "h\0u\0", 5, 1, "other", 6 };
    struct cache_service service = { "http", "tcp", 80, 1, "www", 4 };
    struct cache_state state = { .updated = 1, .source = "mark" };
    uint32_t gids[] = { 200, 300 };

    assert_int_equal(cache_writer_begin(writer), 0);
    put_user(writer, "alice", 1001);
    assert_int_equal(cache_put_alias(writer, CACHE_USER, "al"), 0);
    put_user(writer, "bob", 1002);
    assert_int_equal(cache_put_gids(writer, "alice", gids, 2), 0);
    assert_int_equal(cache_put_group(writer, "devs", &group), 0);
    assert_int_equal(cache_put_alias(writer, CACHE_GROUP, "developers"), 0);
    assert_int_equal(cache_put_netgroup(writer, "ng", &netgroup), 0);
    assert_int_equal(cache_put_service(writer, "http", &service), 0);
    assert_int_equal(cache_put_service_alias(writer, "www", "tcp"), 0);
    service.protocol = "sctp";
    assert_int_equal(cache_put_service(writer, "http", &service), 0);
    assert_int_equal(cache_writer_commit(writer, &state), 0);
}

/* ---- what is put is found ---- */

static void users_are_found_by_name_alias_and_id(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_user user;

    put_sample(writer);
    cache = open_cache(*state);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_user_by_name(cache, "alice", &user), 1);
    assert_int_equal(user.uid, 1001);
    assert_int_equal(user.gid, 100);
    assert_string_equal(user.gecos, "Gecos");
    assert_string_equal(user.home, "/home");
    assert_string_equal(user.shell, "/bin/sh");
    assert_int_equal(cache_user_by_name(cache, "al", &user), 1);
    assert_string_equal(user.name, "alice");
    assert_int_equal(cache_user_by_id(cache, 1002, &user), 1);
    assert_string_equal(user.name, "bob");
    assert_int_equal(cache_user_by_id(cache, 1003, &user), 0);
    assert_int_equal(cache_user_by_name(cache, "carol", &user), 0);
    assert_int_equal(cache_user_by_name(cache, "", &user), 0);
    cache_end(cache);
}

static void the_rest_is_found_too(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_netgroup netgroup;
    struct cache_service service;
    struct cache_group group;
    const void *gids;
    uint32_t gid;
    size_t n;

    put_sample(writer);
    cache = open_cache(*state);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_group_by_name(cache, "developers", &group), 1);
    assert_string_equal(group.name, "devs");
    assert_int_equal(group.n_members, 2);
    assert_memory_equal(group.members, "alice\0bob", group.members_bytes);
    assert_int_equal(cache_group_by_id(cache, 200, &group), 1);
    assert_int_equal(cache_gids_of_user(cache, "al", &gids, &n), 1);
    assert_int_equal(n, 2);
    memcpy(&gid, (const char *) gids + sizeof(gid), sizeof(gid));
    assert_int_equal(gid, 300);
    assert_int_equal(cache_gids_of_user(cache, "bob", &gids, &n), 1);
    assert_int_equal(n, 0);
    assert_int_equal(cache_gids_of_user(cache, "carol", &gids, &n), 0);
    assert_int_equal(cache_netgroup_by_name(cache, "ng", &netgroup), 1);
    assert_int_equal(netgroup.n_triples, 1);
    assert_memory_equal(netgroup.triples, "h\0u\0", 5);
    assert_string_equal(netgroup.netgroups, "other");

    assert_int_equal(cache_service_by_name(cache, "www", "tcp", &service), 1);
    assert_string_equal(service.name, "http");
    assert_string_equal(service.aliases, "www");
    assert_int_equal(cache_service_by_name(cache, "http", "udp", &service), 0);
    assert_int_equal(cache_service_by_name(cache, "http", "", &service), 1);
    assert_string_equal(service.protocol, "sctp");
    assert_int_equal(cache_service_by_name(cache, "htt", "", &service), 0);
    assert_int_equal(cache_service_by_port(cache, 80, "tcp", &service), 1);
    assert_int_equal(service.port, 80);
    assert_int_equal(cache_service_by_port(cache, 80, "", &service), 1);
    assert_int_equal(cache_service_by_port(cache, 81, "", &service), 0);
    cache_end(cache);
}

static void who_is_taken_is_told(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    struct cache_user user = { "x", "", "", "", 1002, 1, false };

    assert_int_equal(cache_writer_begin(writer), 0);
    put_user(writer, "bob", 1002);
    put_user(writer, "alice", 1001); /* not in order */
    assert_int_equal(cache_put_alias(writer, CACHE_USER, "al"), 0);
    assert_int_equal(cache_put_user(writer, "bob", &user), -EEXIST);
    assert_int_equal(cache_put_user(writer, "al", &user), -EEXIST);
    assert_int_equal(cache_put_alias(writer, CACHE_USER, "bob"), -EEXIST);
    assert_int_equal(cache_put_user(writer, "x", &user), 0);
}

static void who_shares_an_id_is_found_by_name(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_group group = { "g", 5, 0, "", 0, false };
    struct cache_state cache_state = { .updated = 1 };
    uint32_t gids[] = { 1, 2, 3 };
    struct cache_user user;
    const void *found;
    size_t n;

    assert_int_equal(cache_writer_begin(writer), 0);
    put_user(writer, "one", 5);
    assert_int_equal(cache_put_alias(writer, CACHE_USER, "uno"), 0);
    put_user(writer, "two", 5);
    assert_int_equal(cache_put_alias(writer, CACHE_USER, "due"), 0);
    put_user(writer, "high", 6);
    put_user(writer, "three", 5); /* not in order */
    assert_int_equal(cache_put_gids(writer, "one", gids, 1), 0);
    assert_int_equal(cache_put_gids(writer, "two", gids, 2), 0);
    assert_int_equal(cache_put_gids(writer, "three", gids, 3), 0);
    assert_int_equal(cache_put_group(writer, "g", &group), 0);
    group.name = "h";
    assert_int_equal(cache_put_group(writer, "h", &group), 0);
    assert_int_equal(cache_writer_commit(writer, &cache_state), 0);

    cache = open_cache(*state);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_user_by_id(cache, 5, &user), 1);
    assert_string_equal(user.name, "one");
    assert_false(user.is_twin);
    assert_int_equal(cache_user_by_name(cache, "due", &user), 1);
    assert_string_equal(user.name, "two");
    assert_int_equal(user.uid, 5);
    assert_true(user.is_twin);
    assert_int_equal(cache_user_by_name(cache, "high", &user), 1);
    assert_false(user.is_twin);
    assert_int_equal(cache_gids_of_user(cache, "uno", &found, &n), 1);
    assert_int_equal(n, 1);
    assert_int_equal(cache_gids_of_user(cache, "two", &found, &n), 1);
    assert_int_equal(n, 2);
    assert_int_equal(cache_gids_of_user(cache, "three", &found, &n), 1);
    assert_int_equal(n, 3);
    assert_int_equal(cache_group_by_id(cache, 5, &group), 1);
    assert_string_equal(group.name, "g");
    assert_int_equal(cache_group_by_name(cache, "h", &group), 1);
    assert_true(group.is_twin);
    cache_end(cache);
}

struct seen {
    uint32_t ids[16];
    size_t n, max;
};

static int on_user(const struct cache_user *user, void *userdata)
{
    struct seen *seen = userdata;

    seen->ids[seen->n++] = user->uid;
    return seen->n == seen->max;
}

static void an_enumeration_goes_on_where_it_stopped(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct seen seen = { .max = 1 };

    put_sample(writer);
    cache = open_cache(*state);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_each_user(cache, 0, on_user, &seen), 1);
    cache_end(cache);
    assert_int_equal(seen.ids[0], 1001);

    seen = (struct seen){ .max = 16 };
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_each_user(cache, 1002, on_user, &seen), 0);
    cache_end(cache);
    assert_int_equal(seen.n, 1); /* each once: aliases are no entries */
    assert_int_equal(seen.ids[0], 1002);
}

static void each_entry_has_its_own_time(void **state)
{
    static const uint32_t lives[CACHE_N_KINDS] = { 60, 600, 6, 0 };
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_user user;
    struct cache_group group;
    struct cache_service service;
    uint64_t before = (uint64_t) time(NULL), after;

    cache_writer_set_lives(writer, lives);
    put_sample(writer);
    after = (uint64_t) time(NULL);
    cache = open_cache(*state);

    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_group_by_name(cache, "devs", &group), 1);
    assert_true(cache_is_good(cache, after));
    assert_true(cache_is_good(cache, before + 599));
    assert_false(cache_is_good(cache, after + 600));
    assert_false(cache_is_good(cache, before - 1)); /* the clock was put back */
    assert_int_equal(cache_user_by_name(cache, "alice", &user), 1);
    assert_true(cache_is_good(cache, before + 59));
    assert_false(cache_is_good(cache, after + 60)); /* the first of them */
    cache_end(cache);

    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_service_by_name(cache, "http", "tcp", &service), 1);
    assert_false(cache_is_good(cache, after));
    cache_end(cache);
}

/* ---- commits ---- */

static void a_view_sees_one_commit(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_state cache_state = { .source = "2" }, before;
    struct cache_user user;

    put_sample(writer);
    cache = open_cache(*state);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_read_state(cache, &before), 0);
    assert_int_equal(cache_writer_begin(writer), 0);
    put_user(writer, "carol", 1003);
    assert_int_equal(cache_writer_commit(writer, &cache_state), 0);
    assert_int_equal(cache_user_by_name(cache, "alice", &user), 1);
    assert_int_equal(cache_user_by_name(cache, "carol", &user), 0);
    cache_end(cache);

    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_user_by_name(cache, "alice", &user), 0); /* all are replaced */
    assert_int_equal(cache_user_by_name(cache, "carol", &user), 1);
    assert_int_equal(cache_read_state(cache, &cache_state), 0);
    assert_int_equal(cache_state.generation, before.generation + 1);
    cache_end(cache);
}

static void what_is_aborted_never_was(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_user user;

    put_sample(writer);
    assert_int_equal(cache_writer_begin(writer), 0);
    cache_writer_abort(writer);
    cache = open_cache(*state);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_user_by_name(cache, "alice", &user), 1);
    cache_end(cache);
}

static void the_state_is_set_without_the_entries(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_state there, before, other = { .generation = 77, .offline_until = 5, .source = "other" };
    struct cache_user user;

    put_sample(writer);
    assert_int_equal(cache_writer_state(writer, &before), 0);
    assert_int_equal(cache_writer_set_state(writer, &other), 0);
    cache = open_cache(*state);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_read_state(cache, &there), 0);
    assert_int_equal(there.generation, before.generation);
    assert_int_equal(there.offline_until, 5);
    assert_string_equal(there.source, "other");
    assert_int_equal(cache_user_by_name(cache, "alice", &user), 1);
    cache_end(cache);
}

/* ---- what has changed ---- */

struct told {
    char text[512]; /* "user alice, group devs+": + where its keys are others */
    size_t n;
};

static int on_change(const struct cache_change *change, void *userdata)
{
    static const char *const names[] = { "user", "group", "netgroup", "service" };
    struct told *told = userdata;
    size_t used = strlen(told->text);

    (void) snprintf(told->text + used, sizeof(told->text) - used, "%s%s %s%s", used > 0 ? ", " : "",
                    names[change->kind], change->name, change->has_keys ? "+" : "");
    told->n++;
    return 0;
}

static struct cache_state view_state(struct cache *cache)
{
    struct cache_state state;

    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_read_state(cache, &state), 0);
    cache_end(cache);
    return state;
}

static int changes_since(struct cache *cache, uint64_t since, struct told *told)
{
    int r;

    *told = (struct told){ 0 };
    assert_int_equal(cache_begin(cache), 0);
    r = cache_each_change(cache, since, on_change, told);
    cache_end(cache);
    return r;
}

struct sample {
    const char *gecos, *alias, *members;
    uint32_t uid_of_bob, gid;
    bool without_bob, without_gids, renames, is_other_port;
};

/* As put_sample(), with something else. */
static void put_changed(struct cache_writer *writer, const struct sample *sample)
{
    struct cache_user alice = { "alice", sample->gecos, "/home", "/bin/sh", 1001, 100, false };
    struct cache_user bob = {
        sample->renames ? "Bob" : "bob", "Gecos", "/home", "/bin/sh", sample->uid_of_bob, 100, false
    };
    struct cache_group group = { "devs", 200, 2, sample->members, 10, false };
    struct cache_netgroup netgroup = { "ng", 1, "h\0u\0", 5, 1, "other", 6 };
    struct cache_service http = { "http", "tcp", sample->is_other_port ? 81 : 80, 1, "www", 4 };
    struct cache_state state = { .updated = 1, .source = "mark" };
    uint32_t gids[] = { 200, sample->gid };

    assert_int_equal(cache_writer_begin(writer), 0);
    assert_int_equal(cache_put_user(writer, "alice", &alice), 0);
    assert_int_equal(cache_put_alias(writer, CACHE_USER, sample->alias), 0);
    if (!sample->without_bob)
        assert_int_equal(cache_put_user(writer, "bob", &bob), 0);
    if (!sample->without_gids)
        assert_int_equal(cache_put_gids(writer, "alice", gids, 2), 0);
    assert_int_equal(cache_put_group(writer, "devs", &group), 0);
    assert_int_equal(cache_put_alias(writer, CACHE_GROUP, "developers"), 0);
    assert_int_equal(cache_put_netgroup(writer, "ng", &netgroup), 0);
    assert_int_equal(cache_put_service(writer, "http", &http), 0);
    assert_int_equal(cache_put_service_alias(writer, "www", "tcp"), 0);
    http.protocol = "sctp";
    assert_int_equal(cache_put_service(writer, "http", &http), 0);
    assert_int_equal(cache_writer_commit(writer, &state), 0);
    assert_int_equal(cache_writer_verify(writer), 0);
}

#define AS_IT_WAS "Gecos", "al", "alice\0bob", 1002, 300, false, false, false, false

static const struct {
    const char *what;
    struct sample sample;
    const char *told;
} changes[] = {
    { "nothing", { AS_IT_WAS }, "" },
    { "a text",
      { .gecos = "Other", .alias = "al", .members = "alice\0bob", .uid_of_bob = 1002, .gid = 300 },
      "user alice" },
    { "an alias",
      { .gecos = "Gecos", .alias = "ali", .members = "alice\0bob", .uid_of_bob = 1002, .gid = 300 },
      "user alice+" },
    { "a number",
      { .gecos = "Gecos", .alias = "al", .members = "alice\0bob", .uid_of_bob = 1000, .gid = 300 },
      "user bob+, user bob" },
    { "one number for two",
      { .gecos = "Gecos", .alias = "al", .members = "alice\0bob", .uid_of_bob = 1001, .gid = 300 },
      "user bob+, user bob" },
    { "a name",
      { .gecos = "Gecos", .alias = "al", .members = "alice\0bob", .uid_of_bob = 1002, .gid = 300, .renames = true },
      "user bob+, user Bob" },
    { "somebody goes",
      { .gecos = "Gecos", .alias = "al", .members = "alice\0bob", .gid = 300, .without_bob = true },
      "user bob" },
    { "a member",
      { .gecos = "Gecos", .alias = "al", .members = "alice\0tom", .uid_of_bob = 1002, .gid = 300 },
      "group devs" },
    { "a group of a user",
      { .gecos = "Gecos", .alias = "al", .members = "alice\0bob", .uid_of_bob = 1002, .gid = 301 },
      "user alice" },
    { "all groups of a user",
      { .gecos = "Gecos", .alias = "al", .members = "alice\0bob", .uid_of_bob = 1002, .without_gids = true },
      "user alice" },
    { "a port",
      { .gecos = "Gecos",
        .alias = "al",
        .members = "alice\0bob",
        .uid_of_bob = 1002,
        .gid = 300,
        .is_other_port = true },
      "service http, service http" },
};

static void readers_are_told_what_has_changed(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    const struct sample as_it_was = { AS_IT_WAS };
    struct cache_service service;
    struct cache_state before;
    struct cache_user user;
    struct told told;

    put_sample(writer);
    cache = open_cache(*state);
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        put_changed(writer, &as_it_was);
        before = view_state(cache);
        assert_int_equal(changes_since(cache, before.last_change, &told), 0);
        assert_int_equal(told.n, 0);
        put_changed(writer, &changes[i].sample);
        assert_int_equal(changes_since(cache, before.last_change, &told), 0);
        if (strcmp(told.text, changes[i].told) != 0)
            fail_msg("%s: told \"%s\"", changes[i].what, told.text);
        assert_int_equal(view_state(cache).generation, before.generation + (told.n > 0));
        assert_int_equal(view_state(cache).last_change, before.last_change + told.n);

        /* and it is so */
        assert_int_equal(cache_begin(cache), 0);
        assert_int_equal(cache_user_by_name(cache, changes[i].sample.alias, &user), 1);
        assert_string_equal(user.gecos, changes[i].sample.gecos);
        assert_int_equal(cache_user_by_name(cache, "al", &user), strcmp(changes[i].sample.alias, "al") == 0);
        assert_int_equal(cache_user_by_id(cache, 1002, &user), changes[i].sample.uid_of_bob == 1002);
        assert_int_equal(cache_user_by_name(cache, "bob", &user), !changes[i].sample.without_bob);
        assert_int_equal(cache_service_by_port(cache, 80, "tcp", &service), !changes[i].sample.is_other_port);
        assert_int_equal(cache_service_by_port(cache, 81, "", &service), changes[i].sample.is_other_port);
        cache_end(cache);
    }
}

static void a_key_goes_from_one_to_another(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_state none = { 0 };
    struct cache_user user;

    /* to one before it, to one behind it, and to nobody */
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(cache_writer_begin(writer), 0);
        put_user(writer, "alice", 1001);
        if (i == 0)
            assert_int_equal(cache_put_alias(writer, CACHE_USER, "boss"), 0);
        put_user(writer, "bob", 1002);
        if (i == 1)
            assert_int_equal(cache_put_alias(writer, CACHE_USER, "boss"), 0);
        assert_int_equal(cache_writer_commit(writer, &none), 0);
        if (!cache)
            cache = open_cache(*state);
        assert_int_equal(cache_begin(cache), 0);
        assert_int_equal(cache_user_by_name(cache, "boss", &user), i < 2);
        if (i < 2)
            assert_string_equal(user.name, i == 0 ? "alice" : "bob");
        cache_end(cache);
    }
    assert_int_equal(cache_writer_begin(writer), 0);
    put_user(writer, "boss", 1000);
    put_user(writer, "bob", 1001);
    put_user(writer, "alice", 1002);
    assert_int_equal(cache_writer_commit(writer, &none), 0);
    assert_int_equal(cache_writer_verify(writer), 0);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_user_by_id(cache, 1001, &user), 1);
    assert_string_equal(user.name, "bob");
    assert_int_equal(cache_user_by_name(cache, "alice", &user), 1);
    assert_int_equal(user.uid, 1002);
    cache_end(cache);
}

static void put_users(struct cache_writer *writer, uint32_t n, const char *gecos)
{
    char name[32];

    assert_int_equal(cache_writer_begin(writer), 0);
    for (uint32_t i = 0; i < n; i++) {
        struct cache_user user = { name, gecos, "/", "/bin/sh", 5000 + i, 1, false };

        (void) snprintf(name, sizeof(name), "user%u", i);
        assert_int_equal(cache_put_user(writer, name, &user), 0);
    }
    assert_int_equal(cache_writer_commit(writer, &(struct cache_state){ .source = "x" }), 0);
}

static void who_is_too_far_behind_is_told_that(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_state first, second;
    struct told told;

    put_users(writer, 3000, "a");
    cache = open_cache(*state);
    assert_int_equal(changes_since(cache, 0, &told), -ESTALE); /* of another file */
    first = view_state(cache);
    put_users(writer, 3000, "b");
    assert_int_equal(changes_since(cache, first.last_change, &told), 0);
    assert_int_equal(told.n, 3000);
    second = view_state(cache);
    put_users(writer, 3000, "c");
    assert_int_equal(changes_since(cache, second.last_change, &told), 0);
    assert_int_equal(changes_since(cache, first.last_change, &told), -ESTALE); /* 6000 */
    assert_int_equal(changes_since(cache, second.last_change + 3000 - 1, &told), 0);
    assert_string_equal(told.text, "user user2999");
    assert_int_equal(changes_since(cache, second.last_change + 3001, &told), -ESTALE);

    second = view_state(cache);
    put_users(writer, CACHE_CHANGES_MAX + 1, "d");
    assert_int_equal(changes_since(cache, second.last_change, &told), -ESTALE);
}

/* Pages that are written, by what the kernel says that this process has written. */
static uint64_t bytes_written(void)
{
    char line[64];
    uint64_t bytes = UINT64_MAX;
    FILE *file = fopen("/proc/self/io", "re");

    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, "wchar: ", 7) == 0)
            bytes = strtoull(line + 7, NULL, 10);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static void one_changed_entry_costs_one(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    uint64_t before, all;
    char name[32];

    before = bytes_written();
    put_users(writer, 10000, "a");
    all = bytes_written() - before;
    for (unsigned i = 0; i < 3; i++) {
        before = bytes_written();
        assert_int_equal(cache_writer_begin(writer), 0);
        for (uint32_t k = 0; k < 10000; k++) {
            struct cache_user user = {
                name, k == 5000 && i < 2 ? (i == 0 ? "b" : "c") : "a", "/", "/bin/sh", 5000 + k, 1, false
            };

            (void) snprintf(name, sizeof(name), "user%u", k);
            assert_int_equal(cache_put_user(writer, name, &user), 0);
        }
        assert_int_equal(cache_writer_commit(writer, &(struct cache_state){ .source = "x" }), 0);
        assert_true(bytes_written() - before < all / 10);
        assert_true(bytes_written() - before < 30UL * (unsigned long) sysconf(_SC_PAGESIZE));
    }
}

/* ---- files ---- */

static void a_new_file_is_not_taken_for_the_one_before(void **state)
{
    struct cache_state old, new;

    for (int i = 0; i < 2; i++) {
        CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);

        put_sample(writer);
        assert_int_equal(cache_writer_state(writer, i == 0 ? &old : &new), 0);
        assert_int_equal(unlink(folder_file(*state, "cache_" DOMAIN ".mdb")), 0);
    }
    assert_true(old.generation != new.generation);
}

static void no_file_is_no_cache(void **state)
{
    CLEANUP(cache_closep) struct cache *cache = NULL;

    assert_int_equal(cache_open(((struct folder *) *state)->path, DOMAIN, &cache), 0);
    folder_write(*state, "cache_" DOMAIN ".mdb", "");
    assert_int_equal(cache_open(((struct folder *) *state)->path, DOMAIN, &cache), 0);
}

static void a_file_of_something_else_is_made_anew(void **state)
{
    CLEANUP(cache_closep) struct cache *cache = NULL;
    CLEANUP(cache_writer_closep) struct cache_writer *writer = NULL;
    char text[9000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    folder_write(*state, "cache_" DOMAIN ".mdb", text);
    assert_int_equal(cache_open(((struct folder *) *state)->path, DOMAIN, &cache), -EIO);
    writer = open_writer(*state);
    put_sample(writer);
}

static void a_file_that_is_cut_off_is_damaged(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    const char *path = folder_file(*state, "cache_" DOMAIN ".mdb");
    struct cache_state there;

    put_sample(writer);
    writer = cache_writer_close(writer);
    assert_int_equal(truncate(path, 3L * sysconf(_SC_PAGESIZE)), 0); /* two of LMDB's own, and one more */
    assert_int_equal(cache_open(((struct folder *) *state)->path, DOMAIN, &cache), -EIO);
    writer = open_writer(*state); /* made anew */
    assert_int_equal(cache_writer_state(writer, &there), 0);
    assert_int_equal(there.generation, 0);
}

/* ---- readers that are killed ---- */

/* One more reader than LMDB's table has places, while others have the file open: nobody clears it
 * by being the first. */
#define N_READERS 126

static void die_with_a_view(const struct folder *folder)
{
    struct cache *cache = NULL;
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        if (cache_open(folder->path, DOMAIN, &cache) != 1 || cache_begin(cache) < 0)
            _exit(1);
        (void) raise(SIGKILL);
        _exit(2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static int in_child(int (*work)(const struct folder *folder), const struct folder *folder)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(work(folder));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int read_once(const struct folder *folder)
{
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_user user;

    return cache_open(folder->path, DOMAIN, &cache) != 1 || cache_begin(cache) < 0 ||
           cache_user_by_name(cache, "alice", &user) != 1;
}

static void readers_that_were_killed_leave_room_for_others(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);

    put_sample(writer);
    for (unsigned i = 0; i < N_READERS; i++)
        die_with_a_view(*state);
    assert_int_equal(in_child(read_once, *state), 0);
}

static void readers_that_were_killed_leave_room_for_the_writer(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    struct cache_state there;

    put_sample(writer);
    for (unsigned i = 0; i < N_READERS; i++)
        die_with_a_view(*state);
    assert_int_equal(cache_writer_state(writer, &there), 0);
    assert_string_equal(there.source, "mark");
}

/* ---- with LMDB itself, as somebody else who writes to the file ---- */

static MDB_env *open_env(const struct folder *folder)
{
    MDB_env *env;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, N_TABLES), 0);
    assert_int_equal(mdb_env_set_mapsize(env, CACHE_MAP_BYTES), 0);
    assert_int_equal(mdb_env_open(env, folder_file(folder, "cache_" DOMAIN ".mdb"), MDB_NOSUBDIR | MDB_NOTLS, 0600),
                     0);
    return env;
}

static void overwrite(const struct folder *folder, enum table table, const void *key, size_t key_bytes,
                      const void *bytes, size_t n)
{
    MDB_val key_value = { key_bytes, (void *) key }, value = { n, (void *) bytes };
    MDB_env *env = open_env(folder);
    MDB_txn *txn;
    MDB_dbi dbi;

    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table_names[table], 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key_value, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static size_t read_value(const struct folder *folder, enum table table, const void *key, size_t key_bytes, void *ret,
                         size_t max)
{
    MDB_val key_value = { key_bytes, (void *) key }, value;
    MDB_env *env = open_env(folder);
    MDB_txn *txn;
    MDB_dbi dbi;

    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table_names[table], 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &key_value, &value), 0);
    assert_true(value.mv_size <= max);
    memcpy(ret, value.mv_data, value.mv_size);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return value.mv_size;
}

static void another_layout_is_none_for_readers_and_made_anew(void **state)
{
    struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    uint32_t mark = LAYOUT_MARK + 1;
    struct cache_state there;

    put_sample(writer);
    cache_writer_close(writer);
    overwrite(*state, TABLE_STATE, LAYOUT_KEY, sizeof(LAYOUT_KEY) - 1, &mark, sizeof(mark));
    assert_int_equal(cache_open(((struct folder *) *state)->path, DOMAIN, &cache), 0);
    writer = open_writer(*state);
    assert_int_equal(cache_writer_state(writer, &there), 0);
    assert_int_equal(there.generation, 0);
    cache_writer_close(writer);
}

static void use_texts(const char *texts, size_t bytes, uint64_t n)
{
    const char *at = texts;

    for (uint64_t i = 0; i < n; i++)
        at += strlen(at) + 1;
    assert_true(at == texts + bytes);
}

/* One kind of record: what asks for it and reads all that it is given. Returns what the cache said. */
struct kind {
    const char *name;
    enum table table;
    uint32_t id;
    int (*ask)(struct cache *cache);
};

static int ask_user(struct cache *cache)
{
    struct cache_user user;
    int r = cache_user_by_name(cache, "alice", &user);

    if (r == 1)
        assert_true(strlen(user.name) + strlen(user.gecos) + strlen(user.home) + strlen(user.shell) < 4096);
    return r;
}

static int ask_group(struct cache *cache)
{
    struct cache_group group;
    int r = cache_group_by_id(cache, 200, &group);

    if (r == 1)
        use_texts(group.members, group.members_bytes, group.n_members);
    return r;
}

static int ask_netgroup(struct cache *cache)
{
    struct cache_netgroup netgroup;
    int r = cache_netgroup_by_name(cache, "ng", &netgroup);

    if (r == 1) {
        use_texts(netgroup.triples, netgroup.triples_bytes, (uint64_t) netgroup.n_triples * 3);
        use_texts(netgroup.netgroups, netgroup.netgroups_bytes, netgroup.n_netgroups);
    }
    return r;
}

static int ask_service(struct cache *cache)
{
    struct cache_service service;
    int r = cache_service_by_name(cache, "http", "tcp", &service);

    if (r == 1)
        use_texts(service.aliases, service.aliases_bytes, service.n_aliases);
    return r;
}

static const struct kind kinds[] = {
    { "user", TABLE_USERS, 1001, ask_user },
    { "group", TABLE_GROUPS, 200, ask_group },
    { "netgroup", TABLE_NETGROUPS, 0, ask_netgroup },
    { "service", TABLE_SERVICES, 0, ask_service },
};

static int ask_about(const struct folder *folder, const struct kind *kind)
{
    CLEANUP(cache_closep) struct cache *cache = open_cache(folder);
    int r;

    assert_int_equal(cache_begin(cache), 0);
    r = kind->ask(cache);
    cache_end(cache);
    return r;
}

static void every_truncation_of_a_record_is_refused(void **state)
{
    struct cache_writer *writer = open_writer(*state);
    char record[256], *cut;

    put_sample(writer);
    cache_writer_close(writer);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct kind *kind = &kinds[i];
        const uint64_t number = NUMBER(kind->id, 0);
        size_t bytes = read_value(*state, kind->table, &number, sizeof(number), record, sizeof(record));

        for (size_t n = 0; n <= bytes; n++) {
            cut = malloc(n + 1);
            assert_non_null(cut);
            memcpy(cut, record, n);
            overwrite(*state, kind->table, &number, sizeof(number), cut, n);
            free(cut);
            assert_int_equal(ask_about(*state, kind), n == bytes ? 1 : -EIO);
        }
    }
}

static void every_damaged_byte_of_a_record_is_harmless(void **state)
{
    static const unsigned char damages[] = { 0x00, 0x01, 0x7f, 0xff };
    struct cache_writer *writer = open_writer(*state);
    char record[256];
    int r;

    put_sample(writer);
    cache_writer_close(writer);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct kind *kind = &kinds[i];
        const uint64_t number = NUMBER(kind->id, 0);
        size_t bytes = read_value(*state, kind->table, &number, sizeof(number), record, sizeof(record));

        for (size_t at = 0; at < bytes; at++)
            for (size_t d = 0; d < ARRAY_SIZE(damages); d++) {
                char good = record[at];

                record[at] = (char) damages[d];
                overwrite(*state, kind->table, &number, sizeof(number), record, bytes);
                r = ask_about(*state, kind); /* which reads all of it */
                assert_true(r == 1 || r == -EIO);
                record[at] = good;
            }
    }
}

/* What a reader meets, who looks for all finds. */
static void damage_anywhere_is_found(void **state)
{
    const uint64_t alice = NUMBER(1001, 0), devs = NUMBER(200, 0), first = NUMBER(0, 0);
    const struct {
        enum table table;
        const void *key;
        size_t key_bytes;
    } rows[] = {
        { TABLE_STATE, STATE_KEY, sizeof(STATE_KEY) - 1 },
        { TABLE_USERS, &alice, 8 },
        { TABLE_GROUPS, &devs, 8 },
        { TABLE_NETGROUPS, &first, 8 },
        { TABLE_SERVICES, &first, 8 },
        { TABLE_GIDS, &alice, 8 },
        { TABLE_USER_NAMES, "al", 2 },
        { TABLE_GROUP_NAMES, "devs", 4 },
        { TABLE_NETGROUP_NAMES, "ng", 2 },
        { TABLE_SERVICE_NAMES, "www\0tcp", 7 },
        { TABLE_SERVICE_PORTS, "\0\120tcp", 5 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct cache_writer *writer = open_writer(*state);

        put_sample(writer);
        assert_int_equal(cache_writer_verify(writer), 0);
        cache_writer_close(writer);
        overwrite(*state, rows[i].table, rows[i].key, rows[i].key_bytes, "bad", 3);

        writer = open_writer(*state);
        assert_int_equal(cache_writer_verify(writer), -EIO);
        assert_int_equal(cache_writer_replace(writer), 0);
        assert_int_equal(cache_writer_verify(writer), 0);
        put_sample(writer);
        cache_writer_close(writer);
    }
}

static void keys_that_lead_nowhere_are_damage(void **state)
{
    struct cache_writer *writer = open_writer(*state);
    uint64_t nobody = NUMBER(4711, 0);
    uint64_t alice = NUMBER(1001, 0);

    put_sample(writer);
    cache_writer_close(writer);
    overwrite(*state, TABLE_USER_NAMES, "alice", 5, &nobody, sizeof(nobody));
    assert_int_equal(ask_about(*state, &kinds[0]), -EIO);
    overwrite(*state, TABLE_USER_NAMES, "alice", 5, &nobody, 3);
    assert_int_equal(ask_about(*state, &kinds[0]), -EIO);
    overwrite(*state, TABLE_USER_NAMES, "alice", 5, &alice, sizeof(alice));
    assert_int_equal(ask_about(*state, &kinds[0]), 1);
}

/* ---- room ---- */

static int put_many(struct cache_writer *writer, uint32_t n)
{
    static char gecos[1000];
    char name[32];
    int r;

    memset(gecos, 'x', sizeof(gecos) - 1);
    r = cache_writer_begin(writer);
    for (uint32_t i = 0; i < n && r == 0; i++) {
        struct cache_user user = { name, gecos, "/", "/bin/sh", 5000 + i, 1, false };

        (void) snprintf(name, sizeof(name), "user%u", i);
        r = cache_put_user(writer, name, &user);
    }
    if (r < 0)
        cache_writer_abort(writer);
    return r < 0 ? r : cache_writer_commit(writer, &(struct cache_state){ .source = "many" });
}

static void a_file_that_is_too_small_is_enlarged(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_user user;

    put_sample(writer);
    cache = open_cache(*state);
    assert_int_equal(put_many(writer, 80000), -ENOBUFS);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_user_by_name(cache, "alice", &user), 1);
    cache_end(cache);
    assert_int_equal(put_many(writer, 80000), 0);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_user_by_name(cache, "user79999", &user), 1);
    cache_end(cache);
}

static int write_many(const struct folder *folder)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = NULL;

    return cache_writer_open(folder->path, DOMAIN, &writer) < 0 || put_many(writer, 80000) != -ENOBUFS ||
           put_many(writer, 80000) < 0;
}

/* The backend after its import. */
static void a_file_that_another_has_enlarged_is_written_on(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = open_writer(*state);
    struct cache_state there;

    put_sample(writer);
    assert_int_equal(in_child(write_many, *state), 0);
    assert_int_equal(cache_writer_state(writer, &there), 0);
    assert_string_equal(there.source, "many");
    there.offline_until = 7;
    assert_int_equal(cache_writer_set_state(writer, &there), 0);
    put_sample(writer);
}

/* ---- a full disk ---- */

/* In a child: its limit on files cannot be raised again. */
static void a_full_disk_leaves_the_old_entries(void **state)
{
    struct cache_writer *writer = open_writer(*state);
    CLEANUP(cache_closep) struct cache *cache = NULL;
    struct cache_user user;
    int status;
    pid_t pid;

    put_sample(writer);
    cache_writer_close(writer);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit limit = { 300000, 300000 };
        struct cache_state new_state = { .source = "never" };
        char name[32];
        int r = 0;

        (void) signal(SIGXFSZ, SIG_IGN);
        writer = open_writer(*state);
        if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || cache_writer_begin(writer) < 0)
            _exit(1);
        for (uint32_t i = 0; i < 20000 && r == 0; i++) {
            user = (struct cache_user){ name, "some text", "/home/of/somebody", "/bin/sh", 5000 + i, 1, false };
            (void) snprintf(name, sizeof(name), "user%u", i);
            r = cache_put_user(writer, name, &user);
        }
        if (r == 0)
            r = cache_writer_commit(writer, &new_state);
        cache_writer_close(writer);
        _exit(r < 0 ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);

    cache = open_cache(*state);
    assert_int_equal(cache_begin(cache), 0);
    assert_int_equal(cache_user_by_name(cache, "alice", &user), 1);
    cache_end(cache);
    writer = open_writer(*state);
    put_sample(writer);
    cache_writer_close(writer);
}

/* ---- several users ---- */

enum { WRITER = 12345, READER, STRANGER };

static int become(uid_t uid, gid_t gid)
{
    (void) umask(0077); /* as a unit's */
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0)
        return -1;
    return setresuid(uid, uid, uid);
}

static int run_as(uid_t uid, gid_t gid, int (*work)(const struct folder *folder),
                  const struct folder *folder)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(become(uid, gid) < 0 ? 99 : work(folder));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static int write_sample(const struct folder *folder)
{
    struct cache_writer *writer = open_writer(folder);

    put_sample(writer);
    cache_writer_close(writer);
    return 0;
}

static int finds_alice(struct cache *cache)
{
    struct cache_user user;
    int r = cache_begin(cache);

    if (r == 0) {
        r = cache_user_by_name(cache, "alice", &user);
        cache_end(cache);
    }
    return r;
}

/* Two views at once, of two processes; and nothing in the folder can be changed but the list of
 * readers. */
static int read_sample(const struct folder *folder)
{
    struct cache *cache = NULL;
    int status = 0;
    pid_t pid;

    if (cache_open(folder->path, DOMAIN, &cache) != 1 || cache_begin(cache) < 0)
        return 1;
    pid = fork();
    if (pid == 0) {
        struct cache *own = NULL;

        _exit(cache_open(folder->path, DOMAIN, &own) == 1 && finds_alice(own) == 1 ? 0 : 2);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return 3;
    cache_end(cache);
    if (finds_alice(cache) != 1)
        return 4;
    cache_close(cache);
    if (open(folder_file(folder, "cache_" DOMAIN ".mdb"), O_RDWR | O_CLOEXEC) >= 0 ||
        errno != EACCES)
        return 5;
    if (unlink(folder_file(folder, "cache_" DOMAIN ".mdb")) == 0 ||
        unlink(folder_file(folder, "cache_" DOMAIN ".mdb-lock")) == 0)
        return 6;
    return open(folder_file(folder, "new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 ? 7 : 0;
}

static int read_in_vain(const struct folder *folder)
{
    struct cache *cache = NULL;

    return cache_open(folder->path, DOMAIN, &cache) == -EACCES ? 0 : 1;
}

/* A writer and its import, with readers between them. */
static int write_with_readers(const struct folder *folder)
{
    struct cache_writer *writer = open_writer(folder);
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(write_sample(folder));
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return 1;
    put_sample(writer);
    cache_writer_close(writer);
    return 0;
}

static void readers_of_another_user_need_no_right_to_write(void **state)
{
    const struct folder *folder = *state;
    struct cache *cache = NULL;

    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(folder->path, WRITER, READER), 0);
    assert_int_equal(chmod(folder->path, 0750), 0);
    assert_int_equal(run_as(WRITER, WRITER, write_sample, folder), 0);
    assert_int_equal(run_as(READER, READER, read_sample, folder), 0);
    assert_int_equal(run_as(STRANGER, STRANGER, read_in_vain, folder), 0);

    /* somebody who reads all the time */
    assert_int_equal(cache_open(folder->path, DOMAIN, &cache), 1);
    assert_int_equal(run_as(WRITER, WRITER, write_with_readers, folder), 0);
    assert_int_equal(run_as(READER, READER, read_sample, folder), 0);
    assert_int_equal(finds_alice(cache), 1);
    cache_close(cache);
}

/* With what modes an earlier version, or another umask, has made them. */
static void modes_of_an_older_cache_are_put_right(void **state)
{
    const struct folder *folder = *state;

    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(folder->path, WRITER, READER), 0);
    assert_int_equal(chmod(folder->path, 0750), 0);
    assert_int_equal(run_as(WRITER, WRITER, write_sample, folder), 0);
    assert_int_equal(chmod(folder_file(folder, "cache_" DOMAIN ".mdb"), 0600), 0);
    assert_int_equal(chmod(folder_file(folder, "cache_" DOMAIN ".mdb-lock"), 0600), 0);
    assert_int_equal(run_as(READER, READER, read_in_vain, folder), 0);
    assert_int_equal(run_as(WRITER, WRITER, write_sample, folder), 0);
    assert_int_equal(run_as(READER, READER, read_sample, folder), 0);
}

/* ---- keys ---- */

static void keys_are_folded_and_checked(void **state)
{
    char key[CACHE_NAME_BYTES_MAX + 1], name[CACHE_NAME_BYTES_MAX + 2];

    (void) state;
    assert_int_equal(cache_key("AliceÄÖ", true, key), 0);
    assert_string_equal(key, "aliceäö");
    assert_int_equal(cache_key("AliceÄ", false, key), 0);
    assert_string_equal(key, "AliceÄ");
    assert_int_equal(cache_key("", true, key), -EINVAL);
    assert_int_equal(cache_key("\xff", true, key), -EINVAL);
    assert_int_equal(cache_key("a\xc3", false, key), -EINVAL);
    memset(name, 'N', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(cache_key(name, true, key), -EINVAL);
    name[CACHE_NAME_BYTES_MAX] = '\0';
    assert_int_equal(cache_key(name, true, key), 0);
    assert_int_equal(strlen(key), CACHE_NAME_BYTES_MAX);
}

static void only_valid_utf8_is_valid(void **state)
{
    static const struct {
        const char *text;
        bool is_valid;
    } rows[] = {
        { "", true },
        { "a", true },
        { "\xc3\xa4", true },
        { "\xe2\x82\xac", true },
        { "\xf0\x9f\x98\x80", true },
        { "\xc0\x80", false },             /* not the shortest */
        { "\xe0\x80\x80", false },
        { "\xed\xa0\x80", false },         /* a surrogate */
        { "\xf4\x90\x80\x80", false },     /* beyond the last */
        { "\x80", false },
        { "\xe2\x82", false },
        { "\xf0\x9f\x98", false },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(utf8_is_valid(rows[i].text, strlen(rows[i].text)), rows[i].is_valid);
    assert_false(utf8_is_valid("a\0b", 3));
}

static void lower_case_may_be_longer(void **state)
{
    char text[8];

    (void) state;
    assert_int_equal(utf8_lower("\xc8\xba", 2, text, sizeof(text)), 3); /* U+023A becomes U+2C65 */
    assert_int_equal(utf8_lower("\xc8\xba", 2, text, 3), -ENAMETOOLONG);
    assert_int_equal(utf8_lower("ABCDEFG", 7, text, sizeof(text)), 7);
    assert_int_equal(utf8_lower("ABCDEFGH", 8, text, sizeof(text)), -ENAMETOOLONG);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(users_are_found_by_name_alias_and_id),
        TEST(the_rest_is_found_too),
        TEST(who_is_taken_is_told),
        TEST(who_shares_an_id_is_found_by_name),
        TEST(an_enumeration_goes_on_where_it_stopped),
        TEST(each_entry_has_its_own_time),
        TEST(a_view_sees_one_commit),
        TEST(what_is_aborted_never_was),
        TEST(the_state_is_set_without_the_entries),
        TEST(readers_are_told_what_has_changed),
        TEST(a_key_goes_from_one_to_another),
        TEST(who_is_too_far_behind_is_told_that),
        TEST(one_changed_entry_costs_one),
        TEST(a_new_file_is_not_taken_for_the_one_before),
        TEST(no_file_is_no_cache),
        TEST(a_file_of_something_else_is_made_anew),
        TEST(a_file_that_is_cut_off_is_damaged),
        TEST(readers_that_were_killed_leave_room_for_others),
        TEST(readers_that_were_killed_leave_room_for_the_writer),
        TEST(another_layout_is_none_for_readers_and_made_anew),
        TEST(every_truncation_of_a_record_is_refused),
        TEST(every_damaged_byte_of_a_record_is_harmless),
        TEST(damage_anywhere_is_found),
        TEST(keys_that_lead_nowhere_are_damage),
        TEST(a_file_that_is_too_small_is_enlarged),
        TEST(a_file_that_another_has_enlarged_is_written_on),
        TEST(a_full_disk_leaves_the_old_entries),
        TEST(readers_of_another_user_need_no_right_to_write),
        TEST(modes_of_an_older_cache_are_put_right),
        cmocka_unit_test(keys_are_folded_and_checked),
        cmocka_unit_test(only_valid_utf8_is_valid),
        cmocka_unit_test(lower_case_may_be_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
