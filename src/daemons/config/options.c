/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/responders.h"
#include "common/text.h"
#include "common/why.h"
#include "config/options.h"
#include "config/values.h"
#include "util/paths.h"

#define DAY (24 * 60 * 60)
#define YEAR (366 * DAY)
#define ANY_ID .max = UINT32_MAX
#define DOMAIN_PREFIX "domain/"

/* Known for the sake of configurations that have it; nothing that is answered depends on it. */
#define NOBODY "nobody"

/* clang-format off */
static const struct option options[] = {
    /* in any section */
    { NULL, "description",             OPTION_TEXT,     "",      .used_by = NOBODY },
    { NULL, "debug_level",             OPTION_NUMBER,   "2",     .max = 0xffff0, .used_by = "all" },
    { NULL, "debug",                   OPTION_NUMBER,   "2",     .max = 0xffff0, .used_by = NOBODY },
    { NULL, "debug_timestamps",        OPTION_BOOL,     "true",  .used_by = NOBODY },
    { NULL, "debug_microseconds",      OPTION_BOOL,     "false", .used_by = NOBODY },
    { NULL, "debug_backtrace_enabled", OPTION_BOOL,     "true",  .used_by = NOBODY },
    { NULL, "timeout",                 OPTION_DURATION, "10",    .max = DAY, .used_by = "all" }, /* of the watchdog; 0: off */
    { NULL, "reconnection_retries",    OPTION_NUMBER,   "3",     .max = UINT32_MAX, .used_by = NOBODY }, /* we never give up */

    { "sssd", "config_file_version",    OPTION_NUMBER,   "2",     .min = 2, .max = 2, .used_by = NOBODY },
    { "sssd", "services",               OPTION_SERVICES, "",      .words = OWN_RESPONDERS, .used_by = "responders" }, /* the monitor starts these */
    { "sssd", "domains",                OPTION_DOMAINS,  "",      .used_by = "all" },
    { "sssd", "user",                   OPTION_TEXT,     SSS_USER, .used_by = "all" },
    { "sssd", "full_name_format",       OPTION_NAMES,    "%1$s@%2$s", .used_by = "responders" },
    { "sssd", "re_expression",          OPTION_WORD,     "(?P<name>[^@]+)@?(?P<domain>[^@]*$)",
      .words = "(?P<name>[^@]+)@?(?P<domain>[^@]*$)", .used_by = "responders" },
    { "sssd", "default_domain_suffix",  OPTION_TEXT,     "",      .used_by = "responders" },
    { "sssd", "enable_files_domain",    OPTION_WORD,     "false", .words = "false", .used_by = NOBODY },
    { "sssd", "monitor_resolv_conf",    OPTION_BOOL,     "true",  .used_by = NOBODY },
    { "sssd", "try_inotify",            OPTION_BOOL,     "true",  .used_by = NOBODY },
    { "sssd", "disable_netlink",        OPTION_BOOL,     "false", .used_by = NOBODY },
    { "sssd", "implicit_pac_responder", OPTION_BOOL,     "true",  .used_by = NOBODY },

    { "nss", "fd_limit",               OPTION_NUMBER,   "8192", .min = 64, .max = UINT32_MAX, .used_by = "nss" },
    { "nss", "client_idle_timeout",    OPTION_DURATION, "60",   .max = YEAR, .used_by = "nss" },
    { "nss", "enum_cache_timeout",     OPTION_DURATION, "120",  .max = YEAR, .used_by = "nss" },
    { "nss", "entry_negative_timeout", OPTION_DURATION, "15",   .max = YEAR, .used_by = "nss" },
    { "nss", "filter_users",           OPTION_LIST,     "root", .used_by = "nss" },
    { "nss", "filter_groups",          OPTION_LIST,     "root", .used_by = "nss" },
    { "nss", "filter_users_in_groups", OPTION_BOOL,     "true", .used_by = "nss" },
    { "nss", "override_homedir",       OPTION_HOME,     "",     .used_by = "nss" },
    { "nss", "fallback_homedir",       OPTION_HOME,     "",     .used_by = "nss" },
    { "nss", "homedir_substring",      OPTION_TEXT,     "/home", .used_by = "nss" },
    { "nss", "override_shell",         OPTION_PATH,     "",     .used_by = "nss" },
    { "nss", "default_shell",          OPTION_PATH,     "",     .used_by = "nss" },
    { "nss", "shell_fallback",         OPTION_PATH,     "/bin/sh", .used_by = "nss" },
    { "nss", "allowed_shells",         OPTION_LIST,     "",     .used_by = "nss" }, /* paths, or * */
    { "nss", "vetoed_shells",          OPTION_PATHS,    "",     .used_by = "nss" },
    { "nss", "pwfield",                OPTION_TEXT,     "*",    .used_by = "nss" },
    { "nss", "memcache_timeout",       OPTION_DURATION, "300",  .max = YEAR, .used_by = "nss" },
    { "nss", "memcache_size_passwd",   OPTION_NUMBER,   "8",    .max = 1024, .used_by = "nss" }, /* megabytes; 0: none */
    { "nss", "memcache_size_group",    OPTION_NUMBER,   "6",    .max = 1024, .used_by = "nss" },
    { "nss", "memcache_size_initgroups", OPTION_NUMBER, "10",   .max = 1024, .used_by = "nss" },
    { "nss", "memcache_size_sid",      OPTION_NUMBER,   "6",    .max = 1024, .used_by = "nss" },

    { "domain", "enabled",             OPTION_BOOL,     "",     .used_by = "monitor" },
    { "domain", "id_provider",         OPTION_WORD,     "",     .words = "ldif", .used_by = "backend" },
    { "domain", "ldif_files",          OPTION_PATHS,    OWN_CONFDIR "/ldif", .used_by = "backend" },
    { "domain", "auth_provider",       OPTION_WORD,     "none", .words = "none", .used_by = NOBODY },
    { "domain", "access_provider",     OPTION_WORD,     "permit", .words = "permit, deny", .used_by = NOBODY },
    { "domain", "chpass_provider",     OPTION_WORD,     "none", .words = "none", .used_by = NOBODY },
    { "domain", "sudo_provider",       OPTION_WORD,     "none", .words = "none", .used_by = NOBODY },
    { "domain", "autofs_provider",     OPTION_WORD,     "none", .words = "none", .used_by = NOBODY },
    { "domain", "hostid_provider",     OPTION_WORD,     "none", .words = "none", .used_by = NOBODY },
    { "domain", "subdomains_provider", OPTION_WORD,     "none", .words = "none", .used_by = NOBODY },
    { "domain", "selinux_provider",    OPTION_WORD,     "none", .words = "none", .used_by = NOBODY },
    { "domain", "session_provider",    OPTION_WORD,     "none", .words = "none", .used_by = NOBODY },
    { "domain", "resolver_provider",   OPTION_WORD,     "none", .words = "none", .used_by = NOBODY },
    { "domain", "cache_credentials",   OPTION_WORD,     "false", .words = "false", .used_by = NOBODY },
    { "domain", "realmd_tags",         OPTION_TEXT,     "",     .used_by = NOBODY },

    { "domain", "entry_cache_timeout", OPTION_DURATION, "5400", .max = YEAR, .used_by = "all" },
    { "domain", "entry_cache_user_timeout", OPTION_DURATION, .from = "entry_cache_timeout", .max = YEAR, .used_by = "backend" },
    { "domain", "entry_cache_group_timeout", OPTION_DURATION, .from = "entry_cache_timeout", .max = YEAR, .used_by = "backend" },
    { "domain", "entry_cache_netgroup_timeout", OPTION_DURATION, .from = "entry_cache_timeout", .max = YEAR, .used_by = "backend" },
    { "domain", "entry_cache_service_timeout", OPTION_DURATION, .from = "entry_cache_timeout", .max = YEAR, .used_by = "backend" },
    { "domain", "offline_timeout",     OPTION_DURATION, "60",   .max = DAY, .used_by = "all" },
    { "domain", "ldap_group_nesting_level", OPTION_NUMBER, "2", .max = 1024, .used_by = "backend" },
    { "domain", "min_id",              OPTION_NUMBER,   "1",    ANY_ID, .used_by = "all" },
    { "domain", "max_id",              OPTION_NUMBER,   "0",    ANY_ID, .used_by = "all" }, /* 0: no limit */
    { "domain", "override_gid",        OPTION_NUMBER,   "0",    ANY_ID, .used_by = "responders" }, /* 0: not */
    { "domain", "case_sensitive",      OPTION_WORD,     "true", .words = "true, false, preserving", .used_by = "all" },
    { "domain", "enumerate",           OPTION_BOOL,     "false", .used_by = "nss" },
    { "domain", "ignore_group_members", OPTION_BOOL,    "false", .used_by = "nss" },
    { "domain", "use_fully_qualified_names", OPTION_BOOL, "false", .used_by = "responders" }, /* true with default_domain_suffix */
    { "domain", "full_name_format",    OPTION_NAMES,    .from = "sssd", .used_by = "responders" },
    { "domain", "re_expression",       OPTION_WORD,     .from = "sssd",
      .words = "(?P<name>[^@]+)@?(?P<domain>[^@]*$)", .used_by = "responders" },
    { "domain", "filter_users",        OPTION_LIST,     "",     .used_by = "nss" }, /* besides those of [nss] */
    { "domain", "filter_groups",       OPTION_LIST,     "",     .used_by = "nss" },
    { "domain", "override_homedir",    OPTION_HOME,     .from = "nss", .used_by = "nss" },
    { "domain", "fallback_homedir",    OPTION_HOME,     .from = "nss", .used_by = "nss" },
    { "domain", "homedir_substring",   OPTION_TEXT,     .from = "nss", .used_by = "nss" },
    { "domain", "override_shell",      OPTION_PATH,     .from = "nss", .used_by = "nss" },
    { "domain", "default_shell",       OPTION_PATH,     .from = "nss", .used_by = "nss" },
    { "domain", "pwfield",             OPTION_TEXT,     .from = "nss", .used_by = "nss" },
};
/* clang-format on */

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

