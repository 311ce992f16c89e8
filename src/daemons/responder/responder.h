/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Responder: what all responders share. Their process, their sockets, their clients, and the dispatch of requests.
 *
 * A responder is a table of commands plus its encoders. It gets each request whole, one at a time for each client, and
 * answers now or later. */

#ifndef RESPONDER_RESPONDER_H
#define RESPONDER_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "wire/packet.h"

struct config;
struct responder;
struct client;
struct request;

enum command_flags {
    CMD_ROOT_ONLY = 1,
    CMD_CLOSES_ON_ERROR = 2, /* a malformed one costs the connection instead of a status */
    CMD_LARGE = 4,           /* up to 10240 bytes instead of 1536 */
};

struct command {
    uint32_t number;
    const char *log_name;
    unsigned flags;
    /* Returns 0 when the request has been answered (request_reply) or will be; a negative errno becomes the reply's
     * status. The request's reader stands at the start of its body, its writer behind a fresh header. */
    int (*on_request)(struct request *request);
};

struct listen_spec {
    const char *name; /* by which systemd hands it over */
    const char *path;
    mode_t mode;
    unsigned id;      /* for request_listener() */
};

struct responder_spec {
    const char *name;            /* "nss": its section, its log sssd_nss */
    const struct listen_spec *listens;
    size_t n_listens;
    const uint32_t *versions;    /* of the protocol, the one offered first; ends with 0 */
    const struct command *commands;
    size_t n_commands;
    /* Called once the configuration is read and the sockets are open, while it may be root still: what the service's user
     * could not do later, for responder_uid(). May be NULL. */
    int (*prepare)(struct responder *responder);
    /* Called next, as the service's user. */
    int (*init)(struct responder *responder, void **ret_state);
    void (*done)(void *state);
    void (*clear_memcache)(void *state); /* may be NULL */
};

/* main() of a responder: reads the command line, becomes its user, runs until it leaves. Returns the exit code. */
int responder_run(int argc, char **argv, const struct responder_spec *spec);

/* Prepares the process: sockets, registration at the monitor, event loop. */
int sss_process_init(struct responder *responder);
/* Binds the responder's own sockets. */
int set_unix_socket(struct responder *responder);

sd_event *responder_event(const struct responder *responder);
const struct config *responder_config(const struct responder *responder);
uid_t responder_uid(const struct responder *responder);
gid_t responder_gid(const struct responder *responder);

/* Leaves whoever connects from now on in the queue of the sockets, which stay open. */
void responder_stop_accepting(struct responder *responder);

/* ---- requests ---- */

struct packet_reader *request_in(struct request *request);
struct packet_writer *request_out(struct request *request);
void *request_state(const struct request *request); /* the responder's, of spec->init */
uid_t request_uid(const struct request *request);
/* The id of the socket by which its client came in. */
unsigned request_listener(const struct request *request);
/* For the log: [3f2a] uid=1000 user-by-name */
const char *request_log_name(struct request *request);

/* Sends what the writer has with r 0, else the status -r, and ends the request: it must not be touched afterwards. */
void request_reply(struct request *request, int r);

/* A large reply that is the same for all who ask is in memory once, charged to nobody: whoever keeps one for others ends the
 * readers of those that are outdated. */
struct shared_reply;
/* Makes one of what the writer has, and request_reply() sends it. The reference is the caller's. */
int request_share(struct request *request, struct shared_reply **ret);
/* Makes request_reply() send it, with r 0, unless request_out() is called once more. */
void request_use_shared(struct request *request, struct shared_reply *reply);
struct shared_reply *shared_reply_unref(struct shared_reply *reply);
/* Has anybody it but the caller? */
bool shared_reply_is_read(const struct shared_reply *reply);
/* Drops those that are being sent it. */
void request_drop_readers(struct request *request, struct shared_reply *reply);

/* A request that waits owns what it waits for: on_cancel is called when its client goes away first. At most one at
 * a time; NULL takes it back. */
void request_on_cancel(struct request *request, void (*on_cancel)(void *userdata), void *userdata);

/* Something a client keeps between requests, e.g. positions of its enumerations; freed with the client. */
void **request_client_data(struct request *request, void (*free_data)(void *data));
/* While true, closing the connection would make the client see entries twice. */
void request_set_enumerating(struct request *request, bool enumerating);

#endif
