/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sssd_be in the folder that it is run in. */
#include "backend/be.h"
#include "backend/daemon.h"

int main(int argc, char **argv)
{
    static const struct backend_paths paths = {
        .config_dir = "config",
        .cache_dir = ".",
        .log_dir = ".",
        .monitor_bus = "monitor",
        .bus_prefix = "backend_",
    };

    return backend_run(argc, argv, &paths);
}
