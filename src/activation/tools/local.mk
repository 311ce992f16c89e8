# SPDX-License-Identifier: GPL-3.0-or-later
sbin_PROGRAMS += tools/sss_activation
tools_sss_activation_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) $(INI_CFLAGS) $(JSON_CFLAGS)
tools_sss_activation_LDADD = lib/libsss_activation.a $(SYSTEMD_LIBS) $(INI_LIBS) $(JSON_LIBS)
tools_sss_activation_SOURCES = \
	tools/backends.c \
	tools/backends.h \
	tools/check.c \
	tools/check.h \
	tools/drain.c \
	tools/drain.h \
	tools/explain.c \
	tools/explain.h \
	tools/hold.c \
	tools/hold.h \
	tools/finish.c \
	tools/finish.h \
	tools/hooks.c \
	tools/hooks.h \
	tools/json.c \
	tools/json.h \
	tools/main.c \
	tools/migrate.c \
	tools/migrate.h \
	tools/ownership.c \
	tools/ownership.h \
	tools/processes.c \
	tools/processes.h \
	tools/replace.c \
	tools/replace.h \
	tools/status.c \
	tools/status.h \
	tools/table.c \
	tools/table.h \
	tools/units.c \
	tools/units.h \
	tools/view.c \
	tools/view.h

if HAVE_CMOCKA
check_PROGRAMS += \
	tools/test-backends \
	tools/test-finish \
	tools/test-configurations-2.10 \
	tools/test-configurations-2.8 \
	tools/test-hooks \
	tools/test-migrate \
	tools/test-processes \
	tools/test-replace \
	tools/test-units
tools_test_backends_SOURCES = \
	tools/backends.c \
	tools/test-backends.c
tools_test_backends_CFLAGS = $(TEST_CFLAGS) -DPRIVATE_DIR='"private"'
tools_test_backends_LDADD = $(TEST_LDADD)
tools_test_finish_SOURCES = \
	tools/drain.c \
	tools/finish.c \
	tools/test-finish.c
tools_test_finish_CFLAGS = $(TEST_CFLAGS)
tools_test_finish_LDADD = $(TEST_LDADD)
configurations_SOURCES = \
	tools/backends.c \
	tools/check.c \
	tools/json.c \
	tools/processes.c \
	tools/test-configurations.c \
	tools/units.c \
	tools/view.c
# The rules of either engine, whichever this build is for.
tools_test_configurations_2_10_SOURCES = $(configurations_SOURCES)
tools_test_configurations_2_10_CFLAGS = $(TEST_CFLAGS) $(JSON_CFLAGS) \
	-USSSD_ENGINE -DSSSD_ENGINE=ENGINE_2_10 -DRULES='"2.10"'
tools_test_configurations_2_10_LDADD = $(TEST_LDADD) $(JSON_LIBS)
tools_test_configurations_2_8_SOURCES = $(configurations_SOURCES)
tools_test_configurations_2_8_CFLAGS = $(TEST_CFLAGS) $(JSON_CFLAGS) \
	-USSSD_ENGINE -DSSSD_ENGINE=ENGINE_2_8 -DRULES='"2.8"'
tools_test_configurations_2_8_LDADD = $(TEST_LDADD) $(JSON_LIBS)
tools_test_hooks_SOURCES = \
	tools/drain.c \
	tools/drain.h \
	tools/finish.c \
	tools/finish.h \
	tools/hooks.c \
	tools/ownership.c \
	tools/processes.c \
	tools/test-hooks.c \
	tools/units.c
tools_test_hooks_CFLAGS = $(TEST_CFLAGS)
tools_test_hooks_LDADD = $(TEST_LDADD)
tools_test_migrate_SOURCES = \
	lib/responders.c \
	tools/drain.c \
	tools/finish.c \
	tools/migrate.c \
	tools/ownership.c \
	tools/processes.c \
	tools/replace.c \
	tools/test-migrate.c \
	tools/units.c
tools_test_migrate_CFLAGS = $(TEST_CFLAGS) -DDATA_DIR='"data"' -UPROGRAM_DIR -DPROGRAM_DIR='"programs"'
tools_test_migrate_LDADD = $(TEST_LDADD)
tools_test_processes_SOURCES = \
	tools/processes.c \
	tools/test-processes.c
tools_test_processes_CFLAGS = $(TEST_CFLAGS)
tools_test_processes_LDADD = $(TEST_LDADD)
tools_test_replace_SOURCES = \
	tools/replace.c \
	tools/test-replace.c
tools_test_replace_CFLAGS = $(TEST_CFLAGS) -DDATA_DIR='"data"'
tools_test_replace_LDADD = $(TEST_LDADD)
tools_test_units_SOURCES = \
	tools/test-units.c \
	tools/units.c
tools_test_units_CFLAGS = $(TEST_CFLAGS)
tools_test_units_LDADD = $(TEST_LDADD)
endif
