/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Places: the folders of SSSD's state, which both engines use, and of ours. */

#ifndef TOOLS_PLACES_H
#define TOOLS_PLACES_H

#ifndef SSS_DIR /* the tests have their own */
#define SSS_DIR "/var/lib/sss"
#endif
#ifndef DATA_DIR /* likewise */
#define DATA_DIR "/var/lib/sssd-ondemand"
#endif

#endif
