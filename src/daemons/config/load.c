/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Load: whatever sssd.conf says is checked before anything acts on it, and all its faults are told at once. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/conf.h"
#include "common/why.h"
#include "config/config.h"
#include "config/image.h"
#include "config/load.h"
#include "config/options.h"
#include "config/values.h"

#define DOMAIN_PREFIX "domain/"

struct loading {
    const struct conf *conf;
    struct config_entry *entries;
    size_t n, room;
    FILE *faults;
    size_t n_faults;
    bool domains_refused;
};

/* --- Telling what is wrong ------------------------------------------------------------------------------------- */

static void begin_fault(struct loading *loading, const struct conf_setting *at, const char *section, const char *key)
{
    unsigned line = at->text ? conf_line(at) : 0;

    fprintf(loading->faults, "%s%s", loading->n_faults++ > 0 ? "\n" : "", at->file);
    if (line > 0)
        fprintf(loading->faults, ":%u", line);
    fprintf(loading->faults, ": [%s]%s%s: ", section, key ? " " : "", key ? key : "");
}

/* Begins a line about an option, or the section that should have it, or else the first file. */
static void begin_fault_of(struct loading *loading, const char *section, const char *key)
{
    struct conf_setting at = { .file = conf_file(loading->conf, 0) };

    if (!conf_find(loading->conf, section, key, &at))
        (void) conf_find(loading->conf, section, NULL, &at); /* or nowhere: then the file will do */
    begin_fault(loading, &at, section, key);
}

static void refuse_section(struct loading *loading, const struct conf_setting *at)
{
    const char *nearest = option_nearest_section(at->section);

    begin_fault(loading, at, at->section, NULL);
    fprintf(loading->faults, "this build has no such section; ");
    if (nearest)
        fprintf(loading->faults, "perhaps [%s]; ", nearest);
    fprintf(loading->faults, "allowed: [sssd], [nss], [domain/NAME]");
}

static void refuse_option(struct loading *loading, const struct conf_setting *at)
{
    const char *nearest = option_nearest(at->section, at->key);
    const char *home = option_home(at->key);

    begin_fault(loading, at, at->section, at->key);
    fprintf(loading->faults, "this build has no such option here; ");
    if (home)
        fprintf(loading->faults, "it belongs to [%s]", strcmp(home, "domain") == 0 ? "domain/NAME" : home);
    else if (nearest)
        fprintf(loading->faults, "perhaps %s", nearest);
    else
        fprintf(loading->faults, "nor one with a name like that");
}

/* --- Each option ----------------------------------------------------------------------------------------------- */

static int add_entry(struct loading *loading, const char *section, const char *key, const char *value)
{
    if (loading->n == loading->room) {
        size_t room = loading->room ? 2 * loading->room : 64;
        struct config_entry *entries = reallocarray(loading->entries, room, sizeof(*entries));

        if (!entries)
            return -ENOMEM;
        loading->entries = entries;
        loading->room = room;
    }
    loading->entries[loading->n++] = (struct config_entry) { section, key, value };
    return 0;
}

static int on_option(const struct conf_setting *at, void *userdata)
{
    struct loading *loading = userdata;
    CLEANUP(freep) char *why = NULL;
    const struct option *option = option_find(at->section, at->key);
    int r;

    if (!option) {
        refuse_option(loading, at);
        return 0;
    }
    r = at->value[0] ? option_check(option, at->value, &why) : 0; /* an empty one is as good as absent */
    if (r == -EINVAL) {
        begin_fault(loading, at, at->section, option->key);
        fprintf(loading->faults, "%s", why);
        loading->domains_refused = loading->domains_refused || option->type == OPTION_DOMAINS;
        return 0;
    }
    return r < 0 ? r : add_entry(loading, at->section, option->key, at->value);
}

