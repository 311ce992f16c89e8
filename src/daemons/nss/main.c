/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sssd_nss: answers the C library's questions for users, groups, netgroups and services. */

#include <stdint.h>

#include "common/cleanup.h"
#include "nss/commands.h"
#include "nss/memcache.h"
#include "nss/nss.h"
#include "responder/responder.h"
#include "util/paths.h"

static const uint32_t versions[] = { 1, 0 };

static const struct nss_paths paths = {
    .cache_dir = CACHE_DIR,
    .memcache_dir = MEMCACHE_DIR,
    .memcache_lock = MEMCACHE_LOCK,
    .bus_prefix = BACKEND_BUS_PREFIX,
    .shells_file = "/etc/shells",
};

static struct memcache *memcache; /* between root's part and the rest */

static int prepare(struct responder *responder)
{
    return memcache_open(paths.memcache_dir, paths.memcache_lock, responder_config(responder),
                         responder_uid(responder), responder_gid(responder), &memcache);
}
static const struct listen_spec listens[] = { { .name = "nss", .path = PIPES_DIR "/nss", .mode = 0666 } };

static int init(struct responder *responder, void **ret_state)
{
    struct nss *nss;
    int r;

    r = nss_new(responder_event(responder), responder_config(responder), &paths, TAKE(memcache),
                &nss);
    if (r >= 0)
        *ret_state = nss;
    return r;
}

static void done(void *state)
{
    nss_free(state);
}

static void clear_memcache(void *state)
{
    struct nss *nss = state;

    memcache_clear_if_flagged(nss->memcache);
}

int main(int argc, char **argv)
{
    const struct responder_spec spec = {
        .name = "nss",
        .listens = listens,
        .n_listens = 1,
        .versions = versions,
        .commands = nss_commands,
        .n_commands = n_nss_commands,
        .prepare = prepare,
        .init = init,
        .done = done,
        .clear_memcache = clear_memcache,
    };

    return responder_run(argc, argv, &spec);
}
