# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += backend/libbackend.a
backend_libbackend_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
backend_libbackend_a_SOURCES = \
	backend/be.c \
	backend/be.h \
	backend/daemon.c \
	backend/daemon.h \
	backend/directory.c \
	backend/directory.h \
	backend/dn.c \
	backend/dn.h \
	backend/files.c \
	backend/files.h \
	backend/import.c \
	backend/import.h \
	backend/index.c \
	backend/index.h \
	backend/items.c \
	backend/items.h \
	backend/ldif.c \
	backend/ldif.h \
	backend/mapping.c \
	backend/mapping.h \
	backend/members.c \
	backend/members.h \
	backend/source-ldif.c \
	backend/source.h

BACKEND_LDADD = backend/libbackend.a bus/libbus.a config/libconfig.a cache/libcache.a util/libutil.a $(COMMON_LIBS) \
	$(SYSTEMD_LIBS) $(LMDB_LIBS)

engine_PROGRAMS += backend/sssd_be
backend_sssd_be_SOURCES = backend/main.c
backend_sssd_be_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
backend_sssd_be_LDADD = $(BACKEND_LDADD)

if HAVE_CMOCKA
check_PROGRAMS += \
	backend/test-backend \
	backend/test-dn \
	backend/test-import \
	backend/test-index \
	backend/test-ldif
backend_test_backend_SOURCES = backend/test-backend.c backend/test-fixture.c backend/test-fixture.h
backend_test_backend_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS)
backend_test_backend_LDADD = test/libtest.a $(BACKEND_LDADD) $(CMOCKA_LIBS)
EXTRA_backend_test_backend_DEPENDENCIES = backend/sssd_be-for-tests
backend_test_dn_SOURCES = backend/test-dn.c
backend_test_dn_CFLAGS = $(TEST_CFLAGS)
backend_test_dn_LDADD = backend/libbackend.a cache/libcache.a $(CMOCKA_LIBS)
backend_test_import_SOURCES = backend/test-import.c backend/test-fixture.c backend/test-fixture.h
backend_test_import_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS)
backend_test_import_LDADD = test/libtest.a $(BACKEND_LDADD) $(CMOCKA_LIBS)
backend_test_index_SOURCES = backend/test-index.c
backend_test_index_CFLAGS = $(TEST_CFLAGS)
backend_test_index_LDADD = backend/libbackend.a $(CMOCKA_LIBS)
backend_test_ldif_SOURCES = backend/test-ldif.c
backend_test_ldif_CFLAGS = $(TEST_CFLAGS)
backend_test_ldif_LDADD = backend/libbackend.a $(CMOCKA_LIBS)

# The program itself in the folder that it is run in.
EXTRA_PROGRAMS += backend/sssd_be-for-tests
CLEANFILES += backend/sssd_be-for-tests
backend_sssd_be_for_tests_SOURCES = backend/test-main.c
backend_sssd_be_for_tests_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
backend_sssd_be_for_tests_LDADD = $(BACKEND_LDADD)
endif

if FUZZING
EXTRA_PROGRAMS += backend/fuzz-ldif
FUZZ_TARGETS += backend/fuzz-ldif
backend_fuzz_ldif_SOURCES = backend/fuzz-ldif.c
backend_fuzz_ldif_CFLAGS = $(AM_CFLAGS)
backend_fuzz_ldif_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
backend_fuzz_ldif_LDADD = $(BACKEND_LDADD)
endif

# The target's seeds, without libFuzzer.
check_PROGRAMS += backend/test-fuzz-ldif
backend_test_fuzz_ldif_SOURCES = backend/fuzz-ldif.c
backend_test_fuzz_ldif_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/backend/fuzz-ldif.seeds"'
backend_test_fuzz_ldif_CFLAGS = $(AM_CFLAGS)
backend_test_fuzz_ldif_LDADD = $(BACKEND_LDADD)
