/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monitor in a folder of its own: the one it is started in. From the environment: SECOND_USEC,
 * how long its seconds are; BACKEND_USER, whom back ends become. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/monitor.h"

#define N_PATHS 7

static char here[256];
static char paths_in_here[N_PATHS][sizeof(here) + 16];

static const char *in_here(const char *name)
{
    static size_t n;
    char *path = paths_in_here[n++];

    (void) snprintf(path, sizeof(paths_in_here[0]), "%s/%s", here, name);
    return path;
}

int main(int argc, char **argv)
{
    struct monitor_paths paths;

    if (!getenv("SECOND_USEC") || !getcwd(here, sizeof(here)))
        return 99;
    paths = (struct monitor_paths) {
        .config_dir = in_here("etc"),
        .config_uid = getuid(),
        .config_gid = getgid(),
        .state_dir = in_here("state"),
        .own_dir = in_here("own"),
        .log_dir = in_here("log"),
        .run_dir = in_here("run"),
        .libexec_dir = in_here("libexec"),
        .pid_file = in_here("sssd.pid"),
        .user = "nobody",
        .backend_user = getenv("BACKEND_USER") ? getenv("BACKEND_USER") : "nobody",
        .second_usec = strtoull(getenv("SECOND_USEC"), NULL, 10),
    };
    return monitor_run(argc, argv, &paths);
}
