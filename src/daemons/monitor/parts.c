/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/responders.h"
#include "common/text.h"
#include "config/config.h"
#include "monitor/monitor.h"
#include "monitor/parts.h"
#include "util/log.h"
#include "util/paths.h"

int part_of(const struct monitor *monitor, const char *service, struct config **ret)
{
    return config_part(monitor->config, service, monitor->stamp, ret);
}

/* Whose it is to read. */
static gid_t group_of(const struct monitor *monitor, const char *service)
{
    return strncmp(service, "domain/", strlen("domain/")) == 0 ? monitor->gid : monitor->responder_gid;
}

static int write_part(const struct monitor *monitor, const char *dir, const char *service)
{
    CLEANUP(config_freep) struct config *part = NULL;
    CLEANUP(freep) char *path = NULL;
    int r;

    r = config_part_path(dir, service, &path);
    if (r == 0)
        r = part_of(monitor, service, &part);
    if (r == 0)
        r = config_write_snapshot(part, path, group_of(monitor, service));
    if (r < 0)
        log_error_errno(r, "cannot write the part of \"%s\" of the configuration: %m", service);
    return r;
}

/* An earlier version had a file of that name. */
static int make_folder(const char *dir)
{
    struct stat st;

    if (lstat(dir, &st) == 0 && !S_ISDIR(st.st_mode) && unlink(dir) < 0)
        return -errno;
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return -errno;
    return chmod(dir, 0755) < 0 ? -errno : 0; /* whatever our umask is: services read theirs as their users */
}

static bool is_of_any(const char *name, char *const *services)
{
    for (; *services; services++) {
        CLEANUP(freep) char *path = NULL;

        if (config_part_path("", *services, &path) < 0 || strcmp(path + 1, name) == 0)
            return true;
    }
    return false;
}

/* The secrets of a domain that is no longer there, and what a killed monitor was about to write. */
static int remove_others(const char *dir, char *const *services)
{
    CLEANUP(closedirp) DIR *folder = opendir(dir);
    const struct dirent *entry;

    if (!folder)
        return -errno;
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.' && !is_of_any(entry->d_name, services) &&
            unlinkat(dirfd(folder), entry->d_name, 0) < 0)
            log_warning("cannot remove %s/%s: %m", dir, entry->d_name);
    return 0;
}

/* The responders that there are, whether the line names them or not, and the domains. */
static int list_services(const struct monitor *monitor, char ***ret)
{
    CLEANUP(freep) char **domains = config_list(monitor->config, "sssd", "domains");
    CLEANUP(freep) char *list = strdup(OWN_RESPONDERS);

    for (size_t i = 0; list && domains && domains[i]; i++) {
        CLEANUP(freep) char *shorter = TAKE(list);

        if (asprintf(&list, "%s,domain/%s", shorter, domains[i]) < 0)
            list = NULL; /* undefined otherwise */
    }
    *ret = list && domains ? text_list(list) : NULL;
    return *ret ? 0 : -ENOMEM;
}

int parts_write(const struct monitor *monitor)
{
    CLEANUP(freep) char **services = NULL;
    CLEANUP(freep) char *dir = NULL;
    int r;

    if (asprintf(&dir, "%s/" CONFIG_PARTS_NAME, monitor->paths->run_dir) < 0) {
        dir = NULL;
        return -ENOMEM;
    }
    r = list_services(monitor, &services);
    if (r == 0)
        r = make_folder(dir);
    if (r == 0)
        r = remove_others(dir, services);
    if (r < 0)
        log_error_errno(r, "cannot write to %s: %m", dir);
    for (size_t i = 0; r == 0 && services[i]; i++)
        r = write_part(monitor, dir, services[i]);
    return r;
}
