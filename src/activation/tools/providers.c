/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Providers: which of them the SSSD of this machine has. */

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/conf.h"
#include "common/why.h"
#include "lib/services.h"
#include "tools/providers.h"

#ifndef MODULES /* Fedora's, Debian's, and where there is no multiarch; the tests have their own */
#define MODULES "/usr/{lib64,lib/*-linux-*,lib}/sssd/libsss_"
#endif

/* Every SSSD has it, in sssd-common. */
#define ALWAYS_THERE "simple"

/* Finds the folder; what is to be looked for there begins with the returned text, "" if there is none. */
static void find_modules(char ret[PATH_MAX])
{
    glob_t found;

    ret[0] = '\0';
    if (glob(MODULES ALWAYS_THERE ".so", GLOB_BRACE, NULL, &found) == 0) {
        (void) snprintf(ret, PATH_MAX, "%.*s", (int) (strlen(found.gl_pathv[0]) - strlen(ALWAYS_THERE ".so")),
                        found.gl_pathv[0]); /* a path */
        globfree(&found);
    }
}

static bool is_there(const char *modules, const char *provider, char ret_path[PATH_MAX])
{
    return snprintf(ret_path, PATH_MAX, "%s%s.so", modules, provider) < PATH_MAX && access(ret_path, F_OK) == 0;
}

int providers_are_there(const struct conf *config, char **ret_why)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    char modules[PATH_MAX], path[PATH_MAX];
    const char *files, *ignored;
    bool any = false;
    int r;

    find_modules(modules);
    if (!modules[0] || conf_engine(config) == ENGINE_OWN)
        return 1;

    r = domains_read(config, &domains, ret_why);
    if (r <= 0)
        return r;
    for (size_t i = 0; i < domains.n; i++) {
        const char *provider = domain_provider(config, domains.names[i], &ignored);

        if (!provider)
            continue;
        any = true;
        if (!is_there(modules, provider, path))
            return say_why(0, ret_why, "[domain/%s] id_provider: this SSSD has no \"%.64s\" (there is no %s)",
                           domains.names[i], provider, path);
    }

    files = conf_get(config, "sssd", "enable_files_domain", NULL);
    if (!any && files && strcasecmp(files, "true") == 0 && !is_there(modules, "files", path))
        return say_why(0, ret_why, "[sssd] enable_files_domain: this SSSD has no files provider (there is no %s), "
                       "and no other domain is turned on", path);
    return 1;
}
