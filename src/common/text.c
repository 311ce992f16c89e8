/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"

/* The longest time that is still counted; whoever wants more wants "never". */
#define SECONDS_MAX ((uint64_t) UINT32_MAX)

int text_to_u64(const char *text, int base, uint64_t max, uint64_t *ret)
{
    unsigned long long value;
    char *end;
    int saved = errno, failed;

    if (!isxdigit((unsigned char) text[0])) /* strtoull would take blanks and signs */
        return -EINVAL;
    if (base == 0)
        base = strncasecmp(text, "0x", 2) == 0 ? 16 : 10; /* never 8: people write 010 for ten */

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

int text_to_usec(const char *text, uint64_t *ret)
{
    static const struct {
        const char *name;
        uint64_t usec;
    } units[] = {
        { "", 1000000 }, { "ms", 1000 }, { "s", 1000000 }, { "min", 60000000 }, { "h", 3600000000 },
    };
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
        if (strcmp(unit, units[i].name) == 0 && value * units[i].usec <= SECONDS_MAX * 1000000) {
            *ret = value * units[i].usec;
            return 0;
        }
    }
    return -EINVAL;
}

const char *text_trim(const char *text, size_t *ret_bytes)
{
    size_t n;

    text += strspn(text, TEXT_BLANKS);
    for (n = strlen(text); n > 0 && strchr(TEXT_BLANKS, text[n - 1]); n--)
        ;
    *ret_bytes = n;
    return text;
}

char **text_list(const char *text)
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

        item += text_trim(item, &bytes) - item;
        item[bytes] = '\0';
        if (bytes > 0)
            items[used++] = item;
    }
    items[used] = NULL;
    return items;
}
