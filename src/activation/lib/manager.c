/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Manager: PID 1, asked and told over one connection. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "lib/manager.h"

#ifndef MANAGER_SOCKET /* the tests have their own */
#define MANAGER_SOCKET "/run/systemd/private"
#endif
#ifndef MANAGER_ON_SYSTEM_BUS /* theirs is on none */
#define MANAGER_ON_SYSTEM_BUS true
#endif

#define SYSTEMD "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"

#define CONNECT_USEC UINT64_C(2000000)
#define CONNECT_EVERY_MSEC 10
/* A reload of a large machine takes seconds, in which PID 1 answers nobody. */
#define ANSWER_USEC UINT64_C(10000000)
/* The answer to a reload comes when it is done. */
#define RELOAD_USEC UINT64_C(90000000)

/* A job that somebody waits for. */
struct job {
    char path[64], unit[128];
    const char *verb;
    bool has_ended;
    enum job_result result;
};

struct manager {
    sd_bus *bus;
    bool is_peer; /* PID 1 itself is at the other end */
    struct job *jobs;
    size_t n_jobs;
    bool is_another; /* the connection, since that was last asked */
    char ended[128]; /* the unit whose job ended last, likewise */
};

/* A method and its arguments, which can be said again on another connection. */
struct call {
    const char *object, *interface, *member;
    const char *texts[3];
    int number; /* after the texts, unless 0 */
    const char *const *list;
    size_t n_list; /* texts in an array instead of all these, unless 0 */
    uint64_t usec; /* how long the answer may take; 0: as ever */
};

bool unit_is_up(const struct unit *unit)
{
    return unit->active[0] && strcmp(unit->active, "inactive") != 0 && strcmp(unit->active, "failed") != 0;
}

bool unit_is_enabled(const struct unit *unit)
{
    return strcmp(unit->file, "enabled") == 0 || strcmp(unit->file, "enabled-runtime") == 0;
}

const char *manager_error(int r)
{
    return r == -ENOTCONN   ? "systemd could not be asked"
           : r == -ERFKILL  ? "it is masked"
           : r == -ENOENT   ? "there is no such unit"
           : r == -EDEADLK  ? "another job contradicts that"
           : r == -EIO      ? "it failed"
                            : strerror(-r);
}

static void copy(char *to, size_t bytes, const char *from)
{
    (void) snprintf(to, bytes, "%s", from); /* the words that systemd uses here fit */
}

/* --- The connection -------------------------------------------------------------------------------------------- */

static enum job_result job_result_of(const char *word)
{
    return strcmp(word, "done") == 0 ? JOB_DONE : strcmp(word, "skipped") == 0 ? JOB_SKIPPED : JOB_FAILED;
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct manager *manager = userdata;
    const char *path, *unit, *result;
    uint32_t id;

    (void) error;
    if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) < 0)
        return 0; /* not PID 1's words */
    copy(manager->ended, sizeof(manager->ended), unit);
    for (size_t i = 0; i < manager->n_jobs; i++)
        if (strcmp(manager->jobs[i].path, path) == 0) {
            manager->jobs[i].has_ended = true;
            manager->jobs[i].result = job_result_of(result);
        }
    return 0;
}

static void disconnect(struct manager *manager)
{
    manager->bus = sd_bus_close_unref(manager->bus);
    manager->is_another = true;
}

static int connect_to_peer(struct manager *manager)
{
    int r;

    r = sd_bus_new(&manager->bus);
    if (r >= 0)
        r = sd_bus_set_address(manager->bus, "unix:path=" MANAGER_SOCKET);
    if (r >= 0)
        r = sd_bus_start(manager->bus);
    return r;
}

/* Jobs are told only to who subscribed. */
static int listen_to_jobs(struct manager *manager)
{
    int r;

    r = sd_bus_match_signal(manager->bus, NULL, manager->is_peer ? NULL : SYSTEMD, OBJECT, SYSTEMD ".Manager", "JobRemoved",
                            on_job_removed, manager);
    if (r >= 0)
        r = sd_bus_call_method(manager->bus, manager->is_peer ? NULL : SYSTEMD, OBJECT, SYSTEMD ".Manager", "Subscribe", NULL,
                               NULL, NULL);
    return r;
}

static int connect_once(struct manager *manager, bool to_peer)
{
    int r;

    manager->is_peer = to_peer;
    r = to_peer ? connect_to_peer(manager) : sd_bus_open_system(&manager->bus);
    if (r >= 0)
        r = sd_bus_set_method_call_timeout(manager->bus, ANSWER_USEC);
    if (r >= 0)
        r = listen_to_jobs(manager);
    if (r < 0)
        disconnect(manager);
    return r;
}

/* Does nothing to a connection that is there. Who may use PID 1's own socket waits for that: behind the system bus nobody answers
 * either while PID 1 is away. */
