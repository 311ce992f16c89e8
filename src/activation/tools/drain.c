/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drain: lets a responder finish what it has begun before it is stopped.
 *
 * An engine that gets SIGTERM leaves at once. A request that it had read is lost then, and a client between its
 * version handshake and its first request hangs for 300 s. Nobody can tell an engine to stop accepting, but it can't
 * accept without a free descriptor: new clients stay in the queue, where the next instance finds them. So its limit becomes
 * the first number that is free or a client's: who leaves makes room for nobody. (A limit of 0 would make poll() fail in its
 * libraries.)
 *
 * Those who keep their connection and ask again and again would still lose what is under way in the end. So once nobody
 * else is served, the engine is made to find the end of each connection behind the requests that it has: it answers those
 * and closes it. What a client sends from then on fails before it is sent, upon which the stock clients connect anew, and
 * wait in the queue.
 *
 * While one waits there, the engine tries again and again, and logs it. So it runs only a fraction of the time. In the
 * end it is left halted: systemd sends SIGCONT with its SIGTERM, and the engine then sees the signal before it reads
 * another request from a connection that it has had for long. */

#include <dirent.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "lib/unix-sockets.h"
#include "tools/drain.h"

#define RUN_MSEC 2
#define HALT_MSEC 8
#define STILL_LOOKS 15
#define LOOKS_MAX 150
#define STILL_LOOKS_WITHOUT_QUEUE 50
#define LOOKS_MAX_WITHOUT_QUEUE 500

#define END_LOOKS_MAX 50

#define STARTED_SEC 60
#define CLIENT_LOOKS 3
#define START_LOOKS_MAX 25
#define HALTED_MSEC_MAX 1000

/* PAM has two. */
#define HANDED_OVER_MAX 2

/* The process is held from the first look: a number may be another's by the second. */
struct process {
    pid_t pid;
    int pidfd;
};

static int tell(const struct process *process, int signal_number)
{
    return pidfd_send_signal(process->pidfd, signal_number, NULL, 0) < 0 ? -errno : 0;
}

static bool is_alive(const struct process *process)
{
    return tell(process, 0) == 0;
}

/* --- Its descriptors ------------------------------------------------------------------------------------------- */

/* The connections that came by the sockets which systemd handed over, and those sockets' paths. */
struct clients {
    char paths[HANDED_OVER_MAX][UNIX_PATH_BYTES];
    unsigned long handed_over[HANDED_OVER_MAX], *inodes;
    size_t n;
};

static void clients_done(struct clients *clients)
{
    free(clients->inodes);
}

/* The inode of the socket that this descriptor is, 0 if it is none. Of what else it may be no server is asked. */
static unsigned long inode_of(pid_t pid, unsigned fd)
{
    char path[64];
    struct statx stx;

    (void) snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int) pid, fd); /* fits */
    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &stx) < 0 || !S_ISSOCK(stx.stx_mode))
        return 0;
    return stx.stx_ino;
}

static int note_path(const struct unix_socket *unix_socket, void *userdata)
{
    struct clients *clients = userdata;

    for (size_t i = 0; i < HANDED_OVER_MAX; i++)
        if (unix_socket->listens && unix_socket->inode == clients->handed_over[i])
            (void) snprintf(clients->paths[i], UNIX_PATH_BYTES, "%s", unix_socket->path); /* fits */
    return 0;
}

static int note_client(const struct unix_socket *unix_socket, void *userdata)
{
    struct clients *clients = userdata;
    unsigned long *inodes;

    for (size_t i = 0; i < HANDED_OVER_MAX; i++) {
        if (unix_socket->listens || unix_socket->inode == 0 || strcmp(unix_socket->path, clients->paths[i]) != 0)
            continue;
        inodes = reallocarray(clients->inodes, clients->n + 1, sizeof(*inodes));
        if (!inodes)
            return -ENOMEM;
        clients->inodes = inodes;
        inodes[clients->n++] = unix_socket->inode;
        return 0;
    }
    return 0;
}

/* Returns 1, 0 where the process has no such socket or its path can't be seen, or a negative errno. */
static int clients_read(pid_t pid, struct clients *ret)
{
    int r;

    for (unsigned i = 0; i < HANDED_OVER_MAX; i++)
        ret->handed_over[i] = inode_of(pid, SD_LISTEN_FDS_START + i);
    r = unix_sockets_each(UNIX_SOCKETS_OF_SYSTEMD, note_path, ret);
    if (r < 0 || !ret->paths[0][0])
        return r < 0 ? r : 0;
    r = unix_sockets_each(UNIX_SOCKETS_OF_SYSTEMD, note_client, ret);
    return r < 0 ? r : 1;
}

