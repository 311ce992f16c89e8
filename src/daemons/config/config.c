/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config: the values in force, and what they mean. */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "config/config.h"
#include "config/image.h"
#include "config/options.h"
#include "config/values.h"

static const char image_mark[8] = { 'S', 'S', 'S', 'c', 'o', 'n', 'f', '1' };

struct image_header {
    char mark[sizeof(image_mark)];
    uint64_t checksum;
};

struct config {
    char *image;
    size_t bytes;
    struct config_entry *entries; /* they point into the image */
    size_t n;
    char *remarks;
};

/* FNV-1a: against accidents, not against root. */
static uint64_t checksum_of(const char *bytes, size_t n)
{
    uint64_t sum = 0xcbf29ce484222325;

    for (size_t i = 0; i < n; i++)
        sum = (sum ^ (uint8_t) bytes[i]) * 0x100000001b3;
    return sum;
}

static int by_name(const void *a, const void *b)
{
    const struct config_entry *left = a, *right = b;
    int r = strcasecmp(left->section, right->section);

    return r != 0 ? r : strcasecmp(left->key, right->key);
}

static int take_text(const char **next, const char *end, const char **ret)
{
    const char *zero = memchr(*next, '\0', (size_t) (end - *next));

    if (!zero)
        return -EBADMSG;
    *ret = *next;
    *next = zero + 1;
    return 0;
}

static int read_entries(struct config *config)
{
    const char *next = config->image + sizeof(struct image_header);
    const char *end = config->image + config->bytes;
    size_t room = 0;

    while (next < end) {
        struct config_entry *entry;
        int r;

        if (config->n == room) {
            room = room ? 2 * room : 64;
            entry = reallocarray(config->entries, room, sizeof(*entry));
            if (!entry)
                return -ENOMEM;
            config->entries = entry;
        }
        entry = &config->entries[config->n];

        r = take_text(&next, end, &entry->section);
        if (r == 0)
            r = take_text(&next, end, &entry->key);
        if (r == 0)
            r = take_text(&next, end, &entry->value);
        if (r < 0)
            return r;
        if (config->n > 0 && by_name(entry - 1, entry) >= 0)
            return -EBADMSG;
        config->n++;
    }
    return 0;
}

static int check_header(const char *image, size_t bytes)
{
    struct image_header header;

    if (bytes < sizeof(header) || bytes > CONFIG_IMAGE_BYTES_MAX)
        return -EBADMSG;
    memcpy(&header, image, sizeof(header));
    if (memcmp(header.mark, image_mark, sizeof(image_mark)) != 0 ||
        header.checksum != checksum_of(image + sizeof(header), bytes - sizeof(header)))
        return -EBADMSG;
    return 0;
}

/* Takes the image, also when it fails. */
static int take_image(char *image, size_t bytes, struct config **ret)
{
    CLEANUP(config_freep) struct config *config = calloc(1, sizeof(*config));
    int r;

    if (!config) {
        free(image);
        return -ENOMEM;
    }
    config->image = image;
    config->bytes = bytes;

    r = check_header(image, bytes);
    if (r == 0)
        r = read_entries(config);
    if (r < 0)
        return r;

    *ret = TAKE(config);
    return 0;
}

int config_from_image(const void *image, size_t bytes, struct config **ret)
{
    char *copy = malloc(bytes ? bytes : 1);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, image, bytes);
    return take_image(copy, bytes, ret);
}

static size_t entry_bytes(const struct config_entry *entry)
{
    return strlen(entry->section) + strlen(entry->key) + strlen(entry->value) + 3;
}

static char *put_text(char *next, const char *text, size_t n)
{
    next = mempcpy(next, text, n);
    *next = '\0';
    return next + 1;
}

int config_from_entries(struct config_entry *entries, size_t n, struct config **ret)
{
    struct image_header header;
    size_t bytes = sizeof(header);
    char *image, *next;

    for (size_t i = 0; i < n; i++)
        bytes += entry_bytes(&entries[i]);
    image = malloc(bytes);
    if (!image)
        return -ENOMEM;

    if (n > 0)
        qsort(entries, n, sizeof(*entries), by_name);
    next = image + sizeof(header);
    for (size_t i = 0; i < n; i++) {
        const char *value;
        size_t value_bytes;

        next = put_text(next, entries[i].section, strlen(entries[i].section));
        next = put_text(next, entries[i].key, strlen(entries[i].key));
        value = text_trim(entries[i].value, &value_bytes);
        next = put_text(next, value, value_bytes);
    }
    bytes = (size_t) (next - image);

    memcpy(header.mark, image_mark, sizeof(image_mark));
    header.checksum = checksum_of(image + sizeof(header), bytes - sizeof(header));
    memcpy(image, &header, sizeof(header));
    return take_image(image, bytes, ret);
}

const void *config_image(const struct config *config, size_t *ret_bytes)
{
    *ret_bytes = config->bytes;
    return config->image;
}

struct config *config_free(struct config *config)
{
    if (config) {
        free(config->image);
        free(config->entries);
        free(config->remarks);
        free(config);
    }
    return NULL;
}

void config_freep(struct config **config)
{
    *config = config_free(*config);
}

int config_set_remarks(struct config *config, const char *remarks)
{
    config->remarks = strdup(remarks);
    return config->remarks ? 0 : -ENOMEM;
}

const char *config_remarks(const struct config *config)
{
    return config->remarks;
}

/* --- Values ---------------------------------------------------------------------------------------------------- */

const char *config_get(const struct config *config, const char *section, const char *key)
{
    const struct config_entry wanted = { .section = section, .key = key };
    const struct config_entry *entry;

    if (config->n == 0)
        return NULL;
    entry = bsearch(&wanted, config->entries, config->n, sizeof(wanted), by_name);
    return entry && entry->value[0] ? entry->value : NULL;
}

const char *config_text(const struct config *config, const char *section, const char *key)
{
    const struct option *option = option_find(section, key);
    const char *value = config_get(config, section, key);

    assert(option);
    if (value)
        return value;
    if (!option->from)
        return option->fallback;
    /* The value of another option decides: of the same section, or the option of that name in another one. */
    if (option_find(section, option->from))
        return config_text(config, section, option->from);
    return config_text(config, option->from, key);
}

bool config_bool(const struct config *config, const char *section, const char *key)
{
    bool value = false;

    (void) value_parse_bool(config_text(config, section, key), &value); /* it was checked when it was loaded */
    return value;
}

uint32_t config_u32(const struct config *config, const char *section, const char *key)
{
    uint32_t value = 0;

    (void) value_parse_u32(config_text(config, section, key), &value);
    return value;
}

uint64_t config_usec(const struct config *config, const char *section, const char *key)
{
    uint64_t value = 0;

    (void) text_to_usec(config_text(config, section, key), &value);
    return value;
}

char **config_list(const struct config *config, const char *section, const char *key)
{
    return text_list(config_text(config, section, key));
}
