/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conf: sssd.conf and its snippets, read and merged the way SSSD does it, with the care that root
 * owes. */

#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* No file of a sane configuration comes near this. */
#define CONF_FILE_BYTES_MAX (1024 * 1024)
#define CONF_SNIPPETS_MAX 256

/* For whom it is read. SSSD 2.10 stands for all that came after it. */
enum engine {
    ENGINE_2_8,
    ENGINE_2_10,
    ENGINE_OWN,
    ENGINES,
};

/* What an engine wants of a file's owner and mode, which is all that they differ in here. */
struct conf_policy {
    enum engine engine;
    uid_t uid; /* whose a file has to be ... */
    gid_t gid;
    bool or_the_folders;     /* ... or whose the folder is: an engine with a user of its own */
    mode_t never, always;    /* bits of the mode */
    const char *modes;       /* the same for people */
    bool minds_each_snippet; /* a wrong one refuses everything; else it is passed over */
};

/* Each engine's, with root's files. */
extern const struct conf_policy conf_policies[ENGINES];

struct conf;

/* One option as it is in force: of the last file that has it. All of it belongs to the
 * configuration but section and key, where these are the asker's. */
struct conf_setting {
    const char *file;
    const char *text; /* of that file */
    const char *section;
    const char *key; /* NULL: this is the section itself */
    /* Without blanks around it, unless they stand before a zero; "" if it has none. */
    const char *value;
};

/* May put other contents in the place of a file's, which stay whose they are. */
typedef void conf_instead(const char *path, const char **text, size_t *bytes, void *userdata);

/* Reads DIR/NAME, where NAME is mostly sssd.conf, and the snippets in DIR/conf.d/, as if files had
 * been edited, unless instead is NULL. Who writes a file just now is waited for. Returns 1 with the
 * configuration; 0 when there is none at all; or a negative errno where the engine would not start
 * with it, or it is larger than we read. Then a sentence for the administrator is in *ret_why, the
 * caller's to free, unless memory was short: FILE:LINE: what is wrong. */
int conf_read(const char *dir, const char *name, const struct conf_policy *policy,
              conf_instead *instead, void *userdata, struct conf **ret, char **ret_why);

/* Of one text in memory: what files go through once they are open. path is for messages. Returns 0
 * or as above. */
int conf_parse(const char *path, const char *text, size_t bytes, struct conf **ret, char **ret_why);

struct conf *conf_free(struct conf *conf);
void conf_freep(struct conf **conf);

enum engine conf_engine(const struct conf *conf);

/* Sentences, one a line, about snippets that the engine passes over; NULL if it takes all. */
const char *conf_remarks(const struct conf *conf);

/* The files that count, in the order in which they are read; NULL past the last one. */
const char *conf_file(const struct conf *conf, size_t i);
/* Has that file the key, in force or not? */
bool conf_file_has(const struct conf *conf, size_t i, const char *section, const char *key);

/* Is the option there, be it without a value, or with key NULL the section? Then *ret, which may be
 * NULL, says what and where. Sections and keys are the same in any case. */
bool conf_find(const struct conf *conf, const char *section, const char *key,
               struct conf_setting *ret);

/* The value in force, or NULL if it is absent or empty; *ret_file (may be NULL) is then the file it
 * stands in. */
const char *conf_get(const struct conf *conf, const char *section, const char *key,
                     const char **ret_file);

/* The line on which it stands, 0 if that can't be seen. It is looked for at each call. */
unsigned conf_line(const struct conf_setting *at);

typedef int conf_on_setting(const struct conf_setting *at, void *userdata);

/* Calls on_setting once with each section, or each option of one section, until that returns other
 * than 0, and returns that. */
int conf_each_section(const struct conf *conf, conf_on_setting *on_setting, void *userdata);
int conf_each_option(const struct conf *conf, const char *section, conf_on_setting *on_setting,
                     void *userdata);

#endif
