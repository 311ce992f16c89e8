/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config: sssd.conf and its snippets, read once by the monitor, checked against the options we have, and handed to all
 * others as a snapshot: whoever is activated at the instant of a change sees all of the old or all of the new. */

#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct config;

/* Reads DIR/sssd.conf and DIR/conf.d/ in *.conf, byte order, hidden ones not, as SSSD does, and checks sections, options and values. On refusal returns -EINVAL (or the errno of the
 * read; -ENOENT: there is none) with text in *ret_why: FILE:LINE: option: what is wrong, what is allowed. */
int config_load(const char *dir, struct config **ret, char **ret_why);
struct config *config_free(struct config *config);
void config_freep(struct config **config);

/* Writes it whole or not at all: a new file renamed over the old one, mode 0640 root:group. */
int config_write_snapshot(const struct config *config, const char *path, gid_t group);
/* Reads one, without libini. -ENOENT: no monitor has run since boot. */
int config_read_snapshot(const char *path, struct config **ret);

/* The value in force without blanks around it, or NULL. It lives as long as the configuration. Sections are "sssd", "nss", "domain/NAME" ... */
const char *config_get(const struct config *config, const char *section, const char *key);
/* With the default of the option table (config/options.c), which is the one place for defaults. Asking for an option that
 * is not in the table is a mistake of ours. */
const char *config_text(const struct config *config, const char *section, const char *key); /* "" if the default is nothing */
bool config_bool(const struct config *config, const char *section, const char *key);
uint32_t config_u32(const struct config *config, const char *section, const char *key);
/* Durations: seconds, or a number with ms, s, min, h. */
uint64_t config_usec(const struct config *config, const char *section, const char *key);
/* A list of words that commas part, as a NULL-terminated array: one allocation, the caller's to free. NULL: no memory. */
char **config_list(const struct config *config, const char *section, const char *key);

#endif
