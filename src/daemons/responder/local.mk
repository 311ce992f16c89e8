# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += responder/libresponder.a
responder_libresponder_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
responder_libresponder_a_SOURCES = \
	responder/arguments.c \
	responder/arguments.h \
	responder/charge.c \
	responder/client.c \
	responder/client.h \
	responder/connection.c \
	responder/connection.h \
	responder/listener.c \
	responder/listener.h \
	responder/monitor.c \
	responder/private.h \
	responder/quota.c \
	responder/quota.h \
	responder/ready.c \
	responder/ready.h \
	responder/request.c \
	responder/responder.c \
	responder/responder.h \
	responder/shared.c

if HAVE_CMOCKA
RESPONDER_TEST_LDADD = responder/libresponder.a bus/libbus.a config/libconfig.a wire/libwire.a test/libtest.a \
	util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += \
	responder/test-client \
	responder/test-listener \
	responder/test-quota \
	responder/test-responder
responder_test_client_SOURCES = responder/test-client.c
responder_test_client_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS)
responder_test_client_LDADD = $(RESPONDER_TEST_LDADD)
responder_test_listener_SOURCES = responder/test-listener.c
responder_test_listener_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS)
responder_test_listener_LDADD = $(RESPONDER_TEST_LDADD)

responder_test_quota_SOURCES = responder/test-quota.c
responder_test_quota_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS)
responder_test_quota_LDADD = $(RESPONDER_TEST_LDADD)

# The process itself, with all its paths below the folder that it is run in.
responder_test_responder_SOURCES = \
	responder/arguments.c \
	responder/charge.c \
	responder/client.c \
	responder/connection.c \
	responder/listener.c \
	responder/monitor.c \
	responder/quota.c \
	responder/ready.c \
	responder/request.c \
	responder/responder.c \
	responder/shared.c \
	responder/test-responder.c
responder_test_responder_CPPFLAGS = -D_GNU_SOURCE -I$(srcdir) -I$(top_builddir) $(COMMON_CFLAGS) \
	-DSSS_STATEDIR='"."' -DSSS_LOGDIR='"."' -DSSS_CONFDIR='"."' -DSSS_RUNDIR='"."' -DSSS_LIBEXECDIR='"."' \
	-DOWN_STATEDIR='"."' -DOWN_CONFDIR='"."' -DSSS_USER='"nobody"' -DSSS_BACKEND_USER='"nobody"'
responder_test_responder_CFLAGS = $(TEST_CFLAGS) $(SYSTEMD_CFLAGS)
responder_test_responder_LDADD = $(RESPONDER_TEST_LDADD)
endif

if FUZZING
EXTRA_PROGRAMS += responder/fuzz-packet
FUZZ_TARGETS += responder/fuzz-packet
responder_fuzz_packet_SOURCES = responder/fuzz-packet.c
responder_fuzz_packet_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
responder_fuzz_packet_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
responder_fuzz_packet_LDADD = responder/libresponder.a bus/libbus.a config/libconfig.a wire/libwire.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS)
endif

# The target's seeds, without libFuzzer.
check_PROGRAMS += responder/test-fuzz-packet
responder_test_fuzz_packet_SOURCES = responder/fuzz-packet.c
responder_test_fuzz_packet_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/responder/fuzz-packet.seeds"'
responder_test_fuzz_packet_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
responder_test_fuzz_packet_LDADD = responder/libresponder.a bus/libbus.a config/libconfig.a wire/libwire.a util/libutil.a $(COMMON_LIBS) $(SYSTEMD_LIBS)
