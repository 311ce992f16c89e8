/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fixture: the NSS responder over a directory of its own, asked through a real connection. Its backend is the test's. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bus/bus.h"
#include "cache/writer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "config/config.h"
#include "config/image.h"
#include "nss/commands.h"
#include "nss/memcache.h"
#include "nss/test-fixture.h"
#include "util/paths.h"

#define SETTINGS_MAX 32

static const uint32_t versions[] = { 1, 0 };
static const struct responder_spec spec = { .name = "nss", .versions = versions };

/* ---- the directory ---- */

static void put_user(struct cache_writer *writer, const char *name, uint32_t uid, const char *gecos, const char *home, const char *shell)
{
    const struct cache_user user = { name, gecos, home, shell, uid, 10001, false };

    assert_int_equal(cache_put_user(writer, name, &user), 0);
}

void fixture_write(struct fixture *f, bool with_carol, uint64_t fresh_for, uint64_t offline_for)
{
    const char *member = f->member_of_ops ? f->member_of_ops : "alice";
    static const uint32_t alice[] = { 20000, 20001, 10001 }, bob[] = { 20000 };
    const struct cache_group devs = { "devs", 20000, 2, "alice\0bob", 10, false },
                             ops = { "ops", 20001, 1, member, strlen(member) + 1, false };
    const struct cache_netgroup ng1 = { "ng1", 2, "host1\0alice\0example.com\0\0bob\0", 30, 0, "", 0 };
    const struct cache_netgroup ng2 = { "ng2", 0, "", 0, 1, "ng1", 4 }, ngempty = { "ngempty", 0, "", 0, 0, "", 0 };
    const struct cache_service http2 = { "http2", "tcp", 8080, 2, "webalt\0w3", 10 }, dnsx = { "dnsx", "udp", 5300, 0, "", 0 };
    const uint64_t now = (uint64_t) time(NULL);
    const uint32_t lives[CACHE_N_KINDS] = { (uint32_t) fresh_for, (uint32_t) fresh_for, (uint32_t) fresh_for,
                                            (uint32_t) fresh_for };
    const uint64_t good_until = fresh_for ? now + fresh_for : 0;
    const struct cache_state state = {
        .updated = now,
        .is_complete = f->is_complete,
        .good_until = { good_until, good_until, good_until, good_until },
        .offline_until = offline_for ? now + offline_for : 0,
    };
    CLEANUP(cache_writer_closep) struct cache_writer *writer = NULL;

    assert_int_equal(cache_writer_open(f->cache_dir, FIXTURE_DOMAIN, &writer), 0);
    cache_writer_set_lives(writer, lives);
    assert_int_equal(cache_writer_begin(writer), 0);
    put_user(writer, "alice", 10001, "Alice Example", "/home/alice", "/bin/bash");
    put_user(writer, "bob", 10002, f->gecos_of_bob ? f->gecos_of_bob : "", "/home/bob", "/bin/sh");
    if (with_carol) {
        put_user(writer, "carol", 10003, "", "/%d/%u%%/%x%", "/bin/sh");
        put_user(writer, "carol-too", 10003, "", "/home/carol", "/bin/sh");
    }
    assert_int_equal(cache_put_group(writer, "devs", &devs), 0);
    assert_int_equal(cache_put_group(writer, "ops", &ops), 0);
    assert_int_equal(cache_put_gids(writer, "alice", alice, 3), 0);
    assert_int_equal(cache_put_gids(writer, "bob", bob, 1), 0);
    assert_int_equal(cache_put_netgroup(writer, "ng1", &ng1), 0);
    assert_int_equal(cache_put_netgroup(writer, "ng2", &ng2), 0);
    assert_int_equal(cache_put_netgroup(writer, "ngempty", &ngempty), 0);
    assert_int_equal(cache_put_service(writer, "http2", &http2), 0);
    assert_int_equal(cache_put_service(writer, "dnsx", &dnsx), 0);
    assert_int_equal(cache_writer_commit(writer, &state), 0);
}

/* ---- the backend ---- */

static void take(struct fixture *f, sd_bus_message *message)
{
    uint64_t cookie;

    assert_true(sd_bus_message_get_cookie(message, &cookie) >= 0);
    assert_true(
        sd_bus_emit_signal(f->connection, BUS_PATH, BUS_DATAPROVIDER, "Taken", "tt", cookie, f->patience_usec) >= 0);
}

