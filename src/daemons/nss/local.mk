# SPDX-License-Identifier: GPL-3.0-or-later
# A library of its own, so that tests and the fuzz target link what the program does.
noinst_LIBRARIES += nss/libnss.a
nss_libnss_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
nss_libnss_a_SOURCES = \
	nss/body.c \
	nss/body.h \
	nss/commands.c \
	nss/commands.h \
	nss/dataprovider.c \
	nss/dataprovider.h \
	nss/domains.c \
	nss/domains.h \
	nss/enumeration.c \
	nss/enumeration.h \
	nss/groups.c \
	nss/groups.h \
	nss/hosts.c \
	nss/hosts.h \
	nss/listings.c \
	nss/listings.h \
	nss/lookup.c \
	nss/lookup.h \
	nss/memcache.c \
	nss/memcache.h \
	nss/memtable.c \
	nss/memtable.h \
	nss/negative.c \
	nss/negative.h \
	nss/netgroups.c \
	nss/netgroups.h \
	nss/nss.c \
	nss/nss.h \
	nss/overrides.c \
	nss/overrides.h \
	nss/services.c \
	nss/services.h \
	nss/sids.c \
	nss/sids.h \
	nss/users.c \
	nss/users.h

engine_PROGRAMS += nss/sssd_nss
nss_sssd_nss_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
nss_sssd_nss_SOURCES = nss/main.c
nss_ldadd = nss/libnss.a responder/libresponder.a bus/libbus.a cache/libcache.a config/libconfig.a \
	wire/libwire.a util/libutil.a $(COMMON_LIBS) $(LMDB_LIBS) $(SYSTEMD_LIBS)
nss_sssd_nss_LDADD = $(nss_ldadd)

if HAVE_CMOCKA
check_PROGRAMS += \
	nss/test-domains \
	nss/test-memtable \
	nss/test-negative \
	nss/test-nss
nss_test_domains_SOURCES = nss/test-domains.c
nss_test_domains_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS)
nss_test_domains_LDADD = $(nss_ldadd) $(CMOCKA_LIBS)
nss_test_negative_SOURCES = nss/test-negative.c
nss_test_negative_CFLAGS = $(TEST_CFLAGS)
nss_test_negative_LDADD = nss/libnss.a $(CMOCKA_LIBS)
nss_test_memtable_SOURCES = nss/test-memtable.c
nss_test_memtable_CFLAGS = $(TEST_CFLAGS)
nss_test_memtable_LDADD = $(nss_ldadd) $(CMOCKA_LIBS)
nss_test_nss_SOURCES = nss/test-nss.c nss/test-fixture.c nss/test-fixture.h
nss_test_nss_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS) $(LMDB_CFLAGS)
nss_test_nss_LDADD = $(nss_ldadd) $(CMOCKA_LIBS)
endif

# It stands on the tests' fixture.
if FUZZING
EXTRA_PROGRAMS += nss/fuzz-dispatch
FUZZ_TARGETS += nss/fuzz-dispatch
nss_fuzz_dispatch_SOURCES = nss/fuzz-dispatch.c nss/test-fixture.c nss/test-fixture.h
nss_fuzz_dispatch_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS) $(LMDB_CFLAGS)
nss_fuzz_dispatch_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
nss_fuzz_dispatch_LDADD = $(nss_ldadd) $(CMOCKA_LIBS)
endif

if HAVE_CMOCKA
# The target's seeds, without libFuzzer.
check_PROGRAMS += nss/test-fuzz-dispatch
nss_test_fuzz_dispatch_SOURCES = nss/fuzz-dispatch.c nss/test-fixture.c nss/test-fixture.h
nss_test_fuzz_dispatch_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/nss/fuzz-dispatch.seeds"'
nss_test_fuzz_dispatch_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS) $(LMDB_CFLAGS)
nss_test_fuzz_dispatch_LDADD = $(nss_ldadd) $(CMOCKA_LIBS)
endif
