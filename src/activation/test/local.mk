# SPDX-License-Identifier: GPL-3.0-or-later
# What the unit tests share. Their folders and their PID 1 are relative: each test runs in a folder of its own.
TEST_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) $(INI_CFLAGS) $(CMOCKA_CFLAGS) \
	-DSTATE_DIR='"state"' -DCONFIG_DIR='"config"' -DENGINE_FILE='"engine"' -DENGINE_DIR='"own"' -DMANAGER_SOCKET='"manager"' -DMANAGER_ON_SYSTEM_BUS=false \
	-DPROGRAM_DIR='"/nowhere"' -DPIPES_DIR='"pipes"' -DSSS_DIR='"sss"' -DTMPFILES='"./tmpfiles"' -DMODULES='"modules/libsss_"' -DCONTROL_GROUPS='"cgroups"' \
	-DDATA_DIR='"data"' -DPASSWD_FILE='"passwd"' -DRUNTIME_UNITS='"runtime"' -DGENERATED='"generated"' \
	-DSELINUX_REFUSES='"selinux-refuses"' -DQUIET_USEC=900000 -DLOOK_USEC=50000 -DTRY_USEC=5000000 -DUNIX_SOCKETS_OF_SYSTEMD='"/proc/self/net/unix"' -DEVENTS_TO_JOURNAL=false
# In this order: what it has of the library, made for these paths, comes before the library's.
TEST_LDADD = test/libtest.a lib/libsss_activation.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(INI_LIBS) $(CMOCKA_LIBS)

if HAVE_CMOCKA
check_LIBRARIES = test/libtest.a
test_libtest_a_CFLAGS = $(TEST_CFLAGS)
test_libtest_a_SOURCES = \
	lib/engine.c \
	lib/event.c \
	lib/manager.c \
	lib/pace.c \
	test/responders.c \
	lib/unix-sockets.c \
	test/fixture.c \
	test/fixture.h \
	test/own-engine.h \
	test/pid1.c \
	test/pid1.h \
	test/state-fixture.h
endif
