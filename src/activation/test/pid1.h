/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PID 1: a small one that speaks systemd's protocol at ./manager, for the tests of who asks it. The real one is asked in
 * tests/installcheck.
 *
 * What it knows of a unit is in ./units/NAME, a line "Property=value" each (of itself in ./units/systemd); a unit without a file
 * is not found. What it is told to do is noted in ./calls, "Start sssd.service fail", and done: by ./on-job VERB UNIT MODE where a
 * test has one, a shell script that changes units' files and prints how the job ends if that is not "done"; else Start and Restart
 * make a unit active, Stop makes it inactive. All hear of its end, who has asked for it last. Until then, the unit has this job; one
 * with a line "Job=stop" has that in any case. A file ./next/NAME takes its place when one property of it is asked for, or anything
 * is told.
 *
 * A daemon-reload is noted as "Reload", and runs ./on-reload where a test has one; that must not ask it anything.
 *
 * It refuses as systemd does: what is not found, to start what is masked ("LoadState=masked"), and in mode "fail" what
 * contradicts the job that the unit has. A line "VERB UNIT ERROR" in ./errors makes it refuse with that error of systemd's; there,
 * VERB may be "Get" (a property), "List" (states), or "Subscribe" and "Reload" with "-" for the unit, and ERROR "silence": no answer at all. */

#ifndef TEST_PID1_H
#define TEST_PID1_H

/* In the folder of a test. It ends with the test, or before: then nobody listens at ./manager until it starts again, and jobs that
 * are in work go on, as in a daemon-reexec. */
void pid1_starts(void);
void pid1_stops(void);

/* ./units/NAME has this line; "Property=" without a value takes it away. */
void unit_has(const char *unit, const char *line);
/* Its state ("active") and the job it has, "" for none. */
void unit_with_job(const char *unit, const char *active, const char *job);

/* ./on-job, whose $1 to $3 are verb, unit and mode. has UNIT LINE does in it what unit_has does. */
void jobs_do(const char *script);

/* What it was told to do, a line each; and what it was asked for, "sssd.service MainPID" or "a.service b.service". */
const char *pid1_calls(void);
const char *pid1_questions(void);

#endif
