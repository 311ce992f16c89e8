/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overrides: what administrators have written for the distribution's responder units, which have no effect where ours take their
 * place. */

#ifndef TOOLS_OVERRIDES_H
#define TOOLS_OVERRIDES_H

/* Calls on_file with each file, be it a drop-in or a unit of the same name, and the unit of ours that the same would have to be
 * written for ("sss-nss.socket"), until that returns other than 0, and returns that. */
int overrides_each(int (*on_file)(const char *path, const char *ours, void *userdata), void *userdata);

#endif
