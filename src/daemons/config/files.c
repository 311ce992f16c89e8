/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each file is opened once, and what was opened is checked and read: nobody can exchange it in between, and who writes it in
 * place is waited for. libini parses, as it does for SSSD, so that its oddities are ours too. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini_configobj.h>
#include <ini_valueobj.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/why.h"
#include "config/files.h"

struct config_file {
    char *path;
    char *text; /* as it was read */
    struct ini_cfgobj *ini;
    char **sections;
    int n_sections;
};

/* In the order in which they are read: the last one that has an option decides. */
struct config_files {
    struct config_file files[CONFIG_FILES_MAX];
    size_t n;
    char *remarks;
};

static void destroy_file_ctx(struct ini_cfgfile **file)
{
    if (*file)
        ini_config_file_destroy(*file);
}

static void destroy_ini(struct ini_cfgobj **ini)
{
    if (*ini)
        ini_config_destroy(*ini);
}

/* --- One file -------------------------------------------------------------------------------------------------- */

static int check_file(const char *path, const struct stat *st, uid_t uid, gid_t gid, char **ret_why)
{
    mode_t mode = st->st_mode & 07777;

    if (!S_ISREG(st->st_mode))
        return say_why(-EINVAL, ret_why, "%s: this is not a regular file", path);
    if (st->st_uid != uid || st->st_gid != gid)
        return say_why(-EPERM, ret_why, "%s: belongs to user %u and group %u; allowed: %u and %u", path,
                       (unsigned) st->st_uid, (unsigned) st->st_gid, (unsigned) uid, (unsigned) gid);
    /* Debian 13's sssd.service lets the file's group read, and the group is root's. */
    if ((mode & 0037) != 0 || (mode & 0400) == 0)
        return say_why(-EPERM, ret_why, "%s: has mode %04o; allowed: 0600 or 0640", path, (unsigned) mode);
    if (st->st_size > CONFIG_FILE_BYTES_MAX)
        return say_why(-EFBIG, ret_why, "%s: has %lld bytes; allowed: %d", path, (long long) st->st_size,
                       CONFIG_FILE_BYTES_MAX);
    return 0;
}

/* Who writes a file in place shows parts of it, for moments. */
#define SETTLED_USEC 50000
#define SETTLING_USEC_MAX 2000000

static bool is_settled(const struct stat *st)
{
    struct timespec now;
    int64_t age_usec;

    (void) clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
    age_usec = (now.tv_sec - st->st_mtim.tv_sec) * INT64_C(1000000) + (now.tv_nsec - st->st_mtim.tv_nsec) / 1000;
    return age_usec < 0 || age_usec >= SETTLED_USEC; /* from the future: the clock was set */
}

/* Waits until nobody has written for a moment. While a file is truncated its size is seen to change before its time: an empty
 * one is looked at twice. */
static int wait_until_settled(int fd, const char *path, struct stat *ret, char **ret_why)
{
    uint64_t end = now_usec() + SETTLING_USEC_MAX;
    bool was_empty = false;
    int r;

    for (;;) {
        if (fstat(fd, ret) < 0) {
            r = -errno;
            return say_why(r, ret_why, "%s: cannot be read: %s", path, strerror(-r));
        }
        if (is_settled(ret) && (ret->st_size > 0 || was_empty))
            return 0;
        if (now_usec() > end)
            return say_why(-EBUSY, ret_why, "%s: is written all the time", path);
        (void) usleep(SETTLED_USEC / 5); /* woken early, it looks early */
        was_empty = ret->st_size == 0;
    }
}

