/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Load: asks like many programs do, through the stock client libraries, and counts what they were told.
 *
 *     load USER UID PASSWORD LOOKUPS AUTHS    (a second each; until SIGTERM)
 *
 * Each question comes from a process of its own, with a connection of its own; beside them one long-lived process
 * keeps its connection and asks ten times a second. Prints one line of counts.
 *
 * A client that nobody serves ("refused") sees something else than one whose server took its whole request and died
 * ("engine"): then libnss_sss reports "unavailable" with errno 0, and pam_sss fails without the "Request to sssd failed"
 * that it logs for every trouble of transport. "dropped" is between them, EFAULT for both clients: somebody accepted
 * the connection and closed it before the version handshake was over, a dying engine or a refusing launcher. Which of
 * them the journal tells. */

#include <dlfcn.h>
#include <errno.h>
#include <nss.h>
#include <poll.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define NSS_LIBRARY "libnss_sss.so.2"
#define SERVICE_NAME "load"
#define HUNG_USEC 20000000
#define KEPT_EVERY_USEC 100000

enum kind { LOOKUP, AUTH };
enum outcome { ANSWERED, REFUSED, DROPPED, ENGINE, WRONG, HUNG, OUTCOMES };

static const char *const outcome_names[] = { "answered", "refused", "dropped", "engine", "wrong", "hung" };

struct result {
    enum kind kind;
    enum outcome outcome;
    bool kept;
    uint64_t at_usec; /* since the start */
    uint64_t usec;
    int code;
    int error;
};

typedef enum nss_status getpwnam_fn(const char *, struct passwd *, char *, size_t, int *);

static volatile sig_atomic_t stopped;
static getpwnam_fn *look_up;
static const char *user, *password;
static uid_t user_uid;
static uint64_t start_usec;
static enum outcome transport = ENGINE; /* of the last authentication that failed */

static uint64_t now_usec(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static void on_signal(int number)
{
    (void) number;
    stopped = 1;
}

/* Stands before libc's: what pam_sss logs tells a broken transport from an answer. */
void vsyslog(int priority, const char *format, va_list arguments)
{
    char line[512];

    (void) priority;
    (void) vsnprintf(line, sizeof(line), format, arguments);
    if (strstr(line, "Request to sssd failed")) {
        transport = strstr(line, strerror(EFAULT)) ? DROPPED : REFUSED;
        (void) fprintf(stderr, "%s\n", line);
    }
}

void syslog(int priority, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsyslog(priority, format, arguments);
    va_end(arguments);
}

void __syslog_chk(int priority, int flag, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list arguments;

    (void) flag;
    va_start(arguments, format);
    vsyslog(priority, format, arguments);
    va_end(arguments);
}

static void ask_nss(struct result *result)
{
    char buffer[4096];
    struct passwd entry;
    int error = 0;

    result->code = look_up(user, &entry, buffer, sizeof(buffer), &error);
    result->error = error;
    if (result->code == NSS_STATUS_SUCCESS)
        result->outcome = entry.pw_uid == user_uid ? ANSWERED : WRONG;
    else if (result->code == NSS_STATUS_NOTFOUND)
        result->outcome = WRONG;
    else
        result->outcome = result->code != NSS_STATUS_UNAVAIL ? REFUSED :
                          error == 0                         ? ENGINE :
                          error == EFAULT                    ? DROPPED :
                                                               REFUSED;
}

static int converse(int n, const struct pam_message **messages, struct pam_response **ret, void *userdata)
{
    struct pam_response *replies = calloc((size_t) n, sizeof(*replies));

    (void) userdata;
    if (!replies)
        return PAM_BUF_ERR;
    for (int i = 0; i < n; i++)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF || messages[i]->msg_style == PAM_PROMPT_ECHO_ON)
            replies[i].resp = strdup(password);
    *ret = replies;
    return PAM_SUCCESS;
}

static void ask_pam(struct result *result)
{
    const struct pam_conv conversation = { .conv = converse };
    pam_handle_t *handle = NULL;

    result->code = pam_start(SERVICE_NAME, user, &conversation, &handle);
    if (result->code == PAM_SUCCESS)
        result->code = pam_authenticate(handle, 0);
    if (result->code == PAM_SUCCESS)
        result->outcome = ANSWERED;
    else if (result->code == PAM_AUTHINFO_UNAVAIL)
        result->outcome = transport;
    else
        result->outcome = WRONG;
    (void) pam_end(handle, result->code);
}