static bool clients_have(const struct clients *clients, unsigned long inode)
{
    for (size_t i = 0; inode != 0 && i < clients->n; i++)
        if (clients->inodes[i] == inode)
            return true;
    return false;
}

struct descriptors {
    int n;
    unsigned lowest_free, lowest_client;
};

static int read_descriptors(pid_t pid, const struct clients *clients, struct descriptors *ret)
{
    CLEANUP(closedirp) DIR *dir = NULL;
    struct dirent *entry;
    char path[32];

    (void) snprintf(path, sizeof(path), "/proc/%d/fd", (int) pid); /* fits */
    dir = opendir(path);
    if (!dir)
        return -errno;
    *ret = (struct descriptors) { .lowest_client = UINT_MAX };
    while ((entry = readdir(dir))) {
        unsigned fd = (unsigned) strtoul(entry->d_name, NULL, 10);

        if (!isdigit((unsigned char) entry->d_name[0]))
            continue;
        ret->n++;
        if (fd == ret->lowest_free) /* the kernel tells them in this order */
            ret->lowest_free++;
        if (fd < ret->lowest_client && clients_have(clients, inode_of(pid, fd)))
            ret->lowest_client = fd;
    }
    return 0;
}

/* --- Its gate -------------------------------------------------------------------------------------------------- */

