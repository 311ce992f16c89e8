/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of edit.c: texts, then all configurations that the engine was seen with, then texts put together at random.
 * The judge is config.c, which reads with the engine's own library. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/test-files.h"
#include "lib/edit.h"
#include "lib/services.h"
#include "test/fixture.h"

#define M EDIT_MARKER
#define RANDOM_TEXTS 3000

struct text {
    char *start;
    size_t bytes;
};

static int edit(enum edit what, struct text in, struct text *out)
{
    *out = (struct text) { NULL, 0 };
    return edit_text(what, in.start, in.bytes, &out->start, &out->bytes, NULL, NULL);
}

static bool is_same(struct text a, struct text b)
{
    return a.bytes == b.bytes && memcmp(a.start, b.start, a.bytes) == 0;
}

/* --- Texts -------------------------------------------------------------------------------------------------------- */

static void each_services_line_is_commented_out_and_nothing_else(void **state)
{
    static const struct {
        const char *label, *text, *wanted; /* NULL: nothing changes */
    } rows[] = {
        { "empty", "", NULL },
        { "plain", "[sssd]\nservices = nss\n", "[sssd]\n" M "services = nss\n" },
        { "no final newline", "[sssd]\nservices=nss", "[sssd]\n" M "services=nss" },
        { "no value", "[sssd]\nservices =", "[sssd]\n" M "services =" },
        { "CR LF", "[sssd]\r\nservices = nss\r\n", "[sssd]\r\n" M "services = nss\r\n" },
        { "BOM", "\xef\xbb\xbf[sssd]\nservices = nss\n", "\xef\xbb\xbf[sssd]\n" M "services = nss\n" },
        { "other case", "[SsSd]\nSERVICES = nss\n", "[SsSd]\n" M "SERVICES = nss\n" },
        { "blanks", "[ sssd ] \n\t services\t = nss\n", "[ sssd ] \n" M "\t services\t = nss\n" },
        { "key twice", "[sssd]\nservices = a\nx = y\nservices = b\n",
          "[sssd]\n" M "services = a\nx = y\n" M "services = b\n" },
        { "section twice", "[sssd]\nservices = a\n[nss]\n[sssd]\nservices = b\n",
          "[sssd]\n" M "services = a\n[nss]\n[sssd]\n" M "services = b\n" },
        { "other section", "[nss]\nservices = nss\n[sssd/x]\nservices = nss\n", NULL },
        { "before any section", "services = nss\n", NULL },
        { "comments", "[sssd]\n#services = a\n;services = b\n# services = c\n", NULL },
        { "comment of several lines", "[sssd]\n/* services = a\nservices = b\n*/\nservices = c\nd */\nservices = e\n",
          "[sssd]\n/* services = a\nservices = b\n*/\nservices = c\nd */\n" M "services = e\n" },
        { "comment of one line", "[sssd]\n/* services = a */\nservices = b\n",
          "[sssd]\n/* services = a */\n" M "services = b\n" },
        { "comments that look ended", "[sssd]\n/*/\n*/\nservices = a\n */\nservices = b\n",
          "[sssd]\n/*/\n*/\nservices = a\n */\n" M "services = b\n" },
        { "section in a comment", "[sssd]\n/*\n[nss] */\nservices = b\n", "[sssd]\n/*\n[nss] */\n" M "services = b\n" },
        { "other keys", "[sssd]\nservice = a\nservicesx = b\nmy services = c\n= services\nservices\n", NULL },
        { "marked already", "[sssd]\n" M "services = a\n", NULL },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct text in = { (char *) (uintptr_t) rows[i].text, strlen(rows[i].text) }, out, back;
        int n = edit(EDIT_COMMENT_OUT, in, &out);

        print_message("  %s\n", rows[i].label);
        if (!rows[i].wanted) {
            assert_int_equal(n, 0);
            assert_null(out.start);
            continue;
        }
        assert_true(n > 0);
        assert_int_equal(out.bytes, strlen(rows[i].wanted));
        assert_memory_equal(out.start, rows[i].wanted, out.bytes);
        assert_int_equal(edit(EDIT_BRING_BACK, out, &back), n);
        assert_true(is_same(in, back));
        free(out.start);
        free(back.start);
    }
}

static void only_marked_services_lines_come_back(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        { "[sssd]\n#services = nss\n", NULL },
        { "[sssd]\n # " M "services = nss\n", NULL },
        { "[sssd]\n " M "services = nss\n", NULL },
        { "[sssd]\n" M "what this is about\n", NULL },
        { "[sssd]\n" M "domains = x\n", NULL },
        { M, NULL },
        { "[sssd]\n" M M "services = nss\n", NULL },
        { "[sssd]\n" M "services = nss", "[sssd]\nservices = nss" },
        { "\xef\xbb\xbf" M "services = nss\n", "\xef\xbb\xbfservices = nss\n" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct text in = { (char *) (uintptr_t) rows[i].text, strlen(rows[i].text) }, out;

        assert_int_equal(edit(EDIT_BRING_BACK, in, &out), rows[i].wanted ? 1 : 0);
        if (rows[i].wanted) {
            assert_int_equal(out.bytes, strlen(rows[i].wanted));
            assert_memory_equal(out.start, rows[i].wanted, out.bytes);
        }
        free(out.start);
    }
}

