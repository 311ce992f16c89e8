/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units: what systemd knows of several of them, asked in one question. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/systemctl.h"
#include "tools/units.h"

#define BYTES_PER_UNIT 512

/* Values come cut to what fits: each of the words that systemd uses here does. */
static void copy(char *to, size_t bytes, const char *from)
{
    (void) snprintf(to, bytes, "%s", from);
}

static void take_property(struct unit *unit, const char *line)
{
    const char *equals = strchr(line, '=');
    size_t n = equals ? (size_t) (equals - line) : 0;

#define IS(property) (n == strlen(property) && strncmp(line, property, n) == 0)
    if (IS("LoadState"))
        copy(unit->load, sizeof(unit->load), equals + 1);
    else if (IS("ActiveState"))
        copy(unit->active, sizeof(unit->active), equals + 1);
    else if (IS("UnitFileState"))
        copy(unit->file, sizeof(unit->file), equals + 1);
    else if (IS("MainPID"))
        unit->main_pid = atoi(equals + 1);
#undef IS
}

void units_add(struct units *units, const char *name, struct unit *home)
{
    if (!name)
        return;
    if (units->n < UNITS_READ_MAX) {
        units->names[units->n] = name;
        units->homes[units->n] = home;
    }
    units->n++;
}

int units_read(const struct units *units)
{
    const char *arguments[UNITS_READ_MAX + 4] = {
        "show", "--property=LoadState,ActiveState,UnitFileState,MainPID", "--",
    };
    CLEANUP(freep) char *text = NULL;
    char *rest, *line;
    size_t at = 0;
    int r;

    if (units->n > UNITS_READ_MAX)
        return -E2BIG;
    for (size_t i = 0; i < units->n; i++) {
        arguments[3 + i] = units->names[i];
        *units->homes[i] = (struct unit) { .load = "" };
    }

    text = calloc(units->n + 1, BYTES_PER_UNIT);
    if (!text)
        return -ENOMEM;
    r = systemctl_read(arguments, text, units->n * BYTES_PER_UNIT);
    if (r != 0)
        return r < 0 ? r : -EIO;

    /* One block of lines a unit, in the order asked, an empty line between two. */
    for (rest = text; at < units->n && (line = strsep(&rest, "\n"));) {
        if (line[0] == '\0')
            at++;
        else
            take_property(units->homes[at], line);
    }
    return 0;
}

int units_read_active(const struct units *units)
{
    const char *arguments[UNITS_READ_MAX + 3] = { "is-active", "--" };
    char text[UNITS_READ_MAX * sizeof(units->homes[0]->active)], *rest = text, *line;
    size_t at = 0;
    int r;

    if (units->n > UNITS_READ_MAX)
        return -E2BIG;
    for (size_t i = 0; i < units->n; i++)
        arguments[2 + i] = units->names[i];
    r = systemctl_read(arguments, text, sizeof(text));
    if (r < 0)
        return r;
    if (r == 0 && !text[0])
        return 0; /* in a chroot it does not ask */

    /* A line a unit, in the order asked. The exit status says whether any is active: no matter here. */
    while (at < units->n && (line = strsep(&rest, "\n")) && line[0])
        copy(units->homes[at++]->active, sizeof(units->homes[0]->active), line);
    return at == units->n ? 0 : -EIO;
}

static void add_responder(struct units *units, const struct responder *responder, struct responder_units *home)
{
    for (size_t k = 0; k < UNITS_MAX; k++) {
        units_add(units, responder->sockets[k], &home->sockets[k]);
        units_add(units, responder->vendor_sockets[k], &home->vendor_sockets[k]);
    }
    units_add(units, responder->service, &home->service);
    units_add(units, responder->vendor_service, &home->vendor_service);
}

int units_read_installed(struct responder_units ret[RESPONDERS])
{
    struct units units = { .n = 0 }, more = { .n = 0 };
    int r;

    for (size_t i = 0; i < RESPONDERS; i++)
        if (responder_is_installed(&responders[i]))
            add_responder(&units, &responders[i], &ret[i]);
    r = units.n > 0 ? units_read_active(&units) : 0;
    if (r < 0)
        return r;

    for (size_t i = 0; i < RESPONDERS; i++) {
        if (!ret[i].service.active[0])
            continue; /* was not asked for */
        for (size_t k = 0; k < UNITS_MAX; k++)
            if (!unit_is_up(&ret[i].sockets[k]))
                units_add(&more, responders[i].sockets[k], &ret[i].sockets[k]);
        if (unit_is_up(&ret[i].vendor_service))
            units_add(&more, responders[i].vendor_service, &ret[i].vendor_service);
    }
    return more.n > 0 ? units_read(&more) : 0;
}

int units_read_responders(struct responder_units ret[RESPONDERS], struct unit *monitor)
{
    struct units units = { .n = 0 };

    for (size_t i = 0; i < RESPONDERS; i++)
        add_responder(&units, &responders[i], &ret[i]);
    if (monitor)
        units_add(&units, MONITOR, monitor);
    return units_read(&units);
}

bool unit_is_up(const struct unit *unit)
{
    return unit->active[0] && strcmp(unit->active, "inactive") != 0 && strcmp(unit->active, "failed") != 0;
}

bool unit_is_enabled(const struct unit *unit)
{
    return strcmp(unit->file, "enabled") == 0 || strcmp(unit->file, "enabled-runtime") == 0;
}
