# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/libsss_activation.a
# Whoever links it is linked anew when what it stands on has changed.
EXTRA_lib_libsss_activation_a_DEPENDENCIES = $(COMMON_LIBS)
lib_libsss_activation_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) $(INI_CFLAGS)
lib_libsss_activation_a_SOURCES = \
	lib/config.h \
	lib/edit.c \
	lib/edit.h \
	lib/engine.c \
	lib/engine.h \
	lib/event.c \
	lib/event.h \
	lib/leaving.c \
	lib/leaving.h \
	lib/link.c \
	lib/link.h \
	lib/log.h \
	lib/manager.c \
	lib/pace.c \
	lib/pace.h \
	lib/manager.h \
	lib/registry.c \
	lib/registry.h \
	lib/residency.c \
	lib/residency.h \
	lib/services.c \
	lib/services.h \
	lib/sockets.c \
	lib/sockets.h \
	lib/state.c \
	lib/state.h \
	lib/unix-sockets.c \
	lib/unix-sockets.h

if HAVE_CMOCKA
check_PROGRAMS += \
	lib/test-edit \
	lib/test-engine \
	lib/test-leaving \
	lib/test-link \
	lib/test-manager \
	lib/test-pace \
	lib/test-registry \
	lib/test-residency \
	lib/test-services \
	lib/test-sockets \
	lib/test-state \
	lib/test-unix-sockets
lib_test_edit_SOURCES = lib/test-edit.c
lib_test_edit_CFLAGS = $(TEST_CFLAGS)
lib_test_edit_LDADD = $(TEST_LDADD)
lib_test_engine_SOURCES = lib/test-engine.c
lib_test_engine_CFLAGS = $(TEST_CFLAGS)
lib_test_engine_LDADD = $(TEST_LDADD)
lib_test_leaving_SOURCES = lib/test-leaving.c
lib_test_leaving_CFLAGS = $(TEST_CFLAGS)
lib_test_leaving_LDADD = $(TEST_LDADD)
lib_test_link_SOURCES = \
	lib/link.c \
	lib/test-link.c
lib_test_link_CFLAGS = $(TEST_CFLAGS) -DLINK_SECOND_USEC='UINT64_C(100000)'
lib_test_link_LDADD = $(TEST_LDADD)
lib_test_manager_SOURCES = lib/test-manager.c
lib_test_manager_CFLAGS = $(TEST_CFLAGS)
lib_test_manager_LDADD = $(TEST_LDADD)
lib_test_pace_SOURCES = lib/test-pace.c
lib_test_pace_CFLAGS = $(TEST_CFLAGS)
lib_test_pace_LDADD = $(TEST_LDADD)
lib_test_registry_SOURCES = lib/test-registry.c
lib_test_registry_CFLAGS = $(TEST_CFLAGS)
lib_test_registry_LDADD = $(TEST_LDADD)
lib_test_residency_SOURCES = lib/test-residency.c
lib_test_residency_CFLAGS = $(TEST_CFLAGS)
lib_test_residency_LDADD = $(TEST_LDADD)
lib_test_services_SOURCES = lib/test-services.c
lib_test_services_CFLAGS = $(TEST_CFLAGS)
lib_test_services_LDADD = $(TEST_LDADD)
lib_test_sockets_SOURCES = lib/test-sockets.c
lib_test_sockets_CFLAGS = $(TEST_CFLAGS)
lib_test_sockets_LDADD = $(TEST_LDADD)
lib_test_state_SOURCES = lib/test-state.c
lib_test_state_CFLAGS = $(TEST_CFLAGS)
lib_test_state_LDADD = $(TEST_LDADD)
lib_test_unix_sockets_SOURCES = lib/test-unix-sockets.c
lib_test_unix_sockets_CFLAGS = $(TEST_CFLAGS)
lib_test_unix_sockets_LDADD = $(TEST_LDADD)
endif
