/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config: sssd.conf and its snippets, read and merged the way SSSD does it, with the care that root owes.
 *
 * Each file is opened once, and what was opened is checked and read: nobody can exchange it in between. libini
 * parses, as it does for SSSD, so that its oddities are ours too (docs/services-line.md). */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ini_configobj.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/why.h"
#include "lib/config.h"

struct config_file {
    char *path;
    struct ini_cfgobj *ini;
    char **sections;
    int n_sections;
};

struct config {
    enum engine engine;
    uid_t uid, dir_uid; /* whose files may be, with these groups */
    gid_t gid, dir_gid;
    config_instead *instead;
    void *userdata;
    char *remarks;
    struct config_file files[CONFIG_SNIPPETS_MAX + 1]; /* as they are read: the last one that has a key decides */
    size_t n;
};

static void destroy_ini(struct ini_cfgobj **ini)
{
    if (*ini)
        ini_config_destroy(*ini);
}

static int check_file(const struct config *config, const char *path, const struct stat *st, char **ret_why)
{
    bool newer = config->engine == ENGINE_2_10;
    mode_t mode = st->st_mode & 07777;

    if (!S_ISREG(st->st_mode))
        return say_why(-EINVAL, ret_why, "%s is not a regular file", path);
    if (st->st_uid != config->uid && !(newer && st->st_uid == config->dir_uid))
        return say_why(-EPERM, ret_why, "%s belongs to user %u, not to root", path, (unsigned) st->st_uid);
    if (st->st_gid != config->gid && !(newer && st->st_gid == config->dir_gid))
        return say_why(-EPERM, ret_why, "%s belongs to group %u, not to root", path, (unsigned) st->st_gid);
    if (newer && (mode & 0007) != 0)
        return say_why(-EPERM, ret_why, "%s has mode %04o: other users must have no access", path, (unsigned) mode);
    if (!newer && ((mode & 0077) != 0 || (mode & 0400) == 0))
        return say_why(-EPERM, ret_why, "%s has mode %04o: only its owner may have access (0600)", path,
                       (unsigned) mode);
    if (st->st_size > CONFIG_FILE_BYTES_MAX)
        return say_why(-EFBIG, ret_why, "%s is larger than %d bytes", path, CONFIG_FILE_BYTES_MAX);
    return 0;
}

/* Links are followed, as the engine does. Opened without waiting, a pipe is only refused and can't hang us. */
static int read_file(const struct config *config, int dir_fd, const char *name, const char *path, char **ret,
                     size_t *ret_bytes, char **ret_why)
{
    CLEANUP(closep) int fd = -1;
    CLEANUP(freep) char *text = NULL;
    struct stat st;
    size_t bytes = 0;
    ssize_t n;
    int r;

    fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENXIO)
        return say_why(-EINVAL, ret_why, "%s is not a regular file", path);
    if (fd < 0 || fstat(fd, &st) < 0)
        return say_cannot(-errno, ret_why, "read", path);
    r = check_file(config, path, &st, ret_why);
    if (r < 0)
        return r;

    text = malloc((size_t) st.st_size + 1);
    if (!text)
        return -ENOMEM;
    while (bytes < (size_t) st.st_size && (n = read(fd, text + bytes, (size_t) st.st_size - bytes)) != 0) {
        if (n > 0)
            bytes += (size_t) n;
        else if (errno != EINTR)
            return say_cannot(-errno, ret_why, "read", path);
    }

    text[bytes] = '\0';
    *ret = TAKE(text);
    *ret_bytes = bytes;
    return 0;
}

/* The number of the first line in which a name, or anything if it is no UTF-8, is not plain ASCII. libini does not
 * tell; comments and values may well have such letters. */
static unsigned line_of_foreign_letter(const char *text, size_t bytes, bool in_names)
{
    unsigned line = 1;
    bool in_value = false, first = true;

    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char) text[i];

        if (c == '\n') {
            line++;
            in_value = false;
            first = true;
            continue;
        }
        if (c == '=' || (first && (c == '#' || c == ';')))
            in_value = true;
        if (c >= 0x80 && !(in_names && in_value))
            return line;
        if (c != ' ' && c != '\t')
            first = false;
    }
    return 0;
}

