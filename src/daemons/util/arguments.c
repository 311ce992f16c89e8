/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "common/text.h"
#include "util/arguments.h"

int argument_number(const char *name, const char *text, int base, uint64_t max, uint64_t *ret)
{
    if (text_to_u64(text, base, max, ret) == 0)
        return 0;
    (void) fprintf(stderr, "%s: --%s=%s: not a number up to %llu\n", program_invocation_short_name, name, text,
                   (unsigned long long) max);
    return -EINVAL;
}

int argument_logger(const char *text, enum log_target *ret)
{
    if (log_target_parse(text, ret) == 0)
        return 0;
    (void) fprintf(stderr, "%s: --logger=%s: not files, journald or stderr\n", program_invocation_short_name, text);
    return -EINVAL;
}
