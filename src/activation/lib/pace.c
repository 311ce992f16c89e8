/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pace: one try for one mistake. */

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "lib/config.h"
#include "lib/manager.h"
#include "lib/pace.h"
#include "lib/state.h"

#define FIRST_USEC UINT64_C(5000000)
#define LAST_USEC UINT64_C(60000000)
#define GROWTH 3

/* What lies in the future was changed by a clock that went astray: it would be new for ever. */
static bool is_younger(int dir_fd, const char *path, uint64_t usec)
{
    struct timespec now;
    struct stat st;
    int64_t age;

    if (fstatat(dir_fd, path, &st, 0) < 0)
        return false;
    (void) clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
    age = (int64_t) (now.tv_sec - st.st_ctim.tv_sec) * 1000000 + (now.tv_nsec - st.st_ctim.tv_nsec) / 1000;
    return age >= 0 && (uint64_t) age < usec;
}

static bool configuration_is_younger(uint64_t usec)
{
    CLEANUP(closedirp) DIR *snippets = opendir(CONFIG_DIR "/conf.d");
    const struct dirent *entry;

    if (is_younger(AT_FDCWD, CONFIG_DIR, usec) || is_younger(AT_FDCWD, CONFIG_DIR "/sssd.conf", usec))
        return true;
    while (snippets && (entry = readdir(snippets))) /* "." is among them, ".." was looked at */
        if (is_younger(dirfd(snippets), entry->d_name, usec))
            return true;
    return false;
}

bool pace_changed_within(struct manager *manager, uint64_t usec)
{
    uint64_t reload, now = now_usec();

    if (configuration_is_younger(usec))
        return true;
    return manager && manager_number(manager, NULL, "Manager", "UnitsLoadTimestampMonotonic", &reload) >= 0 && reload > 0 &&
           now >= reload && now - reload < usec;
}

uint64_t pace_usec_left(const struct state *state, struct manager *manager)
{
    uint64_t age, wait = FIRST_USEC;
    unsigned failures = state_failures(state, &age);

    for (unsigned i = 1; i < failures && wait < LAST_USEC; i++)
        wait *= GROWTH;
    if (wait > LAST_USEC)
        wait = LAST_USEC;
    if (failures == 0 || age >= wait || pace_changed_within(manager, age))
        return 0;
    return wait - age;
}
