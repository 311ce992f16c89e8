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

/* Called with the path of each hierarchy that a process is in, "HIERARCHY:CONTROLLERS:PATH" to the kernel. Returns 1 with
 * the first that is wanted, 0 if none is, or a negative errno. */
static int read_control_groups(const char *pid, bool (*is_wanted)(const char *controllers, const char *group, void *userdata),
                               void *userdata)
{
    CLEANUP(fclosep) FILE *file = NULL;
    char path[64], line[PATH_MAX];

    (void) snprintf(path, sizeof(path), "/proc/%.20s/cgroup", pid); /* fits */
    file = fopen(path, "re");
    if (!file)
        return -errno;
    while (fgets(line, sizeof(line), file)) {
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;

        line[strcspn(line, "\n")] = '\0';
        if (!group)
            continue;
        *group = '\0';
        if (is_wanted(controllers + 1, group + 1, userdata))
            return 1;
    }
    return 0;
}

/* The unified hierarchy ("0::PATH") where systemd has put the process into it, else its own one of before. */
static bool is_systemds(const char *controllers, const char *group, void *userdata)
{
    bool is_unified = controllers[0] == '\0' && strcmp(group, "/") != 0;

    if (is_unified || strcmp(controllers, "name=systemd") == 0)
        (void) snprintf(userdata, PATH_MAX, "%s", group); /* a line is no longer */
    return is_unified;
}

int process_control_group(pid_t pid, char *text, size_t bytes)
{
    char number[32], found[PATH_MAX] = "";
    int r;

    (void) snprintf(number, sizeof(number), "%ld", (long) pid); /* fits */
    r = read_control_groups(number, is_systemds, found);
    if (r < 0)
        return r;
    if (!found[0])
        return -ENOENT;
    return snprintf(text, bytes, "%s", found) < (int) bytes ? 0 : -ENAMETOOLONG;
}

static bool is_that(const char *controllers, const char *group, void *userdata)
{
    (void) controllers;
    return strcmp(group, userdata) == 0;
}

static bool is_in(const char *pid, const char *control_group)
{
    return read_control_groups(pid, is_that, (void *) control_group) > 0;
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
