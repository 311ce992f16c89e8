/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "common/child.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "config/config.h"
#include "monitor/services.h"
#include "monitor/spawn.h"
#include "util/log.h"
#include "util/paths.h"

/* A service that ends is started again at once, after 2 s, after 4 s; then once a minute. The others are not concerned. */
#define RESTARTS_MAX 3
#define RESTART_STEP_SECONDS 2
#define PAUSE_SECONDS 60
#define STABLE_SECONDS 60

/* SSSD lets a process miss its `timeout` three times; one that has not registered by then hangs. */
#define REGISTER_PERIODS 3
#define REGISTER_SECONDS_MIN 30

#define STOP_SECONDS 10

static void start_service(struct service *service);

static const char *domain_of(const struct service *service)
{
    return service->name + strlen("domain/");
}

static void set_timer(struct service *service, uint64_t usec, sd_event_time_handler_t handler)
{
    int r;

    service->timer = sd_event_source_disable_unref(service->timer);
    r = sd_event_add_time_relative(service->monitor->event, &service->timer, CLOCK_MONOTONIC, usec, 0, handler, service);
    if (r < 0) {
        log_error_errno(r, "cannot set a timer for \"%s\": %m", service->name);
        monitor_stop(service->monitor, MONITOR_EXIT_FAILURE); /* nothing would mind that service any more */
    }
}

/* --- Ending ---------------------------------------------------------------------------------------------------- */

static bool has_process(const struct monitor *monitor, enum service_kind kind)
{
    for (size_t i = 0; i < monitor->n_services; i++)
        if (monitor->services[i]->kind == kind && monitor->services[i]->pid > 0)
            return true;
    return false;
}

static int on_stop_takes_too_long(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct monitor *monitor = userdata;

    (void) source;
    (void) usec;
    for (size_t i = 0; i < monitor->n_services; i++) {
        const struct service *service = monitor->services[i];

        if (service->pid <= 0)
            continue;
        log_error("\"%s\" (process %ld) does not end: killing it", service->name, (long) service->pid);
        (void) kill(service->pid, SIGKILL); /* it is our child: it can, or has ended */
    }
    return 0;
}

void services_stop(struct monitor *monitor)
{
    enum service_kind kind = has_process(monitor, SERVICE_RESPONDER) ? SERVICE_RESPONDER : SERVICE_BACKEND;

    if (!has_process(monitor, kind)) {
        (void) sd_event_exit(monitor->event, 0); /* fails only when it has ended */
        return;
    }
    for (size_t i = monitor->n_services; i-- > 0;) {
        struct service *service = monitor->services[i];

        service->timer = sd_event_source_disable_unref(service->timer);
        if (service->kind != kind || service->pid <= 0 || service->was_told_to_end)
            continue;
        service->was_told_to_end = true;
        (void) kill(service->pid, SIGTERM); /* likewise */
    }
    if (monitor->stop_timer)
        return;
    if (sd_event_add_time_relative(monitor->event, &monitor->stop_timer, CLOCK_MONOTONIC,
                                   STOP_SECONDS * monitor->paths->second_usec, 0, on_stop_takes_too_long, monitor) < 0)
        (void) on_stop_takes_too_long(NULL, 0, monitor);
}

/* --- Starting -------------------------------------------------------------------------------------------------- */

static int on_restart(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void) source;
    (void) usec;
    start_service(userdata);
    return 0;
}

static void restart_service(struct service *service)
{
    uint64_t second_usec = service->monitor->paths->second_usec;

    if (service->registered_usec > 0 && now_usec() - service->registered_usec >= STABLE_SECONDS * second_usec)
        service->restarts = 0;
    if (service->restarts == RESTARTS_MAX) {
        log_error("\"%s\" has ended again without having run for %d seconds: the next try is in %d seconds", service->name,
                  STABLE_SECONDS, PAUSE_SECONDS);
        service->is_paused = true;
        set_timer(service, PAUSE_SECONDS * second_usec, on_restart);
        monitor_check_ready(service->monitor);
        return;
    }
    set_timer(service, service->restarts++ * RESTART_STEP_SECONDS * second_usec, on_restart);
}

static void tell_of_end(const struct service *service, const siginfo_t *info)
{
    if (info->si_code != CLD_EXITED)
        log_error("\"%s\" (process %ld) was ended by signal %d (%s)", service->name, (long) info->si_pid, info->si_status,
                  strsignal(info->si_status));
    else if (info->si_status != 0)
        log_error("\"%s\" (process %ld) has failed with exit code %d", service->name, (long) info->si_pid, info->si_status);
    else
        log_warning("\"%s\" (process %ld) has ended by itself", service->name, (long) info->si_pid);
}

