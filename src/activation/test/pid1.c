/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PID 1: a small one that speaks systemd's protocol at ./manager. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "test/fixture.h"
#include "test/pid1.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define JOB "/org/freedesktop/systemd1/job/"
#define UNIT "/org/freedesktop/systemd1/unit"
#define BUSES_MAX 32
#define JOBS_MAX 64
/* No job of a test takes this long. */
#define JOB_GUARD_SEC 60

static pid_t pid1;

/* --- In the test ------------------------------------------------------------------------------------------------ */

/* Whoever reads it meanwhile has the whole of before or after. */
static int set_line(const char *unit, const char *line)
{
    char path[128], made[140], old[1024];
    size_t key = strcspn(line, "=") + 1;
    FILE *from, *to;
    int r;

    (void) snprintf(path, sizeof(path), "units/%s", unit);           /* both fit */
    (void) snprintf(made, sizeof(made), "units/.%s.%d", unit, getpid());
    to = fopen(made, "we");
    if (!to)
        return -errno;
    from = fopen(path, "re");
    while (from && fgets(old, sizeof(old), from))
        if (strncmp(old, line, key) != 0)
            (void) fputs(old, to); /* fclose tells */
    if (line[key])
        (void) fprintf(to, "%s\n", line); /* likewise */
    r = fclose(to) != 0 || rename(made, path) < 0 ? -errno : 0;
    if (from)
        (void) fclose(from); /* was only read */
    return r;
}

void unit_has(const char *unit, const char *line)
{
    (void) mkdir("units", 0755); /* it may be there */
    assert_int_equal(set_line(unit, line), 0);
}

void unit_with_job(const char *unit, const char *active, const char *job)
{
    char line[64];

    (void) snprintf(line, sizeof(line), "ActiveState=%s", active); /* these fit */
    unit_has(unit, line);
    (void) snprintf(line, sizeof(line), "Job=%s", job);
    unit_has(unit, line);
}

void jobs_do(const char *script)
{
    CLEANUP(freep) char *text = NULL;

    assert_true(asprintf(&text,
                         "#!/bin/sh\n"
                         "has() { { grep -v \"^${2%%%%=*}=\" \"units/$1\"; echo \"$2\"; } >\"units/$1.new\" 2>/dev/null\n"
                         "    mv \"units/$1.new\" \"units/$1\"; }\n%s\n",
                         script) > 0);
    write_text("on-job", text);
    assert_int_equal(chmod("on-job", 0755), 0);
}

const char *pid1_calls(void)
{
    return read_text("calls");
}

const char *pid1_questions(void)
{
    return read_text("questions");
}

void pid1_stops(void)
{
    if (pid1 <= 0)
        return;
    (void) kill(pid1, SIGKILL); /* our own child */
    (void) waitpid(pid1, NULL, 0);
    pid1 = 0;
}

/* --- In its process --------------------------------------------------------------------------------------------- */

/* One in work is a file, jobs/NUMBER, "VERB UNIT", too: a job outlives the PID 1 that began it. */
struct job {
    unsigned number; /* 0: this place is free */
    char verb[24], unit[128];
    sd_bus *asker; /* NULL: one of before */
};

static sd_event *loop;
static sd_bus *buses[BUSES_MAX];
static struct job jobs[JOBS_MAX];
static unsigned last_job = 100;

static void need(int r)
{
    if (r < 0) {
        (void) fprintf(stderr, "pid1: %s\n", strerror(-r));
        abort();
    }
}

static void note(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    if (fd < 0 || dprintf(fd, "%s\n", text) < 0)
        abort();
    (void) close(fd); /* written */
}

/* The value of a line of the unit's file; the caller's to free. */
static char *value_of(const char *unit, const char *property, const char *otherwise)
{
    char path[128], line[1024];
    size_t n = strlen(property);
    FILE *file;
    char *found = NULL;

    (void) snprintf(path, sizeof(path), "units/%s", unit); /* fits */
    file = fopen(path, "re");
    while (!found && file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, property, n) == 0 && line[n] == '=')
            found = strdup(line + n + 1);
    }
    if (!found)
        found = strdup(file && strcmp(property, "LoadState") == 0 ? "loaded" : otherwise);
    if (file)
        (void) fclose(file); /* was only read */
    return found;
}

