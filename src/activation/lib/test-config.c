/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "lib/test-files.h"

#define GOOD "[sssd]\nservices = nss\ndomains = x\n\n[domain/x]\nid_provider = ldap\n"
#define SNIPPET "[sssd]\nservices = ssh\n"

#define EACH_ENGINE(engine) for (enum engine engine = ENGINE_2_8; engine <= ENGINE_2_10; engine++)

static const char *services(const struct folder *folder)
{
    const char *value = config_get(folder->config, "sssd", "services", NULL);

    return value ? value : "(none)";
}

static void set_mode(const struct folder *folder, const char *name, mode_t mode)
{
    CLEANUP(freep) char *path = folder_path(folder, name);

    assert_int_equal(chmod(path, mode), 0);
}

static void put_link(const struct folder *folder, const char *name, const char *target)
{
    CLEANUP(freep) char *path = folder_path(folder, name);

    assert_int_equal(symlink(target, path), 0);
}

static void put_fifo(const struct folder *folder, const char *name)
{
    CLEANUP(freep) char *path = folder_path(folder, name);

    assert_int_equal(mkfifo(path, 0600), 0);
}

static void put_folder(const struct folder *folder, const char *name)
{
    CLEANUP(freep) char *path = folder_path(folder, name);

    assert_int_equal(mkdir(path, 0755), 0);
}

static void drop(const struct folder *folder, const char *name)
{
    CLEANUP(freep) char *path = folder_path(folder, name);

    assert_int_equal(remove(path), 0);
}

/* It is refused with this errno and a sentence that has these words. */
static void is_refused(struct folder *folder, enum engine engine, int error, const char *words)
{
    assert_int_equal(folder_load(folder, engine), -error);
    assert_non_null(folder->why);
    if (!strstr(folder->why, words))
        fail_msg("\"%s\" does not say \"%s\"", folder->why, words);
}

/* The engine takes the rest, and we say what it passes over. */
static void is_skipped(struct folder *folder, enum engine engine, const char *words)
{
    assert_int_equal(folder_load(folder, engine), 1);
    assert_string_equal(services(folder), "nss");
    assert_non_null(config_remarks(folder->config));
    if (!strstr(config_remarks(folder->config), words))
        fail_msg("\"%s\" does not say \"%s\"", config_remarks(folder->config), words);
}

static void no_folder_is_no_configuration(void **state)
{
    struct config *config = NULL;
    char *why = NULL;

    (void) state;
    assert_int_equal(config_load("/nonexistent/sssd", ENGINE_2_8, &config, &why), 0);
    assert_null(config);
    assert_null(why);
}

static void an_empty_folder_is_no_configuration(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_load(folder, ENGINE_2_8), 0);
    assert_null(folder->why);
    drop(folder, "conf.d");
    assert_int_equal(folder_load(folder, ENGINE_2_8), 0);
}

static void a_file_in_place_of_the_folder_is_refused(void **state)
{
    struct folder *folder = *state;
    CLEANUP(freep) char *path = folder_path(folder, "sssd.conf");
    struct config *config = NULL;
    CLEANUP(freep) char *why = NULL;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(config_load(path, ENGINE_2_8, &config, &why), -ENOTDIR);
    assert_non_null(why);
}

