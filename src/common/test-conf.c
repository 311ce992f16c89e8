/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/test-files.h"
#include "common/test-modes.h"

#define GOOD "[sssd]\nservices = nss\ndomains = x\n\n[domain/x]\nid_provider = ldap\n"
#define SNIPPET "[sssd]\nservices = ssh\n"

#define EACH_ENGINE(engine) for (enum engine engine = ENGINE_2_8; engine < ENGINES; engine++)

static const char *services(const struct folder *folder)
{
    const char *value = conf_get(folder->config, "sssd", "services", NULL);

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
    assert_non_null(conf_remarks(folder->config));
    if (!strstr(conf_remarks(folder->config), words))
        fail_msg("\"%s\" does not say \"%s\"", conf_remarks(folder->config), words);
}

static void no_folder_is_no_configuration(void **state)
{
    struct conf *config = NULL;
    char *why = NULL;

    (void) state;
    assert_int_equal(conf_read("/nonexistent/sssd", "sssd.conf", &conf_policies[ENGINE_2_8], NULL,
                               NULL, &config, &why),
                     0);
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
    struct conf *config = NULL;
    CLEANUP(freep) char *why = NULL;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(
        conf_read(path, "sssd.conf", &conf_policies[ENGINE_2_8], NULL, NULL, &config, &why),
        -ENOTDIR);
    assert_non_null(why);
}

static void the_main_file_may_be_all_there_is(void **state)
{
    struct folder *folder = *state;
    const char *file = NULL;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_string_equal(services(folder), "nss");
    assert_string_equal(conf_get(folder->config, "sssd", "services", &file), "nss");
    assert_non_null(strstr(file, "/sssd.conf"));
    assert_null(conf_remarks(folder->config));
    assert_int_equal(conf_engine(folder->config), ENGINE_2_8);

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
    assert_string_equal(conf_get(folder->config, "SSSD", "Services", &file), "ssh");
    assert_non_null(strstr(file, "/conf.d/10.conf"));
}