/* The error that ./errors has for this, "" if none. */
static const char *error_of(const char *verb, const char *unit)
{
    static char error[128];
    char a[24], b[128];
    FILE *file = fopen("errors", "re");
    bool found = false;

    while (!found && file && fscanf(file, "%23s %127s %127s", a, b, error) == 3)
        found = strcmp(a, verb) == 0 && strcmp(b, unit) == 0;
    if (file)
        (void) fclose(file); /* was only read */
    return found ? error : "";
}

static int reply_error(sd_bus_message *message, const char *error)
{
    return strcmp(error, "silence") == 0 ? 0 : sd_bus_reply_method_errorf(message, error, "as the test says");
}

static struct job *job_in_work(const char *unit)
{
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (jobs[i].number > 0 && strcmp(jobs[i].unit, unit) == 0)
            return &jobs[i];
    return NULL;
}

static const char *type_of_job(const char *unit)
{
    const struct job *job = job_in_work(unit);

    if (!job)
        return "";
    return strcmp(job->verb, "Start") == 0  ? "start"
           : strcmp(job->verb, "Stop") == 0 ? "stop"
                                            : "restart";
}

static int reply_states(sd_bus_message *message)
{
    CLEANUP(freep) char *asked = strdup("");
    const char *error = "";
    sd_bus_message *reply;
    const char *unit;
    int r;

    need(sd_bus_message_new_method_return(message, &reply));
    need(sd_bus_message_open_container(reply, 'a', "(ssssssouso)"));
    need(sd_bus_message_enter_container(message, 'a', "s"));
    while (sd_bus_message_read(message, "s", &unit) > 0) {
        CLEANUP(freep) char *load = value_of(unit, "LoadState", "not-found");
        CLEANUP(freep) char *active = value_of(unit, "ActiveState", "inactive");
        CLEANUP(freep) char *sub = value_of(unit, "SubState", "dead");
        CLEANUP(freep) char *job = value_of(unit, "Job", type_of_job(unit));
        CLEANUP(freep) char *before = asked;

        error = error[0] ? error : error_of("List", unit);

        need(asprintf(&asked, "%s%s%s", before, before[0] ? " " : "", unit));
        need(sd_bus_message_append(reply, "(ssssssouso)", unit, "", load, active, sub, "", UNIT "/x", job[0] ? 7 : 0, job,
                                   job[0] ? JOB "7" : "/"));
    }
    need(sd_bus_message_close_container(reply));
    note("questions", asked);
    r = error[0] ? reply_error(message, error) : sd_bus_send(NULL, reply, NULL);
    (void) sd_bus_message_unref(reply);
    return r;
}

static void append_list(sd_bus_message *reply, char *value)
{
    char *item, *rest = value;

    need(sd_bus_message_open_container(reply, 'v', "as"));
    need(sd_bus_message_open_container(reply, 'a', "s"));
    while ((item = strsep(&rest, " ")))
        if (item[0])
            need(sd_bus_message_append(reply, "s", item));
    need(sd_bus_message_close_container(reply));
    need(sd_bus_message_close_container(reply));
}

/* "ConditionPathExists 0 0 /there -1": type, is it a trigger, is it negated, parameter, state; ";" between two. */
static void append_conditions(sd_bus_message *reply, char *value)
{
    char *item, *rest = value, type[64], parameter[128];
    int trigger, negate, state;

    need(sd_bus_message_open_container(reply, 'v', "a(sbbsi)"));
    need(sd_bus_message_open_container(reply, 'a', "(sbbsi)"));
    while ((item = strsep(&rest, ";")))
        if (sscanf(item, "%63s %d %d %127s %d", type, &trigger, &negate, parameter, &state) == 5)
            need(sd_bus_message_append(reply, "(sbbsi)", type, trigger, negate, parameter, state));
    need(sd_bus_message_close_container(reply));
    need(sd_bus_message_close_container(reply));
}

