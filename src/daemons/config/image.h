/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Image: the one form in which a configuration lies in memory and in its snapshot.
 *
 * A mark, a checksum of what follows, and then for each option its section, name and value, each with its zero, in the
 * order of section and name. */

#ifndef CONFIG_IMAGE_H
#define CONFIG_IMAGE_H

#include <stddef.h>

struct config;

struct config_entry {
    const char *section, *key, *value;
};

/* No configuration of a sane site comes near this. */
#define CONFIG_IMAGE_BYTES_MAX (16 * 1024 * 1024)

/* Makes a configuration of entries, which it sorts; no option may be there twice. Blanks around values are cut. */
int config_from_entries(struct config_entry *entries, size_t n, struct config **ret);

/* Makes one of an image, which it copies. -EBADMSG if that is damaged. */
int config_from_image(const void *image, size_t bytes, struct config **ret);

const void *config_image(const struct config *config, size_t *ret_bytes);

/* Copies a text for config_remarks(). Returns 0 or -ENOMEM. */
int config_set_remarks(struct config *config, const char *remarks);

#endif
