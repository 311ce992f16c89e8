/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sssd_nss: answers the C library's questions for users, groups, netgroups and services. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "nss/commands.h"
#include "nss/domains.h"
#include "nss/memcache.h"
#include "nss/negative.h"
#include "nss/nss.h"
#include "nss/overrides.h"
#include "responder/responder.h"
#include "util/log.h"
#include "util/paths.h"

static const uint32_t versions[] = { 1, 0 };

static void nss_free(void *state)
{
    struct nss *nss = state;

    domains_free(nss->domains);
    negative_free(nss->negative);
    memcache_free(nss->memcache);
    shells_free(nss->shells);
    free(nss);
}

/* What the memory cache holds depends on what the domains hold now. A cache that cannot be read is told of when it is
 * asked. */
static void read_states(struct domains *domains)
{
    size_t i;

    for (i = 0; i < domains->n; i++)
        if (domain_begin(domains, &domains->all[i]) > 0)
            domain_end(&domains->all[i]);
}

static int nss_init(struct responder *responder, void **ret_state)
{
    const struct config *config = responder_config(responder);
    struct nss *nss;
    int r;

    nss = calloc(1, sizeof(*nss));
    if (!nss)
        return -ENOMEM;
    nss->event = responder_event(responder);

    r = domains_new(nss->event, config, CACHE_DIR, BACKEND_BUS_PREFIX, geteuid(), &nss->domains);
    if (r >= 0)
        r = negative_new(config_usec(config, "nss", "entry_negative_timeout"), &nss->negative);
    if (r >= 0)
        r = shells_new(config, "/etc/shells", &nss->shells);
    if (r >= 0) {
        read_states(nss->domains);
        r = memcache_new(MEMCACHE_DIR, config, domains_mark(nss->domains), &nss->memcache);
    }
    if (r < 0) {
        log_error_errno(r, "cannot start: %m");
        nss_free(nss);
        return r;
    }
    *ret_state = nss;
    return 0;
}

static void nss_clear_memcache(void *state)
{
    struct nss *nss = state;

    memcache_clear_if_flagged(nss->memcache);
}

int main(int argc, char **argv)
{
    const struct responder_spec spec = {
        .name = "nss",
        .socket_path = PIPES_DIR "/nss",
        .socket_mode = 0666,
        .versions = versions,
        .commands = nss_commands,
        .n_commands = n_nss_commands,
        .init = nss_init,
        .done = nss_free,
        .clear_memcache = nss_clear_memcache,
    };

    return responder_run(argc, argv, &spec);
}
