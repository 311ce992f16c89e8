/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Client: measures look-ups of users through the stock libnss_sss, which it loads before any clock runs.
 *
 *     client once NAME                     microseconds that one look-up took, and when it began (CLOCK_MONOTONIC)
 *     client rate CLIENTS SECONDS NAME ... look-ups a second of that many processes together, each with its connection
 *
 * With SSS_NSS_USE_MEMCACHE=NO they go through the socket. A wrong answer ends it with exit code 1. */

#include <dlfcn.h>
#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NSS_LIBRARY "libnss_sss.so.2"
#define CLIENTS_MAX 64
#define BETWEEN_CLOCKS 64

typedef enum nss_status getpwnam_fn(const char *, struct passwd *, char *, size_t, int *);

static getpwnam_fn *look_up;

static uint64_t now_usec(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static void ask(const char *name)
{
    char buffer[4096];
    struct passwd user;
    int error = 0;
    enum nss_status status = look_up(name, &user, buffer, sizeof(buffer), &error);

    if (status == NSS_STATUS_SUCCESS && user.pw_uid != 0)
        return;
    (void) fprintf(stderr, "client: no answer about %s: status %d, %s\n", name, (int) status, strerror(error));
    _exit(1);
}

static int once(const char *name)
{
    uint64_t before = now_usec();

    ask(name);
    (void) printf("%llu %llu\n", (unsigned long long) (now_usec() - before), (unsigned long long) before);
    return 0;
}

/* Counts its look-ups from start to end; all clients have the same two moments. */
static uint64_t count(uint64_t start, uint64_t end, char **names, int n_names)
{
    uint64_t n = 0;

    ask(names[0]); /* its connection, before the clock runs */
    while (now_usec() < start)
        (void) usleep(1000);
    do {
        for (int i = 0; i < BETWEEN_CLOCKS; i++)
            ask(names[(n + (uint64_t) i) % (uint64_t) n_names]);
        n += BETWEEN_CLOCKS;
    } while (now_usec() < end);
    return n;
}

static int rate(int clients, double seconds, char **names, int n_names)
{
    uint64_t *counts = mmap(NULL, CLIENTS_MAX * sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t start = now_usec() + 100000, end = start + (uint64_t) (seconds * 1e6), sum = 0;
    int status, failed = 0;

    if (counts == MAP_FAILED || clients < 1 || clients > CLIENTS_MAX)
        return 2;
    for (int i = 0; i < clients; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            counts[i] = count(start, end, names, n_names);
            _exit(0);
        }
        failed |= pid < 0;
    }
    while (wait(&status) > 0)
        failed |= status != 0;
    for (int i = 0; i < clients; i++)
        sum += counts[i];
    (void) printf("%.0f\n", (double) sum / seconds);
    return failed;
}

int main(int argc, char **argv)
{
    void *library = dlopen(NSS_LIBRARY, RTLD_NOW);

    look_up = library ? (getpwnam_fn *) dlsym(library, "_nss_sss_getpwnam_r") : NULL;
    if (!look_up) {
        (void) fprintf(stderr, "client: cannot use " NSS_LIBRARY ": %s\n", dlerror());
        return 1;
    }
    if (argc == 3 && strcmp(argv[1], "once") == 0)
        return once(argv[2]);
    if (argc >= 5 && strcmp(argv[1], "rate") == 0)
        return rate(atoi(argv[2]), atof(argv[3]), argv + 4, argc - 4);
    (void) fputs("usage: client once NAME | client rate CLIENTS SECONDS NAME ...\n", stderr);
    return 2;
}
