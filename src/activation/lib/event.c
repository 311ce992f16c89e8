/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Event: the turns in a responder's or the monitor's life that administrators look for in the journal. */

#define SD_JOURNAL_SUPPRESS_LOCATION

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "common/cleanup.h"
#include "common/responders.h"
#include "lib/event.h"
#include "lib/log.h"

#ifndef EVENTS_TO_JOURNAL /* the tests' stay out of the host's */
#define EVENTS_TO_JOURNAL true
#endif

/* Never change one: people filter by them. */
static const struct {
    const char *id;
    int priority;
} events[EVENTS] = {
    [EVENT_ACTIVATED] = { "730a629d9e4b41debf758118cf30b109", LOG_INFO },
    [EVENT_LEFT] = { "03414b8766d14952b391b09e8e0bf2a3", LOG_INFO },
    [EVENT_REFUSING] = { "7064ad6de50c4247b1b5bef995daf3a1", LOG_WARNING },
    [EVENT_HANDED_OVER] = { "554e10e9d83747ffba35090aaa18182c", LOG_INFO },
    [EVENT_HOLD] = { "61d306d7a41240709611a9c9faa779e6", LOG_INFO },
};

/* PID 1 tells a service which stream its journal is. */
static bool journal_is_stderr(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

/* Whether the reader has a right to see the program is the kernel's to say; the command line is everybody's. */
static void read_program(pid_t pid, char *ret, size_t bytes)
{
    CLEANUP(closep) int fd = -1;
    char path[64];
    ssize_t n;

    (void) snprintf(path, sizeof(path), "/proc/%ld/exe", (long) pid); /* fits */
    n = readlink(path, ret, bytes - 1);
    if (n < 0) {
        (void) snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long) pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, ret, bytes - 1);
    }
    ret[n < 0 ? 0 : n] = '\0'; /* of a command line the first word */
}

void event_log_activated(const char *responder, int fd)
{
    static bool is_told;
    struct ucred client = { .uid = (uid_t) -1 };
    socklen_t bytes = sizeof(client);
    char program[PATH_MAX] = "";

    if (is_told)
        return;
    is_told = true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client, &bytes) == 0)
        read_program(client.pid, program, sizeof(program));
    if (EVENTS_TO_JOURNAL)
        (void) sd_journal_send("MESSAGE=%s starts: a client came", responder, "MESSAGE_ID=%s", events[EVENT_ACTIVATED].id,
                               "PRIORITY=%d", LOG_INFO, "SSS_RESPONDER=%s", responder, "SSS_REASON=client",
                               "SSS_CLIENT_UID=%u", client.uid, "SSS_CLIENT_EXE=%s", program, NULL);
    else
        log_line(SD_INFO, "%s starts: a client came: uid %u, %s", responder, client.uid, program);
}

void event_log(enum event event, const char *responder, const char *reason, const char *format, ...)
{
    const struct responder *row = strcmp(responder, kcm.name) == 0 ? &kcm : responder_by_name(responder);
    CLEANUP(freep) char *message = NULL;
    const char *text = reason; /* without memory: the ID says the most */
    bool sent = false;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&message, format, arguments) < 0)
        message = NULL;
    else
        text = message;
    va_end(arguments);

    /* The unit is named since journald may look for a hook's when that has ended already. */
    if (EVENTS_TO_JOURNAL)
        sent = sd_journal_send("MESSAGE=%s", text, "MESSAGE_ID=%s", events[event].id,
                               "PRIORITY=%d", events[event].priority, "SSS_RESPONDER=%s", responder, "SSS_REASON=%s",
                               reason, "OBJECT_SYSTEMD_UNIT=%s", row ? row->service : MONITOR, NULL) >= 0;
    if (!sent || !journal_is_stderr())
        log_line(events[event].priority == LOG_WARNING ? SD_WARNING : SD_INFO, "%s", text);
}
