/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands: what clients may ask on the NSS socket, and who answers. */

#ifndef NSS_COMMANDS_H
#define NSS_COMMANDS_H

#include <stddef.h>

#include "responder/responder.h"

extern const struct command nss_commands[];
extern const size_t n_nss_commands;

#endif