static int refuse_letters(int r, const char *path, const char *text, size_t bytes, char **ret_why)
{
    bool in_names = r != EILSEQ;
    unsigned line = line_of_foreign_letter(text, bytes, in_names);
    const char *what = in_names ? "the name of an option or section has letters other than ASCII" : "not UTF-8 text";

    if (line == 0 && in_names)
        what = "the name of an option or section has '!' or a control character";
    if (line == 0)
        return say_why(-EILSEQ, ret_why, "%s: %s", path, what);
    return say_why(-EILSEQ, ret_why, "%s, %s %u: %s", path, in_names ? "line" : "from line", line, what);
}

static int refuse_syntax(const char *path, struct ini_cfgobj *ini, char **ret_why)
{
    char **errors = NULL;
    const char *text;
    unsigned line = 0;
    int at = 0;

    if (ini_config_get_errors(ini, &errors) != 0)
        errors = NULL;

    /* "Error (5) on line 3: Equal sign is missing." */
    text = errors && errors[0] ? errors[0] : "syntax error";
    if (sscanf(text, "%*[^(](%*u) on line %u: %n", &line, &at) == 1 && at > 0) {
        text += at;
        (void) say_why(0, ret_why, "%s, line %u: %.*s", path, line, (int) strcspn(text, "."), text);
    } else {
        (void) say_why(0, ret_why, "%s: %s", path, text);
    }

    if (errors)
        ini_config_free_errors(errors);
    return -EBADMSG;
}

/* Returns 0; -EBADMSG for what is not written as it has to be; or -EILSEQ for letters at which the engine gives up
 * altogether. */
static int parse(const char *path, char *text, size_t bytes, struct ini_cfgobj **ret, char **ret_why)
{
    CLEANUP(destroy_ini) struct ini_cfgobj *ini = NULL;
    struct ini_cfgfile *file;
    int r;

    /* From memory libini would take it, as a file it does not. */
    if (bytes == 0)
        return say_why(-EBADMSG, ret_why, "%s is empty", path);

    if (ini_config_create(&ini) != 0)
        return -ENOMEM;
    r = ini_config_file_from_mem(text, (uint32_t) bytes, &file);
    if (r == 0) {
        r = ini_config_parse(file, INI_STOP_ON_ANY, INI_MV1S_OVERWRITE | INI_MS_MERGE, INI_PARSE_NOWRAP, ini);
        ini_config_file_destroy(file);
    }
    if (r == ENOMEM)
        return -ENOMEM;
    if (r == EIO)
        return refuse_syntax(path, ini, ret_why);
    if (r != 0)
        return refuse_letters(r, path, text, bytes, ret_why);

    *ret = TAKE(ini);
    return 0;
}

static int add_file(struct config *config, int dir_fd, const char *dir, const char *name, char **ret_why)
{
    CLEANUP(freep) char *path = NULL;
    CLEANUP(freep) char *text = NULL;
    CLEANUP(destroy_ini) struct ini_cfgobj *ini = NULL;
    struct config_file *file = &config->files[config->n];
    char *counts;
    size_t bytes = 0;
    int r;

    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    r = read_file(config, dir_fd, name, path, &text, &bytes, ret_why);
    counts = text;
    if (r == 0 && config->instead)
        config->instead(path, &counts, &bytes, config->userdata);
    if (r == 0)
        r = parse(path, counts, bytes, &ini, ret_why);
    if (r < 0)
        return r;

    file->sections = ini_get_section_list(ini, &file->n_sections, NULL);
    if (!file->sections)
        return -ENOMEM;
    file->path = TAKE(path);
    file->ini = TAKE(ini);
    config->n++;
    return 0;
}

