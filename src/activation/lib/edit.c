/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edit: comments the services lines of a configuration file out, and brings them back, byte for byte.
 *
 * It finds them as libini does (docs/services-line.md). Whoever uses it reads the result back with the same reader as
 * the engine, so that a rule which is wrong here leads to a refusal, not to a broken configuration. */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "lib/edit.h"

#define MARKER_BYTES strlen(EDIT_MARKER)
#define BOM "\xef\xbb\xbf"

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

static struct text skip(struct text text, size_t bytes)
{
    return (struct text) { text.start + bytes, text.bytes - bytes };
}

static struct text skip_blanks(struct text text)
{
    while (text.bytes > 0 && is_blank(text.start[0]))
        text = skip(text, 1);
    return text;
}

/* Does it begin with the word, and then this character, with or without blanks around the word? */
static bool has_word_before(struct text text, const char *word, char c)
{
    text = skip_blanks(text);
    if (text.bytes < strlen(word) || strncasecmp(text.start, word, strlen(word)) != 0)
        return false;
    text = skip_blanks(skip(text, strlen(word)));
    return text.bytes > 0 && text.start[0] == c;
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

/* Is this line, which comes after those that were read, a services line that counts? */
static bool read_line(struct reader *reader, struct text line)
{
    if (reader->in_comment || starts_with(line, "/*")) {
        reader->in_comment = !ends_comment(line, !reader->in_comment);
        return false;
    }
    if (starts_with(line, "[")) {
        reader->in_sssd = has_word_before(skip(line, 1), "sssd", ']');
        return false;
    }
    return reader->in_sssd && !starts_with(line, "#") && !starts_with(line, ";") &&
           has_word_before(line, "services", '=');
}

static bool is_marked(struct text line)
{
    return starts_with(line, EDIT_MARKER) && has_word_before(skip(line, MARKER_BYTES), "services", '=');
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

int edit_text(enum edit edit, const char *text, size_t bytes, char **ret, size_t *ret_bytes, edit_on_line on_line,
              void *userdata)
{
    CLEANUP(freep) char *edited = NULL;
    struct text rest = { text, bytes };
    struct reader reader = { .in_comment = false };
    size_t edited_bytes = 0, with_end;
    FILE *out;
    int n = 0;

    if (is_wide(rest))
        return -ENOTSUP;
    out = open_memstream(&edited, &edited_bytes);
    if (!out)
        return -ENOMEM;

    if (starts_with(rest, BOM)) {
        (void) fputs(BOM, out); /* fclose tells, here and below */
        rest = skip(rest, strlen(BOM));
    }
    for (unsigned number = 1; rest.bytes > 0; number++) {
        struct text line = line_of(rest, &with_end);
        bool hit = edit == EDIT_COMMENT_OUT ? read_line(&reader, line) : is_marked(line);
        size_t skipped = hit && edit == EDIT_BRING_BACK ? MARKER_BYTES : 0;

        n += hit;
        if (hit && on_line)
            on_line(number, line.start + skipped, line.bytes - skipped, userdata);
        if (hit && edit == EDIT_COMMENT_OUT)
            (void) fputs(EDIT_MARKER, out);
        (void) fwrite(rest.start + skipped, 1, with_end - skipped, out);
        rest = skip(rest, with_end);
    }
    if (fclose(out) != 0)
        return -ENOMEM;

    if (n > 0) {
        *ret = TAKE(edited);
        *ret_bytes = edited_bytes;
    }
    return n;
}
