/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Engine: which of the two serves, the distribution's SSSD or our own daemons beside it. */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "lib/engine.h"
#include "lib/state.h"

#define SPACE " \t\r\n"

void engine_read_word_of(const char *path, char ret[ENGINE_WORD_BYTES])
{
    CLEANUP(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    char text[ENGINE_WORD_BYTES + 1];
    ssize_t n = fd < 0 ? -1 : io_read(fd, text, sizeof(text) - 1);
    size_t begin;

    ret[0] = '\0';
    if (n < 0)
        return;
    text[n] = '\0';
    begin = strspn(text, SPACE);
    for (char *end = text + strlen(text); end > text + begin && strchr(SPACE, end[-1]); end--)
        end[-1] = '\0';
    (void) snprintf(ret, ENGINE_WORD_BYTES, "%s", text + begin); /* what is cut is none of the two */
}

/* A trial ends with the boot in which it began. */
static bool is_trial_over(void)
{
    return access(ENGINE_TRY, F_OK) == 0 && access(STATE_DIR "/trying", F_OK) < 0;
}

void engine_read_word(char ret[ENGINE_WORD_BYTES])
{
    engine_read_word_of(is_trial_over() ? ENGINE_TRY : ENGINE_FILE, ret);
}

static int write_new(int dir, const char *name, const char *text)
{
    CLEANUP(closep) int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return -errno;
    r = io_write(fd, text, strlen(text));
    if (r < 0)
        return r;
    return fchmod(fd, 0644) < 0 || fsync(fd) < 0 ? -errno : 0; /* anybody may know */
}

int engine_write_word(const char *path, const char *word)
{
    CLEANUP(freep) char *parent = strdup(path);
    CLEANUP(closep) int dir = -1;
    char text[ENGINE_WORD_BYTES + 1], temporary[NAME_MAX];
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *folder;
    int r;

    if (!parent)
        return -ENOMEM;
    (void) snprintf(text, sizeof(text), "%s\n", word); /* fits */
    (void) snprintf(temporary, sizeof(temporary), ".%s.new", name); /* fits */
    folder = dirname(parent);
    (void) mkdir(folder, 0755); /* mostly there; else the next line tells */
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;

    (void) unlinkat(dir, temporary, 0); /* of a run that was cut off */
    r = write_new(dir, temporary, text);
    if (r == 0 && renameat(dir, temporary, dir, name) < 0)
        r = -errno;
    if (r < 0)
        (void) unlinkat(dir, temporary, 0); /* it may not have come so far */
    else if (fsync(dir) < 0 && errno != EINVAL) /* some file systems can't, and need not */
        r = -errno;
    return r;
}

bool engine_has_programs(const char **ret_missing)
{
    static const char *const programs[] = { ENGINE_MONITOR, ENGINE_DIR "/sssd_be", ENGINE_DIR "/sssd_" OWN_RESPONDERS };

    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (access(programs[i], X_OK) == 0)
            continue;
        if (ret_missing)
            *ret_missing = programs[i];
        return false;
    }
    return true;
}

bool engine_is_own(void)
{
    char word[ENGINE_WORD_BYTES];

    engine_read_word(word);
    return strcmp(word, engine_word(true)) == 0 && engine_has_programs(NULL) && access(SELINUX_REFUSES, F_OK) < 0;
}

const char *engine_word(bool own)
{
    return own ? "own" : "sssd";
}

static bool is_in(const char *program, const char *folder)
{
    const char *slash = strrchr(program, '/');
    size_t n = strlen(folder);

    return slash && (size_t) (slash - program) == n && strncmp(program, folder, n) == 0;
}

/* The kernel tells paths without links. A program that was replaced is still one of ours. */
static bool is_ours(const char *program)
{
    CLEANUP(freep) char *real = realpath(ENGINE_DIR, NULL);

    return is_in(program, ENGINE_DIR) || (real && is_in(program, real));
}

/* Others than root may read its command line only. Whoever lies there lies about himself. */
static ssize_t read_command(int pid, char *ret, size_t bytes)
{
    CLEANUP(closep) int fd = -1;
    char path[32];

    (void) snprintf(path, sizeof(path), "/proc/%d/cmdline", pid); /* fits */
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : io_read(fd, ret, bytes);
}

enum engine_runs engine_of_process(int pid)
{
    char path[32], program[PATH_MAX + 1];
    ssize_t n;

    if (pid <= 0)
        return RUNS_NOTHING;
    (void) snprintf(path, sizeof(path), "/proc/%d/exe", pid); /* fits */
    n = readlink(path, program, PATH_MAX);
    if (n < 0 && errno == EACCES)
        n = read_command(pid, program, PATH_MAX);
    if (n <= 0) /* it has just ended, or is about to */
        return RUNS_UNKNOWN;
    program[n] = '\0';
    return is_ours(program) ? RUNS_OWN : RUNS_SSSD;
}

void engine_program(const struct responder *responder, bool own, char ret[PATH_MAX])
{
    if (own && responder != &kcm)
        (void) snprintf(ret, PATH_MAX, ENGINE_DIR "/sssd_%s", responder->name); /* these fit */
    else
        (void) snprintf(ret, PATH_MAX, "%s", responder->program);
}

bool engine_is_program_of(const struct responder *responder, const char *program)
{
    const char *slash = strrchr(program, '/');
    char own[PATH_MAX];

    engine_program(responder, true, own);
    return strcmp(program, responder->program) == 0 ||
           (slash && is_ours(program) && strcmp(slash, strrchr(own, '/')) == 0);
}

bool engine_has_of(bool own, const struct responder *responder)
{
    char program[PATH_MAX];

    engine_program(responder, own, program);
    return access(program, X_OK) == 0;
}

bool engine_has(const struct responder *responder)
{
    return engine_has_of(engine_is_own(), responder);
}
