# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += cache/libcache.a
cache_libcache_a_CFLAGS = $(AM_CFLAGS) $(LMDB_CFLAGS)
cache_libcache_a_SOURCES = \
	cache/cache.c \
	cache/cache.h \
	cache/layout.c \
	cache/layout.h \
	cache/utf8.c \
	cache/utf8.h \
	cache/writer.c \
	cache/writer.h
