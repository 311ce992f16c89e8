/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program itself, between a monitor and a responder that are this test. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/test-fixture.h"
#include "bus/bus.h"
#include "cache/writer.h"
#include "common/cleanup.h"

#define SOMEBODY 12345
#define WAIT_USEC (20 * 1000000ULL)

#define ALICE "dn: uid=alice,dc=x\nobjectClass: posixAccount\nuid: alice\nuidNumber: 1001\ngidNumber: 2001\n\n"
#define BOB "dn: uid=bob,dc=x\nobjectClass: posixAccount\nuid: bob\nuidNumber: 1002\ngidNumber: 2001\n\n"

struct stage {
    struct fixture *f;
    char program[4096];
    sd_event *event;
    struct bus_server *monitor;
    sd_bus *service; /* the backend's connection to the monitor */
    sd_bus *backend; /* ours to it, as a responder */
    char registered[64];
    pid_t pid;
    int answer; /* of Refresh or IsOnline: 1, 0, or -1: none yet, -2: an error */
};

static int on_register(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
    struct stage *stage = userdata;
    const char *name;
    uint16_t version;

    (void) error;
    assert_true(sd_bus_message_read(call, "sq", &name, &version) >= 0);
    assert_int_equal(version, BUS_VERSION);
    (void) snprintf(stage->registered, sizeof(stage->registered), "%s", name);
    return sd_bus_reply_method_return(call, BUS_REGISTER_GIVES, BUS_VERSION, 0, 0);
}

static const sd_bus_vtable monitor_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("RegisterService", BUS_REGISTER_TAKES, BUS_REGISTER_GIVES, on_register, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static int on_service(sd_bus *bus, const struct bus_peer *peer, void *userdata)
{
    struct stage *stage = userdata;

    assert_int_equal(peer->pid, stage->pid);
    stage->service = sd_bus_ref(bus);
    return sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_MONITOR, monitor_vtable, stage);
}

static uint64_t clock_usec(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* Runs the loop as long as that holds, but not for ever. */
#define WAIT_WHILE(stage, condition)                                       \
    do {                                                                   \
        uint64_t end_ = clock_usec() + WAIT_USEC;                          \
        while (condition) {                                                \
            assert_true(clock_usec() < end_);                              \
            assert_true(sd_event_run((stage)->event, 10 * 1000) >= 0);     \
        }                                                                  \
    } while (0)

/* The domain's part of the configuration, as the monitor makes it, for that group to read. */
static void write_part(struct stage *stage, gid_t gid)
{
    assert_true(mkdir(folder_file(&stage->f->folder, "config"), 0755) == 0 || errno == EEXIST);
    assert_int_equal(config_write_snapshot(stage->f->config,
                                           folder_file(&stage->f->folder, "config/domain-" DOMAIN), gid),
                     0);
}

static void start_as(struct stage *stage, const char *uid)
{
    write_part(stage, (gid_t) atoi(uid));
    stage->registered[0] = '\0';
    stage->pid = fork();
    assert_true(stage->pid >= 0);
    if (stage->pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chdir(stage->f->folder.path) < 0)
            _exit(3);
        (void) execl(stage->program, "sssd_be", "--domain", DOMAIN, "--uid", uid, "--gid", uid,
                     "--logger=files", "-d", "9", NULL);
        _exit(4);
    }
    WAIT_WHILE(stage, stage->registered[0] == '\0');
    assert_string_equal(stage->registered, "domain/" DOMAIN);
    assert_int_equal(bus_connect(stage->event,
                                 folder_file(&stage->f->folder, "backend_" DOMAIN ".socket"),
                                 geteuid(), &stage->backend),
                     0);
}

static void start(struct stage *stage)
{
    start_as(stage, "0");
}

