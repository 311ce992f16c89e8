/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"
#include "config/values.h"

#define BLANKS " \t\r\n\f\v"

/* The longest time that is still counted; whoever wants more wants "never". */
#define SECONDS_MAX UINT32_MAX

const char *value_trim(const char *text, size_t *ret_bytes)
{
    size_t n;

    text += strspn(text, BLANKS);
    for (n = strlen(text); n > 0 && strchr(BLANKS, text[n - 1]); n--)
        ;
    *ret_bytes = n;
    return text;
}

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
    const char *unit = text + n + strspn(text + n, BLANKS);
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

char **value_parse_list(const char *text)
{
    size_t n = 2, used = 0;
    char **items, *next;

    for (const char *at = text; *at; at++)
        n += *at == ',';
    items = malloc(n * sizeof(*items) + strlen(text) + 1);
    if (!items)
        return NULL;

    next = strcpy((char *) (items + n), text);
    while (next) {
        size_t bytes;
        char *item = strsep(&next, ",");

        item += value_trim(item, &bytes) - item;
        item[bytes] = '\0';
        if (bytes > 0)
            items[used++] = item;
    }
    items[used] = NULL;
    return items;
}
