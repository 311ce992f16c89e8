/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any texts as sssd.conf and a snippet, which a byte 0xff parts.
 *
 * What is refused has a reason, and what counts can be found again, in a file that has it, on a
 * line that is there. */

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/conf.h"
#include "common/replay.h"

static char dir[] = "/tmp/fuzz-conf-XXXXXX";
static const char *texts[2];
static size_t sizes[2];
static bool has_zero; /* blanks before it are not cut */

/* Each text is put in the place of a file, so that none is written. */
static void make_file(const char *name)
{
    static const struct timespec long_ago[2] = { { .tv_sec = 1000000000 },
                                                 { .tv_sec = 1000000000 } };
    CLEANUP(closep) int dir_fd = open(dir, O_PATH | O_CLOEXEC);
    CLEANUP(closep) int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert(fd >= 0 && write(fd, "#", 1) == 1 && utimensat(dir_fd, name, long_ago, 0) == 0);
}

static void remove_files(void)
{
    CLEANUP(closep) int dir_fd = open(dir, O_PATH | O_CLOEXEC);

    (void) unlinkat(dir_fd, "conf.d/10.conf", 0); /* what is not removed stays in /tmp */
    (void) unlinkat(dir_fd, "conf.d", AT_REMOVEDIR);
    (void) unlinkat(dir_fd, "sssd.conf", 0);
    (void) rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    CLEANUP(freep) char *snippets = NULL;

    (void) argc;
    (void) argv;
    assert(mkdtemp(dir) && asprintf(&snippets, "%s/conf.d", dir) > 0 && mkdir(snippets, 0700) == 0);
    assert(atexit(remove_files) == 0);
    make_file("sssd.conf");
    make_file("conf.d/10.conf");
    return 0;
}

static void instead(const char *path, const char **text, size_t *bytes, void *userdata)
{
    bool is_snippet = strstr(path, "/conf.d/") != NULL;

    (void) userdata;
    *text = texts[is_snippet];
    *bytes = sizes[is_snippet];
}

static int on_option(const struct conf_setting *at, void *userdata)
{
    const struct conf *conf = userdata;
    const char *file = at->file, *value = conf_get(conf, at->section, at->key, &file);
    struct conf_setting again;
    unsigned lines = 1;

    assert(!isspace((unsigned char) at->value[0]));
    assert(!at->value[0] || has_zero || !isspace((unsigned char) at->value[strlen(at->value) - 1]));
    assert(value ? strcmp(value, at->value) == 0 : !at->value[0]);
    assert(conf_find(conf, at->section, at->key, &again) && again.file == at->file &&
           file == at->file);
    for (const char *c = at->text; *c; c++)
        lines += *c == '\n';
    assert(conf_line(at) <= lines);
    return 0;
}

static int on_section(const struct conf_setting *at, void *userdata)
{
    assert(!at->key && conf_find(userdata, at->section, NULL, NULL));
    (void) conf_line(at);
    return conf_each_option(userdata, at->section, on_option, userdata);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *all = (const char *) data, *part = bytes > 0 ? memchr(all, 0xff, bytes) : NULL;
    struct conf_policy policy = conf_policies[bytes % ENGINES];
    CLEANUP(conf_freep) struct conf *conf = NULL;
    CLEANUP(freep) char *why = NULL;
    int r;

    texts[0] = all;
    sizes[0] = part ? (size_t) (part - all) : bytes;
    has_zero = bytes > 0 && memchr(all, '\0', bytes);
    texts[1] = part ? part + 1 : "#";
    sizes[1] = part ? bytes - sizes[0] - 1 : 1;
    policy.uid = geteuid();
    policy.gid = getegid();
    r = conf_read(dir, "sssd.conf", &policy, instead, NULL, &conf, &why);
    assert(r == 1 ? !why : r < 0 && why && why[0]);
    if (r == 1)
        assert(conf_each_section(conf, on_section, conf) == 0);
    return 0;
}
