/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overrides: homes and shells as the administrator wants them. */

#ifndef NSS_OVERRIDES_H
#define NSS_OVERRIDES_H

struct cache_user;
struct config;
struct domain;
struct packet_writer;
struct shells;

/* Writes a user's home as one text: by override_homedir, its own, or by fallback_homedir; all three may be templates. */
void overrides_put_home(struct packet_writer *out, const struct domain *domain, const struct cache_user *user);

/* Reads the options about shells, and the file (/etc/shells) that says which ones this host has. */
int shells_new(const struct config *config, const char *file, struct shells **ret);
struct shells *shells_free(struct shells *shells);
/* What becomes of a user's shell ("" if it has none). */
const char *shells_choose(const struct shells *shells, const struct domain *domain, const char *shell);

#endif
