/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hold: stops SSSD so that no client starts it, until it is released. By a stop, which closes the sockets, and a start, which
 * opens them. */

#include <stdbool.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/responders.h"
#include "lib/log.h"
#include "lib/manager.h"
#include "tools/hold.h"
#include "tools/ownership.h"

/* As long as systemd lets a unit take. */
#define JOB_MSEC 180000

static int run(struct manager *manager, const char *verb)
{
    static const char *const units[] = { MONITOR };

    return manager_run_all(manager, verb, units, 1, "replace", JOB_MSEC);
}

int hold(void)
{
    CLEANUP(manager_freep) struct manager *manager = NULL;

    /* The second is for a machine on which nothing was ready for a stop yet. */
    if (manager_open(&manager) == 0 && run(manager, "Stop") == 0 && ownership_close(manager) == 0)
        return EXIT_SUCCESS;
    log_error(MONITOR " could not be stopped: systemctl status " MONITOR " tells why");
    return EXIT_FAILURE;
}

static bool is_active(struct manager *manager)
{
    struct unit monitor;

    return manager_state(manager, MONITOR, &monitor) == 0 && strcmp(monitor.active, "active") == 0 && !monitor.job[0];
}

int release(void)
{
    CLEANUP(manager_freep) struct manager *manager = NULL;
    int r = manager_open(&manager);

    if (r >= 0 && is_active(manager)) {
        log_info("nothing is held");
        return EXIT_SUCCESS;
    }
    if (r >= 0 && run(manager, "Start") == 0)
        return EXIT_SUCCESS;
    log_error(MONITOR " did not start: systemctl status " MONITOR " tells why");
    return EXIT_FAILURE;
}
