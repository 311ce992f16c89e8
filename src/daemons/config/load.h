/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Load: the check of what was read. */

#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

struct config;
struct conf;

/* As config_load_from(), of files that are read already. */
int config_from_conf(const struct conf *conf, struct config **ret, char **ret_why);

#endif
