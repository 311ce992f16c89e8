# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += bus/libbus.a
bus_libbus_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
bus_libbus_a_SOURCES = \
	bus/bus.c \
	bus/bus.h

if HAVE_CMOCKA
check_PROGRAMS += bus/test-bus
bus_test_bus_SOURCES = bus/test-bus.c
bus_test_bus_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS)
bus_test_bus_LDADD = bus/libbus.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
endif