static void stop_backend(struct stage *stage, int signal_number)
{
    int status;

    assert_int_equal(kill(stage->pid, signal_number), 0);
    assert_int_equal(waitpid(stage->pid, &status, 0), stage->pid);
    if (signal_number == SIGTERM)
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    stage->pid = 0;
    stage->backend = sd_bus_close_unref(stage->backend);
    stage->service = sd_bus_close_unref(stage->service);
}

static int stage_setup(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    void *f;

    assert_non_null(stage);
    assert_int_equal(fixture_setup(&f), 0);
    stage->f = f;
    assert_non_null(realpath("backend/sssd_be-for-tests", stage->program));
    assert_true(sd_event_new(&stage->event) >= 0);
    assert_int_equal(bus_listen(stage->event, folder_file(&stage->f->folder, "monitor"),
                                BUS_OURS_ALONE, on_service, stage, &stage->monitor),
                     0);
    *state = stage;
    return 0;
}

static int stage_teardown(void **state)
{
    struct stage *stage = *state;
    void *f = stage->f;

    if (stage->pid > 0)
        stop_backend(stage, SIGKILL);
    bus_server_free(stage->monitor);
    sd_event_unref(stage->event);
    free(stage);
    return fixture_teardown(&f);
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    int *answer = userdata, online;

    (void) error;
    *answer = -2;
    if (!sd_bus_message_get_error(reply) && sd_bus_message_read(reply, "b", &online) >= 0)
        *answer = online;
    return 0;
}

static int refresh(struct stage *stage)
{
    stage->answer = -1;
    assert_true(sd_bus_call_method_async(stage->backend, NULL, NULL, BUS_PATH, BUS_DATAPROVIDER, "Refresh", on_answer,
                                         &stage->answer, "ssu", "user", "alice", 0) >= 0);
    WAIT_WHILE(stage, stage->answer == -1);
    return stage->answer;
}

static int is_online(struct stage *stage, const char *domain)
{
    stage->answer = -1;
    assert_true(sd_bus_call_method_async(stage->backend, NULL, NULL, BUS_PATH, BUS_BACKEND, "IsOnline", on_answer,
                                         &stage->answer, "s", domain) >= 0);
    WAIT_WHILE(stage, stage->answer == -1);
    return stage->answer;
}

static int on_empty(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    int *answer = userdata;

    (void) error;
    *answer = sd_bus_message_get_error(reply) ? -2 : 0;
    return 0;
}

static int tell(struct stage *stage, const char *method)
{
    stage->answer = -1;
    assert_true(sd_bus_call_method_async(stage->service, NULL, NULL, BUS_PATH, BUS_SERVICE, method, on_empty,
                                         &stage->answer, NULL) >= 0);
    WAIT_WHILE(stage, stage->answer == -1);
    return stage->answer;
}

static bool knows(struct stage *stage, const char *name)
{
    struct fixture *f = stage->f;
    struct cache_user user;
    int r;

    if (f->cache && cache_is_replaced(f->cache))
        f->cache = cache_close(f->cache);
    if (!f->cache && cache_open(f->folder.path, DOMAIN, &f->cache) <= 0)
        return false;
    assert_int_equal(cache_begin(f->cache), 0);
    r = cache_user_by_name(f->cache, name, &user);
    assert_true(r >= 0);
    cache_end(f->cache);
    return r == 1;
}

static struct cache_state read_state(struct stage *stage)
{
    struct cache_state state;

    assert_int_equal(cache_read_state(fixture_view(stage->f), &state), 0);
    fixture_end_view(stage->f);
    return state;
}

/* ---- tests ---- */

static void it_registers_and_answers_when_the_files_are_in(void **state)
{
    struct stage *stage = *state;

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    assert_int_equal(refresh(stage), 1);
    assert_true(knows(stage, "alice"));
    assert_int_equal(is_online(stage, "D"), 1);
    assert_int_equal(is_online(stage, "other"), -2);
    stop_backend(stage, SIGTERM);
}

struct taken {
    uint64_t cookie, usec;
    int *answer;
};

