/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared: replies that are the same for all who ask, in memory once. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "responder/connection.h"

static struct shared_reply *shared_reply_ref(struct shared_reply *reply)
{
    reply->n_refs++;
    return reply;
}

struct shared_reply *shared_reply_unref(struct shared_reply *reply)
{
    if (!reply || --reply->n_refs > 0)
        return NULL;
    packet_writer_done(&reply->out);
    free(reply);
    return NULL;
}

bool shared_reply_is_read(const struct shared_reply *reply)
{
    return reply->n_refs > 1;
}

int request_share(struct request *request, struct shared_reply **ret)
{
    CLEANUP(freep) struct shared_reply *reply = calloc(1, sizeof(*reply));
    int r;

    assert(!request->shared);
    r = packet_finish(&request->out, 0);
    if (r < 0)
        return r;
    if (!reply)
        return -ENOMEM;
    reply->out = request->out;
    reply->n_refs = 1;
    request->out = (struct packet_writer) { 0 };
    /* A failure is kept for whoever writes there. */
    packet_writer_start(&request->out, request->command->number);
    request->shared = shared_reply_ref(reply);
    *ret = TAKE(reply);
    return 0;
}

void request_use_shared(struct request *request, struct shared_reply *reply)
{
    shared_reply_unref(request->shared);
    request->shared = shared_reply_ref(reply);
}

/* Whoever only asks has it no longer before its handler has written another. */
void request_drop_readers(struct request *request, struct shared_reply *reply)
{
    struct client *client, *next;

    for (client = request_client(request)->responder->clients; client; client = next) {
        next = client->next;
        if (client->request.shared == reply && client->state == CLIENT_REPLYING &&
            !client->is_dispatching)
            client_drop(client, -EDQUOT);
    }
}
