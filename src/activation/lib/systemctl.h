/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Systemctl: asks the service manager through its own command, which needs no D-Bus in early boot. */

#ifndef LIB_SYSTEMCTL_H
#define LIB_SYSTEMCTL_H

#include <stdbool.h>
#include <stddef.h>

/* Runs `systemctl ARGUMENTS`, NULL-terminated, without its output, and waits for it. Returns its exit status (0 is
 * success) or a negative errno. */
int systemctl_run(const char *const *arguments);

/* The same, but waits no longer than msec: then -ETIMEDOUT. is_done, if it is not NULL, is asked every few milliseconds
 * whether what is wanted is there already: then 0. What was asked for goes on. */
int systemctl_run_for(const char *const *arguments, int msec, bool (*is_done)(const void *), const void *userdata);

/* The same with standard output, up to bytes - 1 of it, in text; the last newline is cut off. */
int systemctl_read(const char *const *arguments, char *text, size_t bytes);

#define SYSTEMCTL(...) systemctl_run((const char *const[]) { __VA_ARGS__, NULL })

/* Writes the unit's property into text; "" if it can't be had. */
void systemctl_property(const char *unit, const char *property, char *text, size_t bytes);

/* Is the unit's property exactly this value? */
bool systemctl_property_is(const char *unit, const char *property, const char *value);

#endif
