/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Engines: which of the two is configured, which runs, and whether the other would take the configuration. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/why.h"
#include "lib/config.h"
#include "lib/services.h"
#include "tools/engines.h"
#include "tools/json.h"
#include "tools/providers.h"

#define SAYS_BYTES_MAX 16384
/* It reads files. */
#ifndef CHECK_USEC /* the tests' time is shorter */
#define CHECK_USEC UINT64_C(10000000)
#endif

/* --- Our own is asked ----------------------------------------------------------------------------------------------- */

/* With what it says in the pipe, and nothing of ours. */
static int spawn_check(int output, pid_t *ret)
{
    static char *const arguments[] = { (char *) ENGINE_MONITOR, (char *) "--check-config", NULL };
    static char *const environment[] = { (char *) "LC_ALL=C.UTF-8", (char *) "_SSS_LOOPS=NO", NULL };
    posix_spawn_file_actions_t actions;
    int r;

    r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    if (r == 0)
        r = posix_spawn(ret, ENGINE_MONITOR, &actions, NULL, arguments, environment);
    (void) posix_spawn_file_actions_destroy(&actions); /* always succeeds */
    return -r;
}

/* Until it ends, or has said more than anybody reads. 0 or a negative errno. */
static int hear(int from, char *ret)
{
    const uint64_t end = now_usec() + CHECK_USEC;
    size_t used = 0;

    for (;;) {
        struct pollfd polled = { .fd = from, .events = POLLIN };
        int r = poll(&polled, 1, (int) (usec_until(end) / 1000));
        ssize_t n;

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return r < 0 ? -errno : -ETIMEDOUT;
        n = read(from, ret + used, SAYS_BYTES_MAX - 1 - used);
        if (n < 0)
            return -errno;
        used += (size_t) n;
        ret[used] = '\0';
        if (n == 0 || used == SAYS_BYTES_MAX - 1)
            return 0;
    }
}

/* A terminal shall not take orders from what a file has. */
static void tidy(char *text)
{
    size_t n = strlen(text);

    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    for (char *c = text; *c; c++)
        if (((unsigned char) *c < 0x20 && *c != '\n') || *c == 0x7f)
            *c = '?';
}

static int own_takes(char **ret_why)
{
    CLEANUP(closep) int from = -1;
    CLEANUP(freep) char *says = calloc(1, SAYS_BYTES_MAX);
    int fds[2], status = 0, r;
    pid_t pid;

    if (geteuid() != 0)
        return -EACCES;
    if (!says || pipe2(fds, O_CLOEXEC) < 0)
        return says ? -errno : -ENOMEM;
    from = fds[0];
    r = spawn_check(fds[1], &pid);
    (void) close(fds[1]); /* the child has its own */
    if (r < 0)
        return r;

    r = hear(from, says);
    closep(&from); /* who has more to say ends by that */
    from = -1;
    if (r < 0)
        (void) kill(pid, SIGKILL); /* our own child */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (r < 0)
        return r;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 1;
    tidy(says);
    return say_why(0, ret_why, "%s", says[0] ? says : ENGINE_MONITOR " --check-config ended without a word");
}

/* --- SSSD is known -------------------------------------------------------------------------------------------------- */

/* Only ours has it, whatever this machine's modules look like. */
static int has_ldif(const struct conf *config, const struct domains *domains, char **ret_why)
{
    static const char *const keys[] = { "id_provider", "auth_provider", "access_provider", "chpass_provider", "sudo_provider",
                                        "autofs_provider", "resolver_provider" };

    for (size_t i = 0; i < domains->n; i++)
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            CLEANUP(freep) char *section = NULL;
            const char *value;

            if (asprintf(&section, "domain/%s", domains->names[i]) < 0) {
                section = NULL;
                return -ENOMEM;
            }
            value = conf_get(config, section, keys[k], NULL);
            if (value && strcasecmp(value, "ldif") == 0)
                return say_why(1, ret_why, "[%s] %s: SSSD has no \"ldif\"", section, keys[k]);
        }
    return 0;
}

