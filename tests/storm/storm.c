/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Storm: a responder that leaves all the time, and clients that must not notice.
 *
 *   storm EXITS CLIENTS SEED PROGRAM [ARGUMENT ...]
 *
 * Holds the socket of NSS as systemd does: watches it while no PROGRAM runs, starts one when somebody connects, and
 * watches again when that has ended. Half of them are sent SIGTERM at a random moment, the others leave
 * by themselves. CLIENTS processes ask through the real libnss_sss meanwhile, in calls one by one, with random pauses: some keep
 * their connection, some are new for each question. Ends after that many EXITS. The directory has users
 * storm0 to storm99, each in the group "stormy", with uids from 20000 on. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH "/var/lib/sss/pipes/nss"
#define USERS 100
#define FIRST_UID 20000
#define CLIENTS_MAX 1000
#define PAUSE_USEC_MAX 200000
#define TERM_USEC_MAX 15000
#define HUNG_USEC 30000000ULL
#define SAID_MAX 20

struct shared {
    bool is_over;
    unsigned said;
    struct {
        uint64_t since_usec; /* its call, or 0 */
        uint64_t longest_usec;
        unsigned long asked, failed, wrong;
    } clients[CLIENTS_MAX];
};
static struct shared *shared;

static struct {
    enum nss_status (*getpwnam_r)(const char *, struct passwd *, char *, size_t, int *);
    enum nss_status (*getpwuid_r)(uid_t, struct passwd *, char *, size_t, int *);
    enum nss_status (*getgrnam_r)(const char *, struct group *, char *, size_t, int *);
    enum nss_status (*setpwent)(void);
    enum nss_status (*getpwent_r)(struct passwd *, char *, size_t, int *);
    enum nss_status (*endpwent)(void);
} nss;

