/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layout: how entries lie in the file. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/layout.h"
#include "cache/utf8.h"

const char *const table_names[N_TABLES] = {
    [TABLE_STATE] = "state",
    [TABLE_USERS] = "users",
    [TABLE_USER_NAMES] = "user-names",
    [TABLE_GIDS] = "gids",
    [TABLE_GROUPS] = "groups",
    [TABLE_GROUP_NAMES] = "group-names",
    [TABLE_NETGROUPS] = "netgroups",
    [TABLE_NETGROUP_NAMES] = "netgroup-names",
    [TABLE_SERVICES] = "services",
    [TABLE_SERVICE_NAMES] = "service-names",
    [TABLE_SERVICE_PORTS] = "service-ports",
    [TABLE_CHANGES] = "changes",
};

int cache_errno(int r)
{
    switch (r) {
    case MDB_SUCCESS:
        return 0;
    case MDB_MAP_FULL:
        return -ENOSPC;
    case MDB_READERS_FULL:
        return -EUSERS;
    case MDB_BAD_VALSIZE:
        return -EINVAL;
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_PANIC:
    case MDB_VERSION_MISMATCH:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_NOTFOUND: /* of something that must be there */
        return -EIO;
    default:
        return r > 0 ? -r : -ENOTRECOVERABLE;
    }
}

int cache_begin_view(MDB_env *env, MDB_txn **ret)
{
    int r, dead = 0;

    r = mdb_txn_begin(env, NULL, MDB_RDONLY, ret);
    if (r != MDB_READERS_FULL)
        return r;
    /* Not each time: it asks the kernel about each reader. */
    r = mdb_reader_check(env, &dead);
    if (r == 0)
        r = dead > 0 ? mdb_txn_begin(env, NULL, MDB_RDONLY, ret) : MDB_READERS_FULL;
    return r;
}

char *cache_path(const char *dir, const char *domain)
{
    char *path;

    return asprintf(&path, "%s/cache_%s.mdb", dir, domain) < 0 ? NULL : path;
}

off_t cache_least_bytes(MDB_env *env)
{
    MDB_envinfo info;
    MDB_stat stat;

    (void) mdb_env_info(env, &info); /* fail only without env */
    (void) mdb_env_stat(env, &stat);
    return (off_t) (info.me_last_pgno + 1) * stat.ms_psize;
}

int cache_check_size(MDB_env *env)
{
    struct stat st;
    int fd, r;

    r = mdb_env_get_fd(env, &fd);
    if (r)
        return cache_errno(r);
    if (fstat(fd, &st) < 0)
        return -errno;
    return st.st_size < cache_least_bytes(env) ? -EIO : 0;
}

int cache_get_state(MDB_txn *txn, MDB_dbi table, struct cache_state *ret)
{
    MDB_val key = { sizeof(STATE_KEY) - 1, (void *) STATE_KEY }, value;
    int r;

    r = mdb_get(txn, table, &key, &value);
    if (r == MDB_NOTFOUND) {
        memset(ret, 0, sizeof(*ret));
        return 0;
    }
    if (r)
        return cache_errno(r);
    if (value.mv_size != sizeof(*ret))
        return -EIO;
    memcpy(ret, value.mv_data, sizeof(*ret));
    ret->source[sizeof(ret->source) - 1] = '\0';
    return 0;
}

int cache_key(const char *name, bool ignore_case, char ret[CACHE_NAME_BYTES_MAX + 1])
{
    size_t bytes = strlen(name);

    if (bytes == 0 || bytes > CACHE_NAME_BYTES_MAX)
        return -EINVAL;
    if (ignore_case)
        return utf8_lower(name, bytes, ret, CACHE_NAME_BYTES_MAX + 1) < 0 ? -EINVAL : 0;
    if (!utf8_is_valid(name, bytes))
        return -EINVAL;
    memcpy(ret, name, bytes + 1);
    return 0;
}

size_t service_name_key(const char *key, const char *protocol, char ret[SERVICE_KEY_BYTES_MAX])
{
    size_t key_bytes = strlen(key), protocol_bytes = strlen(protocol);

    if (key_bytes == 0 || key_bytes > CACHE_NAME_BYTES_MAX || protocol_bytes > CACHE_PROTOCOL_BYTES_MAX)
        return 0;
    memcpy(ret, key, key_bytes + 1);
    memcpy(ret + key_bytes + 1, protocol, protocol_bytes);
    return key_bytes + 1 + protocol_bytes;
}

size_t service_port_key(uint16_t port, const char *protocol, char ret[SERVICE_KEY_BYTES_MAX])
{
    size_t protocol_bytes = strlen(protocol);

    if (protocol_bytes > CACHE_PROTOCOL_BYTES_MAX)
        return 0;
    ret[0] = (char) (port >> 8);
    ret[1] = (char) (port & 0xff);
    memcpy(ret + 2, protocol, protocol_bytes);
    return 2 + protocol_bytes;
}
