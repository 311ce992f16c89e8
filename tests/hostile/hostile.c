/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hostile: users of the machine that try to keep others from being served by a responder, and
 * others that must not notice.
 *
 *     hostile PATH SECONDS NAME
 *
 * Root's. First everybody takes what he can get; then another user and root ask for user NAME for
 * that long, on a kept connection and on a new one each time, while the hostile ones go on. Prints
 * TAP, and what it has seen. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define GET_VERSION 1
#define USER_BY_NAME 0x11
#define USERS_START 0x13
#define USERS_NEXT 0x14

#define FIRST_UID 70000
#define FIRST_SUBORDINATE_UID 100000
#define SUBORDINATE_UIDS 2000
#define HELD_MAX 5000
#define DIALLED_MAX 250 /* in 50 ms: else they take the processor, which everybody can */
#define LATE_USEC 100000
#define HUNG_MSEC 5000
#define MEMORY_KB_MAX 65536

static const char *path, *name;

struct seen {
    unsigned long asked, failed, late, queued;
    uint64_t longest_usec, sum_usec;
};

static struct shared {
    unsigned n_in_place;
    unsigned long n_held[16];
    struct seen other, root;
} * shared;

static void die(const char *what)
{
    (void) fprintf(stderr, "hostile: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- the protocol ---- */

static int dial(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void) strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    if (fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        (void) close(fd); /* leaves errno alone: nothing was written */
    return -1;
}

static size_t make(uint8_t *packet, uint32_t command, const void *body, size_t bytes)
{
    const uint32_t header[4] = { (uint32_t) (sizeof(header) + bytes), command, 0, 0 };

    memcpy(packet, header, sizeof(header));
    memcpy(packet + sizeof(header), body, bytes);
    return header[0];
}

static bool ask(int fd, uint32_t command, const void *body, size_t bytes)
{
    uint8_t packet[256];
    size_t n = make(packet, command, body, bytes);

    return send(fd, packet, n, MSG_NOSIGNAL) == (ssize_t) n;
}

static bool greet(int fd)
{
    const uint32_t version = 1;

    return ask(fd, GET_VERSION, &version, sizeof(version));
}

/* A whole reply with status 0, in time. */
static bool get(int fd)
{
    uint32_t reply[256];
    size_t used = 0;

    while (used < 16 || used < reply[0]) {
        struct pollfd polled = { .fd = fd, .events = POLLIN };
        ssize_t n;

        if (poll(&polled, 1, HUNG_MSEC) <= 0 || used == sizeof(reply))
            return false;
        n = recv(fd, (uint8_t *) reply + used, sizeof(reply) - used, 0);
        if (n <= 0)
            return false;
        used += (size_t) n;
    }
    return reply[2] == 0;
}

/* ---- hostile ones ---- */

static void is_in_place(void)
{
    __atomic_add_fetch(&shared->n_in_place, 1, __ATOMIC_RELAXED);
}

/* Whom a connection belongs to is decided when it is made. */
static int dial_as(uid_t uid)
{
    int fd;

    if (uid == (uid_t) -1)
        return dial();
    if (seteuid(uid) < 0)
        die("seteuid");
    fd = dial();
    if (seteuid(0) < 0)
        die("seteuid");
    return fd;
}

/* As many connections as there may be, the answer to each greeting unread; those that were closed
 * are made anew. All of one user, or each of the next of n_users. */
static void hold_greetings_as(unsigned number, unsigned n_users)
{
    static struct pollfd fds[HELD_MAX];
    unsigned round = 0, n_dialled = 0;

    for (size_t i = 0; i < HELD_MAX; i++)
        fds[i] = (struct pollfd) { .fd = -1 };
    for (;;) {
        unsigned long held = 0, dialled = 0;

        for (size_t i = 0; i < HELD_MAX && dialled < DIALLED_MAX; i++) {
            if (fds[i].fd >= 0)
                continue;
            fds[i].fd = dial_as(n_users ? FIRST_SUBORDINATE_UID + n_dialled++ % n_users
                                        : (uid_t) -1);
            dialled++;
            (void) greet(fds[i].fd); /* who is closed already is seen below */
        }
        sleep_msec(50);
        (void) poll(fds, HELD_MAX, 0);
        for (size_t i = 0; i < HELD_MAX; i++) {
            if (fds[i].fd >= 0 && (fds[i].revents & POLLHUP)) {
                (void) close(fds[i].fd);
                fds[i].fd = -1;
            }
            held += fds[i].fd >= 0;
        }
        shared->n_held[number] = held;
        if (++round == HELD_MAX / DIALLED_MAX)
            is_in_place();
    }
}

static void hold_greetings(unsigned number)
{
    hold_greetings_as(number, 0);
}

/* As a user with subordinate uids can. */
static void hold_greetings_as_many(unsigned number)
{
    hold_greetings_as(number, SUBORDINATE_UIDS);
}

/* Asks on 300 connections for all there are, and for one over and over, and reads nothing of it. */
static void read_nothing(unsigned number)
{
    int fds[300];

    for (size_t i = 0; i < 300; i++)
        fds[i] = -1;
    for (int round = 0;; round++) {
        unsigned long held = 0;

        for (size_t i = 0; i < 300; i++) {
            bool is_open = fds[i] >= 0;

            if (is_open && i % 2)
                is_open = ask(fds[i], USER_BY_NAME, name, strlen(name) + 1) || errno == EAGAIN;
            else if (is_open)
                is_open = ask(fds[i], USERS_NEXT, &(uint32_t) { 100 }, 4) || errno == EAGAIN;
            if (!is_open) {
                if (fds[i] >= 0)
                    (void) close(fds[i]);
                fds[i] = dial();
                (void) greet(fds[i]);
                (void) ask(fds[i], USERS_START, "", 0);
            }
            held += fds[i] >= 0;
        }
        shared->n_held[number] = held;
        if (round == 300)
            is_in_place();
        sleep_msec(1);
    }
}

/* Never has a whole request on any of its connections. */
static void send_bytes_one_by_one(unsigned number)
{
    int fds[50];
    size_t at = 0;
    uint8_t packet[1500] = { 0 };

    (void) make(packet, USER_BY_NAME, "", 0);
    packet[0] = (uint8_t) (sizeof(packet) & 0xff);
    packet[1] = (uint8_t) (sizeof(packet) >> 8);
    for (size_t i = 0; i < 50; i++)
        fds[i] = dial();
    is_in_place();
    for (;; at = (at + 1) % (sizeof(packet) - 1)) {
        for (size_t i = 0; i < 50; i++) {
            if (at > 0 && send(fds[i], packet + at, 1, MSG_NOSIGNAL) == 1)
                continue;
            if (fds[i] >= 0)
                (void) close(fds[i]);
            fds[i] = dial();
            (void) send(fds[i], packet, at + 1,
                        MSG_NOSIGNAL); /* whom it does not reach is dialled again */
        }
        shared->n_held[number] = 50;
        sleep_msec(1);
    }
}

static const struct {
    const char *what;
    void (*be)(unsigned number);
    uid_t uid;
} hostile[] = {
    { "holds greetings", hold_greetings, FIRST_UID },
    { "holds greetings", hold_greetings, FIRST_UID + 1 },
    { "holds greetings", hold_greetings, FIRST_UID + 2 },
    { "holds greetings as many users", hold_greetings_as_many, 0 },
    { "reads nothing", read_nothing, FIRST_UID + 3 },
    { "sends bytes one by one", send_bytes_one_by_one, FIRST_UID + 4 },
};
#define N_HOSTILE (sizeof(hostile) / sizeof(hostile[0]))

/* ---- those that must not notice ---- */

/* With the queue full, the library would try again in a second. */
static int dial_patiently(struct seen *seen)
{
    for (int i = 0; i < HUNG_MSEC; i++) {
        int fd = dial();

        if (fd >= 0 || errno != EAGAIN)
            return fd;
        seen->queued += i == 0;
        sleep_msec(1);
    }
    return -1;
}

/* As the library finds out before each request; it connects anew then, and nobody notices. */
static bool has_ended(int fd)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    return fd >= 0 && poll(&polled, 1, 0) > 0;
}

static void look_up(struct seen *seen, int *kept)
{
    uint64_t begun = now_usec(), took;
    bool is_new = seen->asked % 2, is_good = true;
    int fd = is_new || has_ended(*kept) ? -1 : *kept;

    if (fd < 0 && !is_new && *kept >= 0)
        (void) close(*kept);
    if (fd < 0) {
        fd = dial_patiently(seen);
        is_good = fd >= 0 && greet(fd) && get(fd);
    }
    is_good = is_good && ask(fd, USER_BY_NAME, name, strlen(name) + 1) && get(fd);
    took = now_usec() - begun;

    if (is_new && fd >= 0)
        (void) close(fd);
    if (!is_new)
        *kept = fd;
    if (!is_new && !is_good && fd >= 0) {
        (void) close(fd);
        *kept = -1;
    }
    seen->asked++;
    seen->failed += !is_good;
    seen->late += took > LATE_USEC;
    seen->sum_usec += took;
    if (took > seen->longest_usec)
        seen->longest_usec = took;
}

static void ask_for(uint64_t usec, struct seen *seen)
{
    uint64_t end = now_usec() + usec;
    int kept = -1;

    while (now_usec() < end) {
        look_up(seen, &kept);
        sleep_msec(5);
    }
}

static pid_t start_as(uid_t uid, void (*be)(unsigned number), unsigned number)
{
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid > 0)
        return pid;
    if (setgid(uid) < 0 || setuid(uid) < 0)
        die("setuid");
    be(number);
    _exit(0);
}

