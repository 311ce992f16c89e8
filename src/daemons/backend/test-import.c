/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From LDIF files to what the cache answers. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/files.h"
#include "backend/items.h"
#include "backend/test-fixture.h"
#include "common/cleanup.h"

#define USER(name, uid)                                                                                            \
    "dn: uid=" name ",ou=p,dc=x\nobjectClass: posixAccount\nuid: " name "\ncn: Name of " name "\nuidNumber: " #uid \
    "\ngidNumber: 100\n\n"
#define GROUP(name, gid, members) \
    "dn: cn=" name ",ou=g,dc=x\nobjectClass: posixGroup\ncn: " name "\ngidNumber: " #gid "\n" members "\n"
#define MEMBER_USER(name) "member: uid=" name ",ou=p,dc=x\n"
#define MEMBER_GROUP(name) "member: cn=" name ",ou=g,dc=x\n"

/* "a,b," for the members of a group, "-" if there is none. Lives until the next call. */
static const char *members_of_group(struct fixture *f, const char *name)
{
    static char text[4096];
    struct cache_group group;
    const char *at;
    char *to = text;

    if (cache_group_by_name(fixture_view(f), name, &group) != 1) {
        fixture_end_view(f);
        return "-";
    }
    *to = '\0';
    at = group.members;
    for (uint32_t i = 0; i < group.n_members; i++, at += strlen(at) + 1)
        to += sprintf(to, "%s,", at);
    assert_true(at == group.members + group.members_bytes);
    fixture_end_view(f);
    return text;
}

static const char *groups_of_user(struct fixture *f, const char *name)
{
    static char text[4096];
    const void *gids;
    char *to = text;
    uint32_t gid;
    size_t n;

    if (cache_gids_of_user(fixture_view(f), name, &gids, &n) != 1) {
        fixture_end_view(f);
        return "-";
    }
    *to = '\0';
    for (size_t i = 0; i < n; i++) {
        memcpy(&gid, (const char *) gids + i * sizeof(gid), sizeof(gid));
        to += sprintf(to, "%u,", gid);
    }
    fixture_end_view(f);
    return text;
}

/* uid of a user, 0 if there is none. */
static uint32_t uid_of(struct fixture *f, const char *key)
{
    struct cache_user user;
    int r = cache_user_by_name(fixture_view(f), key, &user);

    fixture_end_view(f);
    assert_true(r >= 0);
    return r == 1 ? user.uid : 0;
}

static const char *name_of(struct fixture *f, const char *key)
{
    static char name[CACHE_NAME_BYTES_MAX + 1];
    struct cache_user user;

    assert_int_equal(cache_user_by_name(fixture_view(f), key, &user), 1);
    strcpy(name, user.name);
    fixture_end_view(f);
    return name;
}

static void assert_log(struct fixture *f, const char *text)
{
    CLEANUP(freep) char *log = fixture_log(f);

    if (!strstr(log, text))
        fail_msg("\"%s\" is not in the log: %s", text, log);
}

/* ---- users ---- */

static void a_user_has_what_its_entry_says(void **state)
{
    struct fixture *f = *state;
    struct cache_user user;

    fixture_write(
        f, "a.ldif",
        "dn: dc=x\n\n" /* without attributes */
        "dn: uid=alice,dc=x\nOBJECTCLASS: POSIXACCOUNT\nuid: alice\ncn: A Name\nuidNumber: 1001\ngidNumber: 1002\n"
        "homeDirectory: /home/alice\nloginShell: /bin/zsh\n\n"
        "dn: uid=bob,dc=x\nobjectClass: posixAccount\nuid: bob\ncn: B\ngecos: G\nuidNumber: 1003\ngidNumber: 1002\n\n"
        "dn: uid=nobody,dc=x\nobjectClass: person\nuid: nobody\nuidNumber: 1004\ngidNumber: 5\n");
    assert_true(fixture_import(f));
    assert_int_equal(cache_user_by_name(fixture_view(f), "alice", &user), 1);
    assert_int_equal(user.uid, 1001);
    assert_int_equal(user.gid, 1002);
    assert_string_equal(user.gecos, "A Name");
    assert_string_equal(user.home, "/home/alice");
    assert_string_equal(user.shell, "/bin/zsh");
    assert_int_equal(cache_user_by_id(f->cache, 1003, &user), 1);
    assert_string_equal(user.gecos, "G");
    assert_string_equal(user.home, "");
    fixture_end_view(f);
    assert_int_equal(uid_of(f, "nobody"), 0);
}

