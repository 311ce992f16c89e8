/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why: the sentence that goes with a failure. */

#include <stdarg.h>
#include <stdio.h>

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
