/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Identity: who a client is, and becoming that for good. */

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "relay/identity.h"

/* The kernel says -ERANGE and how many bytes it wants. */
static int read_groups(int client, gid_t **ret, size_t *ret_n)
{
    gid_t none;
    socklen_t bytes = 0;

    if (getsockopt(client, SOL_SOCKET, SO_PEERGROUPS, &none, &bytes) < 0 && errno != ERANGE)
        return -errno;

    *ret = calloc(bytes / sizeof(gid_t) + 1, sizeof(gid_t)); /* never nothing, whatever calloc(0) gives */
    if (!*ret)
        return -ENOMEM;
    if (getsockopt(client, SOL_SOCKET, SO_PEERGROUPS, *ret, &bytes) < 0)
        return -errno;
    *ret_n = bytes / sizeof(gid_t);
    return 0;
}

/* What was asked for is not believed: an engine trusts root. */
static bool is(uid_t uid, gid_t gid)
{
    uid_t uids[3];
    gid_t gids[3];

    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
        return false;
    for (int i = 0; i < 3; i++)
        if (uids[i] != uid || gids[i] != gid)
            return false;
    return uid == 0 || (setuid(0) < 0 && seteuid(0) < 0);
}

int identity_assume(int client)
{
    CLEANUP(freep) gid_t *groups = NULL;
    struct ucred peer;
    socklen_t bytes = sizeof(peer);
    size_t n = 0;
    int r;

    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
        return -errno;
    if (peer.uid == (uid_t) -1 || peer.gid == (gid_t) -1)
        return -EINVAL; /* setresuid would take that for "leave it" */
    r = read_groups(client, &groups, &n);
    if (r < 0)
        return r;

    /* Without root there is nothing to give away, and whoever connects is who we are. */
    if (geteuid() != 0)
        return is(peer.uid, peer.gid) ? 0 : -EPERM;

    if (setgroups(n, groups) < 0 || setresgid(peer.gid, peer.gid, peer.gid) < 0 ||
        setresuid(peer.uid, peer.uid, peer.uid) < 0)
        return -errno;
    return is(peer.uid, peer.gid) ? 0 : -EPERM;
}