static void the_name_in_the_dn_is_the_user_s_own(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "a.ldif",
                  "dn: UID=Second,dc=x\nobjectClass: posixAccount\nuid: first\nuid: second\nuid: third\nuidNumber: "
                  "1\ngidNumber: 1\n\n"
                  "dn: cn=X,dc=x\nobjectClass: posixAccount\nuid: one\nuid: two\nuidNumber: 2\ngidNumber: 1\n");
    assert_true(fixture_import(f));
    assert_string_equal(name_of(f, "first"), "second");
    assert_string_equal(name_of(f, "second"), "second");
    assert_string_equal(name_of(f, "third"), "second");
    assert_string_equal(name_of(f, "two"), "one");
}

static void bad_entries_are_left_out_with_a_line_each(void **state)
{
    static const struct {
        const char *entry, *line;
    } rows[] = {
        { "uidNumber: 5\ngidNumber: 1\n", "uid: missing" },
        { "uid: x\ngidNumber: 1\n", "uidNumber: missing" },
        { "uid: x\nuidNumber: 5\n", "gidNumber: missing" },
        { "uid: x\nuidNumber: 0\ngidNumber: 1\n", "uidNumber: 0 is never" },
        { "uid: x\nuidNumber: 5\ngidNumber: 0\n", "gidNumber: 0 is never" },
        { "uid: x\nuidNumber: -1\ngidNumber: 1\n", "uidNumber: not a number" },
        { "uid: x\nuidNumber: 4294967295\ngidNumber: 1\n", "uidNumber: not a number" },
        { "uid: x\nuidNumber: 4294967296\ngidNumber: 1\n", "uidNumber: not a number" },
        { "uid: x\nuidNumber: 5 5\ngidNumber: 1\n", "uidNumber: not a number" },
        { "uid: x\nuidNumber:: NQA=\ngidNumber: 1\n", "uidNumber: not a number" }, /* with a zero */
        { "uid:\nuidNumber: 5\ngidNumber: 1\n", "uid: not a name" },
        { "uid: a:b\nuidNumber: 5\ngidNumber: 1\n", "uid: not a name" },
        { "uid:: /w==\nuidNumber: 5\ngidNumber: 1\n", "uid: not a name" },
        { "uid:: eAB5\nuidNumber: 5\ngidNumber: 1\n", "uid: not a name" },
        { "uid:: YQpi\nuidNumber: 5\ngidNumber: 1\n", "uid: not a name" },
        { "uid: x\nuidNumber: 5\ngidNumber: 1\ngecos:: YQpi\n", "gecos: not a text" },
        { "uid: good\nuidNumber: 5\ngidNumber: 1\n", "another entry has that name" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024], line[512];

        (void) snprintf(text, sizeof(text),
                        USER("good", 1001) "dn: uid=x,dc=x\nobjectClass: posixAccount\n%s\n" USER("last", 1002),
                        rows[i].entry);
        fixture_write(f, "a.ldif", text);
        assert_true(fixture_import(f));
        (void) snprintf(line, sizeof(line), "a.ldif:8: \"uid=x,dc=x\": ");
        assert_log(f, line);
        assert_log(f, rows[i].line);
        assert_int_equal(uid_of(f, "good"), 1001);
        assert_int_equal(uid_of(f, "last"), 1002);
        assert_int_equal(uid_of(f, "x"), 0);
    }
}

static void ids_are_within_their_limits(void **state)
{
    struct fixture *f = *state;

    fixture_set(f, "min_id", "1000");
    fixture_write(
        f, "a.ldif",
        "dn: uid=a\nobjectClass: posixAccount\nuid: a\nuidNumber: 999\ngidNumber: 1000\n\n"
        "dn: uid=b\nobjectClass: posixAccount\nuid: b\nuidNumber: 1000\ngidNumber: 999\n\n"
        "dn: uid=c\nobjectClass: posixAccount\nuid: c\nuidNumber: 1000\ngidNumber: 1000\n\n" GROUP("g", 999, ""));
    assert_true(fixture_import(f));
    assert_int_equal(uid_of(f, "a"), 0);
    assert_int_equal(uid_of(f, "b"), 0);
    assert_int_equal(uid_of(f, "c"), 1000);
    assert_string_equal(members_of_group(f, "g"), "-");

    fixture_set(f, "max_id", "1000");
    fixture_write(f, "a.ldif", USER("a", 1000) USER("b", 1001));
    assert_true(fixture_import(f));
    assert_int_equal(uid_of(f, "a"), 1000);
    assert_int_equal(uid_of(f, "b"), 0);
}

