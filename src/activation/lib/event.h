/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Event: the turns in a responder's or the monitor's life that administrators look for in the journal, each with a
 * message ID of its own. docs/administrators-guide.md lists them. */

#ifndef LIB_EVENT_H
#define LIB_EVENT_H

enum event {
    EVENT_ACTIVATED,   /* a client came and its responder starts */
    EVENT_LEFT,        /* a responder or the monitor has left; the reason tells why */
    EVENT_REFUSING,    /* clients are told "unavailable" */
    EVENT_HANDED_OVER, /* a responder's socket has another owner */
    EVENT_HOLD,        /* an administrator has stopped what runs */
    EVENTS,
};

/* Logs the sentence with the event's message ID and these fields: SSS_RESPONDER= ("nss", or "monitor"), SSS_REASON= (a
 * word or a sentence), and the unit of either, so that `journalctl -u` finds it. Where standard error is not the
 * journal's, the sentence goes there too. */
__attribute__((format(printf, 4, 5))) void event_log(enum event event, const char *responder, const char *reason,
                                                     const char *format, ...);

/* EVENT_ACTIVATED, for a daemon that accepts its clients itself: with SSS_CLIENT_UID= and SSS_CLIENT_EXE= of the first, who sits at
 * the other end of fd. The latter is as much as this process may see: the program, or what that was called by, or empty. Only the first
 * call of a process counts. */
void event_log_activated(const char *responder, int fd);

#endif
