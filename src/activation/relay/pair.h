/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pair: a client and its engine, with us between them. */

#ifndef RELAY_PAIR_H
#define RELAY_PAIR_H

struct pair_limits {
    int answer_msec; /* how long nothing may move while somebody waits for something */
    int idle_msec;   /* how long a client that was answered may keep its connection */
};

/* Copies bytes both ways until either end closes or a limit has passed. A client whose connection is idle is left as
 * an engine leaves it: its next send fails, upon which it connects anew. Makes both descriptors non-blocking and
 * leaves them open. Returns 0, or -ETIMEDOUT after answer_msec, or another negative errno of an end that broke. */
int pair_run(int client, int engine, const struct pair_limits *limits);

#endif