static void case_is_as_the_domain_says(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "a.ldif",
                  USER("Alice", 1001) USER("alice", 1002) GROUP("Devs", 200, "memberUid: ALICE\nmemberUid: Gone\n"));
    assert_true(fixture_import(f));
    assert_int_equal(uid_of(f, "Alice"), 1001);
    assert_int_equal(uid_of(f, "alice"), 1002);
    assert_int_equal(uid_of(f, "ALICE"), 0);

    fixture_set(f, "case_sensitive", "false");
    assert_true(fixture_import(f));
    assert_int_equal(uid_of(f, "alice"), 1001);
    assert_string_equal(name_of(f, "alice"), "alice");
    assert_string_equal(members_of_group(f, "devs"), "alice,gone,");

    fixture_set(f, "case_sensitive", "preserving");
    assert_true(fixture_import(f));
    assert_string_equal(name_of(f, "alice"), "Alice");
    assert_string_equal(members_of_group(f, "devs"), "Alice,Gone,");
    assert_string_equal(groups_of_user(f, "alice"), "200,");
}

/* ---- groups ---- */

static void members_are_found_by_name_and_by_dn(void **state)
{
    struct fixture *f = *state;

    fixture_write(
        f, "g.ldif",
        GROUP("g", 200,
              "memberUid: alice\nmemberUid: stranger\nmemberUid: al\n" MEMBER_USER(
                  "alice") "member: UID=Bob , ou=P,dc=X\nuniqueMember: uid=carol,ou=p,dc=x\nmember: uid=gone,dc=x\n"
                           "member: nonsense\nmemberUid:\n"));
    fixture_write(f, "u.ldif", USER("alice", 1001) USER("bob", 1002) USER("carol", 1003));
    assert_true(fixture_import(f)); /* whatever the order of the files */
    assert_string_equal(members_of_group(f, "g"), "alice,stranger,al,bob,carol,");
    assert_string_equal(groups_of_user(f, "alice"), "200,");
    assert_string_equal(groups_of_user(f, "carol"), "200,");
    assert_string_equal(groups_of_user(f, "stranger"), "-");
}

static void another_name_of_a_user_gives_it_no_groups(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "a.ldif",
                  "dn: uid=main,dc=x\nobjectClass: posixAccount\nuid: main\nuid: other\nuidNumber: 1\ngidNumber: 1\n\n"
                  GROUP("g1", 201, "memberUid: other\n") GROUP("g2", 202, "memberUid: main\nmemberUid: other\n"));
    assert_true(fixture_import(f));
    assert_string_equal(groups_of_user(f, "main"), "202,");
    assert_string_equal(members_of_group(f, "g1"), "other,");
    assert_string_equal(members_of_group(f, "g2"), "main,other,");
}

#define NESTED                                                                                          \
    USER("a", 1) USER("b", 2) USER("c", 3) USER("d", 4) GROUP("g1", 201, MEMBER_USER("a") MEMBER_GROUP("g2"))   \
        GROUP("g2", 202, MEMBER_USER("b") MEMBER_GROUP("g3")) GROUP("g3", 203, MEMBER_USER("c") MEMBER_GROUP("g4")) \
            GROUP("g4", 204, MEMBER_USER("d"))

static void groups_in_groups_are_followed_as_far_as_the_option_says(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "a.ldif", NESTED);
    assert_true(fixture_import(f));
    assert_string_equal(members_of_group(f, "g1"), "a,b,c,"); /* two levels, as SSSD */
    assert_string_equal(groups_of_user(f, "d"), "202,203,204,");

    fixture_set(f, "ldap_group_nesting_level", "0");
    assert_true(fixture_import(f));
    assert_string_equal(members_of_group(f, "g1"), "a,");
    assert_string_equal(groups_of_user(f, "d"), "204,");

    fixture_set(f, "ldap_group_nesting_level", "9");
    assert_true(fixture_import(f));
    assert_string_equal(members_of_group(f, "g1"), "a,b,c,d,");
    assert_string_equal(groups_of_user(f, "d"), "201,202,203,204,");
}

