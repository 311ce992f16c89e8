/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes: who runs a responder. */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/responders.h"
#include "lib/engine.h"
#include "lib/manager.h"
#include "tools/processes.h"

/* "" if it can't be told. */
static void read_program(int pid, char text[PATH_MAX])
{
    static const char deleted[] = " (deleted)";
    char path[32];
    ssize_t n;

    (void) snprintf(path, sizeof(path), "/proc/%d/exe", pid); /* fits */
    n = readlink(path, text, PATH_MAX - 1);
    text[n < 0 ? 0 : n] = '\0';
    if (n >= (ssize_t) sizeof(deleted) && strcmp(text + n - strlen(deleted), deleted) == 0)
        text[n - (ssize_t) strlen(deleted)] = '\0';
}

/* In the unified hierarchy, or in systemd's own one of before. 0 or a negative errno. */
static int open_list(const char *control_group, FILE **ret)
{
    static const char *const hierarchies[] = { CONTROL_GROUPS, CONTROL_GROUPS "/unified", CONTROL_GROUPS "/systemd" };
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
        if (snprintf(path, sizeof(path), "%s%s/cgroup.procs", hierarchies[i], control_group) >= (int) sizeof(path))
            return -ENAMETOOLONG;
        *ret = fopen(path, "re");
        if (*ret || errno != ENOENT)
            return *ret ? 0 : -errno;
    }
    return -ENOENT;
}

int processes_of_responders(const char *control_group, int ret_pids[RESPONDERS])
{
    CLEANUP(fclosep) FILE *file = NULL;
    char program[PATH_MAX];
    int pid, r;

    for (size_t i = 0; i < RESPONDERS; i++)
        ret_pids[i] = 0;
    if (control_group[0] != '/')
        return 0; /* it runs no process */
    r = open_list(control_group, &file);
    if (r < 0)
        return r;

    while (fscanf(file, "%d", &pid) == 1) {
        read_program(pid, program);
        for (size_t i = 0; i < RESPONDERS; i++)
            if (engine_is_program_of(&responders[i], program))
                ret_pids[i] = pid;
    }
    return ferror(file) ? -EIO : 0;
}

int processes_of_monitor(struct manager *manager, int ret_pids[RESPONDERS])
{
    char control_group[PATH_MAX];
    int r = manager_text(manager, MONITOR, "Service", "ControlGroup", control_group, sizeof(control_group));

    return r < 0 ? r : processes_of_responders(control_group, ret_pids);
}
