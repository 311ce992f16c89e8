/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hooks: what the units call at the turns of their lives. Their failure never fails the unit. */

#ifndef TOOLS_HOOKS_H
#define TOOLS_HOOKS_H

/* Runs `sss_activation hook NAME [RESPONDER]`, whose last word may be the name of a unit without its ending, too. Returns an
 * exit status. */
int hook_run(const char *name, const char *argument);

#endif