static void the_main_file_may_be_all_there_is(void **state)
{
    struct folder *folder = *state;
    const char *file = NULL;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_string_equal(services(folder), "nss");
    assert_string_equal(config_get(folder->config, "sssd", "services", &file), "nss");
    assert_non_null(strstr(file, "/sssd.conf"));
    assert_null(config_remarks(folder->config));
    assert_int_equal(config_engine(folder->config), ENGINE_2_8);

    drop(folder, "conf.d");
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_int_equal(folder_write(folder, "conf.d", "a file"), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_string_equal(services(folder), "nss");
}

static void a_snippet_overrides_and_is_named(void **state)
{
    struct folder *folder = *state;
    const char *file = NULL;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(folder_write(folder, "conf.d/10.conf", SNIPPET), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_string_equal(config_get(folder->config, "SSSD", "Services", &file), "ssh");
    assert_non_null(strstr(file, "/conf.d/10.conf"));
}

static void an_empty_value_is_there_and_yet_none(void **state)
{
    struct folder *folder = *state;
    const char *file = "untouched";

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(folder_write(folder, "conf.d/10.conf", "[sssd]\nservices =   \n"), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_null(config_get(folder->config, "sssd", "services", &file));
    assert_string_equal(file, "untouched");
    assert_true(config_has(folder->config, "sssd", "services"));
    assert_false(config_has(folder->config, "sssd", "service"));
    assert_true(config_has_section(folder->config, "Domain/X"));
    assert_false(config_has_section(folder->config, "domain/y"));
}

static void modes_are_those_of_the_engine(void **state)
{
    static const struct {
        mode_t mode;
        bool older, newer;
    } rows[] = {
        { 0600, true, true },   { 0400, true, true },   { 0700, true, true },   { 01600, true, true },
        { 0640, false, true },  { 0660, false, true },  { 0620, false, true },  { 0644, false, false },
        { 0604, false, false }, { 0602, false, false }, { 0601, false, false },
    };
    struct folder *folder = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EACH_ENGINE(engine)
        {
            bool good = engine == ENGINE_2_8 ? rows[i].older : rows[i].newer;

            assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
            set_mode(folder, "sssd.conf", rows[i].mode);
            if (good)
                assert_int_equal(folder_load(folder, engine), 1);
            else
                is_refused(folder, engine, EPERM, "sssd.conf has mode");
            drop(folder, "sssd.conf");
        }
    }
}

static void the_older_engine_wants_to_read_as_owner(void **state)
{
    struct folder *folder = *state;

    if (geteuid() != 0)
        skip();
    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    set_mode(folder, "sssd.conf", 0200);
    is_refused(folder, ENGINE_2_8, EPERM, "sssd.conf has mode 0200");
    assert_int_equal(folder_load(folder, ENGINE_2_10), 1);
}

static void a_snippet_open_to_others_is_skipped_or_fatal(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(folder_write(folder, "conf.d/10.conf", SNIPPET), 0);
    set_mode(folder, "conf.d/10.conf", 0644);
    is_skipped(folder, ENGINE_2_8, "10.conf has mode 0644");
    is_refused(folder, ENGINE_2_10, EPERM, "10.conf has mode 0644");

    drop(folder, "sssd.conf");
    is_refused(folder, ENGINE_2_8, EBADMSG, "10.conf has mode 0644");
}

static void somebody_elses_file_is_refused(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(config_load_of(folder->dir, ENGINE_2_8, geteuid() + 1, getegid(), &folder->config, &folder->why),
                     -EPERM);
    assert_non_null(strstr(folder->why, "belongs to user"));
    free(TAKE(folder->why));
    assert_int_equal(config_load_of(folder->dir, ENGINE_2_8, geteuid(), getegid() + 1, &folder->config, &folder->why),
                     -EPERM);
    assert_non_null(strstr(folder->why, "belongs to group"));
    free(TAKE(folder->why));

    /* The newer engine may have a user of its own, to whom the folder belongs then. */
    assert_int_equal(config_load_of(folder->dir, ENGINE_2_10, geteuid() + 1, getegid() + 1, &folder->config,
                                    &folder->why), 1);
}

static void only_root_and_the_folders_owner_are_trusted_by_the_newer_engine(void **state)
{
    struct folder *folder = *state;
    CLEANUP(freep) char *path = NULL;

    if (geteuid() != 0)
        skip();
    path = folder_path(folder, "sssd.conf");
    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(chown(path, 4711, 0), 0);
    is_refused(folder, ENGINE_2_10, EPERM, "belongs to user 4711");
    assert_int_equal(chown(folder->dir, 4711, 0), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_10), 1);
    is_refused(folder, ENGINE_2_8, EPERM, "belongs to user 4711");
}

static void links_are_followed(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_write(folder, "main", GOOD), 0);
    assert_int_equal(folder_write(folder, "snippet", SNIPPET), 0);
    put_link(folder, "sssd.conf", "main");
    put_link(folder, "conf.d/10.conf", "../snippet");
    EACH_ENGINE(engine)
    {
        assert_int_equal(folder_load(folder, engine), 1);
        assert_string_equal(services(folder), "ssh");
    }

    /* What counts is the file they lead to. */
    set_mode(folder, "main", 0644);
    is_refused(folder, ENGINE_2_8, EPERM, "sssd.conf has mode");

    set_mode(folder, "main", 0600);
    drop(folder, "conf.d/10.conf");
    drop(folder, "conf.d");
    put_folder(folder, "elsewhere");
    assert_int_equal(folder_write(folder, "elsewhere/a.conf", SNIPPET), 0);
    put_link(folder, "conf.d", "elsewhere");
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_string_equal(services(folder), "ssh");
}

