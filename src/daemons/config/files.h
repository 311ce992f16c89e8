/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files: sssd.conf and its snippets, read and merged the way SSSD 2.8 does it, with the care that root owes. */

#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* More of either is not read. */
#define CONFIG_FILE_BYTES_MAX (1024 * 1024)
#define CONFIG_FILES_MAX 257

struct config_files;

/* One option as it is in force: of the last file that has it. All of it belongs to the files but the key, which is as good as
 * the call it came with. */
struct config_setting {
    const char *file;
    uint32_t line; /* 0: not known */
    const char *section;
    const char *key; /* NULL: this is the section itself */
    const char *value;
};

/* Reads DIR/NAME and DIR/conf.d/ *.conf, which must belong to uid and gid. Returns 0 or a negative errno with a line in
 * *ret_why, the caller's to free, unless memory was short. -ENOENT: there is no configuration. */
int config_files_read(const char *dir, const char *name, uid_t uid, gid_t gid, struct config_files **ret, char **ret_why);

/* Of one text in memory: what the files go through once they are open. path is for messages. */
int config_files_parse(const char *path, const char *text, size_t bytes, struct config_files **ret, char **ret_why);

struct config_files *config_files_free(struct config_files *files);
void config_files_freep(struct config_files **files);

/* The path of the first one that counts. */
const char *config_files_first(const struct config_files *files);

/* Lines about snippets that SSSD passes over, so we do; the caller's from now on. NULL: none. */
char *config_files_take_remarks(struct config_files *files);

/* Calls on_setting with each section, and then with each option that one file has of it, until it returns other than 0, and returns that. */
int config_files_each(const struct config_files *files, int (*on_setting)(const struct config_setting *setting, void *userdata),
                      void *userdata);

/* Finds where an option, or with key NULL a section, stands. Returns 1, or 0 if it does not. */
int config_files_find(const struct config_files *files, const char *section, const char *key, struct config_setting *ret);

#endif
