/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LDIF: reads the entries of a file (RFC 2849), and nothing else. */

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backend/ldif.h"

void ldif_init(struct ldif *ldif, char *text, size_t bytes)
{
    static const char mark[] = "\xef\xbb\xbf"; /* what editors of another system put before UTF-8 */
    bool is_marked = bytes >= 3 && memcmp(text, mark, 3) == 0;

    text[bytes] = '\0';
    *ldif = (struct ldif){
        .text = text,
        .next = is_marked ? text + 3 : text,
        .end = text + bytes,
        .line = 1,
    };
}

void ldif_done(struct ldif *ldif)
{
    free(ldif->attributes);
    free(ldif->text);
    *ldif = (struct ldif){ 0 };
}

static int bad(struct ldif *ldif, unsigned long line, const char *why)
{
    ldif->bad_line = line;
    ldif->why = why;
    return -EBADMSG;
}

/* ---- lines ---- */

/* One line of the file without its end, which may be missing behind the last. */
static char *next_physical(struct ldif *ldif, size_t *ret_bytes)
{
    char *line = ldif->next;
    char *newline = memchr(line, '\n', (size_t) (ldif->end - line));
    char *end = newline ? newline : ldif->end;

    ldif->next = newline ? newline + 1 : ldif->end;
    ldif->line++;
    if (end > line && end[-1] == '\r')
        end--;
    *ret_bytes = (size_t) (end - line);
    return line;
}

/* One line with those that continue it (they begin with a blank), joined in place and ended with a zero: joined
 * it is no longer than what it was made of. Returns false at the end of the file. */
static bool next_line(struct ldif *ldif, char **ret, size_t *ret_bytes, unsigned long *ret_line)
{
    char *line, *more;
    size_t bytes, more_bytes;

    if (ldif->next == ldif->end)
        return false;

    *ret_line = ldif->line;
    line = next_physical(ldif, &bytes);
    while (bytes > 0 && ldif->next < ldif->end && *ldif->next == ' ') {
        more = next_physical(ldif, &more_bytes);
        memmove(line + bytes, more + 1, more_bytes - 1);
        bytes += more_bytes - 1;
    }

    line[bytes] = '\0'; /* the line's end stood here, or the byte behind the file */
    *ret = line;
    *ret_bytes = bytes;
    return true;
}

/* ---- values ---- */

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* In place. Returns the bytes, or -1 if it is not base64. */
static ssize_t decode_base64(char *text, size_t bytes)
{
    size_t done = 0, pad = 0;

    if (bytes % 4 != 0)
        return -1;
    while (bytes > 0 && pad < 2 && text[bytes - 1] == '=') {
        bytes--;
        pad++;
    }

    for (size_t i = 0; i < bytes; i += 4) {
        size_t digits = bytes - i < 4 ? bytes - i : 4;
        unsigned bits = 0;

        for (size_t k = 0; k < 4; k++) {
            int digit = k < digits ? base64_digit(text[i + k]) : 0;

            if (digit < 0)
                return -1;
            bits = bits << 6 | (unsigned) digit;
        }
        for (size_t k = 0; k + 1 < digits; k++)
            text[done++] = (char) (bits >> (16 - 8 * k) & 0xff);
    }
    text[done] = '\0';
    return (ssize_t) done;
}

/* Parts a line into name and value, in place. */
static int parse_line(struct ldif *ldif, char *line, size_t bytes, unsigned long number, struct ldif_attribute *ret)
{
    char *colon = memchr(line, ':', bytes), *value;
    bool is_base64;
    ssize_t n;

    if (!colon)
        return bad(ldif, number, "a line without a colon");
    if (colon == line)
        return bad(ldif, number, "a line without an attribute's name");
    for (const char *c = line; c < colon; c++)
        if (!isalnum((unsigned char) *c) && *c != '-' && *c != ';' && *c != '.' && *c != '_')
            return bad(ldif, number, "not the name of an attribute");
    *colon = '\0';

    value = colon + 1;
    if (*value == '<')
        return bad(ldif, number, "values are not read from URLs");
    is_base64 = *value == ':';
    if (is_base64)
        value++;
    while (*value == ' ')
        value++;

    n = line + bytes - value;
    if (is_base64) {
        n = decode_base64(value, (size_t) n);
        if (n < 0)
            return bad(ldif, number, "not base64");
    }
    *ret = (struct ldif_attribute){ line, value, (size_t) n };
    return 0;
}

/* ---- entries ---- */

static int add_attribute(struct ldif *ldif, struct ldif_entry *entry, const struct ldif_attribute *attribute)
{
    if (entry->n_attributes == ldif->n_attributes_max) {
        size_t max = ldif->n_attributes_max ? ldif->n_attributes_max * 2 : 32;
        struct ldif_attribute *larger = reallocarray(ldif->attributes, max, sizeof(*larger));

        if (!larger)
            return -ENOMEM;
        ldif->attributes = larger;
        ldif->n_attributes_max = max;
    }
    ldif->attributes[entry->n_attributes++] = *attribute;
    return 0;
}

static int add_line(struct ldif *ldif, struct ldif_entry *entry, const struct ldif_attribute *attribute,
                    unsigned long line)
{
    if (!entry->dn) {
        if (strcasecmp(attribute->name, "version") == 0 && line == 1)
            return strcmp(attribute->value, "1") == 0 ? 0 : bad(ldif, line, "not version 1 of LDIF");
        if (strcasecmp(attribute->name, "include") == 0)
            return bad(ldif, line, "other files are not included");
        if (strcasecmp(attribute->name, "dn") != 0)
            return bad(ldif, line, "an entry that does not begin with its dn");
        entry->line = line;
        entry->dn = attribute->value;
        entry->dn_bytes = attribute->bytes;
        return 0;
    }

    if (strcasecmp(attribute->name, "dn") == 0)
        return bad(ldif, line, "a second dn: there is no empty line between two entries");
    if (strcasecmp(attribute->name, "changetype") == 0 || strcasecmp(attribute->name, "control") == 0)
        return bad(ldif, line, "changes instead of entries");
    return add_attribute(ldif, entry, attribute);
}

int ldif_next(struct ldif *ldif, struct ldif_entry *ret)
{
    struct ldif_entry entry = { 0 };
    struct ldif_attribute attribute;
    unsigned long number;
    char *line;
    size_t bytes;
    int r;

    while (next_line(ldif, &line, &bytes, &number)) {
        if (bytes == 0) {
            if (entry.dn)
                break;
            continue;
        }
        if (*line == '#')
            continue;
        if (*line == ' ')
            return bad(ldif, number, "a continued line without one before it");

        r = parse_line(ldif, line, bytes, number, &attribute);
        if (r == 0)
            r = add_line(ldif, &entry, &attribute, number);
        if (r < 0)
            return r;
    }

    if (!entry.dn)
        return 0;
    entry.attributes = ldif->attributes;
    *ret = entry;
    return 1;
}
