/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data provider: a list of open questions, each with those who wait for its answer, and one connection for all. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "nss/dataprovider.h"
#include "util/log.h"

#define RETRY_MIN_USEC (20 * 1000ULL)
#define RETRY_MAX_USEC (500 * 1000ULL)

struct question;

struct dataprovider_call {
    struct question *question;
    struct dataprovider_call *next;
    dataprovider_on_answer_t on_answer;
    void *userdata;
};

struct question {
    struct dataprovider *provider; /* NULL while it is being answered */
    struct question *next;
    struct dataprovider_call *calls;
    sd_bus_slot *slot; /* NULL: not sent on this connection */
    uint64_t cookie;   /* of what was sent */
    sd_event_source *deadline;
    uint64_t end_usec; /* of its work, once it was taken; 0: never was */
    const char *kind;
    char *name;
    uint32_t id;
};

struct dataprovider {
    sd_event *event;
    char *path;
    uid_t owner;
    sd_bus *bus;
    sd_event_source *retry;
    uint64_t retry_usec;
    uint64_t unreachable_since_usec; /* the first failure since its last answer, or 0 */
    uint64_t silent_until_usec;
    bool is_heard;
    struct question *questions;
};

static void question_unlink(struct question *question)
{
    struct question **at = &question->provider->questions;

    while (*at != question)
        at = &(*at)->next;
    *at = question->next;
}

static struct question *question_free(struct question *question)
{
    struct dataprovider_call *call, *next;

    for (call = question->calls; call; call = next) {
        next = call->next;
        free(call);
    }
    sd_bus_slot_unref(question->slot);
    sd_event_source_disable_unref(question->deadline);
    free(question->name);
    free(question);
    return NULL;
}

/* Those who wait may ask anew, or cancel others, while they are told. */
static void question_answer(struct question *question, int r)
{
    struct dataprovider_call *call;

    question_unlink(question);
    question->provider = NULL;
    while ((call = question->calls)) {
        question->calls = call->next;
        call->on_answer(r, call->userdata);
        free(call);
    }
    question_free(question);
}

/* Whatever comes from the backend. */
static void alive(struct dataprovider *provider)
{
    provider->unreachable_since_usec = 0;
    provider->retry_usec = RETRY_MIN_USEC;
    provider->silent_until_usec = 0;
}

static int set_deadline(struct question *question, uint64_t end_usec)
{
    int r;

    r = sd_event_source_set_time(question->deadline, end_usec);
    return r < 0 ? r : sd_event_source_set_enabled(question->deadline, SD_EVENT_ONESHOT);
}

/* What was sent is still taken when the backend goes on, which tells us so. */
static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct question *question = userdata;

    (void) source;
    (void) usec;
    if (question->end_usec == 0) {
        if (!dataprovider_is_silent(question->provider))
            log_warning("backend at %s: it takes no questions; going on with what is known", question->provider->path);
        question->provider->silent_until_usec = now_usec() + DATAPROVIDER_SILENT_USEC;
    }
    question_answer(question, -ETIMEDOUT);
    return 0;
}

static void send_open(struct dataprovider *provider);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct dataprovider *provider = userdata;

    (void) source;
    (void) usec;
    provider->retry = sd_event_source_disable_unref(provider->retry);
    send_open(provider);
    return 0;
}

static void send_in(struct dataprovider *provider, uint64_t usec)
{
    int r;

    if (provider->retry)
        return;
    r = sd_event_add_time_relative(provider->event, &provider->retry, CLOCK_MONOTONIC, usec, 1, on_retry, provider);
    if (r < 0)
        log_error_errno(r, "cannot wait for the backend at %s: %m", provider->path);
}

static void disconnect(struct dataprovider *provider)
{
    struct question *question;
    uint64_t end = now_usec() + DATAPROVIDER_TAKEN_USEC;
    int r;

    for (question = provider->questions; question; question = question->next) {
        question->slot = sd_bus_slot_unref(question->slot);
        if (question->end_usec == 0)
            continue;
        /* Whoever takes it again does not get more time for it. */
        r = set_deadline(question, end < question->end_usec ? end : question->end_usec);
        if (r < 0)
            log_error_errno(r, "cannot wait for the backend at %s: %m", provider->path);
    }
    provider->is_heard = false;
    provider->bus = sd_bus_close_unref(provider->bus);
}

