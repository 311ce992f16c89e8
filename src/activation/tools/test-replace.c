/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of replace.c on real files, which is killed or fails at each of the calls that change something. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "lib/edit.h"
#include "test/fixture.h"
#include "tools/replace.h"

#define OLD "[sssd]\nservices = nss\n"
#define NEW "[sssd]\n" EDIT_MARKER "services = nss\n"

/* --- Accidents ---------------------------------------------------------------------------------------------------- */

static int until_accident = -1, error; /* 0: it is killed there */
static bool dies_at_commit;
static bool stays_broken, is_broken; /* as where a file system becomes read-only after an error */

static bool accident(void)
{
    if (!is_broken && (until_accident < 0 || until_accident-- > 0))
        return false;
    is_broken = stays_broken;
    if (error == 0)
        (void) kill(getpid(), SIGKILL);
    errno = error;
    return true;
}

/* The linker takes these before the C library's. */
int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    return accident() ? -1 : (int) syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return accident() ? -1 : (int) syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int unlinkat(int dir_fd, const char *name, int flags)
{
    if (dies_at_commit && strcmp(name, "pending") == 0)
        (void) kill(getpid(), SIGKILL);
    return accident() ? -1 : (int) syscall(SYS_unlinkat, dir_fd, name, flags);
}

int fsync(int fd)
{
    return accident() ? -1 : (int) syscall(SYS_fsync, fd);
}

/* --- Files -------------------------------------------------------------------------------------------------------- */

static const char *const names[] = { "config/sssd.conf", "config/conf.d/10-a.conf", "config/conf.d/20-b.conf" };

static void write_files(void)
{
    (void) mkdir("config", 0700); /* may be there */
    (void) mkdir("config/conf.d", 0700);
    for (size_t i = 0; i < N_OF(names); i++) {
        write_text(names[i], OLD);
        assert_int_equal(chmod(names[i], 0600), 0);
    }
}

/* How many of the files have this text. */
static size_t count(const char *text)
{
    size_t n = 0;

    for (size_t i = 0; i < N_OF(names); i++)
        n += strcmp(read_text(names[i]), text) == 0;
    return n;
}

static int n_hidden;

static int on_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void) st;
    (void) type;
    n_hidden += path[ftw->base] == '.';
    return 0;
}

/* What a run leaves beside the files. */
static int leftovers(void)
{
    n_hidden = 0;
    assert_int_equal(nftw("config", on_entry, 8, FTW_PHYS), 0);
    return n_hidden;
}

static int n_backups;

static int on_backup(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void) ftw;
    if (type == FTW_F) {
        n_backups++;
        assert_int_equal(st->st_mode & 07777, 0600);
        assert_string_equal(read_text(path), OLD);
    } else {
        assert_int_equal(st->st_mode & 07777, 0700);
    }
    return 0;
}

static int backups(void)
{
    n_backups = 0;
    return nftw("data/backup", on_backup, 8, FTW_PHYS) < 0 ? 0 : n_backups;
}

static int read_files(struct replace *replace, char **ret_why)
{
    struct replace_file *file;
    int r = 0;

    for (size_t i = 0; r == 0 && i < N_OF(names); i++) {
        r = replace_read(replace, names[i], &file, ret_why);
        if (r == 0) {
            file->new = strdup(NEW);
            file->new_bytes = strlen(NEW);
            assert_non_null(file->new);
        }
    }
    return r;
}

struct tried {
    int r;
    bool torn;
    char why[512];
};

static struct tried try(bool keep)
{
    CLEANUP(freep) char *why = NULL;
    struct replace replace = { .n = 0 };
    struct tried tried = { .why = "" };

    tried.r = read_files(&replace, &why);
    if (tried.r == 0)
        tried.r = replace_swap(&replace, &why);
    if (tried.r == 0 && keep)
        replace_commit(&replace);
    else if (tried.r == 0)
        tried.r = replace_put_back(&replace);
    tried.torn = replace.torn;
    if (why)
        (void) snprintf(tried.why, sizeof(tried.why), "%s", why); /* they are shorter */
    replace_done(&replace);
    return tried;
}