const struct option *option_at(size_t i)
{
    return i < N_OPTIONS ? &options[i] : NULL;
}

const char *option_section(const char *section)
{
    if (strncasecmp(section, DOMAIN_PREFIX, strlen(DOMAIN_PREFIX)) == 0)
        return "domain";
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (options[i].section && strcmp(options[i].section, "domain") != 0 && strcasecmp(options[i].section, section) == 0)
            return options[i].section;
    return NULL;
}

static bool is_in(const struct option *option, const char *section)
{
    return !option->section || strcmp(option->section, section) == 0;
}

const struct option *option_find(const char *section, const char *key)
{
    const char *kind = option_section(section);

    for (size_t i = 0; kind && i < N_OPTIONS; i++)
        if (is_in(&options[i], kind) && strcasecmp(options[i].key, key) == 0)
            return &options[i];
    return NULL;
}

const char *option_home(const char *key)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (options[i].section && strcasecmp(options[i].key, key) == 0)
            return options[i].section;
    return NULL;
}

/* --- What may have been meant ---------------------------------------------------------------------------------- */

#define NAME_BYTES_MAX 64

/* How many letters have to be put, taken or changed to make one of the other. */
static size_t distance(const char *a, const char *b)
{
    size_t n_a = strlen(a), n_b = strlen(b);
    size_t row[NAME_BYTES_MAX + 1];

    if (n_a > NAME_BYTES_MAX || n_b > NAME_BYTES_MAX)
        return SIZE_MAX;
    for (size_t k = 0; k <= n_b; k++)
        row[k] = k;
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t k = 1; k <= n_b; k++) {
            size_t best = diagonal + (strncasecmp(a + i - 1, b + k - 1, 1) != 0);

            diagonal = row[k];
            if (row[k] + 1 < best)
                best = row[k] + 1;
            if (row[k - 1] + 1 < best)
                best = row[k - 1] + 1;
            row[k] = best;
        }
    }
    return row[n_b];
}

