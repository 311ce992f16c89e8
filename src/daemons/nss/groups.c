/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups: getgrnam, getgrgid and their entries; initgroups. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "nss/body.h"
#include "nss/domains.h"
#include "nss/groups.h"
#include "nss/lookup.h"
#include "nss/memcache.h"
#include "nss/nss.h"
#include "responder/responder.h"
#include "wire/packet.h"

#define BODY_N_MEMBERS (PACKET_HEADER_BYTES + 12) /* behind count, reserved and gid */
#define BODY_STRINGS (BODY_N_MEMBERS + 4)

void groups_put(struct packet_writer *out, const struct domain *domain, const struct cache_group *group)
{
    const char *member = group->members;
    char room[DOMAIN_NAME_ROOM];
    uint32_t n = 0, i;
    size_t n_at;

    packet_put_u32(out, group->gid);
    n_at = packet_reserve_u32(out);
    packet_put_text(out, domain_output_name(domain, group->name, room));
    packet_put_text(out, domain->password);
    for (i = 0; i < group->n_members && !domain->hides_members; i++, member += strlen(member) + 1) {
        if (!domain_shows_member(domain, member))
            continue;
        packet_put_text(out, domain_output_name(domain, member, room));
        n++;
    }
    packet_set_u32(out, n_at, n);
}

static int answer_group(struct request *request, const struct lookup_query *query, struct domain *domain, const char *key)
{
    struct packet_writer *out = request_out(request);
    struct nss *nss = request_state(request);
    struct cache_group group;
    const char *strings;
    uint32_t n_members;
    int r;

    r = query->name ? cache_group_by_name(domain->cache, key, &group) : cache_group_by_id(domain->cache, query->id, &group);
    if (r <= 0)
        return r;
    if (!domain_shows_group(domain, &group))
        return 0;

    body_put_count(out, 1);
    groups_put(out, domain, &group);
    if (out->failed < 0)
        return out->failed;

    strings = (const char *) out->bytes + BODY_STRINGS;
    memcpy(&n_members, out->bytes + BODY_N_MEMBERS, sizeof(n_members));
    if (query->flags & BODY_INVALIDATE)
        memcache_forget_group(nss->memcache, strings);
    else if (!group.is_twin) /* there it would be found by its gid too */
        memcache_store_group(nss->memcache, group.gid, n_members, strings, out->used - BODY_STRINGS);
    return 1;
}

/* A filtered group gives no rights. Filters are few, so each costs one look-up, however many groups a user has. */
static int drop_filtered(const struct domain *domain, uint32_t *gids, size_t *n)
{
    struct cache_group group;
    char **key;
    int r;

    for (key = domain->filtered_groups; *key; key++) {
        size_t n_kept = 0, i;

        r = cache_group_by_name(domain->cache, *key, &group);
        if (r < 0)
            return r;
        if (r == 0 || domain_shows_group(domain, &group))
            continue;
        for (i = 0; i < *n; i++)
            if (gids[i] != group.gid)
                gids[n_kept++] = gids[i];
        *n = n_kept;
    }
    return 0;
}

/* The gids of all groups of a user that the domain shows. Its primary one is the client's to add. */
static int read_gids(const struct domain *domain, const char *key, uint32_t **ret, size_t *ret_n)
{
    CLEANUP(freep) uint32_t *gids = NULL;
    const uint8_t *stored;
    size_t n_stored, n = 0, i;
    uint32_t gid;
    int r;

    r = cache_gids_of_user(domain->cache, key, (const void **) &stored, &n_stored);
    if (r < 0)
        return r;
    if (r == 0)
        n_stored = 0;
    gids = malloc((n_stored + 1) * sizeof(*gids)); /* of no bytes it could be NULL */
    if (!gids)
        return -ENOMEM;
    for (i = 0; i < n_stored; i++) {
        memcpy(&gid, stored + i * sizeof(gid), sizeof(gid));
        if (domain_has_id(domain, gid))
            gids[n++] = gid;
    }
    r = drop_filtered(domain, gids, &n);
    if (r < 0)
        return r;
    *ret = TAKE(gids);
    *ret_n = n;
    return 0;
}

static int answer_gids(struct request *request, const struct lookup_query *query, struct domain *domain, const char *key)
{
    CLEANUP(freep) uint32_t *gids = NULL;
    struct packet_writer *out = request_out(request);
    struct nss *nss = request_state(request);
    char room[DOMAIN_NAME_ROOM];
    struct cache_user user;
    const char *full_name;
    size_t n;
    int r;

    r = cache_user_by_name(domain->cache, key, &user);
    if (r <= 0)
        return r;
    if (!domain_shows_user(domain, &user))
        return 0;
    r = read_gids(domain, key, &gids, &n);
    if (r < 0)
        return r;

    body_put_count(out, (uint32_t) n);
    packet_put_bytes(out, gids, n * sizeof(*gids));

    full_name = domain_full_name(domain, user.name, room);
    if (query->flags & BODY_INVALIDATE) {
        memcache_forget_gids(nss->memcache, full_name);
        memcache_forget_user(nss->memcache, domain_output_name(domain, user.name, room));
    } else {
        memcache_store_gids(nss->memcache, query->name, full_name, gids, n);
    }
    return 1;
}

static int by_name(struct request *request, bool has_flags)
{
    struct lookup_query query = { .kind = LOOKUP_GROUP, .answer = answer_group };
    int r;

    r = body_get_name(request, &query.name, has_flags ? &query.flags : NULL);
    return r < 0 ? r : lookup_start(request, &query);
}

static int by_id(struct request *request, bool has_flags)
{
    struct lookup_query query = { .kind = LOOKUP_GROUP, .answer = answer_group };
    int r;

    r = body_get_id(request, &query.id, has_flags ? &query.flags : NULL);
    return r < 0 ? r : lookup_start(request, &query);
}

static int of_user(struct request *request, bool has_flags)
{
    struct lookup_query query = { .kind = LOOKUP_INITGROUPS, .answer = answer_gids };
    int r;

    r = body_get_name(request, &query.name, has_flags ? &query.flags : NULL);
    return r < 0 ? r : lookup_start(request, &query);
}

int on_group_by_name(struct request *request)
{
    return by_name(request, false);
}

int on_group_by_name_ex(struct request *request)
{
    return by_name(request, true);
}

int on_group_by_id(struct request *request)
{
    return by_id(request, false);
}

int on_group_by_id_ex(struct request *request)
{
    return by_id(request, true);
}

int on_groups_of_user(struct request *request)
{
    return of_user(request, false);
}

int on_groups_of_user_ex(struct request *request)
{
    return of_user(request, true);
}