static void links_to_nowhere_are_absent_files(void **state)
{
    struct folder *folder = *state;

    put_link(folder, "sssd.conf", "nowhere");
    assert_int_equal(folder_load(folder, ENGINE_2_8), 0);
    assert_int_equal(folder_write(folder, "conf.d/20.conf", GOOD), 0);
    EACH_ENGINE(engine)
    {
        assert_int_equal(folder_load(folder, engine), 1);
        assert_string_equal(services(folder), "nss");
    }
    put_link(folder, "conf.d/10.conf", "nowhere");
    EACH_ENGINE(engine) is_skipped(folder, engine, "10.conf");
    drop(folder, "conf.d/10.conf");
    put_link(folder, "conf.d/10.conf", "10.conf"); /* to itself */
    EACH_ENGINE(engine) is_skipped(folder, engine, "10.conf");
}

static void a_main_file_that_is_none_is_refused_at_once(void **state)
{
    struct folder *folder = *state;

    alarm(10); /* a pipe that is waited for ends the test */
    put_fifo(folder, "sssd.conf");
    EACH_ENGINE(engine) is_refused(folder, engine, EINVAL, "sssd.conf is not a regular file");
    drop(folder, "sssd.conf");
    put_folder(folder, "sssd.conf");
    EACH_ENGINE(engine) is_refused(folder, engine, EINVAL, "sssd.conf is not a regular file");
    drop(folder, "sssd.conf");
    put_link(folder, "sssd.conf", "/dev/zero");
    EACH_ENGINE(engine) is_refused(folder, engine, EINVAL, "sssd.conf is not a regular file");
    alarm(0);
}

