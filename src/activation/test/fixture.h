/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fixture: a folder of its own for each test, and real sockets in it. */

#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/test-cmocka.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)

/* Makes a folder and goes there; leaves and removes it. A test that hangs is ended in between. */
int folder_enter(void **state);
int folder_leave(void **state);

/* The absolute path of a name in the folder; good until the sixteenth call after this one. */
char *at(const char *name);

void write_text(const char *path, const char *text);
/* "" if there is none; good until the next call. */
const char *read_text(const char *path);
/* A configuration: its files get mode 0600, as the engine wants them. */
void copy_tree(const char *from, const char *to);
bool file_exists(const char *path);
/* Waits until the file is there, or has the text in it. */
void wait_for_file(const char *path);
void wait_for_text(const char *path, const char *text);

/* Runs what in a child, whose limits, signals and identity are its own; returns what that returns, 0 to 255. */
int in_child(int (*what)(void *userdata), void *userdata);
/* Likewise, beside the test: returns the child's pid, for exit_status_of(). */
int start_child(int (*what)(void *userdata), void *userdata);
int exit_status_of(int pid);
/* Gives up root where there is any. */
void drop_root(void);
/* Makes blocking calls of this process meet EINTR again and again. */
void interrupt_often(void);
unsigned interruptions(void);

/* Sockets, all close-on-exec, bound to paths in the folder unless said otherwise. */
int listener_at(const char *path);
int socket_at(const char *path, int type, bool listening);
int client_of(const char *path);
bool is_served(int client, const char *text); /* says exactly text, then ends */
bool is_refused(int client);                  /* ends without a word */
/* Takes the next one from the queue without waiting; -1 if it is empty. */
int accept_now(int listener);
uint64_t msec_now(void);

#endif
