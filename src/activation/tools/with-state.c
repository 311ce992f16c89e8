/* SPDX-License-Identifier: GPL-3.0-or-later */
/* With state: runs a command on the state, which it makes where there is none yet. */

#include <stdlib.h>

#include "lib/log.h"
#include "lib/state.h"
#include "tools/with-state.h"

int with_state(int (*run)(const struct state *state, void *userdata), void *userdata)
{
    struct state state;
    int r;

    if (log_failure(state_create(STATE_DIR, &state), "make " STATE_DIR) < 0)
        return EXIT_FAILURE;
    r = run(&state, userdata);
    state_done(&state);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
