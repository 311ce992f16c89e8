/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SIDs, origins, certificates and subordinate ids: no source of ours has any. Clients are told whether the entry exists. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "nss/body.h"
#include "nss/domains.h"
#include "nss/lookup.h"
#include "nss/sids.h"
#include "responder/responder.h"
#include "wire/packet.h"

enum sid_type {
    SID_USER = 1,
    SID_GROUP = 2,
};

/* An entry without attributes of its origin. */
static int put_origin(struct request *request, enum sid_type type)
{
    body_put_count(request_out(request), 1);
    packet_put_u32(request_out(request), type);
    return 1;
}

static int answer_user(struct request *request, const struct lookup_query *query, struct domain *domain, const char *key)
{
    struct cache_user user;
    int r;

    r = query->name ? cache_user_by_name(domain->cache, key, &user) : cache_user_by_id(domain->cache, query->id, &user);
    if (r <= 0)
        return r;
    return domain_shows_user(domain, &user) ? put_origin(request, SID_USER) : 0;
}

static int answer_group(struct request *request, const struct lookup_query *query, struct domain *domain, const char *key)
{
    struct cache_group group;
    int r;

    r = query->name ? cache_group_by_name(domain->cache, key, &group) : cache_group_by_id(domain->cache, query->id, &group);
    if (r <= 0)
        return r;
    return domain_shows_group(domain, &group) ? put_origin(request, SID_GROUP) : 0;
}

static int then_group(struct request *request, const struct lookup_query *query)
{
    struct lookup_query group = *query;

    group.kind = LOOKUP_GROUP;
    group.answer = answer_group;
    group.otherwise = NULL;
    return lookup_start(request, &group);
}

enum which {
    ANY,
    USER,
    GROUP,
};

/* found_r: -EINVAL is how the reference tells of an entry that has no SID. */
static int look_up(struct request *request, enum which which, bool by_name, int found_r)
{
    struct lookup_query query = {
        .kind = which == GROUP ? LOOKUP_GROUP : LOOKUP_USER,
        .answer = which == GROUP ? answer_group : answer_user,
        .otherwise = which == ANY ? then_group : NULL,
        .found_r = found_r,
    };
    int r;

    r = by_name ? body_get_name(request, &query.name, NULL) : body_get_id(request, &query.id, NULL);
    return r < 0 ? r : lookup_start(request, &query);
}

int on_sid_by_name(struct request *request)
{
    return look_up(request, ANY, true, -EINVAL);
}

int on_sid_by_user_name(struct request *request)
{
    return look_up(request, USER, true, -EINVAL);
}

int on_sid_by_group_name(struct request *request)
{
    return look_up(request, GROUP, true, -EINVAL);
}

int on_sid_by_id(struct request *request)
{
    return look_up(request, ANY, false, -EINVAL);
}

int on_sid_by_uid(struct request *request)
{
    return look_up(request, USER, false, -EINVAL);
}

int on_sid_by_gid(struct request *request)
{
    return look_up(request, GROUP, false, -EINVAL);
}

int on_origin_by_name(struct request *request)
{
    return look_up(request, ANY, true, 0);
}

int on_origin_by_user_name(struct request *request)
{
    return look_up(request, USER, true, 0);
}

int on_origin_by_group_name(struct request *request)
{
    return look_up(request, GROUP, true, 0);
}

/* S-1- and numbers with dashes between them. */
static bool is_sid(const char *text)
{
    bool after_digit = false;

    if (strncmp(text, "S-1-", 4) != 0)
        return false;
    for (text += 4; *text != '\0'; text++) {
        if (*text >= '0' && *text <= '9')
            after_digit = true;
        else if (*text == '-' && after_digit)
            after_digit = false;
        else
            return false;
    }
    return after_digit;
}

/* Those that mean the same on every machine, and are no entry of a directory. */
static const struct well_known {
    const char *sid, *name;
} well_known_groups[] = {
    { "S-1-5-32-544", "Administrators@BUILTIN" },    { "S-1-5-32-545", "Users@BUILTIN" },
    { "S-1-5-32-546", "Guests@BUILTIN" },            { "S-1-5-32-547", "Power Users@BUILTIN" },
    { "S-1-5-32-548", "Account Operators@BUILTIN" }, { "S-1-5-32-549", "Server Operators@BUILTIN" },
    { "S-1-5-32-550", "Print Operators@BUILTIN" },   { "S-1-5-32-551", "Backup Operators@BUILTIN" },
    { "S-1-5-32-552", "Replicator@BUILTIN" },
};

static const char *well_known_name(const char *sid)
{
    size_t i;

    for (i = 0; i < sizeof(well_known_groups) / sizeof(well_known_groups[0]); i++)
        if (strcmp(well_known_groups[i].sid, sid) == 0)
            return well_known_groups[i].name;
    return NULL;
}

static int get_sid(struct request *request, const char **ret)
{
    int r;

    r = body_get_name(request, ret, NULL);
    if (r < 0)
        return r;
    return is_sid(*ret) ? 0 : -EINVAL;
}

int on_name_by_sid(struct request *request)
{
    const char *sid, *name;
    int r;

    r = get_sid(request, &sid);
    if (r < 0)
        return r;
    name = well_known_name(sid);
    if (!name)
        return body_reply_nothing(request);
    body_put_count(request_out(request), 1);
    packet_put_u32(request_out(request), SID_GROUP);
    packet_put_text(request_out(request), name);
    request_reply(request, 0);
    return 0;
}

/* They have names, but no ids. */
int on_id_by_sid(struct request *request)
{
    const char *sid;
    int r;

    r = get_sid(request, &sid);
    if (r < 0)
        return r;
    return well_known_name(sid) ? -EINVAL : body_reply_nothing(request);
}

/* The base64 of something that begins as DER's sequences do. */
static bool is_certificate(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strspn(text, digits), padding = strspn(text + n, "=");

    return n > 0 && padding <= 2 && text[n + padding] == '\0' && (n + padding) % 4 == 0 && text[0] == 'M' && strchr("ABCDEFGHIJKLMNOP", text[1]);
}

int on_name_by_certificate(struct request *request)
{
    const char *certificate;
    int r;

    r = body_get_name(request, &certificate, NULL);
    if (r < 0)
        return r;
    return is_certificate(certificate) ? body_reply_nothing(request) : -EINVAL;
}

int on_subid_ranges(struct request *request)
{
    const char *name;
    int r;

    r = body_get_name(request, &name, NULL);
    return r < 0 ? r : body_reply_nothing(request);
}
