/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DN: names of entries as they are compared, and what stands in their first part (RFC 4514). */

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "backend/dn.h"
#include "cache/utf8.h"

/* One `type = value` and the separator behind it: ',' or '+', zero at the end. */
struct part {
    const char *type;
    size_t type_bytes;
    char value[DN_BYTES_MAX]; /* without escapes and the blanks around it */
    size_t value_bytes;
    char separator;
};

static int hex(char c)
{
    if (!isxdigit((unsigned char) c))
        return -1;
    return isdigit((unsigned char) c) ? c - '0' : tolower((unsigned char) c) - 'a' + 10;
}

static void skip_blanks(const char **at, const char *end)
{
    while (*at < end && **at == ' ')
        (*at)++;
}

/* An escaped byte: two hexadecimal digits, or the character itself. */
static int take_escaped(const char **at, const char *end, char *ret)
{
    const char *c = *at;

    if (end - c >= 2 && hex(c[0]) >= 0 && hex(c[1]) >= 0) {
        *ret = (char) (hex(c[0]) << 4 | hex(c[1]));
        *at = c + 2;
        return *ret == '\0' ? -EINVAL : 0;
    }
    if (c == end)
        return -EINVAL;
    *ret = *c;
    *at = c + 1;
    return 0;
}

static int take_value(const char **at, const char *end, struct part *ret)
{
    size_t n = 0, n_kept = 0; /* kept: up to the last that is not a bare blank */

    ret->separator = '\0';
    while (*at < end) {
        char c = *(*at)++;
        bool is_escaped = c == '\\';

        if (!is_escaped && (c == ',' || c == ';' || c == '+')) {
            ret->separator = c == '+' ? '+' : ',';
            break;
        }
        if (c == '\0' || (!is_escaped && c == '"'))
            return -EINVAL;
        if (is_escaped && take_escaped(at, end, &c) < 0)
            return -EINVAL;
        if (n == sizeof(ret->value) - 1)
            return -EINVAL;
        ret->value[n++] = c;
        if (is_escaped || c != ' ')
            n_kept = n;
    }
    if (n_kept == 0)
        return -EINVAL;
    ret->value[n_kept] = '\0';
    ret->value_bytes = n_kept;
    return 0;
}

static int take_part(const char **at, const char *end, struct part *ret)
{
    skip_blanks(at, end);
    ret->type = *at;
    while (*at < end && (isalnum((unsigned char) **at) || **at == '-' || **at == '.'))
        (*at)++;
    ret->type_bytes = (size_t) (*at - ret->type);
    skip_blanks(at, end);
    if (ret->type_bytes == 0 || *at == end || **at != '=')
        return -EINVAL;
    (*at)++;
    skip_blanks(at, end);
    return take_value(at, end, ret);
}

static int put(char *ret, size_t *n, char c)
{
    if (*n == DN_BYTES_MAX - 1)
        return -EINVAL;
    ret[(*n)++] = c;
    return 0;
}

static int put_part(const struct part *part, char *ret, size_t *n)
{
    char value[DN_BYTES_MAX];
    int r = 0, bytes = utf8_lower(part->value, part->value_bytes, value, sizeof(value));

    if (bytes < 0)
        return -EINVAL;
    for (size_t i = 0; i < part->type_bytes && r == 0; i++)
        r = put(ret, n, (char) tolower((unsigned char) part->type[i]));
    if (r == 0)
        r = put(ret, n, '=');
    for (int i = 0; i < bytes && r == 0; i++) {
        if (value[i] == ' ' && value[i + 1] == ' ') /* several blanks count as one */
            continue;
        if (strchr("\\,+", value[i]))
            r = put(ret, n, '\\');
        if (r == 0)
            r = put(ret, n, value[i]);
    }
    if (r == 0 && part->separator)
        r = put(ret, n, part->separator);
    return r;
}

int dn_canonical(const char *dn, size_t bytes, char ret[DN_BYTES_MAX])
{
    const char *at = dn, *end = dn + bytes;
    struct part part;
    size_t n = 0;
    int r;

    do {
        r = take_part(&at, end, &part);
        if (r == 0)
            r = put_part(&part, ret, &n);
        if (r < 0)
            return r;
    } while (part.separator);

    ret[n] = '\0';
    return (int) n;
}

int dn_first_value(const char *dn, size_t bytes, const char *attribute, char ret[DN_BYTES_MAX])
{
    const char *at = dn, *end = dn + bytes;
    struct part part;
    int r;

    do {
        r = take_part(&at, end, &part);
        if (r < 0)
            return r;
        if (strlen(attribute) == part.type_bytes && strncasecmp(part.type, attribute, part.type_bytes) == 0) {
            memcpy(ret, part.value, part.value_bytes + 1);
            return 1;
        }
    } while (part.separator == '+');
    return 0;
}