static bool has_changed(int fd, const struct stat *before)
{
    struct stat now;

    return fstat(fd, &now) < 0 || now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

static ssize_t read_to_end(int fd, char *text, size_t bytes)
{
    size_t used = 0;

    while (used < bytes) {
        ssize_t n = pread(fd, text + used, bytes - used, (off_t) used);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break; /* it shrank meanwhile */
        used += (size_t) n;
    }
    return (ssize_t) used;
}

/* Links are followed, as SSSD does. Opened without waiting, a pipe is only refused and cannot hang us. */
static int read_file(int dir_fd, const char *name, const char *path, uid_t uid, gid_t gid, char **ret, size_t *ret_bytes,
                     char **ret_why)
{
    CLEANUP(closep) int fd = -1;
    CLEANUP(freep) char *text = NULL;
    struct stat st;
    ssize_t n;
    int r;

    fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENXIO)
        return say_why(-EINVAL, ret_why, "%s: this is not a regular file", path);
    if (fd < 0) {
        r = -errno;
        return say_why(r, ret_why, "%s: cannot be read: %s", path, strerror(-r));
    }

    /* What does not count keeps nobody waiting. */
    if (fstat(fd, &st) < 0) {
        r = -errno;
        return say_why(r, ret_why, "%s: cannot be read: %s", path, strerror(-r));
    }
    r = check_file(path, &st, uid, gid, ret_why);
    if (r < 0)
        return r;

    do {
        freep(&text);
        text = NULL;
        r = wait_until_settled(fd, path, &st, ret_why);
        if (r == 0)
            r = check_file(path, &st, uid, gid, ret_why);
        if (r < 0)
            return r;
        text = malloc((size_t) st.st_size + 1);
        if (!text)
            return -ENOMEM;
        n = read_to_end(fd, text, (size_t) st.st_size);
        if (n < 0)
            return say_why((int) n, ret_why, "%s: cannot be read: %s", path, strerror((int) -n));
    } while (has_changed(fd, &st));

    text[n] = '\0';
    *ret = TAKE(text);
    *ret_bytes = (size_t) n;
    return 0;
}

/* The first line in which a name, or anything if in_names is false, is not plain ASCII; 0: none. libini does not tell;
 * comments and values may well have such letters. */
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

static int refuse_letters(int error, const char *path, const char *text, size_t bytes, char **ret_why)
{
    bool in_names = error != EILSEQ;
    unsigned line = line_of_foreign_letter(text, bytes, in_names);
    const char *what = in_names ? "the name of an option or section has letters other than ASCII" : "this is not UTF-8 text";

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
        r = say_why(-EBADMSG, ret_why, "%s:%u: %.*s", path, line, (int) strcspn(text + at, "."), text + at);
    else
        r = say_why(-EBADMSG, ret_why, "%s: %s", path, text);

    if (errors)
        ini_config_free_errors(errors);
    return r;
}

/* Returns 0; -EBADMSG for what is not written as it has to be; or -EILSEQ for letters at which SSSD gives up. */
static int parse(const char *path, char *text, size_t bytes, struct ini_cfgobj **ret, char **ret_why)
{
    CLEANUP(destroy_file_ctx) struct ini_cfgfile *file = NULL;
    CLEANUP(destroy_ini) struct ini_cfgobj *ini = NULL;
    int error;

    /* From memory libini would take it, as a file it does not. */
    if (bytes == 0)
        return say_why(-EBADMSG, ret_why, "%s: is empty", path);

    if (ini_config_create(&ini) != 0)
        return -ENOMEM;
    error = ini_config_file_from_mem(text, (uint32_t) bytes, &file);
    if (error == 0)
        error = ini_config_parse(file, INI_STOP_ON_ANY, INI_MV1S_OVERWRITE | INI_MS_MERGE, INI_PARSE_NOWRAP, ini);
    if (error == ENOMEM)
        return -ENOMEM;
    if (error == EIO)
        return refuse_syntax(path, ini, ret_why);
    if (error != 0)
        return refuse_letters(error, path, text, bytes, ret_why);

    *ret = TAKE(ini);
    return 0;
}

/* Takes the text, also when it fails. */
static int add_text(struct config_files *files, const char *path, char *text, size_t bytes, char **ret_why)
{
    struct config_file *file = &files->files[files->n];
    int error = 0, r;

    *file = (struct config_file) { .path = strdup(path), .text = text };
    r = file->path ? parse(path, text, bytes, &file->ini, ret_why) : -ENOMEM;
    if (r == 0) {
        file->sections = ini_get_section_list(file->ini, &file->n_sections, &error);
        if (!file->sections)
            r = -ENOMEM;
    }
    if (r == 0) {
        files->n++;
        return 0;
    }

    free(file->path);
    free(file->text);
    destroy_ini(&file->ini);
    return r;
}

