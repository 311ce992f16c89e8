/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of what is read against tests/data/services: configurations, and which services SSSD 2.8 was seen to start with each. */

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/conf.h"
#include "common/responders.h"
#include "common/test-modes.h"
#include "common/text.h"
#include "config/config.h"
#include "config/options.h"
#include "config/values.h"
#include "test/folder.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define ENGINE "2.8:" /* whose line of `expect` is ours */
#define REFUSED "refused"

/* Nearly all have a domain of that provider, for the sake of a domain alone: here it is ours. */
#define ADAPT "s/^id_provider = proxy$/id_provider = ldif/; /^proxy_lib_name = /d"

/* --- Where we refuse on purpose what SSSD takes, and say so ------------------------------------------------------ */

#define TAKEN "" /* where SSSD refuses as well, it is no difference */

struct difference {
    const char *vector; /* the only one with it; NULL: many; TAKEN: many that SSSD takes */
    const char *told;   /* is in each line about it */
    const char *reason;
};

static const struct difference differences[] = {
    { NULL, "] services: this build does not have \"", "of SSSD's services only nss is here" },
    { NULL, "_provider: this build does not have \"", "of providers only ldif is here" },
    { TAKEN, ": this build has no such section; ", "SSSD has more of them, and takes no notice of those that it does not know" },
    { NULL, ": this build has no such option here; ", "likewise; one with a slip of the pen would be none" },
    { NULL, "[sssd] implicit_pac_responder: ", "SSSD takes anything but false for true, even 0" },
    { "enable-files-domain", "[sssd] enable_files_domain: this build does not have \"true\"", "only ldif is here" },
    { "enable-files-domain", "[sssd] domains: no domain is turned on", "so there is none without [domain/NAME]" },
    { TAKEN, " cannot be a domain; allowed: ", "SSSD takes more names, has trusted domains, and passes over others" },
    { TAKEN, "\"app\" has no section", "there are no [application/NAME] here" },
    { "domain-name-comma-enabled", "\" has no section", "SSSD passes over what it does not find" },
    { "domain-name-semicolon-enabled-bogus", "] enabled: \"bogus\"", "SSSD does not look into such a section" },
    { "trusted-section-enabled-bogus", "] enabled: \"bogus\"", "nor into that of a trusted domain" },
    { "domain-missing-listed-twice", "\"y\" is there twice", "SSSD passes over both" },
    { "domain-listed-but-missing-of-two", "\"y\" has no section", "SSSD goes on with the other one" },
};

static unsigned times_told[ARRAY_SIZE(differences)];

static bool is_about(const struct difference *difference, const char *vector, bool is_refused)
{
    if (!difference->vector)
        return true;
    return strcmp(difference->vector, TAKEN) == 0 ? !is_refused : strcmp(difference->vector, vector) == 0;
}

static bool is_difference(const char *vector, const char *fault, bool is_refused)
{
    for (size_t i = 0; i < ARRAY_SIZE(differences); i++) {
        if (!strstr(fault, differences[i].told) || !is_about(&differences[i], vector, is_refused))
            continue;
        times_told[i]++;
        return true;
    }
    return false;
}

/* Has the text no lines but those? */
static bool are_differences(const char *vector, const char *why, bool is_refused)
{
    CLEANUP(freep) char *copy = strdup(why);
    char *rest = copy, *fault;

    assert_non_null(copy);
    while ((fault = strsep(&rest, "\n")))
        if (!is_difference(vector, fault, is_refused))
            return false;
    return true;
}

/* --- What is read ------------------------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The names on a line as `expect` has them. */
static void write_names(const char *line, char *ret, size_t bytes)
{
    CLEANUP(freep) char **names = text_list(line);
    size_t n = 0;

    assert_non_null(names);
    while (names[n])
        n++;
    qsort(names, n, sizeof(*names), compare);
    ret[0] = '\0';
    for (size_t i = 0; i < n; i++)
        (void) snprintf(ret + strlen(ret), bytes - strlen(ret), "%s%s", ret[0] ? " " : "", names[i]); /* fits */
}

/* The line that would be in force if this build had all of SSSD's services, or "refused". */
static void read_line(const char *dir, char *ret, size_t bytes)
{
    CLEANUP(conf_freep) struct conf *conf = NULL;
    CLEANUP(freep) char *why = NULL;
    struct option option = *option_find("sssd", "services");
    struct conf_policy policy = conf_policies[ENGINE_OWN];
    struct conf_setting at = { .value = "" };
    char all[128] = "";

    for (size_t i = 0; i < RESPONDERS; i++)
        (void) snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s,", responders[i].name); /* fits */
    option.words = all;
    policy.uid = getuid();
    policy.gid = getgid();
    assert_int_equal(conf_read(dir, "sssd.conf", &policy, NULL, NULL, &conf, &why), 1);
    (void) conf_find(conf, "sssd", "services", &at); /* else there is no line */
    if (option_check(&option, at.value, &why) < 0)
        (void) snprintf(ret, bytes, REFUSED);
    else
        write_names(at.value, ret, bytes);
}

