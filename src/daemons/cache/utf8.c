/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8: is a text valid, and what is it in lower case. */

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wctype.h>

#include "cache/utf8.h"

#define CHARACTER_BYTES_MAX 4

/* Returns how many bytes the character at text takes, 0 if it is not valid. */
static size_t decode(const char *text, size_t bytes, uint32_t *ret)
{
    const unsigned char *at = (const unsigned char *) text;
    uint32_t c = at[0], least;
    size_t n;

    if (c < 0x80) {
        *ret = c;
        return c ? 1 : 0;
    }

    if (c >= 0xc2 && c < 0xe0) {
        n = 2;
        least = 0x80;
        c &= 0x1f;
    } else if (c >= 0xe0 && c < 0xf0) {
        n = 3;
        least = 0x800;
        c &= 0x0f;
    } else if (c >= 0xf0 && c < 0xf5) {
        n = 4;
        least = 0x10000;
        c &= 0x07;
    } else {
        return 0;
    }

    if (n > bytes)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (at[i] & 0x3f);
    }
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;

    *ret = c;
    return n;
}

static size_t encode(uint32_t c, char ret[CHARACTER_BYTES_MAX])
{
    if (c < 0x80) {
        ret[0] = (char) c;
        return 1;
    }
    if (c < 0x800) {
        ret[0] = (char) (0xc0 | c >> 6);
        ret[1] = (char) (0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        ret[0] = (char) (0xe0 | c >> 12);
        ret[1] = (char) (0x80 | (c >> 6 & 0x3f));
        ret[2] = (char) (0x80 | (c & 0x3f));
        return 3;
    }
    ret[0] = (char) (0xf0 | c >> 18);
    ret[1] = (char) (0x80 | (c >> 12 & 0x3f));
    ret[2] = (char) (0x80 | (c >> 6 & 0x3f));
    ret[3] = (char) (0x80 | (c & 0x3f));
    return 4;
}

/* The daemons run in the C locale, whose towlower knows ASCII only. glibc's own C.UTF-8 is loaded by the first
 * name that needs it, so most processes never do; where it is missing, such characters stay as they are, for
 * every process alike. */
static uint32_t lower(uint32_t c)
{
    static locale_t unicode;
    static bool is_tried;

    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;

    if (!is_tried) {
        is_tried = true;
        unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
    }
    return unicode ? (uint32_t) towlower_l((wint_t) c, unicode) : c;
}

bool utf8_is_valid(const char *text, size_t bytes)
{
    uint32_t c;

    for (size_t n; bytes > 0; text += n, bytes -= n) {
        n = decode(text, bytes, &c);
        if (n == 0)
            return false;
    }
    return true;
}

int utf8_lower(const char *text, size_t bytes, char *ret, size_t ret_size)
{
    size_t done = 0;
    uint32_t c;

    for (size_t n; bytes > 0; text += n, bytes -= n) {
        char small[CHARACTER_BYTES_MAX];
        size_t small_bytes;

        n = decode(text, bytes, &c);
        if (n == 0)
            return -EINVAL;

        small_bytes = encode(lower(c), small);
        if (small_bytes >= ret_size - done || done > INT_MAX - sizeof(small))
            return -ENAMETOOLONG;
        memcpy(ret + done, small, small_bytes);
        done += small_bytes;
    }

    ret[done] = '\0';
    return (int) done;
}
