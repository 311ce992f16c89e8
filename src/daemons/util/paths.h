/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths: the names under which SSSD's clients, tools and units know an engine's files.
 *
 * Each can be set by configure; unit tests give every module the folder it works in instead. */

#ifndef UTIL_PATHS_H
#define UTIL_PATHS_H

/* from configure: SSS_STATEDIR (/var/lib/sss), SSS_LOGDIR (/var/log/sssd), SSS_CONFDIR (/etc/sssd), SSS_RUNDIR
 * (/run/sssd), SSS_LIBEXECDIR (/usr/libexec/sssd), SSS_USER (sssd) */
#define PIPES_DIR SSS_STATEDIR "/pipes"
#define PRIVATE_PIPES_DIR SSS_STATEDIR "/pipes/private"
#define CACHE_DIR SSS_STATEDIR "/db"
#define MEMCACHE_DIR SSS_STATEDIR "/mc"

#define MONITOR_BUS_NAME "monitor.socket"
#define MONITOR_BUS SSS_RUNDIR "/" MONITOR_BUS_NAME
#define BACKEND_BUS_PREFIX PRIVATE_PIPES_DIR "/sbus-dp_" /* and the domain's name */

/* What the monitor has read and checked; each responder and backend reads its part of this and never sssd.conf. */
#define CONFIG_PARTS_NAME "config"
#define CONFIG_PARTS SSS_RUNDIR "/" CONFIG_PARTS_NAME
/* Who has registered at the monitor: a line for each, with how often it has come before. */
#define SERVICES_NAME "services"
#define MONITOR_PID_FILE "/run/sssd.pid"

#endif
