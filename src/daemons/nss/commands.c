/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands: what clients may ask on the NSS socket, and who answers. */

#include "nss/commands.h"
#include "nss/users.h"
#include "responder/responder.h"
#include "wire/commands.h"

const struct command nss_commands[] = {
    { CMD_USER_BY_NAME, "user-by-name", 0, on_user_by_name },
    { CMD_USER_BY_ID, "user-by-id", 0, on_user_by_id },
    { CMD_USER_BY_NAME_EX, "user-by-name-ex", 0, on_user_by_name_ex },
    { CMD_USER_BY_ID_EX, "user-by-id-ex", 0, on_user_by_id_ex },
};
const size_t n_nss_commands = sizeof(nss_commands) / sizeof(nss_commands[0]);
