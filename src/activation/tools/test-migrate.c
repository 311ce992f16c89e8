/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of migrate.c, with real files and state and a PID 1 of their own. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/config.h"
#include "lib/edit.h"
#include "lib/residency.h"
#include "lib/state.h"
#include "test/fixture.h"
#include "tools/migrate.h"
#include "tools/test-machine.h"

#define M EDIT_MARKER
#define DOMAIN "domains = d\n[domain/d]\nid_provider = ldap\n"
#define AD_DOMAIN "domains = d\n[domain/d]\nid_provider = ad\n"
#define BEFORE "[sssd]\nservices = nss, pam\n" DOMAIN
#define AFTER "[sssd]\n" M "services = nss, pam\n" DOMAIN

/* A start of the monitor reads the file, as its hook does. ./broken: it fails; ./unmet: a condition skips it; ./stuck: no
 * socket opens. */
#define JOBS                                                                                       \
    "own() { rm -rf state/monitor; mkdir state/monitor\n"                                          \
    "    sed -n 's/^services *= *//p' config/sssd.conf | tr -d , |\n"                              \
    "    xargs -r -n 1 | while read -r name; do : >state/monitor/$name; done; }\n"                 \
    "look_at() { name=${1#sss-}; name=${name%.*}; name=${name%-private}; up=active\n"              \
    "    test ! -e state/monitor/$name || up=inactive; test ! -e stuck || up=inactive; }\n"        \
    "case \"$1 $2\" in\n"                                                                          \
    "'Restart sssd.service')\n"                                                                    \
    "    if test -e broken; then has sssd.service ActiveState=failed; echo failed; exit; fi\n"     \
    "    if test -e unmet; then has sssd.service ActiveState=inactive; echo skipped; exit; fi\n"   \
    "    own; has sssd.service ActiveState=active; has sssd.service Job=\n"                        \
    "    for path in units/sss-*.socket; do\n"                                                     \
    "        unit=${path#units/}; look_at $unit; has $unit ActiveState=$up; done ;;\n"             \
    "Stop*) has $2 ActiveState=inactive ;;\n"                                                      \
    "*) if test -e stuck; then echo failed; else has $2 ActiveState=active; fi ;;\n"               \
    "esac\n"

/* In place of the real one, which has tests of its own. */
int residency_may_leave(const struct conf *config, char *why, size_t why_bytes)
{
    (void) config;
    (void) snprintf(why, why_bytes, "it has work");
    return file_exists("may-leave");
}

static void write_config(const char *name, const char *text)
{
    write_text(name, text);
    assert_int_equal(chmod(name, 0600), 0);
}

static int migrate_enter(void **state)
{
    if (machine_enter(state) < 0 || mkdir("config", 0755) < 0 || mkdir("config/conf.d", 0755) < 0)
        return -1;
    write_config("config/sssd.conf", BEFORE);
    unit_is(MONITOR, "loaded", "active", "enabled", 12);
    monitor_owns("nss", true);
    monitor_owns("pam", true);
    unit_has("sss-nss.socket", "ActiveState=inactive");
    unit_has("sss-pam.socket", "ActiveState=inactive");
    unit_has("sss-pam-private.socket", "ActiveState=inactive");
    jobs_do(JOBS);
    return 0;
}

static int until_error = -1;
static bool stays_broken;

/* The linker takes this before the C library's. */
int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    if (until_error < 0 || until_error-- > 0)
        return (int) syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
    until_error = stays_broken ? 0 : -1;
    errno = EIO;
    return -1;
}

#define CANNOT_PREPARE 77

struct order {
    int (*run)(bool dry);
    bool dry;
    const char *prepare; /* by the shell, among mounts of its own */
};

