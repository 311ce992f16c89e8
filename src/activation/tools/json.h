/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON: what the outputs of `status` and `check` share. docs/sss_activation.schema.json describes both. */

#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "tools/view.h"

/* Raised when a field goes or changes its meaning; new fields may come at any time. */
#define JSON_SCHEMA 1

/* New references: the text, with a question mark for what is no ASCII if it is no UTF-8, as a file's name may be; and
 * the same, or null if it is empty or NULL. */
json_t *json_text(const char *text);
json_t *json_text_or_null(const char *text);
json_t *json_of_configuration(const struct configuration_view *view);

/* Prints it and takes the reference. NULL, which is what jansson makes of too little memory, is an
 * error. Returns 0 or a negative errno, and has then said so. */
int json_print(json_t *json, FILE *out);

#endif
