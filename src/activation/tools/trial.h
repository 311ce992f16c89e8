/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trial: an engine that goes back by itself unless somebody says that it is to stay (`engine --try`), for machines that one reaches
 * only by logging in.
 *
 *     /etc/sssd-ondemand/engine.try   the word of before
 *     /run/sssd-ondemand/trying       this is the boot in which it began
 *
 * Time ends it by sss-engine-back.timer. A boot ends it because the second is gone then: all who read the word take that of before,
 * and hook `boot` puts it in its place. A soft reboot keeps /run: then the timer starts anew. */

#ifndef TOOLS_TRIAL_H
#define TOOLS_TRIAL_H

#include <stdbool.h>

struct manager;

#define TRIAL_MINUTES_MAX 10080 /* a week */
#define TRIAL_TIMER "sss-engine-back.timer"

bool trial_is_on(void);

/* Before the word changes: writes down what comes back, and when. One that is there keeps its word, and gets the new time. The timer
 * is systemd's after a daemon-reload. 0 or a negative errno. */
int trial_begin(const char *back, unsigned minutes);
int trial_start_timer(struct manager *manager);

/* The word that is configured stays. 0 or a negative errno. */
int trial_end(struct manager *manager);

/* Hook `boot`: in another boot the word of before is put in its place. Returns 1 if that was done, 0, or a negative errno. */
int trial_end_by_boot(void);

#endif