static int connect_to_manager(struct manager *manager, uint64_t end_usec)
{
    const bool may_be_peer = geteuid() == 0 || !MANAGER_ON_SYSTEM_BUS;
    int r;

    while (!manager->bus) {
        r = connect_once(manager, may_be_peer);
        if (r >= 0 || r == -ENOMEM)
            return r < 0 ? r : 0;
        if (now_usec() >= end_usec) {
            if (r == -ENOENT && may_be_peer && MANAGER_ON_SYSTEM_BUS && connect_once(manager, false) >= 0)
                return 0;
            return -ENOTCONN;
        }
        sleep_msec(CONNECT_EVERY_MSEC); /* nobody tells when it listens again */
    }
    return 0;
}

int manager_open(struct manager **ret)
{
    struct manager *manager = calloc(1, sizeof(*manager));
    int r;

    if (!manager)
        return -ENOMEM;
    r = connect_to_manager(manager, now_usec() + CONNECT_USEC);
    if (r < 0) {
        manager_free(manager);
        return r;
    }
    manager->is_another = false;
    *ret = manager;
    return 0;
}

struct manager *manager_free(struct manager *manager)
{
    if (manager)
        (void) sd_bus_flush_close_unref(manager->bus); /* NULL */
    free(manager);
    return NULL;
}

void manager_freep(struct manager **manager)
{
    *manager = manager_free(*manager);
}

/* --- Asking ---------------------------------------------------------------------------------------------------- */

static int errno_of(const sd_bus_error *error, int r)
{
    static const struct {
        const char *name;
        int error;
    } names[] = {
        { SYSTEMD ".TransactionIsDestructive", EDEADLK },
        { SYSTEMD ".TransactionJobsConflicting", EDEADLK },
        { SYSTEMD ".UnitMasked", ERFKILL },
        { SYSTEMD ".NoSuchUnit", ENOENT },
        { SD_BUS_ERROR_SERVICE_UNKNOWN, ENOTCONN },
        { SD_BUS_ERROR_NAME_HAS_NO_OWNER, ENOTCONN },
        { SD_BUS_ERROR_NO_REPLY, ETIMEDOUT },
        { SD_BUS_ERROR_TIMEOUT, ETIMEDOUT },
    };

    if (r == -ETIMEDOUT || r == -ENOMEM)
        return r;
    for (size_t i = 0; error->name && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(error->name, names[i].name) == 0)
            return -names[i].error;
    return -EIO;
}

static int append(sd_bus_message *message, const struct call *call)
{
    int r = 0;

    if (call->n_list > 0) {
        r = sd_bus_message_open_container(message, 'a', "s");
        for (size_t i = 0; r >= 0 && i < call->n_list; i++)
            r = sd_bus_message_append_basic(message, 's', call->list[i]);
        return r < 0 ? r : sd_bus_message_close_container(message);
    }
    for (size_t i = 0; r >= 0 && i < sizeof(call->texts) / sizeof(call->texts[0]) && call->texts[i]; i++)
        r = sd_bus_message_append_basic(message, 's', call->texts[i]);
    return r < 0 || call->number == 0 ? r : sd_bus_message_append(message, "i", call->number);
}

static int ask_once(struct manager *manager, const struct call *call, sd_bus_message **ret)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *message = NULL;
    CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    int r;

    r = sd_bus_message_new_method_call(manager->bus, &message, manager->is_peer ? NULL : SYSTEMD,
                                       call->object ? call->object : OBJECT, call->interface, call->member);
    if (r >= 0)
        r = append(message, call);
    if (r >= 0)
        r = sd_bus_call(manager->bus, message, call->usec, &error, ret);
    if (r >= 0)
        return 0;
    return sd_bus_is_ready(manager->bus) <= 0 ? -ENOTCONN : errno_of(&error, r);
}

/* Returns 0 with the reply, which the caller unrefs. */
static int ask(struct manager *manager, const struct call *call, sd_bus_message **ret)
{
    uint64_t end_usec = now_usec() + CONNECT_USEC;
    int r;

    do {
        r = connect_to_manager(manager, end_usec);
        if (r < 0)
            return r;
        r = ask_once(manager, call, ret);
        if (r == -ENOTCONN) {
            disconnect(manager);
            sleep_msec(CONNECT_EVERY_MSEC);
        }
    } while (r == -ENOTCONN && now_usec() < end_usec);
    return r;
}

/* The same where the reply says nothing more. */
static int tell(struct manager *manager, const struct call *call)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

    return ask(manager, call, &reply);
}