static void cycles_end(void **state)
{
    struct fixture *f = *state;

    fixture_set(f, "ldap_group_nesting_level", "1000");
    fixture_write(f, "a.ldif",
                  USER("a", 1) USER("b", 2) GROUP("self", 200, MEMBER_USER("a") MEMBER_GROUP("self"))
                      GROUP("x", 201, MEMBER_GROUP("y") MEMBER_USER("a"))
                          GROUP("y", 202, MEMBER_GROUP("x") MEMBER_USER("b")));
    assert_true(fixture_import(f));
    assert_string_equal(members_of_group(f, "self"), "a,");
    assert_string_equal(members_of_group(f, "x"), "a,b,");
    assert_string_equal(members_of_group(f, "y"), "b,a,");
    assert_string_equal(groups_of_user(f, "a"), "200,201,202,");
}

/* The shorter way counts, whichever is written first. */
static void a_group_that_is_near_and_far_is_near(void **state)
{
    struct fixture *f = *state;

    fixture_set(f, "ldap_group_nesting_level", "2");
    fixture_write(f, "a.ldif", USER("end", 1) GROUP("top", 200, MEMBER_GROUP("far") MEMBER_GROUP("near"))
                                   GROUP("far", 201, MEMBER_GROUP("near")) GROUP("near", 202, MEMBER_GROUP("last"))
                                       GROUP("last", 203, MEMBER_USER("end")));
    assert_true(fixture_import(f));
    assert_string_equal(members_of_group(f, "top"), "end,");
}

static void of_those_with_one_number_the_first_has_it(void **state)
{
    struct fixture *f = *state;
    struct cache_group group;
    struct cache_user user;

    fixture_write(f, "a.ldif",
                  USER("zoe", 5) USER("adam", 5) GROUP("z", 200, "memberUid: zoe\n") GROUP("a", 200, "memberUid: adam\n")
                      GROUP("b", 201, "memberUid: adam\n"));
    assert_true(fixture_import(f));
    assert_int_equal(uid_of(f, "adam"), 5);
    assert_int_equal(cache_user_by_id(fixture_view(f), 5, &user), 1);
    assert_string_equal(user.name, "zoe");
    assert_int_equal(cache_group_by_id(f->cache, 200, &group), 1);
    assert_string_equal(group.name, "z");
    fixture_end_view(f);
    assert_string_equal(members_of_group(f, "a"), "adam,");
    assert_string_equal(groups_of_user(f, "zoe"), "200,");
    assert_string_equal(groups_of_user(f, "adam"), "200,201,");
}

/* ---- netgroups and services ---- */

static void netgroups_have_triples_and_members(void **state)
{
    struct fixture *f = *state;
    struct cache_netgroup netgroup;

    fixture_write(f, "a.ldif",
                  "dn: cn=ng,dc=x\nobjectClass: nisNetgroup\ncn: ng\nnisNetgroupTriple: (host,user,dom)\n"
                  "nisNetgroupTriple: ( h2 , , )\nnisNetgroupTriple: (,-,)\nmemberNisNetgroup: other\n"
                  "nisNetgroupTriple: bad\nnisNetgroupTriple: (a,b)\nnisNetgroupTriple: (a,b,c)d\nnisNetgroupTriple: "
                  "(a,b,c,d)\n");
    assert_true(fixture_import(f));
    assert_int_equal(cache_netgroup_by_name(fixture_view(f), "ng", &netgroup), 1);
    assert_int_equal(netgroup.n_triples, 3);
    assert_memory_equal(netgroup.triples, "host\0user\0dom\0h2\0\0\0\0-\0", netgroup.triples_bytes);
    assert_int_equal(netgroup.n_netgroups, 1);
    assert_string_equal(netgroup.netgroups, "other");
    fixture_end_view(f);
}

