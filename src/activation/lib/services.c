/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services: which domains a configuration turns on, and which responders it gives to the monitor. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/conf.h"
#include "common/text.h"
#include "common/why.h"
#include "lib/services.h"

#define DOMAIN "domain/"
#define APPLICATION "application/"

/* Each costs a few look-ups; nobody has nearly as many. */
#define DOMAINS_MAX 4096

/* A bus takes no longer names; the engine puts this before a domain's. */
#define BUS_NAME_BYTES_MAX 255
#define BUS_PREFIX "sssd.domain_"

/* SSSD's default for responder_idle_timeout, which is our own daemons' too, and the least that SSSD takes. */
#define IDLE_SEC 300
#define IDLE_SEC_MIN 60

/* What a domain that has a back end may be called. */
struct name_rules {
    const char *only;  /* no other characters than these, letters and digits; NULL: any */
    const char *never; /* none of these */
    size_t bytes_max;
};

static const struct name_rules name_rules[] = {
    /* A socket of its own for each, in D-Bus' spelling: /var/lib/sss/pipes/private/sbus-dp_NAME.PID, 99 bytes at most,
     * seven of them the PID's. */
    [ENGINE_2_8] = { .only = "-._*\\", .never = "", .bytes_max = 56 },
    /* Its command line is split at blanks; what is before a colon is a kind of database; and a file in
     * /var/lib/sss/db is called timestamps_NAME.ldb. */
    [ENGINE_2_10] = { .never = " :", .bytes_max = 240 },
    [ENGINE_OWN] = { .only = "-._", .never = "", .bytes_max = 64 },
};

/* What a function in this file returns, beside 0 and other negative errnos, when it has told why the engine would not
 * start. */
#define REFUSED (-EBADMSG)

/* What callers get for it. */
static int to_answer(int r)
{
    if (r == REFUSED)
        return 0;
    return r < 0 ? r : 1;
}

/* NULL without memory. */
static char *section_of(const char *kind, const char *name)
{
    char *section;

    return asprintf(&section, "%s%s", kind, name) < 0 ? NULL : section;
}

static const char *get_of(const struct conf *config, const char *kind, const char *name, const char *key)
{
    CLEANUP(freep) char *section = section_of(kind, name);

    return section ? conf_get(config, section, key, NULL) : NULL;
}

static bool has_section_of(const struct conf *config, const char *kind, const char *name)
{
    CLEANUP(freep) char *section = section_of(kind, name);

    return section && conf_find(config, section, NULL, NULL);
}

/* --- Domains -------------------------------------------------------------------------------------------------- */

void domains_done(struct domains *domains)
{
    for (size_t i = 0; i < domains->n; i++)
        free(domains->names[i]);
    free(domains->names);
    *domains = (struct domains) { .names = NULL };
}

bool domains_have(const struct domains *domains, const char *name)
{
    for (size_t i = 0; i < domains->n; i++)
        if (strcasecmp(domains->names[i], name) == 0)
            return true;
    return false;
}

static int domains_add(struct domains *domains, const char *name)
{
    char **names;

    if (domains->n == DOMAINS_MAX)
        return -E2BIG;
    names = reallocarray(domains->names, domains->n + 1, sizeof(*names));
    if (!names)
        return -ENOMEM;
    domains->names = names;
    names[domains->n] = strdup(name);
    if (!names[domains->n])
        return -ENOMEM;
    domains->n++;
    return 0;
}

static void domains_drop(struct domains *domains, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < domains->n; i++) {
        if (strcasecmp(domains->names[i], name) == 0)
            free(domains->names[i]);
        else
            domains->names[kept++] = domains->names[i];
    }
    domains->n = kept;
}

struct collecting {
    const struct conf *config;
    struct domains *domains;
    char **ret_why;
};

/* Does the engine find the section of a domain of that name? To it the name is a part of a distinguished name, where
 * these end it unless they stand in quotes or behind a backslash; and a slash makes it another kind of section. */
static bool is_found(const char *name)
{
    bool quoted = *name == '"', escaped = false;

    for (name += quoted ? 1 : 0; *name; name++) {
        if (*name == '/')
            return false;
        if (escaped)
            escaped = false;
        else if (*name == '\\')
            escaped = true;
        else if (quoted && *name == '"')
            quoted = false;
        else if (!quoted && strchr("\"+,;<=>", *name))
            return false;
    }
    return !quoted && !escaped;
}

/* The value for a domain: its own, or for want of that an application's, which has the rest from another domain. If
 * that one isn't there, nothing of the application is. */