static int read_state(sd_bus_message *message, struct unit *ret)
{
    const char *load, *active, *sub, *job_type;
    int r;

    r = sd_bus_message_read(message, "(ssssssouso)", NULL, NULL, &load, &active, &sub, NULL, NULL, NULL, &job_type, NULL);
    if (r <= 0)
        return r < 0 ? r : -EBADMSG;
    copy(ret->load, sizeof(ret->load), load);
    copy(ret->active, sizeof(ret->active), active);
    copy(ret->sub, sizeof(ret->sub), sub);
    copy(ret->job, sizeof(ret->job), job_type);
    return 0;
}

int manager_states(struct manager *manager, const char *const *units, size_t n, struct unit *ret)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const struct call call = { .interface = SYSTEMD ".Manager", .member = "ListUnitsByNames", .list = units, .n_list = n };
    int r;

    for (size_t i = 0; i < n; i++)
        ret[i] = (struct unit) { .load = "" };
    if (n == 0)
        return 0;
    if (n > MANAGER_UNITS_MAX)
        return -E2BIG;

    r = ask(manager, &call, &reply);
    if (r >= 0)
        r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
    /* One a unit, in the order asked. */
    for (size_t i = 0; r >= 0 && i < n; i++)
        r = read_state(reply, &ret[i]);
    return r < 0 ? r : 0;
}

int manager_state(struct manager *manager, const char *unit, struct unit *ret)
{
    return manager_states(manager, &unit, 1, ret);
}

int manager_property(struct manager *manager, const char *unit, const char *interface, const char *property,
                     sd_bus_message **ret)
{
    CLEANUP(freep) char *object = NULL;
    char full[64];
    const struct call call = {
        .interface = "org.freedesktop.DBus.Properties", .member = "Get", .texts = { full, property }
    };
    struct call of_unit = call;
    const char *contents;
    int r;

    (void) snprintf(full, sizeof(full), SYSTEMD ".%s", interface); /* fits */
    r = unit ? sd_bus_path_encode(OBJECT "/unit", unit, &object) : 0;
    if (r < 0)
        return r;
    of_unit.object = object;
    r = ask(manager, &of_unit, ret);
    if (r < 0)
        return r;
    if (sd_bus_message_peek_type(*ret, NULL, &contents) > 0 && sd_bus_message_enter_container(*ret, 'v', contents) > 0)
        return 0;
    *ret = sd_bus_message_unref(*ret);
    return -EBADMSG;
}

int manager_text(struct manager *manager, const char *unit, const char *interface, const char *property, char *ret,
                 size_t bytes)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *text;
    int r;

    ret[0] = '\0';
    r = manager_property(manager, unit, interface, property, &reply);
    if (r >= 0)
        r = sd_bus_message_read_basic(reply, 's', &text);
    if (r < 0)
        return r;
    copy(ret, bytes, text);
    return 0;
}

int manager_number(struct manager *manager, const char *unit, const char *interface, const char *property, uint64_t *ret)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    union {
        int boolean;
        uint32_t u;
        uint64_t t;
    } value = { .t = 0 };
    char type;
    int r;

    *ret = 0;
    r = manager_property(manager, unit, interface, property, &reply);
    if (r < 0)
        return r;
    r = sd_bus_message_peek_type(reply, &type, NULL);
    if (r > 0)
        r = strchr("buit", type) ? sd_bus_message_read_basic(reply, type, &value) : -EBADMSG;
    if (r < 0)
        return r;
    *ret = type == 't' ? value.t : value.u;
    return 0;
}

int manager_read_file(struct manager *manager, const char *unit, struct unit *ret)
{
    int r = manager_text(manager, unit, "Unit", "UnitFileState", ret->file, sizeof(ret->file));

    return r == -ENOTCONN || r == -ETIMEDOUT ? r : 0;
}

int manager_read_main_pid(struct manager *manager, const char *unit, struct unit *ret)
{
    uint64_t pid;
    int r = manager_number(manager, unit, "Service", "MainPID", &pid);

    ret->main_pid = (int) pid;
    return r == -ENOTCONN || r == -ETIMEDOUT ? r : 0;
}

int manager_reset_failed(struct manager *manager, const char *unit)
{
    return tell(manager, &(struct call) { .interface = SYSTEMD ".Manager", .member = "ResetFailedUnit", .texts = { unit } });
}

int manager_kill(struct manager *manager, const char *unit, int signal)
{
    return tell(manager, &(struct call) {
                             .interface = SYSTEMD ".Manager", .member = "KillUnit", .texts = { unit, "all" }, .number = signal });
}

int manager_reload(struct manager *manager)
{
    return tell(manager, &(struct call) { .interface = SYSTEMD ".Manager", .member = "Reload", .usec = RELOAD_USEC });
}

/* --- Jobs ------------------------------------------------------------------------------------------------------ */

