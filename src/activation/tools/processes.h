/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes: who runs a responder. */

#ifndef TOOLS_PROCESSES_H
#define TOOLS_PROCESSES_H

#include "common/responders.h"

struct manager;

#ifndef CONTROL_GROUPS /* the tests have their own */
#define CONTROL_GROUPS "/sys/fs/cgroup"
#endif

/* For each responder a process of this control group ("/system.slice/sssd.service") that runs its program, replaced on disk
 * meanwhile or not; 0 where there is none, or the caller may not see it. Returns 0, also for
 * "", the group of who does not run, or a negative errno: that a group is not found does not mean that nobody is in it. */
int processes_of_responders(const char *control_group, int ret_pids[RESPONDERS]);
/* The same of the monitor's control group. */
int processes_of_monitor(struct manager *manager, int ret_pids[RESPONDERS]);

#endif
