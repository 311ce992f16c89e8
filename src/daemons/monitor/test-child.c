/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A service for the monitor's tests, in FOLDER/libexec. How it behaves is in FOLDER/does.NAME: a word a life, the last one
 * for all further lives. It tells what it sees in FOLDER/events. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "bus/bus.h"
#include "config/config.h"
#include "config/image.h"
#include "util/paths.h"

static char name[128];

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
    FILE *file = fopen("events", "a");
    va_list arguments;

    if (!file)
        abort();
    setvbuf(file, NULL, _IOFBF, 4096);
    va_start(arguments, format);
    fprintf(file, "%s ", name);
    vfprintf(file, format, arguments);
    fputc('\n', file);
    va_end(arguments);
    if (fclose(file) != 0)
        abort();
}

/* Takes the first word off the list, unless it is the last one. */
static void next_deed(char deed[32])
{
    char path[256], rest[1024] = "";
    FILE *file;

    strcpy(deed, "register");
    (void) snprintf(path, sizeof(path), "does.%s", strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
    file = fopen(path, "r+");
    if (!file)
        return;
    if (flock(fileno(file), LOCK_EX) < 0 || fscanf(file, "%31s", deed) != 1)
        abort();
    if (fscanf(file, " %1023[^\n]", rest) == 1) {
        rewind(file);
        if (ftruncate(fileno(file), 0) < 0 || fprintf(file, "%s\n", rest) < 0)
            abort();
    }
    (void) fclose(file);
}

static int on_call(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    (void) userdata;
    (void) error;
    tell("%s", sd_bus_message_get_member(message));
    return sd_bus_reply_method_return(message, NULL);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("RotateLogs", NULL, NULL, on_call, 0),
    SD_BUS_METHOD("ClearMemcache", NULL, NULL, on_call, 0),
    SD_BUS_METHOD("GoOffline", NULL, NULL, on_call, 0),
    SD_BUS_METHOD("ResetOffline", NULL, NULL, on_call, 0),
    SD_BUS_VTABLE_END,
};

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const sd_bus_error *failure = sd_bus_message_get_error(message);
    struct config *part = NULL;
    const void *image;
    uint32_t restarts;
    uint16_t version;
    size_t bytes;

    (void) userdata;
    (void) error;
    if (failure) {
        tell("refused: %s", failure->message);
        return 0;
    }
    if (sd_bus_message_read(message, "q", &version) < 0 || sd_bus_message_read_array(message, 'y', &image, &bytes) < 0 ||
        sd_bus_message_read(message, "u", &restarts) < 0 || config_from_image(image, bytes, &part) < 0)
        abort();
    tell("registered: %u restarts, domains %s", restarts, config_text(part, "sssd", "domains"));
    config_freep(&part);
    return 0;
}

static int on_closed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    (void) message;
    (void) error;
    tell("closed");
    return sd_event_exit(userdata, 0);
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void) source;
    (void) info;
    (void) userdata;
    tell("ending");
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

static void register_as(sd_event *event, const char *as)
{
    static sd_bus *buses[3]; /* until its end, which leak checkers would not see of local ones */
    static size_t n;
    sd_bus **bus = &buses[n++];

    if (bus_connect(event, "run/" MONITOR_BUS_NAME, getuid(), bus) < 0 || bus_watch_close(*bus, on_closed, event) < 0 ||
        sd_bus_add_object_vtable(*bus, NULL, BUS_PATH, BUS_SERVICE, vtable, NULL) < 0 ||
        sd_bus_call_method_async(*bus, NULL, NULL, BUS_PATH, BUS_MONITOR, "RegisterService", on_answer, NULL,
                                 BUS_REGISTER_TAKES, as, BUS_VERSION) < 0)
        abort();
}

static void tell_start(int argc, char **argv)
{
    char line[512] = "";

    for (int i = 1; i < argc; i++)
        (void) snprintf(line + strlen(line), sizeof(line) - strlen(line), " %s", argv[i]);
    tell("started:%s%s%s", line, getenv("NOTIFY_SOCKET") ? " NOTIFY_SOCKET" : "",
         getenv("_SSS_LOOPS") && strcmp(getenv("_SSS_LOOPS"), "NO") == 0 ? "" : " loops");
}

int main(int argc, char **argv)
{
    char *program = strrchr(argv[0], '/');
    static sd_event *event; /* likewise */
    sigset_t set;
    char deed[32];

    if (argc > 2 && strcmp(argv[1], "--domain") == 0)
        (void) snprintf(name, sizeof(name), "domain/%s", argv[2]);
    else
        (void) snprintf(name, sizeof(name), "%s", program + strlen("/sssd_"));
    *program = '\0';
    if (chdir(argv[0]) < 0 || chdir("..") < 0)
        abort();
    tell_start(argc, argv);
    next_deed(deed);

    if (strcmp(deed, "fail") == 0)
        return 3;
    if (strcmp(deed, "crash") == 0)
        (void) raise(SIGKILL);

    (void) sigemptyset(&set);
    (void) sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || sd_event_new(&event) < 0)
        abort();
    if (strcmp(deed, "stubborn") == 0)
        (void) signal(SIGTERM, SIG_IGN);
    else if (sd_event_add_signal(event, NULL, SIGTERM, on_terminate, NULL) < 0)
        abort();

    if (strcmp(deed, "liar") == 0) /* wants another's name, then its own, and then that again */
        register_as(event, "nss");
    if (strcmp(deed, "stranger") == 0)
        register_as(event, "pam");
    if (strcmp(deed, "silent") == 0)
        tell("silent");
    else
        register_as(event, name);
    if (strcmp(deed, "twice") == 0)
        register_as(event, name);
    if (strcmp(deed, "late") == 0)
        (void) usleep(300000);
    return sd_event_loop(event) < 0 ? 1 : 0;
}
