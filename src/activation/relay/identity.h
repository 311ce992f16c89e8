/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Identity: who a client is, and becoming that for good. */

#ifndef RELAY_IDENTITY_H
#define RELAY_IDENTITY_H

/* Gives this process the user, the group and the supplementary groups that the client had as it connected, and no
 * way back; the capabilities go with root. Whom it connects to sees them. Returns 0 or a negative errno, after which
 * the process is not to be used for this client. */
int identity_assume(int client);

#endif
