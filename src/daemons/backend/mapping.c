/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mapping: which entry of LDAP is which user, group, netgroup or service (RFC 2307), and which is none. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "backend/directory.h"
#include "backend/dn.h"
#include "backend/ldif.h"
#include "backend/mapping.h"
#include "cache/cache.h"
#include "cache/utf8.h"
#include "common/text.h"
#include "util/log.h"

#define SKIPS_TOLD_MAX 100 /* the rest is only counted */
#define SKIPPED 1          /* an entry's own fault: it has been told */

struct origin {
    struct directory *directory;
    const struct ldif_entry *entry;
    const char *file;
};

/* ---- telling ---- */

static int skip(const struct origin *origin, const char *attribute, const char *why)
{
    char dn[256];
    size_t n = 0;

    if (origin->directory->n_skipped++ >= SKIPS_TOLD_MAX)
        return SKIPPED;

    for (; n < origin->entry->dn_bytes && n < sizeof(dn) - 1; n++) {
        char c = origin->entry->dn[n];

        dn[n] = (unsigned char) c < ' ' || c == 0x7f ? '?' : c;
    }
    dn[n] = '\0';
    log_warning("%s:%lu: \"%s\": %s: %s; left out", origin->file, origin->entry->line, dn, attribute, why);
    return SKIPPED;
}

/* ---- values ---- */

static const struct ldif_attribute *next_value(const struct ldif_entry *entry, const char *name,
                                               const struct ldif_attribute *last)
{
    for (size_t i = last ? (size_t) (last - entry->attributes) + 1 : 0; i < entry->n_attributes; i++)
        if (strcasecmp(entry->attributes[i].name, name) == 0)
            return &entry->attributes[i];
    return NULL;
}

static bool has_class(const struct ldif_entry *entry, const char *name)
{
    const struct ldif_attribute *value = NULL;

    while ((value = next_value(entry, "objectClass", value)))
        if (strcasecmp(value->value, name) == 0)
            return true;
    return false;
}

/* Valid, and nothing that could begin a line of its own in what programs print. */
static bool is_text(const struct ldif_attribute *value)
{
    for (size_t i = 0; i < value->bytes; i++)
        if ((unsigned char) value->value[i] < ' ' || value->value[i] == 0x7f)
            return false;
    return utf8_is_valid(value->value, value->bytes);
}

static bool is_name(const struct ldif_attribute *value)
{
    return value->bytes > 0 && value->bytes <= CACHE_NAME_BYTES_MAX && is_text(value) && !strchr(value->value, ':');
}

/* "" if there is none. */
static int get_text(const struct origin *origin, const char *name, const char **ret)
{
    const struct ldif_attribute *value = next_value(origin->entry, name, NULL);

    if (value && !is_text(value))
        return skip(origin, name, "not a text of one line in UTF-8");
    *ret = value ? value->value : "";
    return 0;
}

static int get_number(const struct origin *origin, const char *name, uint32_t max, uint32_t *ret)
{
    const struct ldif_attribute *value = next_value(origin->entry, name, NULL);
    uint64_t number;

    if (!value)
        return skip(origin, name, "missing");
    if (strlen(value->value) != value->bytes || text_to_u64(value->value, 10, max, &number) < 0)
        return skip(origin, name, "not a number, or too large");
    *ret = (uint32_t) number;
    return 0;
}

static int get_id(const struct origin *origin, const char *name, uint32_t *ret)
{
    const struct rules *rules = &origin->directory->rules;
    int r;

    r = get_number(origin, name, UINT32_MAX - 1, ret);
    if (r != 0)
        return r;
    if (*ret == 0)
        return skip(origin, name, "0 is never taken from a directory");
    if (*ret < rules->min_id || (rules->max_id > 0 && *ret > rules->max_id))
        return skip(origin, name, "not between min_id and max_id");
    return 0;
}

static int add_text(struct directory *directory, struct range *range, const char *text)
{
    if (range->n == 0)
        range->first = (uint32_t) directory->texts.n;
    range->n++;
    return LIST_ADD(&directory->texts, text);
}

/* ---- names ---- */

/* Which of several names is the entry's own: the one that its DN begins with. */
static const struct ldif_attribute *primary_name(const struct origin *origin, const char *attribute)
{
    const struct ldif_attribute *first = next_value(origin->entry, attribute, NULL), *value = first;
    char rdn[DN_BYTES_MAX], rdn_key[CACHE_NAME_BYTES_MAX + 1], key[CACHE_NAME_BYTES_MAX + 1];

    if (!first || !next_value(origin->entry, attribute, first))
        return first;
    if (dn_first_value(origin->entry->dn, origin->entry->dn_bytes, attribute, rdn) <= 0 ||
        cache_key(rdn, true, rdn_key) < 0)
        return first;
    for (; value; value = next_value(origin->entry, attribute, value))
        if (cache_key(value->value, true, key) == 0 && strcmp(key, rdn_key) == 0)
            return value;
    return first;
}

