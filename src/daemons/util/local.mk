# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += util/libutil.a
util_libutil_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
util_libutil_a_SOURCES = \
	util/cleanup.h \
	util/clock.h \
	util/log.c \
	util/log.h \
	util/paths.h \
	util/privileges.c \
	util/privileges.h \
	util/text.c \
	util/text.h \
	util/watchdog.c \
	util/watchdog.h
