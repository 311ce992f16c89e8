/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths: our own places, and those of SSSD's that its clients look at.
 *
 * Each can be set by configure; unit tests give every module the folder it works in instead. */

#ifndef UTIL_PATHS_H
#define UTIL_PATHS_H

/* From configure. SSSD's: SSS_STATEDIR (/var/lib/sss), SSS_CONFDIR (/etc/sssd). Our own:
 * OWN_STATEDIR (/var/lib/sssd-ondemand), OWN_CONFDIR (/etc/sssd-ondemand), SSS_LOGDIR
 * (/var/log/sssd-ondemand), SSS_RUNDIR (/run/sssd-ondemand), SSS_LIBEXECDIR
 * (/usr/libexec/sssd-ondemand/engine), SSS_USER (sssd-ondemand), SSS_BACKEND_USER
 * (sssd-ondemand-be). */

/* Of SSSD's folders these alone: where clients look, and where the recipe that clears a cache is
 * applied. Nothing here changes their owners or modes. */
#define PIPES_DIR SSS_STATEDIR "/pipes"
#define MEMCACHE_DIR SSS_STATEDIR "/mc"
#define STAMP_DIR SSS_STATEDIR "/db"
#define MONITOR_PID_FILE "/run/sssd.pid"
#define STAMP_PLACES (&(const struct stamp_places) { OWN_STATEDIR, CACHE_DIR, STAMP_DIR }) /* util/stamp.h */

#define CACHE_DIR OWN_STATEDIR "/cache"
#define MEMCACHE_LOCK OWN_STATEDIR "/mc.lock"

#define MONITOR_BUS_NAME "monitor.socket"
#define MONITOR_BUS SSS_RUNDIR "/" MONITOR_BUS_NAME
#define BACKEND_BUS_PREFIX SSS_RUNDIR "/backend-" /* and the domain's name, and */
#define BACKEND_BUS_SUFFIX ".socket"

/* What the monitor has read and checked; each responder and backend reads its part of this and
 * never sssd.conf. */
#define CONFIG_PARTS_NAME "config"
#define CONFIG_PARTS SSS_RUNDIR "/" CONFIG_PARTS_NAME
/* Who has registered at the monitor: a line for each, with how often it has come before. */
#define SERVICES_NAME "services"

#endif
