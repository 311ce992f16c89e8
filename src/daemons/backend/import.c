/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import: reads the LDIF files of a domain and replaces what is in its cache by what is in them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/directory.h"
#include "backend/files.h"
#include "backend/import.h"
#include "backend/ldif.h"
#include "backend/mapping.h"
#include "backend/members.h"
#include "cache/writer.h"
#include "common/cleanup.h"
#include "config/config.h"
#include "util/log.h"

#define TRIES_MAX 3 /* when files change while they are read */
/* Who writes over a file may not be ready yet, and two changes within one tick of the kernel's clock have the
 * same time: younger files are left to settle. */
#define SETTLE_NSEC (100 * 1000 * 1000)
/* Of users in groups, all levels together: files of a few lines can mean any number. */
#define MEMBERSHIPS_MAX (50 * 1000 * 1000)

/* What is read, and the files that it points into. */
struct import {
    struct files files;
    struct ldif *texts; /* one for each file */
    size_t n_texts;
    struct directory directory;
};

static void import_done(struct import *import)
{
    for (size_t i = 0; i < import->n_texts; i++)
        ldif_done(&import->texts[i]);
    free(import->texts);
    directory_done(&import->directory);
    files_done(&import->files);
    *import = (struct import){ 0 };
}

/* ---- reading ---- */

static void set_rules(struct rules *rules, const struct config *config, const char *section)
{
    const char *cases = config_text(config, section, "case_sensitive");

    *rules = (struct rules){
        .min_id = config_u32(config, section, "min_id"),
        .max_id = config_u32(config, section, "max_id"),
        .ignore_case = strcasecmp(cases, "true") != 0,
        .lower_names = strcasecmp(cases, "false") == 0,
        .nesting_level = config_u32(config, section, "ldap_group_nesting_level"),
    };
}

static int read_file(struct import *import, const struct file *file)
{
    struct ldif *ldif = &import->texts[import->n_texts];
    struct ldif_entry entry;
    char *text;
    size_t bytes;
    int r;

    r = files_read(file->path, &text, &bytes);
    if (r < 0) {
        if (r != -EAGAIN)
            log_error_errno(r, "cannot read %s: %m", file->shown);
        return r;
    }
    ldif_init(ldif, text, bytes);
    import->n_texts++;

    while ((r = ldif_next(ldif, &entry)) > 0) {
        r = mapping_add(&import->directory, &entry, file->shown);
        if (r < 0)
            break;
    }
    if (r == -EBADMSG)
        log_error("%s:%lu: %s; the file is refused, entries stay as they were", file->shown,
                  ldif->bad_line, ldif->why);
    else if (r < 0)
        log_error_errno(r, "%s: %m", file->shown);
    return r;
}

