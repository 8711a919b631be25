/*
 * governor.h
 *		May new work begin?  What the server's option api_reserve keeps back, and what the org's daily limits
 *		leave.
 *
 * Who must ask: whatever begins something of its own in Salesforce, before its first request.  Scans and each
 * of their new requests, ANALYZE, IMPORT FOREIGN SCHEMA, write statements and TRUNCATE, copies, functions
 * that read rows, lists or results.  Who must not: what goes on with work that was admitted (pages, polls,
 * the commit of what a statement has uploaded, rows sent again, participants of a parallel scan), what gives
 * back (aborting and deleting jobs, logging out), and what tells how things stand (limits, usage, the check
 * of a server).  What can be left out without harm, as an estimate, asks sfb_governor_allows and does
 * without.
 *
 * It never costs an API call to be asked, except where SFB_WORK_..._JOB says so.
 */
#ifndef SFB_GOVERNOR_H
#define SFB_GOVERNOR_H

#include "sfbulk_fdw.h"

/* What is about to begin. */
typedef enum SfbWork
{
	SFB_WORK_CALLS,		/* requests alone */
	SFB_WORK_QUERY,		/* a query that may become a bulk job, or not */
	SFB_WORK_QUERY_JOB, /* a bulk query job, for certain */
	SFB_WORK_INGEST_JOB /* rows that go by ingest jobs, or come by Bulk API 1.0, for certain */
} SfbWork;

/* Whose a session is. */
typedef struct SfbSessionOrigin
{
	Oid serverid;
	Oid umid;			/* the user mapping */
	Oid roleid;			/* whose mapping it was asked for last */
	double api_reserve; /* the server's option: a count, a share below 1; 0 is none */
} SfbSessionOrigin;

/*
 * ERROR (53400) when fewer API calls are left than api_reserve keeps back, or when the org's daily quota for
 * such jobs is used up: says how many are left and when there will be more.  Quotas of jobs are asked for
 * by one API call, with api_reserve alone, when nobody on this database cluster has looked for an hour and
 * jobs were made meanwhile.
 */
extern void sfb_governor_admit(sf_session *session, SfbWork work);

/* The same as an answer; never asks Salesforce. */
extern bool sfb_governor_allows(sf_session *session, SfbWork work);

/* Who is waited for: an error that comes now is about its org. */
extern void sfb_governor_note(const sf_session *session);

/*
 * When the window of the daily API calls moves, as far as this database knows, for an error that Salesforce
 * itself reports; NULL when nobody waits for anything.
 */
extern const char *sfb_governor_hint(void);

/* ---- in session.c -------------------------------------------------------------------- */

/* False when there is no such session any more. */
extern bool sfb_session_origin(const sf_session *session, SfbSessionOrigin *origin);

#endif /* SFB_GOVERNOR_H */
