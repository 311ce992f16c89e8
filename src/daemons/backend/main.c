/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backend/be.h"
#include "backend/daemon.h"
#include "util/paths.h"

int main(int argc, char **argv)
{
    static const struct backend_paths paths = {
        .config_dir = CONFIG_PARTS,
        .cache_dir = CACHE_DIR,
        .log_dir = SSS_LOGDIR,
        .monitor_bus = MONITOR_BUS,
        .bus_prefix = BACKEND_BUS_PREFIX,
    };

    return backend_run(argc, argv, &paths);
}
