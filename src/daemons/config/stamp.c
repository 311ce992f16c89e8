/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stamp: what the files of a configuration look like from outside, by which one sees whether it is still that which was read. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "config/config.h"

/* Owner and mode are among it: a file that the monitor would refuse for these has another stamp. A link counts as what it leads to. */
static void add_file(FILE *out, int dir_fd, const char *name)
{
    struct stat st;

    if (fstatat(dir_fd, name, &st, 0) < 0) {
        fprintf(out, "%s: %d\n", name, errno);
        return;
    }
    fprintf(out, "%s: %jd %jd.%09ld %ju.%ju %u:%u %o\n", name, (intmax_t) st.st_size, (intmax_t) st.st_mtim.tv_sec,
            st.st_mtim.tv_nsec, (uintmax_t) st.st_dev, (uintmax_t) st.st_ino, st.st_uid, st.st_gid, st.st_mode);
}

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* All that is there: which of it is a snippet is the reader's to say. */
static int add_snippets(FILE *out, int parent_fd)
{
    CLEANUP(closep) int dir_fd = openat(parent_fd, "conf.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent **entries = NULL;
    int n;

    add_file(out, parent_fd, "conf.d");
    if (dir_fd < 0)
        return 0;
    n = scandirat(dir_fd, ".", &entries, is_file, alphasort);
    if (n < 0)
        return -errno;
    for (int i = 0; i < n; i++) {
        add_file(out, dir_fd, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

int config_stamp(const char *dir, const char *name, char **ret)
{
    CLEANUP(closep) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(freep) char *stamp = NULL;
    size_t bytes = 0;
    FILE *out;
    int r;

    if (dir_fd < 0)
        return -errno;
    out = open_memstream(&stamp, &bytes);
    if (!out)
        return -ENOMEM;
    add_file(out, dir_fd, name);
    r = add_snippets(out, dir_fd);
    if (fclose(out) != 0 && r == 0)
        r = -ENOMEM;
    if (r == 0)
        *ret = TAKE(stamp);
    return r;
}

bool config_is_of(const struct config *config, const char *dir, const char *name)
{
    CLEANUP(freep) char *now = NULL;
    const char *then = config_get(config, CONFIG_STAMP, CONFIG_STAMP);
    size_t n;

    if (!then || config_stamp(dir, name, &now) < 0)
        return false;
    n = strlen(now);
    while (n > 0 && now[n - 1] == '\n') /* values have no blanks around them */
        n--;
    return strlen(then) == n && memcmp(then, now, n) == 0;
}
