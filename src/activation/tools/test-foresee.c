/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of foresee.c: what it says of real files, folders and file systems is what the kernel then does. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "test/fixture.h"
#include "tools/foresee.h"

#define CANNOT_MOUNT 77

static int open_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static bool set_flags(const char *path, int flags)
{
    CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    int its[2] = { 0 }; /* the calls are declared with a long, valgrind wants one; the kernel takes an int */

    if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, its) < 0)
        return false;
    its[0] = (its[0] & ~(FS_IMMUTABLE_FL | FS_APPEND_FL)) | flags;
    return ioctl(fd, FS_IOC_SETFLAGS, its) == 0;
}

/* As replace.c does it: a second name, then another file in the place of the first. */
static bool can_replace(void)
{
    bool could;

    (void) unlink("there/old"); /* these may be there from an earlier try */
    (void) unlink("there/new");
    could = link("there/file", "there/old") == 0;
    if (could) {
        write_text("there/new", "new");
        could = rename("there/new", "there/file") == 0;
    }
    return could;
}

static void flags_are_named_and_would_have_been_in_the_way(void **state)
{
    static const struct {
        const char *label, *path;
        int flags;
        const char *words;
    } rows[] = {
        { "plain", "there/file", 0, NULL },
        { "immutable file", "there/file", FS_IMMUTABLE_FL, "cannot replace F: the file is immutable (chattr -i)" },
        { "append-only file", "there/file", FS_APPEND_FL, "cannot replace F: the file is append-only (chattr -a)" },
        { "immutable folder", "there", FS_IMMUTABLE_FL, "cannot replace F: the folder is immutable (chattr -i)" },
        { "append-only folder", "there", FS_APPEND_FL, "cannot replace F: the folder is append-only (chattr -a)" },
        { "plain again", "there/file", 0, NULL },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        CLEANUP(closep) int dir_fd = -1;
        CLEANUP(freep) char *why = NULL;
        bool could;
        int r;

        (void) mkdir("there", 0700); /* may be there */
        write_text("there/file", "old");
        if (!set_flags(rows[i].path, rows[i].flags)) {
            print_message("no chattr here (%s)\n", rows[i].label);
            skip();
        }
        dir_fd = open_dir("there");
        r = foresee_folder(dir_fd, "file", "replace", "F", &why);
        could = can_replace();
        assert_true(set_flags(rows[i].path, 0)); /* or nobody could remove it */

        if (r != (rows[i].words ? -EPERM : 0) || could != !rows[i].words)
            fail_msg("%s: %d, and it could%s be replaced", rows[i].label, r, could ? "" : " not");
        if (rows[i].words)
            assert_string_equal(why, rows[i].words);
    }
}

/* --- Mounts ------------------------------------------------------------------------------------------------------- */

static bool has_own_mounts(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", "", MS_REC | MS_PRIVATE, NULL) == 0;
}

static void skip_or_be_zero(const char *label, int status)
{
    if (status == CANNOT_MOUNT)
        skip();
    if (status != 0)
        fail_msg("%s: %d", label, status);
}

struct mounted {
    const char *label, *from, *on;
    unsigned long flags;
    int wanted;
    const char *words;
};

static int look_at_mounted(void *userdata)
{
    const struct mounted *row = userdata;
    CLEANUP(closep) int dir_fd = -1;
    CLEANUP(freep) char *why = NULL;
    int r;

    if (!has_own_mounts() || mount(row->from, row->on, "", MS_BIND, NULL) < 0)
        return CANNOT_MOUNT;
    if (row->flags && mount("none", row->on, "", MS_BIND | MS_REMOUNT | row->flags, NULL) < 0)
        return CANNOT_MOUNT;
    dir_fd = open_dir("there");
    r = foresee_folder(dir_fd, "file", "replace", "F", &why);
    if (r != row->wanted || (row->words && !strstr(why, row->words)))
        return 1;
    return can_replace() == (r == 0) ? 0 : 2;
}

