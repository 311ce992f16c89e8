/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SIDs, origins, certificates and subordinate ids: no source of ours has any. Clients are told whether the entry exists. */

#ifndef NSS_SIDS_H
#define NSS_SIDS_H

struct request;

int on_sid_by_name(struct request *request);
int on_sid_by_user_name(struct request *request);
int on_sid_by_group_name(struct request *request);
int on_sid_by_id(struct request *request);
int on_sid_by_uid(struct request *request);
int on_sid_by_gid(struct request *request);
int on_name_by_sid(struct request *request);
int on_id_by_sid(struct request *request);
int on_origin_by_name(struct request *request);
int on_origin_by_user_name(struct request *request);
int on_origin_by_group_name(struct request *request);
int on_name_by_certificate(struct request *request);
int on_subid_ranges(struct request *request);

#endif