static int on_refresh(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct fixture *f = userdata;
    const char *kind;

    (void) error;
    f->n_asked++;
    assert_true(sd_bus_message_read(message, "s", &kind) >= 0);
    (void) snprintf(f->asked_kind, sizeof(f->asked_kind), "%s", kind);
    if (!f->is_stopped)
        take(f, message);
    if (f->is_silent || f->is_stopped) {
        assert_true(f->n_kept < FIXTURE_CALLS_MAX);
        f->kept[f->n_kept++] = sd_bus_message_ref(message);
        return 1;
    }
    if (f->on_ask)
        f->on_ask(f);
    return sd_bus_reply_method_return(message, "b", f->online);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Refresh", "ssu", "b", on_refresh, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL("Taken", "tt", 0),
    SD_BUS_VTABLE_END,
};

static int on_connection(sd_bus *bus, const struct bus_peer *peer, void *userdata)
{
    struct fixture *f = userdata;

    assert_int_equal(peer->uid, geteuid());
    sd_bus_unref(f->connection);
    f->connection = sd_bus_ref(bus);
    return sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_DATAPROVIDER, vtable, f);
}

void fixture_backend_start(struct fixture *f)
{
    char path[128];

    (void) snprintf(path, sizeof(path), "%s%s" BACKEND_BUS_SUFFIX, f->bus_prefix, FIXTURE_DOMAIN);
    assert_int_equal(bus_listen(f->event, path, BUS_OURS_ALONE, on_connection, f, &f->bus), 0);
}

void fixture_backend_stop(struct fixture *f)
{
    for (; f->n_kept > 0; f->n_kept--)
        sd_bus_message_unref(f->kept[f->n_kept - 1]);
    f->connection = sd_bus_close_unref(f->connection);
    f->bus = bus_server_free(f->bus);
}

void fixture_backend_take(struct fixture *f)
{
    size_t i;

    for (i = 0; i < f->n_kept; i++)
        take(f, f->kept[i]);
}

void fixture_backend_answer(struct fixture *f)
{
    for (; f->n_kept > 0; f->n_kept--) {
        assert_true(sd_bus_reply_method_return(f->kept[f->n_kept - 1], "b", f->online) >= 0);
        sd_bus_message_unref(f->kept[f->n_kept - 1]);
    }
}

/* ---- the responder ---- */

static void read_config(struct fixture *f, const char *const *settings)
{
    struct config_entry entries[SETTINGS_MAX] = {
        { "sssd", "domains", FIXTURE_DOMAIN },
        { "domain/" FIXTURE_DOMAIN, "id_provider", "ldif" },
        { "nss", "memcache_size_passwd", "1" },
        { "nss", "memcache_size_group", "1" },
        { "nss", "memcache_size_initgroups", "1" },
    };
    char *copies[SETTINGS_MAX];
    size_t n = 5, n_copies = 0;

    for (; settings && *settings; settings++) {
        char *copy = strdup(*settings), *key = strchr(copy, '|'), *value = strchr(key + 1, '|');
        size_t at = 0;

        *key = *value = '\0';
        copies[n_copies++] = copy;
        while (at < n && (strcmp(entries[at].section, copy) != 0 || strcmp(entries[at].key, key + 1) != 0))
            at++;
        assert_true(at < SETTINGS_MAX);
        entries[at] = (struct config_entry){ copy, key + 1, value + 1 };
        n += at == n;
    }
    assert_int_equal(config_from_entries(entries, n, &f->config), 0);
    while (n_copies > 0)
        free(copies[--n_copies]);
}

static void disconnect(struct fixture *f)
{
    struct client *client;

    while ((client = f->responder.clients))
        client_free(client);
    if (f->client >= 0)
        (void) close(f->client);
    f->client = -1;
}

