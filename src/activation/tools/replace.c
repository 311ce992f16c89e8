/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replace: gives several files new contents, all of them or none, and back again until somebody says it is good so. */

#include <argz.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/why.h"
#include "lib/edit.h"
#include "lib/log.h"
#include "tools/foresee.h"
#include "tools/ownership.h"
#include "tools/replace.h"

#define PENDING DATA_DIR "/pending"
#define BACKUP_DIR DATA_DIR "/backup"
#define BACKUP_FOLDERS 4 /* data, backup, the run's own, conf.d */

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* --- Files -------------------------------------------------------------------------------------------------------- */

static int read_at(int dir_fd, const char *name, struct stat *st, char **ret, size_t *ret_bytes)
{
    CLEANUP(closep) int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    CLEANUP(freep) char *text = NULL;
    ssize_t n;

    if (fd < 0 || fstat(fd, st) < 0)
        return -errno;
    if (!S_ISREG(st->st_mode))
        return -EINVAL;
    text = malloc(CONF_FILE_BYTES_MAX + 1);
    if (!text)
        return -ENOMEM;
    n = io_read(fd, text, CONF_FILE_BYTES_MAX + 1);
    if (n < 0 || n > CONF_FILE_BYTES_MAX)
        return n < 0 ? (int) n : -EFBIG;
    text[n] = '\0';
    *ret = TAKE(text);
    *ret_bytes = (size_t) n;
    return 0;
}

static int sync_dir(int dir_fd)
{
    return fsync(dir_fd) < 0 && errno != EINVAL ? -errno : 0; /* some file systems can't, and need not */
}

/* Labels, access lists and whatever else hangs on the file. */
static int copy_attributes(int dir_fd, const char *name, int to)
{
    CLEANUP(closep) int from = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    CLEANUP(freep) char *names = malloc(XATTR_LIST_MAX);
    CLEANUP(freep) char *value = malloc(XATTR_SIZE_MAX);
    ssize_t bytes, n;

    if (from < 0)
        return -errno;
    if (!names || !value)
        return -ENOMEM;
    bytes = flistxattr(from, names, XATTR_LIST_MAX);
    if (bytes < 0)
        return errno == ENOTSUP ? 0 : -errno;
    for (const char *key = names; key < names + bytes; key += strlen(key) + 1) {
        n = fgetxattr(from, key, value, XATTR_SIZE_MAX);
        if (n < 0 || fsetxattr(to, key, value, (size_t) n, 0) < 0)
            return -errno;
    }
    return 0;
}