/* Returns how many descriptors are open, or a negative errno. With a gate these stay open, and no more can be. */
static int count_descriptors(const struct process *process, bool is_gated)
{
    CLEANUP(clients_done) struct clients clients = { .n = 0 };
    struct descriptors descriptors;
    struct rlimit limit;
    rlim_t wanted;
    int r;

    if (is_gated)
        (void) clients_read(process->pid, &clients); /* unseen they hold numbers all the same */
    r = read_descriptors(process->pid, &clients, &descriptors);
    if (r < 0 || !is_gated)
        return r < 0 ? r : descriptors.n;
    wanted = descriptors.lowest_client < descriptors.lowest_free ? descriptors.lowest_client : descriptors.lowest_free;
    if (!is_alive(process)) /* else it is not its number */
        return -ESRCH;
    if (prlimit(process->pid, RLIMIT_NOFILE, NULL, &limit) < 0)
        return -errno;
    if (limit.rlim_cur > wanted) { /* it only goes down: a client that has left is no longer seen */
        limit.rlim_cur = wanted;
        if (prlimit(process->pid, RLIMIT_NOFILE, &limit, NULL) < 0)
            return -errno;
    }
    return is_alive(process) ? descriptors.n : -ESRCH;
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

/* Until as many descriptors are open as were a while ago. Behind a gate new clients stay out. */
static int wait_until_still(const struct process *process, bool is_gated, int still_looks, int looks_max)
{
    int before = count_descriptors(process, is_gated);

    for (int looks = 0, still = 0; before >= 0 && still < still_looks && looks < looks_max; looks++) {
        unsigned long long ran_before = ran_nsec(process->pid);
        bool kept_waiting;
        int now;

        sleep_msec(RUN_MSEC);
        kept_waiting = is_kept_waiting(process->pid, ran_before);
        if (is_gated)
            (void) tell(process, SIGSTOP); /* gone is noticed below */
        sleep_msec(HALT_MSEC);
        now = count_descriptors(process, is_gated);
        if (is_gated)
            (void) tell(process, SIGCONT);
        still = now != before ? 0 : kept_waiting ? still : still + 1;
        before = now;
    }
    return before == -ENOENT || before == -ESRCH || before >= 0 ? 0 : before; /* gone is drained */
}

/* --- Draining --------------------------------------------------------------------------------------------------- */

static bool sees_client(pid_t pid)
{
    CLEANUP(clients_done) struct clients clients = { .n = 0 };
    struct descriptors descriptors;
    int r;

    r = clients_read(pid, &clients);
    if (r <= 0)
        return clients.handed_over[0] != 0; /* without one it serves nobody */
    return read_descriptors(pid, &clients, &descriptors) == 0 && descriptors.lowest_client < UINT_MAX;
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

/* On a busy host a signal takes a while to arrive. */
static void wait_for_halt(const struct process *process)
{
    for (int waited = 0; waited < HALTED_MSEC_MAX; waited += RUN_MSEC) {
        char text[512], state = read_stat(process->pid, text, sizeof(text))[0];

        if (state != 'R' && state != 'S' && state != 'D')
            return;
        sleep_msec(RUN_MSEC);
    }
}

/* Does anybody wait to be accepted? No where copies are forbidden. */
static bool has_queue(const struct process *process)
{
    bool waits = false;

    for (int i = 0; i < HANDED_OVER_MAX; i++) {
        CLEANUP(closep) int fd = pidfd_getfd(process->pidfd, SD_LISTEN_FDS_START + i, 0);
        struct pollfd polled = { .fd = fd, .events = POLLIN };
        struct bound_socket bound;

        waits = waits || (unix_socket_at(fd, &bound) && bound.listens && poll(&polled, 1, 0) > 0);
    }
    return waits;
}

/* One that is starting has nothing to finish, and without descriptors it would hang. One that has taken a client has
 * started, and so has one that is there for long. */
static bool is_starting(const struct process *process)
{
    if (age_sec(process->pid) >= STARTED_SEC || has_client(process->pid))
        return false;
    for (int looks = 0;; looks++) {
        (void) tell(process, SIGSTOP); /* gone is drained, too */
        wait_for_halt(process);        /* it may be about to take somebody */
        if (has_client(process->pid))
            break;
        /* Halted after it has seen that one waits it would take him in the end, and leave. */
        if (!has_queue(process) || looks == START_LOOKS_MAX)
            return true;
        (void) tell(process, SIGCONT);
        sleep_msec(RUN_MSEC);
    }
    (void) tell(process, SIGCONT); /* one came at this moment */
    return false;
}

/* --- Connections that are kept ---------------------------------------------------------------------------------- */

static bool has_unread(int fd)
{
    int bytes = 0;

    return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

struct ending {
    struct bound_socket listeners[HANDED_OVER_MAX];
    int n;
};

static int end_reading_of(int fd, const struct bound_socket *bound, void *userdata)
{
    struct ending *ending = userdata;

    for (int i = 0; !bound->listens && i < HANDED_OVER_MAX; i++) {
        if (!ending->listeners[i].listens || strcmp(bound->path, ending->listeners[i].path) != 0)
            continue;
        ending->n++;
        if (!has_unread(fd))
            (void) shutdown(fd, SHUT_RD); /* once is enough */
        break;
    }
    return 0;
}

/* Lets nobody send anything more to the process, which is halted. Who has sent a request that it has not read has his turn
 * later: newer engines (libtevent of Debian 13) read it when they find both, but never send the answer. Returns how many
 * connections there are; none where copies are forbidden: then the last requests are lost. */
static int end_reading(const struct process *process)
{
    struct ending ending = { .n = 0 };

    for (int i = 0; i < HANDED_OVER_MAX; i++) {
        CLEANUP(closep) int fd = pidfd_getfd(process->pidfd, SD_LISTEN_FDS_START + i, 0);

        (void) unix_socket_at(fd, &ending.listeners[i]); /* else it does not listen */
    }
    (void) unix_sockets_of_process(process->pid, process->pidfd, end_reading_of, &ending); /* gone has no connections */
    return ending.n;
}

static void end_connections(const struct process *process)
{
    for (int looks = 0; looks < END_LOOKS_MAX; looks++) {
        (void) tell(process, SIGSTOP); /* gone has no connections */
        sleep_msec(HALT_MSEC);         /* who is about to ask again has asked by then */
        if (end_reading(process) == 0)
            break;
        (void) tell(process, SIGCONT);
        sleep_msec(RUN_MSEC);
    }
}

int drain(pid_t pid)
{
    CLEANUP(closep) int pidfd = pidfd_open(pid, 0);
    const struct process process = { pid, pidfd };
    int r;

    if (pidfd < 0)
        return errno == ESRCH ? 0 : -errno;
    if (is_starting(&process))
        return 0; /* halted; who waits in the queue is the next instance's */

    r = wait_until_still(&process, true, STILL_LOOKS, LOOKS_MAX);
    if (r == 0)
        end_connections(&process);
    (void) tell(&process, SIGSTOP);
    return r;
}

int drain_without_queue(pid_t pid)
{
    const struct process process = { pid, -1 };

    /* Nobody new comes whose connection would tell that it is alive: a request may wait for the back end alone. */
    return wait_until_still(&process, false, STILL_LOOKS_WITHOUT_QUEUE, LOOKS_MAX_WITHOUT_QUEUE);
}
