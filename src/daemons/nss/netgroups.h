/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Netgroups: setnetgrent, which brings all of one. */

#ifndef NSS_NETGROUPS_H
#define NSS_NETGROUPS_H

struct request;

int on_netgroup(struct request *request);

#endif