static const char *value_for(const struct conf *config, const char *name, const char *key)
{
    const char *value = get_of(config, DOMAIN, name, key), *parent;

    if (value || !has_section_of(config, APPLICATION, name))
        return value;
    parent = get_of(config, APPLICATION, name, "inherit_from");
    if (parent && (!is_found(parent) || !has_section_of(config, DOMAIN, parent)))
        return NULL;
    value = get_of(config, APPLICATION, name, key);
    return value || !parent ? value : get_of(config, DOMAIN, parent, key);
}

const char *domain_provider(const struct conf *config, const char *name, const char **ret_why)
{
    const char *provider = NULL, *enabled;

    *ret_why = "no id_provider";
    if (!is_found(name))
        *ret_why = "SSSD does not find such a name";
    else
        provider = value_for(config, name, "id_provider");
    enabled = provider ? value_for(config, name, "enabled") : NULL;
    if (enabled && strcasecmp(enabled, "false") == 0) {
        *ret_why = "not enabled";
        provider = NULL;
    }
    return provider;
}

/* NULL: there is none. */
static int check_enabled(const char *kind, const char *name, const char *enabled, char **ret_why)
{
    if (!enabled || strcasecmp(enabled, "true") == 0 || strcasecmp(enabled, "false") == 0)
        return 0;
    return say_why(REFUSED, ret_why, "[%s%s] enabled = %s: only true and false are known", kind, name, enabled);
}

/* A section's `enabled` counts whether or not [sssd] lists the domain. */
static int on_section(const struct conf_setting *at, void *userdata)
{
    struct collecting *collecting = userdata;
    const char *section = at->section, *name = section + strlen(DOMAIN), *enabled;
    int r;

    if (section[0] == '/' || (section[0] && section[strlen(section) - 1] == '/'))
        return say_why(REFUSED, collecting->ret_why, "the section [%s] has nothing %s its slash", section,
                       section[0] == '/' ? "before" : "after");
    if (strncasecmp(section, DOMAIN, strlen(DOMAIN)) != 0 || !is_found(name))
        return 0;

    enabled = conf_get(collecting->config, section, "enabled", NULL);
    r = check_enabled(DOMAIN, name, enabled, collecting->ret_why);
    if (r < 0 || !enabled)
        return r;
    if (strcasecmp(enabled, "true") == 0)
        return domains_have(collecting->domains, name) ? 0 : domains_add(collecting->domains, name);
    domains_drop(collecting->domains, name);
    return 0;
}

/* Would the engine start with a domain of that name? */
static int check_name(const struct conf *config, const char *name, char **ret_why)
{
    const struct name_rules *rules = &name_rules[conf_engine(config)];
    size_t bytes = strlen(name), bus_bytes = strlen(BUS_PREFIX);

    for (const char *at = name; *at; at++) {
        bool is_plain = isascii(*at) && isalnum(*at);

        if (!is_plain && (strchr(rules->never, *at) || (rules->only && !strchr(rules->only, *at))))
            return say_why(REFUSED, ret_why, "\"%.64s\" cannot be a domain: '%c' is in its name", name, *at);
        bus_bytes += is_plain ? 1 : strlen("_2e");
    }
    /* One gets lost on the way to the back end. */
    if (strstr(name, "\\\\"))
        return say_why(REFUSED, ret_why, "\"%.64s\" cannot be a domain: two backslashes in a row are in its name", name);
    if (bytes > rules->bytes_max)
        return say_why(REFUSED, ret_why, "\"%.64s\" cannot be a domain: its name has %zu letters; only %zu are safe",
                       name, bytes, rules->bytes_max);
    if (bus_bytes > BUS_NAME_BYTES_MAX)
        return say_why(REFUSED, ret_why, "\"%.64s\" cannot be a domain: its name is too long; what is neither letter "
                       "nor digit counts three times", name);
    return 0;
}

/* One that the engine does not pass over. */
static int check_domain(const struct conf *config, const struct domains *domains, size_t i, char **ret_why)
{
    const char *name = domains->names[i];
    int r;

    r = check_enabled(APPLICATION, name, value_for(config, name, "enabled"), ret_why); /* a domain's own has been seen */
    for (size_t k = 0; r == 0 && k < i; k++)
        if (strcasecmp(name, domains->names[k]) == 0)
            r = say_why(REFUSED, ret_why, "[sssd] domains: %s is listed twice", name);
    return r < 0 ? r : check_name(config, name, ret_why);
}

static int check_domains(const struct conf *config, const struct domains *domains, char **ret_why)
{
    const char *files = conf_get(config, "sssd", "enable_files_domain", NULL), *ignored;
    bool usable = files && strcasecmp(files, "true") == 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < domains->n; i++) {
        if (!domain_provider(config, domains->names[i], &ignored))
            continue;
        usable = true;
        r = check_domain(config, domains, i, ret_why);
    }
    if (r == 0 && !usable)
        r = say_why(REFUSED, ret_why, "no domain that is turned on has a section with an id_provider");
    return r;
}

