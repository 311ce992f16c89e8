/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Test machine: what systemd, the state and the configuration say, in the folder of a test.
 *
 * At first each responder is installed, each socket listens and is enabled, and nothing of SSSD runs. */

#ifndef TOOLS_TEST_MACHINE_H
#define TOOLS_TEST_MACHINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/responders.h"
#include "lib/state.h"
#include "test/fixture.h"

#define IN_MACHINE(test) cmocka_unit_test_setup_teardown(test, machine_enter, folder_leave)

#define DOMAIN "[domain/d]\nid_provider = ldap\n"
#define NO_LINE "[sssd]\ndomains = d\n" DOMAIN
#define LINE(line) "[sssd]\ndomains = d\nservices = " line "\n" DOMAIN

/* A systemctl that reads units from files; the others of its answers are the body's. */
static inline void machine_systemctl(const char *body)
{
    CLEANUP(freep) char *text = NULL;

    assert_true(asprintf(&text,
                         "case \"$*\" in\n"
                         "show\\ --property=*)\n"
                         "    shift 3\n"
                         "    for unit; do\n"
                         "        cat \"units/$unit\" 2>/dev/null || echo LoadState=not-found\n"
                         "        echo\n"
                         "    done ;;\n"
                         "show*Listen*) echo '/pipes/nss (Stream)' ;;\n"
                         "show*) ;;\n"
                         "*) %s ;;\n"
                         "esac",
                         body) > 0);
    systemctl_answers(text);
}

static inline void unit_is(const char *unit, const char *load, const char *active, const char *file, int pid)
{
    char path[64], text[160];

    (void) snprintf(path, sizeof(path), "units/%s", unit); /* these fit */
    (void) snprintf(text, sizeof(text), "LoadState=%s\nActiveState=%s\nUnitFileState=%s\nMainPID=%d\n", load, active,
                    file, pid);
    write_text(path, text);
}

static inline int machine_enter(void **state)
{
    struct state opened;

    if (folder_enter(state) < 0 || mkdir("units", 0755) < 0 || mkdir("programs", 0755) < 0 ||
        state_create("state", &opened) < 0)
        return -1;
    state_done(&opened);
    for (size_t i = 0; i < RESPONDERS; i++) {
        write_text(responders[i].program, "");
        unit_is(responders[i].service, "loaded", "inactive", "static", 0);
        for (size_t k = 0; k < UNITS_MAX && responders[i].sockets[k]; k++) {
            unit_is(responders[i].sockets[k], "loaded", "active", "enabled", 0);
            unit_is(responders[i].vendor_sockets[k], "masked", "inactive", "masked-runtime", 0);
        }
        if (responders[i].vendor_service)
            unit_is(responders[i].vendor_service, "loaded", "inactive", "indirect", 0);
    }
    unit_is(MONITOR, "loaded", "inactive", "disabled", 0);
    machine_systemctl("exit 0");
    return 0;
}

static inline void write_configuration(const char *text)
{
    if (geteuid() != 0)
        skip();                   /* only root's is believed */
    (void) mkdir("config", 0755); /* a row before may have made it */
    write_text("config/sssd.conf", text);
    assert_int_equal(chmod("config/sssd.conf", 0600), 0);
}

static inline void monitor_owns(const char *responder, bool on)
{
    struct state opened;

    assert_int_equal(state_open("state", &opened), 0);
    assert_int_equal(state_set_monitor_owns(&opened, responder, on), 0);
    state_done(&opened);
}

static inline void set_flag(enum flag flag, bool on)
{
    struct state opened;

    assert_int_equal(state_open("state", &opened), 0);
    assert_int_equal(state_set(&opened, flag, on), 0);
    state_done(&opened);
}

/* What a function prints, good until the next call; its result goes to *ret. */
static inline const char *printed(int (*print)(bool json, FILE *out), bool json, int *ret)
{
    static char text[32768];
    FILE *out = fopen("printed", "we");

    assert_non_null(out);
    *ret = print(json, out);
    assert_int_equal(fclose(out), 0);
    (void) snprintf(text, sizeof(text), "%s", read_text("printed"));
    return text;
}

#endif
