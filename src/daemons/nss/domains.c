/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Domains: reads their settings once; opens their caches when they are there. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "config/config.h"
#include "nss/dataprovider.h"
#include "nss/domains.h"
#include "util/log.h"
#include "util/paths.h"

#define SECTION_BYTES 300
#define CHECK_USEC 1000000ULL

/* Options that change what a client is shown. */
static const char *const shown_by_domain[] = {
    "case_sensitive",   "use_fully_qualified_names", "full_name_format", "override_gid",   "override_homedir",
    "fallback_homedir", "homedir_substring",         "override_shell",   "default_shell",  "pwfield",
    "filter_users",     "filter_groups",             "min_id",           "max_id",         "ignore_group_members",
};
static const char *const shown_by_nss[] = {
    "filter_users", "filter_groups", "filter_users_in_groups", "shell_fallback", "allowed_shells", "vetoed_shells",
};

#define FNV_START 14695981039346656037ULL

static uint64_t fnv(uint64_t hash, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;

    for (; n > 0; n--, at++)
        hash = (hash ^ *at) * 1099511628211ULL;
    return hash;
}

static uint64_t fnv_text(uint64_t hash, const char *text)
{
    return fnv(hash, text, strlen(text) + 1);
}

/* A list of options names an entry of all domains, or as name@domain of one. Adds what concerns this domain as keys. */
static int add_filters(struct domain *domain, const struct config *config, const char *section, const char *option,
                       char ***keys, size_t *n)
{
    CLEANUP(freep) char **names = config_list(config, section, option);
    char key[CACHE_NAME_BYTES_MAX + 1];
    char **more, *at, *copy;
    size_t i;

    if (!names)
        return -ENOMEM;
    for (i = 0; names[i]; i++) {
        at = strrchr(names[i], '@');
        if (at && strcasecmp(at + 1, domain->name) == 0)
            *at = '\0';
        else if (at)
            continue;
        if (cache_key(names[i], domain->ignore_case, key) < 0)
            continue; /* no entry can have that name */

        more = reallocarray(*keys, *n + 2, sizeof(**keys));
        if (!more)
            return -ENOMEM;
        *keys = more;
        copy = strdup(key);
        if (!copy)
            return -ENOMEM;
        (*keys)[(*n)++] = copy;
        (*keys)[*n] = NULL;
    }
    return 0;
}

static int read_filters(struct domain *domain, const struct config *config, const char *section, const char *option,
                        char ***ret)
{
    size_t n = 1;
    int r;

    /* root is never an entry of a directory, whatever the list says */
    *ret = calloc(2, sizeof(**ret));
    if (!*ret)
        return -ENOMEM;
    (*ret)[0] = strdup("root");
    if (!(*ret)[0])
        return -ENOMEM;
    r = add_filters(domain, config, "nss", option, ret, &n);
    if (r < 0)
        return r;
    return add_filters(domain, config, section, option, ret, &n);
}

static void free_filters(char **keys)
{
    size_t i;

    for (i = 0; keys && keys[i]; i++)
        free(keys[i]);
    free(keys);
}

