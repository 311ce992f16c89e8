/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ask: reads questions, a line each, asks the stock libnss_sss alone, and prints each question with its answer:
 *
 *     user NAME | uid N | group NAME | gid N | groups-of NAME | netgroup NAME | service NAME PROTOCOL | port N PROTOCOL
 *     users | groups | services
 *
 * A byte that a word can't hold is written %XX, an empty word %, any protocol %. Members, groups and triples are sorted,
 * since nobody promises their order. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define NSS_LIBRARY "libnss_sss.so.2"

/* The state of a netgroup's enumeration as libc and its NSS modules lay it out (the C library has no header for it). */
struct netgroup_state {
    enum { TRIPLE, MEMBER } type;
    union {
        struct {
            const char *host, *user, *domain;
        } triple;
        const char *group;
    } value;
    char *data;
    size_t data_size;
    union {
        char *cursor;
        unsigned long position;
    } at;
    int first;
    void *known_groups, *needed_groups, *nip; /* libc's own */
};

typedef enum nss_status status_t;

static struct {
    status_t (*getpwnam_r)(const char *, struct passwd *, char *, size_t, int *);
    status_t (*getpwuid_r)(uid_t, struct passwd *, char *, size_t, int *);
    status_t (*getgrnam_r)(const char *, struct group *, char *, size_t, int *);
    status_t (*getgrgid_r)(gid_t, struct group *, char *, size_t, int *);
    status_t (*initgroups_dyn)(const char *, gid_t, long *, long *, gid_t **, long, int *);
    status_t (*setnetgrent)(const char *, struct netgroup_state *);
    status_t (*getnetgrent_r)(struct netgroup_state *, char *, size_t, int *);
    status_t (*endnetgrent)(struct netgroup_state *);
    status_t (*getservbyname_r)(const char *, const char *, struct servent *, char *, size_t, int *);
    status_t (*getservbyport_r)(int, const char *, struct servent *, char *, size_t, int *);
    status_t (*setpwent)(void);
    status_t (*getpwent_r)(struct passwd *, char *, size_t, int *);
    status_t (*endpwent)(void);
    status_t (*setgrent)(void);
    status_t (*getgrent_r)(struct group *, char *, size_t, int *);
    status_t (*endgrent)(void);
    status_t (*setservent)(void);
    status_t (*getservent_r)(struct servent *, char *, size_t, int *);
    status_t (*endservent)(void);
} nss;

static char *buffer;
static size_t buffer_bytes = 4096;

/* Calls once more with twice the room while the answer does not fit. */
#define WITH_ROOM(status, error, call)                                       \
    do {                                                                     \
        error = 0;                                                           \
        status = (call);                                                     \
        if (status != NSS_STATUS_TRYAGAIN || error != ERANGE)                \
            break;                                                           \
        buffer_bytes *= 2;                                                   \
        buffer = realloc(buffer, buffer_bytes);                              \
    } while (buffer)

static void find_functions(void)
{
    void *library = dlopen(NSS_LIBRARY, RTLD_NOW);

    if (!library) {
        (void) fprintf(stderr, "ask: %s\n", dlerror());
        exit(1);
    }
#define FIND(name) *(void **) &nss.name = dlsym(library, "_nss_sss_" #name)
    FIND(getpwnam_r), FIND(getpwuid_r), FIND(getgrnam_r), FIND(getgrgid_r), FIND(initgroups_dyn);
    FIND(setnetgrent), FIND(getnetgrent_r), FIND(endnetgrent);
    FIND(getservbyname_r), FIND(getservbyport_r);
    FIND(setpwent), FIND(getpwent_r), FIND(endpwent);
    FIND(setgrent), FIND(getgrent_r), FIND(endgrent);
    FIND(setservent), FIND(getservent_r), FIND(endservent);
}

