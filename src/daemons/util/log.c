/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "common/cleanup.h"
#include "util/log.h"

#define LINE_BYTES_MAX 2048 /* a longer line is cut */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct {
    const char *program;
    enum log_target target;
    int priority_max;
    char *path;
    int fd; /* of the file */
    bool stderr_is_journal;
} log_state = { .program = "", .target = LOG_TO_STDERR, .priority_max = LOG_WARNING, .fd = -1 };

/* systemd says which file it gave us as stderr; a later redirection has another inode. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];

    if (!stream || fstat(STDERR_FILENO, &st) < 0)
        return false;
    (void) snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long) st.st_dev,
                    (unsigned long long) st.st_ino); /* two numbers fit */
    return strcmp(stream, own) == 0;
}

/* Whoever runs us may have named a folder of somebody else's: nothing that was linked there is
 * taken. */
static int open_file(const char *path, int *ret_fd)
{
    CLEANUP(closep) int fd = -1;
    struct stat st;

    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
        return -ENOTSUP;

    *ret_fd = fd;
    fd = -1;
    return 0;
}

int log_reopen(void)
{
    int fd, r;

    if (log_state.target != LOG_TO_FILES)
        return 0;

    if (!log_state.path) /* the parent's */
        return 0;
    r = open_file(log_state.path, &fd);
    if (r == -EACCES && geteuid() != 0)
        return 0;
    if (r < 0) {
        log_warning_errno(r, "cannot open log file \"%s\": %m", log_state.path);
        return r;
    }
    /* under the same number: a child may have been told it */
    r = dup3(fd, log_state.fd, O_CLOEXEC) < 0 ? -errno : 1;
    (void) close(fd); /* nothing was written through it */
    return r;
}

static const char *const target_words[] = {
    [LOG_TO_STDERR] = "stderr",
    [LOG_TO_FILES] = "files",
    [LOG_TO_JOURNAL] = "journald",
};

const char *log_target_word(enum log_target target)
{
    return target_words[target];
}

int log_target_parse(const char *word, enum log_target *ret)
{
    for (size_t i = 0; i < sizeof(target_words) / sizeof(target_words[0]); i++) {
        if (strcmp(word, target_words[i]) == 0) {
            *ret = (enum log_target) i;
            return 0;
        }
    }
    return -EINVAL;
}

int log_open(const char *program, enum log_target target, const char *dir)
{
    log_state.program = program;
    log_state.target = LOG_TO_STDERR;
    log_state.stderr_is_journal = stderr_is_journal();

    if (target == LOG_TO_JOURNAL && access(JOURNAL_SOCKET, F_OK) < 0) {
        int r = -errno;

        log_warning_errno(r, "cannot reach the journal: %m");
        return r;
    }
    if (target == LOG_TO_FILES) {
        CLEANUP(freep) char *path = NULL;
        int fd, r;

        if (asprintf(&path, "%s/%s.log", dir, program) < 0)
            return -ENOMEM;
        r = open_file(path, &fd);
        if (r < 0) {
            log_warning_errno(r, "cannot open log file \"%s\": %m", path);
            return r;
        }
        free(log_state.path);
        log_state.path = TAKE(path);
        closep(&log_state.fd);
        log_state.fd = fd;
    }
    log_state.target = target;
    return 0;
}

void log_adopt(const char *program, int fd)
{
    log_state.program = program;
    log_state.target = LOG_TO_FILES;
    free(log_state.path);
    log_state.path = NULL;
    closep(&log_state.fd);
    log_state.fd = fd;
}

int log_fd(void)
{
    return log_state.target == LOG_TO_FILES ? log_state.fd : -1;
}

void log_set_debug_level(int level)
{
    bool info, debug;

    if (level < 0x10) {
        info = level >= 3;
        debug = level >= 6;
    } else { /* a bit for each level: 0x80 is the third's, 0x400 the sixth's */
        info = level >= 0x80;
        debug = level >= 0x400;
    }
    log_state.priority_max = debug ? LOG_DEBUG : info ? LOG_INFO : LOG_WARNING;
}

int log_is_on(int priority)
{
    return priority <= log_state.priority_max;
}

static const char *priority_word(int priority)
{
    if (priority <= LOG_ERR)
        return "error";
    if (priority == LOG_WARNING)
        return "warning";
    return priority <= LOG_INFO ? "info" : "debug";
}

static size_t put(char *line, size_t used, const char *format, ...) __attribute__((format(printf, 3, 4)));

static size_t put(char *line, size_t used, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line + used, LINE_BYTES_MAX - used, format, args);
    va_end(args);
    return n < 0 ? used : used + (size_t) n;
}

/* What stands before the text; returns its bytes. */
static size_t put_prefix(char *line, int priority)
{
    struct timespec now;
    struct tm tm;

    if (log_state.target == LOG_TO_STDERR) {
        if (log_state.stderr_is_journal)
            return put(line, 0, "<%d>", priority);
        return put(line, 0, "%s: ", log_state.program[0] ? log_state.program : program_invocation_short_name);
    }

    (void) clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
    if (!localtime_r(&now.tv_sec, &tm))
        memset(&tm, 0, sizeof(tm)); /* no year fits: the line is worth more */
    return put(line, 0, "(%04d-%02d-%02d %02d:%02d:%02d.%03d): [%s] [%d] %s: ", tm.tm_year + 1900, tm.tm_mon + 1,
               tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int) (now.tv_nsec / 1000000), log_state.program,
               (int) getpid(), priority_word(priority));
}

void log_write(int priority, const char *format, ...)
{
    char line[LINE_BYTES_MAX + 1]; /* and its newline */
    int saved = errno, n;
    size_t start = 0, used;
    va_list args;

    if (!log_is_on(priority))
        return;

    if (log_state.target != LOG_TO_JOURNAL)
        start = put_prefix(line, priority);
    errno = saved; /* for %m */
    va_start(args, format);
    n = vsnprintf(line + start, LINE_BYTES_MAX - start, format, args);
    va_end(args);

    used = n < 0 ? start : start + (size_t) n;
    if (used >= LINE_BYTES_MAX)
        used = LINE_BYTES_MAX - 1;
    /* One message is one line, whatever somebody's name holds. */
    for (size_t i = start; i < used; i++) {
        if ((unsigned char) line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    }

    if (log_state.target == LOG_TO_JOURNAL) {
        line[used] = '\0';
        (void) sd_journal_send("MESSAGE=%s", line, "PRIORITY=%i", priority, "SYSLOG_IDENTIFIER=%s", log_state.program,
                               NULL); /* there is nobody left to tell */
    } else {
        line[used] = '\n';
        /* one write, so that lines of several processes don't mix; a full disk is no reason to stop serving */
        if (write(log_state.target == LOG_TO_FILES ? log_state.fd : STDERR_FILENO, line, used + 1) < 0)
            errno = saved;
    }
    errno = saved;
}