static void wide_letters_are_not_edited(void **state)
{
    static const struct text rows[] = {
        { (char *) (uintptr_t) "\xff\xfe[\0", 4 },
        { (char *) (uintptr_t) "\xfe\xff\0[", 4 },
        { (char *) (uintptr_t) "\xff\xfe\0\0[\0\0\0", 8 },
        { (char *) (uintptr_t) "\0\0\xfe\xff\0\0\0[", 8 },
    };
    struct text out;

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        assert_int_equal(edit(EDIT_COMMENT_OUT, rows[i], &out), -ENOTSUP);
        assert_int_equal(edit(EDIT_BRING_BACK, rows[i], &out), -ENOTSUP);
        assert_null(out.start);
    }
}

struct told {
    unsigned numbers[8];
    char texts[8][32];
    int n;
};

static void on_line(unsigned number, const char *line, size_t bytes, void *userdata)
{
    struct told *told = userdata;

    told->numbers[told->n] = number;
    (void) snprintf(told->texts[told->n], sizeof(told->texts[0]), "%.*s", (int) bytes, line); /* fits */
    told->n++;
}

static void each_line_is_told_as_it_is_in_force(void **state)
{
    static const char text[] = "\n[sssd]\r\nservices = nss\r\n\n  services = pam\0, ssh\n[sssd]\nservices=";
    struct told told = { .n = 0 }, back = { .n = 0 };
    struct text out, unused = { NULL, 0 };

    (void) state;
    assert_int_equal(edit_text(EDIT_COMMENT_OUT, text, sizeof(text) - 1, &out.start, &out.bytes, on_line, &told), 3);
    assert_int_equal(edit_text(EDIT_BRING_BACK, out.start, out.bytes, &unused.start, &unused.bytes, on_line, &back), 3);
    assert_memory_equal(&told, &back, sizeof(told));
    assert_int_equal(told.numbers[0], 3);
    assert_string_equal(told.texts[0], "services = nss");
    assert_int_equal(told.numbers[1], 5);
    assert_string_equal(told.texts[1], "  services = pam");
    assert_int_equal(told.numbers[2], 7);
    assert_string_equal(told.texts[2], "services=");
    free(out.start);
    free(unused.start);
}

static void every_truncation_goes_there_and_back(void **state)
{
    static const char text[] = "\xef\xbb\xbf[sssd]\r\nservices = nss\0x\r\n/* services = a\n*/ b */\n"
                               "[ SSSD ]\n services=\n"
                               M "services = x\nservices = pam";

    (void) state;
    for (size_t bytes = 0; bytes < sizeof(text); bytes++) {
        CLEANUP(freep) char *exact = malloc(bytes ? bytes : 1); /* the sanitizer watches its end */
        struct text in = { exact, bytes }, out, back;
        int n;

        assert_non_null(exact);
        memcpy(exact, text, bytes);
        n = edit(EDIT_COMMENT_OUT, in, &out);
        assert_true(n >= 0);
        if (n == 0)
            continue;
        assert_true(edit(EDIT_BRING_BACK, out, &back) >= n);
        if (back.bytes != in.bytes) /* then the one that was there before came back too */
            assert_int_equal(in.bytes - back.bytes, strlen(M));
        else
            assert_true(is_same(in, back));
        free(out.start);
        free(back.start);
    }
}

static void a_mebibyte_is_edited_line_by_line(void **state)
{
    static const char line[] = "services = nss\n";
    size_t lines = CONF_FILE_BYTES_MAX / (sizeof(line) - 1), at;
    struct text in = { NULL, 0 }, out, back;
    FILE *file = open_memstream(&in.start, &in.bytes);

    (void) state;
    assert_non_null(file);
    assert_true(fputs("[sssd]\n", file) >= 0);
    for (size_t i = 0; i < lines; i++)
        assert_true(fputs(line, file) >= 0);
    assert_int_equal(fclose(file), 0);

    assert_int_equal(edit(EDIT_COMMENT_OUT, in, &out), lines);
    assert_int_equal(out.bytes, in.bytes + lines * strlen(M));
    at = strlen("[sssd]\n") + (lines - 1) * (strlen(M) + strlen(line));
    assert_memory_equal(out.start + at, M "services = nss\n", strlen(M) + strlen(line));
    assert_int_equal(edit(EDIT_BRING_BACK, out, &back), lines);
    assert_true(is_same(in, back));
    free(in.start);
    free(out.start);
    free(back.start);
}