static uint64_t now_usec(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static void die(const char *what)
{
    (void) fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- clients ---- */

enum outcome { RIGHT, FAILED, WRONG };

__attribute__((format(printf, 2, 3))) static enum outcome say(enum outcome outcome, const char *format, ...)
{
    va_list arguments;

    if (__atomic_add_fetch(&shared->said, 1, __ATOMIC_RELAXED) > SAID_MAX)
        return outcome;
    va_start(arguments, format);
    (void) printf("# %s: ", outcome == FAILED ? "failed" : "wrong");
    (void) vprintf(format, arguments);
    (void) printf("\n");
    va_end(arguments);
    (void) fflush(stdout);
    return outcome;
}

/* Is it one of ours, and that one? */
static bool is_user(const struct passwd *user, unsigned i)
{
    char name[32];

    (void) snprintf(name, sizeof(name), "storm%u", i);
    return strcmp(user->pw_name, name) == 0 && user->pw_uid == FIRST_UID + i && user->pw_gid == FIRST_UID &&
           strstr(user->pw_dir, name);
}

static enum outcome ask_user(unsigned i, bool by_name)
{
    char buffer[4096], name[32];
    enum nss_status status;
    struct passwd user;
    int error = 0;

    (void) snprintf(name, sizeof(name), "storm%u", i);
    status = by_name ? nss.getpwnam_r(name, &user, buffer, sizeof(buffer), &error)
                     : nss.getpwuid_r(FIRST_UID + i, &user, buffer, sizeof(buffer), &error);
    if (status != NSS_STATUS_SUCCESS)
        return say(status == NSS_STATUS_NOTFOUND ? WRONG : FAILED, "%s: status %d, %s", name, status, strerror(error));
    return is_user(&user, i) ? RIGHT : say(WRONG, "%s is said to be %s, %u", name, user.pw_name, user.pw_uid);
}

static enum outcome ask_nobody(void)
{
    enum nss_status status;
    struct passwd user;
    char buffer[4096];
    int error = 0;

    status = nss.getpwnam_r("calm", &user, buffer, sizeof(buffer), &error);
    if (status != NSS_STATUS_NOTFOUND)
        return say(status == NSS_STATUS_SUCCESS ? WRONG : FAILED, "calm: status %d, %s", status, strerror(error));
    return RIGHT;
}

static enum outcome ask_group(void)
{
    static char buffer[65536];
    enum nss_status status;
    struct group group;
    unsigned n = 0;
    int error = 0;

    status = nss.getgrnam_r("stormy", &group, buffer, sizeof(buffer), &error);
    if (status != NSS_STATUS_SUCCESS)
        return say(FAILED, "group stormy: status %d, %s", status, strerror(error));
    while (group.gr_mem[n])
        n++;
    return group.gr_gid == FIRST_UID && n == USERS ? RIGHT : say(WRONG, "group stormy: %u members", n);
}

static enum outcome ask_all(void)
{
    bool seen[USERS] = { false };
    enum nss_status status;
    struct passwd user;
    char buffer[4096];
    unsigned n = 0;
    int error = 0;

    if ((status = nss.setpwent()) != NSS_STATUS_SUCCESS)
        return say(FAILED, "setpwent: status %d, %s", status, strerror(errno));
    while ((status = nss.getpwent_r(&user, buffer, sizeof(buffer), &error)) == NSS_STATUS_SUCCESS) {
        unsigned i = user.pw_uid - FIRST_UID;

        if (i >= USERS || !is_user(&user, i) || seen[i])
            return say(WRONG, "all users: %s, %u%s", user.pw_name, user.pw_uid, i < USERS && seen[i] ? ", again" : "");
        seen[i] = true;
        n++;
    }
    if (status != NSS_STATUS_NOTFOUND)
        return say(FAILED, "getpwent after %u: status %d, %s", n, status, strerror(error));
    (void) nss.endpwent(); /* what it loses nobody needs */
    return n == USERS ? RIGHT : say(WRONG, "%u users in all", n);
}

static enum outcome ask(unsigned seed)
{
    unsigned what = seed % 20, i = seed / 20 % USERS;

    return what == 0 ? ask_all() : what == 1 ? ask_group() : what < 4 ? ask_nobody() : ask_user(i, what < 12);
}

/* The library sees that this is another process, and connects anew. */
static enum outcome ask_in_a_child(unsigned seed)
{
    int status;
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid == 0)
        _exit((int) ask(seed));
    if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
        return say(WRONG, "a client ended with %#x", status); /* e.g. a crash, of which the library is capable */
    return (enum outcome) WEXITSTATUS(status);
}

static void run_client(unsigned number, unsigned seed)
{
    struct timespec pause = { 0 };
    bool is_kept = number % 2 == 0;

    while (!__atomic_load_n(&shared->is_over, __ATOMIC_RELAXED)) {
        uint64_t begun = now_usec(), took;
        unsigned question = (unsigned) rand_r(&seed);
        enum outcome outcome;

        __atomic_store_n(&shared->clients[number].since_usec, begun, __ATOMIC_RELAXED);
        outcome = is_kept ? ask(question) : ask_in_a_child(question);
        __atomic_store_n(&shared->clients[number].since_usec, 0, __ATOMIC_RELAXED);

        took = now_usec() - begun;
        if (took > shared->clients[number].longest_usec)
            shared->clients[number].longest_usec = took;
        shared->clients[number].asked++;
        shared->clients[number].failed += outcome == FAILED;
        shared->clients[number].wrong += outcome == WRONG;
        pause.tv_nsec = rand_r(&seed) % PAUSE_USEC_MAX * 1000L;
        (void) nanosleep(&pause, NULL);
    }
    _exit(0);
}

static void *symbol(void *library, const char *name)
{
    void *address = dlsym(library, name);

    if (!address) {
        (void) fprintf(stderr, "storm: %s\n", dlerror());
        exit(2);
    }
    return address;
}

static void load_library(void)
{
    void *library = dlopen("libnss_sss.so.2", RTLD_NOW);

    if (!library) {
        (void) fprintf(stderr, "storm: %s\n", dlerror());
        exit(2);
    }
    nss.getpwnam_r = symbol(library, "_nss_sss_getpwnam_r");
    nss.getpwuid_r = symbol(library, "_nss_sss_getpwuid_r");
    nss.getgrnam_r = symbol(library, "_nss_sss_getgrnam_r");
    nss.setpwent = symbol(library, "_nss_sss_setpwent");
    nss.getpwent_r = symbol(library, "_nss_sss_getpwent_r");
    nss.endpwent = symbol(library, "_nss_sss_endpwent");
}

/* ---- what systemd does ---- */

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void) strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    (void) unlink(path);
    if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 || listen(fd, 4096) < 0 ||
        chmod(path, 0666) < 0)
        die(path);
    return fd;
}

static pid_t start(int listener, char **command)
{
    char pid_text[16];
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid > 0)
        return pid;
    (void) snprintf(pid_text, sizeof(pid_text), "%d", (int) getpid());
    if (setenv("LISTEN_FDS", "1", 1) < 0 || setenv("LISTEN_PID", pid_text, 1) < 0 || setenv("LISTEN_FDNAMES", "nss", 1) < 0 ||
        dup2(listener, 3) < 0 || fcntl(3, F_SETFD, 0) < 0 ||
        fcntl(3, F_SETFL, 0) < 0) /* blocking, as systemd passes it */
        _exit(126);
    execv(command[0], command);
    _exit(127);
}

struct ends {
    unsigned long idle, told, killed, bad;
};

