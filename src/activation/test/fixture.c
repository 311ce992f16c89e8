/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fixture: a folder of its own for each test, and real sockets in it. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "test/fixture.h"
#include "test/pid1.h"

/* No test comes near this, however loaded the machine is. */
#define GUARD_SEC 300
#define NOBODY 65534

static char folder[64];
static volatile sig_atomic_t n_interruptions;

int folder_enter(void **state)
{
    (void) state;
    (void) snprintf(folder, sizeof(folder), "/tmp/sss-test-XXXXXX"); /* fits */
    if (!mkdtemp(folder) || chmod(folder, 0755) < 0 || chdir(folder) < 0)
        return -1;
    /* What we were started with is none of our programs' business. */
    for (int fd = 3; fd < 256; fd++)
        (void) fcntl(fd, F_SETFD, FD_CLOEXEC); /* fails where nothing is open */
    (void) setenv("JOURNAL_STREAM", "0:0", 1); /* as for a service: lines have their level */
    (void) alarm(GUARD_SEC);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void) st;
    (void) type;
    (void) ftw;
    return remove(path);
}

int folder_leave(void **state)
{
    (void) state;
    pid1_stops();
    if (chdir("/") < 0)
        return -1;
    /* The script of a job may outlive the test that began it, and still write here: the guard is for one that does not end. */
    while (nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) < 0)
        if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT)
            return -1;
        else if (access(folder, F_OK) < 0)
            break;
    (void) alarm(0);
    return 0;
}

char *at(const char *name)
{
    static char paths[16][128];
    static size_t next;
    char *path = paths[next++ % N_OF(paths)];

    (void) snprintf(path, sizeof(paths[0]), "%s/%s", folder, name); /* the names of tests are short */
    return path;
}

void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

const char *read_text(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "re");
    size_t n = 0;

    if (file) {
        n = fread(text, 1, sizeof(text) - 1, file);
        (void) fclose(file); /* was only read */
    }
    text[n] = '\0';
    return text;
}

#define TEXT_BYTES_MAX (512 * 1024)

/* As if it were there for long: whoever reads it need not wait. */
static void copy_file(const char *from, const char *to)
{
    static const struct timespec long_ago[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
    CLEANUP(freep) char *text = malloc(TEXT_BYTES_MAX);
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    size_t n;

    assert_non_null(text);
    assert_non_null(in);
    assert_non_null(out);
    n = fread(text, 1, TEXT_BYTES_MAX, in);
    assert_true(n < TEXT_BYTES_MAX);
    assert_int_equal(fwrite(text, 1, n, out), n);
    assert_int_equal(fchmod(fileno(out), 0600), 0);
    (void) fclose(in);
    assert_int_equal(fclose(out), 0);
    assert_return_code(utimensat(AT_FDCWD, to, long_ago, 0), errno);
}

void copy_tree(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    struct dirent *entry;

    assert_non_null(dir);
    assert_true(mkdir(to, 0755) == 0 || errno == EEXIST);
    while ((entry = readdir(dir))) {
        CLEANUP(freep) char *a = NULL;
        CLEANUP(freep) char *b = NULL;
        struct stat st;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        assert_true(asprintf(&a, "%s/%s", from, entry->d_name) > 0);
        assert_true(asprintf(&b, "%s/%s", to, entry->d_name) > 0);
        assert_int_equal(stat(a, &st), 0);
        if (S_ISDIR(st.st_mode))
            copy_tree(a, b);
        else
            copy_file(a, b);
    }
    (void) closedir(dir);
}

bool file_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

void wait_for_file(const char *path)
{
    while (!file_exists(path))
        (void) usleep(1000); /* folder_enter's guard ends this */
}

void wait_for_text(const char *path, const char *text)
{
    while (!strstr(read_text(path), text))
        (void) usleep(1000); /* folder_enter's guard ends this */
}

int start_child(int (*what)(void *userdata), void *userdata)
{
    pid_t pid;

    (void) fflush(NULL); /* or the child would write it again */
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void) alarm(GUARD_SEC); /* timers are not inherited */
        exit(what(userdata));
    }
    return pid;
}

int in_child(int (*what)(void *userdata), void *userdata)
{
    return exit_status_of(start_child(what, userdata));
}

int exit_status_of(int pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

void drop_root(void)
{
    if (geteuid() != 0)
        return;
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
        abort();
}

static void on_interruption(int signal_number)
{
    (void) signal_number;
    n_interruptions++;
}

void interrupt_often(void)
{
    const struct itimerval often = { .it_interval = { .tv_usec = 5000 }, .it_value = { .tv_usec = 5000 } };
    const struct sigaction action = { .sa_handler = on_interruption }; /* and no SA_RESTART */

    if (sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &often, NULL) < 0)
        abort();
}

unsigned interruptions(void)
{
    return (unsigned) n_interruptions;
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    assert_true(strlen(path) < sizeof(address.sun_path));
    (void) strcpy(address.sun_path, path); /* fits, as seen */
    return address;
}

int socket_at(const char *path, int type, bool listening)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    if (listening)
        assert_int_equal(listen(fd, 16), 0);
    return fd;
}

int listener_at(const char *path)
{
    return socket_at(path, SOCK_STREAM, true);
}

int client_of(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    return fd;
}

bool is_served(int client, const char *text)
{
    char heard[64];
    size_t used = 0;
    ssize_t n;

    while (used < sizeof(heard) - 1 && (n = read(client, heard + used, sizeof(heard) - 1 - used)) > 0)
        used += (size_t) n;
    heard[used] = '\0';
    (void) close(client); /* has said what it had to say */
    return strcmp(heard, text) == 0;
}

bool is_refused(int client)
{
    char byte;
    ssize_t n = read(client, &byte, 1);
    bool refused = n == 0 || (n < 0 && errno == ECONNRESET);

    (void) close(client); /* it was the peer's end that counts */
    return refused;
}

int accept_now(int listener)
{
    struct pollfd polled = { .fd = listener, .events = POLLIN };

    return poll(&polled, 1, 0) == 1 ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
}

uint64_t msec_now(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}
