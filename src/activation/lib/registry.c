/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registry: which services run, whoever started them. */

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "lib/registry.h"

/* Stays when its service has left, for the number of restarts. */
struct entry {
    struct registration registration; /* generation 0: not registered */
    char *service;
    unsigned registrations;
    struct entry *next;
};

struct registry {
    struct entry *entries;
    uint64_t generation;
};

static const char *const type_texts[] = {
    [SERVICE_STATIC] = "static",
    [SERVICE_SOCKET] = "socket",
    [SERVICE_DBUS] = "dbus",
};

int service_type_parse(const char *text, enum service_type *ret)
{
    for (size_t i = 0; i < sizeof(type_texts) / sizeof(type_texts[0]); i++) {
        if (strcmp(text, type_texts[i]) == 0) {
            *ret = (enum service_type) i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *service_type_text(enum service_type type)
{
    return type_texts[type];
}

/* A process that has ended is gone even if nobody has waited for it; a pid alone would lie as soon as it is reused. */
static bool is_alive(int pidfd)
{
    struct pollfd polled = { .fd = pidfd, .events = POLLIN };

    return pidfd >= 0 && poll(&polled, 1, 0) == 0;
}

static void unregister(struct entry *entry)
{
    (void) close(entry->registration.pidfd); /* nothing was written through it */
    entry->registration = (struct registration){ .service = entry->service, .pidfd = -1 };
}

static struct entry *entry_of(const struct registry *registry, const char *service)
{
    struct entry *entry = registry->entries;

    while (entry && strcmp(entry->service, service) != 0)
        entry = entry->next;
    return entry;
}

static int entry_make(struct registry *registry, const char *service, struct entry **ret)
{
    struct entry *entry = entry_of(registry, service);

    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry || !(entry->service = strdup(service))) {
            free(entry);
            return -ENOMEM;
        }
        entry->next = registry->entries;
        registry->entries = entry;
    }
    *ret = entry;
    return 0;
}

int registry_new(struct registry **ret)
{
    struct registry *registry = calloc(1, sizeof(*registry));

    if (!registry)
        return -ENOMEM;
    *ret = registry;
    return 0;
}

struct registry *registry_free(struct registry *registry)
{
    struct entry *next;

    if (!registry)
        return NULL;
    for (struct entry *entry = registry->entries; entry; entry = next) {
        next = entry->next;
        if (entry->registration.generation)
            unregister(entry);
        free(entry->service);
        free(entry);
    }
    free(registry);
    return NULL;
}

int registry_register(struct registry *registry, const char *service, enum service_type type, pid_t pid, int pidfd,
                      void *connection, const struct registration **ret)
{
    CLEANUP(closep) int taken = pidfd;
    struct entry *entry;
    int r;

    if (service[0] == '\0')
        return -EINVAL;
    if (!is_alive(taken))
        return -ESRCH;
    r = entry_make(registry, service, &entry);
    if (r < 0)
        return r;

    if (entry->registration.generation) {
        /* The same process may come again, on a new connection before the old one is seen to close. */
        if (entry->registration.pid != pid && is_alive(entry->registration.pidfd)) {
            *ret = &entry->registration;
            return -EEXIST;
        }
        unregister(entry);
    }

    entry->registration = (struct registration){
        .service = entry->service,
        .type = type,
        .generation = ++registry->generation,
        .restarts = entry->registrations++,
        .pid = pid,
        .pidfd = taken,
        .connection = connection,
    };
    taken = -1;
    *ret = &entry->registration;
    return 0;
}

int registry_unregister(struct registry *registry, uint64_t generation)
{
    for (struct entry *entry = registry->entries; entry; entry = entry->next) {
        if (generation && entry->registration.generation == generation) {
            unregister(entry);
            return 1;
        }
    }
    return 0;
}

const struct registration *registry_next(const struct registry *registry, const struct registration *previous)
{
    /* The registration is the entry's first field. */
    const struct entry *entry = previous ? ((const struct entry *) previous)->next : registry->entries;

    while (entry && !entry->registration.generation)
        entry = entry->next;
    return entry ? &entry->registration : NULL;
}
