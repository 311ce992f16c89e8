/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Child: hears of a child process's end, also where a debugger sees it first. */

#ifndef COMMON_CHILD_H
#define COMMON_CHILD_H

#include <sys/types.h>
#include <systemd/sd-event.h>

/* Calls handler once process `pid`, our child, has ended; handler disables the source, *ret_source, which is the
 * caller's. SIGCHLD must be blocked. Returns 0 or a negative errno; then nothing is watched. */
int child_watch(sd_event *event, sd_event_source **ret_source, pid_t pid, sd_event_child_handler_t handler,
                void *userdata);

#endif