static int on_taken(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct taken *taken = userdata;

    (void) error;
    assert_int_equal(*taken->answer, -1); /* before it */
    assert_true(sd_bus_message_read(message, "tt", &taken->cookie, &taken->usec) >= 0);
    return 0;
}

static void it_says_that_it_has_taken_a_question(void **state)
{
    struct stage *stage = *state;
    struct taken taken = { .answer = &stage->answer };
    sd_bus_message *call;
    uint64_t cookie;

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    assert_true(
        sd_bus_match_signal(stage->backend, NULL, NULL, BUS_PATH, BUS_DATAPROVIDER, "Taken", on_taken, &taken) >= 0);
    assert_true(sd_bus_message_new_method_call(stage->backend, &call, NULL, BUS_PATH, BUS_DATAPROVIDER, "Refresh") >=
                0);
    assert_true(sd_bus_message_append(call, "ssu", "user", "alice", 0) >= 0);
    stage->answer = -1;
    assert_true(sd_bus_call_async(stage->backend, NULL, call, on_answer, &stage->answer, 0) >= 0);
    assert_true(sd_bus_message_get_cookie(call, &cookie) >= 0);
    sd_bus_message_unref(call);
    WAIT_WHILE(stage, stage->answer == -1);
    assert_int_equal(taken.cookie, cookie);
    assert_true(taken.usec >= 10 * 1000000);
    stop_backend(stage, SIGTERM);
}

static void it_says_that_the_cache_has_all_until_the_files_change(void **state)
{
    struct stage *stage = *state;
    uint64_t generation;

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    assert_int_equal(refresh(stage), 1);
    assert_true(read_state(stage).is_complete);
    assert_true(read_state(stage).good_until[CACHE_NETGROUP] > (uint64_t) time(NULL));

    generation = read_state(stage).generation;
    fixture_write(stage->f, "b.ldif", BOB);
    WAIT_WHILE(stage, read_state(stage).is_complete);
    assert_int_equal(read_state(stage).generation, generation); /* before it is read */
    WAIT_WHILE(stage, !read_state(stage).is_complete);
    assert_true(knows(stage, "bob"));

    /* What a link leads to may change unseen. */
    assert_int_equal(symlink("../elsewhere", folder_file(&stage->f->folder, "ldif/c.ldif")), 0);
    folder_write(&stage->f->folder, "elsewhere", "");
    WAIT_WHILE(stage, read_state(stage).is_complete);
    assert_int_equal(refresh(stage), 1);
    assert_false(read_state(stage).is_complete);
    stop_backend(stage, SIGTERM);
}

static void shell(const struct stage *stage, const char *script)
{
    CLEANUP(freep) char *command = NULL;

    assert_true(asprintf(&command, "cd %s && %s", stage->f->folder.path, script) > 0);
    assert_int_equal(system(command), 0);
}

static void a_folder_that_a_link_leads_to_may_be_another_tomorrow(void **state)
{
    struct stage *stage = *state;

    fixture_write(stage->f, "a.ldif", ALICE);
    shell(stage, "mv ldif one && mkdir two && ln -s one ldif");
    start(stage);
    assert_int_equal(refresh(stage), 1);
    assert_false(read_state(stage).is_complete);

    folder_write(&stage->f->folder, "two/b.ldif", BOB);
    shell(stage, "ln -sfn two ldif");
    assert_int_equal(refresh(stage), 1);
    assert_true(knows(stage, "bob"));
    folder_write(&stage->f->folder, "two/a.ldif", ALICE);
    WAIT_WHILE(stage, !knows(stage, "alice")); /* it is watched now */
    stop_backend(stage, SIGTERM);
}

static void unchanged_files_are_not_read_again(void **state)
{
    struct stage *stage = *state;
    uint64_t generation;

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    assert_int_equal(refresh(stage), 1);
    generation = read_state(stage).generation;
    stop_backend(stage, SIGTERM);
    start(stage);
    assert_int_equal(refresh(stage), 1);
    assert_int_equal(read_state(stage).generation, generation);
    stop_backend(stage, SIGTERM);
}

