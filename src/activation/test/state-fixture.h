/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State fixture: the folder of a test has the state in it, open. */

#ifndef TEST_STATE_FIXTURE_H
#define TEST_STATE_FIXTURE_H

#include "lib/state.h"
#include "test/fixture.h"

static struct state opened;

static inline int state_enter(void **state)
{
    return folder_enter(state) < 0 || state_create("state", &opened) < 0 ? -1 : 0;
}

static inline int state_leave(void **state)
{
    state_done(&opened);
    return folder_leave(state);
}

#define IN_STATE(test) cmocka_unit_test_setup_teardown(test, state_enter, state_leave)

#endif
