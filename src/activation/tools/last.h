/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Last: which engine ran last, and what has to go when another starts.
 *
 * A client maps the files in /var/lib/sss/mc as long as it lives. When the engine that starts is not the one that ran before,
 * root marks each as recycled, upon which every client lets it go, and removes it. Our own daemons do that in their start. */

#ifndef TOOLS_LAST_H
#define TOOLS_LAST_H

#include <stdbool.h>

/* Notes that this one runs. 0 or a negative errno. */
int last_note(bool own);

/* SSSD is about to start: if our own ran last, its memory caches go. Then SSSD is the last. 0 or a negative errno. */
int last_make_way_for_sssd(void);

/* What clients map is not believed any more; removes: where nobody is about to use it. 0 or a negative errno. */
int last_recycle(bool removes);

#endif
