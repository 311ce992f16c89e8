# SPDX-License-Identifier: GPL-3.0-or-later
sbin_PROGRAMS += tools/sss_activation
tools_sss_activation_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) $(INI_CFLAGS) $(JSON_CFLAGS)
tools_sss_activation_LDADD = lib/libsss_activation.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(INI_LIBS) $(JSON_LIBS)
tools_sss_activation_SOURCES = \
	tools/backends.c \
	tools/backends.h \
	tools/bound.c \
	tools/bound.h \
	tools/cache.c \
	tools/cache.h \
	tools/check.c \
	tools/check.h \
	tools/drain.c \
	tools/drain.h \
	tools/engines.c \
	tools/engines.h \
	tools/explain.c \
	tools/explain.h \
	tools/folders.c \
	tools/folders.h \
	tools/foresee.c \
	tools/foresee.h \
	tools/held.c \
	tools/held.h \
	tools/hold.c \
	tools/hold.h \
	tools/finish.c \
	tools/finish.h \
	tools/hooks.c \
	tools/hooks.h \
	tools/json.c \
	tools/json.h \
	tools/last.c \
	tools/last.h \
	tools/main.c \
	tools/migrate.c \
	tools/migrate.h \
	tools/narrow.c \
	tools/narrow.h \
	tools/overrides.c \
	tools/overrides.h \
	tools/ownership.c \
	tools/ownership.h \
	tools/places.h \
	tools/processes.c \
	tools/processes.h \
	tools/providers.c \
	tools/providers.h \
	tools/replace.c \
	tools/replace.h \
	tools/status.c \
	tools/status.h \
	tools/switch.c \
	tools/switch.h \
	tools/table.c \
	tools/table.h \
	tools/trial.c \
	tools/trial.h \
	tools/units.c \
	tools/units.h \
	tools/view.c \
	tools/view.h \
	tools/with-state.c \
	tools/with-state.h

if HAVE_CMOCKA
check_PROGRAMS += \
	tools/test-backends \
	tools/test-bound \
	tools/test-cache \
	tools/test-check \
	tools/test-configurations-2.10 \
	tools/test-configurations-2.8 \
	tools/test-engines \
	tools/test-explain \
	tools/test-finish \
	tools/test-folders \
	tools/test-foresee \
	tools/test-held \
	tools/test-hold \
	tools/test-hooks \
	tools/test-last \
	tools/test-migrate \
	tools/test-narrow \
	tools/test-overrides \
	tools/test-processes \
	tools/test-providers \
	tools/test-replace \
	tools/test-status \
	tools/test-switch \
	tools/test-table \
	tools/test-trial \
	tools/test-units \
	tools/test-view
tools_test_backends_SOURCES = \
	tools/backends.c \
	tools/test-backends.c
tools_test_backends_CFLAGS = $(TEST_CFLAGS) -DPRIVATE_DIR='"private"'
tools_test_backends_LDADD = $(TEST_LDADD)
tools_test_bound_SOURCES = \
	tools/bound.c \
	tools/test-bound.c
tools_test_bound_CFLAGS = $(TEST_CFLAGS)
tools_test_bound_LDADD = $(TEST_LDADD)
tools_test_finish_SOURCES = \
	tools/drain.c \
	tools/finish.c \
	tools/test-finish.c
tools_test_finish_CFLAGS = $(TEST_CFLAGS)
tools_test_finish_LDADD = $(TEST_LDADD)
tools_test_held_SOURCES = \
	tools/held.c \
	tools/test-held.c
tools_test_held_CFLAGS = $(TEST_CFLAGS)
tools_test_held_LDADD = $(TEST_LDADD)
# What is seen by way of view.c, on a machine whose programs are in the test's folder.
MACHINE_CFLAGS = $(TEST_CFLAGS) $(JSON_CFLAGS) -UPROGRAM_DIR -DPROGRAM_DIR='"programs"' \
	-DUNIT_DIR='"etc"' -DRUNTIME_UNIT_DIR='"run"'
MACHINE_LDADD = $(TEST_LDADD) $(JSON_LIBS)
machine_SOURCES = \
	test/responders.c \
	tools/backends.c \
	tools/bound.c \
	tools/engines.c \
	tools/json.c \
	tools/overrides.c \
	tools/processes.c \
	tools/providers.c \
	tools/test-machine.h \
	tools/units.c \
	tools/view.c
# What test-explain asks: no test itself.
EXTRA_PROGRAMS += tools/nss-answers.so
CLEANFILES += tools/nss-answers.so
EXTRA_tools_test_explain_DEPENDENCIES = tools/nss-answers.so
tools_nss_answers_so_SOURCES = tools/nss-answers.c
tools_nss_answers_so_CFLAGS = $(AM_CFLAGS) -fPIC
tools_nss_answers_so_LDFLAGS = -shared
tools_test_cache_SOURCES = \
	test/responders.c \
	tools/cache.c \
	tools/drain.c \
	tools/finish.c \
	tools/last.c \
	tools/narrow.c \
	tools/ownership.c \
	tools/processes.c \
	tools/test-cache.c \
	tools/test-machine.h \
	tools/units.c
