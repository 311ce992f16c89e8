/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "test/folder.h"
#include "util/log.h"

static int setup(void **state)
{
    log_set_debug_level(2);
    return folder_setup(state);
}

static void open_in(const struct folder *folder)
{
    assert_int_equal(log_open("sssd_x", LOG_TO_FILES, folder->path), 0);
}

static void lines_go_to_the_programs_file_with_their_level(void **state)
{
    CLEANUP(freep) char *text = NULL;
    const char *end;

    open_in(*state);
    log_error("it is %d", 1);
    log_warning("it is %s", "two");
    text = folder_read(*state, "sssd_x.log");
    assert_non_null(strstr(text, "): [sssd_x] ["));
    assert_non_null(strstr(text, "] error: it is 1\n("));
    end = strstr(text, "] warning: it is two\n");
    assert_non_null(end);
    assert_string_equal(end, "] warning: it is two\n");
}

static void the_level_says_what_is_written(void **state)
{
    static const struct {
        int level, info, debug;
    } rows[] = { { 0, 0, 0 },      { 2, 0, 0 },      { 3, 1, 0 },      { 5, 1, 0 },      { 6, 1, 1 },
                 { 9, 1, 1 },      { 0x0070, 0, 0 }, { 0x00f0, 1, 0 }, { 0x03f0, 1, 0 }, { 0x07f0, 1, 1 } };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        log_set_debug_level(rows[i].level);
        assert_true(log_is_on(LOG_ERR) && log_is_on(LOG_WARNING));
        assert_int_equal(log_is_on(LOG_INFO), rows[i].info);
        assert_int_equal(log_is_on(LOG_DEBUG), rows[i].debug);
    }
}

static void what_is_not_written_is_not_evaluated(void **state)
{
    int n = 0;

    (void) state;
    log_debug("%d", ++n);
    log_debug_errno(-ENOENT, "%d", ++n);
    assert_int_equal(n, 0);
}

static void errno_is_told_and_left_alone(void **state)
{
    CLEANUP(freep) char *text = NULL;

    open_in(*state);
    errno = ENOENT;
    log_error("first: %m");
    assert_int_equal(errno, ENOENT);
    log_error_errno(-EACCES, "second: %m");
    assert_int_equal(errno, ENOENT);
    text = folder_read(*state, "sssd_x.log");
    assert_non_null(strstr(text, "first: No such file or directory\n"));
    assert_non_null(strstr(text, "second: Permission denied\n"));
}

static void a_message_is_one_line_whatever_is_in_it(void **state)
{
    CLEANUP(freep) char *text = NULL;

    open_in(*state);
    log_error("user \"%s\"", "jo\n(2026-01-01 00:00:00): [sssd_x] error: forged\x1b[2J\x7f");
    text = folder_read(*state, "sssd_x.log");
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_non_null(strstr(text, "user \"jo?(2026"));
    assert_non_null(strstr(text, "forged?[2J?\""));
}

static void a_long_message_is_cut_and_still_a_line(void **state)
{
    CLEANUP(freep) char *text = NULL;
    char name[5000];

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    open_in(*state);
    log_error("%s", name);
    log_error("next");
    text = folder_read(*state, "sssd_x.log");
    assert_int_equal(strchr(text, '\n') - text, 2047);
    assert_non_null(strstr(text, "error: next\n"));
}

static void a_rotated_log_goes_on_in_a_new_file(void **state)
{
    CLEANUP(freep) char *before = NULL;
    CLEANUP(freep) char *after = NULL;
    int fd;

    open_in(*state);
    log_error("before");
    assert_int_equal(rename(folder_file(*state, "sssd_x.log"), folder_file(*state, "sssd_x.log.1")), 0);
    log_error("between");
    fd = log_fd();
    assert_int_equal(log_reopen(), 1);
    assert_int_equal(log_fd(), fd);
    log_error("after");
    before = folder_read(*state, "sssd_x.log.1");
    after = folder_read(*state, "sssd_x.log");
    assert_non_null(strstr(before, "before\n"));
    assert_non_null(strstr(before, "between\n"));
    assert_null(strstr(before, "after\n"));
    assert_non_null(strstr(after, "after\n"));
}

static void a_log_that_cannot_be_opened_anew_goes_on_in_the_old(void **state)
{
    CLEANUP(freep) char *text = NULL;

    open_in(*state);
    assert_int_equal(rename(folder_file(*state, "sssd_x.log"), folder_file(*state, "sssd_x.log.1")), 0);
    assert_int_equal(mkdir(folder_file(*state, "sssd_x.log"), 0755), 0);
    assert_int_equal(log_reopen(), -EISDIR);
    log_error("still here");
    text = folder_read(*state, "sssd_x.log.1");
    assert_non_null(strstr(text, "still here\n"));
}

/* Writes to a file of the test instead of stderr. */
static int redirect(const struct folder *folder)
{
    int saved = dup(STDERR_FILENO), fd = open(folder_file(folder, "stderr"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(saved >= 0 && fd >= 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    assert_int_equal(close(fd), 0);
    return saved;
}

static void bring_back(int saved)
{
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_int_equal(close(saved), 0);
}

static void a_link_in_the_folder_is_not_followed(void **state)
{
    CLEANUP(freep) char *told = NULL;
    CLEANUP(freep) char *text = NULL;
    int saved, soft, hard;

    folder_write(*state, "precious", "gold\n");
    saved = redirect(*state);
    assert_int_equal(symlink(folder_file(*state, "precious"), folder_file(*state, "sssd_x.log")), 0);
    soft = log_open("sssd_x", LOG_TO_FILES, ((struct folder *) *state)->path);
    assert_int_equal(unlink(folder_file(*state, "sssd_x.log")), 0);
    assert_int_equal(link(folder_file(*state, "precious"), folder_file(*state, "sssd_x.log")), 0);
    hard = log_open("sssd_x", LOG_TO_FILES, ((struct folder *) *state)->path);
    log_error("to stderr instead");
    bring_back(saved);

    assert_int_equal(soft, -ELOOP);
    assert_int_equal(hard, -ENOTSUP);
    text = folder_read(*state, "precious");
    assert_string_equal(text, "gold\n");
    told = folder_read(*state, "stderr");
    assert_non_null(strstr(told, "sssd_x: cannot open log file"));
    assert_non_null(strstr(told, "sssd_x: to stderr instead\n"));
}

static void a_journal_behind_stderr_is_told_the_priority(void **state)
{
    CLEANUP(freep) char *told = NULL;
    char stream[64];
    struct stat st;
    int saved = redirect(*state);

    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    (void) snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long) st.st_dev,
                    (unsigned long long) st.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    assert_int_equal(log_open("sssd_x", LOG_TO_STDERR, NULL), 0);
    log_error("for the journal");
    assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
    assert_int_equal(log_open("sssd_x", LOG_TO_STDERR, NULL), 0);
    log_error("for people");
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    bring_back(saved);

    told = folder_read(*state, "stderr");
    assert_string_equal(told, "<3>for the journal\nsssd_x: for people\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_go_to_the_programs_file_with_their_level),
        TEST(the_level_says_what_is_written),
        TEST(what_is_not_written_is_not_evaluated),
        TEST(errno_is_told_and_left_alone),
        TEST(a_message_is_one_line_whatever_is_in_it),
        TEST(a_long_message_is_cut_and_still_a_line),
        TEST(a_rotated_log_goes_on_in_a_new_file),
        TEST(a_log_that_cannot_be_opened_anew_goes_on_in_the_old),
        TEST(a_link_in_the_folder_is_not_followed),
        TEST(a_journal_behind_stderr_is_told_the_priority),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
