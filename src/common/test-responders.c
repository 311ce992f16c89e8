/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the registry: what scripts, presets and units say of responders is what it says. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/responders.h"

static char *read_text(const char *path)
{
    CLEANUP(fclosep) FILE *file = NULL;
    const size_t most = 100000;
    char *text = calloc(1, most);
    ssize_t n;

    assert_non_null(text);
    file = fopen(path, "re");
    if (!file)
        fail_msg("%s: %s", path, strerror(errno));
    n = io_read(fileno(file), text, most - 1);
    assert_true(n > 0 && n < (ssize_t) most - 1);
    return text;
}

/* Of a file of the source tree. */
static char *read_source(const char *name)
{
    CLEANUP(freep) char *path = NULL;

    assert_true(asprintf(&path, "%s/../../%s", getenv("TEST_DATA"), name) > 0);
    return read_text(path);
}

static void unit_has(const char *folder, const char *unit, const char *wanted)
{
    CLEANUP(freep) char *path = NULL;
    CLEANUP(freep) char *text = NULL;

    assert_true(asprintf(&path, "%s/systemd/%s", folder, unit) > 0);
    text = read_text(path);
    if (!strstr(text, wanted))
        fail_msg("%s does not have: %s", unit, wanted);
}

static void has(const char *name, const char *wanted)
{
    CLEANUP(freep) char *text = read_source(name);

    if (!strstr(text, wanted))
        fail_msg("%s does not have: %s", name, wanted);
}

/* Adds a blank and what is between `before` and ".socket", if the unit is called so. */
static void add_stem(char *ret, size_t bytes, const char *unit, const char *before)
{
    size_t n = unit ? strlen(before) : 0;

    if (unit && strncmp(unit, before, n) == 0)
        (void) snprintf(ret + strlen(ret), bytes - strlen(ret), " %.*s",
                        (int) (strlen(unit + n) - strlen(".socket")), unit + n); /* fits */
}

static void lists_in_scripts_are_those_of_the_registry(void **state)
{
    char names[128] = "", ours[128] = "", vendors[128] = "", line[160];

    (void) state;
    for (size_t i = 0; i < RESPONDERS; i++) {
        if (responders[i].sockets[0])
            (void) snprintf(names + strlen(names), sizeof(names) - strlen(names), " %s",
                            responders[i].name); /* fits */
        for (size_t k = 0; k < UNITS_MAX; k++) {
            add_stem(ours, sizeof(ours), responders[i].sockets[k], "sss-");
            add_stem(vendors, sizeof(vendors), responders[i].vendor_sockets[k], "sssd-");
        }
    }
    (void) snprintf(line, sizeof(line), "for responder in%s; do", names);
    has("units/make-units", line);
    (void) snprintf(line, sizeof(line), "responders=\"%s\"", names + 1);
    has("packaging/scripts/package", line);
    (void) snprintf(line, sizeof(line), "'sss-%%s.socket\\n'%s >", ours);
    has("packaging/scripts/package", line);
    (void) snprintf(line, sizeof(line), "for responder in%s; do", vendors);
    has("packaging/scripts/package", line);
    has("units/generator.in", line);
}

/* As they are made of the template and its rows; the older engine has all sockets. */
static void units_are_those_of_the_registry(void **state)
{
    CLEANUP(freep) char *presets = read_source("presets/50-sssd-ondemand.preset");
    CLEANUP(freep) char *make = NULL;
    CLEANUP(freep) char *sweep = NULL;
    char made[] = "/tmp/test-responders.XXXXXX";
    size_t enabled = 0;

    (void) state;
    assert_non_null(mkdtemp(made));
    assert_true(asprintf(&make, "'%s/../../units/make-units' 2.8 %s", getenv("TEST_DATA"), made) > 0);
    assert_true(asprintf(&sweep, "rm -rf %s", made) > 0);
    assert_int_equal(system(make), 0);
    for (const char *at = presets; (at = strstr(at, "\nenable ")); at++)
        enabled++;
    for (size_t i = 0; i < RESPONDERS; i++) {
        for (size_t k = 0; k < UNITS_MAX && responders[i].sockets[k]; k++) {
            char line[96];

            (void) snprintf(line, sizeof(line), "\nenable %s\n", responders[i].sockets[k]);
            has("presets/50-sssd-ondemand.preset", line);
            enabled--;
            (void) snprintf(line, sizeof(line), "\nListenStream=%s\n", responders[i].paths[k]);
            unit_has(made, responders[i].sockets[k], line);
            (void) snprintf(line, sizeof(line), "\nService=%s\n", responders[i].service);
            unit_has(made, responders[i].sockets[k], line);
            (void) snprintf(line, sizeof(line), "\nPartOf=%s\n", responders[i].sockets[k]);
            unit_has(made, responders[i].service, line);
            (void) snprintf(line, sizeof(line), " %s ", responders[i].program);
            unit_has(made, responders[i].service, line);
        }
    }
    assert_int_equal(enabled, 0);
    assert_int_equal(system(sweep), 0);
}

static void a_row_is_found_by_name_and_by_unit(void **state)
{
    (void) state;
    for (size_t i = 0; i < RESPONDERS; i++) {
        CLEANUP(freep) char *prefix = strdup(responders[i].service);

        assert_non_null(prefix);
        *strrchr(prefix, '.') = '\0';
        assert_ptr_equal(responder_by_name(responders[i].name), &responders[i]);
        assert_ptr_equal(responder_by_unit(prefix), &responders[i]);
        assert_null(responder_by_unit(responders[i].service));
    }
    assert_null(responder_by_name("kcm"));
    assert_null(responder_by_name("NSS"));
    assert_ptr_equal(responder_by_unit("sssd-kcm"), &kcm);
    assert_non_null(responder_by_name(OWN_RESPONDERS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_in_scripts_are_those_of_the_registry),
        cmocka_unit_test(units_are_those_of_the_registry),
        cmocka_unit_test(a_row_is_found_by_name_and_by_unit),
    };

    return getenv("TEST_DATA") ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