tools_test_cache_CFLAGS = $(MACHINE_CFLAGS) -DCLEAR_USEC=1500000
tools_test_cache_LDADD = $(TEST_LDADD)
tools_test_check_SOURCES = $(machine_SOURCES) tools/check.c tools/test-check.c
tools_test_check_CFLAGS = $(MACHINE_CFLAGS)
tools_test_check_LDADD = $(MACHINE_LDADD)
configurations_SOURCES = \
	tools/backends.c \
	tools/bound.c \
	tools/check.c \
	tools/engines.c \
	tools/json.c \
	tools/overrides.c \
	tools/processes.c \
	tools/providers.c \
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
tools_test_engines_SOURCES = $(machine_SOURCES) tools/test-engines.c
tools_test_engines_CFLAGS = $(MACHINE_CFLAGS) -DCHECK_USEC=1500000
tools_test_engines_LDADD = $(MACHINE_LDADD)
tools_test_explain_SOURCES = $(machine_SOURCES) tools/explain.c tools/test-explain.c
tools_test_explain_CFLAGS = $(MACHINE_CFLAGS) -DNSS_LIBRARY='"./libnss_answers.so"' -DGUARD_MSEC=1000
tools_test_explain_LDADD = $(MACHINE_LDADD)
tools_test_folders_SOURCES = \
	tools/folders.c \
	tools/test-folders.c
tools_test_folders_CFLAGS = $(TEST_CFLAGS)
tools_test_folders_LDADD = $(TEST_LDADD)
tools_test_foresee_SOURCES = \
	tools/foresee.c \
	tools/test-foresee.c
tools_test_foresee_CFLAGS = $(TEST_CFLAGS)
tools_test_foresee_LDADD = $(TEST_LDADD)
tools_test_hold_SOURCES = \
	test/responders.c \
	tools/drain.c \
	tools/finish.c \
	tools/hold.c \
	tools/narrow.c \
	tools/ownership.c \
	tools/processes.c \
	tools/test-hold.c \
	tools/units.c
tools_test_hold_CFLAGS = $(MACHINE_CFLAGS)
tools_test_hold_LDADD = $(TEST_LDADD)
tools_test_hooks_SOURCES = \
	test/responders.c \
	tools/bound.c \
	tools/drain.c \
	tools/drain.h \
	tools/finish.c \
	tools/finish.h \
	tools/folders.c \
	tools/hooks.c \
	tools/last.c \
	tools/ownership.c \
	tools/test-hooks.c \
	tools/trial.c \
	tools/units.c \
	tools/with-state.c
tools_test_hooks_CFLAGS = $(MACHINE_CFLAGS) -DRESPONDERS_USEC=2000000 -DLEAVE_MSEC=2000 -DLOCK_MSEC=2000
tools_test_hooks_LDADD = $(TEST_LDADD)
tools_test_last_SOURCES = \
	tools/last.c \
	tools/test-last.c
tools_test_last_CFLAGS = $(TEST_CFLAGS)
tools_test_last_LDADD = $(TEST_LDADD)
tools_test_migrate_SOURCES = \
	test/responders.c \
	tools/drain.c \
	tools/finish.c \
	tools/foresee.c \
	tools/migrate.c \
	tools/narrow.c \
	tools/ownership.c \
	tools/processes.c \
	tools/replace.c \
	tools/test-migrate.c \
	tools/units.c
tools_test_migrate_CFLAGS = $(TEST_CFLAGS) -UPROGRAM_DIR -DPROGRAM_DIR='"programs"'
tools_test_migrate_LDADD = $(TEST_LDADD)
tools_test_narrow_SOURCES = tools/test-narrow.c
tools_test_narrow_CFLAGS = $(TEST_CFLAGS)
tools_test_narrow_LDADD = $(TEST_LDADD)
tools_test_overrides_SOURCES = \
	tools/overrides.c \
	tools/test-overrides.c
tools_test_overrides_CFLAGS = $(TEST_CFLAGS) -DUNIT_DIR='"etc"' -DRUNTIME_UNIT_DIR='"run"'
tools_test_overrides_LDADD = $(TEST_LDADD)
tools_test_processes_SOURCES = \
	tools/processes.c \
	tools/test-processes.c
tools_test_processes_CFLAGS = $(TEST_CFLAGS)
tools_test_processes_LDADD = $(TEST_LDADD)
tools_test_providers_SOURCES = \
	tools/providers.c \
	tools/test-providers.c
tools_test_providers_CFLAGS = $(TEST_CFLAGS)
tools_test_providers_LDADD = $(TEST_LDADD)
tools_test_replace_SOURCES = \
	tools/foresee.c \
	tools/replace.c \
	tools/test-replace.c
tools_test_replace_CFLAGS = $(TEST_CFLAGS)
tools_test_replace_LDADD = $(TEST_LDADD)
tools_test_status_SOURCES = $(machine_SOURCES) tools/status.c tools/table.c tools/test-status.c
tools_test_status_CFLAGS = $(MACHINE_CFLAGS)
tools_test_status_LDADD = $(MACHINE_LDADD)
tools_test_switch_SOURCES = $(machine_SOURCES) \
	tools/drain.c \
	tools/finish.c \
	tools/held.c \
	tools/last.c \
	tools/switch.c \
	tools/test-switch.c \
	tools/trial.c
tools_test_switch_CFLAGS = $(MACHINE_CFLAGS)
tools_test_switch_LDADD = $(MACHINE_LDADD)
tools_test_table_SOURCES = tools/table.c tools/test-table.c
tools_test_table_CFLAGS = $(TEST_CFLAGS)
tools_test_table_LDADD = $(TEST_LDADD)
tools_test_trial_SOURCES = \
	tools/test-trial.c \
	tools/trial.c
tools_test_trial_CFLAGS = $(TEST_CFLAGS)
tools_test_trial_LDADD = $(TEST_LDADD)
tools_test_units_SOURCES = \
	test/responders.c \
	tools/test-units.c \
	tools/units.c
tools_test_units_CFLAGS = $(MACHINE_CFLAGS)
tools_test_units_LDADD = $(TEST_LDADD)
tools_test_view_SOURCES = $(machine_SOURCES) tools/test-view.c
tools_test_view_CFLAGS = $(MACHINE_CFLAGS)
tools_test_view_LDADD = $(MACHINE_LDADD)
endif
