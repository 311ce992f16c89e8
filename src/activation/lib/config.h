/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config: the machine's configuration, as the engine that is there reads it. Inline, since tests have places of their own. */

#ifndef LIB_CONFIG_H
#define LIB_CONFIG_H

#include "common/conf.h"
#include "lib/engine.h"

#ifndef CONFIG_DIR
#define CONFIG_DIR "/etc/sssd"
#endif

#ifndef SSSD_ENGINE
#define SSSD_ENGINE ENGINE_2_8
#endif

/* As conf_read(), by the rules of one of the two engines. */
static inline int config_load_of(bool own, conf_instead *instead, void *userdata, struct conf **ret, char **ret_why)
{
    enum engine engine = own ? ENGINE_OWN : SSSD_ENGINE;

    return conf_read(CONFIG_DIR, "sssd.conf", &conf_policies[engine], instead, userdata, ret, ret_why);
}

/* By those of the one that is configured. */
static inline int config_load(conf_instead *instead, void *userdata, struct conf **ret, char **ret_why)
{
    return config_load_of(engine_is_own(), instead, userdata, ret, ret_why);
}

#endif
