/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <strings.h>

#include "common/text.h"
#include "config/values.h"

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
