/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arguments: values on the command lines of services. Each function tells on stderr what is wrong. */

#ifndef UTIL_ARGUMENTS_H
#define UTIL_ARGUMENTS_H

#include <stdint.h>

#include "util/log.h"

/* --NAME=TEXT as text_to_u64() reads it. Returns 0 or -EINVAL. */
int argument_number(const char *name, const char *text, int base, uint64_t max, uint64_t *ret);

/* --logger=TEXT. Returns 0 or -EINVAL. */
int argument_logger(const char *text, enum log_target *ret);

#endif
