# SPDX-License-Identifier: GPL-3.0-or-later
if HAVE_CMOCKA
check_LIBRARIES += test/libtest.a
test_libtest_a_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS)
test_libtest_a_SOURCES = \
	test/folder.c \
	test/folder.h \
	test/handed.c \
	test/handed.h \
	test/loop.c \
	test/loop.h
endif