static void an_empty_value_is_there_and_yet_none(void **state)
{
    struct folder *folder = *state;
    const char *file = "untouched";

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(folder_write(folder, "conf.d/10.conf", "[sssd]\nservices =   \n"), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_null(conf_get(folder->config, "sssd", "services", &file));
    assert_string_equal(file, "untouched");
    assert_true(conf_find(folder->config, "sssd", "services", NULL));
    assert_false(conf_find(folder->config, "sssd", "service", NULL));
    assert_true(conf_find(folder->config, "Domain/X", NULL, NULL));
    assert_false(conf_find(folder->config, "domain/y", NULL, NULL));
}

static enum engine asked;

static unsigned fd_limit(const char *dir)
{
    CLEANUP(conf_freep) struct conf *conf = NULL;
    CLEANUP(freep) char *why = NULL;

    return conf_read(dir, "sssd.conf", &conf_policies[asked], NULL, NULL, &conf, &why) == 1
               ? (unsigned) atoi(conf_get(conf, "nss", "fd_limit", NULL))
               : 0;
}

static void owners_and_modes_are_those_of_the_engine(void **state)
{
    struct folder *folder = *state;

    if (geteuid() != 0 || !getenv("TEST_DATA"))
        skip();
    EACH_ENGINE(engine)
    {
        asked = engine;
        modes_run(folder->dir, engine, fd_limit);
    }
}

static void a_snippet_open_to_others_is_skipped_or_fatal(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(folder_write(folder, "conf.d/10.conf", SNIPPET), 0);
    set_mode(folder, "conf.d/10.conf", 0644);
    is_skipped(folder, ENGINE_2_8, "10.conf: has mode 0644; allowed: 0600");
    is_refused(folder, ENGINE_2_10, EPERM, "10.conf: has mode 0644; allowed: 0600");

    drop(folder, "sssd.conf");
    is_refused(folder, ENGINE_2_8, EBADMSG, "10.conf: has mode 0644; allowed: 0600");
}

static void somebody_elses_file_is_refused(void **state)
{
    struct folder *folder = *state;
    uid_t uid = geteuid();
    gid_t gid = getegid();

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(folder_load_of(folder, ENGINE_2_8, uid + 1, gid), -EPERM);
    assert_non_null(strstr(folder->why, "belongs to user"));
    assert_int_equal(folder_load_of(folder, ENGINE_OWN, uid, gid + 1), -EPERM);

    /* The newer engine may have a user of its own, to whom the folder belongs then. */
    assert_int_equal(folder_load_of(folder, ENGINE_2_10, uid + 1, gid + 1), 1);
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
    is_refused(folder, ENGINE_2_8, EPERM, "sssd.conf: has mode");

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
    EACH_ENGINE(engine) is_refused(folder, engine, EINVAL, "sssd.conf: is not a regular file");
    drop(folder, "sssd.conf");
    put_folder(folder, "sssd.conf");
    EACH_ENGINE(engine) is_refused(folder, engine, EINVAL, "sssd.conf: is not a regular file");
    drop(folder, "sssd.conf");
    put_link(folder, "sssd.conf", "/dev/zero");
    EACH_ENGINE(engine) is_refused(folder, engine, EINVAL, "sssd.conf: is not a regular file");
    alarm(0);
}

/* A tape would be wound back. */
static void what_is_no_file_is_not_even_opened(void **state)
{
    struct folder *folder = *state;
    CLEANUP(freep)
    char *pipe_path = folder_path(folder, "device"),
         *file_path = folder_path(folder, "file");
    CLEANUP(closep) int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    char event[sizeof(struct inotify_event)];

    put_fifo(folder, "device");
    put_link(folder, "sssd.conf", "device");
    assert_int_equal(folder_write(folder, "file", GOOD), 0);
    assert_return_code(inotify_add_watch(fd, pipe_path, IN_OPEN), errno);
    EACH_ENGINE(engine) is_refused(folder, engine, EINVAL, "sssd.conf: is not a regular file");
    assert_int_equal(read(fd, event, sizeof(event)), -1);

    assert_return_code(inotify_add_watch(fd, file_path, IN_OPEN),
                       errno); /* so it would have been seen */
    drop(folder, "sssd.conf");
    put_link(folder, "sssd.conf", "file");
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_int_equal(read(fd, event, sizeof(event)), sizeof(event));
}

static void a_snippet_that_is_no_file_is_skipped_at_once(void **state)
{
    struct folder *folder = *state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    CLEANUP(closep) int fd = -1;

    alarm(10);
    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    put_fifo(folder, "conf.d/10.conf");
    EACH_ENGINE(engine) is_skipped(folder, engine, "10.conf: is not a regular file");
    put_folder(folder, "conf.d/20.conf");
    EACH_ENGINE(engine) is_skipped(folder, engine, "20.conf: is not a regular file");

    (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/conf.d/30.conf",
                    folder->dir); /* fits */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    EACH_ENGINE(engine) is_skipped(folder, engine, "30.conf: is not a regular file");
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
        assert_null(conf_remarks(folder->config));
    }
}

static void a_file_of_any_size_is_not_read(void **state)
{
    struct folder *folder = *state;
    CLEANUP(freep) char *path = folder_path(folder, "sssd.conf");

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    assert_int_equal(truncate(path, CONF_FILE_BYTES_MAX), 0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);
    assert_int_equal(truncate(path, CONF_FILE_BYTES_MAX + 1), 0);
    is_refused(folder, ENGINE_2_8, EFBIG, "is larger than");
    assert_int_equal(truncate(path, 1L << 32), 0);
    is_refused(folder, ENGINE_2_8, EFBIG, "is larger than");
}