static void ask(enum kind kind, int out, bool kept)
{
    struct result result = { .kind = kind, .kept = kept, .at_usec = now_usec() - start_usec };
    uint64_t before = now_usec();

    if (kind == LOOKUP)
        ask_nss(&result);
    else
        ask_pam(&result);
    result.usec = now_usec() - before;
    if (result.usec > HUNG_USEC)
        result.outcome = HUNG;
    (void) !write(out, &result, sizeof(result)); /* shorter than PIPE_BUF: whole or not at all */
}

static pid_t start_child(enum kind kind, int out, bool kept)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    do {
        ask(kind, out, kept);
        if (kept)
            (void) usleep(KEPT_EVERY_USEC);
    } while (kept && !stopped);
    _exit(0);
}

static void report(const struct result *result)
{
    if (result->outcome != ANSWERED)
        (void) fprintf(stderr, "%8.3f s: %s %s: code %d, errno %d, after %.3f s\n", (double) result->at_usec / 1e6,
                       result->kind == LOOKUP ? "look-up" : "authentication", outcome_names[result->outcome],
                       result->code, result->error, (double) result->usec / 1e6);
}

int main(int argc, char **argv)
{
    unsigned long counts[2][OUTCOMES] = { { 0 } }, started = 0, ended = 0;
    uint64_t longest[2] = { 0 }, next[2], every[2], quiet_since = 0;
    pid_t kept = 0;
    int ends[2];

    if (argc != 6) {
        (void) fputs("usage: load USER UID PASSWORD LOOKUPS AUTHS\n", stderr);
        return 2;
    }
    user = argv[1];
    user_uid = (uid_t) atoi(argv[2]);
    password = argv[3];
    for (int kind = 0; kind < 2; kind++)
        every[kind] = atoi(argv[4 + kind]) > 0 ? 1000000 / (uint64_t) atoi(argv[4 + kind]) : UINT64_MAX;

    (void) setenv("SSS_NSS_USE_MEMCACHE", "NO", 1);
    look_up = (getpwnam_fn *) dlsym(dlopen(NSS_LIBRARY, RTLD_NOW), "_nss_sss_getpwnam_r");
    if (!look_up || pipe(ends) < 0) {
        (void) fprintf(stderr, "load: cannot use " NSS_LIBRARY ": %s\n", dlerror());
        return 1;
    }
    (void) signal(SIGTERM, on_signal);
    (void) signal(SIGCHLD, SIG_IGN);

    start_usec = next[LOOKUP] = next[AUTH] = now_usec();
    if (every[LOOKUP] != UINT64_MAX)
        kept = start_child(LOOKUP, ends[1], true);

    for (;;) {
        struct pollfd polled = { .fd = ends[0], .events = POLLIN };
        uint64_t now = now_usec();
        struct result result;

        for (int kind = 0; kind < 2 && !stopped; kind++) {
            if (every[kind] == UINT64_MAX || now < next[kind])
                continue;
            next[kind] += every[kind];
            if (start_child(kind, ends[1], false) > 0)
                started++;
        }

        if (poll(&polled, 1, 2) > 0 && read(ends[0], &result, sizeof(result)) == (ssize_t) sizeof(result)) {
            counts[result.kind][result.outcome]++;
            if (result.usec > longest[result.kind])
                longest[result.kind] = result.usec;
            report(&result);
            if (!result.kept)
                ended++;
            quiet_since = stopped && quiet_since ? now : 0;
        } else if (stopped) {
            /* Whoever has not answered by then hangs. */
            if (!quiet_since) {
                quiet_since = now;
                if (kept > 0)
                    (void) kill(kept, SIGTERM);
            }
            if (now - quiet_since > (ended >= started ? 300000 : HUNG_USEC))
                break;
        }
    }

    if (ended < started)
        counts[LOOKUP][HUNG] += started - ended;
    for (int kind = 0; kind < 2; kind++) {
        (void) printf("%s", kind == LOOKUP ? "lookups:" : " auths:");
        for (int outcome = 0; outcome < OUTCOMES; outcome++)
            (void) printf(" %s=%lu", outcome_names[outcome], counts[kind][outcome]);
        (void) printf(" longest_msec=%llu", (unsigned long long) longest[kind] / 1000);
    }
    (void) printf("\n");
    return 0;
}
