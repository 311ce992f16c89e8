/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Migrate: moves a machine from a services line to sockets, and back. */

#ifndef TOOLS_MIGRATE_H
#define TOOLS_MIGRATE_H

#include <stdbool.h>

/* Comment the services lines out, or bring those back, and switch; dry: only say what that would do. Return an exit
 * status: 0 done, or nothing to do; 1 refused or failed, and then the configuration is as it was. */
int migrate_run(bool dry);
int revert_run(bool dry);

#endif
