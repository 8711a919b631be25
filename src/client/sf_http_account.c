/*
 * sf_http_account.c
 *		Who pays: what requests cost, by the object that they serve.
 */
#include "sf_http_account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sf_http_impl.h"

struct sf_http_account *
sf_http_accounts_find(sf_http_accounts *accounts, const char *object)
{
	struct sf_http_account *account;

	if (object == NULL || object[0] == '\0')
		return &accounts->common;
	for (account = accounts->common.next; account != NULL; account = account->next)
	{
		if (strcasecmp(account->usage.object, object) == 0)
			return account;
	}
	account = calloc(1, sizeof(*account));
	if (account == NULL)
		return &accounts->common;
	sf_text_copy(account->usage.object, sizeof(account->usage.object), object, strlen(object));
	account->next = accounts->common.next;
	accounts->common.next = account;
	return account;
}

static bool
is_spent(const sf_usage *u)
{
	return u->api_calls != 0 || u->logins != 0 || u->query_jobs != 0 || u->ingest_jobs != 0 ||
		   u->batches != 0 || u->result_bytes != 0 || u->bytes_sent != 0 ||
		   u->bytes_received != 0;
}

bool
sf_http_accounts_take(sf_http_accounts *accounts, sf_usage *usage)
{
	for (struct sf_http_account *a = &accounts->common; a != NULL; a = a->next)
	{
		if (!is_spent(&a->usage))
			continue;
		*usage = a->usage;
		memset(&a->usage, 0, sizeof(a->usage));
		memcpy(a->usage.object, usage->object, sizeof(a->usage.object));
		return true;
	}
	return false;
}

void
sf_http_accounts_clear(sf_http_accounts *accounts)
{
	while (accounts->common.next != NULL)
	{
		struct sf_http_account *a = accounts->common.next;

		accounts->common.next = a->next;
		free(a);
	}
}

/* ---- the set's --------------------------------------------------------------------- */

void
sf_http_set_account(sf_http *h, const char *object)
{
	h->accounts.current = sf_http_accounts_find(&h->accounts, object);
}

sf_http_account *
sf_http_current_account(sf_http *h)
{
	return h->accounts.current != NULL ? h->accounts.current : &h->accounts.common;
}

void
sf_http_use_account(sf_http *h, sf_http_account *account)
{
	h->accounts.current = account;
}

void
sf_http_remember_job(sf_http *h, const char *job_id, sf_http_account *account)
{
	sf_job_account *place = &h->accounts.jobs[h->accounts.next_job];

	snprintf(place->job_id, sizeof(place->job_id), "%s", job_id);
	place->account = account;
	h->accounts.next_job = (h->accounts.next_job + 1) % SF_JOBS_REMEMBERED;
}

void
sf_http_set_account_of_job(sf_http *h, const char *job_id)
{
	h->accounts.current = &h->accounts.common;
	for (int i = 0; i < SF_JOBS_REMEMBERED; i++)
	{
		if (h->accounts.jobs[i].account != NULL &&
			strcmp(h->accounts.jobs[i].job_id, job_id) == 0)
			h->accounts.current = h->accounts.jobs[i].account;
	}
}

void
sf_http_charge(sf_http_account *account, sf_charge what, int64_t n)
{
	sf_usage *u = &account->usage;

	switch (what)
	{
		case SF_CHARGE_QUERY_JOBS:
			u->query_jobs += n;
			break;
		case SF_CHARGE_INGEST_JOBS:
			u->ingest_jobs += n;
			break;
		case SF_CHARGE_BATCHES:
			u->batches += n;
			break;
		case SF_CHARGE_RESULT_BYTES:
			u->result_bytes += n;
			break;
	}
}

void
sf_http_charge_attempt(const sf_http_request *req, bool sent)
{
	sf_usage *usage = &req->account->usage;

	if (!sent && req->body_read == 0 && req->headers.status == 0 &&
		(req->upload == NULL || req->upload->taken == 0))
		return;
	if (req->login)
		usage->logins++;
	else
		usage->api_calls += req->issued > 1 ? req->issued : 1; /* curl sends some again */
	usage->bytes_sent += req->upload != NULL ? req->upload->taken : (int64_t) req->body_len;
	usage->bytes_received += req->attempt_bytes;
}

bool
sf_http_take_usage(sf_http *h, sf_usage *usage)
{
	return sf_http_accounts_take(&h->accounts, usage);
}

/* ---- what the org says is left ----------------------------------------------------- */

static const char *const quota_names[SF_QUOTA_COUNT] = {
	[SF_QUOTA_QUERY_JOBS] = "DailyBulkV2QueryJobs",
	[SF_QUOTA_QUERY_FILES_MB] = "DailyBulkV2QueryFileStorageMB",
	[SF_QUOTA_BATCHES] = "DailyBulkApiBatches",
};

void
sf_http_note_limit(sf_http *h, const char *name, int64_t max, int64_t remaining)
{
	for (int i = 0; i < SF_QUOTA_COUNT; i++)
	{
		if (strcmp(name, quota_names[i]) == 0)
			h->quotas[i] = (sf_quota_reading){max, remaining, sf_mux_now()};
	}
}

bool
sf_http_quota(const sf_http *h, sf_quota which, int64_t *max, int64_t *remaining,
			  int64_t *age_ms)
{
	const sf_quota_reading *reading = &h->quotas[which];

	*max = reading->max;
	*remaining = reading->remaining;
	*age_ms = sf_mux_now() - reading->at;
	return reading->at != 0;
}