static void turn_over(const char *unit)
{
    char before[300], after[300];

    (void) snprintf(before, sizeof(before), "next/%s", unit); /* these fit */
    (void) snprintf(after, sizeof(after), "units/%s", unit);
    (void) rename(before, after); /* few have one */
}

static void turn_all_over(void)
{
    CLEANUP(closedirp) DIR *dir = opendir("next");
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            turn_over(entry->d_name);
}

static int reply_property(sd_bus_message *message)
{
    CLEANUP(freep) char *unit = NULL;
    CLEANUP(freep) char *value = NULL;
    const char *interface, *property;
    char question[256];
    sd_bus_message *reply;
    int r;

    need(sd_bus_message_read(message, "ss", &interface, &property));
    need(sd_bus_path_decode(sd_bus_message_get_path(message), UNIT, &unit));
    if (!unit)
        unit = strdup("systemd");
    turn_over(unit);
    value = value_of(unit, property, "");
    (void) snprintf(question, sizeof(question), "%s %s", unit, property); /* fits */
    note("questions", question);
    if (error_of("Get", unit)[0])
        return reply_error(message, error_of("Get", unit));

    need(sd_bus_message_new_method_return(message, &reply));
    if (strcmp(property, "MainPID") == 0)
        need(sd_bus_message_append(reply, "v", "u", (uint32_t) atoi(value)));
    else if (strcmp(property, "ExecMainStatus") == 0)
        need(sd_bus_message_append(reply, "v", "i", atoi(value)));
    else if (strstr(property, "Timestamp"))
        need(sd_bus_message_append(reply, "v", "t", (uint64_t) strtoull(value, NULL, 10)));
    else if (strcmp(property, "ConditionResult") == 0)
        need(sd_bus_message_append(reply, "v", "b", strcmp(value, "yes") == 0));
    else if (strcmp(property, "Conditions") == 0)
        append_conditions(reply, value);
    else if (strcmp(property, "BoundBy") == 0 || strcmp(property, "RequiredBy") == 0 || strcmp(property, "RequisiteOf") == 0)
        append_list(reply, value);
    else
        need(sd_bus_message_append(reply, "v", "s", value));
    r = sd_bus_send(NULL, reply, NULL);
    (void) sd_bus_message_unref(reply);
    return r;
}

static void tell_end(sd_bus *bus, const struct job *job, const char *result)
{
    char path[64];

    (void) snprintf(path, sizeof(path), JOB "%u", job->number); /* fits */
    (void) sd_bus_emit_signal(bus, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "JobRemoved", "uoss", job->number, path,
                              job->unit, result); /* one that has gone hears nothing */
}

/* Whoever has asked for it hears it last, and then knows that the others have been told. */
static void end_job(struct job *job, const char *result)
{
    char path[64];
    bool asker_is_there = false;

    (void) snprintf(path, sizeof(path), "jobs/%u", job->number); /* fits */
    (void) unlink(path);
    for (size_t i = 0; i < BUSES_MAX; i++)
        if (buses[i] && buses[i] == job->asker)
            asker_is_there = true;
        else if (buses[i])
            tell_end(buses[i], job, result);
    if (asker_is_there)
        tell_end(job->asker, job, result);
    *job = (struct job) { .number = 0 };
}

/* Ends those whose scripts have. */
static int end_jobs(void)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        char path[64], said[64] = "";
        FILE *file;

        (void) snprintf(path, sizeof(path), "jobs/%u.end", jobs[i].number); /* fits */
        file = jobs[i].number > 0 ? fopen(path, "re") : NULL;
        if (!file)
            continue;
        if (!fgets(said, sizeof(said), file))
            (void) strcpy(said, "done"); /* fits */
        said[strcspn(said, "\n")] = '\0';
        (void) fclose(file); /* was only read */
        (void) unlink(path);
        end_job(&jobs[i], said);
    }
    return 0;
}

static int on_script_end(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
    (void) source;
    (void) event;
    (void) userdata;
    return end_jobs();
}

