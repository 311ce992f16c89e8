# SPDX-License-Identifier: GPL-3.0-or-later
pkglibexec_PROGRAMS += launch/launch
launch_launch_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
launch_launch_LDADD = lib/libsss_activation.a $(SYSTEMD_LIBS)
launch_launch_SOURCES = \
	launch/main.c \
	launch/monitor.c \
	launch/monitor.h \
	launch/refuse.c \
	launch/refuse.h
