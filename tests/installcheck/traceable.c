/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For who changes to another user on a sanitized machine: the kernel lets nobody trace such a process from then on, and
 * LeakSanitizer looks at its process by tracing it. */

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    if (syscall(SYS_setresuid, real, effective, saved) < 0)
        return -1;
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
