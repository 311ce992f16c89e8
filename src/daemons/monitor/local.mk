# SPDX-License-Identifier: GPL-3.0-or-later
# All of the monitor but main(), so that its tests can have it in a folder of their own.
noinst_LIBRARIES += monitor/libmonitor.a
monitor_libmonitor_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
monitor_libmonitor_a_SOURCES = \
	monitor/arguments.c \
	monitor/arguments.h \
	monitor/daemon.c \
	monitor/daemon.h \
	monitor/folders.c \
	monitor/folders.h \
	monitor/monitor.c \
	monitor/monitor.h \
	monitor/pidfile.c \
	monitor/pidfile.h \
	monitor/register.c \
	monitor/register.h \
	monitor/services.c \
	monitor/services.h \
	monitor/signals.c \
	monitor/signals.h \
	monitor/spawn.c \
	monitor/spawn.h

MONITOR_LIBS = monitor/libmonitor.a bus/libbus.a config/libconfigread.a config/libconfig.a util/libutil.a \
	$(SYSTEMD_LIBS) $(INI_LIBS)

sbin_PROGRAMS += monitor/sssd
monitor_sssd_SOURCES = monitor/main.c
monitor_sssd_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
monitor_sssd_LDADD = $(MONITOR_LIBS)