/* --- Whole configurations, judged by the engine's library --------------------------------------------------------- */

static struct text read_file(const char *path)
{
    struct text text = { malloc(CONF_FILE_BYTES_MAX), 0 };
    FILE *file = fopen(path, "re");

    assert_non_null(text.start);
    assert_non_null(file);
    text.bytes = fread(text.start, 1, CONF_FILE_BYTES_MAX, file);
    assert_true(text.bytes < CONF_FILE_BYTES_MAX);
    (void) fclose(file); /* was only read */
    return text;
}

static void write_file(const char *path, struct text text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(text.start, 1, text.bytes, file), text.bytes);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(fclose(file), 0);
}

#define FILES_MAX 64

struct edited {
    char *path;
    struct text was;
};

struct editing {
    struct edited files[FILES_MAX];
    size_t n;
    bool wide;
};

static void edit_file(const char *path, struct editing *editing)
{
    struct edited *file = &editing->files[editing->n];
    struct text out;
    int n;

    assert_true(editing->n < FILES_MAX);
    file->was = read_file(path);
    n = edit(EDIT_COMMENT_OUT, file->was, &out);
    if (n <= 0) {
        editing->wide = editing->wide || n == -ENOTSUP;
        assert_true(n == 0 || n == -ENOTSUP);
        free(file->was.start);
        return;
    }
    file->path = strdup(path);
    assert_non_null(file->path);
    editing->n++;
    write_file(path, out);
    free(out.start);
}

struct comparing {
    const struct conf *one, *other;
    int different;
};

static int on_option(const struct conf_setting *at, void *userdata)
{
    struct comparing *comparing = userdata;
    struct conf_setting other;

    if (strcasecmp(at->section, "sssd") == 0 && strcasecmp(at->key, "services") == 0)
        return 0;
    if (!conf_find(comparing->other, at->section, at->key, &other) || strcmp(at->value, other.value) != 0)
        comparing->different++;
    return 0;
}

static int on_section(const struct conf_setting *at, void *userdata)
{
    struct comparing *comparing = userdata;

    if (!conf_find(comparing->other, at->section, NULL, NULL))
        comparing->different++;
    return conf_each_option(comparing->one, at->section, on_option, comparing);
}

static int differences(const struct conf *a, const struct conf *b)
{
    struct comparing there = { .one = a, .other = b }, back = { .one = b, .other = a };

    (void) conf_each_section(a, on_section, &there);
    (void) conf_each_section(b, on_section, &back);
    return there.different + back.different;
}

static bool bring_back(struct editing *editing)
{
    bool same = true;

    for (size_t i = 0; i < editing->n; i++) {
        struct edited *file = &editing->files[i];
        struct text now = read_file(file->path), out;

        assert_true(edit(EDIT_BRING_BACK, now, &out) > 0);
        same = same && is_same(out, file->was);
        free(now.start);
        free(out.start);
        free(file->path);
        free(file->was.start);
    }
    return same;
}

enum outcome {
    DIFFERS = -1,
    REFUSED, /* by the engine beforehand */
    WIDE,
    NO_LINE,
    EDITED,
};

/* Edits each file that the engine reads, reads again, and edits back. */
static enum outcome check_folder(struct folder *folder, enum engine engine, const char **ret_what)
{
    CLEANUP(conf_freep) struct conf *before = NULL;
    CLEANUP(freep) char *why = NULL;
    struct editing editing = { .n = 0 };
    struct services services;
    bool had_line, same;
    int r;

    *ret_what = "";
    if (folder_load(folder, engine) <= 0 || services_read(folder->config, &services, &why) <= 0)
        return REFUSED;
    before = TAKE(folder->config);
    had_line = conf_find(before, "sssd", "services", NULL);
    for (size_t i = 0; conf_file(before, i); i++)
        edit_file(conf_file(before, i), &editing);

    r = folder_load(folder, engine);
    if (r > 0)
        r = services_read(folder->config, &services, &why);
    same = bring_back(&editing);

    if (r <= 0)
        *ret_what = "it can't be read any more";
    else if (!same)
        *ret_what = "it does not come back as it was";
    else if (differences(before, folder->config) > 0)
        *ret_what = "something else changed";
    else if (conf_find(folder->config, "sssd", "services", NULL) && !editing.wide)
        *ret_what = "a line is left";
    else if (!had_line && editing.n > 0)
        *ret_what = "there was no line";
    if ((*ret_what)[0])
        return DIFFERS;
    return editing.wide ? WIDE : had_line ? EDITED : NO_LINE;
}