static int domain_init(struct domain *domain, const struct domains *domains, const struct config *config, const char *name,
                       uint64_t *settings)
{
    char section[SECTION_BYTES];
    const char *word;
    size_t i;
    int r;

    domain->name = strdup(name);
    if (!domain->name)
        return -ENOMEM;
    (void) snprintf(section, sizeof(section), "domain/%s", name); /* the monitor allows no such long names */

    word = config_text(config, section, "case_sensitive");
    domain->ignore_case = strcasecmp(word, "true") != 0;
    domain->shows_lower_case = strcasecmp(word, "false") == 0;
    domain->qualifies = config_bool(config, section, "use_fully_qualified_names");
    if (domains->default_domain[0] != '\0' && !config_get(config, section, "use_fully_qualified_names"))
        domain->qualifies = true;
    domain->full_name_format = config_text(config, section, "full_name_format");
    domain->enumerates = config_bool(config, section, "enumerate");
    domain->hides_members = config_bool(config, section, "ignore_group_members");
    domain->min_id = config_u32(config, section, "min_id");
    domain->max_id = config_u32(config, section, "max_id");
    domain->override_gid = config_u32(config, section, "override_gid");
    domain->offline_life = config_usec(config, section, "offline_timeout") / 1000000 + 1;
    domain->override_home = config_text(config, section, "override_homedir");
    domain->fallback_home = config_text(config, section, "fallback_homedir");
    domain->home_substring = config_text(config, section, "homedir_substring");
    domain->override_shell = config_text(config, section, "override_shell");
    domain->default_shell = config_text(config, section, "default_shell");
    domain->password = config_text(config, section, "pwfield");
    domain->filters_members = config_bool(config, "nss", "filter_users_in_groups");

    *settings = fnv_text(*settings, name);
    for (i = 0; i < sizeof(shown_by_domain) / sizeof(shown_by_domain[0]); i++) {
        word = config_get(config, section, shown_by_domain[i]);
        *settings = fnv_text(*settings, word ? word : "");
    }

    r = read_filters(domain, config, section, "filter_users", &domain->filtered_users);
    if (r < 0)
        return r;
    return read_filters(domain, config, section, "filter_groups", &domain->filtered_groups);
}

