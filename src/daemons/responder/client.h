/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Client: one connection. Reads requests whole, one at a time, and sends replies whole. */

#ifndef RESPONDER_CLIENT_H
#define RESPONDER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct client;
struct listen_spec;
struct responder;

/* Room for so many, root's included. */
int clients_init(struct responder *responder, size_t n_max);
/* Frees all. */
void clients_done(struct responder *responder);

/* Makes room for another one of that user, by closing one of whoever has most, if need be: first
 * those whose clients don't notice, then those that have not read the answer to their greeting.
 * -EUSERS: all that it has are busy. */
int client_make_room(struct responder *responder, uid_t uid);
/* Takes the descriptor, also when it fails. */
int client_new(struct responder *responder, int fd, uid_t uid, const struct listen_spec *listen);
/* A request in work is cancelled. */
struct client *client_free(struct client *client);
/* Answers a request in work with status 32, on which the client connects anew and asks once more;
 * and frees it. */
struct client *client_give_up(struct client *client);

struct client *responder_first_client(const struct responder *responder);
struct client *client_next(const struct client *client);
int client_fd(const struct client *client);
uid_t client_uid(const struct client *client);

/* How many connections that user has. */
size_t client_count_of(const struct responder *responder, uid_t uid);

/* Where it stands: whether its connection may be closed is nobody's guess. */
/* Has had a reply to a request, not only to its handshake. */
bool client_is_served(const struct client *client);
/* No request begun, in work, or being answered. */
bool client_is_idle(const struct client *client);
bool client_is_enumerating(const struct client *client);

/* Goes on without waiting: reads up to the end of one request and serves it, or sends more of its
 * reply. Returns 1 when it has served one, 0 when it waits for something, or a negative errno: the
 * connection is of no use any more and the caller has to free it. It moves the client to the end of
 * the list. */
int client_advance(struct client *client);

/* Closes those without activity for the limit and sets the timer for the next. */
int client_close_idle(struct responder *responder);

#endif
