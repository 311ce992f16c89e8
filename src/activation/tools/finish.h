/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finish: lets responders serve the queues of sockets that were bound over. */

#ifndef TOOLS_FINISH_H
#define TOOLS_FINISH_H

#include <stddef.h>
#include <sys/types.h>

/* The responders' paths lead elsewhere already. Each takes whom its queue still has, and is drained then; all at the
 * same time, eight seconds at most. They are to be stopped afterwards. */
void finish(const pid_t *pids, size_t n);

#endif
