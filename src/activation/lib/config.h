/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config: sssd.conf and its snippets, read and merged the way SSSD does it, with the care that root owes. */

#ifndef LIB_CONFIG_H
#define LIB_CONFIG_H

#include <stddef.h>

/* No file of a sane configuration comes near this. */
#define CONFIG_FILE_BYTES_MAX (1024 * 1024)

struct config;

/* Reads DIR/sssd.conf and DIR/conf.d/. Returns 1 with the configuration; 0 when there is none at all; or a negative
 * errno with a sentence for the administrator in *ret_why, the caller's to free: a file that can't be trusted, is
 * too large or is no configuration. */
int config_load(const char *dir, struct config **ret, char **ret_why);
struct config *config_free(struct config *config);
void config_freep(struct config **config);

/* The value that is in force, blanks around it cut, or NULL; *ret_file (may be NULL) is the file it stands in.
 * Both belong to the configuration. */
const char *config_get(const struct config *config, const char *section, const char *key, const char **ret_file);

/* Calls on_section with each section's name until that returns other than 0, and returns that. */
int config_each_section(const struct config *config, int (*on_section)(const char *section, void *userdata),
                        void *userdata);

/* Calls on_key with each key of the section and its value likewise. */
int config_each_key(const struct config *config, const char *section,
                    int (*on_key)(const char *key, const char *value, void *userdata), void *userdata);

#endif