static int on_plain_job(sd_event_source *source, void *userdata)
{
    struct job *job = userdata;

    (void) source;
    need(set_line(job->unit, strcmp(job->verb, "Stop") == 0 ? "ActiveState=inactive" : "ActiveState=active"));
    end_job(job, "done");
    return 0;
}

static void run_job(struct job *job, const char *mode)
{
    static const char script[] = "./on-job \"$2\" \"$3\" \"$4\" >\"jobs/$1.said\"; mv \"jobs/$1.said\" \"jobs/$1.end\"";
    char number[16];
    sigset_t none;
    pid_t child;

    if (!file_exists("on-job")) {
        need(sd_event_add_defer(loop, NULL, on_plain_job, job));
        return;
    }
    (void) snprintf(number, sizeof(number), "%u", job->number); /* fits */
    child = fork();
    need(child < 0 ? -errno : 0);
    if (child > 0)
        return;

    (void) signal(SIGCHLD, SIG_DFL);
    (void) sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    (void) alarm(JOB_GUARD_SEC);
    (void) execl("/bin/sh", "sh", "-c", script, "sh", number, job->verb, job->unit, mode, NULL); /* returns only on failure */
    _exit(127);
}

static struct job *add_job(unsigned number, const char *verb, const char *unit)
{
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (jobs[i].number == 0) {
            jobs[i].number = number;
            (void) snprintf(jobs[i].verb, sizeof(jobs[i].verb), "%s", verb); /* fits */
            (void) snprintf(jobs[i].unit, sizeof(jobs[i].unit), "%s", unit); /* fits */
            return &jobs[i];
        }
    abort();
}

/* The jobs that the PID 1 before this one began. */
static void find_jobs(void)
{
    CLEANUP(closedirp) DIR *dir = opendir("jobs");
    struct dirent *entry;

    need(dir ? 0 : -errno);
    while ((entry = readdir(dir))) {
        char path[300], verb[24], unit[128];
        unsigned number;
        FILE *file;

        if (strchr(entry->d_name, '.') || sscanf(entry->d_name, "%u", &number) != 1)
            continue;
        (void) snprintf(path, sizeof(path), "jobs/%s", entry->d_name); /* fits */
        file = fopen(path, "re");
        if (file && fscanf(file, "%23s %127s", verb, unit) == 2)
            (void) add_job(number, verb, unit); /* it runs already */
        if (file)
            (void) fclose(file); /* was only read */
        last_job = number > last_job ? number : last_job;
    }
}

/* Why systemd would refuse it, "" if it would not. */
static const char *refusal_of(const char *verb, const char *unit, const char *mode)
{
    CLEANUP(freep) char *load = value_of(unit, "LoadState", "not-found");
    CLEANUP(freep) char *job = value_of(unit, "Job", type_of_job(unit));
    bool stops = strcmp(verb, "Stop") == 0;

    if (error_of(verb, unit)[0])
        return error_of(verb, unit);
    if (strcmp(load, "not-found") == 0)
        return SYSTEMD ".NoSuchUnit";
    if (!stops && strcmp(load, "masked") == 0)
        return SYSTEMD ".UnitMasked";
    if (strcmp(mode, "fail") == 0 && job[0] && stops != (strcmp(job, "stop") == 0))
        return SYSTEMD ".TransactionIsDestructive";
    return "";
}

