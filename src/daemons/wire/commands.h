/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands: their numbers in packet headers. The names behind them are those of the C library's calls that send
 * them. */

#ifndef WIRE_COMMANDS_H
#define WIRE_COMMANDS_H

enum {
    CMD_GET_VERSION = 0x0001, /* on every socket */

    CMD_USER_BY_NAME = 0x0011, /* getpwnam */
    CMD_USER_BY_ID = 0x0012,   /* getpwuid */
    CMD_USERS_START = 0x0013,  /* setpwent */
    CMD_USERS_NEXT = 0x0014,   /* getpwent */
    CMD_USERS_END = 0x0015,    /* endpwent */
    CMD_USER_BY_NAME_EX = 0x0019,
    CMD_USER_BY_ID_EX = 0x001A,

    CMD_GROUP_BY_NAME = 0x0021, /* getgrnam */
    CMD_GROUP_BY_ID = 0x0022,   /* getgrgid */
    CMD_GROUPS_START = 0x0023,  /* setgrent */
    CMD_GROUPS_NEXT = 0x0024,   /* getgrent */
    CMD_GROUPS_END = 0x0025,    /* endgrent */
    CMD_GROUPS_OF_USER = 0x0026, /* initgroups */
    CMD_GROUP_BY_NAME_EX = 0x0029,
    CMD_GROUP_BY_ID_EX = 0x002A,
    CMD_GROUPS_OF_USER_EX = 0x002E,

    CMD_HOST_BY_NAME = 0x0051,  /* gethostbyname; no client sends it */
    CMD_HOST_BY_NAME2 = 0x0052, /* gethostbyname2 */
    CMD_HOST_BY_ADDRESS = 0x0053,
    CMD_HOSTS_START = 0x0054,
    CMD_HOSTS_NEXT = 0x0055,
    CMD_HOSTS_END = 0x0056,

    CMD_NETGROUP = 0x0061, /* setnetgrent, which brings all of it */

    CMD_NETWORK_BY_NAME = 0x0071,
    CMD_NETWORK_BY_ADDRESS = 0x0072,
    CMD_NETWORKS_START = 0x0073,
    CMD_NETWORKS_NEXT = 0x0074,
    CMD_NETWORKS_END = 0x0075,

    CMD_SERVICE_BY_NAME = 0x00A1, /* getservbyname */
    CMD_SERVICE_BY_PORT = 0x00A2, /* getservbyport */
    CMD_SERVICES_START = 0x00A3,
    CMD_SERVICES_NEXT = 0x00A4,
    CMD_SERVICES_END = 0x00A5,

    CMD_SID_BY_NAME = 0x0111,
    CMD_SID_BY_ID = 0x0112,
    CMD_NAME_BY_SID = 0x0113,
    CMD_ID_BY_SID = 0x0114,
    CMD_ORIGIN_BY_NAME = 0x0115,
    CMD_NAME_BY_CERTIFICATE = 0x0116,  /* large */
    CMD_NAMES_BY_CERTIFICATE = 0x0117, /* large */
    CMD_SID_BY_UID = 0x0118,
    CMD_SID_BY_GID = 0x0119,
    CMD_ORIGIN_BY_USER_NAME = 0x011A,
    CMD_ORIGIN_BY_GROUP_NAME = 0x011B,
    CMD_SID_BY_USER_NAME = 0x011C,  /* from clients of 2.9 on; 2.8.2 closes the connection */
    CMD_SID_BY_GROUP_NAME = 0x011D, /* the same */

    CMD_SUBID_RANGES = 0x0130,
};

#endif
