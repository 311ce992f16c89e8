/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config: sssd.conf and its snippets, read and merged the way SSSD does it, with the care that root owes. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini_configobj.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/config.h"

#define SNIPPETS_MAX 256

struct config_file {
    char *path;
    struct ini_cfgobj *ini;
};

/* In the order in which they are read: the last one that has a key decides. */
struct config {
    struct config_file files[SNIPPETS_MAX + 1];
    size_t n;
};

static void destroy_file_ctx(struct ini_cfgfile **file)
{
    if (*file)
        ini_config_file_destroy(*file);
}

static int read_to_end(int fd, char *text, size_t bytes)
{
    size_t used = 0;

    while (used < bytes) {
        ssize_t n = read(fd, text + used, bytes - used);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return (int) used; /* it shrank meanwhile */
        used += (size_t) n;
    }
    return (int) used;
}

/* Reads a regular file, and only that: a link could lead anywhere, a pipe would never end. */
static int read_file(int dir_fd, const char *name, char **ret, size_t *ret_bytes)
{
    CLEANUP(closep) int fd = -1;
    CLEANUP(freep) char *text = NULL;
    struct stat st;
    int n;

    fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (st.st_size > CONFIG_FILE_BYTES_MAX)
        return -EFBIG;

    text = malloc((size_t) st.st_size + 1);
    if (!text)
        return -ENOMEM;
    n = read_to_end(fd, text, (size_t) st.st_size);
    if (n < 0)
        return n;

    text[n] = '\0';
    *ret = TAKE(text);
    *ret_bytes = (size_t) n;
    return 0;
}

static int parse(const char *path, char *text, size_t bytes, struct ini_cfgobj **ret)
{
    CLEANUP(destroy_file_ctx) struct ini_cfgfile *file = NULL;
    struct ini_cfgobj *ini = NULL;
    int r;

    (void) path;
    r = ini_config_create(&ini);
    if (r != 0)
        return -r;
    r = bytes == 0 ? 0 : ini_config_file_from_mem(text, (uint32_t) bytes, &file);
    if (r == 0 && file)
        r = ini_config_parse(file, INI_STOP_ON_ANY, INI_MV1S_OVERWRITE, INI_PARSE_IGNORE_NON_KVP, ini);
    if (r != 0) {
        ini_config_destroy(ini);
        return r == ENOMEM ? -ENOMEM : -EBADMSG;
    }
    *ret = ini;
    return 0;
}

static int add_file(struct config *config, int dir_fd, const char *dir, const char *name)
{
    CLEANUP(freep) char *text = NULL;
    CLEANUP(freep) char *path = NULL;
    struct ini_cfgobj *ini = NULL;
    size_t bytes = 0;
    int r;

    if (config->n > SNIPPETS_MAX)
        return -E2BIG;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return -ENOMEM;

    r = read_file(dir_fd, name, &text, &bytes);
    if (r < 0)
        return r;
    r = parse(path, text, bytes, &ini);
    if (r < 0)
        return r;

    config->files[config->n++] = (struct config_file) { .path = TAKE(path), .ini = ini };
    return 0;
}

/* The snippets that SSSD looks at: not hidden, ending in .conf. */
static int is_snippet(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return entry->d_name[0] != '.' && n > strlen(".conf") && strcmp(entry->d_name + n - strlen(".conf"), ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_snippets(struct config *config, const char *dir, char **ret_why)
{
    CLEANUP(closep) int dir_fd = -1;
    struct dirent **entries = NULL;
    int n, r = 0;

    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return errno == ENOENT ? 0 : -errno;

    n = scandir(dir, &entries, is_snippet, by_bytes);
    if (n < 0)
        return -errno;

    for (int i = 0; i < n; i++) {
        if (r == 0)
            r = add_file(config, dir_fd, dir, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    (void) ret_why;
    return r;
}

int config_load(const char *dir, struct config **ret, char **ret_why)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(closep) int dir_fd = -1;
    CLEANUP(freep) char *snippets = NULL;
    int r;

    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    config = calloc(1, sizeof(*config));
    if (!config || asprintf(&snippets, "%s/conf.d", dir) < 0)
        return -ENOMEM;

    r = add_file(config, dir_fd, dir, "sssd.conf");
    if (r < 0 && r != -ENOENT)
        return r;
    r = add_snippets(config, snippets, ret_why);
    if (r < 0)
        return r;
    if (config->n == 0)
        return 0;

    *ret = TAKE(config);
    return 1;
}

struct config *config_free(struct config *config)
{
    for (size_t i = 0; config && i < config->n; i++) {
        free(config->files[i].path);
        ini_config_destroy(config->files[i].ini);
    }
    free(config);
    return NULL;
}

void config_freep(struct config **config)
{
    *config = config_free(*config);
}

static const char *value_in(const struct config_file *file, const char *section, const char *key)
{
    struct value_obj *value = NULL;

    if (ini_get_config_valueobj(section, key, file->ini, INI_GET_FIRST_VALUE, &value) != 0 || !value)
        return NULL;
    return ini_get_const_string_config_value(value, NULL);
}

const char *config_get(const struct config *config, const char *section, const char *key, const char **ret_file)
{
    for (size_t i = config->n; i-- > 0;) {
        const char *value = value_in(&config->files[i], section, key);

        if (!value)
            continue;
        if (ret_file)
            *ret_file = config->files[i].path;
        return value;
    }
    return NULL;
}

int config_each_section(const struct config *config, int (*on_section)(const char *section, void *userdata),
                        void *userdata)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->n; i++) {
        int n = 0, error = 0;
        char **sections = ini_get_section_list(config->files[i].ini, &n, &error);

        for (int k = 0; sections && r == 0 && k < n; k++)
            r = on_section(sections[k], userdata);
        ini_free_section_list(sections);
    }
    return r;
}

int config_each_key(const struct config *config, const char *section,
                    int (*on_key)(const char *key, const char *value, void *userdata), void *userdata)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->n; i++) {
        int n = 0, error = 0;
        char **keys = ini_get_attribute_list(config->files[i].ini, section, &n, &error);

        for (int k = 0; keys && r == 0 && k < n; k++) {
            const char *value = config_get(config, section, keys[k], NULL);

            r = on_key(keys[k], value ? value : "", userdata);
        }
        ini_free_attribute_list(keys);
    }
    return r;
}