/* Near enough to be a slip of the pen. */
static size_t distance_max(const char *name)
{
    size_t n = strlen(name);

    return n < 4 ? 1 : n < 8 ? 2 : 3;
}

const char *option_nearest(const char *section, const char *key)
{
    const char *kind = option_section(section), *nearest = NULL;
    size_t limit = distance_max(key) + 1;

    for (size_t i = 0; kind && i < N_OPTIONS; i++) {
        size_t d = is_in(&options[i], kind) ? distance(options[i].key, key) : SIZE_MAX;

        if (d < limit) {
            limit = d;
            nearest = options[i].key;
        }
    }
    return nearest;
}

const char *option_nearest_section(const char *section)
{
    size_t limit = distance_max(section) + 1;
    const char *nearest = NULL;

    for (size_t i = 0; i < N_OPTIONS; i++) {
        size_t d = options[i].section ? distance(options[i].section, section) : SIZE_MAX;

        if (d < limit) {
            limit = d;
            nearest = options[i].section;
        }
    }
    return nearest && strcmp(nearest, "domain") == 0 ? "domain/NAME" : nearest;
}

/* --- Values ---------------------------------------------------------------------------------------------------- */

static int check_number(const struct option *option, const char *value, char **ret_why)
{
    uint32_t number;

    if (value_parse_u32(value, &number) == 0 && number >= option->min && number <= option->max)
        return 0;
    if (option->min == option->max)
        return say_why(-EINVAL, ret_why, "\"%s\" is not supported; allowed: %u", value, option->min);
    return say_why(-EINVAL, ret_why, "\"%s\" is not such a number; allowed: %u to %u", value, option->min, option->max);
}

static int check_duration(const struct option *option, const char *value, char **ret_why)
{
    uint64_t usec;

    if (text_to_usec(value, &usec) == 0 && usec >= option->min * UINT64_C(1000000) &&
        usec <= option->max * UINT64_C(1000000))
        return 0;
    return say_why(-EINVAL, ret_why, "\"%s\" is not such a time; allowed: %u to %u seconds, or a number with ms, s, min or h", value,
                  option->min, option->max);
}

