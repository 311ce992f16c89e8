/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drain: lets a responder finish what it has begun before it is stopped.
 *
 * An engine that gets SIGTERM leaves at once. A request that it had read is lost then, and a client between its
 * version handshake and its first request hangs for 300 s. Nobody can tell an engine to stop accepting, but it can't
 * accept without a free descriptor: new clients stay in the queue, where the next instance finds them.
 *
 * While one waits there, the engine tries again and again, and logs it. So it runs only a fraction of the time. In the
 * end it is left halted: systemd sends SIGCONT with its SIGTERM, and the engine then sees the signal before it reads
 * another request from a connection that it has had for long. */

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/unix-sockets.h"
#include "tools/drain.h"

#define RUN_MSEC 2
#define HALT_MSEC 8
#define STILL_LOOKS 15
#define LOOKS_MAX 150
#define STILL_LOOKS_WITHOUT_QUEUE 50
#define LOOKS_MAX_WITHOUT_QUEUE 500

#define STARTED_SEC 60
#define CLIENT_LOOKS 3

/* PAM has two. */
#define HANDED_OVER_MAX 2
#define PATH_BYTES 108 /* as in sockaddr_un */

static int count_descriptors(pid_t pid)
{
    CLEANUP(closedirp) DIR *dir = NULL;
    char path[32];
    int n = 0;

    (void) snprintf(path, sizeof(path), "/proc/%d/fd", (int) pid); /* fits */
    dir = opendir(path);
    if (!dir)
        return -errno;
    while (readdir(dir))
        n++;
    return n;
}

/* Nanoseconds on a processor; 0 where the kernel does not tell. */
static unsigned long long ran_nsec(pid_t pid)
{
    CLEANUP(fclosep) FILE *file = NULL;
    unsigned long long nsec;
    char path[32];

    (void) snprintf(path, sizeof(path), "/proc/%d/schedstat", (int) pid); /* fits */
    file = fopen(path, "re");
    return file && fscanf(file, "%llu", &nsec) == 1 ? nsec : 0;
}

/* What /proc/PID/stat has after the name, from the state on; "" if it can't be read. */
static const char *read_stat(pid_t pid, char *text, size_t bytes)
{
    CLEANUP(fclosep) FILE *file = NULL;
    char path[32], *end;

    (void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid); /* fits */
    file = fopen(path, "re");
    if (!file)
        return "";
    text[fread(text, 1, bytes - 1, file)] = '\0';
    end = strrchr(text, ')'); /* the name before it may have any letters */
    return end && end[1] == ' ' ? end + 2 : "";
}

/* Wants to run and does not get to: on a busy host that is no stillness. */
static bool is_kept_waiting(pid_t pid, unsigned long long ran_before)
{
    char text[512];

    return ran_nsec(pid) == ran_before && read_stat(pid, text, sizeof(text))[0] == 'R';
}

/* Until as many descriptors are open as were a while ago. */
static int wait_until_still(pid_t pid, bool is_gated, int still_looks, int looks_max)
{
    int before = count_descriptors(pid), still = 0;

    for (int looks = 0; before >= 0 && still < still_looks && looks < looks_max; looks++) {
        unsigned long long ran_before = ran_nsec(pid);
        bool kept_waiting;
        int now;

        sleep_msec(RUN_MSEC);
        kept_waiting = is_kept_waiting(pid, ran_before);
        if (is_gated)
            (void) kill(pid, SIGSTOP); /* gone is noticed below */
        sleep_msec(HALT_MSEC);
        if (is_gated)
            (void) kill(pid, SIGCONT);
        now = count_descriptors(pid);
        still = now != before ? 0 : kept_waiting ? still : still + 1;
        before = now;
    }
    return before == -ENOENT || before >= 0 ? 0 : before; /* gone is drained */
}

/* --- Has it taken a client? ------------------------------------------------------------------------------------ */

/* The inode of the socket that this descriptor is, 0 if it is none. */
static unsigned long inode_of(pid_t pid, const char *fd)
{
    char path[64], target[64];
    unsigned long inode;
    ssize_t n;

    (void) snprintf(path, sizeof(path), "/proc/%d/fd/%.10s", (int) pid, fd); /* fits */
    n = readlink(path, target, sizeof(target) - 1);
    if (n < 0)
        return 0;
    target[n] = '\0';
    return sscanf(target, "socket:[%lu]", &inode) == 1 ? inode : 0;
}

