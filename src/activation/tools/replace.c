/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replace: gives several files new contents, all of them or none, and back again until somebody says it is good so. */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/edit.h"
#include "lib/log.h"
#include "lib/why.h"
#include "tools/foresee.h"
#include "tools/replace.h"

#define PENDING DATA_DIR "/pending"
#define BACKUP_DIR DATA_DIR "/backup"
#define BACKUPS_PER_SECOND_MAX 1000
#define BACKUP_FOLDERS 4 /* data, backup, the run's own, conf.d */

static int refuse_to(int r, char **ret_why, const char *what, const char *path)
{
    return say_why(r, ret_why, "cannot %s %s: %s", what, path, strerror(-r));
}

/* --- Files -------------------------------------------------------------------------------------------------------- */

static int read_all(int fd, size_t bytes_max, char **ret, size_t *ret_bytes)
{
    CLEANUP(freep) char *text = malloc(bytes_max + 1);
    size_t used = 0;
    ssize_t n;

    if (!text)
        return -ENOMEM;
    while ((n = read(fd, text + used, bytes_max + 1 - used)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        used += (size_t) n;
        if (used > bytes_max)
            return -EFBIG;
    }
    text[used] = '\0';
    *ret = TAKE(text);
    *ret_bytes = used;
    return 0;
}

static int read_at(int dir_fd, const char *name, struct stat *st, char **ret, size_t *ret_bytes)
{
    CLEANUP(closep) int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || fstat(fd, st) < 0)
        return -errno;
    if (!S_ISREG(st->st_mode))
        return -EINVAL;
    return read_all(fd, CONFIG_FILE_BYTES_MAX, ret, ret_bytes);
}

static int write_all(int fd, const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(fd, text, bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        bytes -= (size_t) n;
    }
    return 0;
}

static int sync_dir(int dir_fd)
{
    return fsync(dir_fd) < 0 && errno != EINVAL ? -errno : 0; /* some file systems can't, and need not */
}

/* Labels, access lists and whatever else hangs on the file. */
static int copy_attributes(int from, int to)
{
    CLEANUP(freep) char *names = NULL;
    CLEANUP(freep) char *value = malloc(XATTR_SIZE_MAX);
    ssize_t bytes = flistxattr(from, NULL, 0), n;

    if (bytes <= 0)
        return bytes == 0 || errno == ENOTSUP ? 0 : -errno;
    names = malloc((size_t) bytes);
    if (!names || !value)
        return -ENOMEM;
    bytes = flistxattr(from, names, (size_t) bytes);
    if (bytes < 0)
        return -errno;

    for (const char *name = names; name < names + bytes; name += strlen(name) + 1) {
        n = fgetxattr(from, name, value, XATTR_SIZE_MAX);
        if (n < 0 || fsetxattr(to, name, value, (size_t) n, 0) < 0)
            return -errno;
    }
    return 0;
}

static int fill(int fd, int like, const struct stat *st, const char *text, size_t bytes)
{
    int r = write_all(fd, text, bytes);

    if (r == 0 && fchown(fd, st->st_uid, st->st_gid) < 0)
        r = -errno;
    if (r == 0)
        r = copy_attributes(like, fd);
    if (r == 0 && fchmod(fd, st->st_mode & 07777) < 0) /* last: the others change it */
        r = -errno;
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r;
}

/* A new file that nobody else can read before it has its owner. */
static int create_at(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : fd;
}

