/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/monitor.h"
#include "util/paths.h"

int main(int argc, char **argv)
{
    static const struct monitor_paths paths = {
        .config_dir = SSS_CONFDIR,
        .state_dir = SSS_STATEDIR,
        .own_dir = OWN_STATEDIR,
        .log_dir = SSS_LOGDIR,
        .run_dir = SSS_RUNDIR,
        .libexec_dir = SSS_LIBEXECDIR,
        .pid_file = MONITOR_PID_FILE,
        .user = SSS_USER,
        .backend_user = SSS_BACKEND_USER,
        .second_usec = 1000000,
    };

    return monitor_run(argc, argv, &paths);
}
