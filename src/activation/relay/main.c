/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The relay: holds a socket that systemd closes until the monitor's responder has bound its path anew, and connects
 * whoever came meanwhile on to it. One for each socket, and a few seconds long. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "lib/log.h"
#include "relay/relay.h"

/* The monitor is starting when we do. Nobody waits longer for a log-in. */
#define PATH_MSEC 10000
#define CONNECT_MSEC 5000
#define LAST_MSEC 200
/* Each is a small process. */
#define PAIRS 128
/* The stock clients' own limit. */
#define ANSWER_MSEC 300000
#define IDLE_MSEC 3000

int main(void)
{
    static const struct relay_limits limits = {
        .path_msec = PATH_MSEC,
        .connect_msec = CONNECT_MSEC,
        .last_msec = LAST_MSEC,
        .pairs = PAIRS,
        .pair = { .answer_msec = ANSWER_MSEC, .idle_msec = IDLE_MSEC },
    };
    int n = sd_listen_fds(1), r;

    if (n == 0) {
        log_info("the socket has been closed already: nobody waits in it");
        return 0;
    }
    if (n != 1 || sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_STREAM, 1) <= 0) {
        log_error("not one listening Unix stream socket was handed over. Run by sss-handover@.service; see "
                  "sssd-ondemand's docs/architecture.md");
        return 1;
    }

    r = relay_run(SD_LISTEN_FDS_START, &limits);
    if (r == -ETIMEDOUT)
        log_warning("the monitor has not taken the path in %d s: whoever waits is told \"unavailable\"",
                    PATH_MSEC / 1000);
    else if (r < 0)
        log_error("cannot relay clients: %s", strerror(-r));
    return r < 0 && r != -ETIMEDOUT;
}