static int queue(struct manager *manager, const char *verb, const char *unit, const char *mode, struct job *job)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    char member[24];
    const struct call call = { .interface = SYSTEMD ".Manager", .member = member, .texts = { unit, mode } };
    const char *path;
    int r;

    (void) snprintf(member, sizeof(member), "%sUnit", verb); /* fits */
    r = ask(manager, &call, &reply);
    if (r < 0)
        return r;
    r = sd_bus_message_read_basic(reply, 'o', &path);
    if (r < 0)
        return r;
    *job = (struct job) { .verb = verb };
    copy(job->path, sizeof(job->path), path);
    copy(job->unit, sizeof(job->unit), unit);
    return 0;
}

int manager_queue(struct manager *manager, const char *verb, const char *unit, const char *mode)
{
    struct job job;

    return queue(manager, verb, unit, mode, &job);
}

/* On a connection of before its end may have been told: what the unit is now tells it, too. */
static int look_at_job(struct manager *manager, struct job *job)
{
    struct unit state;
    int r;

    r = manager_state(manager, job->unit, &state);
    if (r < 0 || state.job[0])
        return r;
    if (strcmp(job->verb, "Stop") == 0)
        job->result = unit_is_up(&state) ? JOB_FAILED : JOB_DONE;
    else
        job->result = strcmp(state.active, "active") == 0     ? JOB_DONE
                      : strcmp(state.active, "inactive") == 0 ? JOB_SKIPPED
                                                              : JOB_FAILED;
    job->has_ended = true;
    return 0;
}

/* Takes in what PID 1 has said, and waits until end_usec where it has said nothing. */
static int hear(struct manager *manager, uint64_t end_usec)
{
    int r;

    r = connect_to_manager(manager, now_usec() + CONNECT_USEC);
    if (r < 0)
        return r;
    r = sd_bus_process(manager->bus, NULL);
    if (r == 0)
        r = sd_bus_wait(manager->bus, usec_until(end_usec));
    if (r < 0 && r != -EINTR)
        disconnect(manager);
    return 0;
}

static bool have_ended(const struct manager *manager)
{
    for (size_t i = 0; i < manager->n_jobs; i++)
        if (!manager->jobs[i].has_ended)
            return false;
    return true;
}

static int look_at_jobs(struct manager *manager)
{
    int r = 0;

    manager->is_another = false;
    for (size_t i = 0; r >= 0 && i < manager->n_jobs; i++)
        if (!manager->jobs[i].has_ended)
            r = look_at_job(manager, &manager->jobs[i]);
    return r;
}

static int wait_for_jobs(struct manager *manager, struct job *jobs, size_t n, int msec)
{
    const uint64_t end_usec = now_usec() + (uint64_t) msec * 1000;
    bool was_another = manager->is_another;
    int r = 0;

    manager->jobs = jobs;
    manager->n_jobs = n;
    while (r >= 0 && !have_ended(manager)) {
        if (now_usec() >= end_usec)
            r = -ETIMEDOUT;
        else if (manager->is_another)
            r = look_at_jobs(manager);
        else
            r = hear(manager, end_usec);
    }
    manager->jobs = NULL;
    manager->n_jobs = 0;
    manager->is_another = manager->is_another || was_another;
    return r;
}

int manager_run(struct manager *manager, const char *verb, const char *unit, const char *mode, int msec,
                enum job_result *ret)
{
    struct job job;
    int r;

    r = queue(manager, verb, unit, mode, &job);
    if (r >= 0)
        r = wait_for_jobs(manager, &job, 1, msec);
    if (r >= 0)
        *ret = job.result;
    return r;
}

int manager_run_all(struct manager *manager, const char *verb, const char *const *units, size_t n, const char *mode, int msec)
{
    struct job jobs[MANAGER_UNITS_MAX];
    size_t queued = 0;
    int r, first = 0;

    if (n > MANAGER_UNITS_MAX)
        return -E2BIG;
    for (size_t i = 0; i < n; i++) {
        r = queue(manager, verb, units[i], mode, &jobs[queued]);
        if (r >= 0)
            queued++;
        else if (first == 0)
            first = r;
    }
    r = wait_for_jobs(manager, jobs, queued, msec);
    for (size_t i = 0; r >= 0 && i < queued; i++)
        if (jobs[i].result == JOB_FAILED)
            r = -EIO;
    return first < 0 ? first : r;
}

/* --- News ------------------------------------------------------------------------------------------------------ */

int manager_fd(struct manager *manager)
{
    return manager->bus ? sd_bus_get_fd(manager->bus) : -1;
}

bool manager_has_news(struct manager *manager, const char *unit)
{
    bool news;
    int r = 1;

    while (manager->bus && r > 0) {
        r = sd_bus_process(manager->bus, NULL);
        if (r < 0)
            disconnect(manager);
        if (strcmp(manager->ended, unit) == 0)
            break;
    }
    news = manager->is_another || strcmp(manager->ended, unit) == 0;
    manager->is_another = false;
    manager->ended[0] = '\0';
    return news;
}
