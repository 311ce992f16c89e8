/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each file is opened once, and what was opened is checked and read: nobody can exchange it in
 * between. libini parses, as it does for SSSD, so that its oddities are ours too
 * (docs/services-line.md). */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ini_configobj.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/conf.h"
#include "common/io.h"
#include "common/why.h"

/* SSSD's were seen on 2.8.2 and 2.10.1. In ours, too, the file's group may read, as sssd.service of
 * Debian 13 makes it, but that is root's. */
const struct conf_policy conf_policies[ENGINES] = {
    [ENGINE_2_8] = { .engine = ENGINE_2_8, .never = 0077, .always = 0400, .modes = "0600" },
    [ENGINE_2_10] = { .engine = ENGINE_2_10,
                      .or_the_folders = true,
                      .never = 0007,
                      .modes = "0600 or 0640",
                      .minds_each_snippet = true },
    [ENGINE_OWN] = { .engine = ENGINE_OWN, .never = 0037, .always = 0400, .modes = "0600 or 0640" },
};

struct conf_file {
    char *path;
    char *text; /* as it was read */
    struct ini_cfgobj *ini;
    char **sections;
    int n_sections;
};

struct conf {
    struct conf_policy policy;
    uid_t dir_uid;
    gid_t dir_gid;
    conf_instead *instead;
    void *userdata;
    char *remarks;
    /* As they are read: the last one that has an option decides. */
    struct conf_file files[CONF_SNIPPETS_MAX + 1];
    size_t n;
};

/* --- One file ----------------------------------------------------------------------------------- */

static int cannot_read(int r, const char *path, char **ret_why)
{
    return say_why(r, ret_why, "%s: cannot be read: %s", path, strerror(-r));
}

static int check_file(const struct conf *conf, const char *path, const struct stat *st,
                      char **ret_why)
{
    const struct conf_policy *policy = &conf->policy;
    mode_t mode = st->st_mode & 07777;

    if (!S_ISREG(st->st_mode))
        return say_why(-EINVAL, ret_why, "%s: is not a regular file", path);
    if ((st->st_uid != policy->uid && !(policy->or_the_folders && st->st_uid == conf->dir_uid)) ||
        (st->st_gid != policy->gid && !(policy->or_the_folders && st->st_gid == conf->dir_gid)))
        return say_why(-EPERM, ret_why, "%s: belongs to user %u and group %u; allowed: %u and %u%s",
                       path, st->st_uid, st->st_gid, policy->uid, policy->gid,
                       policy->or_the_folders ? ", or whose the folder is" : "");
    if ((mode & policy->never) != 0 || (mode & policy->always) != policy->always)
        return say_why(-EPERM, ret_why, "%s: has mode %04o; allowed: %s", path, mode,
                       policy->modes);
    if (st->st_size > CONF_FILE_BYTES_MAX)
        return say_why(-EFBIG, ret_why, "%s: is larger than %d bytes", path, CONF_FILE_BYTES_MAX);
    return 0;
}

/* Links are followed, as the engine does; what they lead to is opened only if it is a file that
 * counts. A device would take notice, a pipe might hang us. */
static int open_file(const struct conf *conf, int dir_fd, const char *name, const char *path,
                     char **ret_why)
{
    CLEANUP(closep) int seen = openat(dir_fd, name, O_PATH | O_CLOEXEC);
    const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    char by_number[32];
    struct stat st;
    int fd, r;

    if (seen < 0 || fstat(seen, &st) < 0)
        return cannot_read(-errno, path, ret_why);
    r = check_file(conf, path, &st, ret_why);
    if (r < 0)
        return r;

    (void) snprintf(by_number, sizeof(by_number), "/proc/self/fd/%d", seen); /* fits */
    fd = open(by_number, flags);
    if (fd < 0 && errno == ENOENT) /* /proc is not mounted, as in a tree that is being made */
        fd = openat(dir_fd, name, flags);
    return fd < 0 ? cannot_read(-errno, path, ret_why) : fd;
}

