/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands: what clients may ask on the NSS socket, and who answers. Their handshake is answered before. */

#include "nss/commands.h"
#include "nss/enumeration.h"
#include "nss/groups.h"
#include "nss/hosts.h"
#include "nss/netgroups.h"
#include "nss/services.h"
#include "nss/sids.h"
#include "nss/users.h"
#include "wire/commands.h"

/* clang-format off */
const struct command nss_commands[] = {
    { CMD_USER_BY_NAME, "user-by-name", 0, on_user_by_name },
    { CMD_USER_BY_ID, "user-by-id", 0, on_user_by_id },
    { CMD_USERS_START, "users-start", 0, on_users_start },
    { CMD_USERS_NEXT, "users-next", 0, on_users_next },
    { CMD_USERS_END, "users-end", 0, on_users_end },
    { CMD_USER_BY_NAME_EX, "user-by-name-ex", 0, on_user_by_name_ex },
    { CMD_USER_BY_ID_EX, "user-by-id-ex", 0, on_user_by_id_ex },

    { CMD_GROUP_BY_NAME, "group-by-name", 0, on_group_by_name },
    { CMD_GROUP_BY_ID, "group-by-id", 0, on_group_by_id },
    { CMD_GROUPS_START, "groups-start", 0, on_groups_start },
    { CMD_GROUPS_NEXT, "groups-next", 0, on_groups_next },
    { CMD_GROUPS_END, "groups-end", 0, on_groups_end },
    { CMD_GROUPS_OF_USER, "groups-of-user", 0, on_groups_of_user },
    { CMD_GROUP_BY_NAME_EX, "group-by-name-ex", 0, on_group_by_name_ex },
    { CMD_GROUP_BY_ID_EX, "group-by-id-ex", 0, on_group_by_id_ex },
    { CMD_GROUPS_OF_USER_EX, "groups-of-user-ex", 0, on_groups_of_user_ex },

    { CMD_NETGROUP, "netgroup", 0, on_netgroup },

    { CMD_SERVICE_BY_NAME, "service-by-name", CMD_CLOSES_ON_ERROR, on_service_by_name },
    { CMD_SERVICE_BY_PORT, "service-by-port", CMD_CLOSES_ON_ERROR, on_service_by_port },
    { CMD_SERVICES_START, "services-start", 0, on_services_start },
    { CMD_SERVICES_NEXT, "services-next", 0, on_services_next },
    { CMD_SERVICES_END, "services-end", 0, on_services_end },

    { CMD_HOST_BY_NAME, "host-by-name", 0, on_host_by_name },
    { CMD_HOST_BY_NAME2, "host-by-name2", 0, on_host_by_name },
    { CMD_HOST_BY_ADDRESS, "host-by-address", 0, on_host_by_address },
    { CMD_HOSTS_START, "hosts-start", 0, on_hosts_start },
    { CMD_HOSTS_NEXT, "hosts-next", 0, on_hosts_next },
    { CMD_HOSTS_END, "hosts-end", 0, on_hosts_start },

    { CMD_NETWORK_BY_NAME, "network-by-name", 0, on_host_by_name },
    { CMD_NETWORK_BY_ADDRESS, "network-by-address", 0, on_network_by_address },
    { CMD_NETWORKS_START, "networks-start", 0, on_hosts_start },
    { CMD_NETWORKS_NEXT, "networks-next", 0, on_hosts_next },
    { CMD_NETWORKS_END, "networks-end", 0, on_hosts_start },

    { CMD_SID_BY_NAME, "sid-by-name", 0, on_sid_by_name },
    { CMD_SID_BY_ID, "sid-by-id", 0, on_sid_by_id },
    { CMD_NAME_BY_SID, "name-by-sid", 0, on_name_by_sid },
    { CMD_ID_BY_SID, "id-by-sid", 0, on_id_by_sid },
    { CMD_ORIGIN_BY_NAME, "origin-by-name", 0, on_origin_by_name },
    { CMD_NAME_BY_CERTIFICATE, "name-by-certificate", CMD_LARGE, on_name_by_certificate },
    { CMD_NAMES_BY_CERTIFICATE, "names-by-certificate", CMD_LARGE, on_name_by_certificate },
    { CMD_SID_BY_UID, "sid-by-uid", 0, on_sid_by_uid },
    { CMD_SID_BY_GID, "sid-by-gid", 0, on_sid_by_gid },
    { CMD_ORIGIN_BY_USER_NAME, "origin-by-user-name", 0, on_origin_by_user_name },
    { CMD_ORIGIN_BY_GROUP_NAME, "origin-by-group-name", 0, on_origin_by_group_name },
    { CMD_SID_BY_USER_NAME, "sid-by-user-name", 0, on_sid_by_user_name },
    { CMD_SID_BY_GROUP_NAME, "sid-by-group-name", 0, on_sid_by_group_name },

    { CMD_SUBID_RANGES, "subid-ranges", 0, on_subid_ranges },
};
/* clang-format on */
const size_t n_nss_commands = sizeof(nss_commands) / sizeof(nss_commands[0]);
