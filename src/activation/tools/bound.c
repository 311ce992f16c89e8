/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bound: what keeps sssd.service up, or from coming up, by what administrators have written into units. */

#include <stdio.h>
#include <systemd/sd-bus.h>

#include "common/cleanup.h"
#include "common/responders.h"
#include "lib/manager.h"
#include "tools/bound.h"

/* By BindsTo=, Requires= or Requisite= in that unit, which the property tells from this side. */
static int is_bound_by(struct manager *manager, const char *property, char *unit, size_t bytes)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    struct unit state;
    const char *name;
    int r;

    r = manager_property(manager, MONITOR, "Unit", property, &reply);
    if (r >= 0)
        r = sd_bus_message_enter_container(reply, 'a', "s");
    while (r >= 0 && (r = sd_bus_message_read_basic(reply, 's', &name)) > 0) {
        r = manager_state(manager, name, &state);
        if (r < 0 || !unit_is_up(&state))
            continue;
        (void) snprintf(unit, bytes, "%s", name); /* a name of a unit fits */
        return 1;
    }
    return r < 0 ? r : 0;
}

int monitor_is_bound(struct manager *manager, char *unit, size_t bytes)
{
    static const char *const properties[] = { "BoundBy", "RequiredBy", "RequisiteOf" };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(properties) / sizeof(properties[0]); i++)
        r = is_bound_by(manager, properties[i], unit, bytes);
    return r;
}

int monitor_was_skipped(struct manager *manager, char *condition, size_t bytes)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    uint64_t checked, met;
    const char *type, *parameter;
    int r, is_trigger, is_negated, state;

    r = manager_number(manager, MONITOR, "Unit", "ConditionTimestamp", &checked);
    if (r >= 0)
        r = manager_number(manager, MONITOR, "Unit", "ConditionResult", &met);
    if (r < 0 || checked == 0 || met)
        return r;

    r = manager_property(manager, MONITOR, "Unit", "Conditions", &reply);
    if (r >= 0)
        r = sd_bus_message_enter_container(reply, 'a', "(sbbsi)");
    while (r >= 0 && (r = sd_bus_message_read(reply, "(sbbsi)", &type, &is_trigger, &is_negated, &parameter, &state)) > 0) {
        if (state >= 0 || is_trigger)
            continue;
        (void) snprintf(condition, bytes, "%s=%s%s", type, is_negated ? "!" : "", parameter); /* cut, it still says which */
        return 1;
    }
    return r;
}