/* What is foreseen of it; nothing is changed. */
static struct tried foresee(void)
{
    CLEANUP(freep) char *why = NULL;
    struct replace replace = { .n = 0 };
    struct tried tried = { .why = "" };

    tried.r = read_files(&replace, &why);
    if (tried.r == 0)
        tried.r = replace_may(&replace, &why);
    if (why)
        (void) snprintf(tried.why, sizeof(tried.why), "%s", why); /* they are shorter */
    replace_done(&replace);
    return tried;
}

static int n_recovered;

static void on_recovered(const char *path, void *userdata)
{
    (void) path;
    (void) userdata;
    n_recovered++;
}

static int recover(void)
{
    CLEANUP(freep) char *why = NULL;

    n_recovered = 0;
    return replace_recover(false, on_recovered, NULL, &why);
}

static int recover_in_child(void *userdata)
{
    const int *calls = userdata;

    until_accident = *calls;
    return recover() == 0 ? 0 : 1;
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

static void all_files_change_and_have_a_backup(void **state)
{
    struct stat st;

    (void) state;
    write_files();
    assert_int_equal(try(true).r, 0);
    assert_int_equal(count(NEW), N_OF(names));
    assert_int_equal(leftovers(), 0);
    assert_int_equal(backups(), N_OF(names));
    assert_false(file_exists("data/pending"));
    assert_int_equal(stat("data", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
}

static void what_is_put_back_is_the_same_file(void **state)
{
    struct stat before, after;

    (void) state;
    write_files();
    assert_int_equal(stat(names[0], &before), 0);
    assert_int_equal(try(false).r, 0);
    assert_int_equal(stat(names[0], &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(after.st_nlink, 1);
    assert_int_equal(count(OLD), N_OF(names));
    assert_int_equal(leftovers(), 0);
    assert_false(file_exists("data/pending"));
}

static void no_backup_overwrites_another(void **state)
{
    (void) state;
    for (int i = 1; i <= 3; i++) { /* within a second or two */
        write_files();
        assert_int_equal(try(true).r, 0);
        assert_int_equal(backups(), i * (int) N_OF(names));
    }
}

static int try_in_child(void *userdata)
{
    const int *calls = userdata;

    until_accident = *calls;
    return try(true).r == 0 ? 0 : 1;
}

static int die_at_commit(void *userdata)
{
    (void) userdata;
    dies_at_commit = true;
    return try(true).r;
}

/* Killed before each call, the last one included. */
static void a_run_that_is_killed_is_undone_or_was_done(void **state)
{
    int calls = 0, undone = 0, done = 0, half = 0, status;

    (void) state;
    do {
        write_files();
        error = 0;
        status = in_child(try_in_child, &calls);
        half += count(OLD) != N_OF(names) && count(NEW) != N_OF(names);
        assert_int_equal(count(OLD) + count(NEW), N_OF(names)); /* each one or the other, at any time */
        assert_int_equal(recover(), 0);

        undone += count(OLD) == N_OF(names);
        done += count(NEW) == N_OF(names);
        assert_int_equal(undone + done, calls + 1);
        assert_false(file_exists("data/pending"));

        write_files(); /* and nothing is in the next one's way */
        assert_int_equal(try(true).r, 0);
        assert_int_equal(count(NEW), N_OF(names));
        assert_int_equal(leftovers(), 0);
        calls++;
    } while (status != 0);
    print_message("killed at %d places: %d undone, %d done; %d had half of it\n", calls - 1, undone, done - 1, half);
    assert_true(undone > 20 && done > 5 && half > 3);
}

static void a_recovery_that_is_killed_is_repeated(void **state)
{
    int calls = 0, status;

    (void) state;
    do {
        write_files();
        error = 0;
        assert_int_equal(in_child(die_at_commit, NULL), 256 + SIGKILL);
        assert_true(file_exists("data/pending"));
        status = in_child(recover_in_child, &calls);
        assert_int_equal(recover(), 0);
        assert_int_equal(count(OLD), N_OF(names));
        assert_int_equal(leftovers(), 0);
        calls++;
    } while (status != 0);
    assert_true(calls > 6);
}

static void a_call_that_fails_leaves_all_or_nothing(void **state)
{
    static const int errors[] = { ENOSPC, EDQUOT, EROFS, EIO, EPERM };
    int failed = 0;

    (void) state;
    for (size_t i = 0; i < N_OF(errors); i++) {
        for (int calls = 0;; calls++) {
            struct tried tried;

            write_files();
            error = errors[i];
            until_accident = calls;
            tried = try(true);
            if (until_accident >= 0)
                break; /* there are no more */
            until_accident = -1;
            if (tried.r < 0) {
                failed++;
                assert_int_equal(tried.r, -errors[i]);
                assert_non_null(strstr(tried.why, strerror(errors[i])));
                assert_false(tried.torn);
            }
            assert_int_equal(recover(), 0); /* where even the commit failed */
            assert_true(count(tried.r < 0 ? OLD : NEW) == N_OF(names) || n_recovered > 0);
            assert_true(count(OLD) == N_OF(names) || count(NEW) == N_OF(names));
        }
        until_accident = -1;
    }
    assert_true(failed > 40);
}

/* One after which nothing can be written any more: "nothing was changed" is said only where it is so. */
static void what_could_not_be_put_back_is_told(void **state)
{
    int torn = 0, whole = 0;

    (void) state;
    stays_broken = true;
    for (int calls = 0;; calls++) {
        struct tried tried;

        write_files();
        error = EROFS;
        until_accident = calls;
        tried = try(true);
        is_broken = false;
        if (until_accident >= 0)
            break; /* there are no more */
        if (tried.r < 0) {
            assert_int_equal(tried.torn, count(OLD) != N_OF(names));
            torn += tried.torn;
            whole += !tried.torn;
            assert_int_equal(recover(), 0);
            assert_int_equal(count(OLD), N_OF(names));
        } else {
            assert_int_equal(recover(), 0);
        }
    }
    until_accident = -1;
    stays_broken = false;
    assert_true(torn > 3 && whole > 10);
}

static void what_was_changed_meanwhile_stays(void **state)
{
    static const char theirs[] = "[sssd]\nservices = nss\n# theirs\n";
    CLEANUP(freep) char *why = NULL;
    struct replace replace = { .n = 0 };

    (void) state;
    write_files();
    assert_int_equal(read_files(&replace, &why), 0);
    write_text(names[1], theirs);
    assert_int_equal(replace_swap(&replace, &why), -ESTALE);
    assert_non_null(strstr(why, "10-a.conf was changed meanwhile"));
    replace_done(&replace);
    assert_string_equal(read_text(names[1]), theirs);
    assert_int_equal(count(OLD), N_OF(names) - 1);
    assert_int_equal(leftovers(), 0);
    assert_int_equal(backups(), 0);
}

static void what_was_changed_after_an_interruption_stays(void **state)
{
    static const char theirs[] = "[sssd]\n# theirs\n";

    (void) state;
    write_files();
    assert_int_equal(in_child(die_at_commit, NULL), 256 + SIGKILL);
    assert_int_equal(count(NEW), N_OF(names));
    assert_true(file_exists("data/pending"));
    write_text(names[0], theirs);
    assert_int_equal(unlink(names[1]), 0);
    assert_int_equal(recover(), 0);
    assert_int_equal(n_recovered, 1);
    assert_string_equal(read_text(names[0]), theirs);
    assert_false(file_exists(names[1]));
    assert_string_equal(read_text(names[2]), OLD);
    assert_int_equal(leftovers(), 0);
}

static void owner_mode_and_attributes_stay(void **state)
{
    char value[16] = "";
    struct stat st;
    bool has_attributes;

    (void) state;
    if (geteuid() != 0)
        skip();
    write_files();
    assert_int_equal(chmod(names[0], 0440), 0);
    assert_int_equal(chown(names[0], 0, 12345), 0);
    has_attributes = setxattr(names[0], "user.note", "kept", 4, 0) == 0;
    if (!has_attributes)
        print_message("no attributes here\n");
    assert_int_equal(try(true).r, 0);
    assert_string_equal(read_text(names[0]), NEW);
    assert_int_equal(stat(names[0], &st), 0);
    assert_int_equal(st.st_mode & 07777, 0440);
    assert_int_equal(st.st_gid, 12345);
    if (has_attributes) {
        assert_int_equal(getxattr(names[0], "user.note", value, sizeof(value)), 4);
        assert_memory_equal(value, "kept", 4);
    }
}

static void a_link_stays_one_and_two_names_are_one_file(void **state)
{
    CLEANUP(freep) char *why = NULL;
    struct replace replace = { .n = 0 };
    struct replace_file *file;
    struct stat st;

    (void) state;
    write_files();
    assert_int_equal(mkdir("elsewhere", 0700), 0);
    write_text("elsewhere/real", OLD);
    assert_int_equal(unlink(names[0]), 0);
    assert_int_equal(symlink("../elsewhere/real", names[0]), 0);
    assert_int_equal(unlink(names[1]), 0);
    assert_int_equal(symlink("../sssd.conf", names[1]), 0);

    assert_int_equal(replace_read(&replace, names[0], &file, &why), 0);
    assert_ptr_equal(replace_find(&replace, names[1]), file);
    assert_null(replace_find(&replace, names[2]));
    file->new = strdup(NEW);
    file->new_bytes = strlen(NEW);
    assert_int_equal(replace_swap(&replace, &why), 0);
    replace_commit(&replace);
    replace_done(&replace);

    assert_int_equal(lstat(names[0], &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(lstat("elsewhere/real", &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_string_equal(read_text("elsewhere/real"), NEW);
    assert_string_equal(read_text(names[1]), NEW);
    assert_int_equal(backups(), 1);
}

static void a_folder_where_others_may_write_is_refused(void **state)
{
    static const struct {
        mode_t mode;
        uid_t uid;
        gid_t gid;
        bool refused;
    } rows[] = {
        { 0755, 0, 0, false }, { 0777, 0, 0, true },     { 01777, 0, 0, true },    { 0775, 0, 0, false },
        { 0775, 0, 12345, true }, { 0755, 0, 12345, false }, { 0755, 12345, 0, true },
    };

    (void) state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < N_OF(rows); i++) {
        CLEANUP(freep) char *why = NULL;
        struct replace replace = { .n = 0 };
        struct replace_file *file;
        int r;

        write_files();
        assert_int_equal(chown("config", rows[i].uid, rows[i].gid), 0);
        assert_int_equal(chmod("config", rows[i].mode), 0);
        r = replace_read(&replace, names[0], &file, &why);
        assert_int_equal(r, rows[i].refused ? -EPERM : 0);
        assert_int_equal(rows[i].refused, why && strstr(why, "others may write"));
        replace_done(&replace);
    }
}

static int try_as_nobody(void *userdata)
{
    CLEANUP(freep) char *why = NULL;
    struct replace replace = { .n = 0 };
    int r;

    (void) userdata;
    drop_root();
    if (read_files(&replace, &why) != 0 || replace_may(&replace, &why) != -EACCES || !strstr(why, "sssd.conf"))
        return 1;
    free(why);
    why = NULL;
    r = replace_swap(&replace, &why);
    replace_done(&replace);
    return r == -EACCES && strstr(why, "cannot write a new") ? 0 : 2;
}

static void a_folder_that_cannot_be_written_is_told(void **state)
{
    (void) state;
    if (geteuid() != 0)
        skip();
    write_files();
    assert_int_equal(chmod("config", 0755), 0);
    assert_int_equal(chmod("config/conf.d", 0755), 0);
    for (size_t i = 0; i < N_OF(names); i++)
        assert_int_equal(chmod(names[i], 0644), 0);
    assert_int_equal(in_child(try_as_nobody, NULL), 0);
    assert_int_equal(count(OLD), N_OF(names));
}

/* Returns 0 where it was refused for lack of space with all as before, 1 where not, 77 where nothing can be mounted. */
static int try_on_full_disk(void *userdata)
{
    const char *where = userdata;
    struct tried tried;
    int fd;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", "", MS_REC | MS_PRIVATE, NULL) < 0)
        return 77;
    (void) mkdir("data", 0755); /* mostly there */
    (void) mkdir("config", 0700);
    if (mount("none", where, "tmpfs", 0, "size=64k,mode=755") < 0)
        return 77;
    write_files();
    fd = open(at(strcmp(where, "data") == 0 ? "data/rest" : "config/rest"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, OLD, strlen(OLD)) > 0)
        continue; /* until it is full, which it soon is */
    (void) close(fd); /* full, as wanted */

    tried = foresee();
    if (tried.r != -ENOSPC || !strstr(tried.why, "No space left"))
        return 1;
    tried = try(true);
    return tried.r == -ENOSPC && count(OLD) == N_OF(names) && leftovers() == 0 && backups() == 0 &&
                   strstr(tried.why, "No space left")
               ? 0
               : 1;
}

static void a_full_disk_changes_nothing(void **state)
{
    static const char *const folders[] = { "data", "config" };

    (void) state;
    for (size_t i = 0; i < N_OF(folders); i++) {
        int status = in_child(try_on_full_disk, (void *) (uintptr_t) folders[i]);

        if (status == 77)
            skip();
        assert_int_equal(status, 0);
    }
}

struct small {
    const char *where, *limit;
    int size;
};

/* Returns 0 where it was foreseen that there is no room, 1 where there was, 2 where that was wrong. */
static int try_on_small_disk(void *userdata)
{
    const struct small *small = userdata;
    char options[64];
    struct tried tried;

    (void) snprintf(options, sizeof(options), "mode=755,%s=%d", small->limit, small->size); /* fits */
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", "", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", small->where, "tmpfs", 0, options) < 0)
        return 77;
    /* Elsewhere if its own one is too small for the files as they are. */
    if (strcmp(small->where, "config") == 0 && mkdir("config/conf.d", 0700) < 0)
        return 0;
    for (size_t i = 0; i < N_OF(names); i++) {
        FILE *file = fopen(names[i], "we");

        if (!file)
            return 0;
        (void) fputs(OLD, file);
        if (fclose(file) != 0)
            return 0;
    }

    tried = foresee();
    if (tried.r < 0)
        return tried.r == -ENOSPC && strstr(tried.why, "No space left") ? 0 : 2;
    return try(true).r == 0 && count(NEW) == N_OF(names) ? 1 : 2;
}

/* Whatever is said to have room has it; and not much more is asked for than that. */
static void room_that_is_foreseen_is_there(void **state)
{
    static const struct {
        const char *label, *where, *limit;
    } rows[] = {
        { "blocks for the backup", "data", "nr_blocks" },
        { "inodes for the backup", "data", "nr_inodes" },
        { "blocks beside the files", "config", "nr_blocks" },
        { "inodes beside the files", "config", "nr_inodes" },
    };

    (void) state;
    assert_int_equal(mkdir("data", 0755), 0);
    for (size_t i = 0; i < N_OF(rows); i++) {
        const int sizes = 16;
        int had_room = 0, status;

        write_files();
        for (int size = 1; size <= sizes; size++) {
            struct small small = { rows[i].where, rows[i].limit, size };

            status = in_child(try_on_small_disk, &small);
            if (status == 77)
                skip();
            if (status > 1 || (had_room > 0 && status == 0))
                fail_msg("%s, %d: %d", rows[i].label, size, status);
            had_room += status;
        }
        if (had_room == 0 || had_room == sizes)
            fail_msg("%s: %d had room", rows[i].label, had_room);
    }
}

static void make_nothing(void)
{
}

static void make_link_as_data(void)
{
    assert_int_equal(mkdir("elsewhere", 0755), 0);
    assert_int_equal(symlink("elsewhere", "data"), 0);
}

static void make_file_as_data(void)
{
    write_text("data", "");
}

static void make_file_as_backup(void)
{
    assert_int_equal(mkdir("data", 0755), 0);
    write_text("data/backup", "");
}

static void make_others_backup(void)
{
    assert_int_equal(mkdir("data", 0755), 0);
    assert_int_equal(mkdir("data/backup", 0755), 0);
    assert_int_equal(chown("data/backup", 12345, 0), 0);
}

static void make_our_backup(void)
{
    assert_int_equal(mkdir("data", 0755), 0);
    assert_int_equal(mkdir("data/backup", 0700), 0);
}

static void a_backup_that_cannot_be_made_is_foreseen(void **state)
{
    static const struct {
        const char *label;
        void (*make)(void);
        int wanted;
    } rows[] = {
        { "no folder yet", make_nothing, 0 },
        { "our folders", make_our_backup, 0 },
        { "a link", make_link_as_data, -ENOTDIR },
        { "a file", make_file_as_data, -ENOTDIR },
        { "a file in its place", make_file_as_backup, -ENOTDIR },
        { "somebody else's", make_others_backup, -ENOTDIR },
    };

    (void) state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct tried foreseen, tried;

        write_files();
        assert_int_equal(system("rm -rf data elsewhere"), 0); /* of the row before */
        rows[i].make();
        foreseen = foresee();
        if (rows[i].make == make_nothing)
            assert_false(file_exists("data"));
        tried = try(true);
        if (foreseen.r != rows[i].wanted || tried.r != rows[i].wanted)
            fail_msg("%s: foreseen %d, tried %d", rows[i].label, foreseen.r, tried.r);
        assert_string_equal(foreseen.why, tried.why);
    }
}

/* An interruption is undone before anything else, or not at all. */
static int recover_on_mount(void *userdata)
{
    CLEANUP(freep) char *why = NULL;
    const char *what = userdata;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", "", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(what, what, "", MS_BIND, NULL) < 0)
        return 77;
    if (strcmp(what, "config") == 0 && mount("none", what, "", MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
        return 77;
    return replace_recover(true, on_recovered, NULL, &why) < 0 && recover() < 0 && strstr(why, "undo what an interrupted run did") ? 0 : 1;
}

static void a_recovery_that_would_fail_is_foreseen(void **state)
{
    static const char *const mounts[] = { "config", "config/conf.d/10-a.conf" };
    CLEANUP(freep) char *why = NULL;

    (void) state;
    write_files();
    assert_int_equal(replace_recover(true, on_recovered, NULL, &why), 0);
    error = 0;
    assert_int_equal(in_child(die_at_commit, NULL), 256 + SIGKILL);
    for (size_t i = 0; i < N_OF(mounts); i++) {
        int status = in_child(recover_on_mount, (void *) (uintptr_t) mounts[i]);

        if (status == 77)
            skip();
        assert_int_equal(status, 0);
    }
    assert_int_equal(replace_recover(true, on_recovered, NULL, &why), 1);
    assert_true(count(NEW) > 0);
    assert_int_equal(recover(), 0);
    assert_int_equal(count(OLD), N_OF(names));
    assert_int_equal(replace_recover(true, on_recovered, NULL, &why), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(all_files_change_and_have_a_backup),
        IN_FOLDER(what_is_put_back_is_the_same_file),
        IN_FOLDER(no_backup_overwrites_another),
        IN_FOLDER(a_run_that_is_killed_is_undone_or_was_done),
        IN_FOLDER(a_recovery_that_is_killed_is_repeated),
        IN_FOLDER(a_call_that_fails_leaves_all_or_nothing),
        IN_FOLDER(what_could_not_be_put_back_is_told),
        IN_FOLDER(what_was_changed_meanwhile_stays),
        IN_FOLDER(what_was_changed_after_an_interruption_stays),
        IN_FOLDER(owner_mode_and_attributes_stay),
        IN_FOLDER(a_link_stays_one_and_two_names_are_one_file),
        IN_FOLDER(a_folder_where_others_may_write_is_refused),
        IN_FOLDER(a_folder_that_cannot_be_written_is_told),
        IN_FOLDER(a_full_disk_changes_nothing),
        IN_FOLDER(room_that_is_foreseen_is_there),
        IN_FOLDER(a_backup_that_cannot_be_made_is_foreseen),
        IN_FOLDER(a_recovery_that_would_fail_is_foreseen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
