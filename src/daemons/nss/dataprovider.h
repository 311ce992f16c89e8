/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data provider: asks a domain's backend to bring the cache up to date.
 *
 * Equal questions are asked once. A backend that goes away is asked again what was open when it comes back. */

#ifndef NSS_DATAPROVIDER_H
#define NSS_DATAPROVIDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

/* Without a connection for that long, questions are given up: the log-in of somebody whom only /etc/passwd knows must not
 * hang on a backend that never starts. */
#define DATAPROVIDER_UNREACHABLE_USEC (10 * 1000000ULL)

struct dataprovider;
struct dataprovider_call;

/* r 1: the cache is as good as the source. 0: the source is offline. A negative errno: nobody could be asked. */
typedef void (*dataprovider_on_answer_t)(int r, void *userdata);

/* Connects to path, where owner listens, when something is asked. */
int dataprovider_new(sd_event *event, const char *path, uid_t owner, struct dataprovider **ret);
/* Calls nobody any more. */
struct dataprovider *dataprovider_free(struct dataprovider *provider);

/* Calls on_answer once, later, unless it is cancelled. How long the backend takes is the caller's to limit. */
int dataprovider_ask(struct dataprovider *provider, const char *kind, const char *name, uint32_t id,
                     dataprovider_on_answer_t on_answer, void *userdata, struct dataprovider_call **ret);
/* Takes NULL. */
struct dataprovider_call *dataprovider_cancel(struct dataprovider_call *call);

#endif
