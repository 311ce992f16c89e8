/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "common/text.h"

int text_to_u64(const char *text, int base, uint64_t max, uint64_t *ret)
{
    unsigned long long value;
    char *end;
    int saved = errno, failed;

    if (!isxdigit((unsigned char) text[0])) /* strtoull would take blanks and signs */
        return -EINVAL;
    if (base == 0)
        base = strncasecmp(text, "0x", 2) == 0 ? 16 : 10; /* and never 8: people write 010 for ten */

    errno = 0;
    value = strtoull(text, &end, base);
    failed = errno;
    errno = saved;

    if (end == text || *end)
        return -EINVAL;
    if (failed == ERANGE || value > max)
        return -ERANGE;

    *ret = value;
    return 0;
}
