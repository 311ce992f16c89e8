# SPDX-License-Identifier: GPL-3.0-or-later
# All of the monitor but main(), so that its tests can have it in a folder of their own.
noinst_LIBRARIES += monitor/libmonitor.a
monitor_libmonitor_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
monitor_libmonitor_a_SOURCES = \
	monitor/arguments.c \
	monitor/arguments.h \
	monitor/daemon.c \
	monitor/daemon.h \
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

MONITOR_LIBS = monitor/libmonitor.a bus/libbus.a config/libconfigread.a config/libconfig.a util/libutil.a $(COMMON_LIBS) \
	$(SYSTEMD_LIBS) $(INI_LIBS)

engine_PROGRAMS += monitor/sssd
monitor_sssd_SOURCES = monitor/main.c
monitor_sssd_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
monitor_sssd_LDADD = $(MONITOR_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += monitor/test-monitor
monitor_test_monitor_SOURCES = monitor/test-monitor.c
monitor_test_monitor_CFLAGS = $(TEST_CFLAGS)
monitor_test_monitor_LDADD = config/libconfig.a util/libutil.a $(COMMON_LIBS) $(CMOCKA_LIBS)
EXTRA_monitor_test_monitor_DEPENDENCIES = monitor/sssd-for-tests monitor/child-for-tests

# The monitor itself and a service that does as it is told, for it.
EXTRA_PROGRAMS += monitor/sssd-for-tests monitor/child-for-tests
CLEANFILES += monitor/sssd-for-tests monitor/child-for-tests
monitor_sssd_for_tests_SOURCES = monitor/test-main.c
monitor_sssd_for_tests_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
monitor_sssd_for_tests_LDADD = $(MONITOR_LIBS)
monitor_child_for_tests_SOURCES = monitor/test-child.c
monitor_child_for_tests_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
monitor_child_for_tests_LDADD = bus/libbus.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS)
endif
