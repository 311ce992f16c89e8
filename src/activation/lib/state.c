/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State: what the launcher, the tool and the units tell each other through files below one folder. */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/responders.h"
#include "lib/state.h"

#define NAME_BYTES 64
#define LOCK_EVERY_MSEC 10
#define LOCK_TRIES 100
#define CRASH_ROW_SEC 60

static const char *const flag_names[] = {
    [FLAG_HELD] = "held",
    [FLAG_RUNNING] = "running",
    [FLAG_LEAVING] = "leaving",
};

static bool exists(const struct state *state, const char *name)
{
    return faccessat(state->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int set(const struct state *state, const char *name, bool on)
{
    int fd;

    if (!on)
        return unlinkat(state->dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;

    fd = openat(state->dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    (void) close(fd); /* an empty file: nothing can be lost */
    return 0;
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

    r = make_folder(state.dir_fd, "crashes");
    if (r >= 0) {
        lock = openat(state.dir_fd, "lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        r = lock < 0 || fchmod(lock, 0600) < 0 ? -errno : 0; /* whoever can open a lock can hold it */
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

bool state_has(const struct state *state, enum flag flag)
{
    return exists(state, flag_names[flag]);
}

bool state_monitor_owns(const struct state *state, const char *responder)
{
    char name[NAME_BYTES];

    return join(name, "monitor", responder) == 0 && exists(state, name);
}

int state_set(const struct state *state, enum flag flag, bool on)
{
    return set(state, flag_names[flag], on);
}

int state_set_monitor_owns(const struct state *state, const char *responder, bool on)
{
    char name[NAME_BYTES];
    int r;

    r = join(name, "monitor", responder);
    if (r < 0)
        return r;
    r = make_folder(state->dir_fd, "monitor");
    if (r < 0)
        return r;
    return set(state, name, on);
}

bool state_has_owners(const struct state *state)
{
    return exists(state, "monitor");
}

/* A note that is older belongs to no row: a responder that crashes once a month is not crashing in a row. Where the
 * clock jumps, a row ends early or goes on. */
static bool is_recent(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && time(NULL) - st.st_mtime < CRASH_ROW_SEC;
}

unsigned state_crashes(const struct state *state, const char *responder)
{
    CLEANUP(closep) int fd = -1;
    char name[NAME_BYTES], text[16];
    unsigned long crashes;
    ssize_t n;

    if (join(name, "crashes", responder) < 0)
        return 0;
    fd = openat(state->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    n = is_recent(fd) ? read(fd, text, sizeof(text) - 1) : 0;
    if (n <= 0)
        return 0;
    text[n] = '\0';
    crashes = isdigit((unsigned char) text[0]) ? strtoul(text, NULL, 10) : 0;
    return crashes < CRASHES_MAX ? (unsigned) crashes : CRASHES_MAX;
}

int state_note_end(const struct state *state, const char *responder, bool crashed)
{
    CLEANUP(closep) int fd = -1;
    char name[NAME_BYTES];
    unsigned crashes;
    int r;

    r = join(name, "crashes", responder);
    if (r < 0)
        return r;
    crashes = state_crashes(state, responder);
    if (crashed)
        crashes = crashes < CRASHES_MAX ? crashes + 1 : CRASHES_MAX;
    else
        crashes = crashes >= CRASHES_MAX ? CRASHES_MAX - 1 : 0;
    if (crashes == 0)
        return set(state, name, false);

    fd = openat(state->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    if (fchmod(fd, 0644) < 0) /* launchers read it */
        return -errno;
    return dprintf(fd, "%u\n", crashes) < 0 ? -errno : 0;
}

int state_forget_crashes(const struct state *state)
{
    char name[NAME_BYTES];
    int r, first = 0;

    for (size_t i = 0; i < RESPONDERS; i++) {
        r = join(name, "crashes", responders[i].name);
        if (r >= 0)
            r = set(state, name, false);
        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}

static int open_lock(const struct state *state)
{
    int fd = openat(state->dir_fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 ? -errno : fd;
}

int state_lock_shared(const struct state *state)
{
    int fd = open_lock(state), tries = 0;

    while (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0) {
        int error = errno;

        if ((error != EWOULDBLOCK && error != EINTR) || ++tries > LOCK_TRIES) {
            (void) close(fd); /* was never locked */
            return -error;
        }
        sleep_msec(LOCK_EVERY_MSEC);
    }
    return fd;
}

int state_lock_exclusive(const struct state *state)
{
    int fd = open_lock(state);

    while (fd >= 0 && flock(fd, LOCK_EX) < 0) {
        int error = errno;

        if (error != EINTR) {
            (void) close(fd); /* was never locked */
            return -error;
        }
    }
    return fd;
}