static int add_file(struct config_files *files, int dir_fd, const char *dir, const char *name, uid_t uid, gid_t gid,
                    char **ret_why)
{
    CLEANUP(freep) char *path = NULL;
    char *text = NULL;
    size_t bytes = 0;
    int r;

    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    r = read_file(dir_fd, name, path, uid, gid, &text, &bytes, ret_why);
    return r < 0 ? r : add_text(files, path, text, bytes, ret_why);
}

/* --- Snippets -------------------------------------------------------------------------------------------------- */

/* Those that SSSD looks at: ^[^\.].*\.conf$, where the backslash is one more character excluded. */
static int is_snippet(const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t n = strlen(name), suffix = strlen(".conf");

    return name[0] != '.' && name[0] != '\\' && n > suffix && strcmp(name + n - suffix, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int remark(struct config_files *files, const char *text)
{
    char *remarks = NULL;

    if (asprintf(&remarks, "%s%s%s", files->remarks ? files->remarks : "", files->remarks ? "\n" : "", text) < 0)
        return -ENOMEM;
    free(files->remarks);
    files->remarks = remarks;
    return 0;
}

/* Does SSSD pass over a snippet in this state, and go on? */
static bool is_passed_over(int r)
{
    switch (r) {
    case -EBADMSG: /* syntax, or empty */
    case -EINVAL:  /* no file */
    case -ENOENT:  /* a link to nowhere */
    case -ELOOP:
    case -EPERM: /* owner or mode */
        return true;
    default:
        return false;
    }
}

static int add_snippet(struct config_files *files, int dir_fd, const char *dir, const char *name, uid_t uid, gid_t gid,
                       char **ret_why)
{
    CLEANUP(freep) char *why = NULL;
    int r;

    if (files->n == CONFIG_FILES_MAX)
        return say_why(-E2BIG, ret_why, "%s: has more files than %d", dir, CONFIG_FILES_MAX - 1);

    r = add_file(files, dir_fd, dir, name, uid, gid, &why);
    if (is_passed_over(r))
        return why ? remark(files, why) : -ENOMEM;
    if (r < 0)
        *ret_why = TAKE(why);
    return r;
}

static int add_snippets(struct config_files *files, int parent_fd, const char *parent, uid_t uid, gid_t gid, char **ret_why)
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
    if (n < 0) {
        r = -errno;
        return say_why(r, ret_why, "%s: cannot be read: %s", dir, strerror(-r));
    }

    for (int i = 0; i < n; i++) {
        if (r == 0)
            r = add_snippet(files, dir_fd, dir, entries[i]->d_name, uid, gid, ret_why);
        free(entries[i]);
    }
    free(entries);
    return r;
}

/* --- All of them ----------------------------------------------------------------------------------------------- */

static int read_all(struct config_files *files, int dir_fd, const char *dir, const char *name, uid_t uid, gid_t gid,
                    char **ret_why)
{
    CLEANUP(freep) char *why = NULL;
    int r;

    r = add_file(files, dir_fd, dir, name, uid, gid, &why);
    if (r < 0 && r != -ENOENT) {
        *ret_why = TAKE(why);
        return r;
    }
    r = add_snippets(files, dir_fd, dir, uid, gid, ret_why);
    if (r < 0 || files->n > 0)
        return r;

    /* All there is are snippets that are passed over. */
    if (files->remarks) {
        *ret_why = TAKE(files->remarks);
        return -EBADMSG;
    }
    return say_why(-ENOENT, ret_why, "%s/%s: there is no configuration", dir, name);
}

int config_files_read(const char *dir, const char *name, uid_t uid, gid_t gid, struct config_files **ret, char **ret_why)
{
    CLEANUP(config_files_freep) struct config_files *files = NULL;
    CLEANUP(closep) int dir_fd = -1;
    int r;

    *ret_why = NULL;
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        r = -errno;
        return say_why(r, ret_why, "%s: cannot be read: %s", dir, strerror(-r));
    }
    files = calloc(1, sizeof(*files));
    if (!files)
        return -ENOMEM;

    r = read_all(files, dir_fd, dir, name, uid, gid, ret_why);
    if (r == 0)
        *ret = TAKE(files);
    return r;
}