static void a_change_is_read_by_itself(void **state)
{
    struct stage *stage = *state;

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    assert_int_equal(refresh(stage), 1);
    assert_false(knows(stage, "bob"));
    fixture_write(stage->f, "b.ldif", BOB);
    WAIT_WHILE(stage, !knows(stage, "bob"));
    assert_true(knows(stage, "alice"));

    assert_int_equal(unlink(folder_file(&stage->f->folder, "ldif/a.ldif")), 0);
    WAIT_WHILE(stage, knows(stage, "alice"));
    stop_backend(stage, SIGTERM);
}

/* As somebody who may enter neither the folder above nor the log's: what root has opened is enough
 * for it and its import. */
static void a_folder_behind_a_closed_one_is_read_and_watched(void **state)
{
    struct stage *stage = *state;
    const struct folder *folder = &stage->f->folder;
    CLEANUP(freep) char *log = NULL;
    struct stat st;

    assert_int_equal(mkdir(folder_file(folder, "closed"), 0700), 0);
    assert_int_equal(rename(folder_file(folder, "ldif"), folder_file(folder, "closed/ldif")), 0);
    assert_int_equal(symlink("closed/ldif", folder_file(folder, "ldif")), 0);
    fixture_set(stage->f, "ldif_files", folder_file(folder, "closed/ldif"));
    fixture_write(stage->f, "a.ldif", ALICE);
    assert_int_equal(chown(folder->path, SOMEBODY, SOMEBODY), 0);

    start_as(stage, "12345");
    assert_int_equal(refresh(stage), 1);
    assert_true(knows(stage, "alice"));
    fixture_write(stage->f, "b.ldif", BOB);
    WAIT_WHILE(stage, !knows(stage, "bob"));
    stop_backend(stage, SIGTERM);

    assert_int_equal(stat(folder_file(folder, "cache_" DOMAIN ".mdb"), &st), 0);
    assert_int_equal(st.st_uid, SOMEBODY);
    assert_int_equal(stat(folder_file(folder, "sssd_be_" DOMAIN ".log"), &st), 0);
    assert_int_equal(st.st_uid, 0);
    log = folder_read(folder, "sssd_be_" DOMAIN ".log");
    assert_non_null(strstr(log, "2 users")); /* the import's line */
    assert_null(strstr(log, "are not watched"));
}

/* What cannot be read is told by its own name. */
static void a_file_that_is_closed_to_the_user_is_named(void **state)
{
    struct stage *stage = *state;
    const struct folder *folder = &stage->f->folder;
    CLEANUP(freep) char *log = NULL;
    CLEANUP(freep) char *line = NULL;

    fixture_write(stage->f, "a.ldif", ALICE);
    assert_int_equal(chmod(folder_file(folder, "ldif/a.ldif"), 0600), 0);
    assert_int_equal(chown(folder->path, SOMEBODY, SOMEBODY), 0);
    start_as(stage, "12345");
    assert_int_equal(refresh(stage), 0);
    stop_backend(stage, SIGTERM);
    log = folder_read(folder, "sssd_be_" DOMAIN ".log");
    assert_true(asprintf(&line, "cannot read %s: Permission denied",
                         folder_file(folder, "ldif/a.ldif")) > 0);
    assert_non_null(strstr(log, line));
}

