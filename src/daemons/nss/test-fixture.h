/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fixture: the NSS responder over a directory of its own, asked through a real connection. Its backend is the test's. */

#ifndef NSS_TEST_FIXTURE_H
#define NSS_TEST_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "nss/nss.h"
#include "responder/private.h"

struct bus_server;
struct cache_writer;
struct config;

#define FIXTURE_DOMAIN "example.com"
#define FIXTURE_CALLS_MAX 16

struct fixture {
    char dir[64];
    char cache_dir[80], memcache_dir[80], bus_prefix[80], shells_file[80], memcache_lock[80];
    struct nss_paths paths;
    struct config *config;
    sd_event *event;
    struct responder responder;
    struct nss *nss;
    int client; /* our end of the connection */
    bool is_complete;
    const char *gecos_of_bob, *member_of_ops; /* NULL: none, alice */

    /* the backend */
    struct bus_server *bus;
    sd_bus *connection;
    unsigned n_asked;
    char asked_kind[16];               /* of the last question */
    bool is_silent;                    /* it keeps the calls */
    bool is_stopped;                   /* and does not say that it has taken them */
    uint64_t patience_usec;            /* what it says then */
    int online;                        /* what it answers */
    void (*on_ask)(struct fixture *f); /* what it does before */
    sd_bus_message *kept[FIXTURE_CALLS_MAX];
    size_t n_kept;
};

/* settings are lines "section|key|value" besides those that a domain needs; NULL at the end. The directory is that of the protocol's
 * examples, and fresh. */
void fixture_start(struct fixture *f, const char *const *settings);
void fixture_stop(struct fixture *f);

/* A new connection instead of the last one. */
void fixture_connect(struct fixture *f);
/* The responder alone, with the files as they are: as if it had left and come again. */
void fixture_restart_nss(struct fixture *f);

void fixture_backend_start(struct fixture *f);
void fixture_backend_stop(struct fixture *f);
void fixture_backend_take(struct fixture *f);   /* all it has kept */
void fixture_backend_answer(struct fixture *f);

/* Replaces the directory, whose source says that it is_complete, by the example's, with carol
 * (10003), and carol-too of the same number, if wanted. fresh_for and offline_for: seconds from
 * now. */
void fixture_write(struct fixture *f, bool with_carol, uint64_t fresh_for, uint64_t offline_for);

/* Sends a request without waiting. */
void fixture_send(struct fixture *f, uint32_t command, const void *body, size_t bytes);
/* Runs the loop until the reply is there. Returns its body, static, until the next. Without one in usec, or when the connection is
 * closed: NULL. */
const uint8_t *fixture_receive(struct fixture *f, uint64_t usec, uint32_t *ret_status, size_t *ret_bytes);
/* Both; the reply must come. Returns its status. */
uint32_t fixture_ask(struct fixture *f, uint32_t command, const void *body, size_t bytes, const uint8_t **ret, size_t *ret_bytes);
/* By name: is it found? */
bool fixture_finds(struct fixture *f, uint32_t command, const char *name);
/* Runs the loop for a while. */
void fixture_run(struct fixture *f, uint64_t usec);

#endif
