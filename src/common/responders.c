/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <unistd.h>

#include "common/responders.h"

#ifndef PROGRAM_DIR /* the tests have their own */
#define PROGRAM_DIR "/usr/libexec/sssd"
#endif

#ifndef PIPES_DIR /* likewise */
#define PIPES_DIR "/var/lib/sss/pipes"
#endif

#define PROGRAM(name) PROGRAM_DIR "/sssd_" name
#define WITH_ONE_SOCKET(n)                                                      \
    {                                                                           \
        .name = n, .program = PROGRAM(n), .service = "sss-" n ".service",       \
        .sockets = { "sss-" n ".socket" }, .paths = { PIPES_DIR "/" n },        \
        .retry_timer = "sss-retry@sss-" n ".timer",                             \
        .vendor_sockets = { "sssd-" n ".socket" },                              \
        .vendor_service = "sssd-" n ".service",                                 \
    }

const struct responder responders[RESPONDERS] = {
    [NSS] = WITH_ONE_SOCKET("nss"),
    [PAM] = {
        .name = "pam",
        .program = PROGRAM("pam"),
        .service = "sss-pam.service",
        .sockets = { "sss-pam.socket", "sss-pam-private.socket" },
        .paths = { PIPES_DIR "/pam", PIPES_DIR "/private/pam" },
        .retry_timer = "sss-retry@sss-pam.timer",
        .vendor_sockets = { "sssd-pam.socket", "sssd-pam-priv.socket" },
        .vendor_service = "sssd-pam.service",
    },
    [SSH] = WITH_ONE_SOCKET("ssh"),
    [SUDO] = WITH_ONE_SOCKET("sudo"),
    [AUTOFS] = WITH_ONE_SOCKET("autofs"),
    [PAC] = WITH_ONE_SOCKET("pac"),
    [IFP] = { .name = "ifp", .program = PROGRAM("ifp"), .service = "sssd-ifp.service" },
};

const struct responder kcm = {
    .name = "kcm",
    .program = PROGRAM("kcm"),
    .service = "sssd-kcm.service",
    .sockets = { "sssd-kcm.socket" },
    .retry_timer = "sss-retry@sssd-kcm.timer",
};

bool responder_is_installed(const struct responder *responder)
{
    return access(responder->program, X_OK) == 0;
}

const struct responder *responder_by_name(const char *name)
{
    for (size_t i = 0; i < RESPONDERS; i++)
        if (strcmp(responders[i].name, name) == 0)
            return &responders[i];
    return NULL;
}

static bool is_its_unit(const struct responder *responder, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(responder->service, prefix, n) == 0 &&
           strcmp(responder->service + n, ".service") == 0;
}

const struct responder *responder_by_unit(const char *prefix)
{
    for (size_t i = 0; i < RESPONDERS; i++)
        if (is_its_unit(&responders[i], prefix))
            return &responders[i];
    return is_its_unit(&kcm, prefix) ? &kcm : NULL;
}
