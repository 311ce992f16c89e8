/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stddef.h>
#include <sys/wait.h>

#include "common/child.h"

int child_watch(sd_event *event, sd_event_source **ret_source, pid_t pid, sd_event_child_handler_t handler, void *userdata)
{
    sd_event_source *source = NULL;
    int r;

    r = sd_event_add_child(event, &source, pid, WEXITED, handler, userdata);
    /* By default it looks once. Of a traced child the first sign is its tracer's, and there is nothing to see yet.
     * Only a source that was off is registered anew. */
    if (r >= 0)
        r = sd_event_source_set_enabled(source, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_source_set_enabled(source, SD_EVENT_ON);
    if (r < 0) {
        sd_event_source_disable_unref(source);
        return r;
    }
    *ret_source = source;
    return 0;
}
