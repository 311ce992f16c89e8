/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hold: stops SSSD so that no client starts it, until it is released.
 *
 * `systemctl stop sssd` does the same by a hook, but only to a monitor that runs. */

#include <errno.h>
#include <string.h>

#include "lib/event.h"
#include "lib/log.h"
#include "lib/responders.h"
#include "lib/state.h"
#include "lib/systemctl.h"
#include "tools/hold.h"
#include "tools/with-state.h"

static int set(const struct state *state, bool on, const char *reason, const char *sentence)
{
    bool changes = state_has(state, FLAG_HELD) != on;
    int r;

    r = state_set(state, FLAG_HELD, on);
    if (r >= 0 && changes)
        event_log(EVENT_HOLD, "monitor", reason, "%s", sentence);
    return r;
}

int hold_begin(const struct state *state, const char *sentence)
{
    return set(state, true, "begin", sentence);
}

int hold_end(const struct state *state, const char *sentence)
{
    return set(state, false, "end", sentence);
}

static int run_hold(const struct state *state, void *userdata)
{
    int r;

    (void) userdata;
    /* First the flag: a client that comes before the stop is refused already. */
    r = hold_begin(state, "responders stay away until 'sss_activation release'");
    if (r < 0) {
        log_error("cannot write to " STATE_DIR ": %s", strerror(-r));
        return r;
    }
    if (SYSTEMCTL("--quiet", "stop", MONITOR) != 0) {
        log_error("held, but " MONITOR " could not be stopped: systemctl status " MONITOR " tells why");
        return -EIO;
    }
    return 0;
}

/* By a start, so that the first look-up after it is answered; a monitor that nobody enabled leaves again by itself. */
static int run_release(const struct state *state, void *userdata)
{
    int r;

    (void) userdata;
    if (!state_has(state, FLAG_HELD)) {
        log_info("nothing is held");
        return 0;
    }

    r = SYSTEMCTL("--quiet", "start", MONITOR);
    (void) hold_end(state, "the hold ends"); /* skipped by a condition, or masked, its hook did not do that */
    if (r != 0) {
        log_error("released, but " MONITOR " did not start: systemctl status " MONITOR " tells why");
        return -EIO;
    }
    return 0;
}

int hold(void)
{
    return with_state(run_hold, NULL);
}

int release(void)
{
    return with_state(run_release, NULL);
}
