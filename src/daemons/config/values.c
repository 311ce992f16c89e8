/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"
#include "config/values.h"

/* The longest time that is still counted; whoever wants more wants "never". */
#define SECONDS_MAX UINT32_MAX

int value_parse_bool(const char *text, bool *ret)
{
    if (strcasecmp(text, "true") == 0)
        *ret = true;
    else if (strcasecmp(text, "false") == 0)
        *ret = false;
    else
        return -EINVAL;
    return 0;
}

int value_parse_u32(const char *text, uint32_t *ret)
{
    uint64_t value;

    if (text_to_u64(text, 0, UINT32_MAX, &value) < 0)
        return -EINVAL;
    *ret = (uint32_t) value;
    return 0;
}

int value_parse_usec(const char *text, uint64_t *ret)
{
    static const struct {
        const char *name;
        uint64_t usec;
    } units[] = { { "", 1000000 }, { "ms", 1000 }, { "s", 1000000 }, { "min", 60000000 }, { "h", 3600000000 } };
    char digits[16];
    size_t n = strspn(text, "0123456789");
    const char *unit = text + n + strspn(text + n, TEXT_BLANKS);
    uint64_t value;

    if (n == 0 || n >= sizeof(digits))
        return -EINVAL;
    *(char *) mempcpy(digits, text, n) = '\0';
    if (text_to_u64(digits, 10, SECONDS_MAX, &value) < 0)
        return -EINVAL;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].name) == 0 && value * units[i].usec <= (uint64_t) SECONDS_MAX * 1000000) {
            *ret = value * units[i].usec;
            return 0;
        }
    }
    return -EINVAL;
}
