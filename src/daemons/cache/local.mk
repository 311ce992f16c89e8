# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += cache/libcache.a
cache_libcache_a_CFLAGS = $(AM_CFLAGS) $(LMDB_CFLAGS)
cache_libcache_a_SOURCES = \
	cache/cache.c \
	cache/cache.h \
	cache/layout.c \
	cache/layout.h \
	cache/numbers.c \
	cache/numbers.h \
	cache/private.h \
	cache/replace.c \
	cache/utf8.c \
	cache/utf8.h \
	cache/writer.c \
	cache/writer.h

if HAVE_CMOCKA
check_PROGRAMS += \
	cache/test-cache \
	cache/test-crash
cache_test_cache_SOURCES = cache/test-cache.c
cache_test_cache_CFLAGS = $(TEST_CFLAGS) $(LMDB_CFLAGS)
cache_test_cache_LDADD = test/libtest.a cache/libcache.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(LMDB_LIBS) \
	$(CMOCKA_LIBS)
cache_test_crash_SOURCES = cache/test-crash.c
cache_test_crash_CFLAGS = $(TEST_CFLAGS)
# Found by LMDB only if the linker exports them.
cache_test_crash_LDFLAGS = $(AM_LDFLAGS) -rdynamic
cache_test_crash_LDADD = test/libtest.a cache/libcache.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(LMDB_LIBS) \
	$(CMOCKA_LIBS)
endif