/* Who writes a file in place shows parts of it, for moments. */
#define SETTLED_USEC 50000
#define SETTLING_USEC_MAX 2000000

static bool is_settled(const struct stat *st)
{
    struct timespec now;
    int64_t age_usec;

    (void) clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
    age_usec = (now.tv_sec - st->st_mtim.tv_sec) * INT64_C(1000000) +
               (now.tv_nsec - st->st_mtim.tv_nsec) / 1000;
    return age_usec < 0 || age_usec >= SETTLED_USEC; /* from the future: the clock was set */
}

/* Waits until nobody has written for a moment. While a file is truncated its size is seen to change
 * before its time: an empty one is looked at twice. */
static int wait_until_settled(int fd, const char *path, struct stat *ret, char **ret_why)
{
    uint64_t end = now_usec() + SETTLING_USEC_MAX;
    bool was_empty = false;

    for (;;) {
        if (fstat(fd, ret) < 0)
            return cannot_read(-errno, path, ret_why);
        if (is_settled(ret) && (ret->st_size > 0 || was_empty))
            return 0;
        if (now_usec() > end)
            return say_why(-EBUSY, ret_why, "%s: is written all the time", path);
        sleep_msec(SETTLED_USEC / 5000);
        was_empty = ret->st_size == 0;
    }
}

