/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connection: what client.c, request.c and charge.c, which share its work, know of one. */

#ifndef RESPONDER_CONNECTION_H
#define RESPONDER_CONNECTION_H

#include "responder/private.h"

#define REQUEST_BYTES_MAX 1536
#define LARGE_REQUEST_BYTES_MAX 10240

/* In all. A service may have MemoryMax=64M: 8,000 connections are some 35 MB, ourselves 5. */
#define BYTES_MAX (16 * 1024 * 1024)
/* That wait for a back end: each is some 2 KB here, and a place in a back end's queue. */
#define REQUESTS_MAX 1024

enum client_state {
    CLIENT_READING,  /* a request, or nothing yet */
    CLIENT_WAITING,  /* its request is here, and its user has no share left for it */
    CLIENT_IN_WORK,  /* its request is the handler's */
    CLIENT_REPLYING, /* its reply is on its way */
};

struct shared_reply {
    unsigned n_refs;
    struct packet_writer out; /* finished */
};

struct request {
    struct packet_reader in;
    struct packet_writer out;
    struct shared_reply *shared;   /* the reply, instead of what is in `out` */
    const struct command *command; /* NULL until its header is here */
    uint32_t number;
    char log_name[64]; /* made when it is asked for */
    void (*on_cancel)(void *userdata);
    void *cancel_data;
};

struct client {
    struct responder *responder;
    struct client *next, *previous;
    struct client *next_of_user, *previous_of_user;
    struct quota_user *user;
    const struct listen_spec *listen; /* where it came in */
    int fd;
    uint32_t events; /* what it waits for */
    uint64_t last_usec;

    enum client_state state;
    bool is_served;
    bool is_enumerating;
    bool is_dispatching; /* its handler is on the stack */
    bool is_broken;      /* to be closed instead of answered */
    bool is_called;      /* to try again whether there is a share */
    bool is_in_requests; /* charged as one that waits for somebody else */
    bool has_more;       /* something of its next request came with the last one */

    void *data;
    void (*free_data)(void *data);

    struct request request;
    size_t sent;    /* of the reply */
    size_t unread;  /* what its replies take in the kernel, at most */
    size_t charged; /* bytes */
    size_t used;    /* bytes that were read */
    size_t wanted;  /* bytes of the request: its header's, then all */
    uint8_t *large; /* where one is read that does not fit below */
    uint8_t bytes[REQUEST_BYTES_MAX];
};

/* ---- client.c ---- */

/* Costs no system call: this happens with each request. */
void client_touch(struct client *client);
void client_drop(struct client *client, int r);
uint64_t client_loop_usec(const struct responder *responder);

/* ---- connection.c ---- */

/* It can go on: as far as it can without waiting. Then it waits for what it needs next, or is
 * dropped. As client_advance(). */
int client_go_on(struct client *client, uint32_t revents);
/* Sends what is left of the reply. Returns 1 when all is out, 0 when it has to wait, or a negative
 * errno. */
int client_send_reply(struct client *client);
int client_wait_for_next(struct client *client);

/* ---- request.c ---- */

struct client *request_client(const struct request *request);
const struct command *request_find_command(const struct responder_spec *spec, uint32_t number);
/* It is here, whole. */
void request_begin(struct client *client);
/* Hands it to its handler, as soon as its user has a share for it. */
int request_dispatch(struct client *client);
/* Its reply is out: the client may ask the next. */
void request_end(struct client *client);
/* Answers it with status 32, on which clients ask once more, on a new connection. The client has to
 * be freed then. */
void request_give_up(struct client *client);

/* ---- charge.c ---- */

/* May its request be handed to the handler now? */
bool charge_allows_request(struct client *client);
/* Until that is tried again. */
int charge_wait(struct client *client);
void charge_end_wait(struct client *client);
/* Its request waits for somebody else, or does so no longer. */
void charge_request(struct client *client, bool waits);
/* Charges the memory that it takes now, and drops others if that is more than there is. */
void charge_bytes(struct client *client);
/* The same for one whose reply does not fit into its socket. */
void charge_unsent(struct client *client);

#endif