static void a_broken_file_means_offline_and_its_repair_online(void **state)
{
    struct stage *stage = *state;

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    assert_int_equal(refresh(stage), 1);
    fixture_write(stage->f, "a.ldif", ALICE "no colon\n");
    WAIT_WHILE(stage, is_online(stage, DOMAIN));
    assert_true(knows(stage, "alice"));
    assert_int_equal(refresh(stage), 0);

    /* The verdict outlives who came to it, until somebody says otherwise: here the files themselves. */
    stop_backend(stage, SIGTERM);
    assert_true(read_state(stage).offline_until > (uint64_t) time(NULL) + 30);
    start(stage);
    fixture_write(stage->f, "a.ldif", ALICE BOB);
    WAIT_WHILE(stage, !is_online(stage, DOMAIN));
    WAIT_WHILE(stage, !knows(stage, "bob"));
    assert_int_equal(refresh(stage), 1);
    stop_backend(stage, SIGTERM);
}

static void no_files_at_all_mean_offline(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(rmdir(folder_file(&stage->f->folder, "ldif")), 0);
    start(stage);
    assert_int_equal(refresh(stage), 0);
    assert_int_equal(is_online(stage, DOMAIN), 0);
    stop_backend(stage, SIGTERM);
}

static void a_folder_that_comes_later_is_watched(void **state)
{
    struct stage *stage = *state;
    const struct folder *folder = &stage->f->folder;

    /* not beside the cache, where there is always something that changes */
    assert_int_equal(mkdir(folder_file(folder, "far"), 0755), 0);
    fixture_set(stage->f, "ldif_files", folder_file(folder, "far/ldif"));
    start(stage);
    assert_int_equal(mkdir(folder_file(folder, "far/ldif"), 0755), 0);
    WAIT_WHILE(stage, !is_online(stage, DOMAIN)); /* it has been looked at */
    folder_write(folder, "far/ldif/a.ldif", ALICE);
    WAIT_WHILE(stage, !knows(stage, "alice"));
    WAIT_WHILE(stage, !read_state(stage).is_complete);
    stop_backend(stage, SIGTERM);
}

static void the_monitor_says_offline_and_online(void **state)
{
    struct stage *stage = *state;

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    assert_int_equal(refresh(stage), 1);
    assert_int_equal(tell(stage, "GoOffline"), 0);
    assert_int_equal(is_online(stage, DOMAIN), 0);
    assert_int_equal(refresh(stage), 0);
    assert_int_equal(tell(stage, "ResetOffline"), 0);
    assert_int_equal(is_online(stage, DOMAIN), 1);
    assert_int_equal(refresh(stage), 1);
    assert_int_equal(tell(stage, "RotateLogs"), 0);
    stop_backend(stage, SIGTERM);
}

static void a_cache_that_was_taken_away_is_made_anew(void **state)
{
    struct stage *stage = *state;

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    assert_int_equal(refresh(stage), 1);
    assert_true(knows(stage, "alice"));
    assert_int_equal(unlink(folder_file(&stage->f->folder, "cache_" DOMAIN ".mdb")), 0);
    assert_int_equal(unlink(folder_file(&stage->f->folder, "cache_" DOMAIN ".mdb-lock")), 0);
    assert_false(knows(stage, "alice"));
    assert_int_equal(refresh(stage), 1);
    assert_true(knows(stage, "alice"));
    stop_backend(stage, SIGTERM);
}

static int ask_for_repair(struct stage *stage)
{
    stage->answer = -1;
    assert_true(sd_bus_call_method_async(stage->backend, NULL, NULL, BUS_PATH, BUS_DATAPROVIDER, "Refresh", on_answer,
                                         &stage->answer, "ssu", "cache", "", 0) >= 0);
    WAIT_WHILE(stage, stage->answer == -1);
    return stage->answer;
}

/* All pages but LMDB's first two. */
static void damage(struct stage *stage)
{
    int fd = open(folder_file(&stage->f->folder, "cache_" DOMAIN ".mdb"), O_WRONLY | O_CLOEXEC);
    const size_t bytes = (size_t) sysconf(_SC_PAGESIZE);
    char *page = malloc(bytes);

    assert_non_null(page);
    memset(page, 0xff, bytes);
    assert_true(fd >= 0);
    for (off_t i = 2; i < 64; i++)
        assert_int_equal(pwrite(fd, page, bytes, i * (off_t) bytes), bytes);
    free(page);
    assert_int_equal(close(fd), 0);
}

