/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Users: getpwnam, getpwuid and their entries. */

#ifndef NSS_USERS_H
#define NSS_USERS_H

struct cache_user;
struct domain;
struct nss;
struct packet_writer;
struct request;

/* Writes an entry as clients are shown it. The user must be one that the domain shows. */
void users_put(struct packet_writer *out, const struct nss *nss, const struct domain *domain, const struct cache_user *user);

int on_user_by_name(struct request *request);
int on_user_by_name_ex(struct request *request);
int on_user_by_id(struct request *request);
int on_user_by_id_ex(struct request *request);

#endif
