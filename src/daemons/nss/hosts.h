/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hosts and networks: no source of ours has any, and clients are told so. */

#ifndef NSS_HOSTS_H
#define NSS_HOSTS_H

struct request;

int on_host_by_name(struct request *request); /* and of networks */
int on_host_by_address(struct request *request);
int on_network_by_address(struct request *request);
int on_hosts_start(struct request *request); /* and their end, and of networks */
int on_hosts_next(struct request *request);

#endif
