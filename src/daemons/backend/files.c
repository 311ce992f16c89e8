/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files: which LDIF files a domain has, and whether they are those that were read. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/files.h"
#include "backend/items.h"
#include "backend/ldif.h"
#include "common/cleanup.h"
#include "common/io.h"
#include "config/config.h"

/* ---- the mark ---- */

static void mix(uint64_t *hash, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *hash = (*hash ^ ((const unsigned char *) bytes)[i]) * 0x100000001b3;
}

static void mix_text(uint64_t *hash, const char *text)
{
    mix(hash, text, strlen(text) + 1);
}

static void mix_number(uint64_t *hash, uint64_t number)
{
    mix(hash, &number, sizeof(number));
}

static uint64_t nsec(const struct timespec *time)
{
    return (uint64_t) time->tv_sec * 1000000000 + (uint64_t) time->tv_nsec;
}

/* ---- finding ---- */

/* Takes the names of a file, also when it fails; NULL: no memory. */
static int add_file(struct files *files, char *path, char *shown)
{
    int r = path && shown ? 0 : -ENOMEM;

    if (r == 0 && files->n == files->n_max) {
        size_t max = files->n_max ? files->n_max * 2 : 8;
        struct file *larger = reallocarray(files->all, max, sizeof(*larger));

        r = larger ? 0 : -ENOMEM;
        files->all = larger ? larger : files->all;
        files->n_max = larger ? max : files->n_max;
    }
    if (r < 0) {
        free(path);
        free(shown);
        return r;
    }
    files->all[files->n++] = (struct file) { path, shown };
    return 0;
}

static int failed(struct files *files, const char *path, int r)
{
    free(files->failed_path);
    files->failed_path = strdup(path);
    return r;
}

static int is_ldif(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');

    return entry->d_name[0] != '.' && end && strcmp(end, ".ldif") == 0;
}

static int compare_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static char *join(const char *folder, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static int add_folder(struct files *files, const char *folder, const char *shown)
{
    struct dirent **entries;
    int n, r = 0;

    n = scandir(folder, &entries, is_ldif, compare_bytes);
    if (n < 0)
        return failed(files, shown, -errno);
    for (int i = 0; i < n; i++) {
        if (r == 0)
            r = add_file(files, join(folder, entries[i]->d_name), join(shown, entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int mix_file(struct files *files, const struct file *file, uint64_t *hash)
{
    struct stat st;

    if (stat(file->path, &st) < 0)
        return failed(files, file->shown, -errno);
    if (!S_ISREG(st.st_mode))
        return failed(files, file->shown, S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL);

    mix_text(hash, file->shown);
    mix_number(hash, st.st_dev);
    mix_number(hash, st.st_ino);
    mix_number(hash, (uint64_t) st.st_size);
    mix_number(hash, nsec(&st.st_mtim));
    mix_number(hash, nsec(&st.st_ctim)); /* no program sets it back */
    if (nsec(&st.st_ctim) > files->changed_nsec)
        files->changed_nsec = nsec(&st.st_ctim);
    return 0;
}

int files_find(struct files *files, const struct items *items, const struct config *config,
               const char *section)
{
    uint64_t hash = 0xcbf29ce484222325;
    struct stat st;
    int r = 0;

    *files = (struct files){ 0 };
    for (size_t i = 0; i < items->n && r == 0; i++) {
        const struct item *item = &items->all[i];
        char room[ITEM_ROOM];
        const char *path = item_path(item, room);

        if (stat(path, &st) < 0)
            r = failed(files, item->path, -errno);
        else
            r = S_ISDIR(st.st_mode) ? add_folder(files, path, item->path)
                                    : add_file(files, strdup(path), strdup(item->path));
    }
    for (size_t i = 0; i < files->n && r == 0; i++)
        r = mix_file(files, &files->all[i], &hash);
    if (r < 0)
        return r;

    mix_number(&hash, config_u32(config, section, "min_id"));
    mix_number(&hash, config_u32(config, section, "max_id"));
    mix_number(&hash, config_u32(config, section, "ldap_group_nesting_level"));
    mix_text(&hash, config_text(config, section, "case_sensitive"));
    (void) snprintf(files->mark, sizeof(files->mark), "ldif 1 %zu %016llx", files->n, (unsigned long long) hash);
    return 0;
}

void files_done(struct files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        free(files->all[i].path);
        free(files->all[i].shown);
    }
    free(files->all);
    free(files->failed_path);
    *files = (struct files){ 0 };
}

/* ---- reading ---- */

int files_read(const char *path, char **ret, size_t *ret_bytes)
{
    CLEANUP(closep) int fd = -1;
    CLEANUP(freep) char *text = NULL;
    struct stat st;
    size_t size;
    ssize_t n;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* nobody waits for a pipe */
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if ((uint64_t) st.st_size > LDIF_FILE_BYTES_MAX)
        return -EFBIG;

    size = (size_t) st.st_size;
    text = malloc(size + 1);
    if (!text)
        return -ENOMEM;
    n = io_read(fd, text, size + 1);
    if (n != st.st_size)
        return n < 0 ? (int) n : -EAGAIN;

    *ret = TAKE(text);
    *ret_bytes = size;
    return 0;
}
