/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of systemctl.c, with a script in place of systemctl. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/systemctl.h"
#include "test/fixture.h"

static int read_nothing(char *text, size_t bytes)
{
    return systemctl_read((const char *const[]) { "show", NULL }, text, bytes);
}

static void arguments_arrive_as_they_are(void **state)
{
    (void) state;
    systemctl_answers("for a; do printf '<%s>' \"$a\"; done >arguments");
    assert_int_equal(SYSTEMCTL("--quiet", "two words", "", "*", "$HOME", "a\nb"), 0);
    assert_string_equal(read_text("arguments"), "<--quiet><two words><><*><$HOME><a\nb>");
}

static void as_many_arguments_as_fit_are_taken(void **state)
{
    const char *arguments[34];

    (void) state;
    systemctl_answers("echo $# >number");
    for (size_t i = 0; i < 33; i++)
        arguments[i] = "a";
    arguments[33] = NULL;
    assert_int_equal(systemctl_run(arguments), -E2BIG);
    assert_false(file_exists("number"));
    assert_int_equal(systemctl_run(arguments + 1), 0);
    assert_string_equal(read_text("number"), "32\n");
}

static void the_end_of_systemctl_is_told(void **state)
{
    static const struct {
        const char *label, *body;
        int r;
    } rows[] = {
        { "success", "exit 0", 0 },
        { "failure", "exit 1", 1 },
        { "inactive", "exit 3", 3 },
        { "highest", "exit 255", 255 },
        { "killed", "kill -KILL $$", -EIO },
    };
    char text[16];

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        systemctl_answers(rows[i].body);
        assert_int_equal(SYSTEMCTL("start"), rows[i].r);
        assert_int_equal(read_nothing(text, sizeof(text)), rows[i].r);
    }
}

static void a_systemctl_that_cannot_be_run_is_an_error(void **state)
{
    char text[16];

    (void) state;
    assert_int_equal(SYSTEMCTL("start"), -ENOENT);
    assert_int_equal(read_nothing(text, sizeof(text)), -ENOENT);
    write_text("systemctl", "");
    assert_int_equal(chmod("systemctl", 0644), 0);
    assert_int_equal(SYSTEMCTL("start"), -EACCES);
    assert_int_equal(chmod("systemctl", 0755), 0);
    assert_int_equal(SYSTEMCTL("start"), -ENOEXEC);
}

static void it_reads_nothing_and_its_words_go_nowhere(void **state)
{
    char text[64];

    (void) state;
    systemctl_answers("s=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); echo \"$s\" >streams;"
                      "echo loud; echo louder >&2");
    assert_int_equal(SYSTEMCTL("start"), 0);
    assert_string_equal(read_text("streams"), "/dev/null\n/dev/null\n/dev/null\n");
    assert_int_equal(read_nothing(text, sizeof(text)), 0);
    assert_string_equal(text, "loud");
    assert_non_null(strstr(read_text("streams"), "/dev/null\npipe:"));
}

static void standard_output_is_read_as_far_as_it_fits(void **state)
{
    static const struct {
        const char *label, *body, *text;
    } rows[] = {
        { "nothing", "", "" },
        { "a newline", "echo", "" },
        { "a word", "echo word", "word" },
        { "no newline", "printf word", "word" },
        { "only the last newline is cut", "printf 'a\\n\\n'", "a\n" },
        { "just fits", "printf 123456789", "123456789" },
        { "one byte too long", "echo 1234567890", "123456789" },
        { "a newline at the cut", "printf '12345678\\n0'", "12345678" },
        { "far too long",
          "i=0; while [ $i -lt 9000 ]; do echo 123456789 || exit 9; i=$((i + 1)); done", "123456789" },
        { "bit by bit", "printf 1; sleep 0.01; printf 2", "12" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        char text[10] = "untouched";

        print_message("  %s\n", rows[i].label);
        systemctl_answers(rows[i].body);
        assert_int_equal(read_nothing(text, sizeof(text)), 0);
        assert_string_equal(text, rows[i].text);
    }
}

static void one_byte_holds_an_empty_text(void **state)
{
    char text[2] = "xy";

    (void) state;
    systemctl_answers("echo word");
    assert_int_equal(read_nothing(text, 1), 0);
    assert_int_equal(text[0], '\0');
    assert_int_equal(text[1], 'y');
}

static void what_was_said_before_a_failure_is_read(void **state)
{
    char text[16];

    (void) state;
    systemctl_answers("echo word; exit 4");
    assert_int_equal(read_nothing(text, sizeof(text)), 4);
    assert_string_equal(text, "word");
}

static int read_without_descriptors(void *userdata)
{
    struct rlimit none = { 0 }, before;
    char text[16];
    int r;

    (void) userdata;
    if (getrlimit(RLIMIT_NOFILE, &before) < 0)
        return 1;
    none.rlim_max = before.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &none) < 0)
        return 1;
    r = read_nothing(text, sizeof(text));
    return setrlimit(RLIMIT_NOFILE, &before) < 0 ? 1 : -r;
}

