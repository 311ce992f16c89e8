/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sss_activation: who owns each of SSSD's sockets, for administrators, packages and units. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/state.h"
#include "tools/hooks.h"
#include "tools/ownership.h"
#include "tools/status.h"

static int apply(void)
{
    struct state state;
    int r;

    if (geteuid() != 0) {
        (void) fputs("sss_activation: apply needs root\n", stderr);
        return EXIT_FAILURE;
    }

    r = state_create(STATE_DIR, &state);
    if (r < 0) {
        log_error("cannot make " STATE_DIR ": %s", strerror(-r));
        return EXIT_FAILURE;
    }
    r = ownership_apply_beside_monitor(&state);
    state_done(&state);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(FILE *out, int status)
{
    (void) fputs("usage: sss_activation COMMAND\n"
                 "\n"
                 "  status   who owns each responder and why, its sockets and its process\n"
                 "  apply    read the configuration and open and close sockets accordingly\n"
                 "           (also done at boot and by systemctl restart sssd)\n"
                 "  help     this text\n"
                 "\n"
                 "See sss_activation(8).\n",
                 out);
    return status;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (argc == 2 && strcmp(command, "apply") == 0)
        return apply();
    if (argc == 2 && strcmp(command, "status") == 0)
        return status_print(stdout);
    if ((argc == 3 || argc == 4) && strcmp(command, "hook") == 0)
        return hook_run(argv[2], argv[3]);
    if (argc == 2 && (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0))
        return usage(stdout, EXIT_SUCCESS);
    return usage(stderr, 2);
}