static bool has_changed(int fd, const struct stat *before)
{
    struct stat now;

    return fstat(fd, &now) < 0 || now.st_size != before->st_size ||
           now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

static int read_file(const struct conf *conf, int dir_fd, const char *name, const char *path,
                     char **ret, size_t *ret_bytes, char **ret_why)
{
    CLEANUP(closep) int fd = open_file(conf, dir_fd, name, path, ret_why);
    CLEANUP(freep) char *text = NULL;
    struct stat st;
    ssize_t n;
    int r;

    if (fd < 0)
        return fd;
    do {
        free(TAKE(text));
        r = wait_until_settled(fd, path, &st, ret_why);
        if (r == 0)
            r = check_file(conf, path, &st, ret_why);
        if (r < 0)
            return r;
        text = malloc((size_t) st.st_size + 1);
        if (!text)
            return -ENOMEM;
        n = lseek(fd, 0, SEEK_SET) < 0 ? -errno : io_read(fd, text, (size_t) st.st_size);
        if (n < 0)
            return cannot_read((int) n, path, ret_why);
    } while (has_changed(fd, &st));

    text[n] = '\0';
    *ret = TAKE(text);
    *ret_bytes = (size_t) n;
    return 0;
}

/* --- One text ----------------------------------------------------------------------------------- */

static void destroy_ini(struct ini_cfgobj **ini)
{
    if (*ini)
        ini_config_destroy(*ini);
}

/* The first line in which a name, or anything if in_names is false, is not plain ASCII; 0: none.
 * libini does not tell; comments and values may well have such letters. */
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

static int refuse_letters(int error, const char *path, const char *text, size_t bytes,
                          char **ret_why)
{
    bool in_names = error != EILSEQ;
    unsigned line = line_of_foreign_letter(text, bytes, in_names);
    const char *what = in_names ? "the name of an option or section has letters other than ASCII, "
                                  "'!' or a control character"
                                : "this is not UTF-8 text";

    if (line == 0)
        return say_why(-EILSEQ, ret_why, "%s: %s", path, what);
    return say_why(-EILSEQ, ret_why, "%s:%u: %s", path, line, what);
}

/* "Error (5) on line 3: Equal sign is missing." */
static int refuse_syntax(const char *path, struct ini_cfgobj *ini, char **ret_why)
{
    char **errors = NULL;
    const char *text;
    unsigned line = 0;
    int at = 0, r;

    if (ini_config_get_errors(ini, &errors) != 0)
        errors = NULL;
    text = errors && errors[0] ? errors[0] : "syntax error";
    if (sscanf(text, "%*[^(](%*u) on line %u: %n", &line, &at) == 1 && at > 0)
        r = say_why(-EBADMSG, ret_why, "%s:%u: %.*s", path, line, (int) strcspn(text + at, "."),
                    text + at);
    else
        r = say_why(-EBADMSG, ret_why, "%s: %s", path, text);

    if (errors)
        ini_config_free_errors(errors);
    return r;
}

/* Returns 0; -EBADMSG for what is not written as it has to be; or -EILSEQ for letters at which the
 * engine gives up altogether. */
static int parse(const char *path, char *text, size_t bytes, struct ini_cfgobj **ret,
                 char **ret_why)
{
    CLEANUP(destroy_ini) struct ini_cfgobj *ini = NULL;
    struct ini_cfgfile *file;
    int error;

    /* From memory libini would take it, as a file it does not. */
    if (bytes == 0)
        return say_why(-EBADMSG, ret_why, "%s: is empty", path);

    if (ini_config_create(&ini) != 0)
        return -ENOMEM;
    error = ini_config_file_from_mem(text, (uint32_t) bytes, &file);
    if (error == 0) {
        error = ini_config_parse(file, INI_STOP_ON_ANY, INI_MV1S_OVERWRITE | INI_MS_MERGE,
                                 INI_PARSE_NOWRAP, ini);
        ini_config_file_destroy(file);
    }
    if (error == ENOMEM)
        return -ENOMEM;
    if (error == EIO)
        return refuse_syntax(path, ini, ret_why);
    if (error != 0)
        return refuse_letters(error, path, text, bytes, ret_why);

    *ret = TAKE(ini);
    return 0;
}

static void file_done(struct conf_file *file)
{
    free(file->path);
    free(file->text);
    if (file->sections)
        ini_free_section_list(file->sections);
    destroy_ini(&file->ini);
}

/* Takes path and text, also when it fails. */
static int add_text(struct conf *conf, char *path, char *text, size_t bytes, char **ret_why)
{
    struct conf_file file = { .path = path, .text = text };
    int r = path && text ? parse(path, text, bytes, &file.ini, ret_why) : -ENOMEM;

    if (r == 0) {
        file.sections = ini_get_section_list(file.ini, &file.n_sections, NULL);
        if (!file.sections)
            r = -ENOMEM;
    }
    if (r == 0)
        conf->files[conf->n++] = file;
    else
        file_done(&file);
    return r;
}

/* With its zero. */
static char *copy_of(const char *text, size_t bytes)
{
    char *copy = malloc(bytes + 1);

    if (copy)
        *(char *) mempcpy(copy, text, bytes) = '\0';
    return copy;
}

static int add_file(struct conf *conf, int dir_fd, const char *dir, const char *name,
                    char **ret_why)
{
    CLEANUP(freep) char *path = NULL;
    CLEANUP(freep) char *text = NULL;
    const char *counts;
    size_t bytes = 0;
    int r;

    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    r = read_file(conf, dir_fd, name, path, &text, &bytes, ret_why);
    if (r < 0)
        return r;

    counts = text;
    if (conf->instead)
        conf->instead(path, &counts, &bytes, conf->userdata);
    return add_text(conf, TAKE(path), counts == text ? TAKE(text) : copy_of(counts, bytes), bytes,
                    ret_why);
}

/* --- All of them -------------------------------------------------------------------------------- */

/* The snippets that SSSD looks at: ^[^\.].*\.conf$, where the backslash is one more character
 * excluded. */
static int is_snippet(const struct dirent *entry)
{
    return fnmatch("[!.\\]*.conf", entry->d_name, FNM_NOESCAPE) == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int remark(struct conf *conf, const char *text)
{
    CLEANUP(freep) char *before = TAKE(conf->remarks);

    return say_why(0, &conf->remarks, "%s%s%s", before ? before : "", before ? "\n" : "", text);
}

/* Does the engine pass over a snippet in this state, and go on? */
static bool is_passed_over(int r, const struct conf_policy *policy)
{
    if (r == -EPERM)
        return !policy->minds_each_snippet;
    /* Syntax, or empty; no file; a link to nowhere. */
    return r == -EBADMSG || r == -EINVAL || r == -ENOENT || r == -ELOOP;
}

static int add_snippet(struct conf *conf, int dir_fd, const char *dir, const char *name,
                       char **ret_why)
{
    CLEANUP(freep) char *why = NULL;
    int r;

    if (conf->n > CONF_SNIPPETS_MAX)
        return say_why(-E2BIG, ret_why, "%s: has more than %d files", dir, CONF_SNIPPETS_MAX);

    r = add_file(conf, dir_fd, dir, name, &why);
    if (is_passed_over(r, &conf->policy))
        return remark(conf, why);
    if (r < 0)
        *ret_why = TAKE(why);
    return r;
}

static int add_snippets(struct conf *conf, int parent_fd, const char *parent, char **ret_why)
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
        return cannot_read(-errno, dir, ret_why);

    for (int i = 0; i < n; i++) {
        if (r == 0)
            r = add_snippet(conf, dir_fd, dir, entries[i]->d_name, ret_why);
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int read_all(struct conf *conf, int dir_fd, const char *dir, const char *name,
                    char **ret_why)
{
    CLEANUP(freep) char *why = NULL;
    int r = add_file(conf, dir_fd, dir, name, &why);

    if (r < 0 && r != -ENOENT) {
        *ret_why = TAKE(why);
        return r;
    }
    r = add_snippets(conf, dir_fd, dir, ret_why);
    if (r < 0 || conf->n > 0)
        return r < 0 ? r : 1;

    /* All there is are snippets that the engine passes over. */
    if (conf->remarks) {
        *ret_why = TAKE(conf->remarks);
        return -EBADMSG;
    }
    return 0;
}

int conf_read(const char *dir, const char *name, const struct conf_policy *policy,
              conf_instead *instead, void *userdata, struct conf **ret, char **ret_why)
{
    CLEANUP(conf_freep) struct conf *conf = NULL;
    CLEANUP(closep) int dir_fd = -1;
    struct stat st;
    int r;

    *ret_why = NULL;
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 && errno == ENOENT)
        return 0;
    if (dir_fd < 0 || fstat(dir_fd, &st) < 0)
        return cannot_read(-errno, dir, ret_why);

    conf = calloc(1, sizeof(*conf));
    if (!conf)
        return -ENOMEM;
    conf->policy = *policy;
    conf->dir_uid = st.st_uid;
    conf->dir_gid = st.st_gid;
    conf->instead = instead;
    conf->userdata = userdata;

    r = read_all(conf, dir_fd, dir, name, ret_why);
    if (r > 0)
        *ret = TAKE(conf);
    return r;
}

int conf_parse(const char *path, const char *text, size_t bytes, struct conf **ret, char **ret_why)
{
    CLEANUP(conf_freep) struct conf *conf = calloc(1, sizeof(*conf));
    int r;

    *ret_why = NULL;
    r = conf ? add_text(conf, strdup(path), copy_of(text, bytes), bytes, ret_why) : -ENOMEM;
    if (r == 0)
        *ret = TAKE(conf);
    return r;
}

struct conf *conf_free(struct conf *conf)
{
    for (size_t i = 0; conf && i < conf->n; i++)
        file_done(&conf->files[i]);
    if (conf)
        free(conf->remarks);
    free(conf);
    return NULL;
}

void conf_freep(struct conf **conf)
{
    *conf = conf_free(*conf);
}

/* --- What is in force --------------------------------------------------------------------------- */

enum engine conf_engine(const struct conf *conf)
{
    return conf->policy.engine;
}

const char *conf_remarks(const struct conf *conf)
{
    return conf->remarks;
}

const char *conf_file(const struct conf *conf, size_t i)
{
    return i < conf->n ? conf->files[i].path : NULL;
}

static bool has_section(const struct conf_file *file, const char *section)
{
    for (int i = 0; i < file->n_sections; i++)
        if (strcasecmp(file->sections[i], section) == 0)
            return true;
    return false;
}

static bool find_in(const struct conf_file *file, const char *section, const char *key,
                    struct conf_setting *ret)
{
    struct value_obj *value = NULL;
    const char *text = NULL;

    if (!key && !has_section(file, section))
        return false;
    if (key) {
        if (ini_get_config_valueobj(section, key, file->ini, INI_GET_FIRST_VALUE, &value) != 0 ||
            !value)
            return false;
        text = ini_get_const_string_config_value(value, NULL);
    }
    if (ret)
        *ret = (struct conf_setting) { file->path, file->text, section, key, text ? text : "" };
    return true;
}

/* In the last of the first n files that has it. */
static bool find_in_first(const struct conf *conf, size_t n, const char *section, const char *key,
                          struct conf_setting *ret)
{
    while (n-- > 0)
        if (find_in(&conf->files[n], section, key, ret))
            return true;
    return false;
}

bool conf_find(const struct conf *conf, const char *section, const char *key,
               struct conf_setting *ret)
{
    return find_in_first(conf, conf->n, section, key, ret);
}

bool conf_file_has(const struct conf *conf, size_t i, const char *section, const char *key)
{
    return i < conf->n && find_in(&conf->files[i], section, key, NULL);
}

const char *conf_get(const struct conf *conf, const char *section, const char *key,
                     const char **ret_file)
{
    struct conf_setting setting;

    if (!conf_find(conf, section, key, &setting) || !setting.value[0])
        return NULL;
    if (ret_file)
        *ret_file = setting.file;
    return setting.value;
}

/* Is it the name, up to the end, but for blanks? */
static bool is_name(const char *text, const char *name, char end)
{
    size_t n = strlen(name);

    text += strspn(text, " \t");
    return strncasecmp(text, name, n) == 0 && text[n + strspn(text + n, " \t")] == end;
}

/* libini keeps none for a section, and newer ones do not say that of an option. */
unsigned conf_line(const struct conf_setting *at)
{
    const char *text = at->text;
    bool is_comment = false, is_inside = false;
    unsigned found = 0;

    text += strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (unsigned line = 1; *text; line++) {
        size_t n = strcspn(text, "\n"), used = n;

        while (used > 0 && strchr(" \t\r", text[used - 1]))
            used--;
        is_comment = is_comment || strncmp(text, "/*", 2) == 0;
        if (is_comment) {
            is_comment = used < 3 || strncmp(text + used - 2, "*/", 2) != 0;
        } else if (text[strspn(text, " \t")] == '[') {
            is_inside = is_name(strchr(text, '[') + 1, at->section, ']');
            if (is_inside && !at->key)
                return line;
        } else if (is_inside && at->key && is_name(text, at->key, '=')) {
            found = line; /* the last one counts */
        }
        text += n + (text[n] == '\n');
    }
    return found;
}

/* Those of file i that no earlier one has. */
static int tell(const struct conf *conf, size_t i, const char *section, const char *key,
                conf_on_setting *on_setting, void *userdata)
{
    struct conf_setting setting;

    if (find_in_first(conf, i, section, key, NULL) || !conf_find(conf, section, key, &setting))
        return 0;
    return on_setting(&setting, userdata);
}

int conf_each_section(const struct conf *conf, conf_on_setting *on_setting, void *userdata)
{
    int r = 0;

    for (size_t i = 0; i < conf->n; i++)
        for (int k = 0; r == 0 && k < conf->files[i].n_sections; k++)
            r = tell(conf, i, conf->files[i].sections[k], NULL, on_setting, userdata);
    return r;
}

int conf_each_option(const struct conf *conf, const char *section, conf_on_setting *on_setting,
                     void *userdata)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < conf->n; i++) {
        const struct conf_file *file = &conf->files[i];
        char **keys = NULL;
        int n = 0;

        if (has_section(file, section))
            keys = ini_get_attribute_list(file->ini, section, &n, NULL);
        for (int k = 0; keys && r == 0 && k < n; k++)
            r = tell(conf, i, section, keys[k], on_setting, userdata);
        if (keys)
            ini_free_attribute_list(keys);
    }
    return r;
}
