/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Check: what SSSD makes of the configuration, and what an administrator might do about it. */

#ifndef TOOLS_CHECK_H
#define TOOLS_CHECK_H

#include <stdbool.h>
#include <stdio.h>

/* Explains the configuration, also where no systemd runs. Returns STATUS_OK if SSSD would start with it or there is
 * none, STATUS_DEGRADED if SSSD would refuse it, STATUS_UNKNOWN if it can't be read. */
int check_print(bool json, FILE *out);

#endif
