/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State: what the launcher, the tool and the units tell each other through files below one folder. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/responders.h"
#include "lib/state.h"

#define NAME_BYTES 64
#define ROW_USEC UINT64_C(60000000)
#define PARDONED (UINT_MAX - 1) /* in the place of a number of bad ends: the next one is not counted */
#define FAILED "failed"
#define RESTARTING "restarting"
#define NARROWED "narrowed"

/* --- Files ----------------------------------------------------------------------------------------------------- */

static bool exists(const struct state *state, const char *name)
{
    return faccessat(state->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int remove_file(const struct state *state, const char *name)
{
    return unlinkat(state->dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int write_file(const struct state *state, const char *name, const char *text)
{
    CLEANUP(closep) int fd = -1;

    fd = openat(state->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    if (fchmod(fd, 0644) < 0) /* launchers read it, whatever our umask */
        return -errno;
    return io_write(fd, text, strlen(text));
}

static bool read_file(const struct state *state, const char *name, char *text, size_t bytes)
{
    CLEANUP(closep) int fd = openat(state->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : read(fd, text, bytes - 1);

    text[n < 0 ? 0 : n] = '\0';
    return n >= 0;
}

/* Joins folder and responder; a name that does not fit is no responder of ours. */
static int join(char *ret, const char *folder, const char *responder)
{
    int n = snprintf(ret, NAME_BYTES, "%s/%s", folder, responder);

    if (n < 0 || n >= NAME_BYTES || strchr(responder, '/') || responder[0] == '.' || !responder[0])
        return -EINVAL;
    return 0;
}

int state_open(const char *dir, struct state *ret)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return -errno;
    ret->dir_fd = fd;
    return 0;
}

static int make_folder(int at, const char *name)
{
    /* The folder must be world-readable whatever our umask: launchers run as the service's user. */
    if (mkdirat(at, name, 0755) < 0)
        return errno == EEXIST ? 0 : -errno;
    return fchmodat(at, name, 0755, 0) < 0 ? -errno : 0;
}

int state_create(const char *dir, struct state *ret)
{
    CLEANUP(closep) int lock = -1;
    struct state state = { .dir_fd = -1 };
    int r;

    r = make_folder(AT_FDCWD, dir);
    if (r < 0)
        return r;
    r = state_open(dir, &state);
    if (r < 0)
        return r;

    r = make_folder(state.dir_fd, "ends");
    if (r >= 0)
        r = make_folder(state.dir_fd, "refused");
    if (r >= 0) {
        lock = openat(state.dir_fd, "lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        r = lock < 0 || fchmod(lock, 0600) < 0 ? -errno : 0;
    }
    if (r < 0) {
        state_done(&state);
        return r;
    }

    *ret = state;
    return 0;
}

void state_done(struct state *state)
{
    closep(&state->dir_fd);
    state->dir_fd = -1;
}

/* --- Owners ---------------------------------------------------------------------------------------------------- */

bool state_monitor_owns(const struct state *state, const char *responder)
{
    char name[NAME_BYTES];

    return join(name, "monitor", responder) == 0 && exists(state, name);
}

int state_set_monitor_owns(const struct state *state, const char *responder, bool on)
{
    char name[NAME_BYTES];
    int r;

    r = join(name, "monitor", responder);
    if (r >= 0)
        r = make_folder(state->dir_fd, "monitor");
    if (r < 0)
        return r;
    return on ? write_file(state, name, "") : remove_file(state, name);
}

bool state_has_owners(const struct state *state)
{
    return exists(state, "monitor");
}

/* --- Times ----------------------------------------------------------------------------------------------------- */

/* Goes on while the machine sleeps, whatever the clock on the wall does. */
static uint64_t boot_usec(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail with this clock */
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* "USEC NUMBER". Returns the number, or 0 for none, which one of another kernel's time is, too. */
static unsigned read_note(const struct state *state, const char *name, uint64_t *ret_age_usec)
{
    uint64_t now = boot_usec(), at;
    unsigned number;
    char text[64];

    if (!read_file(state, name, text, sizeof(text)) || sscanf(text, "%" SCNu64 " %u", &at, &number) != 2 || at > now)
        return 0;
    *ret_age_usec = now - at;
    return number;
}

static int write_note(const struct state *state, const char *name, unsigned number)
{
    char text[64];

    (void) snprintf(text, sizeof(text), "%" PRIu64 " %u\n", boot_usec(), number); /* fits */
    return write_file(state, name, text);
}

static int write_bad_ends(const struct state *state, const char *responder, unsigned ends)
{
    char name[NAME_BYTES];
    int r = join(name, "ends", responder);

    return r < 0 ? r : write_note(state, name, ends);
}

static unsigned read_bad_ends(const struct state *state, const char *responder)
{
    char name[NAME_BYTES];
    unsigned ends;
    uint64_t age;

    if (join(name, "ends", responder) < 0)
        return 0;
    ends = read_note(state, name, &age);
    return ends > 0 && age < ROW_USEC ? ends : 0;
}

unsigned state_bad_ends(const struct state *state, const char *responder)
{
    unsigned ends = read_bad_ends(state, responder);

    return ends == PARDONED ? 0 : ends;
}

int state_count_bad_end(const struct state *state, const char *responder)
{
    unsigned ends = read_bad_ends(state, responder);
    int r;

    if (ends == PARDONED)
        return state_forget_bad_ends(state, responder);
    ends = ends < BAD_ENDS_MAX ? ends + 1 : BAD_ENDS_MAX;
    r = write_bad_ends(state, responder, ends);
    return r < 0 ? r : (int) ends;
}

int state_pardon_bad_end(const struct state *state, const char *responder)
{
    return write_bad_ends(state, responder, PARDONED);
}

int state_forget_bad_ends(const struct state *state, const char *responder)
{
    char name[NAME_BYTES];
    int r = join(name, "ends", responder);

    return r < 0 ? r : remove_file(state, name);
}

int state_begin_failures(const struct state *state)
{
    int r;

    if (exists(state, FAILED))
        return 0;
    r = write_note(state, FAILED, 0);
    return r < 0 ? r : 1;
}

int state_count_failure(const struct state *state)
{
    uint64_t age;
    unsigned failures = read_note(state, FAILED, &age);
    int r;

    failures = failures < INT_MAX ? failures + 1 : INT_MAX;
    r = write_note(state, FAILED, failures);
    return r < 0 ? r : (int) failures;
}

int state_forget_failures(const struct state *state)
{
    return remove_file(state, FAILED);
}

unsigned state_failures(const struct state *state, uint64_t *ret_usec)
{
    *ret_usec = 0;
    return read_note(state, FAILED, ret_usec);
}

bool state_is_restarting(const struct state *state)
{
    return exists(state, RESTARTING);
}

int state_set_restarting(const struct state *state, bool on)
{
    return on ? write_file(state, RESTARTING, "") : remove_file(state, RESTARTING);
}

bool state_has_narrowed(const struct state *state)
{
    return exists(state, NARROWED);
}

int state_set_narrowed(const struct state *state, bool on)
{
    return on ? write_file(state, NARROWED, "") : remove_file(state, NARROWED);
}

/* --- Refusals -------------------------------------------------------------------------------------------------- */

int state_set_refusal(const struct state *state, const char *responder, const char *why)
{
    char name[NAME_BYTES];
    int r = join(name, "refused", responder);

    if (r < 0)
        return r;
    return why ? write_file(state, name, why) : remove_file(state, name);
}

bool state_refusal(const struct state *state, const char *responder, char *ret, size_t bytes)
{
    char name[NAME_BYTES];

    return join(name, "refused", responder) == 0 && read_file(state, name, ret, bytes);
}

int state_forget_refusals(const struct state *state)
{
    int r, first = 0;

    for (size_t i = 0; i < RESPONDERS; i++) {
        r = state_set_refusal(state, responders[i].name, NULL);
        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}

/* --- The lock -------------------------------------------------------------------------------------------------- */

static void on_alarm(int signal_number)
{
    (void) signal_number; /* it is the interruption that counts */
}

/* Signals from a timer end the waiting; the second and later ones are for an interruption that came before flock(). */
static int lock_within(const struct state *state, int operation, int msec)
{
    const struct itimerval timer = { .it_value = { .tv_sec = msec / 1000, .tv_usec = msec % 1000 * 1000 + 1 },
                                     .it_interval = { .tv_usec = 10000 } };
    const struct itimerval off = { .it_value = { .tv_sec = 0 } };
    const struct sigaction action = { .sa_handler = on_alarm }; /* and no SA_RESTART */
    struct sigaction before;
    int fd, r = 0;

    fd = openat(state->dir_fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    if (flock(fd, operation | LOCK_NB) == 0)
        return fd;
    if (errno != EWOULDBLOCK || msec == 0) {
        r = errno == EWOULDBLOCK ? -ETIMEDOUT : -errno;
        (void) close(fd); /* was never locked */
        return r;
    }

    if (sigaction(SIGALRM, &action, &before) < 0 || setitimer(ITIMER_REAL, &timer, NULL) < 0)
        r = -errno;
    if (r == 0 && flock(fd, operation) < 0)
        r = errno == EINTR ? -ETIMEDOUT : -errno;
    (void) setitimer(ITIMER_REAL, &off, NULL);     /* these were set before */
    (void) sigaction(SIGALRM, &before, NULL);
    if (r < 0)
        (void) close(fd); /* was never locked */
    return r < 0 ? r : fd;
}

int state_lock_shared(const struct state *state, int msec)
{
    return lock_within(state, LOCK_SH, msec);
}

int state_lock_exclusive(const struct state *state, int msec)
{
    return lock_within(state, LOCK_EX, msec);
}
