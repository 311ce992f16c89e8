/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Own engine: our own daemons beside the distribution's SSSD, in the folder of a test. */

#ifndef TEST_OWN_ENGINE_H
#define TEST_OWN_ENGINE_H

#include <sys/stat.h>

#include "lib/engine.h"
#include "test/fixture.h"

/* Its programs are there, and are this script. */
static inline void own_is_installed(const char *script)
{
    static const char *const programs[] = { "sssd", "sssd_be", "sssd_nss" };

    (void) mkdir(ENGINE_DIR, 0755); /* a row before may have made it */
    for (size_t i = 0; i < N_OF(programs); i++) {
        char path[64];

        (void) snprintf(path, sizeof(path), ENGINE_DIR "/%s", programs[i]); /* fits */
        write_text(path, script);
        assert_int_equal(chmod(path, 0755), 0);
    }
}

static inline void own_is_configured(void)
{
    own_is_installed("#!/bin/sh\n");
    write_text(ENGINE_FILE, "own\n");
}

#endif
