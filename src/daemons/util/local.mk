# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += util/libutil.a
# Whoever links it is linked anew when what it stands on has changed.
EXTRA_util_libutil_a_DEPENDENCIES = $(COMMON_LIBS)
util_libutil_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
util_libutil_a_SOURCES = \
	util/arguments.c \
	util/arguments.h \
	util/confine.c \
	util/confine.h \
	util/folders.c \
	util/folders.h \
	util/lock.c \
	util/lock.h \
	util/log.c \
	util/log.h \
	util/memfile.c \
	util/memfile.h \
	util/paths.h \
	util/privileges.c \
	util/privileges.h \
	util/signals.c \
	util/signals.h \
	util/stamp.c \
	util/stamp.h \
	util/watchdog.c \
	util/watchdog.h

if HAVE_CMOCKA
check_PROGRAMS += \
	util/test-confine \
	util/test-lock \
	util/test-log \
	util/test-memfile \
	util/test-privileges \
	util/test-stamp \
	util/test-watchdog
util_test_confine_SOURCES = util/test-confine.c
util_test_confine_CFLAGS = $(TEST_CFLAGS)
util_test_confine_LDADD = test/libtest.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
util_test_lock_SOURCES = util/test-lock.c
util_test_lock_CFLAGS = $(TEST_CFLAGS)
util_test_lock_LDADD = test/libtest.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
util_test_log_SOURCES = util/test-log.c
util_test_log_CFLAGS = $(TEST_CFLAGS)
util_test_log_LDADD = test/libtest.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
util_test_memfile_SOURCES = util/test-memfile.c
util_test_memfile_CFLAGS = $(TEST_CFLAGS)
util_test_memfile_LDADD = test/libtest.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
util_test_privileges_SOURCES = util/test-privileges.c
util_test_privileges_CFLAGS = $(TEST_CFLAGS)
util_test_privileges_LDADD = test/libtest.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
util_test_stamp_SOURCES = util/test-stamp.c
util_test_stamp_CFLAGS = $(TEST_CFLAGS)
util_test_stamp_LDADD = test/libtest.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
util_test_watchdog_SOURCES = util/test-watchdog.c
util_test_watchdog_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS)
util_test_watchdog_LDADD = util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
endif
