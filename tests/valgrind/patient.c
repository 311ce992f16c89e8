/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For unit tests under valgrind, where all takes ten to fifty times as long: alarms wait longer; who starts his own program
 * again does not start valgrind; and tests that $SKIPPED names, with a blank before and after each, are left out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <limits.h>
#include <spawn.h>
#include <unistd.h>

#define TIMES 20

unsigned alarm(unsigned sec)
{
    unsigned (*next)(unsigned) = (__typeof__(next)) dlsym(RTLD_NEXT, "alarm");

    return next(sec * TIMES) / TIMES;
}

/* The kernel would execute valgrind, whose word for the link is the right one. */
int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                char *const argv[], char *const environment[])
{
    int (*next)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *,
                char *const *) = (__typeof__(next)) dlsym(RTLD_NEXT, "posix_spawn");
    char program[PATH_MAX];
    ssize_t n = strcmp(path, "/proc/self/exe") == 0 ? readlink(path, program, sizeof(program) - 1) : 0;

    if (n > 0)
        program[n] = '\0';
    return next(pid, n > 0 ? program : path, actions, attributes, argv, environment);
}

static int is_skipped(const char *test)
{
    const char *skipped = getenv("SKIPPED");
    char word[256];

    (void) snprintf(word, sizeof(word), " %s ", test);
    return skipped && strstr(skipped, word);
}

int _cmocka_run_group_tests(const char *group, const struct CMUnitTest *const tests, const size_t n,
                            CMFixtureFunction setup, CMFixtureFunction teardown)
{
    int (*next)(const char *, const struct CMUnitTest *, size_t, CMFixtureFunction, CMFixtureFunction) =
        (__typeof__(next)) dlsym(RTLD_NEXT, "_cmocka_run_group_tests");
    struct CMUnitTest *left = calloc(n, sizeof(*left));
    size_t n_left = 0;
    int r;

    if (!left)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (is_skipped(tests[i].name))
            (void) printf("not under valgrind: %s\n", tests[i].name);
        else
            left[n_left++] = tests[i];
    }
    (void) fflush(stdout); /* children would print it again */
    r = next(group, left, n_left, setup, teardown);
    free(left);
    return r;
}
