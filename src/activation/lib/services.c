/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services: which domains a configuration turns on, and which responders it gives to the monitor. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/config.h"
#include "lib/services.h"
#include "lib/why.h"

#define BLANKS " \t\r\n\f\v"
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

#ifndef OWN_DAEMONS /* comes with them; the tests have their own */
#define OWN_DAEMONS "/usr/lib/systemd/system/sss-nss.service.d/50-daemons.conf"
#endif

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
};

/* What a function in this file returns, beside 0 and other negative errnos, when it has told why the engine would not
 * start. */
#define REFUSED (-EBADMSG)

/* What callers get for it. */
static int to_answer(int r, char **ret_why)
{
    if (r == REFUSED)
        return *ret_why ? 0 : -ENOMEM;
    return r < 0 ? r : 1;
}

/* The next item of a list that is neither empty nor blank, or NULL at its end. */
static char *next_item(char **rest)
{
    char *item;

    while ((item = strsep(rest, ","))) {
        size_t n;

        item += strspn(item, BLANKS);
        for (n = strlen(item); n > 0 && strchr(BLANKS, item[n - 1]); n--)
            item[n - 1] = '\0';
        if (n > 0)
            return item;
    }
    return NULL;
}

/* NULL without memory. */
static char *section_of(const char *kind, const char *name)
{
    char *section;

    return asprintf(&section, "%s%s", kind, name) < 0 ? NULL : section;
}

static const char *get_of(const struct config *config, const char *kind, const char *name, const char *key)
{
    CLEANUP(freep) char *section = section_of(kind, name);

    return section ? config_get(config, section, key, NULL) : NULL;
}

