/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edit: comments the services lines of a configuration file out, and brings them back, byte for byte.
 *
 * It finds them as libini does (docs/services-line.md). Whoever uses it reads the result back with the same reader as
 * the engine, so that a rule which is wrong here leads to a refusal, not to a broken configuration. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"
#include "lib/edit.h"

#define MARKER_BYTES strlen(EDIT_MARKER)

struct text {
    const char *start;
    size_t bytes;
};

struct reader {
    bool in_comment; /* between slash-star and star-slash */
    bool in_sssd;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct text trim(struct text text)
{
    while (text.bytes > 0 && is_blank(text.start[0])) {
        text.start++;
        text.bytes--;
    }
    while (text.bytes > 0 && is_blank(text.start[text.bytes - 1]))
        text.bytes--;
    return text;
}

static bool is_word(struct text text, const char *word)
{
    text = trim(text);
    return text.bytes == strlen(word) && strncasecmp(text.start, word, text.bytes) == 0;
}

static bool starts_with(struct text text, const char *word)
{
    return text.bytes >= strlen(word) && memcmp(text.start, word, strlen(word)) == 0;
}

/* A star-slash alone on its line ends no comment, an indented one does; and the star of the beginning is none of the
 * end. */
static bool ends_comment(struct text line, bool begins_it)
{
    while (line.bytes > 0 && is_blank(line.start[line.bytes - 1]))
        line.bytes--;
    return line.bytes > (begins_it ? 3 : 2) && memcmp(line.start + line.bytes - 2, "*/", 2) == 0;
}

/* What is left of the first c, or nothing if there is none. */
static struct text before(struct text line, char c)
{
    const char *end = line.bytes > 0 ? memchr(line.start, c, line.bytes) : NULL;

    return (struct text) { line.start, end ? (size_t) (end - line.start) : 0 };
}

static bool is_services_key(struct text line)
{
    return is_word(before(line, '='), "services");
}

/* Is this line, which comes after those that were read, a services line that counts? */
static bool read_line(struct reader *reader, struct text line)
{
    if (reader->in_comment || starts_with(line, "/*")) {
        reader->in_comment = !ends_comment(line, !reader->in_comment);
        return false;
    }
    if (starts_with(line, "[")) {
        struct text inside = before((struct text) { line.start + 1, line.bytes - 1 }, ']');

        reader->in_sssd = is_word(inside, "sssd");
        return false;
    }
    return reader->in_sssd && !starts_with(line, "#") && !starts_with(line, ";") && is_services_key(line);
}

static bool is_marked(struct text line)
{
    return starts_with(line, EDIT_MARKER) &&
           is_services_key((struct text) { line.start + MARKER_BYTES, line.bytes - MARKER_BYTES });
}

/* The line at the start of rest, up to a NUL, as the engine has it, or its end. */
static struct text line_of(struct text rest, size_t *ret_with_end)
{
    const char *newline = memchr(rest.start, '\n', rest.bytes);
    struct text line = { rest.start, newline ? (size_t) (newline - rest.start) : rest.bytes };

    *ret_with_end = line.bytes + (newline ? 1 : 0);
    line.bytes = strnlen(line.start, line.bytes);
    if (line.bytes > 0 && line.start[line.bytes - 1] == '\r')
        line.bytes--;
    return line;
}

static bool is_wide(struct text text)
{
    return starts_with(text, "\xff\xfe") || starts_with(text, "\xfe\xff") ||
           (text.bytes >= 4 && memcmp(text.start, "\0\0\xfe\xff", 4) == 0);
}

static int tell(edit_on_line on_line, void *userdata, unsigned number, struct text line, size_t skipped)
{
    const struct edit_line told = { number, line.start + skipped, line.bytes - skipped };

    return on_line ? on_line(&told, userdata) : 0;
}

int edit_text(enum edit edit, const char *text, size_t bytes, char **ret, size_t *ret_bytes, edit_on_line on_line,
              void *userdata)
{
    CLEANUP(freep) char *edited = NULL;
    struct text rest = { text, bytes };
    struct reader reader = { .in_comment = false };
    size_t used = 0, with_end, lines = 1;
    int n = 0, r;

    if (is_wide(rest))
        return -ENOTSUP;

    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    edited = malloc(bytes + lines * MARKER_BYTES + 1);
    if (!edited)
        return -ENOMEM;

    if (starts_with(rest, "\xef\xbb\xbf")) {
        rest = (struct text) { text + 3, bytes - 3 };
        memcpy(edited, text, 3);
        used = 3;
    }
    for (unsigned number = 1; rest.bytes > 0; number++) {
        struct text line = line_of(rest, &with_end);
        bool hit = edit == EDIT_COMMENT_OUT ? read_line(&reader, line) : is_marked(line);
        size_t skipped = hit && edit == EDIT_BRING_BACK ? MARKER_BYTES : 0;

        if (hit) {
            n++;
            r = tell(on_line, userdata, number, line, skipped);
            if (r < 0)
                return r;
        }
        if (hit && edit == EDIT_COMMENT_OUT) {
            memcpy(edited + used, EDIT_MARKER, MARKER_BYTES);
            used += MARKER_BYTES;
        }
        memcpy(edited + used, rest.start + skipped, with_end - skipped);
        used += with_end - skipped;
        rest = (struct text) { rest.start + with_end, rest.bytes - with_end };
    }

    if (n > 0) {
        *ret = TAKE(edited);
        *ret_bytes = used;
    }
    return n;
}
