# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += responder/libresponder.a
responder_libresponder_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
responder_libresponder_a_SOURCES = \
	responder/arguments.c \
	responder/arguments.h \
	responder/client.c \
	responder/client.h \
	responder/listener.c \
	responder/listener.h \
	responder/private.h \
	responder/responder.c \
	responder/responder.h
