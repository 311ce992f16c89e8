/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data provider: asks a domain's backend to bring the cache up to date.
 *
 * Equal questions are asked once. A backend that goes away is asked again what was open when it comes back. Each
 * question has a deadline: a short one until a backend has taken it, then the one that this has named. */

#ifndef NSS_DATAPROVIDER_H
#define NSS_DATAPROVIDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

/* Until a backend has taken a question: the log-in of somebody whom only /etc/passwd knows must not
 * hang on one that never starts, or stands still. */
#define DATAPROVIDER_TAKEN_USEC (4 * 1000000ULL)
/* And how long others don't wait for one that has taken none, unless it shows life. */
#define DATAPROVIDER_SILENT_USEC (10 * 1000000ULL)

struct dataprovider;
struct dataprovider_call;

/* r 1: the cache is as good as the source. 0: the source is offline. A negative errno: nobody could be asked. */
typedef void (*dataprovider_on_answer_t)(int r, void *userdata);

/* Connects to path, where owner listens, when something is asked. */
int dataprovider_new(sd_event *event, const char *path, uid_t owner, struct dataprovider **ret);
/* Calls nobody any more. */
struct dataprovider *dataprovider_free(struct dataprovider *provider);

/* Calls on_answer once, later, unless it is cancelled; after the deadline with -ETIMEDOUT. */
int dataprovider_ask(struct dataprovider *provider, const char *kind, const char *name, uint32_t id,
                     dataprovider_on_answer_t on_answer, void *userdata, struct dataprovider_call **ret);
/* It has lately left a question untaken over the deadline, and has shown no life since: to wait
 * again is useless. */
bool dataprovider_is_silent(const struct dataprovider *provider);
/* It has answered since it was connected: from then on it learns of all that changes, and keeps the
 * cache's state up to date. */
bool dataprovider_is_heard(const struct dataprovider *provider);
/* Takes NULL. */
struct dataprovider_call *dataprovider_cancel(struct dataprovider_call *call);

#endif