static void services_have_names_ports_and_protocols(void **state)
{
    struct fixture *f = *state;
    struct cache_service service;
    struct cache *cache;

    fixture_write(
        f, "a.ldif",
        "dn: cn=http,dc=x\nobjectClass: ipService\ncn: www\ncn: http\nipServicePort: 80\nipServiceProtocol: tcp\n"
        "ipServiceProtocol: udp\nipServiceProtocol: a-name-that-is-longer-than-any-protocols\n\n"
        "dn: cn=http,dc=y\nobjectClass: ipService\ncn: http\nipServicePort: 81\nipServiceProtocol: tcp\n\n"
        "dn: cn=x,dc=y\nobjectClass: ipService\ncn: x\nipServicePort: 70000\nipServiceProtocol: tcp\n\n"
        "dn: cn=none,dc=y\nobjectClass: ipService\ncn: none\nipServicePort: 0\nipServiceProtocol: tcp\n");
    assert_true(fixture_import(f));
    assert_log(f, "ipServicePort: 0 is no port");
    cache = fixture_view(f);
    assert_int_equal(cache_service_by_name(cache, "www", "udp", &service), 1);
    assert_string_equal(service.name, "http");
    assert_int_equal(service.n_aliases, 1);
    assert_string_equal(service.aliases, "www");
    assert_int_equal(service.port, 80);
    assert_int_equal(cache_service_by_name(cache, "http", "tcp", &service), 1);
    assert_int_equal(service.port, 80); /* the first */
    assert_int_equal(cache_service_by_port(cache, 80, "tcp", &service), 1);
    assert_int_equal(cache_service_by_name(cache, "x", "", &service), 0);
    assert_int_equal(cache_service_by_name(cache, "none", "", &service), 0);
    fixture_end_view(f);
}

static void protocols_ignore_case_where_names_do(void **state)
{
    struct fixture *f = *state;
    struct cache_service service;

    fixture_write(f, "a.ldif",
                  "dn: cn=x,dc=x\nobjectClass: ipService\ncn: x\nipServicePort: 80\nipServiceProtocol: TCP\n");
    assert_true(fixture_import(f));
    assert_int_equal(cache_service_by_name(fixture_view(f), "x", "tcp", &service), 0);
    assert_int_equal(cache_service_by_name(f->cache, "x", "TCP", &service), 1);
    fixture_end_view(f);

    fixture_set(f, "case_sensitive", "preserving");
    assert_true(fixture_import(f));
    assert_int_equal(cache_service_by_name(fixture_view(f), "x", "tcp", &service), 1);
    assert_int_equal(cache_service_by_port(f->cache, 80, "tcp", &service), 1);
    fixture_end_view(f);
}

/* ---- files ---- */

static void a_broken_file_is_refused_whole(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "a.ldif", USER("alice", 1001));
    assert_true(fixture_import(f));
    fixture_write(f, "a.ldif", USER("alice", 1002));
    fixture_write(f, "b.ldif", USER("bob", 1003) "dn: uid=c\njpegPhoto:< file:///etc/shadow\n");
    assert_false(fixture_import(f));
    assert_log(f, "b.ldif:9: values are not read from URLs");
    assert_int_equal(uid_of(f, "alice"), 1001);
    assert_int_equal(uid_of(f, "bob"), 0);
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "a.ldif", USER("alice", 1001));
    assert_true(fixture_import(f));
    assert_int_equal(mkfifo(folder_file(&f->folder, "ldif/pipe.ldif"), 0600), 0);
    assert_false(fixture_import(f)); /* and nobody waits */
    assert_log(f, "pipe.ldif");
    assert_int_equal(unlink(folder_file(&f->folder, "ldif/pipe.ldif")), 0);

    assert_int_equal(symlink("nowhere", folder_file(&f->folder, "ldif/link.ldif")), 0);
    assert_false(fixture_import(f));
    assert_log(f, "link.ldif: No such file");
    assert_int_equal(uid_of(f, "alice"), 1001);
}

static void files_are_taken_by_their_names(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "b.ldif", USER("alice", 1002));
    fixture_write(f, "a.ldif", USER("alice", 1001));
    fixture_write(f, ".hidden.ldif", "broken");
    fixture_write(f, "a.ldif.bak", "broken");
    assert_true(fixture_import(f));
    assert_int_equal(uid_of(f, "alice"), 1001);
}

static int find(const struct fixture *f, struct files *files)
{
    struct items items;
    int r;

    r = items_open(&items, f->config, "domain/" DOMAIN);
    if (r == 0)
        r = files_find(files, &items, f->config, "domain/" DOMAIN);
    items_done(&items);
    return r;
}