static void a_mounted_file_is_named_and_a_mounted_folder_is_fine(void **state)
{
    static const struct mounted rows[] = {
        { "a file", "elsewhere/file", "there/file", 0, -EBUSY,
          "the file is a bind mount, change it where it comes from (findmnt F)" },
        { "a file on itself", "there/file", "there/file", 0, -EBUSY, "is a bind mount" },
        { "a read-only file", "elsewhere/file", "there/file", MS_RDONLY, -EBUSY, "is a bind mount" },
        { "its folder", "elsewhere", "there", 0, 0, NULL },
        { "its folder, read-only", "elsewhere", "there", MS_RDONLY, -EROFS, "cannot replace F: Read-only file system" },
        { "another file", "elsewhere/file", "there/other", 0, 0, NULL },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        (void) mkdir("there", 0700); /* they may be there */
        (void) mkdir("elsewhere", 0700);
        write_text("there/file", "there");
        write_text("there/other", "there");
        write_text("elsewhere/file", "elsewhere");
        skip_or_be_zero(rows[i].label, in_child(look_at_mounted, (void *) (uintptr_t) &rows[i]));
    }
}

/* --- Room --------------------------------------------------------------------------------------------------------- */

struct sized {
    const char *label, *options;
    size_t files, bytes; /* each */
    int wanted;
    const char *words;
};

static int look_for_room(void *userdata)
{
    const struct sized *row = userdata;
    CLEANUP(closep) int dir_fd = -1;
    CLEANUP(freep) char *why = NULL;
    struct room room = { .n = 0 };
    int r = 0;

    if (!has_own_mounts() || mount("none", "there", "tmpfs", 0, row->options) < 0)
        return CANNOT_MOUNT;
    dir_fd = open_dir("there");
    for (size_t i = 0; r == 0 && i < row->files; i++)
        r = foresee_room(&room, dir_fd, row->bytes, "write", "F", &why);
    if (r != row->wanted || (row->words && strcmp(why, row->words) != 0))
        return 1;
    return 0;
}

static void room_is_what_all_files_take_together(void **state)
{
    static const char full[] = "cannot write F: No space left on device (df)";
    static const char no_inodes[] = "cannot write F: No space left on device (df -i)";
    /* tmpfs has pages, and an inode for its root. */
    static const struct sized rows[] = {
        { "enough", "size=64k,nr_inodes=10", 4, 4000, 0, NULL },
        { "each would fit", "size=64k,nr_inodes=100", 20, 4000, -ENOSPC, full },
        { "one is too large", "size=64k,nr_inodes=10", 1, 70000, -ENOSPC, full },
        { "no inode", "size=64k,nr_inodes=1", 1, 10, -ENOSPC, no_inodes },
        { "too few inodes", "size=64k,nr_inodes=3", 3, 10, -ENOSPC, no_inodes },
        { "an empty file has one too", "size=64k,nr_inodes=3", 3, 0, -ENOSPC, no_inodes },
        { "no limit", "size=0,nr_inodes=0", 100, 1000000, 0, NULL },
    };

    (void) state;
    assert_int_equal(mkdir("there", 0700), 0);
    for (size_t i = 0; i < N_OF(rows); i++)
        skip_or_be_zero(rows[i].label, in_child(look_for_room, (void *) (uintptr_t) &rows[i]));
}

/* Returns 0 where one file system's lack is none of the other's. */
static int fill_one_of_two(void *userdata)
{
    CLEANUP(closep) int small_fd = -1, large_fd = -1, same_fd = -1;
    CLEANUP(freep) char *why = NULL;
    struct room room = { .n = 0 };

    (void) userdata;
    if (!has_own_mounts() || mount("none", "small", "tmpfs", 0, "size=8k") < 0 ||
        mount("none", "large", "tmpfs", 0, "size=64k") < 0 || mkdir("small/folder", 0700) < 0)
        return CANNOT_MOUNT;
    small_fd = open_dir("small");
    large_fd = open_dir("large");
    same_fd = open_dir("small/folder");
    if (foresee_room(&room, small_fd, 4000, "write", "small", &why) != 0 ||
        foresee_room(&room, large_fd, 40000, "write", "large", &why) != 0)
        return 1;
    return foresee_room(&room, same_fd, 4000, "write", "small", &why) == -ENOSPC && room.n == 2 ? 0 : 2;
}

static void each_file_system_has_its_own_room(void **state)
{
    (void) state;
    assert_int_equal(mkdir("small", 0700), 0);
    assert_int_equal(mkdir("large", 0700), 0);
    skip_or_be_zero("two", in_child(fill_one_of_two, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(flags_are_named_and_would_have_been_in_the_way),
        IN_FOLDER(a_mounted_file_is_named_and_a_mounted_folder_is_fine),
        IN_FOLDER(room_is_what_all_files_take_together),
        IN_FOLDER(each_file_system_has_its_own_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
