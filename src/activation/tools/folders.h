/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders: those below /var/lib/sss that SSSD's monitor needs. */

#ifndef TOOLS_FOLDERS_H
#define TOOLS_FOLDERS_H

/* Makes those that are missing, for the owner of the folder that they are in; what is there keeps owner and mode. Returns 0 or a
 * negative errno, the last one. */
int folders_make(void);

#endif