/* The engine calls a domain as its section does, in whatever case the line has it. */
static int spell(const struct conf_setting *at, void *userdata)
{
    struct domains *domains = userdata;
    const char *name = at->section + strlen(DOMAIN);

    if (strncasecmp(at->section, DOMAIN, strlen(DOMAIN)) != 0)
        return 0;
    for (size_t i = 0; i < domains->n; i++)
        if (strcasecmp(domains->names[i], name) == 0)
            memcpy(domains->names[i], name, strlen(name));
    return 0;
}

int domains_read(const struct conf *config, struct domains *ret, char **ret_why)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    struct collecting collecting = { .config = config, .domains = &domains, .ret_why = ret_why };
    const char *line = conf_get(config, "sssd", "domains", NULL);
    CLEANUP(freep) char **listed = text_list(line ? line : "");
    int r = listed ? 0 : -ENOMEM;

    *ret_why = NULL;
    for (char **name = listed; r == 0 && *name; name++)
        r = domains_add(&domains, *name);
    if (r == 0)
        r = conf_each_section(config, on_section, &collecting);
    if (r == 0)
        r = check_domains(config, &domains, ret_why);
    if (r == 0) {
        (void) conf_each_section(config, spell, &domains); /* always 0 */
        *ret = domains;
        domains = (struct domains) { .names = NULL };
    }
    return to_answer(r);
}

/* --- Services ------------------------------------------------------------------------------------------------- */

static int check_version(const struct conf *config, char **ret_why)
{
    const char *version = conf_get(config, "sssd", "config_file_version", NULL);
    char *end = NULL;

    if (conf_engine(config) == ENGINE_2_10 || !conf_find(config, "sssd", "config_file_version", NULL))
        return 0;
    if (version && strtol(version, &end, 10) == 2 && !*end)
        return 0;
    return say_why(REFUSED, ret_why, "[sssd] config_file_version must be 2, or absent");
}

static int read_line(const struct conf *config, struct services *services, char **ret_why)
{
    const char *line = conf_get(config, "sssd", "services", &services->file);
    CLEANUP(freep) char **listed = text_list(line ? line : "");

    if (!listed)
        return -ENOMEM;
    for (char **name = listed; *name; name++) {
        const struct responder *responder = responder_by_name(*name);

        if (!responder)
            return say_why(REFUSED, ret_why, "%s: services: \"%.64s\" is no responder", services->file, *name);
        if (services->why[responder - responders] == LISTED)
            return say_why(REFUSED, ret_why, "%s: services: %s is listed twice", services->file, *name);
        services->why[responder - responders] = LISTED;
    }
    return 0;
}

/* Active Directory and IPA send PACs, so the engine starts their reader; anything but "false" lets it. */
static bool implies_pac(const struct conf *config, const struct domains *domains)
{
    const char *implicit = conf_get(config, "sssd", "implicit_pac_responder", NULL);

    if (implicit && strcasecmp(implicit, "false") == 0)
        return false;
    for (size_t i = 0; i < domains->n; i++) {
        const char *provider = get_of(config, DOMAIN, domains->names[i], "id_provider");

        if (provider && is_found(domains->names[i]) &&
            (strcasecmp(provider, "ad") == 0 || strcasecmp(provider, "ipa") == 0))
            return true;
    }
    return false;
}

int services_read(const struct conf *config, struct services *ret, char **ret_why)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    struct services services = { .file = NULL };
    int r;

    *ret_why = NULL;
    r = to_answer(check_version(config, ret_why));
    if (r > 0)
        r = domains_read(config, &domains, ret_why);
    if (r > 0)
        r = to_answer(read_line(config, &services, ret_why));
    if (r <= 0)
        return r;

    if (services.why[PAC] == NOT_THE_MONITORS && implies_pac(config, &domains))
        services.why[PAC] = IMPLIED;
    *ret = services;
    return 1;
}

unsigned long responder_idle_sec(const struct conf *config, const char *responder)
{
    const char *value = config ? conf_get(config, responder, "responder_idle_timeout", NULL) : NULL;
    unsigned long number;
    uint64_t usec;
    char *end;

    if (!value)
        return IDLE_SEC;
    if (conf_engine(config) == ENGINE_OWN)
        return text_to_usec(value, &usec) < 0 ? IDLE_SEC : (unsigned long) (usec / 1000000);

    errno = 0;
    number = strtoul(value, &end, 10);
    if (errno != 0 || value[0] == '-' || *end)
        return IDLE_SEC;
    return number == 0 || number >= IDLE_SEC_MIN ? number : IDLE_SEC_MIN;
}