static void without_descriptors_nothing_is_read(void **state)
{
    (void) state;
    systemctl_answers("");
    assert_int_equal(in_child(read_without_descriptors, NULL), EMFILE);
}

static int run_without_children(void *userdata)
{
    (void) userdata;
    (void) signal(SIGCHLD, SIG_IGN); /* children are not kept for waitpid */
    return -SYSTEMCTL("start");
}

static void a_child_that_cannot_be_waited_for_is_an_error(void **state)
{
    (void) state;
    systemctl_answers("");
    assert_int_equal(in_child(run_without_children, NULL), ECHILD);
}

static int run_and_read_interrupted(void *userdata)
{
    char text[16];

    (void) userdata;
    interrupt_often();
    if (SYSTEMCTL("start") != 5 || interruptions() == 0)
        return 1;
    if (read_nothing(text, sizeof(text)) != 5 || strcmp(text, "word") != 0)
        return 2;
    return 0;
}

static void signals_do_not_disturb(void **state)
{
    (void) state;
    systemctl_answers("sleep 0.05; echo word; exit 5");
    assert_int_equal(in_child(run_and_read_interrupted, NULL), 0);
}

static void a_property_is_asked_for_by_unit_and_name(void **state)
{
    char text[16];

    (void) state;
    systemctl_answers("echo active");
    systemctl_property("sssd.service", "ActiveState", text, sizeof(text));
    assert_string_equal(text, "active");
    assert_string_equal(systemctl_calls(), "show --value --property ActiveState -- sssd.service\n");
}

static void a_property_is_only_what_it_is_exactly(void **state)
{
    static const struct {
        const char *label, *body, *value;
        bool is;
    } rows[] = {
        { "the same", "echo active", "active", true },
        { "another", "echo inactive", "active", false },
        { "longer", "echo active2", "active", false },
        { "shorter", "echo activ", "active", false },
        { "empty", "echo", "", true },
        { "failed", "echo active; exit 1", "active", false },
        { "failed counts as empty", "echo active; exit 1", "", true },
        { "of two lines", "echo active; echo active", "active", false },
        { "longer than fits", "printf %0100d 0", "0", false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        systemctl_answers(rows[i].body);
        assert_int_equal(systemctl_property_is("a.service", "X", rows[i].value), rows[i].is);
    }
    assert_int_equal(unlink("systemctl"), 0);
    assert_true(systemctl_property_is("a.service", "X", ""));
}

static bool is_there(const void *path)
{
    return access(path, F_OK) == 0;
}

static void what_is_there_already_is_not_waited_for(void **state)
{
    static const char *const arguments[] = { "start", NULL };

    (void) state;
    systemctl_answers("echo >there; exec sleep 600");
    assert_int_equal(systemctl_run_for(arguments, 60000, is_there, "there"), 0);
    assert_int_equal(systemctl_run_for(arguments, 60000, is_there, "there"), 0);
    assert_int_equal(systemctl_run_for(arguments, 10, is_there, "never"), -ETIMEDOUT);
    assert_int_equal(systemctl_run_for(arguments, 10, NULL, NULL), -ETIMEDOUT);
    systemctl_answers("exit 3");
    assert_int_equal(systemctl_run_for(arguments, 60000, is_there, "never"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(arguments_arrive_as_they_are),
        IN_FOLDER(as_many_arguments_as_fit_are_taken),
        IN_FOLDER(the_end_of_systemctl_is_told),
        IN_FOLDER(a_systemctl_that_cannot_be_run_is_an_error),
        IN_FOLDER(it_reads_nothing_and_its_words_go_nowhere),
        IN_FOLDER(standard_output_is_read_as_far_as_it_fits),
        IN_FOLDER(one_byte_holds_an_empty_text),
        IN_FOLDER(what_was_said_before_a_failure_is_read),
        IN_FOLDER(without_descriptors_nothing_is_read),
        IN_FOLDER(a_child_that_cannot_be_waited_for_is_an_error),
        IN_FOLDER(signals_do_not_disturb),
        IN_FOLDER(a_property_is_asked_for_by_unit_and_name),
        IN_FOLDER(a_property_is_only_what_it_is_exactly),
        IN_FOLDER(what_is_there_already_is_not_waited_for),
    };

    return cmocka_run_group_tests_name("systemctl", tests, NULL, NULL);
}
