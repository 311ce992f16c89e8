# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += config/libconfig.a
config_libconfig_a_CFLAGS = $(AM_CFLAGS)
config_libconfig_a_SOURCES = \
	config/config.c \
	config/config.h \
	config/image.h \
	config/options.c \
	config/options.h \
	config/snapshot.c \
	config/stamp.c \
	config/values.c \
	config/values.h

# What reads sssd.conf itself, for the monitor alone: all others read their parts.
noinst_LIBRARIES += config/libconfigread.a
config_libconfigread_a_SOURCES = \
	config/load.c \
	config/load.h

if HAVE_CMOCKA
check_PROGRAMS += \
	config/test-config \
	config/test-load \
	config/test-services
config_test_load_SOURCES = config/test-load.c
config_test_load_CFLAGS = $(TEST_CFLAGS)
config_test_load_LDADD = config/libconfigread.a config/libconfig.a util/libutil.a $(COMMON_LIBS) $(INI_LIBS) $(CMOCKA_LIBS)
config_test_services_SOURCES = config/test-services.c
config_test_services_CFLAGS = $(TEST_CFLAGS)
config_test_services_LDADD = test/libtest.a config/libconfigread.a config/libconfig.a util/libutil.a $(COMMON_LIBS) $(INI_LIBS) $(CMOCKA_LIBS)
config_test_config_SOURCES = config/test-config.c
config_test_config_CFLAGS = $(TEST_CFLAGS)
config_test_config_LDADD = config/libconfig.a util/libutil.a $(COMMON_LIBS) $(CMOCKA_LIBS)
endif

if FUZZING
EXTRA_PROGRAMS += config/fuzz-config
FUZZ_TARGETS += config/fuzz-config
config_fuzz_config_SOURCES = config/fuzz-config.c
config_fuzz_config_CFLAGS = $(AM_CFLAGS)
config_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
config_fuzz_config_LDADD = config/libconfigread.a config/libconfig.a util/libutil.a $(COMMON_LIBS) $(INI_LIBS)
endif

# The target's seeds, without libFuzzer.
check_PROGRAMS += config/test-fuzz-config
config_test_fuzz_config_SOURCES = config/fuzz-config.c
config_test_fuzz_config_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/config/fuzz-config.seeds"'
config_test_fuzz_config_CFLAGS = $(AM_CFLAGS)
config_test_fuzz_config_LDADD = config/libconfigread.a config/libconfig.a util/libutil.a $(COMMON_LIBS) $(INI_LIBS)
