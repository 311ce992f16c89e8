/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trial: an engine that goes back by itself unless somebody says that it is to stay. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "lib/engine.h"
#include "lib/manager.h"
#include "lib/state.h"
#include "tools/trial.h"

#ifndef RUNTIME_UNITS /* the tests have their own */
#define RUNTIME_UNITS "/run/systemd/system"
#endif
#ifndef SHIPPED_UNITS /* likewise */
#define SHIPPED_UNITS "/usr/lib/systemd/system"
#endif

#define JOB_MSEC 10000

#define TRYING STATE_DIR "/trying"
#define MINUTES_DIR RUNTIME_UNITS "/" TRIAL_TIMER ".d"
#define MINUTES MINUTES_DIR "/minutes.conf"
/* After a soft reboot. */
#define WANTS_DIR RUNTIME_UNITS "/timers.target.wants"
#define WANT WANTS_DIR "/" TRIAL_TIMER

bool trial_is_on(void)
{
    return access(ENGINE_TRY, F_OK) == 0 && access(TRYING, F_OK) == 0;
}

static int write_file(const char *path, const char *text)
{
    CLEANUP(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

    return fd < 0 ? -errno : io_write(fd, text, strlen(text));
}

static int set_minutes(unsigned minutes)
{
    char text[96];
    int r;

    (void) mkdir(RUNTIME_UNITS, 0755); /* all of these may be there; else writing tells */
    (void) mkdir(MINUTES_DIR, 0755);
    (void) mkdir(WANTS_DIR, 0755);
    (void) snprintf(text, sizeof(text), "# sss_activation engine --try\n[Timer]\nOnActiveSec=\nOnActiveSec=%umin\n", minutes); /* fits */
    r = write_file(MINUTES, text);
    if (r == 0 && symlink(SHIPPED_UNITS "/" TRIAL_TIMER, WANT) < 0 && errno != EEXIST)
        r = -errno;
    return r;
}

int trial_begin(const char *back, unsigned minutes)
{
    int r = set_minutes(minutes);

    if (r == 0)
        r = write_file(TRYING, ""); /* first: without it the other would count at once */
    if (r == 0 && access(ENGINE_TRY, F_OK) < 0)
        r = engine_write_word(ENGINE_TRY, back);
    return r;
}

int trial_start_timer(struct manager *manager)
{
    enum job_result result;
    int r;

    r = manager_run(manager, "Restart", TRIAL_TIMER, "replace", JOB_MSEC, &result);
    return r < 0 ? r : result == JOB_DONE ? 0 : -EIO;
}

int trial_end(struct manager *manager)
{
    enum job_result result;

    if (unlink(ENGINE_TRY) < 0 && errno != ENOENT)
        return -errno;
    (void) unlink(MINUTES); /* gone with the next boot; so are these */
    (void) rmdir(MINUTES_DIR);
    (void) unlink(WANT);
    if (unlink(TRYING) < 0)
        return 0; /* there was none */
    (void) manager_run(manager, "Stop", TRIAL_TIMER, "replace", JOB_MSEC, &result); /* one that elapses finds nothing to do */
    return 0;
}

int trial_end_by_boot(void)
{
    char back[ENGINE_WORD_BYTES];
    int r;

    if (access(ENGINE_TRY, F_OK) < 0 || trial_is_on())
        return 0;
    engine_read_word_of(ENGINE_TRY, back);
    r = engine_write_word(ENGINE_FILE, strcmp(back, engine_word(true)) == 0 ? back : engine_word(false));
    if (r == 0 && unlink(ENGINE_TRY) < 0)
        r = -errno;
    return r < 0 ? r : 1;
}
