/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log: one line for whoever has to know, to the journal, a file, or stderr. */

#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <errno.h>
#include <sys/types.h>
#include <syslog.h>

enum log_target {
    LOG_TO_STDERR, /* with the journal's level prefix where stderr is the journal */
    LOG_TO_FILES,  /* DIR/PROGRAM.log, with time and level */
    LOG_TO_JOURNAL,
};

/* The word of --logger=, and what one means: -EINVAL if nothing. */
const char *log_target_word(enum log_target target);
int log_target_parse(const char *word, enum log_target *ret);

/* Opens the log of a program. Before that, and where its file cannot be opened, lines go to stderr. Returns 0 or a
 * negative errno: then a line has told so, and the program goes on. program must live as long as the process. */
int log_open(const char *program, enum log_target target, const char *dir);

/* Goes on with a file that its parent has opened: the folder is root's, and who starts as somebody
 * else comes to nothing there. */
void log_adopt(const char *program, int fd);
/* The file's, for log_adopt() in a child; -1 where lines go elsewhere. */
int log_fd(void);

/* After a rotation: opens the file anew by its name. Where that fails it goes on with the old one,
 * and without a word where it has become somebody whom the folder is closed to: logrotate copies
 * such a file, and cuts it. Returns 1, 0 if nothing was to be done, or a negative errno. */
int log_reopen(void);

/* debug_level of sssd.conf: 0 to 9, or a mask from 0x10 on as SSSD's. Up to 2 errors and warnings, 3 to 5 info,
 * above that debug. */
void log_set_debug_level(int level);

void log_write(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether a line of that priority would be written: for what is costly to say. */
int log_is_on(int priority);

/* These leave errno alone, and %m in them is the errno of the call or of r (negative). */
#define log_error(...) log_write(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                          \
    do {                                        \
        if (log_is_on(LOG_DEBUG))               \
            log_write(LOG_DEBUG, __VA_ARGS__);  \
    } while (0)
#define log_errno_(f, r, ...)     \
    do {                          \
        int saved_ = errno;       \
        errno = -(r);             \
        f(__VA_ARGS__);           \
        errno = saved_;           \
    } while (0)
#define log_error_errno(r, ...) log_errno_(log_error, r, __VA_ARGS__)
#define log_warning_errno(r, ...) log_errno_(log_warning, r, __VA_ARGS__)
#define log_info_errno(r, ...) log_errno_(log_info, r, __VA_ARGS__)
#define log_debug_errno(r, ...) log_errno_(log_debug, r, __VA_ARGS__)

#endif
