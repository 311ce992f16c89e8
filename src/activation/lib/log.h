/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log: lines for the journal, which reads the level from their start. */

#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* A person, at a terminal or through a package manager, gets the bare line. Leaves errno alone, for %m. */
static inline const char *log_level(const char *level)
{
    int saved = errno;
    const char *shown = getenv("JOURNAL_STREAM") && !isatty(STDERR_FILENO) ? level : "";

    errno = saved;
    return shown;
}

#define log_line(level, format, ...) ((void) fprintf(stderr, "%s" format "\n", log_level(level), ##__VA_ARGS__))

#define log_error(format, ...) log_line(SD_ERR, format, ##__VA_ARGS__)
#define log_warning(format, ...) log_line(SD_WARNING, format, ##__VA_ARGS__)
#define log_info(format, ...) log_line(SD_INFO, format, ##__VA_ARGS__)

/* Says so where r is a failure, and returns it. */
static inline int log_failure(int r, const char *what)
{
    if (r < 0)
        log_error("cannot %s: %s", what, strerror(-r));
    return r;
}

#endif