static void a_damaged_cache_is_made_anew_when_somebody_meets_it(void **state)
{
    struct stage *stage = *state;
    uint64_t generation;

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    assert_int_equal(refresh(stage), 1);
    damage(stage);
    assert_int_equal(ask_for_repair(stage), 1);
    assert_true(knows(stage, "alice"));
    assert_int_equal(refresh(stage), 1);

    /* A sound one stays, whoever asks, and however often. */
    generation = read_state(stage).generation;
    assert_int_equal(ask_for_repair(stage), 1);
    assert_int_equal(read_state(stage).generation, generation);
    stop_backend(stage, SIGTERM);
}

static void it_leaves_when_the_monitor_goes(void **state)
{
    struct stage *stage = *state;
    int status = 0;

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    stage->service = sd_bus_close_unref(stage->service);
    WAIT_WHILE(stage, waitpid(stage->pid, &status, WNOHANG) == 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    stage->pid = 0;
    stage->backend = sd_bus_close_unref(stage->backend);
}

/* At random moments of imports: what is in the cache is always one of the files. */
static void killed_at_any_time_it_leaves_a_whole_cache(void **state)
{
    struct stage *stage = *state;

    for (unsigned i = 0; i < 20; i++) {
        fixture_write(stage->f, "a.ldif", i % 2 ? ALICE : ALICE BOB);
        start(stage);
        (void) usleep(i * 2000);
        stop_backend(stage, SIGKILL);
        if (stage->f->cache || access(folder_file(&stage->f->folder, "cache_" DOMAIN ".mdb"), F_OK) == 0)
            (void) knows(stage, "bob"); /* asserts that it can be read */
    }
    start(stage);
    assert_int_equal(refresh(stage), 1);
    assert_true(knows(stage, "alice"));
    assert_false(knows(stage, "bob"));
    stop_backend(stage, SIGTERM);
}

static void several_questions_during_an_import_are_all_answered(void **state)
{
    struct stage *stage = *state;
    int answers[50];

    fixture_write(stage->f, "a.ldif", ALICE);
    start(stage);
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        answers[i] = -1;
        assert_true(sd_bus_call_method_async(stage->backend, NULL, NULL, BUS_PATH, BUS_DATAPROVIDER, "Refresh",
                                             on_answer, &answers[i], "ssu", "user", "", 7) >= 0);
    }
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        WAIT_WHILE(stage, answers[i] == -1);
        assert_int_equal(answers[i], 1);
    }
    stop_backend(stage, SIGTERM);
}

/* ---- the import, without the backend ---- */

#define NOBODY 65534

/* As uid, which may write to the folder. */
static pid_t start_import(struct stage *stage, const char *parent, const char *uid, int told)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    /* told stays open in the import as long as that lives */
    if (chdir(stage->f->folder.path) < 0 || fcntl(told, F_SETFD, 0) < 0)
        _exit(3);
    (void) execl(stage->program, "sssd_be", "--import", "--domain", DOMAIN, "--uid", uid, "--gid", uid,
                 parent ? "--parent" : NULL, parent, NULL);
    _exit(4);
}

/* For the lock: as its user, and in the futex. */
static void wait_until_it_waits(pid_t pid)
{
    uint64_t end = clock_usec() + WAIT_USEC;
    char path[64], text[64];
    FILE *file;

    (void) snprintf(path, sizeof(path), "/proc/%ld/syscall", (long) pid);
    for (;;) {
        assert_true(clock_usec() < end);
        file = fopen(path, "re");
        assert_non_null(file);
        if (!fgets(text, sizeof(text), file))
            text[0] = '\0';
        assert_int_equal(fclose(file), 0);
        if (strtol(text, NULL, 10) == SYS_futex)
            return;
        (void) usleep(1000);
    }
}