static int run_in_child(void *userdata)
{
    const struct order *order = userdata;
    int status;

    if (order->prepare && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", "", MS_REC | MS_PRIVATE, NULL) < 0 ||
                           system(order->prepare) != 0))
        return CANNOT_PREPARE;
    if (!freopen("said", "w", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        return 255;
    status = order->run(order->dry);
    (void) fflush(NULL);
    return status;
}

static int run_after(const char *prepare, int (*what)(bool dry), bool dry)
{
    struct order order = { what, dry, prepare };

    if (geteuid() != 0)
        skip(); /* only root's configuration is believed */
    (void) unlink("calls"); /* of an earlier one */
    return in_child(run_in_child, &order);
}

/* Returns its exit status; what it says is in ./said, its calls in ./calls. */
static int run(int (*what)(bool dry), bool dry)
{
    return run_after(NULL, what, dry);
}

static void ends_with(int wanted, int status)
{
    if (status != wanted)
        fail_msg("it ended with %d, and said: %s", status, read_text("said"));
}

static void says(const char *words)
{
    const char *said = read_text("said");

    if (!strstr(said, words))
        fail_msg("\"%s\" is not in: %s", words, said);
}

/* Nothing of what only a run that came to its end has done. */
static void claims_nothing(void)
{
    static const char *const claims[] = {
        "commented out", "brought back", " moves ", "would be", "backup: data/", "back: sss_activation",
    };

    for (size_t i = 0; i < N_OF(claims); i++)
        if (strstr(read_text("said"), claims[i]))
            fail_msg("\"%s\" is in: %s", claims[i], read_text("said"));
}

static bool restarted(void)
{
    return strstr(pid1_calls(), "Restart sssd.service replace\n") != NULL;
}

static bool is_clean(void)
{
    return !file_exists("config/.sssd.conf.sss_activation-new") &&
           !file_exists("config/.sssd.conf.sss_activation-old") &&
           !file_exists("data/pending") && !file_exists("state/edited");
}

/* --- There and back ----------------------------------------------------------------------------------------------- */

static void it_goes_there_and_back(void **state)
{
    (void) state;
    write_text("may-leave", "");
    ends_with(0, run(migrate_run, false));
    assert_string_equal(read_text("config/sssd.conf"), AFTER);
    assert_false(file_exists("state/monitor/nss"));
    assert_true(restarted());
    assert_true(is_clean());
    says("config/sssd.conf, line 2, commented out: services = nss, pam\n");
    says("nss moves from the monitor to systemd");
    says("\nbackup: data/backup/2");
    says("systemctl disable sssd");

    write_text("config/.sssd.conf.sss_activation-new", "[sss"); /* of a run that was killed early */
    ends_with(0, run(migrate_run, false));
    says("nothing to do");
    assert_false(restarted());
    assert_true(is_clean());

    ends_with(0, run(revert_run, false));
    assert_string_equal(read_text("config/sssd.conf"), BEFORE);
    assert_true(file_exists("state/monitor/pam"));
    assert_true(restarted());
    assert_true(is_clean());
    says("config/sssd.conf, line 2, brought back: services = nss, pam\n");
    says("nss moves to the monitor");

    ends_with(0, run(revert_run, false));
    says("nothing to do");
    assert_false(restarted());
}

static void a_dry_run_says_it_all_and_does_nothing(void **state)
{
    (void) state;
    ends_with(0, run(migrate_run, true));
    says("--- config/sssd.conf\n");
    says("\n-services = nss, pam\n+" M "services = nss, pam\n");
    says("nss would move from the monitor");
    says("sssd.service would be restarted");
    assert_string_equal(read_text("config/sssd.conf"), BEFORE);
    assert_false(restarted());
    assert_false(file_exists("data"));
    assert_true(is_clean());
}

static void a_monitor_at_rest_is_started_only_for_what_becomes_its_own(void **state)
{
    (void) state;
    unit_is(MONITOR, "loaded", "inactive", "disabled", 0);
    ends_with(0, run(migrate_run, false));
    assert_string_equal(read_text("config/sssd.conf"), AFTER);
    assert_false(file_exists("state/monitor/nss"));
    assert_false(restarted());

    ends_with(0, run(revert_run, false));
    assert_true(restarted());
    says("sssd.service is being started");
    says("systemctl enable sssd");
}

static void what_an_administrator_stopped_stays_stopped(void **state)
{
    static const struct {
        const char *label;
        int (*run)(bool dry);
        const char *text, *words;
        bool monitors;
    } rows[] = {
        { "there", migrate_run, AFTER, "nss moves from the monitor", false },
        { "and back", revert_run, BEFORE, "nss moves to the monitor", true },
        { "and there again", migrate_run, AFTER, "nss moves from the monitor", false },
    };

    (void) state;
    administrator_stops();
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        ends_with(0, run(rows[i].run, true));
        ends_with(0, run(rows[i].run, false));
        says(rows[i].words);
        says("sssd.service was stopped, and stays so until: ");
        assert_string_equal(read_text("config/sssd.conf"), rows[i].text);
        assert_int_equal(file_exists("state/monitor/nss"), rows[i].monitors);
        assert_int_equal(file_exists("state/monitor/pam"), rows[i].monitors);
        assert_string_equal(pid1_calls(), "");
        assert_true(is_clean());
    }
}

