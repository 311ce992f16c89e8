/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Engine: which of the two serves, the distribution's SSSD or our own daemons beside it.
 *
 * What is configured is one word in a file, which the generator reads too (units/generator.in: both must read it alike):
 * "own", if its programs are there; all else is SSSD. Beside it may lie the word of before (`engine --try`): in any other boot
 * than the one in which that was typed, it counts. What runs is seen by the main process of sssd.service. */

#ifndef LIB_ENGINE_H
#define LIB_ENGINE_H

#include <limits.h>
#include <stdbool.h>

#include "common/responders.h"

#ifndef ENGINE_FILE /* the tests have their own */
#define ENGINE_FILE "/etc/sssd-ondemand/engine"
#endif

#ifndef ENGINE_DIR /* likewise */
#define ENGINE_DIR "/usr/libexec/sssd-ondemand/engine"
#endif

#define ENGINE_TRY ENGINE_FILE ".try" /* the word of before */
#define ENGINE_MONITOR ENGINE_DIR "/sssd"
/* Its private bus: a responder that connects starts it. Closed under SSSD. */
/* Our generator's verdict: SELinux enforces without our module, and SSSD's own units serve. */
#ifndef SELINUX_REFUSES /* the tests have their own */
#define SELINUX_REFUSES "/run/systemd/generator/sss-.socket.d/50-selinux.conf"
#endif

#define MONITOR_SOCKET "sss-monitor.socket"

#define ENGINE_WORD_BYTES 32

/* Reads the word that counts, without looking for programs; "" if there is none. One that is neither own nor sssd is cut to what
 * fits, and may hold anything. */
void engine_read_word(char ret[ENGINE_WORD_BYTES]);
/* That of a file, as above. */
void engine_read_word_of(const char *path, char ret[ENGINE_WORD_BYTES]);

/* Writes a word to such a file, which is the old one or the new one whatever comes between, and makes its folder. 0 or a negative
 * errno. */
int engine_write_word(const char *path, const char *word);

/* Are our own programs there that no configuration can do without? Else *ret_missing, which may be NULL, is the first that is not. */
bool engine_has_programs(const char **ret_missing);

/* Is our own configured, and there? */
bool engine_is_own(void);

/* "own" or "sssd". */
const char *engine_word(bool own);

enum engine_runs {
    RUNS_NOTHING,
    RUNS_SSSD,
    RUNS_OWN,
    RUNS_UNKNOWN, /* this user can't see it */
};

/* Whose program the process is, the monitor or another; 0: there is none. */
enum engine_runs engine_of_process(int pid);

/* The program of a responder in one engine. KCM is the distribution's in both. */
void engine_program(const struct responder *responder, bool own, char ret[PATH_MAX]);
/* Is that the responder's in either? */
bool engine_is_program_of(const struct responder *responder, const char *program);
/* Has the configured engine this responder? */
bool engine_has(const struct responder *responder);
bool engine_has_of(bool own, const struct responder *responder);

#endif