static void more_snippets_than_anybody_needs_are_refused(void **state)
{
    struct folder *folder = *state;
    char name[32];

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    for (int i = 0; i < CONF_SNIPPETS_MAX; i++) {
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
        { "[sssd]\nservices = nss\ngarbage\n", "/sssd.conf:3: Equal sign is missing", EBADMSG },
        { "[sssd]\n = nss\n", "/sssd.conf:2: ", EBADMSG },
        { "\n\n[sssd\n", "/sssd.conf:3: ", EBADMSG },
        { "", "/sssd.conf: is empty", EBADMSG },
        { "# \xc3\xa9\n[sssd]\na = \xc3\xa9\n\xc3\xa9 = b\n", "/sssd.conf:4: ", EILSEQ },
        { "[sssd]\na = b\n[\xc3\xa9]\n", "/sssd.conf:3: ", EILSEQ },
        { "[sssd]\na = b\n[a!b]\n",
          "/sssd.conf: the name of an option or section has letters other than ASCII, '!' or a "
          "control",
          EILSEQ },
        { "[sssd]\na\tb = c\n",
          "/sssd.conf: the name of an option or section has letters other than ASCII, '!' or a "
          "control",
          EILSEQ },
        { "[sssd]\n# \xe9\n", "/sssd.conf:2: this is not UTF-8", EILSEQ },
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
        is_skipped(folder, engine, "10.conf:3: ");
        is_skipped(folder, engine, "\n");
        is_skipped(folder, engine, "20.conf: is empty");
    }

    assert_int_equal(folder_write(folder, "conf.d/20.conf", SNIPPET "# \xe9\n"), 0);
    EACH_ENGINE(engine) is_refused(folder, engine, EILSEQ, "20.conf:3: this is not UTF-8");
}

static void no_truncation_does_harm(void **state)
{
    static const char text[] = "\xef\xbb\xbf# comment \xc3\xa9\n" GOOD
                               "/* more */\n[nss]\na = \xe2\x82\xac\r\n";
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
    (void) snprintf(seen->text + strlen(seen->text), sizeof(seen->text) - strlen(seen->text), "%s ",
                    text); /* fits */
}

static int on_setting(const struct conf_setting *at, void *userdata)
{
    struct seen *seen = userdata;

    see(seen, at->key ? at->key : at->section);
    if (at->key)
        see(seen, at->value);
    return --seen->stop_after == 0 ? 42 : 0;
}

static void each_section_and_key_is_seen_once(void **state)
{
    struct folder *folder = *state;
    struct seen seen = { .text = "" };

    assert_int_equal(
        folder_write(folder, "sssd.conf", "[sssd]\na = 1\nb = 2\n[nss]\nx = y\n[SSSD]\nc = 3\n"),
        0);
    assert_int_equal(folder_write(folder, "conf.d/10.conf", "[Sssd]\nA = 4\nb =\nd = 5\n[pam]\n"),
                     0);
    assert_int_equal(folder_load(folder, ENGINE_2_8), 1);

    assert_int_equal(conf_each_section(folder->config, on_setting, &seen), 0);
    for (size_t i = 0; seen.text[i]; i++)
        seen.text[i] = (char) (seen.text[i] | 0x20); /* in whichever case */
    assert_string_equal(seen.text, "sssd nss pam ");

    seen = (struct seen) { .stop_after = 2 };
    assert_int_equal(conf_each_section(folder->config, on_setting, &seen), 42);
    assert_string_equal(seen.text, "sssd nss ");

    seen = (struct seen) { .text = "" };
    assert_int_equal(conf_each_option(folder->config, "sssd", on_setting, &seen), 0);
    assert_string_equal(seen.text, "a 4 b  c 3 d 5 ");

    seen = (struct seen) { .text = "" };
    assert_int_equal(conf_each_option(folder->config, "nobody", on_setting, &seen), 0);
    assert_string_equal(seen.text, "");
}

