/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any request of a client, whole or not. An input is the command (four bytes) and the body.
 *
 * Whatever comes has to be answered, or to cost the connection. */

#include <stdlib.h>
#include <string.h>

#include "common/replay.h"
#include "nss/test-fixture.h"

static struct fixture fixture;

static void stop(void)
{
    fixture_stop(&fixture);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const settings[] = {
        "domain/" FIXTURE_DOMAIN "|enumerate|true",
        "domain/" FIXTURE_DOMAIN "|offline_timeout|86400",
        "domain/" FIXTURE_DOMAIN "|entry_cache_timeout|86400",
        NULL,
    };

    (void) argc;
    (void) argv;
    fixture_start(&fixture, settings);
    fixture_write(&fixture, false, 80000, 80000); /* nobody is asked: a question would take most of the time */
    return atexit(stop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    uint32_t command, status;
    size_t reply_bytes;

    if (bytes < sizeof(command) || bytes > 20000)
        return -1;
    memcpy(&command, data, sizeof(command));
    fixture_send(&fixture, command, data + sizeof(command), bytes - sizeof(command));
    if (fixture_receive(&fixture, 1000000, &status, &reply_bytes))
        return 0;
    if (fixture.responder.clients)
        abort(); /* neither a reply nor the end */
    fixture_connect(&fixture);
    return 0;
}