static bool has_socket(pid_t pid, unsigned long inode)
{
    CLEANUP(closedirp) DIR *dir = NULL;
    struct dirent *entry;
    char path[32];

    (void) snprintf(path, sizeof(path), "/proc/%d/fd", (int) pid); /* fits */
    dir = opendir(path);
    while (dir && (entry = readdir(dir)))
        if (inode_of(pid, entry->d_name) == inode)
            return true;
    return false;
}

struct looking {
    pid_t pid;
    unsigned long handed_over[HANDED_OVER_MAX];
    char paths[HANDED_OVER_MAX][PATH_BYTES];
};

static int note_path(const struct unix_socket *unix_socket, void *userdata)
{
    struct looking *looking = userdata;

    for (size_t i = 0; i < HANDED_OVER_MAX; i++)
        if (unix_socket->listens && unix_socket->inode == looking->handed_over[i])
            (void) snprintf(looking->paths[i], PATH_BYTES, "%s", unix_socket->path); /* fits */
    return 0;
}

static int is_its_client(const struct unix_socket *unix_socket, void *userdata)
{
    const struct looking *looking = userdata;

    for (size_t i = 0; i < HANDED_OVER_MAX; i++)
        if (!unix_socket->listens && unix_socket->inode != 0 && strcmp(unix_socket->path, looking->paths[i]) == 0)
            return has_socket(looking->pid, unix_socket->inode);
    return 0;
}

static bool sees_client(pid_t pid)
{
    struct looking looking = { .pid = pid };

    for (int i = 0; i < HANDED_OVER_MAX; i++) {
        char fd[8];

        (void) snprintf(fd, sizeof(fd), "%d", SD_LISTEN_FDS_START + i); /* fits */
        looking.handed_over[i] = inode_of(pid, fd);
    }
    if (unix_sockets_each(UNIX_SOCKETS_OF_SYSTEMD, note_path, &looking) < 0 || !looking.paths[0][0])
        return looking.handed_over[0] != 0; /* without one it serves nobody */
    return unix_sockets_each(UNIX_SOCKETS_OF_SYSTEMD, is_its_client, &looking) != 0;
}

/* Has it accepted somebody on one of the sockets that systemd handed over? Yes where that can't be seen. While the list
 * changes it may leave one out: 2 times in 100,000, with sockets that came and went as fast as they could. */
static bool has_client(pid_t pid)
{
    for (int looks = 0; looks < CLIENT_LOOKS; looks++)
        if (sees_client(pid))
            return true;
    return false;
}

/* --- Draining --------------------------------------------------------------------------------------------------- */

/* Since its launcher was started. */
static double age_sec(pid_t pid)
{
    unsigned long long ticks;
    struct timespec now;
    char text[512];

    if (sscanf(read_stat(pid, text, sizeof(text)),
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1)
        return 0;
    (void) clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail with this clock */
    return (double) now.tv_sec - (double) ticks / (double) sysconf(_SC_CLK_TCK);
}

/* One that is starting has nothing to finish, and without descriptors it would hang. One that has taken a client has
 * started, and so has one that is there for long. */
static bool is_starting(pid_t pid)
{
    if (age_sec(pid) >= STARTED_SEC || has_client(pid))
        return false;
    (void) kill(pid, SIGSTOP); /* gone is drained, too */
    sleep_msec(RUN_MSEC);      /* until the kernel has halted it */
    if (!has_client(pid))
        return true;
    (void) kill(pid, SIGCONT); /* one came at this moment */
    return false;
}

int drain(pid_t pid)
{
    struct rlimit limit;
    int r;

    if (is_starting(pid))
        return 0; /* halted; who waits in the queue is the next instance's */

    if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) < 0)
        return -errno;
    limit.rlim_cur = 0; /* what is open stays open */
    if (prlimit(pid, RLIMIT_NOFILE, &limit, NULL) < 0)
        return -errno;

    r = wait_until_still(pid, true, STILL_LOOKS, LOOKS_MAX);
    (void) kill(pid, SIGSTOP);
    return r;
}

int drain_without_queue(pid_t pid)
{
    /* Nobody new comes whose connection would tell that it is alive: a request may wait for the back end alone. */
    return wait_until_still(pid, false, STILL_LOOKS_WITHOUT_QUEUE, LOOKS_MAX_WITHOUT_QUEUE);
}
