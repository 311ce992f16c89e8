/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Body: what the bodies of many requests and replies have in common. */

#ifndef NSS_BODY_H
#define NSS_BODY_H

#include <stdbool.h>
#include <stdint.h>

struct packet_writer;
struct request;

enum body_flags {
    BODY_ASK = 1,        /* ask the backend even if the cache is fresh */
    BODY_INVALIDATE = 2, /* answer from the cache, and declare that outdated */
};

/* Reads a name, and behind it the flags where the command has some (ret_flags; NULL: it has none). 0 or -EINVAL. */
int body_get_name(struct request *request, const char **ret_name, uint32_t *ret_flags);
/* The same for an id. */
int body_get_id(struct request *request, uint32_t *ret_id, uint32_t *ret_flags);

/* How many results follow. */
void body_put_count(struct packet_writer *out, uint32_t n);
/* "not found" instead of whatever has been written behind the header. */
void body_put_nothing(struct packet_writer *out);

/* Answers "not found". Returns 0. */
int body_reply_nothing(struct request *request);
/* Answers with a body of no bytes. Returns 0. */
int body_reply_empty(struct request *request);

#endif