static void a_setting_has_its_line(void **state)
{
    static const char text[] = "\xef\xbb\xbf[SSSD]\r\n  # a = 0\na = 1\n/* [nss]\na = 2\n*/\na = 3 "
                               "*/\nab = 4\n[ nss ]\na = 5\n\t[sssd]\n"
                               "b=6\n A =7\n[sssd]x\n";
    static const struct {
        const char *section, *key;
        unsigned line;
    } rows[] = {
        { "sssd", NULL, 1 }, { "sssd", "a", 13 }, { "sssd", "ab", 8 }, { "sssd", "b", 12 },
        { "nss", NULL, 9 },  { "nss", "a", 10 },  { "nss", "b", 0 },   { "pam", NULL, 0 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct conf_setting at = { .text = text,
                                         .section = rows[i].section,
                                         .key = rows[i].key };

        assert_int_equal(conf_line(&at), rows[i].line);
    }
}

/* --- Who writes just now ------------------------------------------------------------------------ */

/* In place, line by line, with the option that matters in the last one; tells whether it was
 * suspended meanwhile. */
static void write_slowly(const char *path)
{
    FILE *file = fopen(path, "w");
    uint64_t longest_usec = 0;

    if (!file || fputs(GOOD, file) < 0 || fflush(file) != 0)
        _exit(2);
    (void) kill(getppid(), SIGCONT); /* it waits for that */
    for (unsigned i = 0; i < 100; i++) {
        uint64_t before = now_usec();

        (void) usleep(1000);
        if (fprintf(file, "%s\n", i < 99 ? "# more" : SNIPPET) < 0 || fflush(file) != 0)
            _exit(2);
        if (now_usec() - before > longest_usec)
            longest_usec = now_usec() - before;
    }
    _exit(longest_usec > 30000);
}

/* Scenario 47. */
static void a_file_that_is_being_written_is_waited_for(void **state)
{
    struct folder *folder = *state;
    CLEANUP(freep) char *path = folder_path(folder, "sssd.conf");
    int status = -1;

    assert_int_equal(folder_write(folder, "sssd.conf", GOOD), 0);
    for (unsigned i = 0; i < 100 && status != 0; i++) { /* a writer who paused shows nothing */
        sigset_t set;
        pid_t pid;
        int number, r;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGCONT);
        assert_return_code(sigprocmask(SIG_BLOCK, &set, NULL), errno);
        pid = fork();
        assert_return_code(pid, errno);
        if (pid == 0)
            write_slowly(path);
        assert_int_equal(sigwait(&set, &number), 0);
        r = folder_load(folder, ENGINE_2_8);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        if (status == 0) {
            assert_int_equal(r, 1);
            assert_string_equal(services(folder), "ssh");
        }
    }
    assert_int_equal(status, 0);
}

/* Truncated a moment ago, with the time of before still to be seen; the text comes as soon as
 * somebody has opened it. */
static void a_file_that_was_just_truncated_is_waited_for(void **state)
{
    struct folder *folder = *state;
    CLEANUP(freep) char *path = folder_path(folder, "sssd.conf");
    int r = -1;

    for (unsigned i = 0; i < 5 && r != 1; i++) { /* a writer who is suspended comes too late */
        int status, fd = inotify_init1(IN_CLOEXEC);
        pid_t pid;

        assert_int_equal(folder_write(folder, "sssd.conf", ""), 0);
        assert_return_code(inotify_add_watch(fd, path, IN_OPEN), errno);
        pid = fork();
        assert_return_code(pid, errno);
        if (pid == 0) {
            char event[sizeof(struct inotify_event)];

            _exit(read(fd, event, sizeof(event)) > 0 && folder_write(folder, "sssd.conf", GOOD) == 0
                      ? 0
                      : 1);
        }
        r = folder_load(folder, ENGINE_2_8);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        (void) close(fd);
    }
    assert_int_equal(r, 1);
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
        TEST(owners_and_modes_are_those_of_the_engine),
        TEST(a_snippet_open_to_others_is_skipped_or_fatal),
        TEST(somebody_elses_file_is_refused),
        TEST(only_root_and_the_folders_owner_are_trusted_by_the_newer_engine),
        TEST(links_are_followed),
        TEST(links_to_nowhere_are_absent_files),
        TEST(a_main_file_that_is_none_is_refused_at_once),
        TEST(what_is_no_file_is_not_even_opened),
        TEST(a_snippet_that_is_no_file_is_skipped_at_once),
        TEST(only_names_of_snippets_are_read),
        TEST(a_file_of_any_size_is_not_read),
        TEST(more_snippets_than_anybody_needs_are_refused),
        TEST(an_error_is_told_with_file_and_line),
        TEST(an_error_in_a_snippet_costs_the_snippet),
        TEST(no_truncation_does_harm),
        TEST(no_changed_byte_does_harm),
        TEST(each_section_and_key_is_seen_once),
        TEST(a_setting_has_its_line),
        TEST(a_file_that_is_being_written_is_waited_for),
        TEST(a_file_that_was_just_truncated_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
