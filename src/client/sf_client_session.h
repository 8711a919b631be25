/*
 * sf_client_session.h
 *		What sf_client.c (session) and sf_client_*.c (what hangs on it) share (level 4).
 */
#ifndef SF_CLIENT_SESSION_H
#define SF_CLIENT_SESSION_H

#include "sf_auth.h"
#include "sf_describe.h"
#include "sf_http.h"
#include "sf_ingest_results_bulk1.h"
#include "sf_query_job.h"
#include "sf_query_job1.h"

/* Cleanup failures kept for the caller; more than this in one go say nothing new. */
#define SF_FAILURES_MAX 64

/*
 * What an ended object leaves to be done in the org: jobs to delete, answers that are awaited.  A
 * kind is how to go about it.
 */
typedef struct sf_remains_kind
{
	/* Moves it on: SF_WAIT, SF_DONE when nothing is left, SF_FAILED with a warning in *err. */
	sf_status (*step)(void *object, sf_error *err);

	/* A further warning, asked for when step is over, until it is false.  May be NULL. */
	bool (*take_warning)(void *object, sf_error *err);

	/* The warning (job_id set where there is one) when time is up before step is over. */
	void (*give_up)(const void *object, sf_error *err);

	void (*free)(void *object);
} sf_remains_kind;

typedef struct sf_remains
{
	struct sf_remains *next;
	const sf_remains_kind *kind;
	void *object;
} sf_remains;

struct sf_session
{
	sf_http *http;
	sf_auth_config config;
	int max_retries;

	sf_auth *auth;			 /* the login under way */
	bool access_token_given; /* SF_AUTH_ACCESS_TOKEN has one token and no second */

	sf_query *queries;
	sf_ingest *ingests;
	sf_remains *remains;
	int nremains;
	sf_error *failures; /* of clean-ups, oldest first */
	int nfailures;
	int failures_alloc; /* at least one: that rows were saved is told even when memory is out */
};

/* ---- in sf_client.c ---------------------------------------------------------------- */

/* Takes an object over that only wants to be gone; it is freed when nothing is left of it. */
extern void sf_session_discard(sf_session *s, const sf_remains_kind *kind, void *object);

/* ---- in sf_client_jobs.c ----------------------------------------------------------- */

/* Takes a query job over, to abort and delete it; one of Bulk API 1.0 is aborted, or closed. */
extern void sf_session_discard_job(sf_session *s, sf_query_job *job);
extern void sf_session_discard_job1(sf_session *s, sf_query_job1 *job);

/* ---- in sf_client_query.c ---------------------------------------------------------- */

/* Moves every query of the session on. */
extern void sf_queries_advance(sf_session *s);

/* ---- in sf_client_ingest.c --------------------------------------------------------- */

/* Moves every ingest job of the session on; true when one of them stands otherwise than before. */
extern bool sf_ingests_advance(sf_session *s);

/* The batches of a job of Bulk API 1.0, as many as its info says, for reading their results. */
extern void sf_ingest_copy_batches(const sf_ingest *ing, sf_results_batch *batches);

#endif /* SF_CLIENT_SESSION_H */