static int on_act(sd_bus_message *message, const char *member)
{
    const char *unit, *mode = "", *error;
    char verb[24], line[256], path[64];
    struct job *job;
    int number, r;

    need(sd_bus_message_read(message, "s", &unit));
    (void) snprintf(verb, sizeof(verb), "%.*s", (int) (strlen(member) - strlen("Unit")), member); /* these fit */
    if (sd_bus_message_read(message, "s", &mode) <= 0)
        mode = "";
    (void) snprintf(line, sizeof(line), "%s %s%s%s", verb, unit, mode[0] ? " " : "", mode);
    if (sd_bus_message_read(message, "i", &number) > 0)
        (void) snprintf(line + strlen(line), sizeof(line) - strlen(line), " %d", number);
    note("calls", line);
    turn_all_over();

    error = refusal_of(verb, unit, mode);
    if (error[0])
        return reply_error(message, error);
    if (strcmp(verb, "ResetFailed") == 0 || strcmp(verb, "Kill") == 0)
        return sd_bus_reply_method_return(message, "");

    job = strcmp(verb, "Start") == 0 ? job_in_work(unit) : NULL; /* merged into that */
    if (job && strcmp(job->verb, "Stop") != 0) {
        (void) snprintf(path, sizeof(path), JOB "%u", job->number);
        return sd_bus_reply_method_return(message, "o", path);
    }
    job = add_job(++last_job, verb, unit);
    job->asker = sd_bus_message_get_bus(message);
    (void) snprintf(path, sizeof(path), "jobs/%u", job->number);
    (void) snprintf(line, sizeof(line), "%s %s", verb, unit);
    note(path, line);
    (void) snprintf(path, sizeof(path), JOB "%u", job->number);
    r = sd_bus_reply_method_return(message, "o", path);
    run_job(job, mode);
    return r;
}

static int on_reload(sd_bus_message *message)
{
    note("calls", "Reload");
    if (error_of("Reload", "-")[0])
        return reply_error(message, error_of("Reload", "-"));
    if (file_exists("on-reload"))
        (void) !system("./on-reload"); /* nobody else is answered meanwhile, as in the real one; a test sees what it did */
    return sd_bus_reply_method_return(message, "");
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const char *member = sd_bus_message_get_member(message);
    size_t n = member ? strlen(member) : 0;

    (void) userdata;
    (void) error;
    if (!sd_bus_message_is_method_call(message, NULL, NULL))
        return 0;
    if (strcmp(member, "ListUnitsByNames") == 0)
        return reply_states(message) < 0 ? -EIO : 1;
    if (strcmp(member, "Get") == 0)
        return reply_property(message) < 0 ? -EIO : 1;
    if (n > 4 && strcmp(member + n - 4, "Unit") == 0)
        return on_act(message, member) < 0 ? -EIO : 1;
    if (strcmp(member, "Reload") == 0)
        return on_reload(message) < 0 ? -EIO : 1;
    if (error_of("Subscribe", "-")[0])
        return reply_error(message, error_of("Subscribe", "-")) < 0 ? -EIO : 1;
    return sd_bus_reply_method_return(message, "") < 0 ? -EIO : 1; /* Subscribe */
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    sd_bus **bus = buses;
    sd_id128_t id = SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 10, 11, 12, 13, 14, 15, 16, 17, 20);

    (void) source;
    (void) events;
    (void) userdata;
    if (connection < 0)
        return 0;
    while (*bus && sd_bus_is_open(*bus) > 0)
        if (++bus == buses + BUSES_MAX)
            abort();
    *bus = sd_bus_close_unref(*bus);
    need(sd_bus_new(bus));
    need(sd_bus_set_fd(*bus, connection, connection));
    need(sd_bus_set_server(*bus, 1, id));
    need(sd_bus_set_trusted(*bus, 1));
    need(sd_bus_add_filter(*bus, NULL, on_message, NULL));
    need(sd_bus_start(*bus));
    need(sd_bus_attach_event(*bus, loop, 0));
    return 0;
}

static void serve(int listener)
{
    (void) signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
    need(sd_event_new(&loop));
    find_jobs();
    need(sd_event_add_inotify(loop, NULL, "jobs", IN_MOVED_TO, on_script_end, NULL));
    (void) end_jobs(); /* it was away then */
    need(sd_event_add_io(loop, NULL, listener, EPOLLIN, on_connection, NULL));
    need(sd_event_loop(loop));
}

void pid1_starts(void)
{
    int listener;

    (void) mkdir("units", 0755); /* these may be there */
    (void) mkdir("jobs", 0755);
    (void) unlink("manager");
    listener = listener_at("manager");
    (void) fflush(NULL); /* or the child would write it again */
    pid1 = fork();
    assert_true(pid1 >= 0);
    if (pid1 == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not survive us */
        serve(listener);
        _exit(0);
    }
    (void) close(listener); /* its own */
}