/* The snippets that SSSD looks at: ^[^\.].*\.conf$, where the backslash is one more character excluded. */
static int is_snippet(const struct dirent *entry)
{
    return fnmatch("[!.\\]*.conf", entry->d_name, FNM_NOESCAPE) == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int remark(struct config *config, const char *text)
{
    CLEANUP(freep) char *before = TAKE(config->remarks);

    (void) say_why(0, &config->remarks, "%s%s%s", before ? before : "", before ? "\n" : "", text);
    return config->remarks ? 0 : -ENOMEM;
}

/* Does the engine pass over a snippet in this state, and go on? */
static bool is_skipped(int r, enum engine engine)
{
    if (r == -EPERM)
        return engine == ENGINE_2_8;
    /* Syntax, or empty; no file; a link to nowhere. */
    return r == -EBADMSG || r == -EINVAL || r == -ENOENT || r == -ELOOP;
}

static int add_snippet(struct config *config, int dir_fd, const char *dir, const char *name, char **ret_why)
{
    CLEANUP(freep) char *why = NULL;
    int r;

    if (config->n > CONFIG_SNIPPETS_MAX)
        return say_why(-E2BIG, ret_why, "%s has more than %d files", dir, CONFIG_SNIPPETS_MAX);

    r = add_file(config, dir_fd, dir, name, &why);
    if (is_skipped(r, config->engine))
        return why ? remark(config, why) : -ENOMEM;
    if (r < 0)
        *ret_why = TAKE(why);
    return r;
}

static int add_snippets(struct config *config, int parent_fd, const char *parent, char **ret_why)
{
    CLEANUP(closep) int dir_fd = -1;
    CLEANUP(freep) char *dir = NULL;
    struct dirent **entries = NULL;
    int n, r = 0;

    if (asprintf(&dir, "%s/conf.d", parent) < 0) {
        dir = NULL;
        return -ENOMEM;
    }
    dir_fd = openat(parent_fd, "conf.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    n = dir_fd < 0 ? -1 : scandirat(dir_fd, ".", &entries, is_snippet, by_bytes);
    if (n < 0)
        return say_cannot(-errno, ret_why, "read", dir);

    for (int i = 0; i < n; i++) {
        if (r == 0)
            r = add_snippet(config, dir_fd, dir, entries[i]->d_name, ret_why);
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int load(struct config *config, int dir_fd, const char *dir, char **ret_why)
{
    int r;

    r = add_file(config, dir_fd, dir, "sssd.conf", ret_why);
    if (r == -ENOENT) {
        free(*ret_why);
        *ret_why = NULL;
    } else if (r < 0) {
        return r;
    }

    r = add_snippets(config, dir_fd, dir, ret_why);
    if (r < 0 || config->n > 0)
        return r < 0 ? r : 1;

    /* All there is are snippets that the engine passes over. */
    if (config->remarks) {
        *ret_why = TAKE(config->remarks);
        return -EBADMSG;
    }
    return 0;
}

static int load_as(const char *dir, enum engine engine, uid_t uid, gid_t gid, config_instead *instead, void *userdata,
                   struct config **ret, char **ret_why)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(closep) int dir_fd = -1;
    struct stat st;
    int r;

    *ret_why = NULL;
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 && errno == ENOENT)
        return 0;
    if (dir_fd < 0 || fstat(dir_fd, &st) < 0)
        return say_cannot(-errno, ret_why, "read", dir);

    config = calloc(1, sizeof(*config));
    if (!config)
        return -ENOMEM;
    config->engine = engine;
    config->uid = uid;
    config->gid = gid;
    config->dir_uid = st.st_uid;
    config->dir_gid = st.st_gid;
    config->instead = instead;
    config->userdata = userdata;

    r = load(config, dir_fd, dir, ret_why);
    if (r > 0)
        *ret = TAKE(config);
    return r;
}

int config_load(const char *dir, enum engine engine, struct config **ret, char **ret_why)
{
    return config_load_edited(dir, engine, NULL, NULL, ret, ret_why);
}

int config_load_of(const char *dir, enum engine engine, uid_t uid, gid_t gid, struct config **ret, char **ret_why)
{
    return load_as(dir, engine, uid, gid, NULL, NULL, ret, ret_why);
}

int config_load_edited(const char *dir, enum engine engine, config_instead *instead, void *userdata, struct config **ret,
                       char **ret_why)
{
    return load_as(dir, engine, 0, 0, instead, userdata, ret, ret_why);
}

struct config *config_free(struct config *config)
{
    for (size_t i = 0; config && i < config->n; i++) {
        free(config->files[i].path);
        ini_free_section_list(config->files[i].sections);
        ini_config_destroy(config->files[i].ini);
    }
    if (config)
        free(config->remarks);
    free(config);
    return NULL;
}

void config_freep(struct config **config)
{
    *config = config_free(*config);
}

enum engine config_engine(const struct config *config)
{
    return config->engine;
}

const char *config_remarks(const struct config *config)
{
    return config->remarks;
}

static const char *value_in(const struct config_file *file, const char *section, const char *key)
{
    struct value_obj *value = NULL;

    if (ini_get_config_valueobj(section, key, file->ini, INI_GET_FIRST_VALUE, &value) != 0 || !value)
        return NULL;
    return ini_get_const_string_config_value(value, NULL);
}

/* The last of the first n files that has the key, be it without a value; NULL if none has. */
static const struct config_file *file_with(const struct config *config, size_t n, const char *section, const char *key)
{
    for (size_t i = n; i-- > 0;)
        if (value_in(&config->files[i], section, key))
            return &config->files[i];
    return NULL;
}

const char *config_get(const struct config *config, const char *section, const char *key, const char **ret_file)
{
    const struct config_file *file = file_with(config, config->n, section, key);
    const char *value = file ? value_in(file, section, key) : NULL;

    if (!value || !value[0])
        return NULL;
    if (ret_file)
        *ret_file = file->path;
    return value;
}

const char *config_file(const struct config *config, size_t i)
{
    return i < config->n ? config->files[i].path : NULL;
}

bool config_file_has(const struct config *config, size_t i, const char *section, const char *key)
{
    return i < config->n && value_in(&config->files[i], section, key);
}

bool config_has(const struct config *config, const char *section, const char *key)
{
    return file_with(config, config->n, section, key) != NULL;
}

static bool file_has_section(const struct config_file *file, const char *section)
{
    for (int i = 0; i < file->n_sections; i++)
        if (strcasecmp(file->sections[i], section) == 0)
            return true;
    return false;
}

static bool files_have_section(const struct config *config, size_t n, const char *section)
{
    for (size_t i = 0; i < n; i++)
        if (file_has_section(&config->files[i], section))
            return true;
    return false;
}

bool config_has_section(const struct config *config, const char *section)
{
    return files_have_section(config, config->n, section);
}

int config_each_section(const struct config *config, int (*on_section)(const char *section, void *userdata),
                        void *userdata)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->n; i++) {
        const struct config_file *file = &config->files[i];

        for (int k = 0; r == 0 && k < file->n_sections; k++)
            if (!files_have_section(config, i, file->sections[k]))
                r = on_section(file->sections[k], userdata);
    }
    return r;
}

int config_each_key(const struct config *config, const char *section,
                    int (*on_key)(const char *key, const char *value, void *userdata), void *userdata)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->n; i++) {
        const struct config_file *file = &config->files[i];
        char **keys = NULL;
        int n = 0;

        if (file_has_section(file, section))
            keys = ini_get_attribute_list(file->ini, section, &n, NULL);
        for (int k = 0; keys && r == 0 && k < n; k++) {
            const char *value = config_get(config, section, keys[k], NULL);

            if (!file_with(config, i, section, keys[k])) /* else it was told before */
                r = on_key(keys[k], value ? value : "", userdata);
        }
        if (keys)
            ini_free_attribute_list(keys);
    }
    return r;
}