void fixture_connect(struct fixture *f)
{
    int fds[2];

    disconnect(f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    f->client = fds[0];
    assert_int_equal(client_new(&f->responder, fds[1], geteuid(), NULL), 0);
}

void fixture_restart_nss(struct fixture *f)
{
    struct memcache *memcache;

    disconnect(f);
    f->nss = nss_free(f->nss);
    assert_int_equal(memcache_open(f->paths.memcache_dir, f->paths.memcache_lock, f->config,
                                   geteuid(), getegid(), &memcache),
                     0);
    assert_int_equal(nss_new(f->event, f->config, &f->paths, memcache, &f->nss), 0);
    f->responder.state = f->nss;
    fixture_connect(f);
}

void fixture_start(struct fixture *f, const char *const *settings)
{
    static struct responder_spec own;
    FILE *shells;

    *f = (struct fixture){ .client = -1, .online = 1, .patience_usec = 60 * 1000000ULL };
    strcpy(f->dir, "/tmp/test-nss-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void) snprintf(f->cache_dir, sizeof(f->cache_dir), "%s/db", f->dir);
    (void) snprintf(f->memcache_dir, sizeof(f->memcache_dir), "%s/mc", f->dir);
    (void) snprintf(f->memcache_lock, sizeof(f->memcache_lock), "%s/mc.lock", f->dir);
    (void) snprintf(f->bus_prefix, sizeof(f->bus_prefix), "%s/dp_", f->dir);
    (void) snprintf(f->shells_file, sizeof(f->shells_file), "%s/shells", f->dir);
    assert_int_equal(mkdir(f->cache_dir, 0700), 0);
    assert_int_equal(mkdir(f->memcache_dir, 0700), 0);
    shells = fopen(f->shells_file, "we");
    assert_non_null(shells);
    assert_true(fputs("# installed\n/bin/sh\n", shells) >= 0);
    assert_int_equal(fclose(shells), 0);
    f->paths = (struct nss_paths) { f->cache_dir, f->memcache_dir, f->memcache_lock, f->bus_prefix,
                                    f->shells_file };

    own = spec;
    own.commands = nss_commands;
    own.n_commands = n_nss_commands;
    read_config(f, settings);
    assert_int_equal(sd_event_new(&f->event), 0);
    f->responder = (struct responder){
        .spec = &own,
        .config = f->config,
        .event = f->event,
        .client_idle_usec = 60 * 1000000ULL,
    };
    assert_int_equal(clients_init(&f->responder, 16), 0);
    fixture_write(f, false, 600, 0);
    fixture_backend_start(f);
    fixture_restart_nss(f);
}

void fixture_stop(struct fixture *f)
{
    char command[128];

    disconnect(f);
    f->nss = nss_free(f->nss);
    fixture_backend_stop(f);
    clients_done(&f->responder);
    f->event = sd_event_unref(f->event);
    config_freep(&f->config);
    (void) snprintf(command, sizeof(command), "rm -r %s", f->dir);
    assert_int_equal(system(command), 0);
}

/* ---- asking ---- */

void fixture_run(struct fixture *f, uint64_t usec)
{
    uint64_t end = now_usec() + usec, now;

    while ((now = now_usec()) < end)
        assert_true(sd_event_run(f->event, end - now) >= 0);
}

void fixture_send(struct fixture *f, uint32_t command, const void *body, size_t bytes)
{
    const uint32_t header[4] = { (uint32_t) (PACKET_HEADER_BYTES + bytes), command, 0, 0 };

    assert_int_equal(send(f->client, header, sizeof(header), MSG_NOSIGNAL), sizeof(header));
    if (bytes > 0)
        assert_int_equal(send(f->client, body, bytes, MSG_NOSIGNAL), bytes);
}

const uint8_t *fixture_receive(struct fixture *f, uint64_t usec, uint32_t *ret_status, size_t *ret_bytes)
{
    static uint8_t reply[65536];
    size_t used = 0, wanted = PACKET_HEADER_BYTES;
    uint64_t end = now_usec() + usec, now;
    struct packet_header header;

    while (used < wanted) {
        ssize_t n = recv(f->client, reply + used, wanted - used, MSG_DONTWAIT);

        if (n == 0)
            return NULL;
        if (n < 0 && errno != EAGAIN)
            return NULL;
        if (n < 0) {
            now = now_usec();
            if (now >= end)
                return NULL;
            assert_true(sd_event_run(f->event, end - now) >= 0);
            continue;
        }
        used += (size_t) n;
        if (used == PACKET_HEADER_BYTES) {
            assert_int_equal(packet_header_read(reply, &header), 0);
            wanted = header.bytes;
            assert_true(wanted <= sizeof(reply));
        }
    }
    *ret_status = header.status;
    *ret_bytes = wanted - PACKET_HEADER_BYTES;
    return reply + PACKET_HEADER_BYTES;
}

uint32_t fixture_ask(struct fixture *f, uint32_t command, const void *body, size_t bytes, const uint8_t **ret, size_t *ret_bytes)
{
    uint32_t status = 0;

    fixture_send(f, command, body, bytes);
    *ret = fixture_receive(f, 20 * 1000000ULL, &status, ret_bytes);
    assert_non_null(*ret);
    return status;
}

bool fixture_finds(struct fixture *f, uint32_t command, const char *name)
{
    const uint8_t *reply;
    uint32_t count;
    size_t bytes;

    assert_int_equal(fixture_ask(f, command, name, strlen(name) + 1, &reply, &bytes), 0);
    assert_true(bytes >= 8);
    memcpy(&count, reply, sizeof(count));
    return count > 0;
}