/* The name as it is shown, and its key, which must be free. */
static int get_name(const struct origin *origin, const char *attribute, const struct index *names, const char **ret,
                    char ret_key[CACHE_NAME_BYTES_MAX + 1])
{
    const struct ldif_attribute *value = primary_name(origin, attribute);
    uint32_t taken;

    if (!value)
        return skip(origin, attribute, "missing");
    if (!is_name(value) || directory_key(origin->directory, value->value, ret_key) < 0)
        return skip(origin, attribute,
                    "not a name: empty, too long, not UTF-8, or with a colon or control characters");
    if (index_find(names, ret_key, strlen(ret_key), &taken))
        return skip(origin, attribute, "another entry has that name");
    return directory_shown_name(origin->directory, value->value, ret);
}

/* The other names, as far as they are free in names (NULL: that is not known yet). */
static int add_aliases(const struct origin *origin, const char *attribute, struct index *names, uint32_t number,
                       const char *name, struct range *aliases)
{
    const struct ldif_attribute *value = NULL;
    struct directory *directory = origin->directory;
    char key[CACHE_NAME_BYTES_MAX + 1];
    const char *shown;
    uint32_t owner;
    int r;

    while ((value = next_value(origin->entry, attribute, value))) {
        if (!is_name(value) || directory_key(directory, value->value, key) < 0) {
            (void) skip(origin, attribute, "a further name that is none");
            continue;
        }
        r = directory_shown_name(directory, value->value, &shown);
        if (r < 0)
            return r;
        if (strcmp(shown, name) == 0)
            continue;
        r = names ? index_add(names, key, strlen(key), number, &owner, NULL) : 1;
        if (r == 0 && owner != number)
            (void) skip(origin, attribute, "another entry has that further name");
        if (r > 0)
            r = add_text(directory, aliases, shown);
        if (r < 0)
            return r;
    }
    return 0;
}

static int claim(struct index *index, const void *key, size_t bytes, uint32_t number)
{
    int r = index_add(index, key, bytes, number, NULL, NULL);

    return r < 0 ? r : 0;
}

static int claim_dn(const struct origin *origin, uint32_t number)
{
    char dn[DN_BYTES_MAX];
    int bytes = dn_canonical(origin->entry->dn, origin->entry->dn_bytes, dn);

    return bytes < 0 ? 0 : claim(&origin->directory->dns, dn, (size_t) bytes, number);
}

/* ---- one function for each class ---- */

static int map_user(const struct origin *origin)
{
    struct directory *directory = origin->directory;
    uint32_t number = (uint32_t) directory->users.n;
    char key[CACHE_NAME_BYTES_MAX + 1];
    struct user user = { 0 };
    int r;

    r = get_name(origin, "uid", &directory->user_names, &user.name, key);
    if (r == 0)
        r = get_id(origin, "uidNumber", &user.uid);
    if (r == 0)
        r = get_id(origin, "gidNumber", &user.gid);
    if (r == 0)
        r = get_text(origin, "gecos", &user.gecos);
    if (r == 0 && *user.gecos == '\0')
        r = get_text(origin, "cn", &user.gecos);
    if (r == 0)
        r = get_text(origin, "homeDirectory", &user.home);
    if (r == 0)
        r = get_text(origin, "loginShell", &user.shell);
    if (r != 0)
        return r;

    r = claim(&directory->user_names, key, strlen(key), number);
    if (r == 0)
        r = claim_dn(origin, number * 2);
    if (r == 0)
        r = add_aliases(origin, "uid", &directory->user_names, number, user.name, &user.aliases);
    return r < 0 ? r : LIST_ADD(&directory->users, user);
}

static int add_members(const struct origin *origin, const char *attribute, enum member_kind kind, struct range *ret)
{
    const struct ldif_attribute *value = NULL;
    struct directory *directory = origin->directory;
    struct member member;
    int r;

    while ((value = next_value(origin->entry, attribute, value))) {
        if (kind == MEMBER_BY_NAME && !is_name(value)) {
            (void) skip(origin, attribute, "a member whose name is none");
            continue;
        }
        member = (struct member){ kind, (uint32_t) value->bytes, value->value };
        r = LIST_ADD(&directory->members, member);
        if (r < 0)
            return r;
        ret->n++;
    }
    return 0;
}

static int map_group(const struct origin *origin)
{
    struct directory *directory = origin->directory;
    uint32_t number = (uint32_t) directory->groups.n;
    char key[CACHE_NAME_BYTES_MAX + 1];
    struct group group = { .members.first = (uint32_t) directory->members.n };
    int r;

    r = get_name(origin, "cn", &directory->group_names, &group.name, key);
    if (r == 0)
        r = get_id(origin, "gidNumber", &group.gid);
    if (r != 0)
        return r;

    r = claim(&directory->group_names, key, strlen(key), number);
    if (r == 0)
        r = claim_dn(origin, number * 2 + 1);
    if (r == 0)
        r = add_aliases(origin, "cn", &directory->group_names, number, group.name, &group.aliases);
    if (r == 0)
        r = add_members(origin, "memberUid", MEMBER_BY_NAME, &group.members);
    if (r == 0)
        r = add_members(origin, "member", MEMBER_BY_DN, &group.members);
    if (r == 0)
        r = add_members(origin, "uniqueMember", MEMBER_BY_DN, &group.members);
    return r < 0 ? r : LIST_ADD(&directory->groups, group);
}

