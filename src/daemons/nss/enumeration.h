/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Enumeration: getpwent, getgrent, getservent. Each reply has all entries of one domain.
 *
 * A client keeps its position, so its connection must not be closed before it has come to the end. */

#ifndef NSS_ENUMERATION_H
#define NSS_ENUMERATION_H

struct request;

int on_users_start(struct request *request);
int on_users_next(struct request *request);
int on_users_end(struct request *request);
int on_groups_start(struct request *request);
int on_groups_next(struct request *request);
int on_groups_end(struct request *request);
int on_services_start(struct request *request);
int on_services_next(struct request *request);
int on_services_end(struct request *request);

#endif
