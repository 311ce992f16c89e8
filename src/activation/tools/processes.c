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

static FILE *open_control_groups(const char *pid)
{
    char path[64];

    (void) snprintf(path, sizeof(path), "/proc/%.20s/cgroup", pid); /* fits */
    return fopen(path, "re");
}

/* The next hierarchy that a process is in, "HIERARCHY:CONTROLLERS:PATH" to the kernel; both point into the line. */
static bool next_control_group(FILE *file, char line[PATH_MAX], const char **controllers, const char **group)
{
    while (fgets(line, PATH_MAX, file)) {
        char *first = strchr(line, ':'), *second = first ? strchr(first + 1, ':') : NULL;

        if (!second)
            continue;
        *second = '\0';
        second[1 + strcspn(second + 1, "\n")] = '\0';
        *controllers = first + 1;
        *group = second + 1;
        return true;
    }
    return false;
}

int process_control_group(pid_t pid, char *text, size_t bytes)
{
    CLEANUP(fclosep) FILE *file = NULL;
    char number[32], line[PATH_MAX], found[PATH_MAX] = "";
    const char *controllers, *group;
    bool is_unified = false;

    (void) snprintf(number, sizeof(number), "%ld", (long) pid); /* fits */
    file = open_control_groups(number);
    if (!file)
        return -errno;
    /* The unified hierarchy ("0::PATH") where systemd has put the process into it, else its own one of before. */
    while (!is_unified && next_control_group(file, line, &controllers, &group)) {
        is_unified = controllers[0] == '\0' && strcmp(group, "/") != 0;
        if (is_unified || strcmp(controllers, "name=systemd") == 0)
            (void) snprintf(found, sizeof(found), "%s", group); /* a line is no longer */
    }
    if (!found[0])
        return -ENOENT;
    return snprintf(text, bytes, "%s", found) < (int) bytes ? 0 : -ENAMETOOLONG;
}

static bool is_in(const char *pid, const char *control_group)
{
    CLEANUP(fclosep) FILE *file = open_control_groups(pid);
    const char *controllers, *group;
    char line[PATH_MAX];

    while (file && next_control_group(file, line, &controllers, &group))
        if (strcmp(group, control_group) == 0)
            return true;
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
