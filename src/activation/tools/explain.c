/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Explain: looks a user up as any program would, and tells which socket and which process that took, and how long. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <nss.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "tools/explain.h"
#include "tools/view.h"

#ifndef NSS_LIBRARY /* the tests have their own */
#define NSS_LIBRARY "libnss_sss.so.2"
#endif

/* Its own client library waits for 300 s. */
#ifndef GUARD_MSEC /* the tests have less time */
#define GUARD_MSEC 60000
#endif

typedef enum nss_status getpwnam_fn(const char *, struct passwd *, char *, size_t, int *);

struct answer {
    enum nss_status status;
    uid_t uid;
    gid_t gid;
    double msec;
    bool has_library;
};

/* In a process of its own: the library reads its environment once, and keeps its connection. */
static void ask_here(const char *user, bool memory_cache, struct answer *ret)
{
    static char buffer[1 << 16];
    getpwnam_fn *getpwnam_of_sss;
    struct passwd entry;
    int error = 0;
    void *library;

    (void) setenv("SSS_NSS_USE_MEMCACHE", memory_cache ? "YES" : "NO", 1);
    library = dlopen(NSS_LIBRARY, RTLD_NOW);
    getpwnam_of_sss = library ? (getpwnam_fn *) dlsym(library, "_nss_sss_getpwnam_r") : NULL;
    ret->has_library = getpwnam_of_sss != NULL;
    if (!getpwnam_of_sss)
        return;

    uint64_t before = now_usec();

    ret->status = getpwnam_of_sss(user, &entry, buffer, sizeof(buffer), &error);
    ret->msec = (double) (now_usec() - before) / 1e3;
    if (ret->status == NSS_STATUS_SUCCESS) {
        ret->uid = entry.pw_uid;
        ret->gid = entry.pw_gid;
    }
}

/* Returns 0 or a negative errno; -ETIMEDOUT where nobody answered in time. */
static int ask(const char *user, bool memory_cache, struct answer *ret)
{
    CLEANUP(closep) int from = -1;
    struct pollfd polled = { .events = POLLIN };
    int fds[2], r;
    ssize_t n;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        struct answer answer = { .status = NSS_STATUS_UNAVAIL };

        ask_here(user, memory_cache, &answer);
        _exit(write(fds[1], &answer, sizeof(answer)) == sizeof(answer) ? 0 : 1);
    }
    from = fds[0];
    (void) close(fds[1]);
    if (pid < 0)
        return -errno;

    polled.fd = from;
    do
        r = poll(&polled, 1, GUARD_MSEC);
    while (r < 0 && errno == EINTR);
    if (r == 0)
        (void) kill(pid, SIGKILL);
    n = r > 0 ? read(from, ret, sizeof(*ret)) : 0;
    (void) waitpid(pid, NULL, 0); /* our own child */
    return r == 0 ? -ETIMEDOUT : n == sizeof(*ret) ? 0 : -EIO;
}

/* Returns what it comes to. */
static int print_answer(const char *user, int r, const struct answer *answer, FILE *out)
{
    if (r < 0) {
        bool late = r == -ETIMEDOUT;

        (void) fprintf(out, "%s: %s\n", user, late ? "no answer within a minute" : "the look-up broke off");
        return late ? EXPLAIN_UNAVAILABLE : EXPLAIN_UNKNOWN;
    }
    switch (answer->status) {
    case NSS_STATUS_SUCCESS:
        (void) fprintf(out, "%s: uid %u, gid %u, answered in %.1f ms\n", user, (unsigned) answer->uid,
                       (unsigned) answer->gid, answer->msec);
        return EXPLAIN_FOUND;
    case NSS_STATUS_NOTFOUND:
        (void) fprintf(out, "%s: SSSD knows no such user, answered in %.1f ms\n", user, answer->msec);
        return EXPLAIN_NOT_FOUND;
    default:
        (void) fprintf(out, "%s: unavailable, told so in %.1f ms\n", user, answer->msec);
        return EXPLAIN_UNAVAILABLE;
    }
}

static void print_path(const struct view *before, const struct view *after, FILE *out)
{
    const struct responder_view *nss = &after->responders[NSS];
    const struct unit *monitor = &after->monitor;
    const char *already = "was there already", *started = "started for this look-up";
    const char *listen = nss->responder->paths[0];

    if (nss->monitors)
        (void) fprintf(out, "socket   %s, the monitor's: %s\n", listen, nss->reason);
    else
        (void) fprintf(out, "socket   %s, systemd's %s, %s: %s\n", listen, nss->responder->sockets[0],
                       view_socket_words[nss->socket], nss->reason);

    if (nss->refuses)
        (void) fprintf(out, "process  the launcher, pid %d, which tells clients \"unavailable\": journalctl -u "
                       "sss-nss.service says why\n", nss->pid);
    else if (nss->pid > 0)
        (void) fprintf(out, "process  sssd_nss, pid %d, %s\n", nss->pid,
                       nss->pid == before->responders[NSS].pid ? already : started);
    else
        (void) fprintf(out, "process  none%s\n", after->held ? ": held by an administrator" : "");
    if (monitor->main_pid > 0)
        (void) fprintf(out, "monitor  pid %d, %s\n", monitor->main_pid,
                       monitor->main_pid == before->monitor.main_pid ? already : started);
    else
        (void) fprintf(out, "monitor  %s\n", monitor->active[0] ? monitor->active : "unknown");
}

/* What most programs see: they ask the memory cache first. */
static void print_again(const char *user, FILE *out)
{
    struct answer answer;

    if (ask(user, true, &answer) == 0 && answer.status == NSS_STATUS_SUCCESS)
        (void) fprintf(out, "again    %.1f ms, by way of the memory cache if that has it\n", answer.msec);
}

int explain_user(const char *user, FILE *out)
{
    CLEANUP(view_done) struct view before = { .held = false };
    CLEANUP(view_done) struct view after = { .held = false };
    struct answer answer = { .status = NSS_STATUS_UNAVAIL };
    int r, result;

    r = view_read(&before);
    if (r < 0) {
        (void) fprintf(stderr, "sss_activation: cannot read the state: %s\n", strerror(-r));
        return EXPLAIN_UNKNOWN;
    }

    r = ask(user, false, &answer);
    if (r == 0 && !answer.has_library) {
        (void) fputs("sss_activation: " NSS_LIBRARY " is not installed: no program asks SSSD for users\n", stderr);
        return EXPLAIN_UNAVAILABLE;
    }
    result = print_answer(user, r, &answer, out);
    if (view_read(&after) == 0)
        print_path(&before, &after, out);
    if (result == EXPLAIN_FOUND)
        print_again(user, out);
    return result;
}
