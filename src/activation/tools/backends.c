/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backends: are they online? Asked as InfoPipe asks them: on the engine's private bus, where each back end answers to
 * sssd.DataProvider.Backend.IsOnline. That starts nothing and makes no back end try its server. Our own engine's are asked to
 * bring their entries up to date, too. */

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "lib/engine.h"
#include "lib/services.h"
#include "lib/state.h"
#include "lib/unix-sockets.h"
#include "tools/backends.h"

#ifndef PRIVATE_DIR /* the tests have their own */
#define PRIVATE_DIR "/var/lib/sss/pipes/private"
#endif

#define ANSWER_USEC UINT64_C(1000000)
/* Files are read whole for it. */
#define REFRESH_USEC UINT64_C(60000000)

/* Who may own the private sockets, beside root: SSSD's user, whom the folder belongs to where there is one. Looking
 * its name up could end in SSSD. */
static int read_owner(const char *dir, uid_t *ret)
{
    struct stat st;

    if (lstat(dir, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return -EPERM; /* anybody's sockets may be in there */
    *ret = st.st_uid;
    return 0;
}

static bool is_trusted(int fd, uid_t owner)
{
    struct ucred peer;
    socklen_t bytes = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && (peer.uid == 0 || peer.uid == owner);
}

/* Root has bound it, in a folder of root's alone, before the back end gave up its rights: who listens there is the right one. */
static int connect_to_own(const char *domain)
{
    char path[UNIX_PATH_BYTES];
    uid_t owner = 0;
    int r;

    r = read_owner(STATE_DIR, &owner);
    if (r < 0)
        return r;
    if (owner != geteuid())
        return -EPERM;
    (void) snprintf(path, sizeof(path), STATE_DIR "/backend-%s.socket", domain); /* one that is cut is too long all the same */
    return unix_socket_connect(path, SOCK_STREAM);
}

static int connect_to(const char *name, const char *domain, uid_t owner)
{
    char path[UNIX_PATH_BYTES];
    int fd;

    (void) snprintf(path, sizeof(path), PRIVATE_DIR "/%s%s", name, domain); /* one that is cut is too long all the same */
    fd = unix_socket_connect(path, SOCK_STREAM);
    if (fd < 0 || is_trusted(fd, owner))
        return fd;
    (void) close(fd); /* nothing was written */
    return -EPERM;
}

/* SSSD 2.8 has a bus for each back end, 2.10 one for all. A file that nobody listens on is left from another life. */
static int connect_to_bus_of(const char *domain)
{
    uid_t owner = 0;
    int r;

    if (strchr(domain, '/'))
        return -EINVAL;
    if (engine_is_own())
        return connect_to_own(domain);
    r = read_owner(PRIVATE_DIR, &owner);
    if (r < 0)
        return r;
    r = connect_to("sbus-dp_", domain, owner);
    return r == -ENOENT || r == -ECONNREFUSED ? connect_to("sbus-master", "", owner) : r;
}

/* The name on the bus: what is neither letter nor digit is its code, as in example_2etest. */
static int name_on_bus(const char *domain, char **ret)
{
    CLEANUP(freep) char *name = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&name, &bytes);

    if (!file)
        return -errno;
    (void) fputs("sssd.domain_", file); /* fclose tells */
    for (const char *at = domain; *at; at++)
        (void) fprintf(file, isascii(*at) && isalnum(*at) ? "%c" : "_%02x", (unsigned char) *at); /* likewise */
    if (fclose(file) != 0)
        return -errno;
    *ret = TAKE(name);
    return 0;
}

static int wait_until_ready(sd_bus *bus, uint64_t end)
{
    int r;

    while ((r = sd_bus_is_ready(bus)) == 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = usec_until(end) > 0 ? sd_bus_wait(bus, usec_until(end)) : -ETIMEDOUT;
        if (r < 0)
            break;
    }
    return r < 0 ? r : 0;
}

/* For the next call alone: all have one end. */
static int set_patience(sd_bus *bus, uint64_t end)
{
    uint64_t left = usec_until(end);

    return left > 0 ? sd_bus_set_method_call_timeout(bus, left) : -ETIMEDOUT; /* 0 would mean its default, 25 s */
}

/* SSSD's bus wants this first. sd-bus would do it by itself, but takes nothing before the answer to it, and SSSD sends a
 * signal before. Our own engine's is between two peers, who need no names: there it is no object's method. */
static int say_hello(sd_bus *bus, uint64_t end)
{
    int r;

    r = set_patience(bus, end);
    if (r >= 0)
        r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello",
                               NULL, NULL, NULL);
    return r == -EBADR ? 0 : r;
}