static void a_snippet_that_is_no_file_is_skipped_at_once(void **state)
{
    struct folder *folder = *state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    CLEANUP(closep) int fd = -1;

    alarm(10);
    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    put_fifo(folder, "conf.d/10.conf");
    EACH_ENGINE(engine) is_skipped(folder, engine, "10.conf is not a regular file");
    put_folder(folder, "conf.d/20.conf");
    EACH_ENGINE(engine) is_skipped(folder, engine, "20.conf is not a regular file");

    (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/conf.d/30.conf", folder->dir); /* fits */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    EACH_ENGINE(engine) is_skipped(folder, engine, "30.conf is not a regular file");
    alarm(0);
}

static void only_names_of_snippets_are_read(void **state)
{
    static const char *const others[] = {
        "conf.d/.hidden.conf", "conf.d/.conf",    "conf.d/x.CONF", "conf.d/x.conf~",
        "conf.d/x.conf.bak",   "conf.d/\\x.conf", "conf.d/xconf",  "conf.d/README",
    };
    struct folder *folder = *state;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(folder_write(folder, others[i], "garbage"), 0);
    EACH_ENGINE(engine)
    {
        assert_int_equal(folder_load(folder, engine), 1);
        assert_null(config_remarks(folder->config));
    }
}

static void a_file_of_any_size_is_not_read(void **state)
{
    struct folder *folder = *state;
    CLEANUP(freep) char *path = folder_path(folder, "sssd.conf");

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(truncate(path, CONFIG_FILE_BYTES_MAX), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_int_equal(truncate(path, CONFIG_FILE_BYTES_MAX + 1), 0);
    is_refused(folder, ENGINE_2_8, EFBIG, "is larger than");
    assert_int_equal(truncate(path, 1L << 32), 0);
    is_refused(folder, ENGINE_2_8, EFBIG, "is larger than");
}

static void more_snippets_than_anybody_needs_are_refused(void **state)
{
    struct folder *folder = *state;
    char name[32];

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    for (int i = 0; i < CONFIG_SNIPPETS_MAX; i++) {
        (void) snprintf(name, sizeof(name), "conf.d/%03d.conf", i); /* fits */
        assert_int_equal(folder_write(folder, name, SNIPPET), 0);
    }
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_string_equal(services(folder), "ssh");
    assert_int_equal(folder_write(folder, "conf.d/x.conf", SNIPPET), 0);
    is_refused(folder, ENGINE_2_8, E2BIG, "has more than");
}

static void an_error_is_told_with_file_and_line(void **state)
{
    static const struct {
        const char *text, *words;
        int error;
    } rows[] = {
        { "[sssd]\nservices = nss\ngarbage\n", "/sssd.conf, line 3: Equal sign is missing", EBADMSG },
        { "[sssd]\n = nss\n", "/sssd.conf, line 2: ", EBADMSG },
        { "\n\n[sssd\n", "/sssd.conf, line 3: ", EBADMSG },
        { "", "/sssd.conf is empty", EBADMSG },
        { "# \xc3\xa9\n[sssd]\na = \xc3\xa9\n\xc3\xa9 = b\n", "/sssd.conf, line 4: ", EILSEQ },
        { "[sssd]\na = b\n[\xc3\xa9]\n", "/sssd.conf, line 3: ", EILSEQ },
        { "[sssd]\na = b\n[a!b]\n", "/sssd.conf: the name of an option or section has '!' or a control", EILSEQ },
        { "[sssd]\na\tb = c\n", "/sssd.conf: the name of an option or section has '!' or a control", EILSEQ },
        { "[sssd]\n# \xe9\n", "/sssd.conf, from line 2: not UTF-8", EILSEQ },
    };
    struct folder *folder = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(folder_write(folder, "sssd.conf", rows[i].text), 0);
        EACH_ENGINE(engine) is_refused(folder, engine, rows[i].error, rows[i].words);
    }
}

static void an_error_in_a_snippet_costs_the_snippet(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(folder_write(folder, "conf.d/10.conf", SNIPPET "garbage\n"), 0);
    assert_int_equal(folder_write(folder, "conf.d/20.conf", ""), 0);
    EACH_ENGINE(engine)
    {
        is_skipped(folder, engine, "10.conf, line 3: ");
        is_skipped(folder, engine, "\n");
        is_skipped(folder, engine, "20.conf is empty");
    }

    assert_int_equal(folder_write(folder, "conf.d/20.conf", SNIPPET "# \xe9\n"), 0);
    EACH_ENGINE(engine) is_refused(folder, engine, EILSEQ, "20.conf, from line 3");
}

static void no_truncation_does_harm(void **state)
{
    static const char text[] = "\xef\xbb\xbf# comment \xc3\xa9\n" GOOD "/* more */\n[nss]\na = \xe2\x82\xac\r\n";
    struct folder *folder = *state;

    for (size_t n = 0; n < sizeof(text); n++) {
        int r;

        assert_int_equal(folder_write_bytes(folder, "sssd.conf", text, n), 0);
        r = folder_load(folder, ENGINE_2_8);
        assert_true(r == 1 || r == -EBADMSG || r == -EILSEQ);
        assert_true((r == 1) == (folder->config != NULL));
        assert_true((r < 0) == (folder->why != NULL));
    }
}

static void no_changed_byte_does_harm(void **state)
{
    static const char text[] = GOOD "[nss]\n; comment\na = b\n";
    struct folder *folder = *state;
    char changed[sizeof(text)];

    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        for (const char *c = "[]=\n#;/* \\\"\x80\xff"; *c; c++) {
            int r;

            (void) memcpy(changed, text, sizeof(text));
            changed[i] = *c;
            assert_int_equal(folder_write_bytes(folder, "sssd.conf", changed, sizeof(text) - 1), 0);
            r = folder_load(folder, ENGINE_2_8);
            assert_true(r == 1 || r == -EBADMSG || r == -EILSEQ);
        }
    }
}

