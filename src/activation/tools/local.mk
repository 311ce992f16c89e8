# SPDX-License-Identifier: GPL-3.0-or-later
sbin_PROGRAMS += tools/sss_activation
tools_sss_activation_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) $(INI_CFLAGS)
tools_sss_activation_LDADD = lib/libsss_activation.a $(SYSTEMD_LIBS) $(INI_LIBS)
tools_sss_activation_SOURCES = \
	tools/hooks.c \
	tools/hooks.h \
	tools/main.c \
	tools/ownership.c \
	tools/ownership.h \
	tools/processes.c \
	tools/processes.h \
	tools/status.c \
	tools/status.h \
	tools/units.c \
	tools/units.h