static int is_online(sd_bus *bus, const char *domain, uint64_t end)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    CLEANUP(freep) char *name = NULL;
    int r, online;

    r = name_on_bus(domain, &name);
    if (r >= 0)
        r = set_patience(bus, end);
    if (r >= 0) /* what the other side says about an error is not repeated */
        r = sd_bus_call_method(bus, name, "/sssd", "sssd.DataProvider.Backend", "IsOnline", NULL, &reply, "s", domain);
    if (r >= 0)
        r = sd_bus_message_read(reply, "b", &online);
    if (r == 0)
        return -EBADMSG; /* nothing in it */
    return r < 0 ? r : online;
}

/* Of no entry in particular: ours reads its source whole. */
static int refresh(sd_bus *bus, const char *domain, uint64_t end)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    int r, online;

    (void) domain;
    r = set_patience(bus, end);
    if (r >= 0)
        r = sd_bus_call_method(bus, NULL, "/sssd", "sssd.dataprovider", "Refresh", NULL, &reply, "ssu", "user", "", 0);
    if (r >= 0)
        r = sd_bus_message_read(reply, "b", &online);
    if (r == 0)
        return -EBADMSG;
    return r < 0 ? r : online;
}

typedef int question_t(sd_bus *bus, const char *domain, uint64_t end);

/* Returns 1 or 0 as the back end says, or a negative errno. */
static int ask(const char *domain, question_t *question, uint64_t usec)
{
    CLEANUP(closep) int fd = -1;
    CLEANUP(sd_bus_close_unrefp) sd_bus *bus = NULL;
    uint64_t end = now_usec() + usec;
    int r;

    fd = connect_to_bus_of(domain);
    if (fd < 0)
        return fd;
    r = sd_bus_new(&bus);
    if (r >= 0)
        r = sd_bus_set_fd(bus, fd, fd);
    if (r >= 0) {
        fd = -1; /* the bus has it */
        r = sd_bus_start(bus);
    }
    if (r >= 0)
        r = wait_until_ready(bus, end);
    if (r >= 0)
        r = say_hello(bus, end);
    return r < 0 ? r : question(bus, domain, end);
}

static void say_why(const char *domain, int r, char *why, size_t why_bytes)
{
    /* A cut sentence is still a reason. */
    switch (r) {
    case 0:
        (void) snprintf(why, why_bytes, "domain %.100s is offline", domain);
        break;
    case -ENOENT:
    case -ECONNREFUSED:
    case -EHOSTUNREACH: /* the bus knows no such name */
        (void) snprintf(why, why_bytes, "domain %.100s has no back end that runs", domain);
        break;
    case -EAGAIN:
    case -ETIMEDOUT:
        (void) snprintf(why, why_bytes, "the back end of domain %.100s does not answer", domain);
        break;
    default:
        (void) snprintf(why, why_bytes, "the back end of domain %.100s cannot be asked whether it is online: %s",
                        domain, strerror(-r));
    }
}

static int ask_all(const struct domains *domains, question_t *question, uint64_t usec, char *why, size_t why_bytes)
{
    for (size_t i = 0; i < domains->n; i++) {
        int r = ask(domains->names[i], question, usec);

        if (r > 0)
            continue;
        say_why(domains->names[i], r, why, why_bytes);
        return 0;
    }
    return 1;
}

int backends_online(const struct domains *domains, char *why, size_t why_bytes)
{
    return ask_all(domains, is_online, ANSWER_USEC, why, why_bytes);
}

int backends_refresh(const struct domains *domains, char *why, size_t why_bytes)
{
    return ask_all(domains, refresh, REFRESH_USEC, why, why_bytes);
}
