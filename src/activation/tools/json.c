/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON: what the outputs of `status` and `check` share. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/conf.h"
#include "tools/json.h"

json_t *json_text(const char *text)
{
    json_t *json = json_string(text);
    CLEANUP(freep) char *plain = json ? NULL : strdup(text);

    for (char *c = plain; c && *c; c++)
        if ((unsigned char) *c >= 0x80)
            *c = '?';
    return plain ? json_string(plain) : json;
}

json_t *json_text_or_null(const char *text)
{
    return text && text[0] ? json_text(text) : json_null();
}

static json_t *files_of(const struct conf *config)
{
    json_t *list = json_array();
    const char *file;

    for (size_t i = 0; config && (file = conf_file(config, i)); i++)
        (void) json_array_append_new(list, json_text(file));
    return list;
}

json_t *json_of_configuration(const struct configuration_view *view)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "verdict", view_configuration_words[view->verdict], "says",
                     json_text_or_null(view->says), "files", files_of(view->config), "services_file",
                     json_text_or_null(view->services.file), "remarks",
                     json_text_or_null(view->config ? conf_remarks(view->config) : NULL));
}

int json_print(json_t *json, FILE *out)
{
    int r = -ENOMEM;

    if (json)
        r = json_dumpf(json, out, JSON_INDENT(2)) < 0 || fputc('\n', out) == EOF ? -EIO : 0;
    json_decref(json);
    if (r < 0)
        (void) fprintf(stderr, "sss_activation: cannot write JSON: %s\n", strerror(-r));
    return r;
}