/* A new file, root's alone; or, like another one in the same folder, with its owner, mode and attributes. */
static int write_at(int dir_fd, const char *name, const char *text, size_t bytes, const struct replace_file *like)
{
    CLEANUP(closep) int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return -errno;
    r = io_write(fd, text, bytes);
    if (r < 0)
        return r;

    if (like) {
        if (fchown(fd, like->st.st_uid, like->st.st_gid) < 0)
            return -errno;
        r = copy_attributes(dir_fd, like->name, fd);
        if (r < 0)
            return r;
        if (fchmod(fd, like->st.st_mode & 07777) < 0) /* last: the others change it */
            return -errno;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* An earlier run may have left them; they are nothing without `pending`. */
static void sweep(const struct replace_file *file)
{
    (void) unlinkat(file->dir_fd, file->name_new, 0); /* mostly not there */
    (void) unlinkat(file->dir_fd, file->name_old, 0);
}

void replace_sweep(const struct replace *replace)
{
    for (size_t i = 0; i < replace->n; i++)
        sweep(&replace->files[i]);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static void file_done(struct replace_file *file)
{
    free(file->real_path);
    free(file->old);
    free(file->new);
    closep(&file->dir_fd);
}

/* Sets the names; the file itself need not be there. */
static int open_folder(struct replace_file *file, const char *real_path)
{
    CLEANUP(freep) char *dir = strdup(real_path);

    file->real_path = strdup(real_path);
    if (!file->real_path || !dir)
        return -ENOMEM;
    file->name = basename(file->real_path);
    (void) snprintf(file->name_new, sizeof(file->name_new), ".%s.sss_activation-new", file->name); /* fit */
    (void) snprintf(file->name_old, sizeof(file->name_old), ".%s.sss_activation-old", file->name);
    file->dir_fd = open(dirname(dir), OPEN_DIR | O_NOFOLLOW);
    return file->dir_fd < 0 ? -errno : 0;
}

/* Whoever else can write there could exchange our files under our hands. */
static bool is_safe(int dir_fd, const struct stat *file)
{
    struct stat st;

    if (fstat(dir_fd, &st) < 0 || (st.st_mode & S_IWOTH) != 0)
        return false;
    if (st.st_uid != 0 && st.st_uid != file->st_uid)
        return false;
    return (st.st_mode & S_IWGRP) == 0 || st.st_gid == 0 || st.st_gid == file->st_gid;
}

const struct replace_file *replace_find(const struct replace *replace, const char *path)
{
    CLEANUP(freep) char *real = realpath(path, NULL);

    for (size_t i = 0; real && i < replace->n; i++)
        if (strcmp(replace->files[i].real_path, real) == 0)
            return &replace->files[i];
    return NULL;
}

int replace_read(struct replace *replace, const char *path, struct replace_file **ret, char **ret_why)
{
    CLEANUP(freep) char *real = realpath(path, NULL);
    struct replace_file *file;
    int r = real ? 0 : -errno;

    assert(replace->n <= CONF_SNIPPETS_MAX); /* config_load() takes no more */
    file = *ret = &replace->files[replace->n++];
    *file = (struct replace_file) { .path = path, .dir_fd = -1 };
    if (r == 0)
        r = open_folder(file, real);
    if (r == 0)
        r = read_at(file->dir_fd, file->name, &file->st, &file->old, &file->old_bytes);
    if (r < 0)
        return say_cannot(r, ret_why, "read", path);
    if (!is_safe(file->dir_fd, &file->st))
        return say_why(-EPERM, ret_why, "%s is in a folder in which others may write: %s", path, file->real_path);
    return 0;
}

void replace_done(struct replace *replace)
{
    for (size_t i = 0; i < replace->n; i++)
        file_done(&replace->files[i]);
    replace->n = 0;
}

/* --- Foreseeing --------------------------------------------------------------------------------------------------- */

/* Opens a folder that must be nobody else's. */
static int open_our_dir(const char *path, int *ret_fd)
{
    struct stat st;

    *ret_fd = open(path, OPEN_DIR | O_NOFOLLOW);
    if (*ret_fd < 0 || fstat(*ret_fd, &st) < 0)
        return errno == ELOOP ? -ENOTDIR : -errno;
    return st.st_uid == geteuid() ? 0 : -ENOTDIR;
}

/* The folders may all have to be made; each has a block and an inode, as a small file has. */
static int may_back_up(const struct replace *replace, struct room *room, char **ret_why)
{
    static const char what[] = "make a backup in";
    CLEANUP(closep) int data_fd = -1, backup_fd = -1;
    char parent[] = DATA_DIR;
    size_t pending_bytes = 0;
    int dir_fd, r;

    r = open_our_dir(DATA_DIR, &data_fd);
    if (r == 0)
        r = open_our_dir(BACKUP_DIR, &backup_fd);
    else if (r == -ENOENT)
        data_fd = open(dirname(parent), OPEN_DIR);
    if (data_fd < 0 || (r < 0 && r != -ENOENT))
        return say_cannot(r, ret_why, what, BACKUP_DIR);

    r = foresee_folder(data_fd, NULL, what, DATA_DIR, ret_why);
    if (r == 0 && backup_fd >= 0)
        r = foresee_folder(backup_fd, NULL, what, BACKUP_DIR, ret_why);
    dir_fd = backup_fd < 0 ? data_fd : backup_fd;
    for (int folder = 0; r == 0 && folder < BACKUP_FOLDERS; folder++)
        r = foresee_room(room, dir_fd, 1, what, BACKUP_DIR, ret_why);
    FOR_EACH_CHANGED(file, replace) {
        pending_bytes += strlen(file->real_path) + 1;
        if (r == 0)
            r = foresee_room(room, dir_fd, file->old_bytes, what, BACKUP_DIR, ret_why);
    }
    return r < 0 ? r : foresee_room(room, data_fd, pending_bytes, "write", PENDING, ret_why);
}

int replace_may(const struct replace *replace, char **ret_why)
{
    static const char what[] = "write a new";
    struct room room = { .n = 0 };
    int r = 0;

    /* The new file, and the second name of the old one: some file systems count names as inodes, and an overlay
     * copies the old file up first. */
    FOR_EACH_CHANGED(file, replace) {
        r = foresee_folder(file->dir_fd, file->name, "replace", file->real_path, ret_why);
        if (r == 0)
            r = foresee_room(&room, file->dir_fd, file->new_bytes, what, file->real_path, ret_why);
        if (r == 0)
            r = foresee_room(&room, file->dir_fd, file->old_bytes, what, file->real_path, ret_why);
        if (r < 0)
            return r;
    }
    return may_back_up(replace, &room, ret_why);
}

/* --- Backup ------------------------------------------------------------------------------------------------------- */

static int make_our_dir(const char *path, mode_t mode)
{
    CLEANUP(closep) int fd = -1;

    return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : open_our_dir(path, &fd);
}

/* Laid out as CONFIG_DIR. */
static int make_folder(const char *path, int *ret_fd)
{
    if (mkdir(path, 0700) < 0)
        return -errno;
    *ret_fd = open(path, OPEN_DIR | O_NOFOLLOW);
    return *ret_fd < 0 || mkdirat(*ret_fd, "conf.d", 0700) < 0 ? -errno : 0;
}

static int make_backup_dir(struct replace *replace, int *ret_fd)
{
    time_t now = time(NULL);
    struct tm tm;
    size_t used;
    int i = 2, r;

    r = make_our_dir(DATA_DIR, 0755);
    if (r == 0)
        r = make_our_dir(BACKUP_DIR, 0700);
    if (r == 0 && chmod(BACKUP_DIR, 0700) < 0) /* whatever was there before us */
        r = -errno;
    if (r < 0)
        return r;

    if (!localtime_r(&now, &tm))
        return -errno;
    used = strftime(replace->backup, sizeof(replace->backup), BACKUP_DIR "/%Y%m%d-%H%M%S", &tm); /* fits */
    while ((r = make_folder(replace->backup, ret_fd)) == -EEXIST)
        (void) snprintf(replace->backup + used, sizeof(replace->backup) - used, ".%d", i++); /* this, too */
    if (*ret_fd < 0)
        replace->backup[0] = '\0'; /* nothing that is ours to remove */
    return r;
}

static int back_up(struct replace *replace)
{
    CLEANUP(closep) int dir_fd = -1;
    int r = make_backup_dir(replace, &dir_fd);

    FOR_EACH_CHANGED(file, replace)
        if (r == 0)
            r = write_at(dir_fd, file->path + strlen(CONFIG_DIR "/"), file->old, file->old_bytes, NULL);
    return r < 0 ? r : sync_dir(dir_fd);
}

static void remove_backup(const struct replace *replace)
{
    CLEANUP(closep) int dir_fd = open(replace->backup, OPEN_DIR | O_NOFOLLOW); /* maybe not made yet */

    FOR_EACH_CHANGED(file, replace)
        (void) unlinkat(dir_fd, file->path + strlen(CONFIG_DIR "/"), 0); /* what stays is a backup too many */
    (void) unlinkat(dir_fd, "conf.d", AT_REMOVEDIR);
    (void) rmdir(replace->backup);
}

/* --- Pending ------------------------------------------------------------------------------------------------------ */

static int write_pending(const struct replace *replace)
{
    CLEANUP(closep) int dir_fd = open(DATA_DIR, OPEN_DIR);
    CLEANUP(freep) char *paths = NULL; /* NULs stand between them: a name may have any other byte */
    size_t bytes = 0;
    int r;

    if (dir_fd < 0)
        return -errno;
    FOR_EACH_CHANGED(file, replace)
        if (argz_add(&paths, &bytes, file->real_path) != 0)
            return -ENOMEM;

    (void) unlinkat(dir_fd, "pending.new", 0); /* of a run that was killed */
    r = write_at(dir_fd, "pending.new", paths, bytes, NULL);
    if (r == 0 && renameat(dir_fd, "pending.new", dir_fd, "pending") < 0)
        r = -errno;
    if (r < 0)
        (void) unlinkat(dir_fd, "pending.new", 0); /* the next run does it else */
    return r < 0 ? r : sync_dir(dir_fd);
}

static int remove_pending(void)
{
    CLEANUP(closep) int dir_fd = open(DATA_DIR, OPEN_DIR);

    if (dir_fd < 0 || (unlinkat(dir_fd, "pending", 0) < 0 && errno != ENOENT))
        return errno == ENOENT ? 0 : -errno;
    return sync_dir(dir_fd);
}

static bool is_edit_of(enum edit edit, const struct replace_file *file)
{
    CLEANUP(freep) char *edited = NULL;
    size_t bytes = 0;

    return edit_text(edit, file->old, file->old_bytes, &edited, &bytes, NULL, NULL) > 0 && bytes == file->new_bytes &&
           memcmp(edited, file->new, bytes) == 0;
}

/* Returns 1 if the file is as an interrupted run made it; 0 if it had not been replaced, or somebody has changed it
 * since. */
static int read_replaced(const char *real_path, struct replace_file *file)
{
    struct stat st;
    int r;

    r = open_folder(file, real_path);
    if (r == 0)
        r = read_at(file->dir_fd, file->name_old, &st, &file->old, &file->old_bytes);
    if (r == 0)
        r = read_at(file->dir_fd, file->name, &st, &file->new, &file->new_bytes);
    if (r == 0)
        r = is_edit_of(EDIT_COMMENT_OUT, file) || is_edit_of(EDIT_BRING_BACK, file);
    return r == -ENOENT ? 0 : r;
}

/* Returns 1 if the file was put back, or could be where dry; 0 if there was nothing to put back. */
static int recover(const char *real_path, bool dry, char **ret_why)
{
    static const char what[] = "undo what an interrupted run did to";
    CLEANUP(file_done) struct replace_file file = { .dir_fd = -1 };
    int found = read_replaced(real_path, &file);

    if (found < 0)
        return say_cannot(found, ret_why, what, real_path);
    if (dry)
        return found ? foresee_folder(file.dir_fd, file.name, what, real_path, ret_why) : 0;
    if (found && renameat(file.dir_fd, file.name_old, file.dir_fd, file.name) < 0)
        return say_cannot(-errno, ret_why, what, real_path);
    sweep(&file);
    (void) sync_dir(file.dir_fd); /* the next run does it again */
    return found;
}

int replace_recover(bool dry, void (*on_file)(const char *path, void *userdata), void *userdata, char **ret_why)
{
    CLEANUP(closep) int data_fd = open(DATA_DIR, OPEN_DIR);
    CLEANUP(freep) char *paths = NULL;
    size_t bytes = 0;
    struct stat st;
    int r;

    r = read_at(AT_FDCWD, PENDING, &st, &paths, &bytes);
    if (r < 0)
        return r == -ENOENT ? 0 : say_cannot(r, ret_why, "read", PENDING);
    for (const char *path = paths; path < paths + bytes; path += strlen(path) + 1) {
        r = recover(path, dry, ret_why);
        if (r < 0)
            return r;
        if (r > 0)
            on_file(path, userdata);
    }

    r = dry ? foresee_folder(data_fd, NULL, "remove", PENDING, ret_why) : remove_pending();
    if (r < 0 && !dry)
        (void) say_cannot(r, ret_why, "remove", PENDING);
    return dry && r == 0 ? 1 : r;
}

/* --- Swapping ----------------------------------------------------------------------------------------------------- */

/* Returns 0 where the file has these contents, -ESTALE where not, or another negative errno. */
static int check_contents(const struct replace_file *file, const char *wanted, size_t wanted_bytes,
                          struct stat *ret_st)
{
    CLEANUP(freep) char *text = NULL;
    size_t bytes = 0;
    int r = read_at(file->dir_fd, file->name, ret_st, &text, &bytes);

    if (r < 0)
        return r;
    return bytes == wanted_bytes && memcmp(text, wanted, bytes) == 0 ? 0 : -ESTALE;
}

static int swap_one(struct replace_file *file)
{
    struct stat st;
    int r;

    if (linkat(file->dir_fd, file->name, file->dir_fd, file->name_old, 0) < 0)
        return -errno;
    /* Is it still what was read? Not by its inode, which changes on an overlay that copies it up. */
    r = check_contents(file, file->old, file->old_bytes, &st);
    if (r < 0)
        return r;
    if (st.st_uid != file->st.st_uid || st.st_gid != file->st.st_gid || st.st_mode != file->st.st_mode)
        return -ESTALE;
    if (renameat(file->dir_fd, file->name_new, file->dir_fd, file->name) < 0)
        return -errno;
    file->swapped = true;
    return sync_dir(file->dir_fd);
}

static int swap(struct replace *replace, char **ret_why)
{
    int r;

    replace_sweep(replace);
    FOR_EACH_CHANGED(file, replace) {
        r = write_at(file->dir_fd, file->name_new, file->new, file->new_bytes, file);
        if (r < 0)
            return say_cannot(r, ret_why, "write a new", file->real_path);
    }
    r = back_up(replace);
    if (r < 0)
        return say_cannot(r, ret_why, "make a backup in", BACKUP_DIR);
    r = write_pending(replace);
    if (r < 0)
        return say_cannot(r, ret_why, "write", PENDING);

    FOR_EACH_CHANGED(file, replace) {
        r = swap_one(file);
        if (r == -ESTALE)
            return say_why(r, ret_why, "%s was changed meanwhile", file->real_path);
        if (r < 0)
            return say_cannot(r, ret_why, "replace", file->real_path);
    }
    return 0;
}

int replace_swap(struct replace *replace, char **ret_why)
{
    int r = swap(replace, ret_why);

    if (r == 0)
        return 0;
    replace->torn = replace_put_back(replace) < 0;
    if (!replace->torn)
        remove_backup(replace);
    return r;
}

int replace_put_back(struct replace *replace)
{
    struct stat st;
    int r = 0;

    FOR_EACH_CHANGED(file, replace) {
        if (file->swapped && check_contents(file, file->new, file->new_bytes, &st) == -ESTALE) {
            r = -ESTALE;
            log_error("%s was changed meanwhile and is left as it is; what it was is in %s", file->real_path,
                      replace->backup);
        } else if (file->swapped && renameat(file->dir_fd, file->name_old, file->dir_fd, file->name) < 0) {
            r = -errno;
            log_error("cannot put %s back: %s; what it was is in %s", file->real_path, strerror(-r),
                      replace->backup);
            continue;
        }
        sweep(file);
        (void) sync_dir(file->dir_fd); /* at worst `pending` has it done again */
    }
    if (r == 0)
        (void) remove_pending(); /* likewise */
    return r;
}

void replace_commit(struct replace *replace)
{
    int r = remove_pending();

    if (r < 0) /* then the next run would undo this one */
        log_error("cannot remove " PENDING ": %s; remove it by hand", strerror(-r));
    else
        replace_sweep(replace);
}
