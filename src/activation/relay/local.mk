# SPDX-License-Identifier: GPL-3.0-or-later
pkglibexec_PROGRAMS += relay/relay
relay_relay_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
relay_relay_LDADD = lib/libsss_activation.a $(SYSTEMD_LIBS)
relay_relay_SOURCES = \
	relay/identity.c \
	relay/identity.h \
	relay/listeners.c \
	relay/listeners.h \
	relay/main.c \
	relay/pair.c \
	relay/pair.h \
	relay/relay.c \
	relay/relay.h

if HAVE_CMOCKA
check_PROGRAMS += \
	relay/test-pair \
	relay/test-relay
relay_test_pair_SOURCES = \
	relay/pair.c \
	relay/test-pair.c
relay_test_pair_CFLAGS = $(TEST_CFLAGS)
relay_test_pair_LDADD = $(TEST_LDADD)
relay_test_relay_SOURCES = \
	relay/identity.c \
	relay/listeners.c \
	relay/pair.c \
	relay/relay.c \
	relay/test-relay.c
relay_test_relay_CFLAGS = $(TEST_CFLAGS)
relay_test_relay_LDADD = $(TEST_LDADD)
endif