static void the_mark_changes_with_files_and_options(void **state)
{
    struct fixture *f = *state;
    struct files before, after;

    fixture_write(f, "a.ldif", USER("alice", 1001));
    assert_int_equal(find(f, &before), 0);
    assert_int_equal(find(f, &after), 0);
    assert_string_equal(before.mark, after.mark);
    files_done(&after);

    fixture_set(f, "min_id", "5");
    assert_int_equal(find(f, &after), 0);
    assert_string_not_equal(before.mark, after.mark);
    files_done(&after);
    fixture_set(f, NULL, NULL);

    /* Of the same size and with its old time, in its place. */
    fixture_write(f, "new", USER("alice", 1002));
    assert_int_equal(rename(folder_file(&f->folder, "ldif/new"), folder_file(&f->folder, "ldif/a.ldif")), 0);
    assert_int_equal(find(f, &after), 0);
    assert_string_not_equal(before.mark, after.mark);
    files_done(&after);
    files_done(&before);
}

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    return file && fputs(text, file) >= 0 && fclose(file) == 0;
}

/* In a child, whose failed assertion would go on with the tests. */
static void __attribute__((noreturn)) keep_replacing(struct fixture *f, const char *first, const char *second)
{
    char path[128], aside[128];

    (void) snprintf(path, sizeof(path), "%s/ldif/a.ldif", f->folder.path);
    (void) snprintf(aside, sizeof(aside), "%s/ldif/new", f->folder.path);
    for (unsigned i = 0;; i++) {
        if (!write_file(aside, i % 2 ? first : second) || rename(aside, path) < 0)
            _exit(1);
        (void) usleep(50000 + i % 7 * 50000);
    }
}

/* What is imported is one of the files, whole. (Of one that is written over, a half can look whole: its end is
 * read later.) */
static void files_that_are_replaced_while_they_are_read_give_no_mixture(void **state)
{
    struct fixture *f = *state;
    static char first[200000], second[200000];
    char *a = first, *b = second;
    int status;
    pid_t pid;

    for (unsigned i = 0; i < 1500; i++) {
        a += sprintf(a, "dn: uid=u%u\nobjectClass: posixAccount\nuid: u%u\nuidNumber: %u\ngidNumber: 1\n\n", i, i,
                     10000 + i);
        b += sprintf(b, "dn: uid=u%u\nobjectClass: posixAccount\nuid: u%u\nuidNumber: %u\ngidNumber: 2\n\n", i, i,
                     10000 + i);
    }
    fixture_write(f, "a.ldif", first);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        keep_replacing(f, first, second);
    for (unsigned i = 0; i < 30; i++) {
        struct cache_user user;
        uint32_t gid = 0;

        if (i == 29) { /* now it holds still */
            assert_int_equal(kill(pid, SIGKILL), 0);
            assert_int_equal(waitpid(pid, &status, 0), pid);
            assert_true(WIFSIGNALED(status)); /* it has been at it all the time */
            fixture_write(f, "a.ldif", first);
            assert_true(fixture_import(f));
        } else if (!fixture_import(f)) {
            continue;
        }
        (void) fixture_view(f);
        for (uint32_t uid = 10000; uid < 11500; uid++) {
            assert_int_equal(cache_user_by_id(f->cache, uid, &user), 1);
            assert_true(gid == 0 || gid == user.gid);
            gid = user.gid;
        }
        fixture_end_view(f);
    }
}

static void what_the_state_says(void **state)
{
    struct fixture *f = *state;
    struct cache_state cache_state;
    struct files files;

    fixture_set(f, "entry_cache_group_timeout", "77");
    fixture_write(f, "a.ldif", USER("alice", 1001));
    assert_true(fixture_import(f));
    assert_int_equal(cache_read_state(fixture_view(f), &cache_state), 0);
    fixture_end_view(f);
    assert_true(cache_state.generation > 0);
    assert_int_equal(cache_state.offline_until, 0);
    assert_true(cache_state.updated <= (uint64_t) time(NULL));
    assert_int_equal(cache_state.good_until[CACHE_GROUP], cache_state.updated + 77);
    assert_int_equal(cache_state.good_until[CACHE_USER], cache_state.updated + 5400);
    assert_false(cache_state.is_complete); /* nobody watches the files */
    assert_int_equal(find(f, &files), 0);
    assert_string_equal(cache_state.source, files.mark);
    files_done(&files);
}

