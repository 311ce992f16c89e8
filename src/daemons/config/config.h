/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config: sssd.conf and its snippets, read once by the monitor, checked against the options we have, and handed to all
 * others in parts: whoever is activated at the instant of a change sees all of the old or all of the new. */

#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct config;

/* Reads DIR/NAME, where NAME is mostly sssd.conf, and DIR/conf.d/ *.conf in the order of their bytes, hidden ones not, as
 * SSSD 2.8 does, all of which must belong to uid and gid, and checks sections, options and values against config/options.c.
 * Returns 0 or a negative errno: -ENOENT: there is none; -EINVAL: it is refused; else it could not be read. *ret_why then has
 * a line for each fault (NULL: no memory), the caller's to free: FILE:LINE: [section] option: what is wrong; allowed: ... */
int config_load_from(const char *dir, const char *name, uid_t uid, gid_t gid, struct config **ret, char **ret_why);

/* Lines about snippets that were passed over, as SSSD does; NULL: there was none. Not part of a snapshot. */
const char *config_remarks(const struct config *config);

struct config *config_free(struct config *config);
void config_freep(struct config **config);

/* What a service ("nss", "domain/NAME") uses of it, and no more: its options, with the stamp of the files that they were read from. */
int config_part(const struct config *config, const char *service, const char *stamp, struct config **ret);
/* Where the part of that service is: DIR/nss, DIR/domain-NAME. Returns 0 or -ENOMEM. */
int config_part_path(const char *dir, const char *service, char **ret);
/* Do both say the same? */
bool config_is_same(const struct config *a, const struct config *b);

/* A text that differs when DIR/NAME or anything in DIR/conf.d has changed: sizes, times, inodes, owners and modes. To be taken
 * before the files are read. Returns 0 or a negative errno. */
int config_stamp(const char *dir, const char *name, char **ret);
/* Are the files still those that it was read from? Not where it has no stamp. */
bool config_is_of(const struct config *config, const char *dir, const char *name);
#define CONFIG_STAMP "stamp" /* a section that no file can have, and the one option there */

/* Writes it whole or not at all: a new file renamed over the old one, mode 0640 root:group. */
int config_write_snapshot(const struct config *config, const char *path, gid_t group);
/* Reads one, without libini. -ENOENT: no monitor has run since boot; -EBADMSG: it is damaged. */
int config_read_snapshot(const char *path, struct config **ret);

/* The value in force without blanks around it, or NULL: absent or empty. It lives as long as the configuration. Sections are
 * "sssd", "nss", "domain/NAME" ...; they and keys are the same in any case. [sssd] domains has those that are turned on,
 * `enabled` in their sections being minded. */
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
