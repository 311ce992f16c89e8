/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Users: getpwnam, getpwuid and their entries. */

#include "nss/body.h"
#include "nss/domains.h"
#include "nss/lookup.h"
#include "nss/memcache.h"
#include "nss/nss.h"
#include "nss/overrides.h"
#include "nss/users.h"
#include "responder/responder.h"
#include "wire/packet.h"

#define BODY_STRINGS (PACKET_HEADER_BYTES + 16) /* behind count, reserved, uid and gid */

/* The primary group, as clients are shown it. */
static uint32_t users_gid(const struct domain *domain, const struct cache_user *user)
{
    return domain->override_gid != 0 ? domain->override_gid : user->gid;
}

void users_put(struct packet_writer *out, const struct nss *nss, const struct domain *domain, const struct cache_user *user)
{
    char room[DOMAIN_NAME_ROOM];

    packet_put_u32(out, user->uid);
    packet_put_u32(out, users_gid(domain, user));
    packet_put_text(out, domain_output_name(domain, user->name, room));
    packet_put_text(out, domain->password);
    packet_put_text(out, user->gecos);
    overrides_put_home(out, domain, user);
    packet_put_text(out, shells_choose(nss->shells, domain, user->shell));
}

static int answer(struct request *request, const struct lookup_query *query, struct domain *domain, const char *key)
{
    struct packet_writer *out = request_out(request);
    struct nss *nss = request_state(request);
    struct cache_user user;
    const char *strings;
    int r;

    r = query->name ? cache_user_by_name(domain->cache, key, &user) : cache_user_by_id(domain->cache, query->id, &user);
    if (r <= 0)
        return r;
    if (!domain_shows_user(domain, &user))
        return 0;

    body_put_count(out, 1);
    users_put(out, nss, domain, &user);
    if (out->failed < 0)
        return out->failed;

    strings = (const char *) out->bytes + BODY_STRINGS;
    if (query->flags & BODY_INVALIDATE)
        memcache_forget_user(nss->memcache, strings);
    else if (!user.is_twin) /* there it would be found by its uid too */
        memcache_store_user(nss->memcache, user.uid, users_gid(domain, &user), strings, out->used - BODY_STRINGS);
    return 1;
}

static int by_name(struct request *request, bool has_flags)
{
    struct lookup_query query = { .kind = LOOKUP_USER, .answer = answer };
    int r;

    r = body_get_name(request, &query.name, has_flags ? &query.flags : NULL);
    return r < 0 ? r : lookup_start(request, &query);
}

static int by_id(struct request *request, bool has_flags)
{
    struct lookup_query query = { .kind = LOOKUP_USER, .answer = answer };
    int r;

    r = body_get_id(request, &query.id, has_flags ? &query.flags : NULL);
    return r < 0 ? r : lookup_start(request, &query);
}

int on_user_by_name(struct request *request)
{
    return by_name(request, false);
}

int on_user_by_name_ex(struct request *request)
{
    return by_name(request, true);
}

int on_user_by_id(struct request *request)
{
    return by_id(request, false);
}

int on_user_by_id_ex(struct request *request)
{
    return by_id(request, true);
}