/* SSSD adds pac by itself for two providers that are not here, which is a rule that we do without. */
static bool is_but_for_pac(const char *got, const char *wanted, const char *why)
{
    CLEANUP(freep) char *line = NULL;
    char with_pac[128];

    if (!strstr(why, "id_provider: this build does not have \"ad\"") && !strstr(why, "id_provider: this build does not have \"ipa\""))
        return false;
    assert_true(asprintf(&line, "%s%spac", got, got[0] ? " " : "") > 0);
    for (char *blank = line; (blank = strchr(blank, ' '));)
        *blank = ',';
    write_names(line, with_pac, sizeof(with_pac));
    return strcmp(with_pac, wanted) == 0;
}

/* Returns how many answers differ from those seen, of one. */
static int check_answer(const char *dir, const char *vector, const char *wanted)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *why = NULL;
    char got[256] = REFUSED;
    int r;

    r = config_load_from(dir, "sssd.conf", getuid(), getgid(), &config, &why);
    if (r == 0)
        write_names(config_text(config, "sssd", "services"), got, sizeof(got));
    else if (!why)
        fail_msg("%s: refused without a reason", vector);
    else if (r == -EINVAL && are_differences(vector, why, strcmp(wanted, REFUSED) == 0))
        read_line(dir, got, sizeof(got));

    if (strcmp(got, wanted) == 0 || (r < 0 && is_but_for_pac(got, wanted, why)))
        return 0;
    print_error("%s: got \"%s\", wanted \"%s\" (%s)\n", vector, got, wanted, why ? why : "");
    return 1;
}

static int check_vector(const struct folder *folder, const char *vector)
{
    CLEANUP(freep) char *path = NULL;
    CLEANUP(freep) char *expect = NULL;
    char *wanted;

    assert_true(asprintf(&path, "%s/expect", vector) > 0);
    expect = folder_read(folder, path);
    wanted = strstr(expect, ENGINE);
    assert_non_null(wanted);
    wanted += strlen(ENGINE);
    wanted += strspn(wanted, " ");
    wanted[strcspn(wanted, "\n")] = '\0';
    return check_answer(folder_file(folder, vector), vector, wanted);
}

/* Of them all, with the modes that they need. */
static void copy(const char *from, const char *to)
{
    CLEANUP(freep) char *command = NULL;

    assert_true(asprintf(&command, "umask 077 && cp -r --no-preserve=mode '%s/.' '%s' && "
                                   "find '%s' -type f -name '*.conf' -exec sed -i '" ADAPT "' '{}' +", from, to, to) > 0);
    assert_int_equal(system(command), 0);
}

static void what_sssd_was_seen_to_do_is_done_or_refused_with_a_reason(void **state)
{
    const char *data = getenv("TEST_DATA");
    CLEANUP(freep) char *dir_path = NULL;
    struct folder folder;
    struct dirent *entry;
    DIR *dir;
    int n = 0, wrong = 0;

    (void) state;
    if (!data)
        skip();
    assert_true(asprintf(&dir_path, "%s/services", data) > 0);
    dir = opendir(dir_path);
    if (!dir && errno == ENOENT) {
        print_message("%s is not there\n", dir_path);
        skip();
    }
    assert_non_null(dir);
    folder_begin(&folder);
    copy(dir_path, folder.path);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        wrong += check_vector(&folder, entry->d_name);
        n++;
    }
    folder_remove(&folder);
    (void) closedir(dir);
    print_message("%d configurations\n", n);
    assert_true(n > 200);
    assert_int_equal(wrong, 0);
    for (size_t i = 0; i < ARRAY_SIZE(differences); i++)
        if (times_told[i] == 0)
            fail_msg("nothing differs any more in \"%s\"", differences[i].told);
}

static unsigned fd_limit(const char *dir)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(freep) char *why = NULL;

    return config_load_from(dir, "sssd.conf", 0, 0, &config, &why) == 0 ? config_u32(config, "nss", "fd_limit") : 0;
}

/* Scenario 42. */
static void owners_and_modes_are_what_they_have_to_be(void **state)
{
    CLEANUP(freep) char *snippets = NULL;
    struct folder folder;

    (void) state;
    if (geteuid() != 0 || !getenv("TEST_DATA"))
        skip();
    folder_begin(&folder);
    assert_true(asprintf(&snippets, "%s/conf.d", folder.path) > 0);
    assert_return_code(mkdir(snippets, 0755), errno);
    modes_run(folder.path, ENGINE_OWN, fd_limit);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_sssd_was_seen_to_do_is_done_or_refused_with_a_reason),
        cmocka_unit_test(owners_and_modes_are_what_they_have_to_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
