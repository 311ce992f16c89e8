/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why: the sentence that goes with a failure. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/why.h"

int say_why(int r, char **ret_why, const char *format, ...)
{
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vasprintf(ret_why, format, arguments);
    va_end(arguments);
    if (n >= 0)
        return r;
    *ret_why = NULL;
    return -ENOMEM;
}

int say_cannot(int r, char **ret_why, const char *what, const char *path)
{
    return say_why(r, ret_why, "cannot %s %s: %s", what, path, strerror(-r));
}
