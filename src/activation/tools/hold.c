/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hold: stops SSSD so that no client starts it, until it is released.
 *
 * `systemctl stop sssd` does the same by a hook, but only to a monitor that runs. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/event.h"
#include "lib/log.h"
#include "lib/responders.h"
#include "lib/state.h"
#include "lib/systemctl.h"
#include "tools/hold.h"

int hold(void)
{
    struct state state;
    bool was_held;
    int r;

    r = state_create(STATE_DIR, &state);
    if (r < 0) {
        log_error("cannot make " STATE_DIR ": %s", strerror(-r));
        return EXIT_FAILURE;
    }

    /* First the flag: a client that comes before the stop is refused already. */
    was_held = state_has(&state, FLAG_HELD);
    r = state_set(&state, FLAG_HELD, true);
    state_done(&state);
    if (r < 0) {
        log_error("cannot write to " STATE_DIR ": %s", strerror(-r));
        return EXIT_FAILURE;
    }
    if (!was_held)
        event_log(EVENT_HOLD, "monitor", "begin", "responders stay away until 'sss_activation release'");

    if (SYSTEMCTL("--quiet", "stop", MONITOR) != 0) {
        log_error("held, but " MONITOR " could not be stopped: systemctl status " MONITOR " tells why");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* By a start, so that the first look-up after it is answered; a monitor that nobody enabled leaves again by itself. */
int release(void)
{
    struct state state;
    int r;

    r = state_create(STATE_DIR, &state);
    if (r < 0) {
        log_error("cannot make " STATE_DIR ": %s", strerror(-r));
        return EXIT_FAILURE;
    }
    if (!state_has(&state, FLAG_HELD)) {
        log_info("nothing is held");
        state_done(&state);
        return EXIT_SUCCESS;
    }

    r = SYSTEMCTL("--quiet", "start", MONITOR);
    if (state_has(&state, FLAG_HELD)) { /* skipped by a condition, or masked: its hook did not run */
        (void) state_set(&state, FLAG_HELD, false);
        event_log(EVENT_HOLD, "monitor", "end", "the hold ends");
    }
    state_done(&state);
    if (r != 0) {
        log_error("released, but " MONITOR " did not start: systemctl status " MONITOR " tells why");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
