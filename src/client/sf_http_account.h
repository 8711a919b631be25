/*
 * sf_http_account.h
 *		Who pays: what requests cost, by the object that they serve (level 2, part of sf_http).
 *
 * An account is what has been spent for one object of Salesforce.  What is begun on a connection set is
 * charged to the account that was current when it began, whatever follows from it later: whoever starts
 * requests one after the other keeps the account and passes it on (sf_http_spec.account).  Accounts
 * live as long as their set.  Nothing here fails: what there is no memory for goes to the account without
 * an object.
 */
#ifndef SF_HTTP_ACCOUNT_H
#define SF_HTTP_ACCOUNT_H

#include "sf_status.h"

/* Jobs whose account is remembered: more than are under way, or looked at behind their end, at a time. */
#define SF_JOBS_REMEMBERED 64

struct sf_http_account
{
	struct sf_http_account *next;
	sf_usage usage; /* since it was taken last */
};

typedef struct sf_job_account
{
	char job_id[SF_JOB_ID_MAX];
	struct sf_http_account *account;
} sf_job_account;

/* A member of struct sf_http: zeros are a good start. */
typedef struct sf_http_accounts
{
	struct sf_http_account common;	 /* of no object */
	struct sf_http_account *current; /* NULL: common */
	sf_job_account jobs[SF_JOBS_REMEMBERED];
	int next_job; /* the place for the next one */
} sf_http_accounts;

/* The account of an object; "" has the common one. */
extern struct sf_http_account *
sf_http_accounts_find(sf_http_accounts *accounts, const char *object);

/* Hands out what was spent on one account since the last time, and zeroes it; false: nothing was. */
extern bool sf_http_accounts_take(sf_http_accounts *accounts, sf_usage *usage);

extern void sf_http_accounts_clear(sf_http_accounts *accounts);

#endif /* SF_HTTP_ACCOUNT_H */
