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

#define CACHE_DIR OWN_STATEDIR "/cache"
#define MEMCACHE_LOCK OWN_STATEDIR "/mc.lock"

#define MONITOR_BUS SSS_RUNDIR "/monitor.socket"
#define BACKEND_BUS_PREFIX SSS_RUNDIR "/backend-" /* and the domain's name, and */
#define BACKEND_BUS_SUFFIX ".socket"

/* What the monitor has read and checked; responders and backends read this and never sssd.conf. */
#define CONFIG_SNAPSHOT SSS_RUNDIR "/config"

#endif
