# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/libsss_activation.a
lib_libsss_activation_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) $(INI_CFLAGS)
lib_libsss_activation_a_SOURCES = \
	lib/cleanup.h \
	lib/config.c \
	lib/config.h \
	lib/log.h \
	lib/residency.c \
	lib/residency.h \
	lib/responders.c \
	lib/responders.h \
	lib/services.c \
	lib/services.h \
	lib/sockets.c \
	lib/sockets.h \
	lib/state.c \
	lib/state.h \
	lib/systemctl.c \
	lib/systemctl.h

if HAVE_CMOCKA
check_PROGRAMS += lib/test-sockets
lib_test_sockets_SOURCES = lib/test-sockets.c
lib_test_sockets_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
lib_test_sockets_LDADD = lib/libsss_activation.a $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
endif
