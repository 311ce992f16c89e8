# SPDX-License-Identifier: GPL-3.0-or-later
pkglibexec_PROGRAMS += launch/launch
launch_launch_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
launch_launch_LDADD = lib/libsss_activation.a $(COMMON_LIBS) $(SYSTEMD_LIBS)
launch_launch_SOURCES = \
	launch/main.c \
	launch/monitor.c \
	launch/monitor.h \
	launch/refuse.c \
	launch/refuse.h

if HAVE_CMOCKA
check_PROGRAMS += \
	launch/test-launch \
	launch/test-monitor \
	launch/test-refuse
launch_test_launch_SOURCES = launch/test-launch.c
launch_test_launch_CFLAGS = $(TEST_CFLAGS)
launch_test_launch_LDADD = $(TEST_LDADD)
EXTRA_launch_test_launch_DEPENDENCIES = launch/launch-for-tests
launch_test_monitor_SOURCES = \
	launch/monitor.c \
	launch/test-monitor.c
launch_test_monitor_CFLAGS = $(TEST_CFLAGS)
launch_test_monitor_LDADD = $(TEST_LDADD)
launch_test_refuse_SOURCES = \
	launch/refuse.c \
	launch/test-refuse.c
launch_test_refuse_CFLAGS = $(TEST_CFLAGS)
launch_test_refuse_LDADD = $(TEST_LDADD)

# The launcher itself, with a state folder and a PID 1 below the folder that it is run in.
EXTRA_PROGRAMS += launch/launch-for-tests
CLEANFILES += launch/launch-for-tests
launch_launch_for_tests_SOURCES = \
	launch/main.c \
	launch/monitor.c \
	launch/refuse.c
launch_launch_for_tests_CFLAGS = $(TEST_CFLAGS)
launch_launch_for_tests_LDADD = $(TEST_LDADD)
endif
