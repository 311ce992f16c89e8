/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any text as sssd.conf, and any bytes as the body of a snapshot.
 *
 * A text is refused with a reason, or what it means can be asked for and comes through a snapshot unchanged. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/conf.h"
#include "common/replay.h"
#include "config/config.h"
#include "config/image.h"
#include "config/load.h"
#include "config/options.h"

/* With each function that suits the option: none may stumble over a value that was let through. */
static void ask_for_all(const struct config *config, const char *domain)
{
    CLEANUP(freep) char *section = NULL;

    assert(asprintf(&section, "domain/%s", domain) > 0);
    for (size_t i = 0; option_at(i); i++) {
        const struct option *option = option_at(i);
        const char *in = !option->section ? "nss" : strcmp(option->section, "domain") == 0 ? section : option->section;
        CLEANUP(freep) char **items = config_list(config, in, option->key);
        CLEANUP(freep) char *why = NULL;
        const char *value = config_text(config, in, option->key);

        assert(items);
        assert(!value[0] || option_check(option, value, &why) == 0);
        (void) config_bool(config, in, option->key);
        (void) config_u32(config, in, option->key);
        (void) config_usec(config, in, option->key);
    }
}

static void read_as_text(const uint8_t *data, size_t bytes)
{
    CLEANUP(conf_freep) struct conf *conf = NULL;
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(config_freep) struct config *copy = NULL;
    CLEANUP(freep) char **domains = NULL;
    CLEANUP(freep) char *why = NULL;
    const void *image, *copy_image;
    size_t image_bytes, copy_bytes;

    if (conf_parse("sssd.conf", (const char *) data, bytes, &conf, &why) < 0) {
        assert(why && why[0]);
        return;
    }
    if (config_from_conf(conf, &config, &why) < 0) {
        assert(why && why[0]);
        return;
    }

    image = config_image(config, &image_bytes);
    assert(config_from_image(image, image_bytes, &copy) == 0);
    copy_image = config_image(copy, &copy_bytes);
    assert(copy_bytes == image_bytes && memcmp(copy_image, image, image_bytes) == 0);

    domains = config_list(copy, "sssd", "domains");
    assert(domains && domains[0]);
    for (size_t i = 0; domains[i]; i++)
        ask_for_all(copy, domains[i]);
}

/* With the head that it would need: a checksum alone would keep everything else from being tried. */
static void read_as_snapshot(const uint8_t *data, size_t bytes)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(config_freep) struct config *empty = NULL;
    CLEANUP(freep) char *image = malloc(16 + bytes);
    uint64_t sum = 0xcbf29ce484222325;
    size_t head_bytes;

    assert(image && config_from_entries(NULL, 0, &empty) == 0);
    memcpy(image, config_image(empty, &head_bytes), 16);
    assert(head_bytes == 16);
    for (size_t i = 0; i < bytes; i++)
        sum = (sum ^ data[i]) * 0x100000001b3;
    memcpy(image + 8, &sum, sizeof(sum));
    memcpy(image + 16, data, bytes);

    if (config_from_image(image, 16 + bytes, &config) == 0)
        (void) config_get(config, "sssd", "domains");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    read_as_text(data, bytes);
    read_as_snapshot(data, bytes);
    return 0;
}
