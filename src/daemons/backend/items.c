/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/items.h"
#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include "config/config.h"

/* "" for the root, whose folder it is itself. */
static void folder_of(const char *path, char room[ITEM_ROOM])
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        (void) snprintf(room, ITEM_ROOM, ".");
    else
        (void) snprintf(room, ITEM_ROOM, "%.*s", slash == path ? 1 : (int) (slash - path), path);
}

/* Without slashes at the end: what is behind the last one is the name. */
static int add(struct items *items, const char *path)
{
    struct item *item = &items->all[items->n];
    const char *slash;
    size_t bytes;

    item->path = strdup(path);
    if (!item->path)
        return -ENOMEM;
    items->n++;
    item->folder_fd = item->fd = -1;
    for (bytes = strlen(item->path); bytes > 1 && item->path[bytes - 1] == '/'; bytes--)
        item->path[bytes - 1] = '\0';
    slash = strrchr(item->path, '/');
    item->name = slash ? slash + 1 : item->path;
    if (*item->name == '\0')
        item->name = NULL;
    return 0;
}

static int list(struct items *items, const struct config *config, const char *section)
{
    CLEANUP(freep) char **paths = config_list(config, section, "ldif_files");
    size_t n = 0;
    int r = 0;

    *items = (struct items) { 0 };
    while (paths && paths[n])
        n++;
    items->all = calloc(n + 1, sizeof(*items->all));
    if (!paths || !items->all)
        return -ENOMEM;
    for (size_t i = 0; i < n && r == 0; i++)
        r = add(items, paths[i]);
    return r;
}

bool item_is_linked(const struct item *item)
{
    int fd = io_open_plain(item->path, O_PATH);

    if (fd >= 0)
        (void) close(fd); /* was only looked at */
    return fd == -EACCES ? item->is_linked : fd < 0 && fd != -ENOENT;
}

int items_open(struct items *items, const struct config *config, const char *section)
{
    int r;

    r = list(items, config, section);
    for (size_t i = 0; r == 0 && i < items->n; i++) {
        struct item *item = &items->all[i];
        char folder[ITEM_ROOM];

        folder_of(item->path, folder);
        item->folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        item->fd = open(item->path, O_PATH | O_CLOEXEC);
        item->is_linked = item_is_linked(item);
    }
    return r;
}

static int take_fd(const char **at, char end, int *ret)
{
    const char *stop = strchrnul(*at, end);
    char text[16];
    uint64_t number;

    if ((size_t) (stop - *at) >= sizeof(text))
        return -EINVAL;
    memcpy(text, *at, (size_t) (stop - *at));
    text[stop - *at] = '\0';
    *at = *stop ? stop + 1 : stop;
    if (strcmp(text, "-") == 0)
        return 0;
    if (text_to_u64(text, 10, INT32_MAX, &number) < 0 ||
        fcntl((int) number, F_SETFD, FD_CLOEXEC) < 0)
        return -EINVAL;
    *ret = (int) number;
    return 0;
}

int items_adopt(struct items *items, const struct config *config, const char *section,
                const char *text)
{
    int r;

    r = list(items, config, section);
    for (size_t i = 0; r == 0 && i < items->n; i++) {
        r = take_fd(&text, ':', &items->all[i].folder_fd);
        if (r == 0)
            r = take_fd(&text, ',', &items->all[i].fd);
    }
    return r == 0 && *text ? -EINVAL : r;
}

void items_done(struct items *items)
{
    for (size_t i = 0; i < items->n; i++) {
        closep(&items->all[i].folder_fd);
        closep(&items->all[i].fd);
        free(items->all[i].path);
    }
    free(items->all);
    *items = (struct items) { 0 };
}

static void put_fd(FILE *out, int fd, char end)
{
    if (fd < 0)
        (void) fprintf(out, "-%c", end);
    else
        (void) fprintf(out, "%d%c", fd, end);
}

char *items_text(const struct items *items)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!out)
        return NULL;
    for (size_t i = 0; i < items->n; i++) {
        put_fd(out, items->all[i].folder_fd, ':');
        put_fd(out, items->all[i].fd, ',');
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* A name that leads somewhere, or that leads nowhere for anybody. */
static bool is_open(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 || errno != EACCES;
}

/* One that has been removed is not there any more, whoever still holds it. */
static bool is_removed(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 || st.st_nlink == 0;
}

const char *item_path(const struct item *item, char room[ITEM_ROOM])
{
    if (!is_open(item->path)) {
        if (item->folder_fd >= 0 && item->name) {
            (void) snprintf(room, ITEM_ROOM, "/proc/self/fd/%d/%s", item->folder_fd, item->name);
            if (is_open(room))
                return room;
        }
        if (item->fd >= 0 && !is_removed(item->fd)) {
            (void) snprintf(room, ITEM_ROOM, "/proc/self/fd/%d", item->fd);
            return room;
        }
    }
    (void) snprintf(room, ITEM_ROOM, "%s", item->path);
    return room;
}

const char *item_folder(const struct item *item, char room[ITEM_ROOM])
{
    folder_of(item->path, room);
    if (item->folder_fd >= 0 && access(room, R_OK) < 0)
        (void) snprintf(room, ITEM_ROOM, "/proc/self/fd/%d", item->folder_fd);
    return room;
}
