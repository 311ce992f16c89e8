/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options: every option of sssd.conf that we know, and the one place for its default. */

#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_TEXT,
    OPTION_PATH,     /* begins with a slash */
    OPTION_LIST,     /* of texts, with commas */
    OPTION_PATHS,    /* a list of paths */
    OPTION_BOOL,
    OPTION_NUMBER,   /* from min to max */
    OPTION_DURATION, /* from min to max seconds */
    OPTION_WORD,     /* one of words, in any case */
    OPTION_SERVICES, /* a list of words, each once */
    OPTION_DOMAINS,  /* a list of names of domains, each once */
    OPTION_NAMES,    /* a template for a name with its domain */
    OPTION_HOME,     /* a template for a home directory */
};

struct option {
    const char *section; /* "domain" for each [domain/NAME]; NULL for any */
    const char *key;
    enum option_type type;
    const char *fallback; /* the default */
    const char *from;     /* or the option that decides: of the same section, or else of that name in this section */
    const char *words;    /* commas part them */
    uint32_t min, max;
    const char *used_by; /* all, monitor, backend, responders, one of these by its name, or nobody: who gets it in its part */
};

/* The row for an option in a section "sssd", "nss", "domain/NAME" ..., or NULL. */
const struct option *option_find(const char *section, const char *key);

/* "domain" for "domain/NAME", the section's own name for others we know, or NULL. */
const char *option_section(const char *section);

/* The names nearest to one that is unknown, or NULL if nothing is near. */
const char *option_nearest(const char *section, const char *key);
const char *option_nearest_section(const char *section);

/* A section that has an option of that name, or NULL. */
const char *option_home(const char *key);

/* All of them, one after the other; NULL at the end. */
const struct option *option_at(size_t i);

/* A domain's name is part of names of files and sockets, and of templates. */
#define OPTION_DOMAIN_BYTES_MAX 64
#define OPTION_DOMAIN_NAMES "up to 64 letters, digits, - . _, not - or . first"
bool option_is_domain_name(const char *name);

/* Returns 0 if the value can be taken; -EINVAL with what is wrong and what is allowed in *ret_why, the caller's to free; or
 * -ENOMEM. */
int option_check(const struct option *option, const char *value, char **ret_why);

#endif
