/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registry: which services run, whoever started them. These are the monitor's rules, without its bus:
 *
 *   - a service has one owner: a second living instance is refused and the first not disturbed;
 *   - an instance whose process is gone makes room, also while its connection has not been seen to close;
 *   - what a dead process said before its end comes too late;
 *   - the end of an instance concerns that instance, never the next one of the same name. */

#ifndef LIB_REGISTRY_H
#define LIB_REGISTRY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum service_type {
    SERVICE_STATIC, /* started by the monitor, or by hand */
    SERVICE_SOCKET,
    SERVICE_DBUS,
};

/* "static", "socket", "dbus". -EINVAL if the text is none of them. */
int service_type_parse(const char *text, enum service_type *ret);
const char *service_type_text(enum service_type type);

struct registration {
    const char *service;
    enum service_type type;
    uint64_t generation; /* counts all registrations: two never have the same */
    unsigned restarts;   /* earlier registrations of this service */
    pid_t pid;
    int pidfd;
    void *connection;
};

struct registry;

int registry_new(struct registry **ret);
struct registry *registry_free(struct registry *registry);

/* Takes pidfd, also when it fails; a negative one is of a process that is gone already. connection is the caller's, and
 * only handed back. Returns 0 with the registration, which lives as long as it is registered; -EEXIST: there is a living
 * instance, which *ret is then; -ESRCH: the process is gone; -EINVAL: no such name; or -ENOMEM. */
int registry_register(struct registry *registry, const char *service, enum service_type type, pid_t pid, int pidfd,
                      void *connection, const struct registration **ret);

/* Returns 1, or 0 if that one is not registered (any more). */
int registry_unregister(struct registry *registry, uint64_t generation);

/* The one after, the first after NULL; NULL after the last. */
const struct registration *registry_next(const struct registry *registry, const struct registration *previous);

#endif
