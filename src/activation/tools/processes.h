/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes: who runs a responder. */

#ifndef TOOLS_PROCESSES_H
#define TOOLS_PROCESSES_H

/* Finds a process of this program in the control group that ends in unit ("/sssd.service"). Returns its pid,
 * 0 when there is none, or a negative errno. */
int process_find(const char *program, const char *unit);

#endif
