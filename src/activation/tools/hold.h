/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hold: stops SSSD so that no client starts it, until it is released. */

#ifndef TOOLS_HOLD_H
#define TOOLS_HOLD_H

/* Both return EXIT_SUCCESS, or EXIT_FAILURE and have then said why. They need root. */
int hold(void);
int release(void);

#endif