/* Until it ends. It may be told to leave at any moment, also before it can know what that means. */
static void run_instance(int listener, char **command, unsigned *seed, struct ends *ends)
{
    bool is_told = rand_r(seed) % 2;
    int status, msec = is_told ? rand_r(seed) % (TERM_USEC_MAX / 1000) : -1;
    pid_t pid = start(listener, command);
    struct pollfd ended = { .fd = pidfd_open(pid, 0), .events = POLLIN };

    if (ended.fd < 0)
        die("pidfd_open");
    if (is_told && poll(&ended, 1, msec) == 0)
        (void) kill(pid, SIGTERM);
    else
        is_told = false; /* has left before */
    if (poll(&ended, 1, (int) (HUNG_USEC / 1000)) == 0) {
        (void) printf("# instance %d does not leave\n", (int) pid);
        ends->bad++;
        (void) kill(pid, SIGKILL);
    }
    (void) close(ended.fd);
    if (waitpid(pid, &status, 0) != pid)
        die("waitpid");

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        if (is_told)
            ends->told++;
        else
            ends->idle++;
    } else if (is_told && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) {
        ends->killed++;
    } else {
        (void) printf("# instance %d ended with status %#x\n", (int) pid, (unsigned) status);
        ends->bad++;
    }
}

static unsigned long count_hung(unsigned n_clients)
{
    unsigned long hung = 0;

    for (unsigned i = 0; i < n_clients; i++) {
        uint64_t since = __atomic_load_n(&shared->clients[i].since_usec, __ATOMIC_RELAXED);

        hung += since && now_usec() > since + HUNG_USEC;
    }
    return hung;
}

int main(int argc, char **argv)
{
    unsigned long exits, asked = 0, failed = 0, wrong = 0, hung = 0;
    unsigned n_clients, seed;
    uint64_t longest = 0, begun, last;
    struct ends ends = { 0 };
    pid_t pids[CLIENTS_MAX];
    int listener;

    if (argc < 5 || (n_clients = (unsigned) atoi(argv[2])) > CLIENTS_MAX) {
        (void) fprintf(stderr, "usage: storm EXITS CLIENTS SEED PROGRAM [ARGUMENT ...]\n");
        return 2;
    }
    exits = strtoul(argv[1], NULL, 10);
    seed = (unsigned) atoi(argv[3]);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        die("mmap");
    load_library();
    listener = listen_at(PATH);
    for (unsigned i = 0; i < n_clients; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            die("fork");
        if (pids[i] == 0) {
            (void) close(listener); /* a client has none */
            if (setenv("SSS_NSS_USE_MEMCACHE", "NO", 1) < 0)
                _exit(2);
            run_client(i, seed + i + 1);
        }
    }

    begun = now_usec();
    while (ends.idle + ends.told + ends.killed < exits && ends.bad < SAID_MAX && !hung) {
        struct pollfd queue = { .fd = listener, .events = POLLIN };

        if (poll(&queue, 1, 1000) == 1)
            run_instance(listener, argv + 4, &seed, &ends);
        hung = count_hung(n_clients);
    }
    last = now_usec();

    /* Everybody gets the answer to the last question. */
    __atomic_store_n(&shared->is_over, true, __ATOMIC_RELAXED);
    for (unsigned left = n_clients; left > 0 && ends.bad < SAID_MAX && !hung;) {
        struct pollfd queue = { .fd = listener, .events = POLLIN };

        if (poll(&queue, 1, 100) == 1)
            run_instance(listener, argv + 4, &seed, &ends);
        for (unsigned i = 0; i < n_clients; i++)
            if (pids[i] > 0 && waitpid(pids[i], NULL, WNOHANG) == pids[i]) {
                pids[i] = 0;
                left--;
            }
        hung = count_hung(n_clients);
    }
    for (unsigned i = 0; i < n_clients; i++) {
        if (pids[i] > 0)
            (void) kill(pids[i], SIGKILL);
        asked += shared->clients[i].asked;
        failed += shared->clients[i].failed;
        wrong += shared->clients[i].wrong;
        if (shared->clients[i].longest_usec > longest)
            longest = shared->clients[i].longest_usec;
    }

    (void) printf("# %lu left unused, %lu told to, %lu told before they could know, %lu ended badly, in %.1f s\n", ends.idle,
                  ends.told, ends.killed, ends.bad, (double) (last - begun) / 1e6);
    (void) printf("# %lu calls of %u clients: %lu failed, %lu wrong, %lu hung; the longest took %.0f ms\n", asked, n_clients,
                  failed, wrong, hung, (double) longest / 1e3);
    return failed || wrong || hung || ends.bad || asked == 0;
}
