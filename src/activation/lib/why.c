/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why: the sentence that goes with a failure. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/why.h"

int say_why(int r, char **ret_why, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(ret_why, format, arguments) < 0)
        *ret_why = NULL;
    va_end(arguments);
    return r;
}

int say_cannot(int r, char **ret_why, const char *what, const char *path)
{
    return say_why(r, ret_why, "cannot %s %s: %s", what, path, strerror(-r));
}