static int on_section(const struct conf_setting *at, void *userdata)
{
    struct loading *loading = userdata;
    const char *kind = option_section(at->section);

    if (!kind) {
        refuse_section(loading, at);
        return 0;
    }
    if (strcmp(kind, "domain") == 0 && !option_is_domain_name(at->section + strlen(DOMAIN_PREFIX))) {
        begin_fault(loading, at, at->section, NULL);
        fprintf(loading->faults, "this cannot be a domain; allowed: " OPTION_DOMAIN_NAMES);
    }
    return conf_each_option(loading->conf, at->section, on_option, loading);
}

/* --- What belongs together ------------------------------------------------------------------------------------- */

static const char *get_of_domain(const struct config *draft, const char *domain, const char *key)
{
    char section[sizeof(DOMAIN_PREFIX) + OPTION_DOMAIN_BYTES_MAX];

    (void) snprintf(section, sizeof(section), DOMAIN_PREFIX "%s", domain);
    return config_get(draft, section, key);
}

static bool is_word(const char *text, const char *word)
{
    return text && strcasecmp(text, word) == 0;
}

static bool has_item(char **items, const char *item)
{
    for (; *items; items++)
        if (strcasecmp(*items, item) == 0)
            return true;
    return false;
}

/* Those that are turned on: listed and not turned off in their section, then those that are only turned on there, in the
 * order of their names. */
static int write_domains(const struct loading *loading, const struct config *draft, FILE *out)
{
    CLEANUP(freep) char **listed = config_list(draft, "sssd", "domains");
    const char *comma = "";

    if (!listed)
        return -ENOMEM;
    for (size_t i = 0; listed[i]; i++) {
        if (is_word(get_of_domain(draft, listed[i], "enabled"), "false"))
            continue;
        fprintf(out, "%s%s", comma, listed[i]);
        comma = ", ";
    }

    /* The draft has put the entries in order. */
    for (size_t i = 0; i < loading->n; i++) {
        const struct config_entry *entry = &loading->entries[i];
        const char *domain = entry->section + strlen(DOMAIN_PREFIX);

        if (strcmp(entry->key, "enabled") != 0 || !is_word(config_get(draft, entry->section, "enabled"), "true") ||
            has_item(listed, domain))
            continue;
        fprintf(out, "%s%s", comma, domain);
        comma = ", ";
    }
    return 0;
}

static int set_domains(struct loading *loading, const char *domains)
{
    for (size_t i = 0; i < loading->n; i++) {
        struct config_entry *entry = &loading->entries[i];

        if (strcasecmp(entry->section, "sssd") == 0 && strcmp(entry->key, "domains") == 0) {
            entry->value = domains;
            return 0;
        }
    }
    return add_entry(loading, "sssd", "domains", domains);
}

static void check_domain(struct loading *loading, const struct config *config, const char *domain)
{
    char section[sizeof(DOMAIN_PREFIX) + OPTION_DOMAIN_BYTES_MAX];

    (void) snprintf(section, sizeof(section), DOMAIN_PREFIX "%s", domain);
    if (!conf_find(loading->conf, section, NULL, NULL)) {
        begin_fault_of(loading, "sssd", "domains");
        fprintf(loading->faults, "\"%s\" has no section [%s]", domain, section);
        return;
    }
    if (!config_get(config, section, "id_provider") && !conf_find(loading->conf, section, "id_provider", NULL)) {
        begin_fault_of(loading, section, "id_provider");
        fprintf(loading->faults, "is missing; allowed: %s", option_find(section, "id_provider")->words);
    }
    if (config_u32(config, section, "max_id") > 0 &&
        config_u32(config, section, "max_id") < config_u32(config, section, "min_id")) {
        begin_fault_of(loading, section, "max_id");
        fprintf(loading->faults, "is below min_id; allowed: %u and up, or 0", config_u32(config, section, "min_id"));
    }
    if (config_get(config, "sssd", "default_domain_suffix") &&
        is_word(config_get(config, section, "use_fully_qualified_names"), "false")) {
        begin_fault_of(loading, section, "use_fully_qualified_names");
        fprintf(loading->faults, "cannot be false while [sssd] has default_domain_suffix; allowed: true");
    }
}

