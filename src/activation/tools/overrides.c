/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overrides: what administrators have written for the distribution's responder units. */

#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/responders.h"
#include "tools/overrides.h"

#ifndef UNIT_DIR /* the tests have their own */
#define UNIT_DIR "/etc/systemd/system"
#define RUNTIME_UNIT_DIR "/run/systemd/system"
#endif

/* Sorted within each folder, and the unit before its drop-ins. */
#define PLACES_OF_UNIT "{" UNIT_DIR "," RUNTIME_UNIT_DIR "}/%s{,.d/*.conf}"

static int visit_unit(const char *vendors, const char *ours,
                      int (*on_file)(const char *path, const char *ours, void *userdata), void *userdata)
{
    CLEANUP(globfree) glob_t found = { .gl_pathc = 0 };
    char places[128];
    int r = 0;

    if (!vendors)
        return 0;
    (void) snprintf(places, sizeof(places), PLACES_OF_UNIT, vendors); /* fits */
    if (glob(places, GLOB_BRACE, NULL, &found) != 0)
        return 0; /* none, or not to be seen by this user */
    for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
        struct stat st;

        if (lstat(found.gl_pathv[i], &st) == 0 && S_ISREG(st.st_mode)) /* a link is a mask, or makes it enabled */
            r = on_file(found.gl_pathv[i], ours, userdata);
    }
    return r;
}

int overrides_each(int (*on_file)(const char *path, const char *ours, void *userdata), void *userdata)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < RESPONDERS; i++) {
        for (size_t k = 0; r == 0 && k < UNITS_MAX; k++)
            r = visit_unit(responders[i].vendor_sockets[k], responders[i].sockets[k], on_file, userdata);
        if (r == 0)
            r = visit_unit(responders[i].vendor_service, responders[i].service, on_file, userdata);
    }
    return r;
}
