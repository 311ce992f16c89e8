/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Manager: PID 1, asked and told over one connection, which needs no D-Bus in early boot.
 *
 * Root uses the manager's private socket, as systemctl does; who may not, or where that is not there, the system bus.
 *
 * "It could not be asked" is an answer of its own: -ENOTCONN, after trying for two seconds, since a daemon-reexec is
 * away for a tenth of one. It never stands for "no". */

#ifndef LIB_MANAGER_H
#define LIB_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct manager;
struct sd_bus_message;

#define MANAGER_UNITS_MAX 32

/* What a unit is at this moment, in systemd's words. */
struct unit {
    char load[24];   /* "loaded", "masked", "not-found" */
    char active[24]; /* "active", "activating", "deactivating", "inactive", "failed" */
    char sub[24];    /* "running", "auto-restart" */
    char job[24];    /* the type of its job in work, "start", "stop", "restart"; "" if there is none */

    /* Not asked for by manager_states: systemd has to look these up. */
    char file[24]; /* "enabled", "disabled", "static", "masked" */
    int main_pid;
};

bool unit_is_up(const struct unit *unit); /* active, or on the way there or away */
bool unit_is_enabled(const struct unit *unit);

/* All functions that return an int return 0 for success, else a negative errno: -ENOTCONN where PID 1 could not be asked,
 * -ETIMEDOUT where it did not answer or end a job in time, -EDEADLK where a job would contradict one that is there, -ERFKILL
 * for a masked unit, -ENOENT where there is no such unit, -EIO for any other refusal. */

/* Such an errno in words, good until the next call. */
const char *manager_error(int r);

/* Connects; the caller frees *ret. */
int manager_open(struct manager **ret);
struct manager *manager_free(struct manager *manager);
void manager_freep(struct manager **manager);

/* States of n units in one question, MANAGER_UNITS_MAX at most. */
int manager_states(struct manager *manager, const char *const *units, size_t n, struct unit *ret);
int manager_state(struct manager *manager, const char *unit, struct unit *ret);
/* The rest of it. One that can't be told stays empty, and is no failure. */
int manager_read_file(struct manager *manager, const char *unit, struct unit *ret);
int manager_read_main_pid(struct manager *manager, const char *unit, struct unit *ret);

/* A unit's property, or where unit is NULL, one of systemd itself ("Manager"); interface is the last word of its name:
 * "Unit", "Service", "Socket". The message, which the caller unrefs, is in its variant. A text is cut to what fits; a
 * number is a boolean or an integer that is not negative. *ret is "" or 0 on failure. */
int manager_property(struct manager *manager, const char *unit, const char *interface, const char *property,
                     struct sd_bus_message **ret);
int manager_text(struct manager *manager, const char *unit, const char *interface, const char *property, char *ret,
                 size_t bytes);
int manager_number(struct manager *manager, const char *unit, const char *interface, const char *property, uint64_t *ret);

/* Jobs. verb is "Start", "Stop", "Restart", "TryRestart"; mode is "replace", "fail", "ignore-dependencies". */
enum job_result {
    JOB_DONE,
    JOB_SKIPPED, /* by a condition of the unit */
    JOB_FAILED,  /* or canceled, or one that it depends on did */
};

/* Queues a job and does not wait for it. */
int manager_queue(struct manager *manager, const char *verb, const char *unit, const char *mode);
/* Waits for its end, msec at most; what was queued goes on after that. *ret only holds where 0 is returned. */
int manager_run(struct manager *manager, const char *verb, const char *unit, const char *mode, int msec,
                enum job_result *ret);
/* A job for each of n units side by side. Goes on with the others when one fails, and returns the first failure, -EIO for a
 * JOB_FAILED. */
int manager_run_all(struct manager *manager, const char *verb, const char *const *units, size_t n, const char *mode,
                    int msec);

/* daemon-reload: returns when units, and what generators make of them, are those on disk. */
int manager_reload(struct manager *manager);
int manager_reset_failed(struct manager *manager, const char *unit);
/* Sends a signal to all processes of the unit. */
int manager_kill(struct manager *manager, const char *unit, int signal);

/* For who waits for other events, too: when this descriptor can be read (-1: there is none for now), ask whether a job of the
 * unit has ended meanwhile, or the connection was another, so that what was known of the unit may not be true any more. */
int manager_fd(struct manager *manager);
bool manager_has_news(struct manager *manager, const char *unit);

#endif