static int check_together(struct loading *loading, const struct config *config)
{
    CLEANUP(freep) char **domains = config_list(config, "sssd", "domains");
    const char *suffix = config_get(config, "sssd", "default_domain_suffix");
    struct conf_setting at;

    if (!domains)
        return -ENOMEM;
    for (size_t i = 0; domains[i]; i++)
        check_domain(loading, config, domains[i]);

    if (!domains[0] && !loading->domains_refused) {
        begin_fault_of(loading, "sssd", "domains");
        fprintf(loading->faults, "no domain is turned on; allowed: names of sections [domain/NAME]");
    }
    /* SSSD 2.8 takes this one for a wrong number, unlike all others. */
    if (conf_find(loading->conf, "sssd", "config_file_version", &at) && !at.value[0]) {
        begin_fault(loading, &at, "sssd", "config_file_version");
        fprintf(loading->faults, "is empty; allowed: 2");
    }
    if (suffix && domains[0] && !has_item(domains, suffix) &&
        conf_find(loading->conf, "sssd", "default_domain_suffix", &at)) {
        begin_fault(loading, &at, "sssd", "default_domain_suffix");
        fprintf(loading->faults, "\"%s\" is none of the domains; allowed: %s", suffix, config_get(config, "sssd", "domains"));
    }
    return 0;
}

static int build(struct loading *loading, struct config **ret)
{
    CLEANUP(config_freep) struct config *draft = NULL;
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *domains = NULL;
    size_t bytes = 0;
    FILE *out;
    int r;

    r = config_from_entries(loading->entries, loading->n, &draft);
    if (r < 0)
        return r;

    out = open_memstream(&domains, &bytes);
    if (!out)
        return -ENOMEM;
    r = write_domains(loading, draft, out);
    if (fclose(out) != 0 && r == 0)
        r = -ENOMEM;
    if (r == 0)
        r = set_domains(loading, domains);
    if (r == 0)
        r = config_from_entries(loading->entries, loading->n, &config);
    if (r == 0)
        r = check_together(loading, config);
    if (r == 0)
        *ret = TAKE(config);
    return r;
}

int config_from_conf(const struct conf *conf, struct config **ret, char **ret_why)
{
    CLEANUP(config_freep) struct config *config = NULL;
    struct loading loading = { .conf = conf };
    char *why = NULL;
    size_t bytes = 0;
    int r;

    loading.faults = open_memstream(&why, &bytes);
    if (!loading.faults)
        return -ENOMEM;
    r = conf_each_section(conf, on_section, &loading);
    if (r == 0)
        r = build(&loading, &config);
    if (fclose(loading.faults) != 0 && r == 0)
        r = -ENOMEM;
    free(loading.entries);

    if (r == 0 && loading.n_faults > 0) {
        *ret_why = why;
        return -EINVAL;
    }
    free(why);
    if (r == 0)
        *ret = TAKE(config);
    return r;
}

int config_load_from(const char *dir, const char *name, uid_t uid, gid_t gid, struct config **ret, char **ret_why)
{
    CLEANUP(conf_freep) struct conf *conf = NULL;
    struct conf_policy policy = conf_policies[ENGINE_OWN];
    int r;

    policy.uid = uid;
    policy.gid = gid;
    r = conf_read(dir, name, &policy, NULL, NULL, &conf, ret_why);
    if (r == 0)
        return say_why(-ENOENT, ret_why, "%s/%s: there is no configuration", dir, name);
    if (r > 0)
        r = config_from_conf(conf, ret, ret_why);
    if (r == 0 && conf_remarks(conf))
        r = config_set_remarks(*ret, conf_remarks(conf));
    return r;
}