static int on_child_ended(sd_event_source *source, const siginfo_t *info, void *userdata)
{
    struct service *service = userdata;
    struct monitor *monitor = service->monitor;

    (void) source;
    service->child = sd_event_source_disable_unref(service->child);
    service->timer = sd_event_source_disable_unref(service->timer);
    service->bus = sd_bus_unref(service->bus);
    service->pid = 0;

    if (monitor->is_stopping) {
        log_info("\"%s\" has stopped", service->name);
        services_stop(monitor);
    } else {
        tell_of_end(service, info);
        restart_service(service);
    }
    return 0;
}

static int on_silent(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct service *service = userdata;

    (void) source;
    (void) usec;
    log_error("\"%s\" (process %ld) does not register: killing it", service->name, (long) service->pid);
    /* The others do not wait for its next tries, nor does systemd for us. */
    service->is_paused = true;
    if (services_are_of_use(service->monitor))
        monitor_check_ready(service->monitor);
    (void) kill(service->pid, SIGKILL); /* our child; its end comes as any other */
    return 0;
}

static uint64_t register_limit(const struct service *service)
{
    uint64_t least = REGISTER_SECONDS_MIN * service->monitor->paths->second_usec;
    uint64_t usec = REGISTER_PERIODS * config_usec(service->monitor->config, service->name, "timeout");

    return usec > least ? usec : least;
}

static int spawn_service(struct service *service)
{
    const struct monitor *monitor = service->monitor;
    bool is_backend = service->kind == SERVICE_BACKEND;
    CLEANUP(freep) char *path = NULL;
    char uid[16], gid[16], logger[32], level[32];
    char *argv[11];
    size_t n = 0;

    if (asprintf(&path, "%s/sssd_%s", monitor->paths->libexec_dir, is_backend ? "be" : service->name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    /* Both need root's rights for a moment and give them up themselves. */
    (void) snprintf(uid, sizeof(uid), "%u", (unsigned) (is_backend ? monitor->uid : monitor->responder_uid));
    (void) snprintf(gid, sizeof(gid), "%u", (unsigned) (is_backend ? monitor->gid : monitor->responder_gid));
    (void) snprintf(logger, sizeof(logger), "--logger=%s", log_target_word(monitor->arguments.log_target));
    (void) snprintf(level, sizeof(level), "--debug-level=%d", monitor->arguments.debug_level);

    argv[n++] = path;
    if (is_backend) {
        argv[n++] = (char *) "--domain";
        argv[n++] = (char *) domain_of(service);
    }
    argv[n++] = (char *) "--uid";
    argv[n++] = uid;
    argv[n++] = (char *) "--gid";
    argv[n++] = gid;
    argv[n++] = logger;
    if (monitor->arguments.debug_level >= 0)
        argv[n++] = level;
    argv[n] = NULL;
    return spawn(argv, &service->pid);
}

static void start_service(struct service *service)
{
    int r;

    service->timer = sd_event_source_disable_unref(service->timer);
    service->registered_usec = 0;
    r = spawn_service(service);
    if (r < 0) {
        log_error_errno(r, "cannot start \"%s\": %m", service->name);
        restart_service(service);
        return;
    }
    log_info("\"%s\" is process %ld", service->name, (long) service->pid);

    r = child_watch(service->monitor->event, &service->child, service->pid, on_child_ended, service);
    if (r < 0) {
        log_error_errno(r, "cannot watch \"%s\": %m", service->name);
        monitor_stop(service->monitor, MONITOR_EXIT_FAILURE);
        return;
    }
    set_timer(service, register_limit(service), on_silent);
}

void services_start(struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->n_services && !monitor->is_stopping; i++)
        start_service(monitor->services[i]);
}

/* --- The list -------------------------------------------------------------------------------------------------- */

struct service *services_find(const struct monitor *monitor, const char *name)
{
    for (size_t i = 0; i < monitor->n_services; i++)
        if (strcasecmp(monitor->services[i]->name, name) == 0)
            return monitor->services[i];
    return NULL;
}

struct service *services_of(const struct monitor *monitor, pid_t pid)
{
    for (size_t i = 0; i < monitor->n_services; i++)
        if (monitor->services[i]->pid == pid)
            return monitor->services[i];
    return NULL;
}

struct service *services_at(const struct monitor *monitor, const sd_bus *bus)
{
    for (size_t i = 0; i < monitor->n_services; i++)
        if (monitor->services[i]->bus == bus)
            return monitor->services[i];
    return NULL;
}

int services_list(struct monitor *monitor, enum service_kind kind, const char *prefix, const char *name, struct service **ret)
{
    struct service **services = reallocarray(monitor->services, monitor->n_services + 1, sizeof(struct service *));
    CLEANUP(freep) struct service *service = calloc(1, sizeof(*service));
    CLEANUP(freep) char *whole = NULL;

    if (services)
        monitor->services = services;
    if (!services || !service)
        return -ENOMEM;
    if (asprintf(&whole, "%s%s", prefix, name) < 0) {
        whole = NULL;
        return -ENOMEM;
    }
    *ret = services_find(monitor, whole);
    if (*ret)
        return 0;

    service->monitor = monitor;
    service->kind = kind;
    service->name = TAKE(whole);
    *ret = services[monitor->n_services++] = TAKE(service);
    return 0;
}

static void service_free(struct service *service)
{
    sd_event_source_disable_unref(service->child);
    sd_event_source_disable_unref(service->timer);
    sd_bus_unref(service->bus);
    free(service->name);
    free(service);
}

/* --- Registration ---------------------------------------------------------------------------------------------- */

bool services_are_settled(const struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->n_services; i++)
        if (!monitor->services[i]->bus && !monitor->services[i]->is_paused)
            return false;
    return true;
}