/* It is as good as up, or down: only one that an administrator stopped, or that is at rest, stays where it is. */
static void what_the_monitor_is_about_to_be_counts(void **state)
{
    static const struct {
        const char *label, *active, *job;
        bool restarts;
    } rows[] = {
        { "it runs", "active", "", true },
        { "it starts", "activating", "start", true },
        { "it waits for its start", "inactive", "start", true },
        { "between the halves of a restart", "deactivating", "restart", true },
        { "it is about to stop", "active", "stop", false },
        { "it stops", "deactivating", "stop", false },
        { "it leaves", "deactivating", "", false },
        { "at rest", "inactive", "", false },
        { "failed", "failed", "", false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        print_message("  %s\n", rows[i].label);
        unit_with_job(MONITOR, rows[i].active, rows[i].job);
        ends_with(0, run(migrate_run, true));
        says(rows[i].restarts ? "sssd.service would be restarted" : "sockets would open and close");
    }
}

static void a_switch_that_is_due_is_made_up_for(void **state)
{
    (void) state;
    write_config("config/sssd.conf", "[sssd]\n" DOMAIN); /* edited by hand; the monitor has them still */
    ends_with(0, run(migrate_run, false));
    says("the configuration was changed already");
    assert_true(restarted());
    assert_false(file_exists("state/monitor/nss"));

    assert_int_equal(unlink("config/sssd.conf"), 0);
    ends_with(0, run(migrate_run, false));
    says("nothing to do: there is no configuration");
}

static void every_line_goes_also_one_that_is_overridden(void **state)
{
    (void) state;
    write_config("config/conf.d/10-a.conf", "[sssd]\nservices = nss\n");
    write_config("config/conf.d/20-b.conf", "[sssd]\nservices =\n");
    ends_with(0, run(migrate_run, false));
    assert_string_equal(read_text("config/sssd.conf"), AFTER);
    assert_string_equal(read_text("config/conf.d/10-a.conf"), "[sssd]\n" M "services = nss\n");
    assert_string_equal(read_text("config/conf.d/20-b.conf"), "[sssd]\n" M "services =\n");
    ends_with(0, run(revert_run, false));
    assert_string_equal(read_text("config/conf.d/10-a.conf"), "[sssd]\nservices = nss\n");
}

static void pac_stays_the_monitors_with_active_directory(void **state)
{
    (void) state;
    write_config("config/sssd.conf", "[sssd]\nservices = nss, pac\n" AD_DOMAIN);
    ends_with(0, run(migrate_run, true));
    says("nss would move");
    says("pac would stay the monitor's");
}

static void a_terminal_takes_no_orders_from_a_file(void **state)
{
    (void) state;
    write_config("config/sssd.conf", "[sssd]\nservices = nss,\x1b pam\n" DOMAIN);
    (void) run(migrate_run, true);
    assert_null(strchr(read_text("said"), '\x1b'));
}

/* --- Refusals ----------------------------------------------------------------------------------------------------- */

static void whoever_has_no_successor_is_named(void **state)
{
    static const struct {
        const char *unit, *line, *words;
    } rows[] = {
        { "sss-nss.socket", "UnitFileState=disabled", "systemctl enable sss-nss.socket" },
        { "sss-pam-private.socket", "UnitFileState=disabled", "systemctl enable sss-pam-private.socket" },
        { "sss-nss.socket", "LoadState=masked", "sss-nss.socket is masked: systemctl unmask sss-nss.socket" },
        { "sss-nss.service", "LoadState=masked", "systemctl unmask sss-nss.service" },
        { "sss-nss.socket", "LoadState=not-found", "sss-nss.socket is not installed" },
        { "sss-pam.service", "LoadState=not-found", "sss-pam.service is not installed" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        unit_has(rows[i].unit, rows[i].line);
        for (int dry = 0; dry <= 1; dry++) {
            ends_with(1, run(migrate_run, dry));
            says(rows[i].words);
            assert_string_equal(read_text("config/sssd.conf"), BEFORE);
            assert_false(restarted());
            assert_true(is_clean());
        }
        unit_is(rows[i].unit, "loaded", "inactive", "enabled", 0);
    }

    /* Newer engines have no private socket; and a responder that is on no line needs nobody. */
    unit_is("sss-pam-private.socket", "not-found", "inactive", "", 0);
    unit_is("sss-ssh.socket", "loaded", "inactive", "disabled", 0);
    ends_with(0, run(migrate_run, false));
}

static void infopipe_needs_its_unit(void **state)
{
    (void) state;
    write_config("config/sssd.conf", "[sssd]\nservices = nss, ifp\n" DOMAIN);
    ends_with(0, run(migrate_run, true));
    says("ifp would move from the monitor to D-Bus");
    unit_is("sssd-ifp.service", "not-found", "inactive", "", 0);
    ends_with(1, run(migrate_run, true));
    says("sssd-ifp.service is not installed");
}

static void what_sssd_would_refuse_is_not_touched(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "[sssd\nservices = nss\n" DOMAIN, "sssd.conf:1: " },
        { "[sssd]\nservices = nss, foo\n" DOMAIN, "\"foo\" is no responder" },
        { "[sssd]\nservices = nss\n", "no domain" },
        { "", "is empty" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        write_config("config/sssd.conf", rows[i].text);
        ends_with(1, run(migrate_run, false));
        says(rows[i].words);
        ends_with(1, run(revert_run, false));
        says(rows[i].words);
        assert_string_equal(read_text("config/sssd.conf"), rows[i].text);
    }

    /* Fine now, but not with the line that would come back. */
    write_config("config/sssd.conf", "[sssd]\n" M "services = foo\n" DOMAIN);
    ends_with(1, run(revert_run, false));
    says("config/sssd.conf: services: \"foo\" is no responder");
    assert_true(is_clean());
}

static void a_file_that_would_be_too_large_is_refused_by_its_own_name(void **state)
{
    FILE *file;

    (void) state;
    write_config("config/sssd.conf", BEFORE);
    file = fopen("config/sssd.conf", "ae");
    assert_non_null(file);
    while (ftell(file) < CONF_FILE_BYTES_MAX - 2)
        assert_int_equal(fputc('#', file), '#');
    assert_int_equal(fclose(file), 0);
    ends_with(1, run(migrate_run, false));
    says("config/sssd.conf is larger than");
    assert_true(is_clean());
}

static void a_new_line_stands_in_the_way_back(void **state)
{
    (void) state;
    ends_with(0, run(migrate_run, false));
    write_config("config/conf.d/99-new.conf", "[sssd]\nservices = nss\n");
    ends_with(1, run(revert_run, false));
    says("config/conf.d/99-new.conf has a services line that is in force");
    assert_string_equal(read_text("config/sssd.conf"), AFTER);

    ends_with(0, run(migrate_run, false));
    assert_string_equal(read_text("config/conf.d/99-new.conf"), "[sssd]\n" M "services = nss\n");
}

static void letters_that_cannot_be_edited_are_told(void **state)
{
    static const char wide[] = "\xff\xfe[\0s\0s\0s\0d\0]\0\n\0s\0e\0r\0v\0i\0c\0e\0s\0=\0n\0s\0s\0\n";
    FILE *file;

    (void) state;
    write_config("config/conf.d/10-wide.conf", "");
    file = fopen("config/conf.d/10-wide.conf", "we");
    assert_non_null(file);
    assert_int_equal(fwrite(wide, 1, sizeof(wide), file), sizeof(wide)); /* with the last letter's second byte */
    assert_int_equal(fclose(file), 0);
    ends_with(1, run(migrate_run, false));
    says("config/conf.d/10-wide.conf would still have a services line in force, and it is not UTF-8");
    assert_string_equal(read_text("config/sssd.conf"), BEFORE);
}

static void two_runs_are_one_too_many(void **state)
{
    int fd = open("state/migrate", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);

    (void) state;
    assert_int_equal(flock(fd, LOCK_EX), 0);
    ends_with(1, run(migrate_run, false));
    says("another migrate or revert is at work");
    (void) close(fd); /* ends the lock */
    ends_with(0, run(migrate_run, false));
}

static void without_systemd_nothing_is_touched(void **state)
{
    (void) state;
    pid1_stops();
    for (int dry = 1; dry >= 0; dry--) {
        ends_with(1, run(migrate_run, dry));
        says("cannot ask systemd for the sockets");
        claims_nothing();
        assert_string_equal(read_text("config/sssd.conf"), BEFORE);
        assert_true(is_clean());
    }
}

#define TMPFS(on, options) \
    "cp -a " on " there && mount -t tmpfs -o mode=755," options " none " on " && cp -a there/. " on
#define FULL " && { head -c 1000000 /dev/zero >config/rest 2>/dev/null || :; }"

/* The dry run knows, the real one refuses with the same words, and nothing has changed. */
static void what_cannot_be_written_is_foreseen(void **state)
{
    static const struct {
        const char *label, *prepare, *words;
    } rows[] = {
        { "a bind mount", "cp -a config/sssd.conf there && mount --bind there config/sssd.conf",
          "config/sssd.conf: the file is a bind mount, change it where it comes from (findmnt " },
        { "immutable", TMPFS("config", "size=1m") " && chattr +i config/sssd.conf 2>/dev/null",
          "config/sssd.conf: the file is immutable (chattr -i)" },
        { "append-only", TMPFS("config", "size=1m") " && chattr +a config/sssd.conf 2>/dev/null",
          "config/sssd.conf: the file is append-only (chattr -a)" },
        { "an immutable folder", TMPFS("config", "size=1m") " && chattr +i config 2>/dev/null",
          "config/sssd.conf: the folder is immutable (chattr -i)" },
        { "an append-only folder", TMPFS("config", "size=1m") " && chattr +a config 2>/dev/null",
          "config/sssd.conf: the folder is append-only (chattr -a)" },
        { "read-only", "mount --bind config config && mount -o remount,ro,bind config",
          "config/sssd.conf: Read-only file system" },
        { "full", TMPFS("config", "size=64k") FULL, "cannot write a new" },
        { "no inodes", TMPFS("config", "nr_inodes=4"), "No space left on device (df -i)" },
        { "a full disk for backups", "mount -t tmpfs -o mode=755,nr_blocks=2 none data",
          "cannot make a backup in data/backup: No space left on device (df)" },
        { "a read-only disk for backups", "mount -t tmpfs -o mode=755,ro none data",
          "cannot make a backup in data: Read-only file system" },
        { "append-only backups", "mount -t tmpfs -o mode=755 none data && mkdir data/backup &&"
          "chattr +a data/backup 2>/dev/null", "cannot make a backup in data/backup: the folder is append-only" },
    };
    static const struct {
        int (*run)(bool dry);
        const char *text;
    } ways[] = { { migrate_run, BEFORE }, { revert_run, AFTER } };
    int skipped = 0;

    (void) state;
    assert_int_equal(mkdir("data", 0755), 0);
    for (size_t i = 0; i < N_OF(rows) * N_OF(ways); i++) {
        const char *label = rows[i / N_OF(ways)].label, *text = ways[i % N_OF(ways)].text;

        write_config("config/sssd.conf", text);
        for (int dry = 0; dry <= 1; dry++) {
            int status = run_after(rows[i / N_OF(ways)].prepare, ways[i % N_OF(ways)].run, dry);

            assert_int_equal(system("rm -rf there"), 0);
            if (status == CANNOT_PREPARE) {
                print_message("not here: %s\n", label);
                skipped++;
                continue;
            }
            if (status != 1)
                fail_msg("%s: it ended with %d, and said: %s", label, status, read_text("said"));
            says(rows[i / N_OF(ways)].words);
            claims_nothing();
            assert_string_equal(read_text("config/sssd.conf"), text);
            assert_false(restarted());
            assert_true(is_clean());
        }
    }
    if (skipped > 0)
        skip(); /* some, or all */
}

static void what_is_not_to_be_written_is_in_nobodys_way(void **state)
{
    (void) state;
    write_config("config/conf.d/10-mounted.conf", "[nss]\n");
    for (int dry = 1; dry >= 0; dry--) {
        int status = run_after("mount --bind config/conf.d/10-mounted.conf config/conf.d/10-mounted.conf", migrate_run,
                               dry);

        if (status == CANNOT_PREPARE)
            skip();
        ends_with(0, status);
    }
    assert_string_equal(read_text("config/sssd.conf"), AFTER);
}

/* --- What fails on the way ---------------------------------------------------------------------------------------- */

static void a_switch_that_fails_is_undone(void **state)
{
    static const struct {
        const char *file, *words;
    } accidents[] = {
        { "broken", "systemctl restart sssd.service failed" },
        { "unmet", "sssd.service is not active" },
        { "stuck", "sss-nss.socket is not open" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(accidents); i++) {
        write_text(accidents[i].file, "");
        ends_with(1, run(migrate_run, false));
        says(accidents[i].words);
        says("the configuration");
        claims_nothing();
        assert_string_equal(read_text("config/sssd.conf"), BEFORE);
        assert_true(is_clean());
        assert_non_null(strstr(pid1_calls(), "ResetFailed sssd.service\n"));
        assert_int_equal(unlink(accidents[i].file), 0);
        unit_is(MONITOR, "loaded", "active", "enabled", 12);
    }
    assert_true(file_exists("state/monitor/nss"));
}

/* Of two files and what tells that they are in work, the first, second or third can't be renamed, and then, or not,
 * what was renamed can't be put back. */
static void what_could_not_be_written_is_not_said_to_be(void **state)
{
    static const char snippet[] = "[sssd]\nservices = nss\n";
    int torn = 0;

    (void) state;
    write_config("config/conf.d/10-a.conf", snippet);
    for (int i = 0; i < 6; i++) {
        bool unchanged;

        until_error = i / 2;
        stays_broken = i % 2 != 0;
        ends_with(1, run(migrate_run, false));
        unchanged = strcmp(read_text("config/sssd.conf"), BEFORE) == 0 &&
                    strcmp(read_text("config/conf.d/10-a.conf"), snippet) == 0;
        says(unchanged ? "; nothing was changed" : "; not all that was changed could be put back");
        claims_nothing();
        assert_false(restarted());
        torn += !unchanged;

        until_error = -1;
        ends_with(0, run(revert_run, false));
        assert_string_equal(read_text("config/sssd.conf"), BEFORE);
        assert_string_equal(read_text("config/conf.d/10-a.conf"), snippet);
    }
    assert_int_equal(torn, 1);
}

static void what_an_interrupted_run_left_is_undone_and_switched(void **state)
{
    (void) state;
    write_config("config/.sssd.conf.sss_activation-old", BEFORE); /* killed before it was good so */
    write_config("config/sssd.conf", AFTER);
    assert_int_equal(mkdir("data", 0755), 0);
    write_text("data/pending", at("config/sssd.conf"));
    assert_int_equal(truncate("data/pending", (off_t) strlen(at("config/sssd.conf")) + 1), 0);

    ends_with(0, run(migrate_run, true));
    says("an earlier run was interrupted: without --dry-run, what it did to files would be undone first");
    assert_true(file_exists("data/pending"));
    assert_false(restarted());

    ends_with(0, run(revert_run, false));
    says("sssd.conf: an earlier run was interrupted");
    says("nobody knows how far its switch came: sssd.service is being restarted");
    assert_string_equal(read_text("config/sssd.conf"), BEFORE);
    assert_true(restarted());
    assert_true(is_clean());
}

#define BEFORE_MIGRATION(test) cmocka_unit_test_setup_teardown(test, migrate_enter, machine_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BEFORE_MIGRATION(it_goes_there_and_back),
        BEFORE_MIGRATION(a_dry_run_says_it_all_and_does_nothing),
        BEFORE_MIGRATION(a_monitor_at_rest_is_started_only_for_what_becomes_its_own),
        BEFORE_MIGRATION(what_an_administrator_stopped_stays_stopped),
        BEFORE_MIGRATION(what_the_monitor_is_about_to_be_counts),
        BEFORE_MIGRATION(a_switch_that_is_due_is_made_up_for),
        BEFORE_MIGRATION(every_line_goes_also_one_that_is_overridden),
        BEFORE_MIGRATION(pac_stays_the_monitors_with_active_directory),
        BEFORE_MIGRATION(a_terminal_takes_no_orders_from_a_file),
        BEFORE_MIGRATION(whoever_has_no_successor_is_named),
        BEFORE_MIGRATION(infopipe_needs_its_unit),
        BEFORE_MIGRATION(what_sssd_would_refuse_is_not_touched),
        BEFORE_MIGRATION(a_file_that_would_be_too_large_is_refused_by_its_own_name),
        BEFORE_MIGRATION(a_new_line_stands_in_the_way_back),
        BEFORE_MIGRATION(letters_that_cannot_be_edited_are_told),
        BEFORE_MIGRATION(two_runs_are_one_too_many),
        BEFORE_MIGRATION(without_systemd_nothing_is_touched),
        BEFORE_MIGRATION(what_cannot_be_written_is_foreseen),
        BEFORE_MIGRATION(what_is_not_to_be_written_is_in_nobodys_way),
        BEFORE_MIGRATION(a_switch_that_fails_is_undone),
        BEFORE_MIGRATION(what_could_not_be_written_is_not_said_to_be),
        BEFORE_MIGRATION(what_an_interrupted_run_left_is_undone_and_switched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