/* In place. */
static char *decode(char *word)
{
    char *to = word;

    for (const char *from = word; *from; from++) {
        unsigned byte;

        if (*from != '%')
            *to++ = *from;
        else if (sscanf(from + 1, "%2x", &byte) == 1 && strlen(from) >= 3)
            *to++ = (char) byte, from += 2;
    }
    *to = 0;
    return word;
}

static void print_failure(status_t status, int error)
{
    const char *what = status == NSS_STATUS_NOTFOUND ? "not found" : status == NSS_STATUS_UNAVAIL ? "unavailable" : "try again";

    (void) printf("%s%s%s", what, error ? ", " : "", !error ? "" : strerrorname_np(error) ? strerrorname_np(error) : "an error of its own");
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void print_texts(char **texts)
{
    size_t n = 0;

    while (texts[n])
        n++;
    qsort(texts, n, sizeof(*texts), compare_texts);
    for (size_t i = 0; i < n; i++)
        (void) printf("%s%s", i > 0 ? "," : "", texts[i]);
}

static void print_user(const struct passwd *user)
{
    (void) printf("%s:%s:%u:%u:%s:%s:%s", user->pw_name, user->pw_passwd, user->pw_uid, user->pw_gid, user->pw_gecos,
                  user->pw_dir, user->pw_shell);
}

static void print_group(const struct group *group)
{
    (void) printf("%s:%s:%u:", group->gr_name, group->gr_passwd, group->gr_gid);
    print_texts(group->gr_mem);
}

static void print_service(const struct servent *service)
{
    (void) printf("%s %u/%s ", service->s_name, ntohs((uint16_t) service->s_port), service->s_proto);
    print_texts(service->s_aliases);
}

static int compare_gids(const void *a, const void *b)
{
    gid_t one = *(const gid_t *) a, other = *(const gid_t *) b;

    return one < other ? -1 : one > other;
}

/* libc gives the primary group; here it is one that no group can have. */
static void ask_groups_of(const char *name)
{
    long start = 0, size = 16;
    gid_t *gids = calloc((size_t) size, sizeof(*gids));
    status_t status;
    int error = 0;

    status = nss.initgroups_dyn(name, (gid_t) -1, &start, &size, &gids, -1, &error);
    if (status != NSS_STATUS_SUCCESS)
        print_failure(status, error);
    else if (gids)
        qsort(gids, (size_t) start, sizeof(*gids), compare_gids);
    for (long i = 0; status == NSS_STATUS_SUCCESS && gids && i < start; i++)
        (void) printf("%s%u", i > 0 ? " " : "", gids[i]);
    free(gids);
}

static void ask_netgroup(const char *name)
{
    struct netgroup_state state = { .first = 1 };
    char *entries[1024] = { NULL };
    size_t n = 0;
    status_t status;
    int error = 0;

    errno = 0;
    status = nss.setnetgrent(name, &state);
    if (status != NSS_STATUS_SUCCESS) {
        print_failure(status, errno);
        return;
    }
    for (;;) {
        WITH_ROOM(status, error, nss.getnetgrent_r(&state, buffer, buffer_bytes, &error));
        if (status != NSS_STATUS_SUCCESS || n + 1 >= sizeof(entries) / sizeof(*entries))
            break;
#define ANY(text) ((text) && *(text) ? (text) : "")
        if (asprintf(&entries[n], state.type == MEMBER ? "{%s}" : "(%s,%s,%s)",
                     state.type == MEMBER ? state.value.group : ANY(state.value.triple.host), ANY(state.value.triple.user),
                     ANY(state.value.triple.domain)) >= 0)
            n++;
        entries[n] = NULL;
    }
    print_texts(entries);
    /* "Return" is how an enumeration ends well. */
    if (status != NSS_STATUS_RETURN && status != NSS_STATUS_NOTFOUND)
        print_failure(status, error);
    while (n-- > 0)
        free(entries[n]);
    (void) nss.endnetgrent(&state);
}

/* A line for each entry, sorted by those who compare. */
static void ask_all(const char *kind)
{
    struct passwd user;
    struct group group;
    struct servent service;
    status_t status;
    int error;

    (void) (*kind == 'u' ? nss.setpwent() : *kind == 'g' ? nss.setgrent() : nss.setservent());
    for (;;) {
        if (*kind == 'u')
            WITH_ROOM(status, error, nss.getpwent_r(&user, buffer, buffer_bytes, &error));
        else if (*kind == 'g')
            WITH_ROOM(status, error, nss.getgrent_r(&group, buffer, buffer_bytes, &error));
        else
            WITH_ROOM(status, error, nss.getservent_r(&service, buffer, buffer_bytes, &error));
        if (status != NSS_STATUS_SUCCESS)
            break;
        (void) printf("%s\t", kind);
        *kind == 'u' ? print_user(&user) : *kind == 'g' ? print_group(&group) : print_service(&service);
        (void) printf("\n");
    }
    (void) (*kind == 'u' ? nss.endpwent() : *kind == 'g' ? nss.endgrent() : nss.endservent());
    (void) printf("%s\tend: ", kind);
    print_failure(status, error);
}

static void ask(const char *kind, char *what, const char *protocol)
{
    struct passwd user;
    struct group group;
    struct servent service;
    status_t status;
    int error;

#define IS(word) (strcmp(kind, word) == 0)
    if (IS("groups-of")) {
        ask_groups_of(what);
        return;
    }
    if (IS("netgroup")) {
        ask_netgroup(what);
        return;
    }
    if (IS("user"))
        WITH_ROOM(status, error, nss.getpwnam_r(what, &user, buffer, buffer_bytes, &error));
    else if (IS("uid"))
        WITH_ROOM(status, error, nss.getpwuid_r((uid_t) strtoul(what, NULL, 10), &user, buffer, buffer_bytes, &error));
    else if (IS("group"))
        WITH_ROOM(status, error, nss.getgrnam_r(what, &group, buffer, buffer_bytes, &error));
    else if (IS("gid"))
        WITH_ROOM(status, error, nss.getgrgid_r((gid_t) strtoul(what, NULL, 10), &group, buffer, buffer_bytes, &error));
    else if (IS("service"))
        WITH_ROOM(status, error, nss.getservbyname_r(what, protocol, &service, buffer, buffer_bytes, &error));
    else if (IS("port"))
        WITH_ROOM(status, error,
                  nss.getservbyport_r(htons((uint16_t) atoi(what)), protocol, &service, buffer, buffer_bytes, &error));
    else {
        (void) fprintf(stderr, "ask: no such kind of question: %s\n", kind);
        exit(2);
    }

    if (status != NSS_STATUS_SUCCESS)
        print_failure(status, error);
    else if (IS("user") || IS("uid"))
        print_user(&user);
    else if (IS("group") || IS("gid"))
        print_group(&group);
    else
        print_service(&service);
}

int main(void)
{
    static char line[8192];

    find_functions();
    buffer = malloc(buffer_bytes);
    while (buffer && fgets(line, sizeof(line), stdin)) {
        char *rest = NULL, *kind, *what, *protocol;

        line[strcspn(line, "\n")] = 0;
        if (!*line || *line == '#')
            continue;
        if (strcmp(line, "users") == 0 || strcmp(line, "groups") == 0 || strcmp(line, "services") == 0) {
            ask_all(line);
            (void) printf("\n");
            continue;
        }
        (void) printf("%s\t", line);
        kind = strtok_r(line, " ", &rest);
        what = strtok_r(NULL, " ", &rest);
        protocol = strtok_r(NULL, " ", &rest);
        if (!kind || !what) {
            (void) fprintf(stderr, "ask: half a question: %s\n", line);
            return 2;
        }
        decode(what);
        if (protocol && !*decode(protocol))
            protocol = NULL;
        ask(kind, what, protocol);
        (void) printf("\n");
    }
    return 0;
}
