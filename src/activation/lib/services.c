/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services: which responders a configuration gives to the monitor. */

#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"
#include "lib/config.h"
#include "lib/services.h"

#define BLANKS " \t"

static char *trim(char *text)
{
    size_t n;

    text += strspn(text, BLANKS);
    for (n = strlen(text); n > 0 && strchr(BLANKS, text[n - 1]); n--)
        text[n - 1] = '\0';
    return text;
}

void services_read(const struct config *config, struct services *ret)
{
    CLEANUP(freep) char *copy = NULL;
    const char *line;
    char *rest, *name;

    *ret = (struct services) { .file = NULL };
    line = config_get(config, "sssd", "services", &ret->file);
    copy = line ? strdup(line) : NULL;

    for (rest = copy; rest && (name = strsep(&rest, ","));) {
        const struct responder *responder = responder_by_name(trim(name));

        if (responder)
            ret->why[responder - responders] = LISTED;
    }
}
