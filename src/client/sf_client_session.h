/*
 * sf_client_session.h
 *		What sf_client.c (session) and sf_client_query.c (queries) share (level 4).
 */
#ifndef SF_CLIENT_SESSION_H
#define SF_CLIENT_SESSION_H

#include "sf_auth.h"
#include "sf_describe.h"
#include "sf_http.h"
#include "sf_query_job.h"

/* Cleanup failures kept for the caller; more than this in one go say nothing new. */
#define SF_FAILURES_MAX 64

/* A job that nobody wants any more. */
typedef struct sf_remains
{
	struct sf_remains *next;
	sf_query_job *job;
} sf_remains;

struct sf_session
{
	sf_http *http;
	sf_auth_config config;
	int max_retries;

	sf_auth *auth;			 /* the login under way */
	bool access_token_given; /* SF_AUTH_ACCESS_TOKEN has one token and no second */

	sf_query *queries;
	sf_remains *remains;
	int nremains;
	sf_error *failures; /* of clean-ups, oldest first */
	int nfailures;
};

/* ---- in sf_client.c ---------------------------------------------------------------- */

/* Takes a job over for clean-up; it is freed when it is gone. */
extern void sf_session_discard_job(sf_session *s, sf_query_job *job);

/* ---- in sf_client_query.c ---------------------------------------------------------- */

/* Moves every query of the session on. */
extern void sf_queries_advance(sf_session *s);

#endif /* SF_CLIENT_SESSION_H */