bool services_are_of_use(const struct monitor *monitor)
{
    bool listed[] = { false, false }, registered[] = { false, false }; /* of each kind */

    for (size_t i = 0; i < monitor->n_services; i++) {
        listed[monitor->services[i]->kind] = true;
        if (monitor->services[i]->bus)
            registered[monitor->services[i]->kind] = true;
    }
    return listed[SERVICE_BACKEND] == registered[SERVICE_BACKEND] && listed[SERVICE_RESPONDER] == registered[SERVICE_RESPONDER];
}

/* For whoever wants to know how often each has come: a line for each that is registered. */
static void write_list(const struct monitor *monitor)
{
    CLEANUP(freep) char *path = NULL;
    CLEANUP(freep) char *beside = NULL;
    FILE *file = NULL;
    int r = 0;

    if (asprintf(&path, "%s/" SERVICES_NAME, monitor->paths->run_dir) < 0)
        path = NULL;
    if (!path || asprintf(&beside, "%s.new", path) < 0)
        beside = NULL;
    else
        file = fopen(beside, "we");
    for (size_t i = 0; file && r >= 0 && i < monitor->n_services; i++)
        if (monitor->services[i]->bus)
            r = fprintf(file, "%s %u\n", monitor->services[i]->name, monitor->services[i]->restarts);
    if (!file || fclose(file) != 0 || r < 0 || rename(beside, path) < 0)
        log_warning("cannot write the list of services: %m");
}

void service_registered(struct service *service, sd_bus *bus)
{
    service->timer = sd_event_source_disable_unref(service->timer);
    sd_bus_unref(service->bus); /* of one before, whose end has not been seen */
    service->bus = sd_bus_ref(bus);
    service->is_paused = false;
    service->registered_usec = now_usec();
    log_info("\"%s\" has registered", service->name);
    write_list(service->monitor);
    monitor_check_ready(service->monitor);
}

/* Its process may live on without us; then it has as long as at its start to come back. */
void service_unregistered(struct service *service)
{
    service->bus = sd_bus_unref(service->bus);
    log_debug("\"%s\" has closed its connection", service->name);
    write_list(service->monitor);
    if (service->pid > 0 && !service->monitor->is_stopping)
        set_timer(service, register_limit(service), on_silent);
}

void services_call(struct monitor *monitor, enum service_kind kind, const char *method)
{
    for (size_t i = 0; i < monitor->n_services; i++) {
        const struct service *service = monitor->services[i];
        sd_bus_message *message = NULL;
        int r;

        if (service->kind != kind || !service->bus)
            continue;
        r = sd_bus_message_new_method_call(service->bus, &message, NULL, BUS_PATH, BUS_SERVICE, method);
        if (r >= 0)
            r = sd_bus_message_set_expect_reply(message, false);
        if (r >= 0)
            r = sd_bus_send(service->bus, message, NULL);
        if (r < 0)
            log_warning_errno(r, "cannot call %s of \"%s\": %m", method, service->name);
        sd_bus_message_unref(message);
    }
}

/* --- All of them ----------------------------------------------------------------------------------------------- */

int services_init(struct monitor *monitor)
{
    CLEANUP(freep) char **domains = config_list(monitor->config, "sssd", "domains");
    CLEANUP(freep) char **responders = config_list(monitor->config, "sssd", "services");
    int r = domains && responders ? 0 : -ENOMEM;
    struct service *service;

    for (size_t i = 0; r == 0 && domains[i]; i++)
        r = services_list(monitor, SERVICE_BACKEND, "domain/", domains[i], &service);
    for (size_t i = 0; r == 0 && responders[i]; i++)
        r = services_list(monitor, SERVICE_RESPONDER, "", responders[i], &service);
    return r;
}

void services_done(struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->n_services; i++)
        service_free(monitor->services[i]);
    free(monitor->services);
    monitor->stop_timer = sd_event_source_disable_unref(monitor->stop_timer);
}