static void each_kind_of_entry_has_its_own_time(void **state)
{
    struct fixture *f = *state;
    uint64_t now = (uint64_t) time(NULL);
    struct cache_group group;
    struct cache_user user;

    fixture_set(f, "entry_cache_group_timeout", "77");
    fixture_write(f, "a.ldif", USER("alice", 1001) GROUP("devs", 2001, ""));
    assert_true(fixture_import(f));
    assert_int_equal(cache_user_by_name(fixture_view(f), "alice", &user), 1);
    assert_true(cache_is_good(f->cache, now + 5300));
    assert_int_equal(cache_group_by_name(f->cache, "devs", &group), 1);
    assert_false(cache_is_good(f->cache, now + 5300));
    fixture_end_view(f);
}

#define NETGROUP(name, triple) \
    "dn: cn=" name ",ou=n,dc=x\nobjectClass: nisNetgroup\ncn: " name "\nnisNetgroupTriple: " triple "\n\n"
#define SERVICE(name, port)                                                                                  \
    "dn: cn=" name ",ou=s,dc=x\nobjectClass: ipService\ncn: " name "\nipServicePort: " port "\nipServiceProtocol: " \
    "tcp\n\n"

static int on_change(const struct cache_change *change, void *userdata)
{
    char *told = userdata;

    (void) sprintf(told + strlen(told), "%s ", change->name);
    return 0;
}

/* One file instead of another: which entries are told to be others than they were. */
static void one_change_is_one_entry(void **state)
{
    static const struct {
        const char *what, *before, *after, *told;
    } rows[] = {
        { "a text", USER("a", 1) USER("b", 2), USER("a", 1) "dn: uid=b,ou=p,dc=x\nobjectClass: posixAccount\nuid: b\ncn: "
          "other\nuidNumber: 2\ngidNumber: 100\n\n", "b " },
        { "the order", USER("a", 1) USER("b", 2), USER("b", 2) USER("a", 1), "" },
        { "a user before others", USER("b", 2), USER("a", 1) USER("b", 2), "a " },
        { "a user less", USER("a", 1) USER("b", 2), USER("b", 2), "a " },
        { "a netgroup before others", NETGROUP("n", "(h,u,)"), NETGROUP("m", "(h,u,)") NETGROUP("n", "(h,u,)"), "m " },
        { "a service before others", SERVICE("s", "80"), SERVICE("r", "79") SERVICE("s", "80"), "r " },
        { "a member", USER("a", 1) GROUP("g", 5, "") GROUP("h", 6, ""),
          USER("a", 1) GROUP("g", 5, "memberUid: a\n") GROUP("h", 6, ""), "g a " },
    };
    struct fixture *f = *state;
    struct cache_state before;
    char told[256];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fixture_write(f, "a.ldif", rows[i].before);
        assert_true(fixture_import(f));
        assert_int_equal(cache_read_state(fixture_view(f), &before), 0);
        fixture_end_view(f);

        told[0] = '\0';
        fixture_write(f, "a.ldif", rows[i].after);
        assert_true(fixture_import(f));
        assert_int_equal(cache_each_change(fixture_view(f), before.last_change, on_change, told), 0);
        fixture_end_view(f);
        if (strcmp(told, rows[i].told) != 0)
            fail_msg("%s: told \"%s\"", rows[i].what, told);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_user_has_what_its_entry_says),
        TEST(the_name_in_the_dn_is_the_user_s_own),
        TEST(bad_entries_are_left_out_with_a_line_each),
        TEST(ids_are_within_their_limits),
        TEST(case_is_as_the_domain_says),
        TEST(members_are_found_by_name_and_by_dn),
        TEST(another_name_of_a_user_gives_it_no_groups),
        TEST(groups_in_groups_are_followed_as_far_as_the_option_says),
        TEST(cycles_end),
        TEST(a_group_that_is_near_and_far_is_near),
        TEST(of_those_with_one_number_the_first_has_it),
        TEST(netgroups_have_triples_and_members),
        TEST(services_have_names_ports_and_protocols),
        TEST(protocols_ignore_case_where_names_do),
        TEST(a_broken_file_is_refused_whole),
        TEST(a_file_that_cannot_be_read_is_told),
        TEST(files_are_taken_by_their_names),
        TEST(the_mark_changes_with_files_and_options),
        TEST(files_that_are_replaced_while_they_are_read_give_no_mixture),
        TEST(what_the_state_says),
        TEST(each_kind_of_entry_has_its_own_time),
        TEST(one_change_is_one_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