static void give_to_nobody(struct stage *stage, const char *name)
{
    assert_int_equal(chown(folder_file(&stage->f->folder, name), NOBODY, NOBODY), 0);
}

static void an_import_without_its_parent_leaves_the_cache_alone(void **state)
{
    struct stage *stage = *state;
    int status, told[2];
    char parent[16];
    pid_t pid;

    fixture_write(stage->f, "a.ldif", ALICE);
    write_part(stage, 0);
    assert_int_equal(pipe(told), 0);
    pid = start_import(stage, "1", "0", told[1]); /* ours it is, not init's */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
    assert_false(knows(stage, "alice"));

    (void) snprintf(parent, sizeof(parent), "%ld", (long) getpid());
    pid = start_import(stage, parent, "0", told[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    assert_true(knows(stage, "alice"));
    assert_int_equal(close(told[0]), 0);
    assert_int_equal(close(told[1]), 0);
}

/* It waits for the cache, which is locked here, when its parent is killed. */
static void an_import_that_is_another_users_ends_with_its_parent(void **state)
{
    CLEANUP(cache_writer_closep) struct cache_writer *writer = NULL;
    struct stage *stage = *state;
    struct pollfd end = { .events = POLLIN };
    int told[2];
    pid_t pid, parent;
    char byte;

    fixture_write(stage->f, "a.ldif", ALICE);
    write_part(stage, NOBODY);
    assert_int_equal(cache_writer_open(stage->f->folder.path, DOMAIN, &writer), 0);
    give_to_nobody(stage, "");
    give_to_nobody(stage, "cache_" DOMAIN ".mdb");
    give_to_nobody(stage, "cache_" DOMAIN ".mdb-lock");
    assert_int_equal(cache_writer_begin(writer), 0);

    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        pid = start_import(stage, NULL, "65534", told[1]);
        if (write(told[1], &pid, sizeof(pid)) != sizeof(pid))
            _exit(1);
        (void) close(told[1]);
        (void) pause();
        _exit(0);
    }
    assert_int_equal(close(told[1]), 0);
    assert_int_equal(read(told[0], &pid, sizeof(pid)), sizeof(pid));
    wait_until_it_waits(pid);

    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    end.fd = told[0];
    if (poll(&end, 1, 5000) != 1) {
        (void) kill(pid, SIGKILL);
        fail_msg("the import lives on without its parent");
    }
    assert_int_equal(read(told[0], &byte, 1), 0);
    assert_int_equal(close(told[0]), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_registers_and_answers_when_the_files_are_in),
        TEST(it_says_that_it_has_taken_a_question),
        TEST(it_says_that_the_cache_has_all_until_the_files_change),
        TEST(a_folder_that_a_link_leads_to_may_be_another_tomorrow),
        TEST(unchanged_files_are_not_read_again),
        TEST(a_change_is_read_by_itself),
        TEST(a_folder_behind_a_closed_one_is_read_and_watched),
        TEST(a_file_that_is_closed_to_the_user_is_named),
        TEST(a_broken_file_means_offline_and_its_repair_online),
        TEST(no_files_at_all_mean_offline),
        TEST(a_folder_that_comes_later_is_watched),
        TEST(the_monitor_says_offline_and_online),
        TEST(a_cache_that_was_taken_away_is_made_anew),
        TEST(a_damaged_cache_is_made_anew_when_somebody_meets_it),
        TEST(it_leaves_when_the_monitor_goes),
        TEST(killed_at_any_time_it_leaves_a_whole_cache),
        TEST(several_questions_during_an_import_are_all_answered),
        TEST(an_import_without_its_parent_leaves_the_cache_alone),
        TEST(an_import_that_is_another_users_ends_with_its_parent),
    };

    if (geteuid() != 0)
        return 77; /* automake's word for a test that does not apply: a back end believes root's monitor alone */
    (void) alarm(300);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
