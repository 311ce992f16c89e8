/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units: what systemd knows of all responders' units. */

#include <string.h>

#include "lib/engine.h"
#include "lib/state.h"
#include "tools/units.h"

/* A question in the making. */
struct question {
    const char *names[MANAGER_UNITS_MAX];
    struct unit *homes[MANAGER_UNITS_MAX];
    size_t n;
};

static void add(struct question *question, const char *name, struct unit *home)
{
    if (!name)
        return;
    question->names[question->n] = name; /* each responder's six and the monitor are fewer than fit */
    question->homes[question->n++] = home;
}

static void add_responder(struct question *question, const struct responder *responder, struct responder_units *home)
{
    for (size_t k = 0; k < UNITS_MAX; k++) {
        add(question, responder->sockets[k], &home->sockets[k]);
        add(question, responder->vendor_sockets[k], &home->vendor_sockets[k]);
    }
    add(question, responder->service, &home->service);
    add(question, responder->vendor_service, &home->vendor_service);
}

static int ask(struct manager *manager, const struct question *question)
{
    struct unit units[MANAGER_UNITS_MAX];
    int r;

    r = manager_states(manager, question->names, question->n, units);
    for (size_t i = 0; r >= 0 && i < question->n; i++)
        *question->homes[i] = units[i];
    return r;
}

int units_read_all(struct manager *manager, struct responder_units ret[RESPONDERS], struct unit *monitor)
{
    struct question question = { .n = 0 };
    int r;

    for (size_t i = 0; i < RESPONDERS; i++)
        add_responder(&question, &responders[i], &ret[i]);
    add(&question, MONITOR, monitor);

    r = ask(manager, &question);
    for (size_t i = 0; r >= 0 && i < question.n; i++) {
        r = manager_read_file(manager, question.names[i], question.homes[i]);
        if (r >= 0 && unit_is_up(question.homes[i]) && strstr(question.names[i], ".service"))
            r = manager_read_main_pid(manager, question.names[i], question.homes[i]);
    }
    return r;
}

int units_read_installed(struct manager *manager, struct responder_units ret[RESPONDERS])
{
    struct question question = { .n = 0 };
    int r;

    for (size_t i = 0; i < RESPONDERS; i++)
        if (engine_has(&responders[i]))
            add_responder(&question, &responders[i], &ret[i]);

    r = ask(manager, &question);
    for (size_t i = 0; i < RESPONDERS; i++) {
        for (size_t k = 0; r >= 0 && k < UNITS_MAX; k++)
            if (ret[i].sockets[k].load[0] && !unit_is_up(&ret[i].sockets[k]))
                r = manager_read_file(manager, responders[i].sockets[k], &ret[i].sockets[k]);
        if (r >= 0 && unit_is_up(&ret[i].vendor_service))
            r = manager_read_main_pid(manager, responders[i].vendor_service, &ret[i].vendor_service);
    }
    return r;
}

bool units_are_stopped(const struct state *state, const struct responder_units its[RESPONDERS], const struct unit *monitor)
{
    bool closed = false;

    if (unit_is_up(monitor) || monitor->job[0])
        return false;
    for (size_t i = 0; i < RESPONDERS; i++) {
        if (state_monitor_owns(state, responders[i].name) || !engine_has(&responders[i]))
            continue;
        for (size_t k = 0; k < UNITS_MAX; k++) {
            if (unit_is_up(&its[i].sockets[k]))
                return false;
            closed = closed || unit_is_enabled(&its[i].sockets[k]);
        }
    }
    return closed;
}