static uint64_t seconds;

static void be_another(unsigned number)
{
    (void) number;
    ask_for(seconds * 1000000, &shared->other);
}

static void be_root(unsigned number)
{
    (void) number;
    ask_for(seconds * 1000000, &shared->root);
}

/* ---- the responder ---- */

static pid_t responder(void)
{
    struct ucred peer;
    socklen_t bytes = sizeof(peer);
    int fd = dial();

    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
        die(path);
    (void) close(fd);
    return peer.pid;
}

/* What is its own, at most until now; 0: it has ended. */
static unsigned long memory_kb(pid_t pid, const char *key)
{
    char file[64], line[256];
    unsigned long kb = 0;
    FILE *status;

    (void) snprintf(file, sizeof(file), "/proc/%d/status", (int) pid);
    status = fopen(file, "re");
    while (status && fgets(line, sizeof(line), status)) {
        if (strncmp(line, key, strlen(key)) == 0)
            kb = strtoul(line + strlen(key), NULL, 10);
    }
    if (status)
        (void) fclose(status);
    return kb;
}

static unsigned n_checks, n_failed;

static void check(bool is_good, const char *what)
{
    (void) printf("%sok %u - %s\n", is_good ? "" : "not ", ++n_checks, what);
    n_failed += !is_good;
}