static int write_new(const struct replace_file *file)
{
    CLEANUP(closep) int like = openat(file->dir_fd, file->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    CLEANUP(closep) int fd = -1;

    if (like < 0)
        return -errno;
    fd = create_at(file->dir_fd, file->name_new);
    return fd < 0 ? fd : fill(fd, like, &file->st, file->new, file->new_bytes);
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
    free(file->path);
    free(file->real_path);
    free(file->name_new);
    free(file->name_old);
    free(file->old);
    free(file->new);
    closep(&file->dir_fd);
}

/* Sets the names; the file itself need not be there. */
static int open_folder(struct replace_file *file, const char *real_path)
{
    const char *slash = strrchr(real_path, '/');
    CLEANUP(freep) char *dir = NULL;

    if (!slash)
        return -EINVAL;
    file->real_path = strdup(real_path);
    dir = strndup(real_path, slash == real_path ? 1 : (size_t) (slash - real_path));
    if (!file->real_path || !dir)
        return -ENOMEM;
    file->name = file->real_path + (slash + 1 - real_path);
    if (asprintf(&file->name_new, ".%s.sss_activation-new", file->name) < 0)
        file->name_new = NULL;
    if (asprintf(&file->name_old, ".%s.sss_activation-old", file->name) < 0)
        file->name_old = NULL;
    if (!file->name_new || !file->name_old)
        return -ENOMEM;
    file->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
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
    struct replace_file file = { .dir_fd = -1 };
    CLEANUP(freep) char *real = realpath(path, NULL);
    int r = real ? 0 : -errno;

    if (r == 0)
        r = open_folder(&file, real);
    if (r == 0)
        r = read_at(file.dir_fd, file.name, &file.st, &file.old, &file.old_bytes);
    if (r == 0 && !(file.path = strdup(path)))
        r = -ENOMEM;
    if (r < 0)
        (void) refuse_to(r, ret_why, "read", path);
    else if (replace->n > CONFIG_SNIPPETS_MAX)
        r = say_why(-E2BIG, ret_why, "there are more files than we read");
    else if (!is_safe(file.dir_fd, &file.st))
        r = say_why(-EPERM, ret_why, "%s is in a folder in which others may write: %s", path, file.real_path);
    if (r < 0) {
        file_done(&file);
        return r;
    }

    replace->files[replace->n] = file;
    *ret = &replace->files[replace->n++];
    return 0;
}

void replace_done(struct replace *replace)
{
    for (size_t i = 0; i < replace->n; i++)
        file_done(&replace->files[i]);
    replace->n = 0;
}

/* --- Foreseeing --------------------------------------------------------------------------------------------------- */

/* Opens a folder that make_dir() would take as it is. */
static int open_our_dir(const char *path)
{
    CLEANUP(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0)
        return errno == ELOOP ? -ENOTDIR : -errno;
    if (st.st_uid != geteuid())
        return -ENOTDIR;
    r = fd;
    fd = -1; /* the caller's now */
    return r;
}

/* Opens the folder, or where it would be made. */
static int open_data_dir(void)
{
    CLEANUP(freep) char *path = strdup(DATA_DIR);
    int fd = open_our_dir(DATA_DIR);

    if (fd != -ENOENT)
        return fd;
    if (!path)
        return -ENOMEM;
    fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int may_replace(const struct replace_file *file, const char *what, char **ret_why)
{
    int r = foresee_file(file->dir_fd, file->name, what, file->real_path, ret_why);

    return r < 0 ? r : foresee_folder(file->dir_fd, what, file->real_path, ret_why);
}

/* The new file, and the second name of the old one: some file systems count names as inodes, and an overlay copies the
 * old file up first. */
static int may_write_new(const struct replace_file *file, struct room *room, char **ret_why)
{
    static const char what[] = "write a new";
    int r = foresee_room(room, file->dir_fd, file->new_bytes, what, file->real_path, ret_why);

    return r < 0 ? r : foresee_room(room, file->dir_fd, file->old_bytes, what, file->real_path, ret_why);
}

static size_t pending_bytes(const struct replace *replace)
{
    size_t bytes = 0;

    for (size_t i = 0; i < replace->n; i++)
        bytes += replace->files[i].new ? strlen(replace->files[i].real_path) + 1 : 0;
    return bytes;
}

/* The folders may all have to be made; each has a block and an inode, as a small file has. */
static int may_back_up(const struct replace *replace, struct room *room, char **ret_why)
{
    static const char what[] = "make a backup in";
    CLEANUP(closep) int data_fd = open_data_dir();
    CLEANUP(closep) int backup_fd = open_our_dir(BACKUP_DIR);
    int dir_fd = backup_fd < 0 ? data_fd : backup_fd, r;

    if (data_fd < 0)
        return refuse_to(data_fd, ret_why, what, BACKUP_DIR);
    if (backup_fd < 0 && backup_fd != -ENOENT)
        return refuse_to(backup_fd, ret_why, what, BACKUP_DIR);

    r = foresee_folder(data_fd, what, DATA_DIR, ret_why);
    if (r == 0 && backup_fd >= 0)
        r = foresee_folder(backup_fd, what, BACKUP_DIR, ret_why);
    for (int folder = 0; r == 0 && folder < BACKUP_FOLDERS; folder++)
        r = foresee_room(room, dir_fd, 1, what, BACKUP_DIR, ret_why);
    if (r == 0)
        r = foresee_room(room, data_fd, pending_bytes(replace), "write", PENDING, ret_why);
    for (size_t i = 0; r == 0 && i < replace->n; i++)
        if (replace->files[i].new)
            r = foresee_room(room, dir_fd, replace->files[i].old_bytes, what, BACKUP_DIR, ret_why);
    return r;
}

int replace_may(const struct replace *replace, char **ret_why)
{
    struct room room = { .n = 0 };
    int r = 0;

    for (size_t i = 0; r == 0 && i < replace->n; i++)
        if (replace->files[i].new)
            r = may_replace(&replace->files[i], "replace", ret_why);
    for (size_t i = 0; r == 0 && i < replace->n; i++)
        if (replace->files[i].new)
            r = may_write_new(&replace->files[i], &room, ret_why);
    return r < 0 ? r : may_back_up(replace, &room, ret_why);
}

/* --- Backup ------------------------------------------------------------------------------------------------------- */

static int make_dir(const char *path, mode_t mode)
{
    struct stat st;

    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return -errno;
    if (lstat(path, &st) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) && st.st_uid == geteuid() ? 0 : -ENOTDIR;
}

static int make_backup_dir(struct replace *replace)
{
    char when[32];
    time_t now = time(NULL);
    struct tm tm;
    int r;

    r = make_dir(DATA_DIR, 0755);
    if (r == 0)
        r = make_dir(BACKUP_DIR, 0700);
    if (r == 0 && chmod(BACKUP_DIR, 0700) < 0) /* whatever was there before us */
        r = -errno;
    if (r < 0)
        return r;

    if (!localtime_r(&now, &tm) || strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm) == 0)
        (void) snprintf(when, sizeof(when), "%lld", (long long) now); /* fits */
    for (int i = 1; i <= BACKUPS_PER_SECOND_MAX; i++) {
        if (i == 1)
            (void) snprintf(replace->backup, sizeof(replace->backup), BACKUP_DIR "/%s", when); /* fits */
        else
            (void) snprintf(replace->backup, sizeof(replace->backup), BACKUP_DIR "/%s.%d", when, i); /* fits */
        if (mkdir(replace->backup, 0700) == 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    r = -errno;
    replace->backup[0] = '\0';
    return r;
}

/* conf.d/x.conf keeps its folder; what lies elsewhere has its own name. */
static const char *backup_name(const struct replace_file *file, const char *relative_to)
{
    size_t n = strlen(relative_to);

    return strncmp(file->path, relative_to, n) == 0 && file->path[n] == '/' ? file->path + n + 1 : file->name;
}

static int back_up_one(int dir_fd, const char *name, const struct replace_file *file)
{
    CLEANUP(closep) int fd = -1;
    CLEANUP(freep) char *folder = strdup(name);
    char *slash = folder ? strchr(folder, '/') : NULL;
    int r;

    if (!folder)
        return -ENOMEM;
    if (slash) {
        *slash = '\0';
        if (mkdirat(dir_fd, folder, 0700) < 0 && errno != EEXIST)
            return -errno;
    }
    fd = create_at(dir_fd, name);
    r = fd < 0 ? fd : write_all(fd, file->old, file->old_bytes);
    return r == 0 && fsync(fd) < 0 ? -errno : r;
}

static int back_up(struct replace *replace, const char *relative_to)
{
    CLEANUP(closep) int dir_fd = -1;
    int r = make_backup_dir(replace);

    if (r < 0)
        return r;
    dir_fd = open(replace->backup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return -errno;
    for (size_t i = 0; r == 0 && i < replace->n; i++)
        if (replace->files[i].new)
            r = back_up_one(dir_fd, backup_name(&replace->files[i], relative_to), &replace->files[i]);
    return r < 0 ? r : sync_dir(dir_fd);
}

/* Of a run that changed nothing. */
static void remove_backup(struct replace *replace, const char *relative_to)
{
    CLEANUP(closep) int dir_fd = replace->backup[0] ? open(replace->backup, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (dir_fd < 0)
        return;
    for (size_t i = 0; i < replace->n; i++)
        (void) unlinkat(dir_fd, backup_name(&replace->files[i], relative_to), 0); /* some were not written */
    (void) unlinkat(dir_fd, "conf.d", AT_REMOVEDIR); /* mostly not there */
    (void) rmdir(replace->backup);
    replace->backup[0] = '\0';
}

/* --- Pending ------------------------------------------------------------------------------------------------------ */

static int write_pending(const struct replace *replace)
{
    CLEANUP(closep) int dir_fd = open(DATA_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(closep) int fd = -1;
    int r = 0;

    if (dir_fd < 0)
        return -errno;
    fd = create_at(dir_fd, "pending.new");
    if (fd == -EEXIST && unlinkat(dir_fd, "pending.new", 0) == 0)
        fd = create_at(dir_fd, "pending.new");
    if (fd < 0)
        return fd;
    /* The NULs stand between them: a name may have any other byte. */
    for (size_t i = 0; r == 0 && i < replace->n; i++)
        if (replace->files[i].new)
            r = write_all(fd, replace->files[i].real_path, strlen(replace->files[i].real_path) + 1);
    if (r == 0 && (fsync(fd) < 0 || renameat(dir_fd, "pending.new", dir_fd, "pending") < 0))
        r = -errno;
    if (r < 0)
        (void) unlinkat(dir_fd, "pending.new", 0); /* the next run does it else */
    return r < 0 ? r : sync_dir(dir_fd);
}

static int remove_pending(void)
{
    CLEANUP(closep) int dir_fd = open(DATA_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

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
    if (r == 0 && (is_edit_of(EDIT_COMMENT_OUT, file) || is_edit_of(EDIT_BRING_BACK, file)))
        r = 1;
    return r == -ENOENT ? 0 : r;
}

static const char undo_what[] = "undo what an interrupted run did to";

static int may_recover(const char *real_path, char **ret_why)
{
    struct replace_file file = { .dir_fd = -1 };
    int r;

    r = read_replaced(real_path, &file);
    if (r < 0)
        (void) refuse_to(r, ret_why, undo_what, real_path);
    else if (r > 0)
        r = may_replace(&file, undo_what, ret_why);
    file_done(&file);
    return r;
}

/* Returns 1 if the file was put back, 0 if there was nothing to put back. */
static int recover(const char *real_path)
{
    struct replace_file file = { .dir_fd = -1 };
    int r;

    r = read_replaced(real_path, &file);
    if (r > 0 && renameat(file.dir_fd, file.name_old, file.dir_fd, file.name) < 0)
        r = -errno;
    if (r >= 0) {
        sweep(&file);
        (void) sync_dir(file.dir_fd); /* the next run does it again */
    }
    file_done(&file);
    return r;
}

/* Returns 0 if there is no such file. */
static int read_pending(char **ret, size_t *ret_bytes, char **ret_why)
{
    struct stat st;
    int r;

    r = read_at(AT_FDCWD, PENDING, &st, ret, ret_bytes);
    if (r == -ENOENT)
        return 0;
    return r < 0 ? refuse_to(r, ret_why, "read", PENDING) : 1;
}

int replace_may_recover(char **ret_why)
{
    CLEANUP(closep) int data_fd = open(DATA_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(freep) char *paths = NULL;
    size_t bytes = 0;
    int r;

    r = read_pending(&paths, &bytes, ret_why);
    if (r <= 0)
        return r;
    for (const char *path = paths; path < paths + bytes; path += strlen(path) + 1) {
        r = may_recover(path, ret_why);
        if (r < 0)
            return r;
    }
    r = data_fd < 0 ? 0 : foresee_folder(data_fd, "remove", PENDING, ret_why);
    return r < 0 ? r : 1;
}

int replace_recover(void (*on_file)(const char *path, void *userdata), void *userdata, char **ret_why)
{
    CLEANUP(freep) char *paths = NULL;
    size_t bytes = 0;
    int r;

    r = read_pending(&paths, &bytes, ret_why);
    if (r <= 0)
        return r;

    for (const char *path = paths; path < paths + bytes; path += strlen(path) + 1) {
        r = recover(path);
        if (r < 0)
            return refuse_to(r, ret_why, undo_what, path);
        if (r > 0)
            on_file(path, userdata);
    }
    r = remove_pending();
    return r < 0 ? refuse_to(r, ret_why, "remove", PENDING) : 0;
}

/* --- Swapping ----------------------------------------------------------------------------------------------------- */

/* Is it still what was read? Not by its inode, which changes on an overlay that copies it up. */
static int check_unchanged(const struct replace_file *file)
{
    CLEANUP(freep) char *text = NULL;
    size_t bytes = 0;
    struct stat st;
    int r = read_at(file->dir_fd, file->name, &st, &text, &bytes);

    if (r < 0)
        return r;
    return st.st_uid == file->st.st_uid && st.st_gid == file->st.st_gid &&
                   st.st_mode == file->st.st_mode && bytes == file->old_bytes && memcmp(text, file->old, bytes) == 0
               ? 0
               : -ESTALE;
}

static int swap_one(struct replace_file *file)
{
    int r;

    if (linkat(file->dir_fd, file->name, file->dir_fd, file->name_old, 0) < 0)
        return -errno;
    r = check_unchanged(file);
    if (r < 0)
        return r;
    if (renameat(file->dir_fd, file->name_new, file->dir_fd, file->name) < 0)
        return -errno;
    file->swapped = true;
    return sync_dir(file->dir_fd);
}

static int prepare(struct replace *replace, char **ret_why)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < replace->n; i++) {
        struct replace_file *file = &replace->files[i];

        r = file->new ? write_new(file) : 0;
        if (r < 0)
            (void) refuse_to(r, ret_why, "write a new", file->real_path);
    }
    return r;
}

static int swap(struct replace *replace, const char *relative_to, char **ret_why)
{
    int r;

    replace_sweep(replace);
    r = prepare(replace, ret_why);
    if (r < 0)
        return r;
    r = back_up(replace, relative_to);
    if (r < 0)
        return refuse_to(r, ret_why, "make a backup in", BACKUP_DIR);
    r = write_pending(replace);
    if (r < 0)
        return refuse_to(r, ret_why, "write", PENDING);

    for (size_t i = 0; r == 0 && i < replace->n; i++) {
        struct replace_file *file = &replace->files[i];

        r = file->new ? swap_one(file) : 0;
        if (r == -ESTALE)
            (void) say_why(r, ret_why, "%s was changed meanwhile", file->real_path);
        else if (r < 0)
            (void) refuse_to(r, ret_why, "replace", file->real_path);
    }
    return r;
}

int replace_swap(struct replace *replace, const char *relative_to, char **ret_why)
{
    int r = swap(replace, relative_to, ret_why);

    if (r == 0)
        return 0;
    replace->torn = replace_put_back(replace) < 0;
    if (!replace->torn)
        remove_backup(replace, relative_to);
    return r;
}

/* Since we replaced it. */
static bool is_changed(const struct replace_file *file)
{
    CLEANUP(freep) char *text = NULL;
    size_t bytes = 0;
    struct stat st;

    return read_at(file->dir_fd, file->name, &st, &text, &bytes) == 0 &&
           (bytes != file->new_bytes || memcmp(text, file->new, bytes) != 0);
}

int replace_put_back(struct replace *replace)
{
    int first = 0;

    for (size_t i = 0; i < replace->n; i++) {
        struct replace_file *file = &replace->files[i];

        if (file->swapped && is_changed(file)) {
            first = first ? first : -ESTALE;
            log_error("%s was changed meanwhile and is left as it is; what it was is in %s", file->real_path,
                      replace->backup);
            file->swapped = false;
        }
        if (file->swapped && renameat(file->dir_fd, file->name_old, file->dir_fd, file->name) < 0) {
            first = first ? first : -errno;
            log_error("cannot put %s back: %s; what it was is in %s", file->real_path, strerror(errno),
                      replace->backup);
            continue;
        }
        file->swapped = false;
        sweep(file);
        (void) sync_dir(file->dir_fd); /* at worst `pending` has it done again */
    }
    if (first == 0)
        (void) remove_pending(); /* likewise */
    return first;
}

void replace_commit(struct replace *replace)
{
    int r = remove_pending();

    if (r < 0) /* then the next run would undo this one */
        log_error("cannot remove " PENDING ": %s; remove it by hand", strerror(-r));
    else
        replace_sweep(replace);
}
