/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edit: comments the services lines of a configuration file out, and brings them back, byte for byte. */

#ifndef LIB_EDIT_H
#define LIB_EDIT_H

#include <stddef.h>

/* Stands before each line that was commented out, so that exactly those come back. From the line's first byte on: the
 * engine takes an indented comment for an option. */
#define EDIT_MARKER "#sss_activation migrate# "

enum edit {
    EDIT_COMMENT_OUT, /* each `services` in a section [sssd], also where another one overrides it */
    EDIT_BRING_BACK,  /* each of those that EDIT_COMMENT_OUT marked */
};

/* A line that changes; it lies in the file's text, as it is in force, without its end. */
typedef void (*edit_on_line)(unsigned number, const char *line, size_t bytes, void *userdata);

/* Returns how many lines change, with the new text in *ret unless that is 0; -ENOTSUP for UTF-16 and UTF-32; or
 * -ENOMEM. The text may have any bytes. on_line may be NULL. */
int edit_text(enum edit edit, const char *text, size_t bytes, char **ret, size_t *ret_bytes, edit_on_line on_line,
              void *userdata);

#endif