static void tell(const char *who, const struct seen *seen)
{
    (void) printf("# %s: %lu look-ups, %lu failed, %lu met a full queue, %lu took over %d ms; on "
                  "average %.2f ms, the longest %.1f ms\n",
                  who, seen->asked, seen->failed, seen->queued, seen->late, LATE_USEC / 1000,
                  (double) seen->sum_usec / 1e3 / (double) (seen->asked ? seen->asked : 1),
                  (double) seen->longest_usec / 1e3);
}

static unsigned long rss_max;

static void watch(pid_t pid)
{
    unsigned long kb = memory_kb(pid, "VmRSS:");

    rss_max = kb > rss_max ? kb : rss_max;
}

/* One in twenty may be late, for want of a processor: the machine may do other things, and the hostile
 * ones keep two busy. Who is shut out is late each time. */
static bool is_in_time(const struct seen *seen)
{
    return seen->asked > 0 && seen->late * 20 <= seen->asked;
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    pid_t pids[N_HOSTILE], asking[2], pid;
    unsigned long before;

    if (argc != 4) {
        (void) fputs("usage: hostile PATH SECONDS NAME\n", stderr);
        return 2;
    }
    path = argv[1];
    seconds = strtoull(argv[2], NULL, 10);
    name = argv[3];
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("RLIMIT_NOFILE");
    limit.rlim_cur = limit.rlim_max;
    (void) setrlimit(RLIMIT_NOFILE, &limit); /* cannot fail: no more than it may */
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        die("mmap");

    pid = responder();
    before = memory_kb(pid, "VmRSS:");
    for (unsigned i = 0; i < N_HOSTILE; i++)
        pids[i] = start_as(hostile[i].uid, hostile[i].be, i);
    for (int i = 0; i < 300 && __atomic_load_n(&shared->n_in_place, __ATOMIC_RELAXED) < N_HOSTILE;
         i++) {
        watch(pid);
        sleep_msec(100);
    }
    check(shared->n_in_place == N_HOSTILE, "the hostile ones have what they can get");

    asking[0] = start_as(FIRST_UID + 100, be_another, 0);
    asking[1] = start_as(0, be_root, 0);
    for (uint64_t i = 0; i < seconds * 10; i++) {
        watch(pid);
        sleep_msec(100);
    }
    for (int i = 0; i < 2; i++)
        (void) waitpid(asking[i], NULL, 0);

    for (unsigned i = 0; i < N_HOSTILE; i++)
        (void) printf("# one that %s: %lu connections\n", hostile[i].what, shared->n_held[i]);
    tell("another user", &shared->other);
    tell("root", &shared->root);
    (void) printf("# memory: %lu kB before, %lu kB at most\n", before, rss_max);
    check(shared->other.failed == 0, "every look-up of another user is answered");
    check(is_in_time(&shared->other), "in less than 100 ms");
    check(shared->root.failed == 0, "every look-up of root is answered");
    check(is_in_time(&shared->root), "in less than 100 ms");
    check(memory_kb(pid, "VmRSS:") > 0, "the responder lives");
    check(rss_max <= MEMORY_KB_MAX, "and has never had more than 64 MB");

    for (unsigned i = 0; i < N_HOSTILE; i++) {
        (void) kill(pids[i], SIGKILL);
        (void) waitpid(pids[i], NULL, 0);
    }
    (void) printf("1..%u\n", n_checks);
    return n_failed > 0;
}
