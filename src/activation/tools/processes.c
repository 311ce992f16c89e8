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

/* Of systemd's own hierarchy, be it the only one ("0::/PATH") or one of several ("1:name=systemd:/PATH"). */
static int read_control_group(const char *pid, char *text, size_t bytes)
{
    CLEANUP(fclosep) FILE *file = NULL;
    char path[64], line[PATH_MAX];

    (void) snprintf(path, sizeof(path), "/proc/%.20s/cgroup", pid); /* fits */
    file = fopen(path, "re");
    if (!file)
        return -errno;
    while (fgets(line, sizeof(line), file)) {
        char *number = strchr(line, ':'); /* HIERARCHY:CONTROLLERS:PATH */
        char *group = number ? strchr(number + 1, ':') : NULL;

        if (!group || (group != number + 1 && strncmp(number, ":name=systemd:", strlen(":name=systemd:")) != 0))
            continue;
        group[strcspn(group, "\n")] = '\0';
        return snprintf(text, bytes, "%s", group + 1) < (int) bytes ? 0 : -ENAMETOOLONG;
    }
    return -ENOENT;
}

int process_control_group(pid_t pid, char *text, size_t bytes)
{
    char number[32];

    (void) snprintf(number, sizeof(number), "%ld", (long) pid); /* fits */
    return read_control_group(number, text, bytes);
}

static bool is_in(const char *pid, const char *control_group)
{
    char group[PATH_MAX];

    return read_control_group(pid, group, sizeof(group)) == 0 && strcmp(group, control_group) == 0;
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