int config_files_parse(const char *path, const char *text, size_t bytes, struct config_files **ret, char **ret_why)
{
    CLEANUP(config_files_freep) struct config_files *files = calloc(1, sizeof(*files));
    char *copy = malloc(bytes + 1);
    int r;

    *ret_why = NULL;
    if (!files || !copy) {
        free(copy);
        return -ENOMEM;
    }
    *(char *) mempcpy(copy, text, bytes) = '\0';
    r = add_text(files, path, copy, bytes, ret_why);
    if (r == 0)
        *ret = TAKE(files);
    return r;
}

struct config_files *config_files_free(struct config_files *files)
{
    for (size_t i = 0; files && i < files->n; i++) {
        free(files->files[i].path);
        free(files->files[i].text);
        ini_free_section_list(files->files[i].sections);
        ini_config_destroy(files->files[i].ini);
    }
    if (files)
        free(files->remarks);
    free(files);
    return NULL;
}

void config_files_freep(struct config_files **files)
{
    *files = config_files_free(*files);
}

const char *config_files_first(const struct config_files *files)
{
    return files->files[0].path;
}

char *config_files_take_remarks(struct config_files *files)
{
    return TAKE(files->remarks);
}

/* libini keeps no line for a section. */
static uint32_t line_of_section(const char *text, const char *section)
{
    size_t n = strlen(section);
    uint32_t line = 1;

    for (; *text; line++) {
        text += strspn(text, " \t");
        if (*text == '[') {
            const char *name = text + 1 + strspn(text + 1, " \t");

            if (strncasecmp(name, section, n) == 0 && name[n + strspn(name + n, " \t")] == ']')
                return line;
        }
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return 0;
}

static bool has_section(const struct config_file *file, const char *section)
{
    for (int i = 0; i < file->n_sections; i++)
        if (strcasecmp(file->sections[i], section) == 0)
            return true;
    return false;
}

static bool has_option(const struct config_file *file, const char *section, const char *key, struct config_setting *ret)
{
    struct value_obj *value = NULL;
    const char *text;
    uint32_t line = 0;

    if (ini_get_config_valueobj(section, key, file->ini, INI_GET_FIRST_VALUE, &value) != 0 || !value)
        return false;
    text = ini_get_const_string_config_value(value, NULL);
    (void) value_get_line(value, &line); /* 0 will do */
    *ret = (struct config_setting) { file->path, line, section, key, text ? text : "" };
    return true;
}

int config_files_find(const struct config_files *files, const char *section, const char *key, struct config_setting *ret)
{
    for (size_t i = files->n; i-- > 0;) {
        const struct config_file *file = &files->files[i];

        if (key && has_option(file, section, key, ret))
            return 1;
        if (!key && has_section(file, section)) {
            *ret = (struct config_setting) { file->path, line_of_section(file->text, section), section, NULL, NULL };
            return 1;
        }
    }
    return 0;
}

/* Does an earlier file have it, so that it was told already? */
static bool was_told(const struct config_files *files, size_t n, const char *section, const char *key)
{
    struct config_setting setting;

    for (size_t i = 0; i < n; i++)
        if (key ? has_option(&files->files[i], section, key, &setting) : has_section(&files->files[i], section))
            return true;
    return false;
}

static int tell(const struct config_files *files, const char *section, const char *key,
                int (*on_setting)(const struct config_setting *setting, void *userdata), void *userdata)
{
    struct config_setting setting;

    return config_files_find(files, section, key, &setting) ? on_setting(&setting, userdata) : 0;
}

int config_files_each(const struct config_files *files, int (*on_setting)(const struct config_setting *setting, void *userdata),
                      void *userdata)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < files->n; i++) {
        const struct config_file *file = &files->files[i];

        for (int s = 0; r == 0 && s < file->n_sections; s++) {
            const char *section = file->sections[s];
            int n = 0, error = 0;
            char **keys = ini_get_attribute_list(file->ini, section, &n, &error);

            if (!was_told(files, i, section, NULL))
                r = tell(files, section, NULL, on_setting, userdata);
            for (int k = 0; keys && r == 0 && k < n; k++)
                if (!was_told(files, i, section, keys[k]))
                    r = tell(files, section, keys[k], on_setting, userdata);
            if (keys)
                ini_free_attribute_list(keys);
        }
    }
    return r;
}
