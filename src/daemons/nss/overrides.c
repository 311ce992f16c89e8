/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overrides: homes and shells as the administrator wants them. */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "common/cleanup.h"
#include "config/config.h"
#include "nss/domains.h"
#include "nss/overrides.h"
#include "util/log.h"
#include "wire/packet.h"

#define NO_LOGIN "/sbin/nologin"
#define HOME_BYTES_MAX 4096 /* PATH_MAX: no home is longer */

struct shells {
    char **allowed, **vetoed; /* NULL at the end */
    char **installed;
    bool restricts, allows_any;
    const char *fallback;
};

/* Where the text of one letter of a template comes from; NULL: it means nothing. */
static const char *expand(char letter, const struct domain *domain, const struct cache_user *user, char room[DOMAIN_NAME_ROOM])
{
    char *at;

    switch (letter) {
    case 'u':
        return user->name;
    case 'U':
        (void) snprintf(room, DOMAIN_NAME_ROOM, "%u", user->uid);
        return room;
    case 'd':
        return domain->name;
    case 'f':
        return domain_full_name(domain, user->name, room);
    case 'l':
        (void) snprintf(room, DOMAIN_NAME_ROOM, "%.1s", user->name);
        return room;
    case 'o':
        return user->home;
    case 'h':
        (void) snprintf(room, DOMAIN_NAME_ROOM, "%s", user->home);
        for (at = room; *at != '\0'; at++)
            if (*at >= 'A' && *at <= 'Z')
                *at = (char) (*at - 'A' + 'a');
        return room;
    case 'H':
        return domain->home_substring;
    case '%':
        return "%";
    case 'P':
        return ""; /* nobody here has a principal */
    default:
        return NULL;
    }
}

static void put_template(struct packet_writer *out, const char *template, const struct domain *domain,
                         const struct cache_user *user)
{
    char room[DOMAIN_NAME_ROOM];
    size_t used = 0, n;
    const char *part;

    while (*template != '\0') {
        part = *template == '%' ? expand(template[1], domain, user, room) : NULL;
        n = part ? strlen(part) : 1;
        used += n;
        if (used >= HOME_BYTES_MAX)
            break;
        packet_put_bytes(out, part ? part : template, n);
        template += part ? 2 : 1;
    }
    packet_put_text(out, "");
}

void overrides_put_home(struct packet_writer *out, const struct domain *domain, const struct cache_user *user)
{
    if (domain->override_home[0] != '\0')
        put_template(out, domain->override_home, domain, user);
    else if (user->home[0] == '\0')
        put_template(out, domain->fallback_home, domain, user);
    else
        put_template(out, user->home, domain, user); /* SSSD takes directories' homes for templates too */
}

static void free_list(char **list)
{
    size_t i;

    for (i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

/* A line a shell; without the file none is installed. */
static int read_installed(const char *path, char ***ret)
{
    CLEANUP(fclosep) FILE *file = NULL;
    CLEANUP(freep) char *line = NULL;
    size_t n = 0, room = 0;
    char **more;

    *ret = calloc(1, sizeof(**ret));
    if (!*ret)
        return -ENOMEM;
    file = fopen(path, "re");
    if (!file) {
        log_warning("cannot read %s: %m; no shell counts as installed", path);
        return 0;
    }
    while (getline(&line, &room, file) > 0) {
        line[strcspn(line, " \t\r\n#")] = '\0';
        if (line[0] != '/')
            continue;
        more = reallocarray(*ret, n + 2, sizeof(**ret));
        if (!more)
            return -ENOMEM;
        *ret = more;
        more[n] = strdup(line);
        if (!more[n])
            return -ENOMEM;
        more[++n] = NULL;
    }
    return 0;
}

static bool is_in(char *const *list, const char *text)
{
    for (; *list; list++)
        if (strcmp(*list, text) == 0)
            return true;
    return false;
}

int shells_new(const struct config *config, const char *file, struct shells **ret)
{
    struct shells *shells;
    int r = 0;

    shells = calloc(1, sizeof(*shells));
    if (!shells)
        return -ENOMEM;
    shells->fallback = config_text(config, "nss", "shell_fallback");
    shells->allowed = config_list(config, "nss", "allowed_shells");
    shells->vetoed = config_list(config, "nss", "vetoed_shells");
    if (!shells->allowed || !shells->vetoed)
        r = -ENOMEM;
    else if (shells->allowed[0]) {
        shells->restricts = true;
        shells->allows_any = is_in(shells->allowed, "*");
        r = read_installed(file, &shells->installed);
    }
    if (r < 0) {
        shells_free(shells);
        return r;
    }
    *ret = shells;
    return 0;
}

struct shells *shells_free(struct shells *shells)
{
    if (!shells)
        return NULL;
    free(shells->allowed);
    free(shells->vetoed);
    free_list(shells->installed);
    free(shells);
    return NULL;
}

const char *shells_choose(const struct shells *shells, const struct domain *domain, const char *shell)
{
    if (domain->override_shell[0] != '\0')
        return domain->override_shell;
    if (shell[0] == '\0')
        return domain->default_shell;
    if (is_in(shells->vetoed, shell))
        return shells->fallback;
    if (!shells->restricts || is_in(shells->installed, shell))
        return shell;
    if (shells->allows_any || is_in(shells->allowed, shell))
        return shells->fallback;
    return NO_LOGIN;
}