static void what_the_engine_was_seen_with_goes_there_and_back(void **state)
{
    const char *data = getenv("TEST_DATA");
    CLEANUP(freep) char *dir_path = NULL;
    int seen[EDITED + 1] = { 0 }, wrong = 0;
    struct dirent *entry;
    DIR *dir;

    (void) state;
    if (!data) {
        print_message("TEST_DATA is not set\n");
        skip();
    }
    assert_true(asprintf(&dir_path, "%s/services", data) > 0);
    dir = opendir(dir_path);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        for (enum engine engine = ENGINE_2_8; entry->d_name[0] != '.' && engine <= ENGINE_2_10; engine++) {
            CLEANUP(freep) char *path = NULL;
            void *folder = NULL;
            const char *what;
            int outcome;

            assert_true(asprintf(&path, "%s/%s", dir_path, entry->d_name) > 0);
            assert_int_equal(folder_setup(&folder), 0);
            copy_tree(path, ((struct folder *) folder)->dir);
            outcome = check_folder(folder, engine, &what);
            if (outcome == DIFFERS) {
                print_error("%s, engine %d: %s\n", entry->d_name, (int) engine, what);
                wrong++;
            } else {
                seen[outcome]++;
            }
            (void) folder_teardown(&folder);
        }
    }
    (void) closedir(dir);
    print_message("%d edited, %d without a line, %d of wide letters, %d that the engine refuses\n", seen[EDITED],
                  seen[NO_LINE], seen[WIDE], seen[REFUSED]);
    assert_int_equal(wrong, 0);
    assert_true(seen[EDITED] > 250);
    assert_true(seen[WIDE] > 0);
}

/* Lines that are near each other in what they mean, in any order: most texts are refused, the rest must be right. */
static void texts_put_together_at_random_go_there_and_back(void **state)
{
    static const char *const lines[] = {
        "[sssd]\n", "[ SSSD ]\r\n", "[sssd] \n", "[nss]\n", "[sssd/x]\n", "services = nss, pam\n", "services = ssh\r\n",
        "Services=\n", "\tservices = pam\n", " services =nss,pam\n", "service = a\n", "\n", " \n", "# services = nss\n",
        ";services = nss\n", " # services = nss\n", "/* x */\n", "/*\n", "*/\n", " */\n", "x */\n", "x */ \n",
        "/* services = nss\n", "/**/\n", "/*/\n", " /* services = x\n", "a = b\n", "a = [sssd]\n", "a = /*\n",
        "services = nss\\\n", "services = \"nss\"\n", M "services = nss\n", "debug_level = 1\r\n", "\f\n",
        "services = nss, pam\r\r\n", "services\t\v= nss\n", "[sssd]\t\n", "[sssd]\r\r\n",
    };
    int seen[EDITED + 1] = { 0 }, wrong = 0;
    unsigned seed = 20261123;
    struct folder *folder = *state;

    for (int i = 0; i < RANDOM_TEXTS; i++) {
        CLEANUP(freep) char *text = NULL;
        const char *what;
        size_t bytes = 0;
        FILE *file = open_memstream(&text, &bytes);
        int outcome, n = 1 + rand_r(&seed) % 12;

        assert_non_null(file);
        assert_true(fputs("[domain/x]\nid_provider = ldap\nenabled = true\n[sssd]\n", file) >= 0);
        for (int k = 0; k < n; k++)
            assert_true(fputs(lines[(size_t) rand_r(&seed) % N_OF(lines)], file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(folder_write_bytes(folder, "sssd.conf", text, bytes), 0);

        outcome = check_folder(folder, i % 2 ? ENGINE_2_8 : ENGINE_2_10, &what);
        if (outcome == DIFFERS && strstr(text, M) && strcmp(what, "it does not come back as it was") == 0)
            outcome = EDITED; /* the one that was commented out already came back too */
        if (outcome == DIFFERS) {
            print_error("%s:\n%s\n", what, text);
            wrong++;
        } else {
            seen[outcome]++;
        }
    }
    print_message("%d edited, %d without a line, %d that the engine refuses\n", seen[EDITED], seen[NO_LINE],
                  seen[REFUSED]);
    assert_int_equal(wrong, 0);
    assert_true(seen[EDITED] > RANDOM_TEXTS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_services_line_is_commented_out_and_nothing_else),
        cmocka_unit_test(only_marked_services_lines_come_back),
        cmocka_unit_test(wide_letters_are_not_edited),
        cmocka_unit_test(each_line_is_told_as_it_is_in_force),
        cmocka_unit_test(every_truncation_goes_there_and_back),
        cmocka_unit_test(a_mebibyte_is_edited_line_by_line),
        cmocka_unit_test(what_the_engine_was_seen_with_goes_there_and_back),
        cmocka_unit_test_setup_teardown(texts_put_together_at_random_go_there_and_back, folder_setup, folder_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