static bool has_section_of(const struct config *config, const char *kind, const char *name)
{
    CLEANUP(freep) char *section = section_of(kind, name);

    return section && config_has_section(config, section);
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
    const struct config *config;
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
static const char *value_for(const struct config *config, const char *name, const char *key)
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

const char *domain_provider(const struct config *config, const char *name, const char **ret_why)
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
static int on_section(const char *section, void *userdata)
{
    struct collecting *collecting = userdata;
    const char *name = section + strlen(DOMAIN), *enabled;
    int r;

    if (section[0] == '/' || (section[0] && section[strlen(section) - 1] == '/'))
        return say_why(REFUSED, collecting->ret_why, "the section [%s] has nothing %s its slash", section,
                       section[0] == '/' ? "before" : "after");
    if (strncasecmp(section, DOMAIN, strlen(DOMAIN)) != 0 || !is_found(name))
        return 0;

    enabled = config_get(collecting->config, section, "enabled", NULL);
    r = check_enabled(DOMAIN, name, enabled, collecting->ret_why);
    if (r < 0 || !enabled)
        return r;
    if (strcasecmp(enabled, "true") == 0)
        return domains_have(collecting->domains, name) ? 0 : domains_add(collecting->domains, name);
    domains_drop(collecting->domains, name);
    return 0;
}

/* Would the engine start with a domain of that name? */
static int check_name(const struct config *config, const char *name, char **ret_why)
{
    const struct name_rules *rules = &name_rules[config_engine(config)];
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
static int check_domain(const struct config *config, const struct domains *domains, size_t i, char **ret_why)
{
    const char *name = domains->names[i];
    int r;

    r = check_enabled(APPLICATION, name, value_for(config, name, "enabled"), ret_why); /* a domain's own has been seen */
    for (size_t k = 0; r == 0 && k < i; k++)
        if (strcasecmp(name, domains->names[k]) == 0)
            r = say_why(REFUSED, ret_why, "[sssd] domains: %s is listed twice", name);
    return r < 0 ? r : check_name(config, name, ret_why);
}

static int check_domains(const struct config *config, const struct domains *domains, char **ret_why)
{
    const char *files = config_get(config, "sssd", "enable_files_domain", NULL), *ignored;
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
static int spell(const char *section, void *userdata)
{
    struct domains *domains = userdata;
    const char *name = section + strlen(DOMAIN);

    if (strncasecmp(section, DOMAIN, strlen(DOMAIN)) != 0)
        return 0;
    for (size_t i = 0; i < domains->n; i++)
        if (strcasecmp(domains->names[i], name) == 0)
            memcpy(domains->names[i], name, strlen(name));
    return 0;
}

int domains_read(const struct config *config, struct domains *ret, char **ret_why)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    CLEANUP(freep) char *copy = NULL;
    struct collecting collecting = { .config = config, .domains = &domains, .ret_why = ret_why };
    const char *line = config_get(config, "sssd", "domains", NULL);
    char *rest, *name;
    int r = 0;

    *ret_why = NULL;
    rest = copy = strdup(line ? line : "");
    if (!copy)
        return -ENOMEM;
    while (r == 0 && (name = next_item(&rest)))
        r = domains_add(&domains, name);
    if (r == 0)
        r = config_each_section(config, on_section, &collecting);
    if (r == 0)
        r = check_domains(config, &domains, ret_why);
    if (r == 0) {
        (void) config_each_section(config, spell, &domains); /* always 0 */
        *ret = domains;
        domains = (struct domains) { .names = NULL };
    }
    return to_answer(r, ret_why);
}

/* --- Services ------------------------------------------------------------------------------------------------- */

static int check_version(const struct config *config, char **ret_why)
{
    const char *version = config_get(config, "sssd", "config_file_version", NULL);
    char *end = NULL;

    if (config_engine(config) != ENGINE_2_8 || !config_has(config, "sssd", "config_file_version"))
        return 0;
    if (version && strtol(version, &end, 10) == 2 && !*end)
        return 0;
    return say_why(REFUSED, ret_why, "[sssd] config_file_version must be 2, or absent");
}

static int read_line(const struct config *config, struct services *services, char **ret_why)
{
    CLEANUP(freep) char *copy = NULL;
    const char *line = config_get(config, "sssd", "services", &services->file);
    char *rest, *name;

    rest = copy = strdup(line ? line : "");
    if (!copy)
        return -ENOMEM;

    while ((name = next_item(&rest))) {
        const struct responder *responder = responder_by_name(name);

        if (!responder)
            return say_why(REFUSED, ret_why, "%s: services: \"%.64s\" is no responder", services->file, name);
        if (services->why[responder - responders] == LISTED)
            return say_why(REFUSED, ret_why, "%s: services: %s is listed twice", services->file, name);
        services->why[responder - responders] = LISTED;
    }
    return 0;
}

/* Active Directory and IPA send PACs, so the engine starts their reader; anything but "false" lets it. */
static bool implies_pac(const struct config *config, const struct domains *domains)
{
    const char *implicit = config_get(config, "sssd", "implicit_pac_responder", NULL);

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

int services_read(const struct config *config, struct services *ret, char **ret_why)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    struct services services = { .file = NULL };
    int r;

    *ret_why = NULL;
    r = to_answer(check_version(config, ret_why), ret_why);
    if (r > 0)
        r = domains_read(config, &domains, ret_why);
    if (r > 0)
        r = to_answer(read_line(config, &services, ret_why), ret_why);
    if (r <= 0)
        return r;

    if (services.why[PAC] == NOT_THE_MONITORS && implies_pac(config, &domains))
        services.why[PAC] = IMPLIED;
    *ret = services;
    return 1;
}

bool daemons_are_own(void)
{
    return access(OWN_DAEMONS, F_OK) == 0;
}

static unsigned long in_unit(unsigned long number, const char *unit)
{
    return strcmp(unit, "ms") == 0 ? number / 1000 : strcmp(unit, "min") == 0 ? number * 60
         : strcmp(unit, "h") == 0  ? number * 3600 : number;
}

unsigned long responder_idle_sec(const struct config *config, const char *responder)
{
    const char *value = config ? config_get(config, responder, "responder_idle_timeout", NULL) : NULL;
    bool own = daemons_are_own();
    unsigned long number;
    char *end;

    if (!value)
        return IDLE_SEC;
    errno = 0;
    number = strtoul(value, &end, 10);
    if (errno != 0 || value[0] == '-' || (*end && !own))
        return IDLE_SEC;
    if (own)
        return in_unit(number, end);
    return number == 0 || number >= IDLE_SEC_MIN ? number : IDLE_SEC_MIN;
}
