/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Load: asks like many programs do, through the stock client libraries, and counts what they were told.
 *
 *     load USER UID PASSWORD LOOKUPS AUTHS [LOOP ...]    (a second each; until SIGTERM)
 *
 * Each question comes from a process of its own, with a connection of its own; beside them one long-lived process
 * keeps its connection and asks ten times a second. Prints one line of counts.
 *
 * Each LOOP is one client more, which asks again as soon as it has been told:
 *
 *     kept      look-ups, by a process that keeps its connection
 *     fresh     look-ups, each by a process of its own, with a connection of its own
 *     login     authentications, by one process
 *
 * They are counted in a line for each kind of loop, which begins with its name.
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
#define CLIENTS_MAX 16

enum kind { LOOKUP, AUTH };
enum loop { NO_LOOP, KEPT_LOOP, FRESH_LOOP, LOGIN_LOOP, LOOPS };
enum outcome { ANSWERED, REFUSED, DROPPED, ENGINE, WRONG, HUNG, OUTCOMES };

static const char *const outcome_names[] = { "answered", "refused", "dropped", "engine", "wrong", "hung" };
static const char *const loop_names[] = { "none", "kept", "fresh", "login" };

struct result {
    enum kind kind;
    enum loop loop;
    enum outcome outcome;
    bool kept; /* comes from a client that asks more than once */
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

static void ask(enum kind kind, enum loop loop, int out, bool kept)
{
    struct result result = { .kind = kind, .loop = loop, .kept = kept, .at_usec = now_usec() - start_usec };
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
        ask(kind, NO_LOOP, out, kept);
        if (kept)
            (void) usleep(KEPT_EVERY_USEC);
    } while (kept && !stopped);
    _exit(0);
}

/* A client of libnss_sss that finds itself in another process connects anew. */
static void ask_from_child(int out)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        ask(LOOKUP, FRESH_LOOP, out, true);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
        const struct result crashed = { LOOKUP, FRESH_LOOP, WRONG, .kept = true, .code = status };

        (void) !write(out, &crashed, sizeof(crashed));
    }
}

static pid_t start_loop(enum loop loop, int out)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void) signal(SIGCHLD, SIG_DFL);
    while (!stopped) {
        if (loop == FRESH_LOOP)
            ask_from_child(out);
        else
            ask(loop == LOGIN_LOOP ? AUTH : LOOKUP, loop, out, true);
    }
    _exit(0);
}

static enum loop loop_by_name(const char *name)
{
    int loop = LOOPS;

    while (--loop > NO_LOOP && strcmp(loop_names[loop], name) != 0)
        ;
    return (enum loop) loop;
}

static void report(const struct result *result)
{
    if (result->outcome != ANSWERED)
        (void) fprintf(stderr, "%8.3f s: %s%s%s %s: code %d, errno %d, after %.3f s\n", (double) result->at_usec / 1e6,
                       result->loop == NO_LOOP ? "" : loop_names[result->loop], result->loop == NO_LOOP ? "" : " ",
                       result->kind == LOOKUP ? "look-up" : "authentication", outcome_names[result->outcome],
                       result->code, result->error, (double) result->usec / 1e6);
}

static unsigned long count_alive(const pid_t *pids, int n)
{
    unsigned long alive = 0;

    for (int i = 0; i < n; i++)
        alive += kill(pids[i], 0) == 0; /* who has ended is gone at once: SIGCHLD is ignored */
    return alive;
}

static void print_counts(const unsigned long counts[OUTCOMES], uint64_t longest_usec)
{
    for (int outcome = 0; outcome < OUTCOMES; outcome++)
        (void) printf(" %s=%lu", outcome_names[outcome], counts[outcome]);
    (void) printf(" longest_msec=%llu", (unsigned long long) longest_usec / 1000);
}

int main(int argc, char **argv)
{
    unsigned long counts[LOOPS][2][OUTCOMES] = { { { 0 } } }, started = 0, ended = 0;
    uint64_t longest[LOOPS][2] = { { 0 } }, next[2], every[2], quiet_since = 0;
    pid_t lasting[1 + CLIENTS_MAX]; /* the one that asks ten times a second, and the loops */
    int ends[2], n_lasting = 0;
    bool told = false;

    if (argc < 6 || argc > 6 + CLIENTS_MAX) {
        (void) fputs("usage: load USER UID PASSWORD LOOKUPS AUTHS [LOOP ...]\n", stderr);
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

    start_usec = now_usec();
    for (int kind = 0; kind < 2; kind++)
        next[kind] = every[kind] == UINT64_MAX ? UINT64_MAX : start_usec;
    if (every[LOOKUP] != UINT64_MAX && (lasting[n_lasting] = start_child(LOOKUP, ends[1], true)) > 0)
        n_lasting++;
    for (int i = 6; i < argc; i++) {
        enum loop loop = loop_by_name(argv[i]);

        lasting[n_lasting] = loop == NO_LOOP ? -1 : start_loop(loop, ends[1]);
        if (lasting[n_lasting++] < 0) { /* those before end with this process */
            (void) fprintf(stderr, "load: cannot start the loop %s\n", argv[i]);
            return 2;
        }
    }

    for (;;) {
        struct pollfd polled = { .fd = ends[0], .events = POLLIN };
        uint64_t now = now_usec();
        struct result result;

        if (stopped && !told) {
            told = true;
            next[LOOKUP] = next[AUTH] = UINT64_MAX;
            for (int i = 0; i < n_lasting; i++)
                (void) kill(lasting[i], SIGTERM);
        }
        for (int kind = 0; kind < 2; kind++) {
            if (now < next[kind])
                continue;
            next[kind] += every[kind];
            if (start_child(kind, ends[1], false) > 0)
                started++;
        }

        if (poll(&polled, 1, next[LOOKUP] <= now || next[AUTH] <= now ? 0 : 1) > 0 &&
            read(ends[0], &result, sizeof(result)) == (ssize_t) sizeof(result)) {
            counts[result.loop][result.kind][result.outcome]++;
            if (result.usec > longest[result.loop][result.kind])
                longest[result.loop][result.kind] = result.usec;
            report(&result);
            if (!result.kept)
                ended++;
            quiet_since = told && quiet_since ? now : 0;
        } else if (told) {
            /* Whoever has not answered by then hangs. */
            if (!quiet_since)
                quiet_since = now;
            if (now - quiet_since > (ended >= started && count_alive(lasting, n_lasting) == 0 ? 300000 : HUNG_USEC))
                break;
        }
    }

    counts[NO_LOOP][LOOKUP][HUNG] += (ended < started ? started - ended : 0) + count_alive(lasting, n_lasting);
    for (int kind = 0; kind < 2; kind++) {
        (void) printf("%s", kind == LOOKUP ? "lookups:" : " auths:");
        print_counts(counts[NO_LOOP][kind], longest[NO_LOOP][kind]);
    }
    (void) printf("\n");
    for (int loop = KEPT_LOOP; loop < LOOPS; loop++) {
        enum kind kind = loop == LOGIN_LOOP ? AUTH : LOOKUP;

        if (longest[loop][kind] > 0) {
            (void) printf("%s:", loop_names[loop]);
            print_counts(counts[loop][kind], longest[loop][kind]);
            (void) printf("\n");
        }
    }
    return 0;
}