/* Takes a part of "(host,user,domain)" up to its end, without blanks around it. */
static const char *take_triple_part(struct directory *directory, const char **at, char end)
{
    const char *from = *at, *to = strchr(from, end), *kept;

    if (!to)
        return NULL;
    *at = to + 1;
    from += strspn(from, " ");
    while (to > from && to[-1] == ' ')
        to--;
    return index_add(&directory->kept, from, (size_t) (to - from), 0, NULL, &kept) < 0 ? NULL : kept;
}

static int add_triple(const struct origin *origin, const struct ldif_attribute *value, struct range *triples)
{
    struct directory *directory = origin->directory;
    const char *at = value->value, *parts[3];
    bool is_good = is_text(value);
    int r = 0;

    at += strspn(at, " ");
    is_good = is_good && *at++ == '(';
    for (int i = 0; i < 3 && is_good; i++) {
        parts[i] = take_triple_part(directory, &at, i < 2 ? ',' : ')');
        is_good = parts[i] && !strpbrk(parts[i], "(),");
    }
    if (!is_good || at[strspn(at, " ")] != '\0') {
        (void) skip(origin, "nisNetgroupTriple", "not (host,user,domain)");
        return 0;
    }
    for (int i = 0; i < 3 && r == 0; i++)
        r = add_text(directory, triples, parts[i]);
    return r;
}

static int map_netgroup(const struct origin *origin)
{
    struct directory *directory = origin->directory;
    const struct ldif_attribute *value = NULL;
    uint32_t number = (uint32_t) directory->netgroups.n;
    char key[CACHE_NAME_BYTES_MAX + 1];
    struct netgroup netgroup = { 0 };
    int r;

    r = get_name(origin, "cn", &directory->netgroup_names, &netgroup.name, key);
    if (r != 0)
        return r;
    r = claim(&directory->netgroup_names, key, strlen(key), number);
    if (r == 0)
        r = add_aliases(origin, "cn", &directory->netgroup_names, number, netgroup.name, &netgroup.aliases);
    while (r == 0 && (value = next_value(origin->entry, "nisNetgroupTriple", value)))
        r = add_triple(origin, value, &netgroup.triples);
    while (r == 0 && (value = next_value(origin->entry, "memberNisNetgroup", value))) {
        if (is_name(value))
            r = add_text(directory, &netgroup.netgroups, value->value);
        else
            (void) skip(origin, "memberNisNetgroup", "not a name");
    }
    return r < 0 ? r : LIST_ADD(&directory->netgroups, netgroup);
}

/* Where names are the same in any case protocols are too, and are kept in lower case, as SSSD shows them. */
static int add_protocol(struct directory *directory, const char *key, struct range *protocols)
{
    const char *kept;
    int r;

    r = index_add(&directory->kept, key, strlen(key), 0, NULL, &kept);
    return r < 0 ? r : add_text(directory, protocols, kept);
}

/* Whether a name is free for a protocol is found when it is put into the cache. */
static int map_service(const struct origin *origin)
{
    static const struct index no_names;
    struct directory *directory = origin->directory;
    const struct ldif_attribute *value = NULL;
    char key[CACHE_NAME_BYTES_MAX + 1];
    struct service service = { 0 };
    uint32_t port;
    int r;

    r = get_name(origin, "cn", &no_names, &service.name, key);
    if (r == 0)
        r = get_number(origin, "ipServicePort", UINT16_MAX, &port);
    if (r == 0 && port == 0)
        r = skip(origin, "ipServicePort", "0 is no port");
    if (r == 0 && !next_value(origin->entry, "ipServiceProtocol", NULL))
        r = skip(origin, "ipServiceProtocol", "missing");
    if (r != 0)
        return r;

    service.port = (uint16_t) port;
    r = add_aliases(origin, "cn", NULL, 0, service.name, &service.aliases);
    while (r == 0 && (value = next_value(origin->entry, "ipServiceProtocol", value))) {
        if (is_name(value) && directory_key(directory, value->value, key) == 0 && strlen(key) <= CACHE_PROTOCOL_BYTES_MAX)
            r = add_protocol(directory, key, &service.protocols);
        else
            (void) skip(origin, "ipServiceProtocol", "not a name");
    }
    return r < 0 ? r : LIST_ADD(&directory->services, service);
}

static const struct {
    const char *object_class;
    int (*map)(const struct origin *origin);
} classes[] = {
    { "posixAccount", map_user },
    { "posixGroup", map_group },
    { "nisNetgroup", map_netgroup },
    { "ipService", map_service },
};

int mapping_add(struct directory *directory, const struct ldif_entry *entry, const char *file)
{
    struct origin origin = { directory, entry, file };
    int r;

    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (!has_class(entry, classes[i].object_class))
            continue;
        r = classes[i].map(&origin);
        if (r < 0)
            return r;
    }
    return 0;
}
