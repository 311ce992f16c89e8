/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config: sssd.conf and its snippets, read and merged the way SSSD does it, with the care that root owes. */

#ifndef LIB_CONFIG_H
#define LIB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifndef CONFIG_DIR /* the tests have their own */
#define CONFIG_DIR "/etc/sssd"
#endif

/* No file of a sane configuration comes near this. */
#define CONFIG_FILE_BYTES_MAX (1024 * 1024)
#define CONFIG_SNIPPETS_MAX 256

/* Whose reading: the two differ in whom they trust with a file, and in config_file_version. */
enum engine {
    ENGINE_2_8,
    ENGINE_2_10,
};

#ifndef SSSD_ENGINE
#define SSSD_ENGINE ENGINE_2_8
#endif

struct config;

/* Reads DIR/sssd.conf and DIR/conf.d/. Returns 1 with the configuration; 0 when there is none at all; or a negative
 * errno where the engine would not start with it, or it is larger than we read. Then a sentence for the administrator
 * is in *ret_why, the caller's to free, unless memory was short. */
int config_load(const char *dir, enum engine engine, struct config **ret, char **ret_why);

/* The same with files that belong to someone else than root. */
int config_load_of(const char *dir, enum engine engine, uid_t uid, gid_t gid, struct config **ret, char **ret_why);

/* The same as if files had been edited: instead, unless it is NULL, may put other contents in the place of a file's. They stay
 * the caller's. */
typedef void config_instead(const char *path, char **text, size_t *bytes, void *userdata);
int config_load_edited(const char *dir, enum engine engine, config_instead *instead, void *userdata, struct config **ret,
                       char **ret_why);

struct config *config_free(struct config *config);
void config_freep(struct config **config);

enum engine config_engine(const struct config *config);

/* Sentences, one a line, about snippets that the engine passes over; NULL if it takes all. */
const char *config_remarks(const struct config *config);

/* The value that is in force, without blanks around it, or NULL if it is absent or empty; *ret_file (may be NULL) is
 * then the file it stands in. Both belong to the configuration. Sections and keys are the same in any case. */
const char *config_get(const struct config *config, const char *section, const char *key, const char **ret_file);

/* The files that count, in the order in which they are read; NULL past the last one. */
const char *config_file(const struct config *config, size_t i);
/* Has that file the key, in force or not? */
bool config_file_has(const struct config *config, size_t i, const char *section, const char *key);

/* Is the key there, be it without a value? */
bool config_has(const struct config *config, const char *section, const char *key);
bool config_has_section(const struct config *config, const char *section);

/* Calls on_section once with each section's name until that returns other than 0, and returns that. */
int config_each_section(const struct config *config, int (*on_section)(const char *section, void *userdata),
                        void *userdata);

/* Calls on_key with each key of the section and its value, "" if it is empty, likewise. */
int config_each_key(const struct config *config, const char *section,
                    int (*on_key)(const char *key, const char *value, void *userdata), void *userdata);

#endif