/* Tries again until that has taken too long. */
static void unreachable(struct dataprovider *provider, int r)
{
    uint64_t now = now_usec();

    disconnect(provider);
    if (provider->unreachable_since_usec == 0)
        provider->unreachable_since_usec = now;
    if (!provider->questions)
        return;
    if (now - provider->unreachable_since_usec < DATAPROVIDER_TAKEN_USEC) {
        send_in(provider, provider->retry_usec);
        provider->retry_usec = provider->retry_usec * 2 < RETRY_MAX_USEC ? provider->retry_usec * 2 : RETRY_MAX_USEC;
        return;
    }
    log_warning_errno(r, "cannot reach the backend at %s: %m; going on with what is known", provider->path);
    while (provider->questions)
        question_answer(provider->questions, r);
}

static int on_close(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct dataprovider *provider = userdata;

    (void) message;
    (void) error;
    unreachable(provider, -ECONNRESET);
    return 0;
}

static int on_reply(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct question *question = userdata;
    const sd_bus_error *failure;
    int online = 0, r;

    (void) error;
    failure = sd_bus_message_get_error(message);
    if (failure) {
        /* the connection's end: on_close, which comes with it, asks again */
        if (sd_bus_message_is_method_error(message, SD_BUS_ERROR_NO_REPLY) ||
            sd_bus_message_is_method_error(message, SD_BUS_ERROR_DISCONNECTED)) {
            question->slot = sd_bus_slot_unref(question->slot);
            return 0;
        }
        log_warning("backend at %s: %s: %s", question->provider->path, failure->name, failure->message);
        question_answer(question, 0);
        return 0;
    }

    alive(question->provider);
    question->provider->is_heard = true;
    r = sd_bus_message_read(message, "b", &online);
    if (r < 0)
        log_warning_errno(r, "cannot read an answer of the backend at %s: %m", question->provider->path);
    question_answer(question, r < 0 ? r : online != 0);
    return 0;
}

static int on_taken(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct dataprovider *provider = userdata;
    uint64_t cookie, patience_usec;
    struct question *question;
    int r;

    (void) error;
    r = sd_bus_message_read(message, "tt", &cookie, &patience_usec);
    if (r < 0) {
        log_warning_errno(r, "cannot read what the backend at %s says: %m", provider->path);
        return 0;
    }
    alive(provider);
    for (question = provider->questions; question; question = question->next)
        if (question->slot && question->cookie == cookie)
            break;
    if (!question)
        return 0;
    if (question->end_usec == 0)
        question->end_usec = now_usec() + patience_usec;
    r = set_deadline(question, question->end_usec);
    if (r < 0)
        log_error_errno(r, "cannot wait for the backend at %s: %m", provider->path);
    return 0;
}

static void message_unrefp(sd_bus_message **message)
{
    sd_bus_message_unref(*message);
}

static int question_send(struct question *question)
{
    CLEANUP(message_unrefp) sd_bus_message *message = NULL;
    int r;

    r = sd_bus_message_new_method_call(question->provider->bus, &message, NULL, BUS_PATH, BUS_DATAPROVIDER,
                                       "Refresh");
    if (r >= 0)
        r = sd_bus_message_append(message, "ssu", question->kind, question->name, question->id);
    if (r >= 0) /* the deadline is the question's */
        r = sd_bus_call_async(question->provider->bus, &question->slot, message, on_reply, question, UINT64_MAX);
    if (r >= 0)
        r = sd_bus_message_get_cookie(message, &question->cookie);
    return r;
}

