/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "util/why.h"

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
