/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups: getgrnam, getgrgid and their entries; initgroups. */

#ifndef NSS_GROUPS_H
#define NSS_GROUPS_H

struct cache_group;
struct domain;
struct packet_writer;
struct request;

/* Writes an entry as clients are shown it. The group must be one that the domain shows. */
void groups_put(struct packet_writer *out, const struct domain *domain, const struct cache_group *group);

int on_group_by_name(struct request *request);
int on_group_by_name_ex(struct request *request);
int on_group_by_id(struct request *request);
int on_group_by_id_ex(struct request *request);
int on_groups_of_user(struct request *request);
int on_groups_of_user_ex(struct request *request);

#endif
