/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services: getservbyname, getservbyport and their entries. */

#ifndef NSS_SERVICES_H
#define NSS_SERVICES_H

struct cache_service;
struct domain;
struct packet_writer;
struct request;

/* Writes an entry as clients are shown it. */
void services_put(struct packet_writer *out, const struct domain *domain, const struct cache_service *service);

int on_service_by_name(struct request *request);
int on_service_by_port(struct request *request);

#endif
