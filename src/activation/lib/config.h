/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config: the machine's configuration, as the engine that is there reads it. Inline, since tests have places of their own. */

#ifndef LIB_CONFIG_H
#define LIB_CONFIG_H

#include <unistd.h>

#include "common/conf.h"

#ifndef CONFIG_DIR
#define CONFIG_DIR "/etc/sssd"
#endif

#ifndef SSSD_ENGINE
#define SSSD_ENGINE ENGINE_2_8
#endif

#ifndef OWN_DAEMONS /* comes with sssd-ondemand-daemons */
#define OWN_DAEMONS "/usr/lib/systemd/system/sss-nss.service.d/50-daemons.conf"
#endif

static inline bool engine_is_own(void)
{
    return access(OWN_DAEMONS, F_OK) == 0;
}

/* As conf_read(). */
static inline int config_load(conf_instead *instead, void *userdata, struct conf **ret, char **ret_why)
{
    enum engine engine = engine_is_own() ? ENGINE_OWN : SSSD_ENGINE;

    return conf_read(CONFIG_DIR, "sssd.conf", &conf_policies[engine], instead, userdata, ret, ret_why);
}

#endif
