/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Client: one connection. Reads requests whole, one at a time, and sends replies whole. */

#ifndef RESPONDER_CLIENT_H
#define RESPONDER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct responder;

/* Takes the descriptor, also when it fails. */
int client_new(struct responder *responder, int fd);
struct client *client_free(struct client *client);

struct client *responder_first_client(const struct responder *responder);
struct client *client_next(const struct client *client);
int client_fd(const struct client *client);

/* Where it stands: whether its connection may be closed is nobody's guess. */
bool client_is_served(const struct client *client);      /* has had a reply to a request, not only to its handshake */
bool client_is_idle(const struct client *client);        /* no request begun, in work, or being answered */
bool client_is_enumerating(const struct client *client);
/* Reads and serves what has arrived, without waiting. */
void client_advance(struct client *client);

#endif