static int open_backend(struct domain *domain, sd_event *event, const char *bus_prefix, uid_t owner)
{
    CLEANUP(freep) char *path = NULL;

    if (asprintf(&path, "%s%s" BACKEND_BUS_SUFFIX, bus_prefix, domain->name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    return dataprovider_new(event, path, owner, &domain->backend);
}

int domains_new(sd_event *event, const struct config *config, const char *cache_dir, const char *bus_prefix, uid_t owner,
                struct domains **ret)
{
    CLEANUP(freep) char **names = NULL;
    struct domains *domains;
    const char *word;
    size_t i;
    int r = 0;

    names = config_list(config, "sssd", "domains");
    domains = calloc(1, sizeof(*domains));
    if (!names || !domains) {
        free(domains);
        return -ENOMEM;
    }
    domains->cache_dir = cache_dir;
    domains->default_domain = config_text(config, "sssd", "default_domain_suffix");
    domains->settings = fnv_text(FNV_START, domains->default_domain);
    for (i = 0; i < sizeof(shown_by_nss) / sizeof(shown_by_nss[0]); i++) {
        word = config_get(config, "nss", shown_by_nss[i]);
        domains->settings = fnv_text(domains->settings, word ? word : "");
    }

    while (names[domains->n])
        domains->n++;
    domains->all = calloc(domains->n + 1, sizeof(*domains->all));
    if (!domains->all)
        r = -ENOMEM;
    for (i = 0; i < domains->n && r >= 0; i++) {
        r = domain_init(&domains->all[i], domains, config, names[i], &domains->settings);
        if (r >= 0)
            r = open_backend(&domains->all[i], event, bus_prefix, owner);
    }
    if (r < 0) {
        domains_free(domains);
        return r;
    }
    *ret = domains;
    return 0;
}

struct domains *domains_free(struct domains *domains)
{
    size_t i;

    if (!domains)
        return NULL;
    for (i = 0; domains->all && i < domains->n; i++) {
        struct domain *domain = &domains->all[i];

        cache_close(domain->cache);
        dataprovider_free(domain->backend);
        free(domain->outdated);
        free_filters(domain->filtered_users);
        free_filters(domain->filtered_groups);
        free(domain->name);
    }
    free(domains->all);
    free(domains);
    return NULL;
}

static const struct domain *find_domain(const struct domains *domains, const char *name)
{
    size_t i;

    for (i = 0; i < domains->n; i++)
        if (strcasecmp(domains->all[i].name, name) == 0)
            return &domains->all[i];
    return NULL;
}

int domains_parse_name(const struct domains *domains, const char *text, char ret_name[CACHE_NAME_BYTES_MAX + 1],
                       const struct domain **ret_domain)
{
    const char *at;
    const struct domain *domain = NULL;
    size_t bytes = strlen(text);

    if (bytes == 0)
        return -EINVAL;

    at = strrchr(text, '@');
    if (at && at > text) {
        domain = find_domain(domains, at + 1);
        if (!domain)
            return 0;
        bytes = (size_t) (at - text);
    } else if (domains->default_domain[0] != '\0') {
        domain = find_domain(domains, domains->default_domain);
        if (!domain)
            return 0;
    }
    if (bytes == 0 || bytes > CACHE_NAME_BYTES_MAX)
        return 0;

    memcpy(ret_name, text, bytes);
    ret_name[bytes] = '\0';
    *ret_domain = domain;
    return 1;
}

void domains_check_again(struct domains *domains)
{
    size_t i;

    for (i = 0; i < domains->n; i++)
        domains->all[i].check_usec = 0;
}

/* Costs a system call, so that not every look-up can do it. */
static bool must_check(struct domain *domain)
{
    uint64_t now = now_usec();

    if (now < domain->check_usec)
        return false;
    domain->check_usec = now + CHECK_USEC;
    return true;
}

int domain_begin(const struct domains *domains, struct domain *domain)
{
    int r;

    if (domain->cache && must_check(domain) && cache_is_replaced(domain->cache))
        domain->cache = cache_close(domain->cache);
    if (!domain->cache) {
        domain->state = (struct cache_state){ 0 };
        r = cache_open(domains->cache_dir, domain->name, &domain->cache);
        if (r <= 0)
            return r;
    }
    r = cache_begin(domain->cache);
    if (r < 0)
        return r;
    r = cache_read_state(domain->cache, &domain->state);
    if (r < 0) {
        cache_end(domain->cache);
        return r;
    }
    return 1;
}

void domain_end(struct domain *domain)
{
    cache_end(domain->cache);
}

void domain_told(struct domain *domain, int r)
{
    if (r < 0 && domain->trouble == 0)
        log_warning_errno(r, "domain %s: its cache cannot be read: %m; going on without it", domain->name);
    if (r < 0) {
        domain->trouble = r;
        domain->trouble_generation = domain->cache && r == -EIO ? domain->state.generation : 0;
        domain->cache = cache_close(domain->cache); /* what comes in its place is opened at once */
        return;
    }
    /* Of a damaged one others may be read. */
    if (domain->trouble == 0 || !domain->cache || domain->state.generation == domain->trouble_generation)
        return;
    domain->trouble = 0;
    log_warning("domain %s: its cache can be read again", domain->name);
}

bool domain_is_fresh(const struct domain *domain, enum cache_kind kind, uint64_t now)
{
    return domain->state.updated <= now && now < domain->state.good_until[kind];
}

bool domain_is_complete(const struct domain *domain, enum cache_kind kind, uint64_t now)
{
    return domain->state.is_complete && domain_is_fresh(domain, kind, now);
}

bool domain_is_offline(const struct domain *domain, uint64_t now)
{
    return now < domain->state.offline_until && domain->state.offline_until - now <= domain->offline_life;
}

#define N_OUTDATED 256
#define OUTDATED_USEC 1000000ULL

struct outdated {
    uint64_t number; /* 0: none */
    bool is_group;
    uint64_t asked_usec; /* also of the one that was here before: who shares its place asks no more often */
};

static struct outdated *place_of(const struct domain *domain, bool is_group, uint64_t number)
{
    uint64_t hash = fnv(fnv(FNV_START, &number, sizeof(number)), &is_group, sizeof(is_group));

    return &domain->outdated[(hash ^ hash >> 32) % N_OUTDATED];
}

int domain_set_outdated(struct domain *domain, bool is_group, uint64_t number)
{
    struct outdated *place;

    if (!domain->outdated)
        domain->outdated = calloc(N_OUTDATED, sizeof(*domain->outdated));
    if (!domain->outdated)
        return -ENOMEM;
    place = place_of(domain, is_group, number);
    place->number = number;
    place->is_group = is_group;
    return 0;
}

bool domain_is_outdated(const struct domain *domain, bool is_group, uint64_t number)
{
    const struct outdated *place;

    if (!domain->outdated || number == 0)
        return false;
    place = place_of(domain, is_group, number);
    return place->number == number && place->is_group == is_group;
}

bool domain_must_ask(struct domain *domain, bool is_group, uint64_t number, uint64_t now_usec)
{
    struct outdated *place;

    if (!domain_is_outdated(domain, is_group, number))
        return false;
    place = place_of(domain, is_group, number);
    if (place->asked_usec != 0 && now_usec - place->asked_usec < OUTDATED_USEC)
        return false;
    place->asked_usec = now_usec;
    return true;
}

void domain_set_asked(struct domain *domain, bool is_group, uint64_t number)
{
    if (domain_is_outdated(domain, is_group, number))
        place_of(domain, is_group, number)->number = 0;
}

bool domain_has_id(const struct domain *domain, uint32_t id)
{
    return id != 0 && id >= domain->min_id && (domain->max_id == 0 || id <= domain->max_id);
}

static bool has_key(char *const *keys, const char *key)
{
    for (; *keys; keys++)
        if (strcmp(*keys, key) == 0)
            return true;
    return false;
}

static bool has_name(const struct domain *domain, char *const *keys, const char *name)
{
    char key[CACHE_NAME_BYTES_MAX + 1];

    /* for a name that is no key no client could ask */
    return cache_key(name, domain->ignore_case, key) < 0 || has_key(keys, key);
}

bool domain_hides_user(const struct domain *domain, const char *key)
{
    return has_key(domain->filtered_users, key);
}

bool domain_hides_group(const struct domain *domain, const char *key)
{
    return has_key(domain->filtered_groups, key);
}

bool domain_shows_user(const struct domain *domain, const struct cache_user *user)
{
    return domain_has_id(domain, user->uid) && (domain->override_gid != 0 || domain_has_id(domain, user->gid)) &&
           !has_name(domain, domain->filtered_users, user->name);
}

bool domain_shows_group(const struct domain *domain, const struct cache_group *group)
{
    return domain_has_id(domain, group->gid) && !has_name(domain, domain->filtered_groups, group->name);
}

bool domain_shows_member(const struct domain *domain, const char *name)
{
    return !domain->filters_members || !has_name(domain, domain->filtered_users, name);
}

/* The format is that of printf with positions: %1$s is the name, %2$s the domain, %3$s its flat name. */
static void format_name(const struct domain *domain, const char *name, char room[DOMAIN_NAME_ROOM])
{
    const char *format = domain->full_name_format;
    size_t used = 0, n;
    const char *part;

    while (*format != '\0') {
        part = NULL;
        if (strncmp(format, "%1$s", 4) == 0)
            part = name;
        else if (strncmp(format, "%2$s", 4) == 0 || strncmp(format, "%3$s", 4) == 0)
            part = domain->name; /* a domain here has one name */
        else if (strncmp(format, "%%", 2) == 0)
            format++;

        n = part ? strlen(part) : 1;
        if (n > DOMAIN_NAME_ROOM - 1 - used)
            break;
        memcpy(room + used, part ? part : format, n);
        used += n;
        format += part ? 4 : 1;
    }
    room[used] = '\0';
}

const char *domain_plain_name(const struct domain *domain, const char *name, char room[CACHE_NAME_BYTES_MAX + 1])
{
    if (domain->shows_lower_case && cache_key(name, true, room) == 0)
        return room;
    return name;
}

const char *domain_full_name(const struct domain *domain, const char *name, char room[DOMAIN_NAME_ROOM])
{
    char lower[CACHE_NAME_BYTES_MAX + 1];

    format_name(domain, domain_plain_name(domain, name, lower), room);
    return room;
}

const char *domain_output_name(const struct domain *domain, const char *name, char room[DOMAIN_NAME_ROOM])
{
    if (domain->qualifies)
        return domain_full_name(domain, name, room);
    return domain_plain_name(domain, name, room);
}

uint64_t domains_mark(const struct domains *domains)
{
    uint64_t mark = domains->settings;
    size_t i;

    for (i = 0; i < domains->n; i++)
        mark = fnv(mark, &domains->all[i].state.generation, sizeof(domains->all[i].state.generation));
    return mark;
}