static bool has_word(char **words, const char *word, bool any_case)
{
    for (; *words; words++)
        if ((any_case ? strcasecmp : strcmp)(*words, word) == 0)
            return true;
    return false;
}

static int check_word(const struct option *option, const char *value, char **ret_why)
{
    CLEANUP(freep) char **words = text_list(option->words);

    if (!words)
        return -ENOMEM;
    if (has_word(words, value, true))
        return 0;
    return say_why(-EINVAL, ret_why, "this build does not have \"%s\"; allowed: %s", value, option->words);
}

static bool is_twice(char **items, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcasecmp(items[k], items[i]) == 0)
            return true;
    return false;
}

static int check_services(const struct option *option, const char *value, char **ret_why)
{
    CLEANUP(freep) char **words = text_list(option->words);
    CLEANUP(freep) char **items = text_list(value);

    if (!words || !items)
        return -ENOMEM;
    for (size_t i = 0; items[i]; i++) {
        if (!has_word(words, items[i], false)) /* SSSD wants small letters too */
            return say_why(-EINVAL, ret_why, "this build does not have \"%s\"; allowed: %s", items[i], option->words);
        if (is_twice(items, i))
            return say_why(-EINVAL, ret_why, "\"%s\" is there twice; allowed: each once", items[i]);
    }
    return 0;
}

bool option_is_domain_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");

    return n > 0 && n <= OPTION_DOMAIN_BYTES_MAX && !name[n] && name[0] != '.' && name[0] != '-';
}

static int check_domains(const char *value, char **ret_why)
{
    CLEANUP(freep) char **items = text_list(value);

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; items[i]; i++) {
        if (!option_is_domain_name(items[i]))
            return say_why(-EINVAL, ret_why, "\"%s\" cannot be a domain; allowed: " OPTION_DOMAIN_NAMES, items[i]);
        if (is_twice(items, i))
            return say_why(-EINVAL, ret_why, "\"%s\" is there twice; allowed: each once", items[i]);
    }
    return 0;
}

static int check_path(const char *value, char **ret_why)
{
    return value[0] == '/' ? 0 : say_why(-EINVAL, ret_why, "\"%s\" is not a path; allowed: one that begins with /", value);
}

static int check_paths(const char *value, char **ret_why)
{
    CLEANUP(freep) char **items = text_list(value);
    int r = 0;

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && items[i]; i++)
        r = check_path(items[i], ret_why);
    return r;
}

/* SSSD's template is a format of printf; only these words of it mean anything here. */
static int check_names(const char *value, char **ret_why)
{
    bool has_name = false, is_fine = true;

    for (const char *at = strchr(value, '%'); at && is_fine; at = strchr(at, '%')) {
        bool is_name = strncmp(at, "%1$s", 4) == 0;

        has_name |= is_name;
        if (is_name || strncmp(at, "%2$s", 4) == 0)
            at += 4;
        else if (strncmp(at, "%%", 2) == 0)
            at += 2;
        else
            is_fine = false;
    }
    if (is_fine && has_name)
        return 0;
    return say_why(-EINVAL, ret_why, "\"%s\" is no template for names; allowed: text with %%1$s (the name), %%2$s (the domain), %%%%",
                  value);
}

static int check_home(const char *value, char **ret_why)
{
    for (const char *at = strchr(value, '%'); at; at = strchr(at + 2, '%'))
        if (!at[1] || !strchr("uUdflohH%", at[1]))
            return say_why(-EINVAL, ret_why, "\"%s\" is no template for a folder; allowed: text with %%u %%U %%d %%f %%l %%o %%h %%H %%%%",
                          value);
    return 0;
}

int option_check(const struct option *option, const char *value, char **ret_why)
{
    bool is;

    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_LIST:
        return 0;
    case OPTION_PATH:
        return check_path(value, ret_why);
    case OPTION_PATHS:
        return check_paths(value, ret_why);
    case OPTION_BOOL:
        return value_parse_bool(value, &is) == 0 ? 0 : say_why(-EINVAL, ret_why, "\"%s\" is neither; allowed: true, false", value);
    case OPTION_NUMBER:
        return check_number(option, value, ret_why);
    case OPTION_DURATION:
        return check_duration(option, value, ret_why);
    case OPTION_WORD:
        return check_word(option, value, ret_why);
    case OPTION_SERVICES:
        return check_services(option, value, ret_why);
    case OPTION_DOMAINS:
        return check_domains(value, ret_why);
    case OPTION_NAMES:
        return check_names(value, ret_why);
    case OPTION_HOME:
        return check_home(value, ret_why);
    }
    assert(false);
    return -EINVAL;
}