static int connect_to_backend(struct dataprovider *provider)
{
    int r;

    r = bus_connect(provider->event, provider->path, provider->owner, &provider->bus);
    if (r < 0)
        return r;
    r = sd_bus_match_signal(provider->bus, NULL, NULL, BUS_PATH, BUS_DATAPROVIDER, "Taken", on_taken, provider);
    if (r >= 0)
        r = bus_watch_close(provider->bus, on_close, provider);
    return r;
}

/* Asks what has not been asked on this connection, which is made where there is none. */
static void send_open(struct dataprovider *provider)
{
    struct question *question;
    int r = 0;

    if (!provider->questions)
        return;
    if (!provider->bus)
        r = connect_to_backend(provider);
    for (question = provider->questions; question && r >= 0; question = question->next)
        if (!question->slot)
            r = question_send(question);
    if (r < 0)
        unreachable(provider, r);
}

int dataprovider_new(sd_event *event, const char *path, uid_t owner, struct dataprovider **ret)
{
    struct dataprovider *provider;

    provider = calloc(1, sizeof(*provider));
    if (!provider)
        return -ENOMEM;
    provider->path = strdup(path);
    if (!provider->path) {
        free(provider);
        return -ENOMEM;
    }
    provider->event = sd_event_ref(event);
    provider->owner = owner;
    provider->retry_usec = RETRY_MIN_USEC;
    *ret = provider;
    return 0;
}

struct dataprovider *dataprovider_free(struct dataprovider *provider)
{
    struct question *question;

    if (!provider)
        return NULL;
    disconnect(provider);
    while ((question = provider->questions)) {
        provider->questions = question->next;
        question_free(question);
    }
    sd_event_source_disable_unref(provider->retry);
    sd_event_unref(provider->event);
    free(provider->path);
    free(provider);
    return NULL;
}

static int question_new(struct dataprovider *provider, const char *kind, const char *name, uint32_t id,
                        struct question **ret)
{
    struct question *question;
    int r;

    question = calloc(1, sizeof(*question));
    if (!question)
        return -ENOMEM;
    question->name = strdup(name);
    if (!question->name) {
        free(question);
        return -ENOMEM;
    }
    r = sd_event_add_time_relative(provider->event, &question->deadline, CLOCK_MONOTONIC, DATAPROVIDER_TAKEN_USEC,
                                   10 * 1000, on_deadline, question);
    if (r < 0) {
        question_free(question);
        return r;
    }
    question->provider = provider;
    question->kind = kind;
    question->id = id;
    question->next = provider->questions;
    provider->questions = question;
    *ret = question;
    return 0;
}

int dataprovider_ask(struct dataprovider *provider, const char *kind, const char *name, uint32_t id,
                     dataprovider_on_answer_t on_answer, void *userdata, struct dataprovider_call **ret)
{
    CLEANUP(freep) struct dataprovider_call *call = NULL;
    struct question *question;
    int r;

    call = calloc(1, sizeof(*call));
    if (!call)
        return -ENOMEM;
    call->on_answer = on_answer;
    call->userdata = userdata;

    for (question = provider->questions; question; question = question->next)
        if (question->id == id && strcmp(question->kind, kind) == 0 && strcmp(question->name, name) == 0)
            break;
    if (!question) {
        r = question_new(provider, kind, name, id, &question);
        if (r < 0)
            return r;
    }
    call->question = question;
    call->next = question->calls;
    question->calls = call;
    *ret = TAKE(call);
    /* the answer must not come before this returns; equal questions that arrive together are one */
    send_in(provider, 0);
    return 0;
}

struct dataprovider_call *dataprovider_cancel(struct dataprovider_call *call)
{
    struct question *question;
    struct dataprovider_call **at;

    if (!call)
        return NULL;
    question = call->question;
    for (at = &question->calls; *at != call; at = &(*at)->next)
        ;
    *at = call->next;
    free(call);
    if (!question->calls && question->provider) {
        question_unlink(question);
        question_free(question);
    }
    return NULL;
}

bool dataprovider_is_silent(const struct dataprovider *provider)
{
    return now_usec() < provider->silent_until_usec;
}

bool dataprovider_is_heard(const struct dataprovider *provider)
{
    return provider->is_heard;
}
