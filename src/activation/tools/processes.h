/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes: who runs a responder. */

#ifndef TOOLS_PROCESSES_H
#define TOOLS_PROCESSES_H

#include <stddef.h>
#include <sys/types.h>

/* Finds a process of this program in this control group, whose path is as systemd's ControlGroup= has it. The whole
 * path counts: a host sees the processes of its containers too. Returns its pid, 0 when there is none, or a negative
 * errno. */
int process_find(const char *program, const char *control_group);

/* Which control group a process is in, as systemd's ControlGroup= has it. Returns 0 or a negative errno. */
int process_control_group(pid_t pid, char *text, size_t bytes);

#endif
