# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += wire/libwire.a
wire_libwire_a_SOURCES = \
	wire/commands.h \
	wire/packet.c \
	wire/packet.h

if HAVE_CMOCKA
check_PROGRAMS += wire/test-packet
wire_test_packet_SOURCES = wire/test-packet.c
wire_test_packet_CFLAGS = $(TEST_CFLAGS)
wire_test_packet_LDADD = wire/libwire.a $(CMOCKA_LIBS)
endif
