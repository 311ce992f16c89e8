# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += wire/libwire.a
wire_libwire_a_SOURCES = \
	wire/commands.h \
	wire/packet.c \
	wire/packet.h