static void settle(const struct files *files)
{
    struct timespec pause = { 0 }, now;
    uint64_t now_nsec;

    (void) clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
    now_nsec = (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
    if (files->changed_nsec > now_nsec || now_nsec - files->changed_nsec >= SETTLE_NSEC)
        return;
    pause.tv_nsec = (long) (SETTLE_NSEC - (now_nsec - files->changed_nsec));
    (void) nanosleep(&pause, NULL);
}

static int find_files(struct files *files, const struct items *items, const struct config *config,
                      const char *section)
{
    int r = files_find(files, items, config, section);

    if (r < 0)
        log_error_errno(r, "cannot read %s: %m", files->failed_path ? files->failed_path : "the LDIF files");
    return r;
}

/* Reads all files. -EAGAIN: they are not those of the mark any more. */
static int read_all(struct import *import, const struct items *items, const struct config *config,
                    const char *section)
{
    struct files after = { 0 };
    int r;

    r = find_files(&import->files, items, config, section);
    if (r < 0)
        return r;
    settle(&import->files);
    files_done(&import->files);
    r = find_files(&import->files, items, config, section);
    if (r < 0)
        return r;

    set_rules(&import->directory.rules, config, section);
    import->texts = calloc(import->files.n + 1, sizeof(*import->texts));
    if (!import->texts)
        return -ENOMEM;
    for (size_t i = 0; i < import->files.n && r == 0; i++)
        r = read_file(import, &import->files.all[i]);

    /* What looks broken may be half of a change. */
    if (r == 0 || r == -EBADMSG) {
        int found = files_find(&after, items, config, section);

        if (found < 0 || strcmp(after.mark, import->files.mark) != 0)
            r = -EAGAIN;
        files_done(&after);
    }
    return r;
}

/* ---- writing ---- */

struct membership {
    uint32_t user, gid;
};

struct writing {
    struct cache_writer *cache;
    struct directory *directory;
    struct members members;
    LIST(struct membership) memberships;
    uint32_t *order; /* numbers of users or groups by their ids */
};

static void writing_done(struct writing *writing)
{
    members_done(&writing->members);
    free(writing->memberships.at);
    free(writing->order);
}

static int compare(uint32_t left, uint32_t right)
{
    return left < right ? -1 : left > right;
}

/* Of those with one id the first in the files comes first: by the id it is the one that is found. */
static int compare_users(const void *a, const void *b, void *users)
{
    uint32_t left = *(const uint32_t *) a, right = *(const uint32_t *) b;
    int r = compare(((const struct user *) users)[left].uid, ((const struct user *) users)[right].uid);

    return r != 0 ? r : compare(left, right);
}

static int compare_groups(const void *a, const void *b, void *groups)
{
    uint32_t left = *(const uint32_t *) a, right = *(const uint32_t *) b;
    int r = compare(((const struct group *) groups)[left].gid, ((const struct group *) groups)[right].gid);

    return r != 0 ? r : compare(left, right);
}

static int put_in_order(struct writing *writing, size_t n, int (*compare_entries)(const void *, const void *, void *),
                        void *entries)
{
    free(writing->order);
    writing->order = calloc(n + 1, sizeof(*writing->order));
    if (!writing->order)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        writing->order[i] = (uint32_t) i;
    qsort_r(writing->order, n, sizeof(*writing->order), compare_entries, entries);
    return 0;
}

static int put_aliases(struct writing *writing, enum cache_kind kind, const struct range *aliases)
{
    char key[CACHE_NAME_BYTES_MAX + 1];
    int r = 0;

    for (uint32_t i = 0; i < aliases->n && r == 0; i++) {
        r = directory_key(writing->directory, writing->directory->texts.at[aliases->first + i], key);
        if (r == 0)
            r = cache_put_alias(writing->cache, kind, key);
    }
    return r;
}

static int put_group(struct writing *writing, uint32_t number)
{
    const struct group *group = &writing->directory->groups.at[number];
    struct members *members = &writing->members;
    char key[CACHE_NAME_BYTES_MAX + 1];
    int r;

    r = members_of(members, number);
    for (size_t i = 0; i < members->users.n && r == 0; i++) {
        struct membership membership = { members->users.at[i], group->gid };

        if (writing->memberships.n == MEMBERSHIPS_MAX)
            r = -E2BIG;
        else
            r = LIST_ADD(&writing->memberships, membership);
    }
    if (r == 0)
        r = directory_key(writing->directory, group->name, key);
    if (r == 0)
        r = cache_put_group(writing->cache, key,
                            &(struct cache_group){
                                .name = group->name,
                                .gid = group->gid,
                                .n_members = (uint32_t) members->n_names,
                                .members = members->names,
                                .members_bytes = members->names_bytes,
                            });
    return r < 0 ? r : put_aliases(writing, CACHE_GROUP, &group->aliases);
}

static int put_user(struct writing *writing, uint32_t number)
{
    const struct user *user = &writing->directory->users.at[number];
    char key[CACHE_NAME_BYTES_MAX + 1];
    int r;

    r = directory_key(writing->directory, user->name, key);
    if (r == 0)
        r = cache_put_user(writing->cache, key,
                           &(struct cache_user){
                               .name = user->name,
                               .gecos = user->gecos,
                               .home = user->home,
                               .shell = user->shell,
                               .uid = user->uid,
                               .gid = user->gid,
                           });
    return r < 0 ? r : put_aliases(writing, CACHE_USER, &user->aliases);
}

/* Turns who is in a group into which groups a user is in. Users are in order. */
static int put_gids(struct writing *writing)
{
    size_t n_users = writing->directory->users.n;
    CLEANUP(freep) size_t *end = calloc(n_users + 1, sizeof(*end));
    CLEANUP(freep) uint32_t *gids = calloc(writing->memberships.n + 1, sizeof(*gids));
    char key[CACHE_NAME_BYTES_MAX + 1];
    int r = 0;

    if (!end || !gids)
        return -ENOMEM;
    for (size_t i = 0; i < writing->memberships.n; i++)
        end[writing->memberships.at[i].user + 1]++;
    for (size_t i = 0; i < n_users; i++)
        end[i + 1] += end[i];
    /* end[i] is where user i begins, and is where it ends when its gids are in. */
    for (size_t i = 0; i < writing->memberships.n; i++)
        gids[end[writing->memberships.at[i].user]++] = writing->memberships.at[i].gid;

    for (size_t i = 0; i < n_users && r == 0; i++) {
        uint32_t number = writing->order[i];
        size_t begin = number > 0 ? end[number - 1] : 0;

        if (end[number] == begin)
            continue;
        r = directory_key(writing->directory, writing->directory->users.at[number].name, key);
        if (r == 0)
            r = cache_put_gids(writing->cache, key, gids + begin, end[number] - begin);
    }
    return r;
}

/* Texts of a range, one behind the other. */
static char *join(const struct directory *directory, const struct range *range, size_t *ret_bytes)
{
    size_t bytes = 0;
    char *joined, *to;

    for (uint32_t i = 0; i < range->n; i++)
        bytes += strlen(directory->texts.at[range->first + i]) + 1;
    joined = to = malloc(bytes + 1);
    for (uint32_t i = 0; joined && i < range->n; i++)
        to = stpcpy(to, directory->texts.at[range->first + i]) + 1;
    *ret_bytes = bytes;
    return joined;
}

static int put_netgroup(struct writing *writing, const struct netgroup *netgroup)
{
    struct cache_netgroup entry = { .name = netgroup->name,
                                    .n_triples = netgroup->triples.n / 3,
                                    .n_netgroups = netgroup->netgroups.n };
    CLEANUP(freep) char *triples = join(writing->directory, &netgroup->triples, &entry.triples_bytes);
    CLEANUP(freep) char *netgroups = join(writing->directory, &netgroup->netgroups, &entry.netgroups_bytes);
    char key[CACHE_NAME_BYTES_MAX + 1];
    int r;

    if (!triples || !netgroups)
        return -ENOMEM;
    entry.triples = triples;
    entry.netgroups = netgroups;
    r = directory_key(writing->directory, netgroup->name, key);
    if (r == 0)
        r = cache_put_netgroup(writing->cache, key, &entry);
    return r < 0 ? r : put_aliases(writing, CACHE_NETGROUP, &netgroup->aliases);
}

static int put_service_of_protocol(struct writing *writing, const struct service *service,
                                   struct cache_service *entry)
{
    const struct directory *directory = writing->directory;
    char key[CACHE_NAME_BYTES_MAX + 1];
    int r;

    r = directory_key(directory, service->name, key);
    if (r == 0)
        r = cache_put_service(writing->cache, key, entry);
    if (r == -EEXIST) {
        log_warning("service \"%s\" with protocol \"%s\": there are two; the second is left out", service->name,
                    entry->protocol);
        return 0;
    }
    for (uint32_t i = 0; i < service->aliases.n && r == 0; i++) {
        r = directory_key(directory, directory->texts.at[service->aliases.first + i], key);
        if (r == 0)
            r = cache_put_service_alias(writing->cache, key, entry->protocol);
        if (r == -EEXIST) /* the first keeps the name */
            r = 0;
    }
    return r;
}

static int put_service(struct writing *writing, const struct service *service)
{
    struct cache_service entry = { .name = service->name, .port = service->port, .n_aliases = service->aliases.n };
    CLEANUP(freep) char *aliases = join(writing->directory, &service->aliases, &entry.aliases_bytes);
    int r = 0;

    if (!aliases)
        return -ENOMEM;
    entry.aliases = aliases;
    for (uint32_t i = 0; i < service->protocols.n && r == 0; i++) {
        entry.protocol = writing->directory->texts.at[service->protocols.first + i];
        r = put_service_of_protocol(writing, service, &entry);
    }
    return r;
}

static int put_all(struct writing *writing)
{
    struct directory *directory = writing->directory;
    int r;

    r = members_init(&writing->members, directory);
    if (r == 0)
        r = put_in_order(writing, directory->groups.n, compare_groups, directory->groups.at);
    for (size_t i = 0; i < directory->groups.n && r == 0; i++)
        r = put_group(writing, writing->order[i]);
    if (r == 0)
        r = put_in_order(writing, directory->users.n, compare_users, directory->users.at);
    for (size_t i = 0; i < directory->users.n && r == 0; i++)
        r = put_user(writing, writing->order[i]);
    if (r == 0)
        r = put_gids(writing);
    for (size_t i = 0; i < directory->netgroups.n && r == 0; i++)
        r = put_netgroup(writing, &directory->netgroups.at[i]);
    for (size_t i = 0; i < directory->services.n && r == 0; i++)
        r = put_service(writing, &directory->services.at[i]);
    return r;
}

static int write_all(struct import *import, struct cache_writer *cache, const struct cache_state *state)
{
    struct writing writing = { .cache = cache, .directory = &import->directory };
    int r;

    r = cache_writer_begin(cache);
    if (r < 0)
        return r;
    r = put_all(&writing);
    writing_done(&writing);
    if (r < 0) {
        cache_writer_abort(cache);
        return r;
    }
    return cache_writer_commit(cache, state);
}

void import_lives(const struct config *config, const char *section, uint32_t ret_sec[CACHE_N_KINDS])
{
    static const char *const keys[CACHE_N_KINDS] = {
        [CACHE_USER] = "entry_cache_user_timeout",
        [CACHE_GROUP] = "entry_cache_group_timeout",
        [CACHE_NETGROUP] = "entry_cache_netgroup_timeout",
        [CACHE_SERVICE] = "entry_cache_service_timeout",
    };

    for (size_t i = 0; i < CACHE_N_KINDS; i++)
        ret_sec[i] = (uint32_t) ((config_usec(config, section, keys[i]) + 999999) / 1000000); /* a year at most */
}

/* What is damaged is made anew, once: entries are at hand. */
static int write_or_replace(struct import *import, struct cache_writer *cache, const struct cache_state *state,
                            const uint32_t lives_sec[CACHE_N_KINDS], unsigned flags)
{
    int r = flags & IMPORT_REPAIR ? cache_writer_verify(cache) : 0;

    cache_writer_set_lives(cache, lives_sec);
    for (bool is_new = false;;) {
        if (r == 0)
            r = write_all(import, cache, state);
        if (r == -ENOBUFS) { /* it is enlarged by beginning again */
            r = 0;
            continue;
        }
        if (r != -EIO || is_new)
            return r;
        log_warning("the cache is damaged: made anew");
        r = cache_writer_replace(cache);
        is_new = true;
    }
}

int import_run(const struct config *config, const char *domain, const struct items *items,
               const char *cache_dir, unsigned flags)
{
    CLEANUP(cache_writer_closep) struct cache_writer *cache = NULL;
    CLEANUP(freep) char *section = NULL;
    CLEANUP(import_done) struct import import = { 0 };
    struct cache_state state = { .is_complete = (flags & IMPORT_COMPLETE) != 0 };
    uint32_t lives_sec[CACHE_N_KINDS];
    int r = -EAGAIN;

    if (asprintf(&section, "domain/%s", domain) < 0) {
        section = NULL;
        return -ENOMEM;
    }
    for (int tries = 0; r == -EAGAIN && tries < TRIES_MAX; tries++) {
        import_done(&import);
        r = read_all(&import, items, config, section);
    }
    if (r == -EAGAIN)
        log_error("the LDIF files of %s change faster than they are read; entries stay as they were", domain);
    if (r < 0)
        return r;

    import_lives(config, section, lives_sec);
    state.updated = (uint64_t) time(NULL);
    for (size_t i = 0; i < CACHE_N_KINDS; i++)
        state.good_until[i] = state.updated + lives_sec[i];
    (void) snprintf(state.source, sizeof(state.source), "%s", import.files.mark);

    r = cache_writer_open(cache_dir, domain, &cache);
    if (r == 0)
        r = write_or_replace(&import, cache, &state, lives_sec, flags);
    if (r < 0) {
        log_error_errno(r, "cannot write the cache of %s in %s: %m; entries stay as they were", domain, cache_dir);
        return r;
    }

    if (import.directory.n_skipped > 0)
        log_warning("%s: %zu faults in the LDIF files, see above", domain, import.directory.n_skipped);
    log_info("%s: %zu users, %zu groups, %zu netgroups, %zu services from %zu files", domain,
             import.directory.users.n, import.directory.groups.n, import.directory.netgroups.n,
             import.directory.services.n, import.files.n);
    return 0;
}