static int sssd_takes(char **ret_why)
{
    CLEANUP(conf_freep) struct conf *config = NULL;
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    struct services services;
    int r;

    r = config_load_of(false, NULL, NULL, &config, ret_why);
    if (r == 0)
        return 1; /* there is none */
    if (r > 0)
        r = services_read(config, &services, ret_why);
    if (r > 0)
        r = domains_read(config, &domains, ret_why);
    if (r > 0) {
        r = has_ldif(config, &domains, ret_why);
        r = r < 0 ? r : !r;
    }
    return r > 0 ? providers_are_there(config, ret_why) : r;
}

static bool has_configuration(void)
{
    CLEANUP(conf_freep) struct conf *config = NULL;
    CLEANUP(freep) char *why = NULL;

    return config_load_of(true, NULL, NULL, &config, &why) != 0;
}

int engine_takes(bool own, char **ret_why)
{
    int r;

    *ret_why = NULL;
    r = !own ? sssd_takes(ret_why) : has_configuration() ? own_takes(ret_why) : 1;
    if (r == 0 && *ret_why)
        tidy(*ret_why);
    if (r >= 0 || r == -ENOMEM || r == -ENOENT || r == -ETIMEDOUT || (r == -EACCES && geteuid() != 0))
        return r;
    /* The configuration as such is refused: its files' modes, its text. */
    if (*ret_why)
        tidy(*ret_why);
    return *ret_why ? 0 : say_why(0, ret_why, "%s", strerror(-r));
}

/* --- What is told --------------------------------------------------------------------------------------------------- */

void engines_read(int main_pid, struct engines *ret)
{
    *ret = (struct engines) { .own = engine_is_own(), .runs = engine_of_process(main_pid) };
    engine_read_word(ret->word);
    if (strcmp(ret->word, engine_word(true)) == 0)
        (void) engine_has_programs(&ret->missing);
    if (access(ENGINE_TRY, F_OK) == 0) {
        engine_read_word_of(ENGINE_TRY, ret->back);
        if (strcmp(ret->back, engine_word(true)) != 0)
            (void) snprintf(ret->back, sizeof(ret->back), "%s", engine_word(false)); /* fits */
    }
    ret->has_other = ret->own || engine_has_programs(NULL);
    ret->takes = ret->has_other ? engine_takes(!ret->own, &ret->says) : -ENOENT;
}

void engines_done(struct engines *engines)
{
    free(engines->says);
    engines->says = NULL;
}

static bool is_other_than_configured(const struct engines *engines)
{
    return engines->runs == (engines->own ? RUNS_SSSD : RUNS_OWN);
}

void engines_print(const struct engines *engines, FILE *out)
{
    const char *other = engine_word(!engines->own);

    (void) fprintf(out, "engine: %s", engine_word(engines->own));
    if (engines->missing)
        (void) fprintf(out, ", since %s is not there", engines->missing);
    else if (!engines->own && engines->word[0] && strcmp(engines->word, engine_word(false)) != 0)
        (void) fprintf(out, ", since " ENGINE_FILE " says neither own nor sssd");
    if (is_other_than_configured(engines))
        (void) fprintf(out, "; until sssd.service is restarted, %s runs ('sss_activation engine %s' does that)", other,
                       engine_word(engines->own));
    (void) fputc('\n', out);
    if (engines->back[0])
        (void) fprintf(out, "        for a trial: %s comes back by itself unless you type 'sss_activation engine --keep'\n",
                       engines->back);
    if (engines->has_other && engines->takes > 0)
        (void) fprintf(out, "        %s would take the configuration, too\n", other);
    else if (engines->has_other && engines->takes == 0)
        (void) fprintf(out, "        %s would not take the configuration: %s\n", other, engines->says ? engines->says : "");
}

static json_t *runs_to_json(enum engine_runs runs)
{
    return runs == RUNS_OWN || runs == RUNS_SSSD ? json_string(engine_word(runs == RUNS_OWN)) : json_null();
}

json_t *engines_to_json(const struct engines *engines)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:{s:s, s:b, s:o, s:o}}", "configured", engine_word(engines->own), "word",
                     json_text_or_null(engines->word), "running", runs_to_json(engines->runs), "back_to",
                     json_text_or_null(engines->back), "other", "name", engine_word(!engines->own), "installed",
                     engines->has_other, "takes_configuration",
                     engines->takes < 0 ? json_null() : json_boolean(engines->takes), "says",
                     json_text_or_null(engines->takes == 0 ? engines->says : NULL));
}
