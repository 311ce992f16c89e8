/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include "util/log.h"
#include "util/stamp.h"

#define NUMBER_FILE "cache-number"
#define NAME_BYTES (sizeof(STAMP_PREFIX) + 20)

static void name_of(uint64_t number, char ret[NAME_BYTES])
{
    (void) snprintf(ret, NAME_BYTES, STAMP_PREFIX "%" PRIu64, number); /* 20 digits at most */
}

/* Returns 1, or 0 if there is none that makes sense: then a new cache is begun. */
static int read_number(int own_fd, uint64_t *ret)
{
    CLEANUP(closep) int fd = -1;
    char text[24];
    ssize_t n;

    fd = openat(own_fd, NUMBER_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text_to_u64(text, 10, UINT64_MAX, ret) == 0;
}

/* Whole or not at all, also when the power goes. */
static int write_number(int own_fd, uint64_t number)
{
    CLEANUP(closep) int fd = -1;
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", number), r;

    (void) unlinkat(own_fd, NUMBER_FILE ".new", 0); /* of one that was killed */
    fd = openat(own_fd, NUMBER_FILE ".new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                0644);
    if (fd < 0)
        return -errno;
    r = io_write(fd, text, (size_t) n);
    if (r < 0)
        return r;
    if (fsync(fd) < 0 || renameat(own_fd, NUMBER_FILE ".new", own_fd, NUMBER_FILE) < 0)
        return -errno;
    return 0;
}

/* Removes the files whose names begin so. Folders stay: nobody of ours makes any there. */
static int remove_files(const char *path, const char *prefix)
{
    CLEANUP(closedirp) DIR *dir = opendir(path);
    const struct dirent *entry;
    int r = 0;

    if (!dir)
        return errno == ENOENT ? 0 : -errno;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) < 0 && errno != ENOENT && errno != EISDIR)
            r = -errno; /* the others all the same */
    }
    return r;
}

static bool is_stamped(int stamp_fd, uint64_t number)
{
    char name[NAME_BYTES];
    struct stat st;

    name_of(number, name);
    return stamp_fd >= 0 && fstatat(stamp_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int leave_stamp(int stamp_fd, uint64_t number)
{
    CLEANUP(closep) int fd = -1;
    char name[NAME_BYTES];

    if (stamp_fd < 0)
        return -ENOENT;
    name_of(number, name);
    fd = openat(stamp_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? -errno : 0;
}

static int begin(const struct stamp_places *places, int own_fd, int stamp_fd)
{
    uint64_t number = 0;
    int r;

    /* What is killed here begins again: the stamp, without which nothing counts, comes last. */
    r = remove_files(places->cache_dir, "");
    if (r < 0) {
        log_error_errno(r, "cannot clear %s: %m", places->cache_dir);
        return r;
    }
    /* Before the pool is ready: it has only to differ from the last one. */
    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
        number = (uint64_t) getpid();
    r = write_number(own_fd, number);
    if (r < 0) {
        log_error_errno(r, "cannot write %s/" NUMBER_FILE ": %m", places->own_dir);
        return r;
    }
    (void) remove_files(places->stamp_dir, STAMP_PREFIX); /* of older caches: they say nothing */
    r = leave_stamp(stamp_fd, number);
    if (r < 0)
        log_warning_errno(r, "cannot leave the cache's stamp in %s: %m; the next start begins a new "
                          "cache again", places->stamp_dir);
    return 1;
}

/* Opens both places; -1 in *ret_stamp_fd: there is no such folder. */
static int open_places(const struct stamp_places *places, int *ret_own_fd, int *ret_stamp_fd)
{
    *ret_own_fd = open(places->own_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_own_fd < 0)
        return -errno;
    *ret_stamp_fd = open(places->stamp_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return 0;
}

int stamp_check(const struct stamp_places *places)
{
    CLEANUP(closep) int own_fd = -1, stamp_fd = -1;
    uint64_t number;
    int r;

    r = open_places(places, &own_fd, &stamp_fd);
    if (r < 0) {
        log_error_errno(r, "cannot open %s: %m", places->own_dir);
        return r;
    }
    if (read_number(own_fd, &number) && is_stamped(stamp_fd, number))
        return 0;
    return begin(places, own_fd, stamp_fd);
}

bool stamp_is_there(const struct stamp_places *places)
{
    CLEANUP(closep) int own_fd = -1, stamp_fd = -1;
    uint64_t number;

    return open_places(places, &own_fd, &stamp_fd) == 0 && read_number(own_fd, &number) &&
           is_stamped(stamp_fd, number);
}
