/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes: who runs a responder. */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "lib/cleanup.h"
#include "tools/processes.h"

static bool runs(const char *pid, const char *program)
{
    char path[64], target[PATH_MAX];
    ssize_t n;

    (void) snprintf(path, sizeof(path), "/proc/%.20s/exe", pid); /* fits */
    n = readlink(path, target, sizeof(target) - 1);
    if (n < 0)
        return false;
    target[n] = '\0';

    if (strncmp(target, program, strlen(program)) != 0)
        return false;
    return target[strlen(program)] == '\0' ||
           strcmp(target + strlen(program), " (deleted)") == 0; /* replaced on disk meanwhile */
}

static bool is_in(const char *pid, const char *control_group)
{
    CLEANUP(fclosep) FILE *file = NULL;
    char path[64], line[PATH_MAX];

    (void) snprintf(path, sizeof(path), "/proc/%.20s/cgroup", pid); /* fits */
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        char *number = strchr(line, ':'); /* HIERARCHY:CONTROLLERS:PATH */
        char *group = number ? strchr(number + 1, ':') : NULL;

        line[strcspn(line, "\n")] = '\0';
        if (group && strcmp(group + 1, control_group) == 0)
            return true;
    }
    return false;
}

int process_find(const char *program, const char *control_group)
{
    CLEANUP(closedirp) DIR *proc = opendir("/proc");
    struct dirent *entry;

    if (!proc)
        return -errno;
    while ((entry = readdir(proc)))
        if (isdigit((unsigned char) entry->d_name[0]) && runs(entry->d_name, program) &&
            is_in(entry->d_name, control_group))
            return atoi(entry->d_name);
    return 0;
}
