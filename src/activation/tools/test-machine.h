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

#include "common/cleanup.h"
#include "common/responders.h"
#include "lib/state.h"
#include "test/fixture.h"
#include "test/pid1.h"

#define IN_MACHINE(test) cmocka_unit_test_setup_teardown(test, machine_enter, machine_leave)

#define LDAP_DOMAIN "[domain/d]\nid_provider = ldap\n"
#define NO_LINE "[sssd]\ndomains = d\n" LDAP_DOMAIN
#define LINE(line) "[sssd]\ndomains = d\nservices = " line "\n" LDAP_DOMAIN

static int machine_listeners[RESPONDERS * UNITS_MAX];
static size_t n_machine_listeners;

/* All that there is to know of it: what unit_has has said before is forgotten. */
static inline void unit_is(const char *unit, const char *load, const char *active, const char *file, int pid)
{
    char path[64], text[160];

    (void) snprintf(path, sizeof(path), "units/%s", unit); /* these fit */
    (void) snprintf(text, sizeof(text), "LoadState=%s\nActiveState=%s\nUnitFileState=%s\nMainPID=%d\n", load, active,
                    file, pid);
    write_text(path, text);
}

/* Bound by their whole path: the kernel's list is the same for tests that run side by side. */
static inline void machine_listens(void)
{
    assert_int_equal(mkdir("pipes", 0755), 0);
    assert_int_equal(mkdir("pipes/private", 0755), 0);
    n_machine_listeners = 0;
    for (size_t i = 0; i < RESPONDERS; i++)
        for (size_t k = 0; k < UNITS_MAX && responders[i].paths[k]; k++)
            machine_listeners[n_machine_listeners++] = listener_at(at(responders[i].paths[k]));
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
        assert_int_equal(chmod(responders[i].program, 0755), 0);
        unit_is(responders[i].service, "loaded", "inactive", "static", 0);
        for (size_t k = 0; k < UNITS_MAX && responders[i].sockets[k]; k++) {
            unit_is(responders[i].sockets[k], "loaded", "active", "enabled", 0);
            unit_is(responders[i].vendor_sockets[k], "masked", "inactive", "masked-runtime", 0);
        }
        if (responders[i].vendor_service)
            unit_is(responders[i].vendor_service, "loaded", "inactive", "indirect", 0);
    }
    unit_is(MONITOR, "loaded", "inactive", "disabled", 0);
    machine_listens();
    pid1_starts();
    return 0;
}

static inline int machine_leave(void **state)
{
    while (n_machine_listeners > 0)
        (void) close(machine_listeners[--n_machine_listeners]); /* nobody waits there any more */
    return folder_leave(state);
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

/* NULL: it may run. */
static inline void is_refused_since(const char *responder, const char *why)
{
    struct state opened;

    assert_int_equal(state_open("state", &opened), 0);
    assert_int_equal(state_set_refusal(&opened, responder, why), 0);
    state_done(&opened);
}

/* As a stop of sssd.service leaves it: each enabled socket that is not the monitor's is closed. */
static inline void administrator_stops(void)
{
    struct state opened;

    assert_int_equal(state_open("state", &opened), 0);
    unit_is(MONITOR, "loaded", "inactive", "disabled", 0);
    for (size_t i = 0; i < RESPONDERS; i++)
        for (size_t k = 0; k < UNITS_MAX && responders[i].sockets[k]; k++)
            if (!state_monitor_owns(&opened, responders[i].name))
                unit_is(responders[i].sockets[k], "loaded", "inactive", "enabled", 0);
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