struct seen {
    char text[256];
    int stop_after;
};

static void see(struct seen *seen, const char *text)
{
    (void) snprintf(seen->text + strlen(seen->text), sizeof(seen->text) - strlen(seen->text), "%s ", text); /* fits */
}

static int on_section(const char *section, void *userdata)
{
    struct seen *seen = userdata;

    see(seen, section);
    return --seen->stop_after == 0 ? 42 : 0;
}

static int on_key(const char *key, const char *value, void *userdata)
{
    see(userdata, key);
    see(userdata, value);
    return 0;
}

static void each_section_and_key_is_seen_once(void **state)
{
    struct folder *folder = *state;
    struct seen seen = { .text = "" };

    assert_int_equal(folder_write(folder, "sssd.conf", "[sssd]\na = 1\nb = 2\n[nss]\nx = y\n[SSSD]\nc = 3\n"), 0);
    assert_int_equal(folder_write(folder, "conf.d/10.conf", "[Sssd]\nA = 4\nb =\nd = 5\n[pam]\n"), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);

    assert_int_equal(config_each_section(folder->config, on_section, &seen), 0);
    for (size_t i = 0; seen.text[i]; i++)
        seen.text[i] = (char) (seen.text[i] | 0x20); /* in whichever case */
    assert_string_equal(seen.text, "sssd nss pam ");

    seen = (struct seen) { .stop_after = 2 };
    assert_int_equal(config_each_section(folder->config, on_section, &seen), 42);
    assert_string_equal(seen.text, "sssd nss ");

    seen = (struct seen) { .text = "" };
    assert_int_equal(config_each_key(folder->config, "sssd", on_key, &seen), 0);
    assert_string_equal(seen.text, "a 4 b  c 3 d 5 ");

    seen = (struct seen) { .text = "" };
    assert_int_equal(config_each_key(folder->config, "nobody", on_key, &seen), 0);
    assert_string_equal(seen.text, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_folder_is_no_configuration),
        TEST(an_empty_folder_is_no_configuration),
        TEST(a_file_in_place_of_the_folder_is_refused),
        TEST(the_main_file_may_be_all_there_is),
        TEST(a_snippet_overrides_and_is_named),
        TEST(an_empty_value_is_there_and_yet_none),
        TEST(modes_are_those_of_the_engine),
        TEST(the_older_engine_wants_to_read_as_owner),
        TEST(a_snippet_open_to_others_is_skipped_or_fatal),
        TEST(somebody_elses_file_is_refused),
        TEST(only_root_and_the_folders_owner_are_trusted_by_the_newer_engine),
        TEST(links_are_followed),
        TEST(links_to_nowhere_are_absent_files),
        TEST(a_main_file_that_is_none_is_refused_at_once),
        TEST(a_snippet_that_is_no_file_is_skipped_at_once),
        TEST(only_names_of_snippets_are_read),
        TEST(a_file_of_any_size_is_not_read),
        TEST(more_snippets_than_anybody_needs_are_refused),
        TEST(an_error_is_told_with_file_and_line),
        TEST(an_error_in_a_snippet_costs_the_snippet),
        TEST(no_truncation_does_harm),
        TEST(no_changed_byte_does_harm),
        TEST(each_section_and_key_is_seen_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
