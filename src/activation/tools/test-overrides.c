/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of overrides.c, with files below etc and run. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/fixture.h"
#include "tools/overrides.h"

struct seen {
    char text[1024]; /* "FILE OURS", a line each */
    size_t n, stop_at;
};

static int on_file(const char *path, const char *ours, void *userdata)
{
    struct seen *seen = userdata;
    size_t used = strlen(seen->text);

    (void) snprintf(seen->text + used, sizeof(seen->text) - used, "%s %s\n", path, ours); /* fits */
    return ++seen->n == seen->stop_at ? 7 : 0;
}

static const char *overrides(void)
{
    static struct seen seen;

    seen = (struct seen) { .n = 0 };
    assert_int_equal(overrides_each(on_file, &seen), 0);
    return seen.text;
}

static int overrides_enter(void **state)
{
    return folder_enter(state) < 0 || mkdir("etc", 0755) < 0 || mkdir("run", 0755) < 0 ? -1 : 0;
}

/* A file, and the folder of a drop-in where there is none. */
static void put(const char *path)
{
    char folder[128];

    (void) snprintf(folder, sizeof(folder), "%.*s", (int) (strrchr(path, '/') - path), path); /* fits */
    (void) mkdir(folder, 0755); /* it may be there */
    write_text(path, "");
}

static void each_place_of_each_unit_is_looked_at(void **state)
{
    static const struct {
        const char *path, *ours;
    } rows[] = {
        { "etc/sssd-nss.service", "sss-nss.service" },
        { "etc/sssd-nss.service.d/10-limits.conf", "sss-nss.service" },
        { "etc/sssd-nss.socket", "sss-nss.socket" },
        { "etc/sssd-nss.socket.d/override.conf", "sss-nss.socket" },
        { "run/sssd-nss.service", "sss-nss.service" },
        { "run/sssd-nss.service.d/10-limits.conf", "sss-nss.service" },
        { "run/sssd-nss.socket", "sss-nss.socket" },
        { "run/sssd-nss.socket.d/override.conf", "sss-nss.socket" },
        { "etc/sssd-pam.socket", "sss-pam.socket" },
        { "etc/sssd-pam-priv.socket", "sss-pam-private.socket" },
        { "etc/sssd-pam-priv.socket.d/a.conf", "sss-pam-private.socket" },
        { "etc/sssd-pam.service.d/a.conf", "sss-pam.service" },
        { "etc/sssd-ssh.service", "sss-ssh.service" },
        { "etc/sssd-sudo.socket.d/a.conf", "sss-sudo.socket" },
        { "run/sssd-autofs.service.d/a.conf", "sss-autofs.service" },
        { "run/sssd-pac.socket", "sss-pac.socket" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        char line[256];

        print_message("  %s\n", rows[i].path);
        put(rows[i].path);
        (void) snprintf(line, sizeof(line), "%s %s\n", rows[i].path, rows[i].ours); /* fits */
        assert_string_equal(overrides(), line);
        assert_int_equal(unlink(rows[i].path), 0);
    }
}

static void what_has_its_effect_is_no_override(void **state)
{
    static const char *const paths[] = {
        "etc/sss-nss.service.d/10.conf",  /* ours */
        "etc/sssd.service.d/10.conf",     /* the monitor's is the distribution's */
        "etc/sssd-ifp.service.d/10.conf", /* likewise */
        "etc/sssd-kcm.service.d/10.conf", /* none of ours takes its place */
        "etc/sssd-nss.service.d/10.conf.rpmsave",
        "etc/sssd-nss.service.d/README",
        "etc/sssd-nss.socket.bak",
    };

    (void) state;
    for (size_t i = 0; i < N_OF(paths); i++) {
        print_message("  %s\n", paths[i]);
        put(paths[i]);
        assert_string_equal(overrides(), "");
    }
}

static void links_and_folders_are_no_files(void **state)
{
    (void) state;
    put("run/elsewhere.conf");
    assert_int_equal(symlink("/dev/null", "etc/sssd-nss.socket"), 0); /* a mask */
    assert_int_equal(symlink("../run/elsewhere.conf", "etc/sssd-nss.service"), 0);
    assert_int_equal(mkdir("etc/sssd-nss.socket.d", 0755), 0);
    assert_int_equal(symlink("../../run/elsewhere.conf", "etc/sssd-nss.socket.d/10.conf"), 0);
    assert_int_equal(mkdir("etc/sssd-nss.socket.d/20.conf", 0755), 0);
    assert_int_equal(mkdir("etc/sssd-pam.service", 0755), 0);
    assert_string_equal(overrides(), "");
    put("etc/sssd-nss.socket.d/30.conf");
    assert_string_equal(overrides(), "etc/sssd-nss.socket.d/30.conf sss-nss.socket\n");
}

static void they_are_told_by_responder_until_somebody_has_enough(void **state)
{
    struct seen seen = { .stop_at = 3 };

    (void) state;
    put("etc/sssd-ssh.service");
    put("run/sssd-nss.socket.d/a.conf");
    put("etc/sssd-nss.socket.d/b.conf");
    put("etc/sssd-nss.socket.d/a.conf");
    put("etc/sssd-nss.socket");
    assert_string_equal(overrides(), "etc/sssd-nss.socket sss-nss.socket\n"
                                     "etc/sssd-nss.socket.d/a.conf sss-nss.socket\n"
                                     "etc/sssd-nss.socket.d/b.conf sss-nss.socket\n"
                                     "run/sssd-nss.socket.d/a.conf sss-nss.socket\n"
                                     "etc/sssd-ssh.service sss-ssh.service\n");
    assert_int_equal(overrides_each(on_file, &seen), 7);
    assert_int_equal(seen.n, 3);
}

static void without_the_folders_there_are_none(void **state)
{
    (void) state;
    assert_int_equal(rmdir("etc"), 0);
    assert_int_equal(rmdir("run"), 0);
    assert_string_equal(overrides(), "");
}

#define IN_FOLDERS(test) cmocka_unit_test_setup_teardown(test, overrides_enter, folder_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDERS(each_place_of_each_unit_is_looked_at),
        IN_FOLDERS(what_has_its_effect_is_no_override),
        IN_FOLDERS(links_and_folders_are_no_files),
        IN_FOLDERS(they_are_told_by_responder_until_somebody_has_enough),
        IN_FOLDERS(without_the_folders_there_are_none),
    };

    return cmocka_run_group_tests_name("overrides", tests, NULL, NULL);
}
